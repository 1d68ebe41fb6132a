//! Documents: what a book has few of. They load whole and make up its plan.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Account, Alert, Assignment, Book, Budget, Category, Dismissal, Envelope, Goal, Import, Layout,
    Member, Milestone, Payee, RateSheet, Rule, Schedule, Secret, TransferRefusal,
};
use crate::error::{Error, Result};

macro_rules! documents {
    ($(
        $variant:ident = $text:literal, personal $personal:expr, key |$object:ident| $key:expr;
    )*) => {
        /// The kind of a document. A new kind needs no new table and no new store method.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum DocumentKind { $(
            #[doc = concat!("See [`", stringify!($variant), "`].")]
            $variant,
        )* }

        impl DocumentKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The kind's stored name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The members that hold personal text, or a digest that would confirm a guess at
            /// it: they enter the history by commitment only.
            pub(crate) const fn personal(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &$personal,)* }
            }
        }

        /// A document of a book.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Document { $(
            #[doc = concat!("A document of kind `", $text, "`.")]
            $variant($variant),
        )* }

        impl Document {
            /// Its kind.
            pub const fn kind(&self) -> DocumentKind {
                match self { $(Self::$variant(_) => DocumentKind::$variant,)* }
            }

            /// What names it among the documents of its kind.
            pub fn key(&self) -> String {
                match self { $(Self::$variant($object) => $key,)* }
            }

            /// Its members as JSON.
            pub(crate) fn to_map(&self) -> Result<Map<String, Value>> {
                match self { $(Self::$variant(object) => members(object),)* }
            }

            /// Reads what [`Document::to_map`] wrote.
            pub(crate) fn from_map(kind: DocumentKind, map: Map<String, Value>) -> Result<Self> {
                match kind { $(DocumentKind::$variant => read(map).map(Self::$variant),)* }
            }
        }

        $(impl From<$variant> for Document {
            fn from(object: $variant) -> Self {
                Self::$variant(object)
            }
        })*
    };
}

documents! {
    Book = "book", personal ["name", "learning"], key |book| book.id.to_string();
    Member = "member", personal ["name"], key |member| member.actor.to_string();
    Account = "account", personal ["name", "number", "bank_id"], key |account| account.id.to_string();
    Category = "category", personal ["name"], key |category| category.id.to_string();
    Payee = "payee", personal ["name", "aliases"], key |payee| payee.id.to_string();
    Rule = "rule", personal ["name", "condition", "actions"], key |rule| rule.id.to_string();
    Budget = "budget", personal ["name", "tags"], key |budget| budget.id.to_string();
    Envelope = "envelope", personal [], key |envelope| envelope.category_id.to_string();
    Assignment = "assignment", personal [], key |assignment| assignment.month.to_string();
    Import = "import", personal ["file_name", "digest"], key |import| import.id.to_string();
    Layout = "layout", personal ["name", "csv"], key |layout| layout.id.to_string();
    TransferRefusal = "transfer_refusal", personal [], key |refusal|
        format!("{}/{}", refusal.from_id, refusal.to_id);
    Schedule = "schedule", personal ["name", "payee"], key |schedule| schedule.id.to_string();
    Goal = "goal", personal ["name"], key |goal| goal.id.to_string();
    RateSheet = "rate_sheet", personal [], key |sheet| format!("{}/{}", sheet.date, sheet.base);
    Alert = "alert", personal [], key |alert|
        format!("{}/{}/{}/{}", alert.budget_id, alert.from, alert.to, alert.threshold);
    Dismissal = "dismissal", personal [], key |it| it.insight_id.clone();
    Milestone = "milestone", personal [], key |it| format!("{}/{}", it.goal_id, it.percent);
    Secret = "secret", personal ["sealed"], key |secret| secret.name().key();
}

impl Document {
    /// The stored bytes: JSON.
    pub fn encode(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(&self.to_map()?).map_err(|error| Error::corrupt(error.to_string()))
    }

    /// Reads stored bytes.
    pub fn decode(kind: DocumentKind, bytes: &[u8]) -> Result<Self> {
        let map = serde_json::from_slice(bytes).map_err(|_| unreadable(kind))?;
        Self::from_map(kind, map)
    }
}

impl std::str::FromStr for DocumentKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|kind| kind.as_str() == text);
        found.copied().ok_or_else(|| Error::corrupt(format!("unknown kind of document `{text}`")))
    }
}

fn members<T: Serialize>(object: &T) -> Result<Map<String, Value>> {
    match serde_json::to_value(object) {
        Ok(mut value) if value.is_object() => {
            // Hashed bytes must not depend on whether a build keeps the order of members.
            value.sort_all_objects();
            Ok(std::mem::take(value.as_object_mut().unwrap_or(&mut Map::new())))
        }
        _ => Err(Error::corrupt("a document is not an object")),
    }
}

fn read<T: DeserializeOwned>(map: Map<String, Value>) -> Result<T> {
    serde_json::from_value(Value::Object(map))
        .map_err(|_| Error::corrupt("a stored document cannot be read"))
}

fn unreadable(kind: DocumentKind) -> Error {
    Error::corrupt(format!("a stored `{}` cannot be read", kind.as_str()))
}
