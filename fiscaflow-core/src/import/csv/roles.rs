//! Which column holds what: by its header, by its cells, or as a profile states it.

use super::guess;
use super::lexicon::{self, Title};
use super::profile::{ColumnRole, CsvProfile};
use super::shape::{self, Column};
use super::split::Record;
use super::table::Table;
use super::text;
use super::words::Direction;
use crate::error::ErrorCode;
use crate::money::Currency;

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
    /// Whether the columns of money out and in were told apart by words of the rows.
    pub assumed_unsigned: bool,
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

/// What is known while roles are given.
pub(super) struct Draft<'a, 't> {
    pub table: &'a Table<'t>,
    pub rows: Vec<&'a Record<'t>>,
    pub columns: Vec<Column>,
    titles: Vec<Title>,
    meanings: Vec<Vec<ColumnRole>>,
    taken: Vec<bool>,
    /// What a profile states: role and column.
    stated: Vec<(ColumnRole, usize)>,
}

/// Gives every role its column.
pub(super) fn assign(table: &Table<'_>, profile: &CsvProfile) -> Result<Roles, Unclear> {
    let mut draft = Draft::new(table, profile)?;
    let booking = draft.booking()?;
    let value = draft.value();
    let balance = draft.pick(ColumnRole::Balance);
    let (amounts, balance, assumed_unsigned) = draft.amounts(balance)?;
    let direction = draft.direction(amounts);
    let currency = draft.currency(amounts);
    let status = draft.pick(ColumnRole::Status);
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
        assumed_unsigned,
    })
}

impl<'a, 't> Draft<'a, 't> {
    fn new(table: &'a Table<'t>, profile: &CsvProfile) -> Result<Self, Unclear> {
        let rows = table.typical();
        let mut columns = shape::columns(rows.iter().copied());
        let width = columns.len().max(table.titles.len());
        columns.resize_with(width, Column::default);
        let mut titles = table.titles.clone();
        titles.resize_with(width, Title::default);
        let meanings = titles.iter().map(lexicon::roles_of).collect();
        let stated = stated_columns(profile, &titles, width)?;
        let mut taken = vec![false; width];
        for (_, column) in &stated {
            if let Some(taken) = taken.get_mut(*column) {
                *taken = true;
            }
        }
        Ok(Self { table, rows, columns, titles, meanings, taken, stated })
    }

    /// Columns that no role has yet.
    pub fn free(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.columns.iter().enumerate().filter(|(place, _)| self.is_free(*place))
    }

    fn is_free(&self, place: usize) -> bool {
        self.taken.get(place).is_some_and(|taken| !taken)
    }

    /// Whether the column's header is known to mean something, or to be of another party.
    pub fn is_known(&self, place: usize) -> bool {
        self.meanings.get(place).is_some_and(|roles| !roles.is_empty())
            || self.titles.get(place).is_some_and(|title| title.foreign)
    }

    pub fn has_header(&self) -> bool {
        self.table.header.is_some()
    }

    fn take(&mut self, place: usize) -> usize {
        if let Some(taken) = self.taken.get_mut(place) {
            *taken = true;
        }
        place
    }

    pub fn stated(&self, role: ColumnRole) -> Option<usize> {
        self.stated.iter().find(|(known, _)| *known == role).map(|(_, place)| *place)
    }

    fn means(&self, place: usize, role: ColumnRole) -> bool {
        self.meanings.get(place).is_some_and(|roles| roles.contains(&role))
    }

    /// The place of a role among the meanings of a header: 0 is the best.
    fn rank(&self, place: usize, role: ColumnRole) -> usize {
        let roles = self.meanings.get(place);
        roles.and_then(|roles| roles.iter().position(|known| *known == role)).unwrap_or(usize::MAX)
    }

    fn fits(&self, place: usize, role: ColumnRole) -> bool {
        let Some(column) = self.columns.get(place) else { return false };
        match role {
            ColumnRole::BookingDate | ColumnRole::ValueDate => column.is_date(),
            ColumnRole::Amount => column.is_number(),
            ColumnRole::Debit | ColumnRole::Credit | ColumnRole::Balance => {
                column.is_number() || column.is_empty()
            }
            ColumnRole::Currency => column.is_currency(),
            ColumnRole::Direction => column.directions() * 5 >= column.filled.max(1) * 4,
            ColumnRole::Status => column.states * 2 >= column.filled,
            ColumnRole::BankId => column.filled > 0 && !column.is_money() && !column.is_date(),
            _ => !column.is_empty(),
        }
    }

    /// The free column that the role fits best: the leftmost whose header means it first of all.
    fn pick(&mut self, role: ColumnRole) -> Option<usize> {
        if let Some(place) = self.stated(role) {
            return Some(place);
        }
        let best = (0..self.columns.len())
            .filter(|place| self.is_free(*place) && self.means(*place, role))
            .filter(|place| self.fits(*place, role))
            .min_by_key(|place| (self.rank(*place, role).min(1), *place))?;
        Some(self.take(best))
    }

