//! `View`: a book's transactions as dense columns in memory, from which every figure comes.
//!
//! It is built once from a store's column rows, kept current by applying commits, and may be
//! dropped at any time: built again it means the same.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use chrono::{Datelike, NaiveDate};

use crate::id::{AccountId, CategoryId, TransactionId};
use crate::log::{Change, Object};
use crate::store::ColumnRow;

const COUNTS: u8 = 1;
const TRANSFER: u8 = 2;
const PENDING: u8 = 4;
const OUTGOING: u8 = 8;
const TAGGED: u8 = 16;
/// Stands for "no category" and "no payee" in the dense columns.
const NONE: u32 = 0;

/// One line of a figure: a transaction, or one part of a split one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The transaction.
    pub transaction_id: TransactionId,
    /// Its booking date.
    pub date: NaiveDate,
    /// Its account.
    pub account_id: AccountId,
    /// The line's category.
    pub category_id: Option<CategoryId>,
    /// The payee.
    pub payee: Option<&'a str>,
    /// The line's signed amount in minor units of the account's currency.
    pub amount_minor: i64,
    /// Whether the transaction is one side of a transfer.
    pub transfer: bool,
    /// Whether the bank has not booked it yet.
    pub pending: bool,
    /// Whether money goes out by the transaction as a whole, whatever the sign of this line.
    pub outgoing: bool,
    /// The transaction's tags, sorted, each once.
    pub tags: &'a [String],
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Line");
        shown.field("transaction_id", &self.transaction_id).field("date", &self.date);
        shown.finish_non_exhaustive()
    }
}

/// Values that stand in a dense column by number; number 0 is "none".
#[derive(Clone)]
struct Interner<T> {
    values: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T: Clone + Eq + std::hash::Hash> Interner<T> {
    fn new() -> Self {
        Self { values: Vec::new(), numbers: HashMap::new() }
    }

    fn number(&mut self, value: &T) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        self.values.push(value.clone());
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.numbers.insert(value.clone(), number);
        number
    }

    fn value(&self, number: u32) -> Option<&T> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.values.get(index)
    }
}

/// Where a transaction's lines stand.
#[derive(Debug, Clone, Copy)]
struct Place {
    first: u32,
    count: u32,
}

/// The columns.
#[derive(Clone)]
pub struct View {
    ids: Vec<TransactionId>,
    days: Vec<i32>,
    accounts: Vec<u32>,
    categories: Vec<u32>,
    payees: Vec<u32>,
    amounts: Vec<i64>,
    flags: Vec<u8>,
    account_names: Interner<AccountId>,
    category_names: Interner<CategoryId>,
    payee_names: Interner<String>,
    places: HashMap<TransactionId, Place>,
    /// The tags of those that have some: few, so they take no column.
    tags: BTreeMap<TransactionId, Box<[String]>>,
    dead: usize,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Default for View {
    fn default() -> Self {
        Self::new()
    }
}

impl View {
    /// A view of nothing.
    pub fn new() -> Self {
        Self {
            ids: Vec::new(),
            days: Vec::new(),
            accounts: Vec::new(),
            categories: Vec::new(),
            payees: Vec::new(),
            amounts: Vec::new(),
            flags: Vec::new(),
            account_names: Interner::new(),
            category_names: Interner::new(),
            payee_names: Interner::new(),
            places: HashMap::new(),
            tags: BTreeMap::new(),
            dead: 0,
        }
    }

    /// How many transactions it holds, those that count in no figure included.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it holds no transaction.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Adds a transaction or puts it in the place of its former self. Repeating it changes nothing.
    pub fn put(&mut self, row: &ColumnRow) {
        self.remove(row.id);
        let first = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        let whole = [(row.category_id, row.amount_minor)];
        let parts = if row.splits.is_empty() { &whole[..] } else { &row.splits[..] };
        let mut flags = 0;
        let all = [
            (COUNTS, row.counts),
            (TRANSFER, row.transfer),
            (PENDING, row.pending),
            (OUTGOING, row.amount_minor < 0),
            (TAGGED, !row.tags.is_empty()),
        ];
        for (flag, set) in all {
            if set {
                flags |= flag;
            }
        }
        if !row.tags.is_empty() {
            self.tags.insert(row.id, row.tags.clone().into());
        }
        let account = self.account_names.number(&row.account_id);
        let payee = row.payee.as_ref().map_or(NONE, |payee| self.payee_names.number(payee));
        for (category, amount) in parts {
            let category = category.as_ref().map_or(NONE, |id| self.category_names.number(id));
            self.ids.push(row.id);
            self.days.push(row.booking_date.num_days_from_ce());
            self.accounts.push(account);
            self.categories.push(category);
            self.payees.push(payee);
            self.amounts.push(*amount);
            self.flags.push(flags);
        }
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        self.places.insert(row.id, Place { first, count });
    }

