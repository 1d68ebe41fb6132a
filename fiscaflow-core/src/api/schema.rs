//! Schemas of every shape that crosses a boundary, from which servers make their OpenAPI document
//! and bindings their types.

#[cfg(feature = "schema")]
use std::collections::BTreeMap;

#[cfg(feature = "schema")]
use utoipa::openapi::RefOr;
#[cfg(feature = "schema")]
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};

/// Gives a type the schema of a string of some format.
macro_rules! string_schema {
    ($name:ty, $format:literal) => {
        #[cfg(feature = "schema")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                crate::api::schema::string($format)
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::ToSchema for $name {}
    };
}
pub(crate) use string_schema;

/// Schemas by name.
#[cfg(feature = "schema")]
pub type Schemas = BTreeMap<String, RefOr<Schema>>;

/// The schemas of all requests and answers of [`VERBS`](super::VERBS), and of what they refer to.
#[cfg(feature = "schema")]
pub fn schemas() -> Schemas {
    let mut found = Schemas::new();
    super::verbs::collect_schemas(&mut found);
    collect::<crate::engine::Context>(&mut found);
    found
}

#[cfg(feature = "schema")]
pub(super) fn collect<T: utoipa::ToSchema>(found: &mut Schemas) {
    let mut nested = Vec::new();
    T::schemas(&mut nested);
    found.extend(nested);
    found.insert(T::name().into_owned(), T::schema());
}

/// A string of some format.
#[cfg(feature = "schema")]
pub(crate) fn string(format: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .format(Some(SchemaFormat::Custom(format.to_owned())))
        .into()
}
