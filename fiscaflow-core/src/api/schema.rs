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
    ($name:ty, $format:literal, $about:expr) => {
        #[cfg(feature = "schema")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                crate::api::schema::string($format, $about)
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
    collect::<crate::engine::ImportProgress>(&mut found);
    // What only the variants of an enum refer to is not collected with it.
    collect::<crate::model::Condition>(&mut found);
    collect::<crate::model::TextField>(&mut found);
    collect::<crate::model::TextOp>(&mut found);
    collect::<crate::model::Direction>(&mut found);
    collect::<crate::model::Weekday>(&mut found);
    collect::<crate::model::Feature>(&mut found);
    collect::<crate::calendar::CalendarUnit>(&mut found);
    collect::<crate::calendar::Recurrence>(&mut found);
    collect::<crate::calendar::RecurrenceDay>(&mut found);
    collect::<crate::calendar::WeekendPolicy>(&mut found);
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
pub(crate) fn string(format: &str, about: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .format(Some(SchemaFormat::Custom(format.to_owned())))
        .description(Some(about))
        .into()
}

/// One of some strings.
#[cfg(feature = "schema")]
pub(crate) fn choice<'a>(values: impl IntoIterator<Item = &'a str>, about: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .enum_values(Some(values))
        .description(Some(about))
        .into()
}

#[cfg(all(test, feature = "schema"))]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_to_a_schema() {
        let schemas = schemas();
        let text = serde_json::to_string(&schemas).unwrap();
        let references = text.split("#/components/schemas/").skip(1);
        let names: Vec<&str> = references.filter_map(|rest| rest.split('"').next()).collect();
        assert!(names.len() > 100);
        let missing: Vec<_> = names.iter().filter(|name| !schemas.contains_key(**name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
