//! What a person knows about a delimited file: [`CsvProfile`].
//!
//! Everything is optional, and what is left out is found in the file. A profile is saved in a book
//! and crosses language boundaries, so it holds strings, lists and named choices only.

use serde::{Deserialize, Serialize};

use super::super::encoding;
use crate::error::{Error, ErrorCode, Result};
use crate::limits::{MAX_COLUMNS, MAX_NAME_BYTES, MAX_PROFILE_WORDS, MAX_SKIP_ROWS};

/// What is known about a delimited file; what is left out is found in the file.
///
/// ```
/// use fiscaflow_core::import::CsvProfile;
///
/// let profile: CsvProfile = serde_json::from_str(
///     r#"{
///         "delimiter": "semicolon",
///         "columns": [
///             {"role": "booking_date", "name": "Datum"},
///             {"role": "description", "index": 2},
///             {"role": "description", "index": 3},
///             {"role": "amount", "name": "Betrag"}
///         ],
///         "date_order": "dmy",
///         "decimal": "comma",
///         "currency": "CHF"
///     }"#,
/// )?;
/// profile.validate().unwrap();
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CsvProfile {
    /// The charset by its usual label, such as `utf-8`, `utf-16le` or `windows-1250`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What stands between cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<Delimiter>,
    /// What stands around cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// How many records that are not blank stand before the header, or before the first row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_rows: Option<u32>,
    /// Whether there is a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// What the columns hold. Where a role is stated, no other column gets it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<CsvColumn>,
    /// The words of the direction column that mean money in, such as `Bij`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_words: Vec<String>,
    /// The words of the direction column that mean money out, such as `Af`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub out_words: Vec<String>,
    /// The order of day, month and year in dates of three numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_order: Option<DateOrder>,
    /// The decimal separator of amounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<DecimalSeparator>,
    /// What the sign of a single amount column means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign: Option<SignRule>,
    /// The currency code of amounts that carry none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// What one column holds: exactly one of `index` and `name` says which column it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CsvColumn {
    /// What the column holds.
    pub role: ColumnRole,
    /// The column by its place, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// The column by its header; case, accents and punctuation make no difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ColumnRole {
    /// The day of the transaction: booking date.
    BookingDate,
    /// The day from which the amount counts.
    ValueDate,
    /// The amount, with its sign or with a direction column.
    Amount,
    /// The amount of money that goes out.
    Debit,
    /// The amount of money that comes in.
    Credit,
    /// A word or letter that says whether money comes in or goes out.
    Direction,
    /// Text of the bank; several columns are joined.
    Description,
    /// The other party.
    Payee,
    /// A cheque number or reference.
    Reference,
    /// The bank's id of the transaction.
    BankId,
    /// The account's balance after the transaction.
    Balance,
    /// The currency code of the amount.
    Currency,
    /// The bank's own category.
    Category,
    /// The account that the row belongs to.
    Account,
    /// Whether the row is booked or pending.
    Status,
    /// Not used, whatever its header says.
    Ignore,
}

impl ColumnRole {
    /// Every role.
    pub const ALL: [Self; 16] = [
        Self::BookingDate,
        Self::ValueDate,
        Self::Amount,
        Self::Debit,
        Self::Credit,
        Self::Direction,
        Self::Description,
        Self::Payee,
        Self::Reference,
        Self::BankId,
        Self::Balance,
        Self::Currency,
        Self::Category,
        Self::Account,
        Self::Status,
        Self::Ignore,
    ];

    /// The role's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BookingDate => "booking_date",
            Self::ValueDate => "value_date",
            Self::Amount => "amount",
            Self::Debit => "debit",
            Self::Credit => "credit",
            Self::Direction => "direction",
            Self::Description => "description",
            Self::Payee => "payee",
            Self::Reference => "reference",
            Self::BankId => "bank_id",
            Self::Balance => "balance",
            Self::Currency => "currency",
            Self::Category => "category",
            Self::Account => "account",
            Self::Status => "status",
            Self::Ignore => "ignore",
        }
    }

    /// Whether several columns may have the role.
    const fn may_repeat(self) -> bool {
        matches!(self, Self::Description | Self::Ignore)
    }
}

/// What stands between cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// A tabulator.
    Tab,
    /// `|`
    Pipe,
}

impl Delimiter {
    /// Every delimiter.
    pub const ALL: [Self; 4] = [Self::Semicolon, Self::Tab, Self::Comma, Self::Pipe];

    pub(super) const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
        }
    }
}

/// What stands around cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Quote {
    /// `"`
    Double,
    /// `'`
    Single,
    /// Nothing: quotes are text.
    None,
}

impl Quote {
    /// Every quote.
    pub const ALL: [Self; 3] = [Self::Double, Self::Single, Self::None];

    pub(super) const fn byte(self) -> Option<u8> {
        match self {
            Self::Double => Some(b'"'),
            Self::Single => Some(b'\''),
            Self::None => None,
        }
    }
}