    fn booking(&mut self) -> Result<usize, Unclear> {
        if let Some(place) = self.stated(ColumnRole::BookingDate) {
            return Ok(place);
        }
        let means_date = |place: usize| {
            self.means(place, ColumnRole::BookingDate) && self.fits(place, ColumnRole::BookingDate)
        };
        let dated = |place: usize| self.columns.get(place).is_some_and(Column::is_date);
        let all = 0..self.columns.len();
        let empty_sample = self.rows.is_empty();
        let found = all
            .clone()
            .filter(|place| self.is_free(*place))
            .find(|place| means_date(*place))
            .or_else(|| all.clone().find(|place| self.is_free(*place) && dated(*place)))
            .or_else(|| {
                let named = |place: &usize| self.means(*place, ColumnRole::BookingDate);
                all.clone().filter(|_| empty_sample).find(named)
            });
        match found {
            Some(place) => Ok(self.take(place)),
            None => {
                let text = "no column holds dates; state `booking_date` in the profile";
                Err(Unclear::new(ErrorCode::MalformedFile, "booking_date", text))
            }
        }
    }

    fn value(&mut self) -> Option<usize> {
        let named = self.pick(ColumnRole::ValueDate);
        if named.is_some() || self.has_header() {
            return named;
        }
        let place = self.free().find(|(_, column)| column.is_date()).map(|(place, _)| place)?;
        Some(self.take(place))
    }

    /// The columns of the amount; the balance's place may come from the same look at the cells.
    fn amounts(
        &mut self,
        balance: Option<usize>,
    ) -> Result<(AmountColumns, Option<usize>, bool), Unclear> {
        let amount = self.stated(ColumnRole::Amount);
        let stated_debit = self.stated(ColumnRole::Debit);
        let stated_credit = self.stated(ColumnRole::Credit);
        if let Some(place) = amount {
            return Ok((AmountColumns::Single(place), balance, false));
        }
        if stated_debit.is_some() || stated_credit.is_some() {
            let pair = AmountColumns::Pair { debit: stated_debit, credit: stated_credit };
            return Ok((pair, balance, false));
        }
        let amount = self.find_amount();
        let debit = self.find_side(ColumnRole::Debit);
        let credit = self.find_side(ColumnRole::Credit);
        let empty = |place: Option<usize>| {
            place.and_then(|place| self.columns.get(place)).is_none_or(Column::is_empty)
        };
        let single_side = debit.is_none() || credit.is_none();
        let no_pair = empty(debit) && empty(credit) || single_side && amount.is_some();
        if let (Some(amount), true) = (amount, no_pair) {
            return Ok((AmountColumns::Single(self.take(amount)), balance, false));
        }
        if debit.is_some() || credit.is_some() {
            for place in [debit, credit].into_iter().flatten() {
                self.take(place);
            }
            return Ok((AmountColumns::Pair { debit, credit }, balance, false));
        }
        if self.rows.is_empty()
            && let Some(place) =
                (0..self.columns.len()).find(|place| self.means(*place, ColumnRole::Amount))
        {
            return Ok((AmountColumns::Single(self.take(place)), balance, false));
        }
        let found = guess::amounts(self, balance)?;
        for place in found.places() {
            self.take(place);
        }
        Ok((found.amounts, found.balance, found.by_words))
    }

    /// The amount column by its header; one whose header names the currency goes first.
    fn find_amount(&self) -> Option<usize> {
        (0..self.columns.len())
            .filter(|place| self.is_free(*place) && self.means(*place, ColumnRole::Amount))
            .filter(|place| self.fits(*place, ColumnRole::Amount))
            .min_by_key(|place| {
                let plain = self.titles.get(*place).is_none_or(|title| title.currency.is_none());
                let empty = self.columns.get(*place).is_none_or(|column| column.money == 0);
                (plain, self.rank(*place, ColumnRole::Amount).min(1), empty, *place)
            })
    }

    fn find_side(&self, role: ColumnRole) -> Option<usize> {
        (0..self.columns.len())
            .filter(|place| self.is_free(*place) && self.means(*place, role))
            .find(|place| self.fits(*place, role))
    }

    /// The column that tells the direction of a single amount, where the sign does not.
    fn direction(&mut self, amounts: AmountColumns) -> Option<DirectionColumn> {
        if let Some(column) = self.stated(ColumnRole::Direction) {
            return Some(DirectionColumn { column, blank: None });
        }
        let AmountColumns::Single(amount) = amounts else { return None };
        let candidates: Vec<usize> = self
            .free()
            .filter(|(place, _)| self.could_direct(*place))
            .map(|found| found.0)
            .collect();
        let best = candidates
            .into_iter()
            .min_by_key(|place| (!self.means(*place, ColumnRole::Direction), *place))?;
        let column = self.columns.get(best)?;
        let one_sided = column.ins == 0 || column.outs == 0;
        let partly = column.directions() < self.rows.len();
        let blank = match (one_sided && partly, column.ins > 0) {
            (true, true) => Some(Direction::Out),
            (true, false) => Some(Direction::In),
            (false, _) => None,
        };
        if self.sign_agrees(amount, best) {
            return None;
        }
        Some(DirectionColumn { column: self.take(best), blank })
    }

