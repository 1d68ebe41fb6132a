//! What is known of each column while roles are given, and the roles beside the amount.

use super::super::guess;
use super::super::lexicon::{self, Meaning, Title};
use super::super::numbers;
use super::super::profile::{ColumnRole, CsvProfile, DecimalSeparator, SignRule};
use super::super::shape::{self, Column};
use super::super::split::Record;
use super::super::table::Table;
use super::super::vocabulary::List;
use super::{AmountColumns, Unclear, stated_columns};
use crate::error::ErrorCode;
use crate::money::{Amount, Currency};

/// What is known of each column while roles are given.
pub(in super::super) struct Draft<'a, 't> {
    pub table: &'a Table<'t>,
    pub rows: Vec<&'a Record<'t>>,
    pub columns: Vec<Column>,
    titles: Vec<Title>,
    meanings: Vec<Meaning>,
    taken: Vec<bool>,
    /// The decimal separator of most amounts of the sample.
    decimal: DecimalSeparator,
    /// What a profile states: role and column, and the meaning of signs.
    stated: Vec<(ColumnRole, usize)>,
    pub sign: Option<SignRule>,
}

impl<'a, 't> Draft<'a, 't> {
    pub fn new(table: &'a Table<'t>, profile: &CsvProfile) -> Result<Self, Unclear> {
        let rows = table.typical();
        let mut columns = shape::columns(rows.iter().copied());
        let width = columns.len().max(table.titles.len());
        columns.resize_with(width, Column::default);
        let mut titles = table.titles.clone();
        titles.resize_with(width, Title::default);
        let meanings = titles.iter().map(lexicon::meaning).collect();
        let stated = stated_columns(profile, &titles, width)?;
        let mut taken = vec![false; width];
        for (_, column) in &stated {
            if let Some(taken) = taken.get_mut(*column) {
                *taken = true;
            }
        }
        let count = |of: fn(&Column) -> usize| columns.iter().map(of).sum::<usize>();
        let decimal = if count(|column| column.commas) > count(|column| column.points) {
            DecimalSeparator::Comma
        } else {
            DecimalSeparator::Point
        };
        Ok(Self {
            table,
            rows,
            columns,
            titles,
            meanings,
            taken,
            decimal,
            stated,
            sign: profile.sign,
        })
    }

    /// Columns that no role has yet.
    pub fn free(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.columns.iter().enumerate().filter(|(place, _)| self.is_free(*place))
    }

    pub fn is_free(&self, place: usize) -> bool {
        self.taken.get(place).is_some_and(|taken| !taken)
    }

    /// Whether the column's header is known to mean something, or to be of another party.
    pub fn is_known(&self, place: usize) -> bool {
        self.meanings.get(place).is_some_and(|meaning| !meaning.roles.is_empty())
            || self.is_foreign(place)
    }

    pub fn is_foreign(&self, place: usize) -> bool {
        self.titles.get(place).is_some_and(|title| title.foreign)
    }

    pub fn has_header(&self) -> bool {
        self.table.header.is_some()
    }

    pub fn has_title(&self, place: usize) -> bool {
        self.titles.get(place).is_some_and(|title| title.named)
    }

    pub fn title(&self, place: usize) -> Option<&Title> {
        self.titles.get(place)
    }

    pub fn take(&mut self, place: usize) -> usize {
        if let Some(taken) = self.taken.get_mut(place) {
            *taken = true;
        }
        place
    }

    pub fn stated(&self, role: ColumnRole) -> Option<usize> {
        self.stated_all(role).next()
    }

    fn stated_all(&self, role: ColumnRole) -> impl Iterator<Item = usize> {
        self.stated.iter().filter(move |(known, _)| *known == role).map(|(_, place)| *place)
    }

    pub fn means(&self, place: usize, role: ColumnRole) -> bool {
        self.meanings.get(place).is_some_and(|meaning| meaning.roles.contains(&role))
    }

