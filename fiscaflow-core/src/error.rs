//! One error type in three lanes.
//!
//! A caller acts on the lane: it changes its request (*rejected*), tries again (*unavailable*) or
//! stops (*corrupt*). The code names the reason and never changes; the list of codes is a golden
//! file that every language's tests read. Texts hold no amounts, payees or SQL.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a caller should do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// A domain answer: the same request will fail again, so the caller must change something.
    Rejected,
    /// The store could not answer now: the same request may succeed later.
    Unavailable,
    /// What is stored contradicts itself: stop and look.
    Corrupt,
}

impl Lane {
    /// The lane's name on the wire.
    ///
    /// ```
    /// assert_eq!(fiscaflow_core::Lane::Rejected.as_str(), "rejected");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal in $lane:ident;)*) => {
        /// The reason of an error, stable across versions and languages.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ErrorCode { $($(#[$doc])* $variant,)* }

        impl ErrorCode {
            /// Every code, in the order of the golden list.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The code's name on the wire, in snake case.
            ///
            /// ```
            /// assert_eq!(fiscaflow_core::ErrorCode::BookNotFound.as_str(), "book_not_found");
            /// ```
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The lane in which this code travels.
            pub const fn lane(self) -> Lane {
                match self { $(Self::$variant => Lane::$lane,)* }
            }
        }
    };
}

