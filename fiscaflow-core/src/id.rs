//! Typed ids: a UUID that knows what it names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};

macro_rules! ids {
    ($(#[doc = $about:literal] $name:ident, $what:literal;)*) => {$(
        #[doc = $about]
        ///
        /// The text form is the hyphenated UUID. Callers may choose ids themselves, which makes a
        /// repeated create safe.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Uuid::parse_str(text).map(Self).map_err(|_| {
                    Error::invalid(concat!($what, "_id"), concat!("the ", $what, " id is not a UUID"))
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        crate::api::schema::string_schema!($name, "uuid", $about.trim());
    )*};
}

ids! {
    /// Names a book.
    BookId, "book";
    /// Names an account of a book.
    AccountId, "account";
    /// Names a category of a book.
    CategoryId, "category";
    /// Names a payee of a book.
    PayeeId, "payee";
    /// Names a rule of a book.
    RuleId, "rule";
    /// Names a budget of a book.
    BudgetId, "budget";
    /// Names a transaction of a book.
    TransactionId, "transaction";
    /// Names one run of an import.
    ImportId, "import";
    /// Names a layout of delimited files.
    LayoutId, "layout";
    /// Names a schedule of a book.
    ScheduleId, "schedule";
    /// Names a goal of a book.
    GoalId, "goal";
    /// Names a domain event.
    EventId, "event";
}