    /// How well the header fits the role: 0 where it means it first of all, 1 where it may mean it,
    /// 2 where one of its words does.
    pub fn rank(&self, place: usize, role: ColumnRole) -> u8 {
        match self.meanings.get(place) {
            Some(meaning) if !meaning.exact => 2,
            Some(meaning) if meaning.roles.first() == Some(&role) => 0,
            _ => 1,
        }
    }

    /// The number in a cell, for comparisons within the sample.
    pub fn number(&self, cell: &str) -> Option<Amount> {
        let scanned = numbers::scan(cell)?;
        let amount = numbers::read(scanned.digits, self.decimal)?;
        Some(if scanned.negative { Amount::new(-amount.decimal()) } else { amount })
    }

    /// Whether the column's cells are of the role's kind.
    pub fn fits(&self, place: usize, role: ColumnRole) -> bool {
        let Some(column) = self.columns.get(place) else { return false };
        match role {
            ColumnRole::BookingDate | ColumnRole::ValueDate => column.is_date(),
            ColumnRole::Amount => column.is_number(),
            ColumnRole::Debit | ColumnRole::Credit | ColumnRole::Balance => {
                column.is_number() || column.is_empty()
            }
            ColumnRole::Currency => column.is_currency() || column.is_code(),
            ColumnRole::Direction => column.directions() * 5 >= column.filled.max(1) * 4,
            ColumnRole::Status => column.states * 2 >= column.filled,
            ColumnRole::BankId => column.filled > 0 && !column.is_money() && !column.is_date(),
            ColumnRole::Description => {
                !column.is_date() || self.means(place, role) && self.rank(place, role) == 0
            }
            _ => !column.is_empty(),
        }
    }

    /// The free columns whose header means the role and whose cells fit it, from the left.
    pub fn named(&self, role: ColumnRole) -> impl Iterator<Item = usize> {
        (0..self.columns.len()).filter(move |place| {
            self.is_free(*place) && self.means(*place, role) && self.fits(*place, role)
        })
    }

    /// The free column that the role fits best: the leftmost whose header means it first of all.
    pub fn pick(&mut self, role: ColumnRole) -> Option<usize> {
        if let Some(place) = self.stated(role) {
            return Some(place);
        }
        let best = self.named(role).min_by_key(|place| (self.rank(*place, role), *place))?;
        Some(self.take(best))
    }

    /// The leftmost date that is not a value date first of all: the day on which it happened.
    pub fn booking(&mut self) -> Result<usize, Unclear> {
        if let Some(place) = self.stated(ColumnRole::BookingDate) {
            return Ok(place);
        }
        let named = self
            .named(ColumnRole::BookingDate)
            .min_by_key(|place| (self.rank(*place, ColumnRole::BookingDate) / 2, *place));
        let dated = || self.free().find(|(_, column)| column.is_date()).map(|(place, _)| place);
        let empty = || {
            let means = |place: &usize| self.means(*place, ColumnRole::BookingDate);
            if self.rows.is_empty() { (0..self.columns.len()).find(means) } else { None }
        };
        match named.or_else(dated).or_else(empty) {
            Some(place) => Ok(self.take(place)),
            None => {
                let text = "no column holds dates; state `booking_date` in the profile's `columns`";
                Err(Unclear::new(ErrorCode::MalformedFile, "booking_date", text))
            }
        }
    }

    pub fn value(&mut self) -> Option<usize> {
        let named = self.pick(ColumnRole::ValueDate);
        if named.is_some() || self.has_header() {
            return named;
        }
        let place = self.free().find(|(_, column)| column.is_date()).map(|(place, _)| place)?;
        Some(self.take(place))
    }