    fn could_direct(&self, place: usize) -> bool {
        let Some(column) = self.columns.get(place) else { return false };
        let untitled = self.titles.get(place).is_none_or(|title| !title.named);
        if column.directions() == 0 || column.is_number() {
            return false;
        }
        if self.means(place, ColumnRole::Direction) || untitled {
            return column.directions() * 5 >= column.filled * 4;
        }
        !self.is_known(place)
            && column.directions() == column.filled
            && column.bytes > column.filled
    }

    /// Whether the signs of the amounts say the same as the directions in every row.
    fn sign_agrees(&self, amount: usize, direction: usize) -> bool {
        let mut negative = false;
        let agrees = self.rows.iter().all(|row| {
            let Some(scanned) = super::numbers::scan(row.cell(amount)) else { return true };
            negative |= scanned.negative;
            match Direction::of(row.cell(direction)) {
                Some(Direction::Out) => scanned.negative,
                Some(Direction::In) => !scanned.negative,
                None => true,
            }
        });
        agrees && negative
    }

    fn currency(&mut self, amounts: AmountColumns) -> Option<usize> {
        if let Some(place) = self.pick(ColumnRole::Currency) {
            return Some(place);
        }
        let amount = match amounts {
            AmountColumns::Single(place) => place,
            AmountColumns::Pair { debit, credit } => debit.max(credit)?,
        };
        let untitled = |place: usize| self.titles.get(place).is_none_or(|title| !title.named);
        let place = self
            .free()
            .filter(|(place, column)| column.currencies == column.filled && untitled(*place))
            .filter(|(_, column)| column.is_currency())
            .min_by_key(|(place, _)| (*place < amount, place.abs_diff(amount)))
            .map(|(place, _)| place)?;
        Some(self.take(place))
    }

    /// The own account's column. The other party's account stands behind the other party.
    fn account(&mut self, payee: Option<usize>) -> Option<usize> {
        if let Some(place) = self.stated(ColumnRole::Account) {
            return Some(place);
        }
        let behind_payee = |place: usize| payee.is_some_and(|payee| place == payee + 1);
        let best = (0..self.columns.len())
            .filter(|place| self.is_free(*place) && !behind_payee(*place))
            .filter(|place| self.means(*place, ColumnRole::Account))
            .filter(|place| self.fits(*place, ColumnRole::Account))
            .min_by_key(|place| {
                let column = self.columns.get(*place);
                let no_iban = column.is_none_or(|column| column.ibans * 2 < column.filled);
                let varies = column.is_none_or(|column| !column.constant);
                (no_iban, varies, *place)
            })?;
        Some(self.take(best))
    }

    fn descriptions(&mut self, payee: Option<usize>) -> Vec<usize> {
        let stated: Vec<usize> = self.stated_all(ColumnRole::Description).collect();
        if !stated.is_empty() {
            return stated;
        }
        let named: Vec<usize> = (0..self.columns.len())
            .filter(|place| self.is_free(*place) && self.means(*place, ColumnRole::Description))
            .filter(|place| !self.columns.get(*place).is_some_and(Column::is_date))
            .collect();
        let found = if named.is_empty() && (payee.is_none() || !self.has_header()) {
            guess::descriptions(self)
        } else {
            named
        };
        for place in &found {
            self.take(*place);
        }
        found
    }

    fn stated_all(&self, role: ColumnRole) -> impl Iterator<Item = usize> {
        self.stated.iter().filter(move |(known, _)| *known == role).map(|(_, place)| *place)
    }

    /// The currency in the header of the amount; both sides of a pair must agree.
    fn header_currency(&self, amounts: AmountColumns) -> Option<Currency> {
        let of = |place: usize| self.titles.get(place).and_then(|title| title.currency);
        match amounts {
            AmountColumns::Single(place) => of(place),
            AmountColumns::Pair { debit, credit } => {
                let (debit, credit) = (debit.and_then(of), credit.and_then(of));
                if debit.is_some() && credit.is_some() && debit != credit {
                    return None;
                }
                debit.or(credit)
            }
        }
    }
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
            (None, Some(name)) => {
                let wanted = Title::of(name);
                let exact = text::words(name);
                titles
                    .iter()
                    .position(|title| title.named && title.words == wanted.words)
                    .or_else(|| titles.iter().position(|title| title.words == exact))
            }
            (None, None) => None,
        };
        match place {
            Some(place) => stated.push((column.role, place)),
            None => {
                let text = "the profile names a column that the file does not have";
                let field = column.role.as_str();
                return Err(Unclear::new(ErrorCode::MalformedFile, field, text));
            }
        }
    }
    Ok(stated)
}
