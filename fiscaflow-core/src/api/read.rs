//! Reading shapes from JSON, so that an error never holds what was given.
//!
//! A deserialiser's own texts quote the input: values, wrong variants, unknown members. Here its
//! error is made of what kind of thing went wrong, of what our own types expect, and of the path;
//! the texts of others are dropped.

use std::fmt::{self, Display};

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{
    self, DeserializeOwned, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::error::{Error, ErrorCode, Result};

/// The longest member that stands in a path.
const MAX_NAME: usize = 64;

/// Reads a shape from JSON. An error names the field by its path and never quotes what was given.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_path_to_error::deserialize(Reader(value)).map_err(|error| {
        let path = shown(error.path());
        let Refusal { error, missing } = error.into_inner();
        match (path.as_str(), missing) {
            ("", Some(name)) => error.field(name),
            ("", None) => error,
            _ => error.field(path),
        }
    })
}

/// A path as callers know it, such as `splits[0].amount`. A member that cannot be one of ours is
/// the caller's text and does not stand there.
fn shown(path: &Path) -> String {
    let mut shown = String::new();
    for segment in path {
        let name = match segment {
            Segment::Seq { index } => {
                shown.push_str(&format!("[{index}]"));
                continue;
            }
            Segment::Map { key } if is_name(key) => key,
            Segment::Enum { variant } if is_name(variant) => variant,
            _ => "?",
        };
        if !shown.is_empty() {
            shown.push('.');
        }
        shown.push_str(name);
    }
    shown
}