    /// The currency of the amount: by its header, or the nearest column of codes, where no header
    /// says that they are of something else.
    pub fn currency(&mut self, amounts: AmountColumns) -> Option<usize> {
        if let Some(place) = self.pick(ColumnRole::Currency) {
            return Some(place);
        }
        let amount = amounts.places().max()?;
        let place = self
            .free()
            .filter(|(place, column)| {
                column.is_currency()
                    && column.currencies == column.filled
                    && !self.is_foreign(*place)
            })
            .min_by_key(|(place, _)| (*place < amount, place.abs_diff(amount)))
            .map(|(place, _)| place)?;
        Some(self.take(place))
    }

    /// The column that says whether a row is booked: by its header, or by words that only such
    /// columns hold.
    pub fn status(&mut self) -> Option<usize> {
        if let Some(place) = self.pick(ColumnRole::Status) {
            return Some(place);
        }
        let place = self
            .free()
            .find(|(place, column)| {
                column.states == column.filled && column.pending > 0 && !self.is_foreign(*place)
            })
            .map(|(place, _)| place)?;
        Some(self.take(place))
    }

    /// The own account's column. A plain account number behind the other party is theirs, and so is
    /// a card where there are customers.
    pub fn account(&mut self, payee: Option<usize>) -> Option<usize> {
        if let Some(place) = self.stated(ColumnRole::Account) {
            return Some(place);
        }
        let is_theirs = |place: usize| {
            let plain = |title: &Title| List::PlainAccount.has(&title.words);
            payee.is_some_and(|payee| place > payee)
                && self.title(place).is_some_and(plain)
                && !self.is_named_account(place)
        };
        let title = |place: usize| self.title(place).map_or("", |title| title.words.as_str());
        let has_customers = self.titles.iter().any(|title| title.words.starts_with("customer "));
        let is_customers = |place: usize| has_customers && title(place).starts_with("card ");
        let own = |place: &usize| !is_theirs(*place) && !is_customers(*place);
        let best = self.named(ColumnRole::Account).filter(own).min_by_key(|place| {
            let column = self.columns.get(*place);
            let no_iban = column.is_none_or(|column| column.ibans * 2 < column.filled);
            let no_number = column.is_none_or(|column| column.digits * 2 < column.filled);
            let varies = column.is_none_or(|column| !column.constant);
            (no_iban, no_number, varies, *place)
        });
        let place = best.or_else(|| guess::account(self))?;
        Some(self.take(place))
    }

    /// Whether the cells name accounts in words, as programs do that know several: `Savings`.
    /// Banks write numbers there, and ledgers the categories to which money went: `Food:Lunch`.
    fn is_named_account(&self, place: usize) -> bool {
        let odd = |letter: char| letter.is_ascii_digit() || letter == ':';
        let mut cells = self.rows.iter().map(|row| row.cell(place)).filter(|cell| !cell.is_empty());
        self.columns.get(place).is_some_and(|column| column.filled > 0)
            && cells.all(|cell| !cell.contains(odd))
    }

    pub fn descriptions(&mut self, payee: Option<usize>) -> Vec<usize> {
        let stated: Vec<usize> = self.stated_all(ColumnRole::Description).collect();
        if !stated.is_empty() {
            return stated;
        }
        let mut found: Vec<usize> = self.named(ColumnRole::Description).collect();
        if found.is_empty() {
            let note = |(place, column): &(usize, &Column)| {
                !column.is_empty()
                    && self.title(*place).is_some_and(|title| List::Note.has(&title.words))
            };
            found = self.free().filter(note).map(|(place, _)| place).collect();
        }
        if found.is_empty() && (payee.is_none() || !self.has_header()) {
            found = guess::descriptions(self);
        }
        for place in &found {
            self.take(*place);
        }
        found
    }

    /// The currency in the header of the amount; both sides of a pair must agree.
    pub fn header_currency(&self, amounts: AmountColumns) -> Option<Currency> {
        let mut found = None;
        for place in amounts.places() {
            let Some(currency) = self.title(place).and_then(|title| title.currency) else {
                continue;
            };
            if found.is_some_and(|known| known != currency) {
                return None;
            }
            found = Some(currency);
        }
        found
    }
}