codes! {
    /// A field is missing, malformed or out of its range; `field` names it.
    InvalidInput = "invalid_input" in Rejected;
    /// A text, list, page or file is larger than its limit; `field` names it.
    LimitExceeded = "limit_exceeded" in Rejected;
    /// The verb is not one of the engine's.
    UnknownVerb = "unknown_verb" in Rejected;
    /// An amount is not a decimal number in its plain form.
    InvalidAmount = "invalid_amount" in Rejected;
    /// An amount has more decimal places than its currency.
    AmountScale = "amount_scale" in Rejected;
    /// A sum or product does not fit into 64-bit minor units.
    AmountOverflow = "amount_overflow" in Rejected;
    /// The currency code is neither in ISO 4217 nor registered in the book.
    UnknownCurrency = "unknown_currency" in Rejected;
    /// Two amounts in different currencies met where one is needed.
    CurrencyMismatch = "currency_mismatch" in Rejected;
    /// The book has no rate between two currencies for a day; the text names all three.
    RateMissing = "rate_missing" in Rejected;
    /// A date does not exist or is not in the form `YYYY-MM-DD`.
    InvalidDate = "invalid_date" in Rejected;
    /// No such book, or the actor is not a member of it: the two answer alike.
    BookNotFound = "book_not_found" in Rejected;
    /// The actor's role does not allow this.
    Forbidden = "forbidden" in Rejected;
    /// The book has no object of that kind with that id.
    NotFound = "not_found" in Rejected;
    /// The id is taken by an object with other content.
    IdConflict = "id_conflict" in Rejected;
    /// An object of that kind with that name exists already.
    NameTaken = "name_taken" in Rejected;
    /// A category would become its own ancestor.
    CategoryCycle = "category_cycle" in Rejected;
    /// The splits do not add up to the transaction's amount.
    SplitSum = "split_sum" in Rejected;
    /// The two transactions cannot be the two sides of one transfer.
    InvalidTransfer = "invalid_transfer" in Rejected;
    /// The transaction is reconciled: its amount, date and account are locked.
    Reconciled = "reconciled" in Rejected;
    /// A rule names the object, which therefore stays; `id` names the rule.
    InUse = "in_use" in Rejected;
    /// The last owner of a book cannot leave or be demoted.
    LastOwner = "last_owner" in Rejected;
    /// Later commits stand in the way of taking one back; `id` names them by their sequence
    /// numbers, the newest first, separated by commas, at most 20.
    UndoBlocked = "undo_blocked" in Rejected;
    /// What the commit did is never taken back; the text says why.
    NotUndoable = "not_undoable" in Rejected;
    /// A past point of the book is asked, where nothing can be written.
    ReadOnly = "read_only" in Rejected;
    /// The idempotency key was used for a request with other content.
    IdempotencyKeyReused = "idempotency_key_reused" in Rejected;
    /// What was asked for was erased.
    Erased = "erased" in Rejected;
    /// What was asked for stood in a commit that is sealed; `id` names the commit.
    Sealed = "sealed" in Rejected;
    /// Events of commits that would be sealed have not come to a sink; `id` names the commit up to
    /// which all have.
    Undelivered = "undelivered" in Rejected;
    /// The cursor was not issued for this query.
    InvalidCursor = "invalid_cursor" in Rejected;
    /// A rule's regular expression is refused; the text says why.
    InvalidPattern = "invalid_pattern" in Rejected;
    /// The regular expressions of the rules would take too long over these transactions; `id`
    /// names the rule whose turn it was.
    RulesTooSlow = "rules_too_slow" in Rejected;
    /// The file is of no format that can be read.
    UnknownFormat = "unknown_format" in Rejected;
    /// The file breaks its own format; `line` and `field` say where.
    MalformedFile = "malformed_file" in Rejected;
    /// The file can be read in two ways; `line` and `field` say where, the text names both.
    AmbiguousFile = "ambiguous_file" in Rejected;
    /// The bank refused the request whose answer the file is.
    BankRefused = "bank_refused" in Rejected;
    /// A statement's account could not be matched with one of the book.
    AccountUnknown = "account_unknown" in Rejected;
    /// Outside help refuses what it is asked, or the host gave nobody to ask: somebody has to
    /// change the host's settings.
    SuggesterRefused = "suggester_refused" in Rejected;
    /// The host gave no master key for secrets, or not the one that a secret was sealed under.
    SecretKeyMissing = "secret_key_missing" in Rejected;
    /// The book moved on while deciding, more often than is retried.
    Conflict = "conflict" in Unavailable;
    /// The store cannot be reached or is busy.
    StoreUnavailable = "store_unavailable" in Unavailable;
    /// There is no space left for the write.
    StorageFull = "storage_full" in Unavailable;
    /// The engine or store was closed.
    Closed = "closed" in Unavailable;
    /// Outside help does not answer, or not in a form that can be read.
    SuggesterUnavailable = "suggester_unavailable" in Unavailable;
    /// The database was written by a newer version; the text names both.
    SchemaTooNew = "schema_too_new" in Corrupt;
    /// A stored row cannot be decoded or contradicts another.
    CorruptData = "corrupt_data" in Corrupt;
    /// The history does not fit its hashes; `id` names the commit.
    HistoryBroken = "history_broken" in Corrupt;
    /// A secret does not open: it was altered, or sealed for another place.
    SecretUnreadable = "secret_unreadable" in Corrupt;
    /// The history is shorter than a checkpoint that somebody holds; the text names both sizes.
    HistoryRolledBack = "history_rolled_back" in Corrupt;
    /// The history is another than that of a checkpoint that somebody holds; the text names the
    /// sizes of both.
    HistoryForked = "history_forked" in Corrupt;
    /// A defect of the engine itself.
    Internal = "internal" in Corrupt;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for ErrorCode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let codes = Self::ALL.iter().map(|code| code.as_str());
        crate::api::schema::choice(codes, "The reason of an error, stable across versions.")
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for ErrorCode {}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let found = Self::ALL.iter().find(|code| code.as_str() == text);
        found.copied().ok_or_else(|| serde::de::Error::custom("unknown error code"))
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Reads a type from its text, so that the code of what is wrong with it survives.
macro_rules! read_from_text {
    ($name:ty) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(crate::error::Error::into_serde)
            }
        }
    };
}
pub(crate) use read_from_text;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be done.
///
/// ```
/// use fiscaflow_core::{Error, ErrorCode, Lane};
///
/// let error = Error::new(ErrorCode::SplitSum, "splits must add up to the amount").field("splits");
/// assert_eq!(error.lane(), Lane::Rejected);
/// assert_eq!(error.to_string(), "splits must add up to the amount");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Error {
    code: ErrorCode,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl Error {
    /// An error with its code and a text for people: lower case, input in backticks.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None, line: None, id: None }
    }

    /// Names the field of the request or of the file's record.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Names the line of the file, counted from 1.
    #[must_use]
    pub fn line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// Names the object concerned.
    #[must_use]
    pub fn id(mut self, id: impl fmt::Display) -> Self {
        self.id = Some(id.to_string());
        self
    }

    /// The stable reason.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What the caller should do: see [`Lane`].
    pub fn lane(&self) -> Lane {
        self.code.lane()
    }

    /// The text for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The field of the request or of the file's record, where one is at fault.
    pub fn at_field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The line of the file, counted from 1, where one is at fault.
    pub fn at_line(&self) -> Option<u64> {
        self.line
    }

    /// The object concerned, where there is one.
    pub fn of_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// This error as a deserialiser's: [`Error::from_serde`] finds the code again.
    pub(crate) fn into_serde<E: serde::de::Error>(self) -> E {
        E::custom(format_args!("{}: {}", self.code, self.message))
    }

    /// The error of ours that [`Error::into_serde`] wrote into a deserialiser's text; `None` for
    /// any other text.
    pub(crate) fn from_serde(text: &str) -> Option<Self> {
        let (code, message) = text.split_once(": ")?;
        let code = ErrorCode::ALL.iter().find(|known| known.as_str() == code)?;
        Some(Self::new(*code, message))
    }

    /// Names a field unless one is named already.
    pub(crate) fn or_field(self, field: &str) -> Self {
        if self.field.is_some() { self } else { self.field(field) }
    }

    /// Names an object unless one is named already.
    pub(crate) fn or_id(self, id: impl fmt::Display) -> Self {
        if self.id.is_some() { self } else { self.id(id) }
    }

    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidInput, message).field(field)
    }

    pub(crate) fn not_found(kind: &str, id: impl fmt::Display) -> Self {
        Self::new(ErrorCode::NotFound, format!("no such {kind}")).id(id)
    }

    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::CorruptData, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}: {}", self.lane().as_str(), self.code, self.message)?;
        if let Some(field) = &self.field {
            write!(f, " (field {field})")?;
        }
        if let Some(line) = self.line {
            write!(f, " (line {line})")?;
        }
        if let Some(id) = &self.id {
            write!(f, " (id {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
