//! Which column holds what: as a profile states it, by its header, or by its cells.

use super::lexicon::Title;
use super::profile::{ColumnRole, CsvProfile};
use super::table::Table;
use super::text;
use super::words::Direction;
use crate::error::ErrorCode;
use crate::money::Currency;

mod amounts;
mod draft;

pub(super) use draft::Draft;

/// Where the amount of a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AmountColumns {
    /// One column, with its sign or with a direction.
    Single(usize),
    /// One column for money out and one for money in; either may be missing.
    Pair {
        /// The column of money that goes out.
        debit: Option<usize>,
        /// The column of money that comes in.
        credit: Option<usize>,
    },
}

impl AmountColumns {
    /// The columns, one or two.
    pub fn places(self) -> impl Iterator<Item = usize> {
        let both = match self {
            Self::Single(place) => [Some(place), None],
            Self::Pair { debit, credit } => [debit, credit],
        };
        both.into_iter().flatten()
    }
}

/// A column that tells the direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DirectionColumn {
    /// Its place.
    pub column: usize,
    /// What an empty cell means, where only the other direction is ever written.
    pub blank: Option<Direction>,
}

/// Which column holds what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Roles {
    pub booking: usize,
    pub value: Option<usize>,
    pub amounts: AmountColumns,
    pub direction: Option<DirectionColumn>,
    pub descriptions: Vec<usize>,
    pub payee: Option<usize>,
    pub reference: Option<usize>,
    pub bank_id: Option<usize>,
    pub balance: Option<usize>,
    pub currency: Option<usize>,
    pub category: Option<usize>,
    pub account: Option<usize>,
    pub status: Option<usize>,
    /// The currency that the amount's header names.
    pub header_currency: Option<Currency>,
    /// How many columns the table has.
    pub width: usize,
}

impl Roles {
    /// Every column that has a role.
    pub fn given(&self) -> impl Iterator<Item = (usize, ColumnRole)> {
        let (single, debit, credit) = match self.amounts {
            AmountColumns::Single(place) => (Some(place), None, None),
            AmountColumns::Pair { debit, credit } => (None, debit, credit),
        };
        let one = [
            (Some(self.booking), ColumnRole::BookingDate),
            (self.value, ColumnRole::ValueDate),
            (single, ColumnRole::Amount),
            (debit, ColumnRole::Debit),
            (credit, ColumnRole::Credit),
            (self.direction.map(|direction| direction.column), ColumnRole::Direction),
            (self.payee, ColumnRole::Payee),
            (self.reference, ColumnRole::Reference),
            (self.bank_id, ColumnRole::BankId),
            (self.balance, ColumnRole::Balance),
            (self.currency, ColumnRole::Currency),
            (self.category, ColumnRole::Category),
            (self.account, ColumnRole::Account),
            (self.status, ColumnRole::Status),
        ];
        let descriptions = self.descriptions.iter();
        let descriptions = descriptions.map(|place| (*place, ColumnRole::Description));
        let one = one.into_iter().filter_map(|(place, role)| Some((place?, role)));
        one.chain(descriptions)
    }
}

/// Why roles could not be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unclear {
    pub code: ErrorCode,
    pub field: String,
    pub message: String,
}

impl Unclear {
    pub fn new(code: ErrorCode, field: &str, message: impl Into<String>) -> Self {
        Self { code, field: field.to_owned(), message: message.into() }
    }

    /// Whether the table has no such column at all.
    pub fn is_hopeless(&self) -> bool {
        self.code == ErrorCode::MalformedFile
    }
}

/// Gives every role its column.
pub(super) fn assign(table: &Table<'_>, profile: &CsvProfile) -> Result<Roles, Unclear> {
    let mut draft = Draft::new(table, profile)?;
    let booking = draft.booking()?;
    let value = draft.value();
    let balance = draft.pick(ColumnRole::Balance);
    let (amounts, balance) = draft.amounts(balance)?;
    let direction = draft.direction(amounts);
    let currency = draft.currency(amounts);
    let status = draft.status();
    let bank_id = draft.pick(ColumnRole::BankId);
    let payee = draft.pick(ColumnRole::Payee);
    let account = draft.account(payee);
    let category = draft.pick(ColumnRole::Category);
    let descriptions = draft.descriptions(payee);
    let reference = draft.pick(ColumnRole::Reference);
    let header_currency = draft.header_currency(amounts);
    Ok(Roles {
        booking,
        value,
        amounts,
        direction,
        descriptions,
        payee,
        reference,
        bank_id,
        balance,
        currency,
        category,
        account,
        status,
        header_currency,
        width: draft.columns.len(),
    })
}

/// The columns that a profile states, by their places.
fn stated_columns(
    profile: &CsvProfile,
    titles: &[Title],
    width: usize,
) -> Result<Vec<(ColumnRole, usize)>, Unclear> {
    let mut stated = Vec::with_capacity(profile.columns.len());
    for column in &profile.columns {
        let place = match (&column.index, &column.name) {
            (Some(index), _) => usize::try_from(*index).ok().filter(|index| *index < width),
            (None, Some(name)) => by_name(titles, name),
            (None, None) => None,
        };
        match place {
            Some(place) => stated.push((column.role, place)),
            // A column that is not used need not be there.
            None if column.role == ColumnRole::Ignore => {}
            None => {
                let text = "the profile names a column that the file does not have";
                let field = column.role.as_str();
                return Err(Unclear::new(ErrorCode::MalformedFile, field, text));
            }
        }
    }
    Ok(stated)
}

/// The column of that header: as it is written, or but for brackets and currency.
pub(super) fn by_name(titles: &[Title], name: &str) -> Option<usize> {
    let exact = text::words(name);
    let wanted = Title::of(name);
    let named = |title: &Title| title.named && title.words == wanted.words;
    titles
        .iter()
        .position(|title| title.named && title.full == exact)
        .or_else(|| titles.iter().position(named))
}