/// The order of day, month and year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum DateOrder {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
    /// Year, month, day.
    Ymd,
}

impl DateOrder {
    pub(super) const ALL: [Self; 3] = [Self::Dmy, Self::Mdy, Self::Ymd];

    /// The order's name on the wire.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Dmy => "dmy",
            Self::Mdy => "mdy",
            Self::Ymd => "ymd",
        }
    }
}

/// The decimal separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum DecimalSeparator {
    /// `1234.56`
    Point,
    /// `1234,56`
    Comma,
}

impl DecimalSeparator {
    pub(super) const fn byte(self) -> u8 {
        match self {
            Self::Point => b'.',
            Self::Comma => b',',
        }
    }

    pub(super) const fn letter(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }

    pub(super) const fn other(self) -> Self {
        match self {
            Self::Point => Self::Comma,
            Self::Comma => Self::Point,
        }
    }
}

/// What the sign of a single amount column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum SignRule {
    /// Negative amounts leave the account, as in most files of accounts.
    NegativeIsOut,
    /// Positive amounts are spending, as in many files of cards.
    PositiveIsOut,
}

impl CsvProfile {
    /// Checks the profile; an error names the field at fault.
    ///
    /// ```
    /// use fiscaflow_core::import::CsvProfile;
    ///
    /// let profile = CsvProfile { encoding: Some("latin-99".into()), ..CsvProfile::default() };
    /// assert_eq!(profile.validate().unwrap_err().at_field(), Some("encoding"));
    /// ```
    pub fn validate(&self) -> Result<()> {
        if let Some(label) = &self.encoding
            && (label.len() > MAX_NAME_BYTES || encoding::lookup(label).is_none())
        {
            return Err(Error::invalid("encoding", "no such charset; try `utf-8`"));
        }
        if self.skip_rows.is_some_and(|rows| rows > MAX_SKIP_ROWS) {
            let text = format!("at most {MAX_SKIP_ROWS} records can be skipped");
            return Err(Error::invalid("skip_rows", text));
        }
        self.validate_columns()?;
        for (field, words) in [("in_words", &self.in_words), ("out_words", &self.out_words)] {
            validate_words(field, words)?;
        }
        let folded = |word: &String| super::text::fold(word.trim());
        if self
            .in_words
            .iter()
            .any(|word| self.out_words.iter().any(|other| folded(other) == folded(word)))
        {
            return Err(Error::invalid("out_words", "a word cannot mean both in and out"));
        }
        if self.currency.as_deref().is_some_and(|code| !Self::is_currency(code)) {
            return Err(Error::invalid("currency", "expected a code such as `EUR`"));
        }
        Ok(())
    }

    /// Whether a text has the form of a currency code.
    pub(super) fn is_currency(code: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        (3..=8).contains(&code.len()) && code.bytes().all(plain)
    }

    /// Whether a text can name a column.
    pub(super) fn is_name(text: &str) -> bool {
        text.len() <= MAX_NAME_BYTES && !super::text::words(text).is_empty()
    }

    fn validate_columns(&self) -> Result<()> {
        if self.columns.len() > MAX_COLUMNS {
            let text = format!("a file may have at most {MAX_COLUMNS} columns");
            return Err(Error::new(ErrorCode::LimitExceeded, text).field("columns"));
        }
        for (at, column) in self.columns.iter().enumerate() {
            let role = column.role.as_str();
            let field = format!("columns[{at}]");
            match (&column.index, &column.name) {
                (Some(index), None) => {
                    if usize::try_from(*index).is_ok_and(|index| index >= MAX_COLUMNS) {
                        let text = format!("columns are counted from 0 to {}", MAX_COLUMNS - 1);
                        return Err(Error::invalid(&format!("{field}.index"), text));
                    }
                }
                (None, Some(name)) => {
                    if !Self::is_name(name) {
                        return Err(Error::invalid(&format!("{field}.name"), "not a header"));
                    }
                    if self.header == Some(false) {
                        let text = "a file without header has no column names";
                        return Err(Error::invalid(&format!("{field}.name"), text));
                    }
                }
                _ => {
                    let text = format!("`{role}` needs either an index or a name");
                    return Err(Error::invalid(&field, text));
                }
            }
            let earlier = self.columns.iter().take(at);
            if !column.role.may_repeat()
                && earlier.into_iter().any(|other| other.role == column.role)
            {
                return Err(Error::invalid(&field, format!("`{role}` is stated twice")));
            }
        }
        Ok(())
    }
}

fn validate_words(field: &str, words: &[String]) -> Result<()> {
    if words.len() > MAX_PROFILE_WORDS {
        let text = format!("at most {MAX_PROFILE_WORDS} words");
        return Err(Error::new(ErrorCode::LimitExceeded, text).field(field));
    }
    if words.iter().any(|word| word.trim().is_empty() || word.len() > MAX_NAME_BYTES) {
        return Err(Error::invalid(field, "a word must not be empty or longer than 255 bytes"));
    }
    Ok(())
}
