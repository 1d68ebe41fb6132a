//! What a rule looks at: a tree of all, any and not over conditions on one field each.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Status;
use crate::id::{AccountId, CategoryId};
use crate::money::Amount;

macro_rules! choice {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
        }
    };
}

choice! {
    /// A text of a transaction.
    TextField {
        /// The raw description as the bank gave it.
        Description,
        /// The payee as set so far: by a person, or else by the rules that ran before.
        Payee,
        /// The notes as set so far.
        Notes,
        /// The tags as set so far: one of them has to compare.
        Tags,
        /// The name of the account.
        Account,
        /// The name of the category as set so far.
        Category,
        /// The cheque number or reference.
        Reference,
        /// The other party's account, as the bank's file has it: the member `counterparty_account`
        /// of the metadata.
        CounterpartyAccount,
        /// The merchant category code (ISO 18245): the member `mcc` of the metadata.
        Mcc,
    }
}

choice! {
    /// How a text is compared.
    TextOp {
        /// The whole text is the value.
        Is,
        /// The value stands somewhere in the text.
        Contains,
        /// The text starts with the value.
        Starts,
        /// The text ends with the value.
        Ends,
        /// The value is a regular expression that matches somewhere in the first 512 bytes of the
        /// text. Accents count in it; letter case counts where asked.
        Regex,
        /// There is no text; it takes no values.
        Empty,
    }
}

choice! {
    /// Which way money goes.
    Direction {
        /// Into the account: the amount is above zero.
        In,
        /// Out of the account: the amount is below zero.
        Out,
    }
}

choice! {
    /// A day of the week.
    Weekday {
        /// Monday.
        Monday,
        /// Tuesday.
        Tuesday,
        /// Wednesday.
        Wednesday,
        /// Thursday.
        Thursday,
        /// Friday.
        Friday,
        /// Saturday.
        Saturday,
        /// Sunday.
        Sunday,
    }
}

choice! {
    /// Something that a transaction has or has not.
    Feature {
        /// A category, or parts with categories of their own.
        Category,
        /// A payee.
        Payee,
        /// At least one tag.
        Tags,
        /// Notes.
        Notes,
        /// At least one attachment.
        Attachments,
        /// Parts: it is split.
        Splits,
        /// Another side: it is part of a transfer.
        Transfer,
    }
}

/// When a rule applies: a tree whose leaves look at one field each.
///
/// On the wire a node names its kind:
///
/// ```
/// use fiscaflow_core::model::Condition;
///
/// let json = r#"{"kind": "all", "of": [
///     {"kind": "text", "field": "description", "op": "contains", "values": ["rewe", "edeka"]},
///     {"kind": "amount", "min": "-50.00", "max": "0"}
/// ]}"#;
/// let condition: Condition = serde_json::from_str(json)?;
/// assert!(matches!(condition, Condition::All { of } if of.len() == 2));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(no_recursion))]
pub enum Condition {
    /// Every one of these holds; true of an empty list.
    All {
        /// The parts.
        of: Vec<Condition>,
    },
    /// At least one of these holds; false of an empty list.
    Any {
        /// The parts.
        of: Vec<Condition>,
    },
    /// None of these holds.
    Not {
        /// The parts.
        of: Vec<Condition>,
    },
    /// A text compares with at least one of the values. An absent text compares as empty.
    Text {
        /// The text looked at.
        field: TextField,
        /// How it is compared.
        op: TextOp,
        /// What it is compared with.
        values: Vec<String>,
        /// Whether it is compared as written; letter case and accents do not count where absent.
        #[serde(default)]
        case_sensitive: bool,
    },
    /// The signed amount lies within bounds. With a direction beside it, an inflow or outflow does.
    Amount {
        /// The lower bound, included; none where absent.
        min: Option<Amount>,
        /// The upper bound, included; none where absent.
        max: Option<Amount>,
        /// The lower bound, not included; none where absent.
        above: Option<Amount>,
        /// The upper bound, not included; none where absent.
        below: Option<Amount>,
        /// Whether the sign is left out of account.
        #[serde(default)]
        absolute: bool,
    },
    /// The amount is about this much: as near as `within` or `percent` says, 7.5 percent where both
    /// are absent.
    AmountNear {
        /// The amount.
        value: Amount,
        /// How far off it may be.
        within: Option<Amount>,
        /// How far off it may be, in percent of the value.
        percent: Option<Amount>,
        /// Whether the sign is left out of account.
        #[serde(default)]
        absolute: bool,
    },
    /// The account is kept in one of these currencies.
    Currency {
        /// Their codes.
        codes: Vec<String>,
    },
    /// Money goes this way.
    Direction {
        /// In or out.
        is: Direction,
    },
    /// The booking date lies within bounds, both included.
    Date {
        /// The first day; none where absent.
        #[serde(default, deserialize_with = "crate::period::maybe_date")]
        from: Option<NaiveDate>,
        /// The last day; none where absent.
        #[serde(default, deserialize_with = "crate::period::maybe_date")]
        to: Option<NaiveDate>,
    },
    /// The booking date is at most so many days before or after a day.
    DateNear {
        /// The day.
        #[serde(deserialize_with = "crate::period::date")]
        date: NaiveDate,
        /// How many days off it may be.
        days: u32,
    },
    /// The booking date is one of these days of the week.
    Weekday {
        /// The days.
        is: Vec<Weekday>,
    },
    /// The booking date is one of these days of the month.
    DayOfMonth {
        /// The days, from 1 to 31.
        days: Vec<u32>,
        /// Whether the last day of a month counts, too.
        #[serde(default)]
        last: bool,
    },
    /// The transaction is in one of these accounts.
    Account {
        /// The accounts.
        ids: Vec<AccountId>,
    },
    /// The transaction is in one of these categories as set so far, or in one below them.
    Category {
        /// The categories.
        ids: Vec<CategoryId>,
    },
    /// The status as set so far is one of these.
    Status {
        /// The statuses.
        is: Vec<Status>,
    },
    /// The transaction has this; put it under `not` for what it has not.
    Has {
        /// What it has.
        what: Feature,
    },
    /// The balance of the account at the end of the booking day lies within bounds, both included:
    /// this transaction and what the book knows by now.
    Balance {
        /// The lower bound; none where absent.
        min: Option<Amount>,
        /// The upper bound; none where absent.
        max: Option<Amount>,
    },
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Condition")
    }
}

impl Condition {
    /// The parts of a node; none of a leaf.
    pub(crate) fn parts(&self) -> &[Self] {
        match self {
            Self::All { of } | Self::Any { of } | Self::Not { of } => of,
            _ => &[],
        }
    }

    /// Whether this or a part of it is such a condition.
    pub(crate) fn has(&self, is: &impl Fn(&Self) -> bool) -> bool {
        is(self) || self.parts().iter().any(|part| part.has(is))
    }
}