    /// Takes a transaction away; one that is not there is no error.
    pub fn remove(&mut self, id: TransactionId) {
        let Some(place) = self.places.remove(&id) else { return };
        self.tags.remove(&id);
        let lines = (place.first..place.first.saturating_add(place.count))
            .filter_map(|line| usize::try_from(line).ok());
        for line in lines {
            if let Some(flags) = self.flags.get_mut(line) {
                *flags = 0;
                self.dead = self.dead.saturating_add(1);
            }
        }
        if self.dead > 1024 && self.dead > self.flags.len() / 2 {
            self.compact();
        }
    }

    /// Applies the changes of one commit.
    pub fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match (&change.before, &change.after) {
                (_, Some(Object::Transaction(transaction))) => {
                    self.put(&ColumnRow::from(&**transaction));
                }
                (Some(Object::Transaction(transaction)), None) => self.remove(transaction.id),
                _ => {}
            }
        }
    }

    /// The lines that count in figures, of the days from `from` up to but not including `to`, in no
    /// particular order; the parts of one transaction stand side by side.
    ///
    /// ```
    /// use fiscaflow_core::{Month, view::View};
    ///
    /// let march: Month = "2026-03".parse()?;
    /// let view = View::new();
    /// assert_eq!(view.lines_in(march.first_day(), march.next().first_day()).count(), 0);
    /// # Ok::<(), fiscaflow_core::Error>(())
    /// ```
    pub fn lines_in(&self, from: NaiveDate, to: NaiveDate) -> impl Iterator<Item = Line<'_>> {
        self.lines().filter(move |line| from <= line.date && line.date < to)
    }

    /// The lines that count in figures, in no particular order; the parts of one transaction stand
    /// side by side.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let columns = self.ids.iter().zip(&self.days).zip(&self.accounts).zip(&self.categories);
        let columns = columns.zip(&self.payees).zip(&self.amounts).zip(&self.flags);
        columns.filter_map(|((((((id, day), account), category), payee), amount), flags)| {
            if flags & COUNTS == 0 {
                return None;
            }
            Some(Line {
                transaction_id: *id,
                date: NaiveDate::from_num_days_from_ce_opt(*day)?,
                account_id: *self.account_names.value(*account)?,
                category_id: self.category_names.value(*category).copied(),
                payee: self.payee_names.value(*payee).map(String::as_str),
                amount_minor: *amount,
                transfer: flags & TRANSFER != 0,
                pending: flags & PENDING != 0,
                outgoing: flags & OUTGOING != 0,
                tags: self.tags_of(*id, *flags),
            })
        })
    }

    fn tags_of(&self, id: TransactionId, flags: u8) -> &[String] {
        let tags = (flags & TAGGED != 0).then(|| self.tags.get(&id)).flatten();
        tags.map_or(&[], |tags| tags)
    }

    /// Drops the lines of former selves.
    fn compact(&mut self) {
        let mut rows: Vec<(TransactionId, Place)> =
            self.places.iter().map(|(id, place)| (*id, *place)).collect();
        rows.sort_unstable_by_key(|(_, place)| place.first);
        let mut next = Self::new();
        std::mem::swap(&mut next.account_names, &mut self.account_names);
        std::mem::swap(&mut next.category_names, &mut self.category_names);
        std::mem::swap(&mut next.payee_names, &mut self.payee_names);
        std::mem::swap(&mut next.tags, &mut self.tags);
        for (id, place) in rows {
            let first = u32::try_from(next.ids.len()).unwrap_or(u32::MAX);
            let lines = usize::try_from(place.first).unwrap_or(usize::MAX)
                ..usize::try_from(place.first.saturating_add(place.count)).unwrap_or(usize::MAX);
            next.ids.extend(self.ids.get(lines.clone()).unwrap_or_default());
            next.days.extend(self.days.get(lines.clone()).unwrap_or_default());
            next.accounts.extend(self.accounts.get(lines.clone()).unwrap_or_default());
            next.categories.extend(self.categories.get(lines.clone()).unwrap_or_default());
            next.payees.extend(self.payees.get(lines.clone()).unwrap_or_default());
            next.amounts.extend(self.amounts.get(lines.clone()).unwrap_or_default());
            next.flags.extend(self.flags.get(lines).unwrap_or_default());
            next.places.insert(id, Place { first, count: place.count });
        }
        *self = next;
    }
}