fn is_name(key: &str) -> bool {
    key.len() <= MAX_NAME && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// What a deserialiser finds wrong, in our words.
#[derive(Debug)]
struct Refusal {
    error: Error,
    /// The member that is missing, which is no part of the path.
    missing: Option<&'static str>,
}

impl Refusal {
    fn new(message: String) -> Self {
        Self { error: Error::new(ErrorCode::InvalidInput, message), missing: None }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<T: Display>(text: T) -> Self {
        // Our own types say by a code what is wrong; a text of anyone else may quote the input.
        match Error::from_serde(&text.to_string()) {
            Some(error) => Self { error, missing: None },
            None => Self::new("the value cannot be read".to_owned()),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}, found {}", sort(&found)))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}"))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("expected one of {}", listed(expected)))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("unknown field; known are {}", listed(expected)))
    }

    fn missing_field(field: &'static str) -> Self {
        let refusal = Self::new(format!("missing field `{field}`"));
        Self { missing: Some(field), ..refusal }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("duplicate field `{field}`"))
    }
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn sort(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a list",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}

/// No shape has a place for a fraction: amounts are texts. What the JSON library says of one quotes
/// it, unless it is ours.
fn refused_fraction(error: serde_json::Error) -> Refusal {
    match Error::from_serde(&error.to_string()) {
        Some(error) => Refusal { error, missing: None },
        None => Refusal::new("a fraction has no place here".to_owned()),
    }
}

/// JSON as a deserialiser whose errors are ours.
struct Reader(Value);

impl<'de> IntoDeserializer<'de, Refusal> for Reader {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

type Members<'de> = MapDeserializer<'de, std::vec::IntoIter<(String, Reader)>, Refusal>;

fn members<'de>(map: serde_json::Map<String, Value>) -> Members<'de> {
    let members: Vec<(String, Reader)> =
        map.into_iter().map(|(name, value)| (name, Reader(value))).collect();
    MapDeserializer::new(members.into_iter())
}

impl<'de> Deserializer<'de> for Reader {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => number.deserialize_any(visitor).map_err(refused_fraction),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(list) => {
                let mut list = SeqDeserializer::new(list.into_iter().map(Reader));
                let value = visitor.visit_seq(&mut list)?;
                list.end().map(|()| value)
            }
            Value::Object(map) => {
                let mut members = members(map);
                let value = visitor.visit_map(&mut members)?;
                members.end().map(|()| value)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self.0 {
            Value::String(text) => IntoDeserializer::<Refusal>::into_deserializer(text)
                .deserialize_enum(name, variants, visitor),
            Value::Object(map) => {
                MapAccessDeserializer::new(members(map)).deserialize_enum(name, variants, visitor)
            }
            _ => Err(Refusal::new(format!("expected one of {}", listed(variants)))),
        }
    }

    /// A list is no object whose members come in the order of our source.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self.0 {
            Value::Array(_) => Err(Refusal::new("expected an object, found a list".to_owned())),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_any(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::{NewAccount, NewRule, NewTransaction, TransactionPatch};

    const ID: &str = "018f0000-0000-7000-8000-000000000001";

    #[test]
    fn an_error_names_the_field() {
        // Holds: the path leads to the value at fault, or to the member that is missing.
        fn field<T: DeserializeOwned + fmt::Debug>(value: Value) -> Option<String> {
            read::<T>(value).unwrap_err().at_field().map(str::to_owned)
        }
        assert_eq!(field::<NewAccount>(json!({})).as_deref(), Some("name"));
        assert_eq!(field::<NewAccount>(json!({"nmae": "Giro"})).as_deref(), Some("nmae"));
        assert_eq!(field::<NewAccount>(json!([])), None);
        let split = json!({"account_id": ID, "booking_date": "2026-03-01", "amount": "1",
            "splits": [{"amount": 1.5}]});
        assert_eq!(field::<NewTransaction>(split).as_deref(), Some("splits[0].amount"));
    }

    #[test]
    fn a_list_is_no_object() {
        // Holds: members are read by their names alone, at the top and within.
        let list = |error: Error| {
            assert_eq!(error.message(), "expected an object, found a list");
            error.at_field().map(str::to_owned)
        };
        assert_eq!(list(read::<NewAccount>(json!(["Giro"])).unwrap_err()), None);
        let part = json!({"account_id": ID, "booking_date": "2026-03-01", "amount": "1",
            "splits": [["1"]]});
        let error = read::<NewTransaction>(part).unwrap_err();
        assert_eq!(list(error).as_deref(), Some("splits[0]"));
    }

    #[test]
    fn an_error_says_what_is_expected_and_not_what_was_given() {
        // Holds: the text names our own types and choices, and the sort of what was found.
        let said = |value: Value| {
            let error = read::<TransactionPatch>(value).unwrap_err();
            (error.message().to_owned(), error.at_field().unwrap_or_default().to_owned())
        };
        let expect = |value, message: &str, field: &str| {
            assert_eq!(said(value), (message.to_owned(), field.to_owned()));
        };
        let statuses = "expected one of `pending`, `posted`, `reconciled`, `void`, `disputed`";
        expect(json!({"status": "Anna Secret"}), statuses, "status");
        expect(json!({"status": 7}), statuses, "status");
        expect(json!({"payee": 1234}), "expected a string, found a number", "payee");
        expect(json!({"payee": 1234.56}), "a fraction has no place here", "payee");
        expect(json!({"tags": "say \"Anna\""}), "expected a sequence, found a string", "tags");
        expect(json!({"category_id": "Anna"}), "the value cannot be read", "category_id");
        assert_eq!(said(json!({"Anna Secret": 1})).1, "?");
        let said = said(json!({"metadata": {"DE99 1234": 5}}));
        assert_eq!(said, ("expected a string, found a number".to_owned(), "metadata.?".to_owned()));
    }

    /// JSON in whose every text, number and member something private stands.
    fn private() -> impl Strategy<Value = Value> {
        let leaf = prop::sample::select(vec![
            json!("Anna Secret"),
            json!("say \"Secret\" now"),
            json!("invalid_amount Secret"),
            json!("Secret: \\\"Secret"),
            json!(77_777.25),
            json!(-77_777),
            json!(77_777_777_777_777_u64),
            json!(true),
            Value::Null,
        ]);
        leaf.prop_recursive(3, 24, 4, |part| {
            let name = prop::sample::select(vec![
                "account_id",
                "booking_date",
                "amount",
                "status",
                "payee",
                "tags",
                "splits",
                "metadata",
                "condition",
                "actions",
                "kind",
                "of",
                "values",
                "Secret name",
            ]);
            let parts =
                prop::collection::btree_map(name.prop_map(str::to_owned), part.clone(), 0..5);
            prop_oneof![
                prop::collection::vec(part, 0..4).prop_map(Value::Array),
                parts.prop_map(|parts| Value::Object(parts.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn an_error_holds_nothing_that_was_given(
            value in private(),
            place in prop::sample::select(vec![
                "status", "splits", "condition", "amount", "metadata",
            ]),
        ) {
            // Holds: whatever is given in whatever place, no text or number of it is in the error.
            let mut new = json!({"account_id": ID, "booking_date": "2026-03-01", "amount": "1",
                "name": "x", "actions": []});
            if let Some(new) = new.as_object_mut() {
                new.insert(place.to_owned(), value.clone());
            }
            let errors = [
                read::<NewTransaction>(value.clone()).err(),
                read::<NewTransaction>(new.clone()).err(),
                read::<NewRule>(new).err(),
                read::<crate::api::Call>(value).err(),
            ];
            for error in errors.into_iter().flatten() {
                let text = format!("{error:?}");
                for private in ["Anna", "Secret", "77"] {
                    prop_assert!(!text.contains(private), "{text}");
                }
            }
        }
    }

    #[test]
    fn what_json_means_is_read_as_before() {
        // Holds: this reader and the one of the JSON library read the same from what both take.
        let values = [
            json!({"name": "r", "condition": {"kind": "all", "of": [
                {"kind": "text", "field": "payee", "op": "is", "values": ["a", "b"]},
                {"kind": "amount", "min": "-1.5", "absolute": true},
                {"kind": "date", "from": "2026-03-01", "to": null},
            ]}, "actions": [{"kind": "add_tag", "tag": "x"}], "priority": -3, "stop": true}),
            json!({"name": "r", "stage": "pre", "condition": {"kind": "not", "of": []},
                "actions": [{"kind": "set_category", "category_id": ID}]}),
        ];
        for value in values {
            let theirs: NewRule = serde_json::from_value(value.clone()).unwrap();
            assert!(read::<NewRule>(value).unwrap() == theirs);
        }
    }
}
