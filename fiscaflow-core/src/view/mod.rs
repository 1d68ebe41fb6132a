//! `View`: a book's transactions as dense columns in memory, from which every figure comes.
//!
//! It is built once from a store's column rows, kept current by applying commits, and may be
//! dropped at any time: built again it means the same.
//!
//! Its main part (`sorted`) is sorted by day, so that the figure of a month looks at that month
//! alone, and has sums for each month (`months`), so that most figures look at no line at all, and
//! for each day and account (`daily`) and each payee (`payees`) once they are asked for. It
//! never changes and is shared by the views that come of one another. What commits add and take
//! away lies beside it, and now and then a new main part is made of both. `snapshot` writes a view
//! as bytes that a store keeps.

mod daily;
mod months;
mod numbers;
mod payees;
mod scan;
mod snapshot;
mod sorted;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};

use self::months::Deltas;
use self::numbers::{NONE, Numbers};
pub(crate) use self::scan::Scanned;
use self::sorted::{Extras, Heap, Part, Rows, Sorted};
use crate::id::{AccountId, CategoryId, TransactionId};
use crate::log::{Change, Hash, Object};
use crate::period::Month;
use crate::planted;
use crate::store::{ColumnRow, Links};

/// So many lines lie beside the main part at least before a new one is made,
const LEAST_BESIDE: usize = 1024;
/// and one for so many of the main part's.
const BESIDE: usize = 64;
const EVERY_DAY: Range<i32> = i32::MIN..i32::MAX;

/// What lines have in common that decides in which figures they count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Group {
    /// Their account.
    pub account_id: AccountId,
    /// Their category.
    pub category_id: Option<CategoryId>,
    /// Whether their transactions are sides of transfers.
    pub transfer: bool,
    /// Whether the bank has not booked them yet.
    pub pending: bool,
    /// Whether money goes out by their transactions as a whole, whatever the sign of a line.
    pub outgoing: bool,
    /// Whether they are parts of split transactions.
    pub split: bool,
    /// Whether their transactions have tags.
    pub tagged: bool,
    /// Whether their transactions are linked to schedules or goals.
    pub linked: bool,
}

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
    /// What the transaction is linked to.
    pub links: Links,
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Line");
        shown.field("transaction_id", &self.transaction_id).field("date", &self.date);
        shown.finish_non_exhaustive()
    }
}

/// What the lines of one group in one month make.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MonthSum<'a> {
    /// The month.
    pub month: Month,
    /// What the lines have in common.
    pub group: &'a Group,
    /// The number of the group in [`View::groups`].
    pub number: usize,
    /// How many lines there are; never none.
    pub lines: u64,
    /// Their sum in minor units of the account's currency; no number of lines exceeds it.
    pub minor: i128,
}

impl fmt::Debug for MonthSum<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("MonthSum");
        shown.field("month", &self.month).field("lines", &self.lines).finish_non_exhaustive()
    }
}

/// The columns.
#[derive(Clone)]
pub struct View {
    head: Hash,
    groups: Numbers<Group>,
    payees: Numbers<Arc<str>>,
    sorted: Arc<Sorted>,
    beside: Beside,
    /// How many transactions came or went since it was last kept as bytes.
    unkept: usize,
}

/// What lies beside the main part.
#[derive(Clone, Default)]
struct Beside {
    rows: Rows,
    /// The days of the transactions in `rows`.
    days: HashMap<TransactionId, i32>,
    lines: usize,
    extras: Extras,
    /// Lines of the main part that are no more, and of how many transactions they are.
    gone: BTreeSet<u32>,
    gone_transactions: usize,
    /// What all this adds to the main part's monthly sums.
    deltas: Deltas,
}

impl Default for View {
    fn default() -> Self {
        Self {
            head: Hash::ZERO,
            groups: Numbers::default(),
            payees: Numbers::default(),
            sorted: Arc::default(),
            beside: Beside::default(),
            unkept: 0,
        }
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl View {
    /// A view of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The hash of the commit whose book it shows; zeros for a view that was made of rows alone.
    pub const fn head(&self) -> Hash {
        self.head
    }

    /// Says which commit's book it shows.
    pub const fn set_head(&mut self, head: Hash) {
        self.head = head;
    }

    /// How many transactions it holds: those that count in figures.
    pub fn len(&self) -> usize {
        self.sorted.len() - self.beside.gone_transactions + self.beside.rows.len()
    }

    /// Whether it holds no transaction.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What its columns, its index and its monthly sums take in memory, in bytes, as far as they
    /// lie in the main part; without payees' names, tags and links.
    pub fn memory_bytes(&self) -> usize {
        self.sorted.bytes()
    }

    /// Adds a transaction or puts it in the place of its former self; one that counts in no figure
    /// takes that away. Repeating it changes nothing.
    pub fn put(&mut self, row: &ColumnRow) {
        self.remove(row.id);
        if !row.counts {
            return;
        }
        let day = row.booking_date.num_days_from_ce();
        let parts: Box<[Part]> = self.parts(row).collect();
        self.beside.extras.put(row);
        for part in &parts {
            self.count(day, part.group, part.minor, true);
        }
        self.beside.lines += parts.len();
        self.beside.days.insert(row.id, day);
        self.beside.rows.insert((day, row.id), parts);
        self.settle_when_large();
    }

    /// Takes a transaction away; one that is not there is no error.
    pub fn remove(&mut self, id: TransactionId) {
        if let Some(day) = self.beside.days.remove(&id) {
            let parts = self.beside.rows.remove(&(day, id)).unwrap_or_default();
            self.beside.extras.remove(id);
            self.beside.lines -= parts.len();
            for part in parts {
                self.count(day, part.group, part.minor, false);
            }
            return;
        }
        let sorted = Arc::clone(&self.sorted);
        let first = sorted.find(id).filter(|first| !self.beside.gone.contains(first));
        let Some((day, lines)) = first.and_then(|first| sorted.transaction_at(first)) else {
            return;
        };
        let run = sorted.run(lines.clone());
        for (group, minor) in run.groups.iter().zip(run.amounts) {
            self.count(day, *group, *minor, false);
        }
        self.beside.gone.extend(lines);
        self.beside.gone_transactions += 1;
        self.settle_when_large();
    }

    /// How many transactions came or went since it was made of what is kept as bytes.
    pub(crate) const fn unkept(&self) -> usize {
        self.unkept
    }

    /// Says that it is kept as it is now.
    pub(crate) const fn set_kept(&mut self) {
        self.unkept = 0;
    }

    /// Applies the changes of one commit.
    pub fn apply(&mut self, changes: &[Change]) {
        self.unkept = self.unkept.saturating_add(changes.len());
        for change in changes {
            match (&change.before, &change.after) {
                (_, Some(Object::Transaction(transaction))) => {
                    self.put(&ColumnRow::from(&**transaction));
                }
                (Some(Object::Transaction(transaction)), None)
                    if !planted::is("view_keeps_removed") =>
                {
                    self.remove(transaction.id);
                }
                _ => {}
            }
        }
    }

    /// A row's lines.
    fn parts<'a>(&'a mut self, row: &'a ColumnRow) -> impl Iterator<Item = Part> + 'a {
        let whole = (row.splits.is_empty()).then_some((row.category_id, row.amount_minor));
        let payee = row.payee.as_deref();
        let payee = payee.map_or(NONE, |payee| self.payees.number(payee, |payee| Arc::from(payee)));
        let parts = whole.into_iter().chain(row.splits.iter().copied());
        parts.map(move |(category_id, minor)| {
            let group = Group {
                account_id: row.account_id,
                category_id,
                transfer: row.transfer,
                pending: row.pending,
                outgoing: row.amount_minor < 0,
                split: !row.splits.is_empty(),
                tagged: !row.tags.is_empty(),
                linked: !row.links.is_empty(),
            };
            Part { group: self.groups.number(&group, |group| *group), payee, minor }
        })
    }

    fn count(&mut self, day: i32, group: u32, minor: i64, comes: bool) {
        let key = (months::month_of(day), group);
        self.beside.deltas.entry(key).or_default().count(minor, comes);
    }

    fn settle_when_large(&mut self) {
        let most = LEAST_BESIDE + self.sorted.lines() / BESIDE;
        if self.beside.lines + self.beside.gone.len() > most {
            self.settle();
        }
    }

    /// Makes what came since it was built part of the dense columns. A view does so by itself
    /// whenever much has come.
    pub fn settle(&mut self) {
        let Beside { rows, extras, gone, deltas, .. } = std::mem::take(&mut self.beside);
        let mut sorted = self.sorted.merged(&gone, &rows, &deltas);
        sorted.extras = self.sorted.extras.clone();
        for line in gone {
            if let Some(id) = self.sorted.run(line..line + 1).ids.first() {
                sorted.extras.remove(*id);
            }
        }
        sorted.extras.extend(extras);
        self.sorted = Arc::new(sorted);
        self.groups.settle();
        self.payees.settle();
    }

    /// Whether another view gives the same figures, however it came to be: those of a day stand in
    /// the order in which they came.
    pub(crate) fn is_same(&mut self, other: &mut Self) -> bool {
        self.settle();
        other.settle();
        let (ours, theirs) = (self.sorted.transactions(), other.sorted.transactions());
        self.sorted.has_days_of(&other.sorted)
            && self.lines_with(ours).eq(other.lines_with(theirs))
            && self.sorted.extras == other.sorted.extras
    }

    /// What the lines have in common, by number; some may have no line any more.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// The sums of the months from `from` to `to`, both included, in the order of months; absent =
    /// from the beginning, to the end.
    pub fn months(
        &self,
        from: Option<Month>,
        to: Option<Month>,
    ) -> impl Iterator<Item = MonthSum<'_>> {
        let from = from.map_or(i32::MIN, |month| months::number(month.first_day()));
        let to = to.map_or(i32::MAX, |month| months::number(month.first_day()));
        // Cells come month by month, and one need not ask the calendar for each of them.
        let mut present = (i32::MIN, None);
        months::join(&self.sorted.cells, &self.beside.deltas, from, to).filter_map(move |cell| {
            if present.0 != cell.month {
                present = (cell.month, months::month(cell.month));
            }
            Some(MonthSum {
                month: present.1?,
                group: self.groups.value(cell.group)?,
                number: usize::try_from(cell.group).ok()?,
                lines: cell.lines,
                minor: cell.minor,
            })
        })
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
        self.lines_of(from.num_days_from_ce()..to.num_days_from_ce())
    }

    /// The lines that count in figures, in no particular order; the parts of one transaction stand
    /// side by side.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.lines_of(EVERY_DAY)
    }

    fn lines_of(&self, span: Range<i32>) -> impl Iterator<Item = Line<'_>> {
        let main = self.sorted.days(span.clone(), &self.beside.gone).flat_map(move |(day, run)| {
            let date = NaiveDate::from_num_days_from_ce_opt(day);
            let parts = run.ids.iter().zip(run.parts());
            parts.filter_map(move |(id, part)| self.line(*id, date?, part, &self.sorted.extras))
        });
        let beside = self.beside.rows_in(span).flat_map(move |((day, id), parts)| {
            let date = NaiveDate::from_num_days_from_ce_opt(*day);
            parts.iter().filter_map(move |part| self.line(*id, date?, *part, &self.beside.extras))
        });
        main.chain(beside)
    }

    /// The lines of transactions that are linked to something, without a look at any other.
    pub fn linked_lines(&self) -> impl Iterator<Item = Line<'_>> {
        let main = self.sorted.extras.links.keys().filter_map(|id| {
            let first = self.sorted.find(*id).filter(|it| !self.beside.gone.contains(it))?;
            let (day, lines) = self.sorted.transaction_at(first)?;
            Some((*id, NaiveDate::from_num_days_from_ce_opt(day)?, self.sorted.run(lines)))
        });
        let main = main.flat_map(move |(id, date, run)| {
            run.parts().filter_map(move |part| self.line(id, date, part, &self.sorted.extras))
        });
        let beside = self.beside.extras.links.keys().filter_map(|id| {
            let day = *self.beside.days.get(id)?;
            let parts = self.beside.rows.get(&(day, *id))?;
            Some((*id, NaiveDate::from_num_days_from_ce_opt(day)?, parts))
        });
        let beside = beside.flat_map(move |(id, date, parts)| {
            parts.iter().filter_map(move |it| self.line(id, date, *it, &self.beside.extras))
        });
        main.chain(beside)
    }

    /// The lines of these transactions that count in figures.
    pub(crate) fn lines_with<'a>(
        &'a self,
        ids: impl IntoIterator<Item = &'a TransactionId>,
    ) -> impl Iterator<Item = Line<'a>> {
        ids.into_iter().flat_map(move |id| {
            let day = self.beside.days.get(id).copied();
            let beside = day.and_then(|day| self.beside.rows.get(&(day, *id)));
            let beside = beside.into_iter().flat_map(|parts| parts.iter().copied());
            let first = self.sorted.find(*id).filter(|it| !self.beside.gone.contains(it));
            let main = first.and_then(|first| self.sorted.transaction_at(first));
            let (main_day, lines) = main.map_or((None, 0..0), |(day, lines)| (Some(day), lines));
            let main = self.sorted.run(lines).parts();
            let date = day.or(main_day).and_then(NaiveDate::from_num_days_from_ce_opt);
            let extras = if day.is_some() { &self.beside.extras } else { &self.sorted.extras };
            beside.chain(main).filter_map(move |part| self.line(*id, date?, part, extras))
        })
    }

    fn line<'a>(
        &'a self,
        transaction_id: TransactionId,
        date: NaiveDate,
        part: Part,
        extras: &'a Extras,
    ) -> Option<Line<'a>> {
        let group = self.groups.value(part.group)?;
        let tags = group.tagged.then(|| extras.tags.get(&transaction_id)).flatten();
        let links = group.linked.then(|| extras.links.get(&transaction_id)).flatten();
        Some(Line {
            transaction_id,
            date,
            account_id: group.account_id,
            category_id: group.category_id,
            payee: self.payees.value(part.payee).map(|payee| &**payee),
            amount_minor: part.minor,
            transfer: group.transfer,
            pending: group.pending,
            outgoing: group.outgoing,
            tags: tags.map_or(&[], |tags| tags),
            links: links.copied().unwrap_or_default(),
        })
    }
}

impl Beside {
    fn rows_in(&self, span: Range<i32>) -> impl Iterator<Item = (&(i32, TransactionId), &[Part])> {
        let least = TransactionId::new(uuid::Uuid::nil());
        let rows = (span.start < span.end)
            .then(|| self.rows.range((span.start, least)..(span.end, least)));
        rows.into_iter().flatten().map(|(key, parts)| (key, &**parts))
    }
}

/// Makes a view of many rows at once.
///
/// ```
/// use fiscaflow_core::view::{View, ViewBuilder};
///
/// # let rows: Vec<fiscaflow_core::store::ColumnRow> = Vec::new();
/// let mut builder = ViewBuilder::default();
/// rows.iter().for_each(|row| builder.add(row));
/// let view: View = builder.build();
/// assert!(view.is_empty());
/// ```
#[derive(Default)]
pub struct ViewBuilder {
    heap: Heap,
    view: View,
    late: Vec<ColumnRow>,
}

impl fmt::Debug for ViewBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewBuilder").finish_non_exhaustive()
    }
}

impl ViewBuilder {
    /// Adds a row. It is fastest in the order of ids, as a store gives them; one that comes again
    /// takes the place of its former self.
    pub fn add(&mut self, row: &ColumnRow) {
        if !self.heap.takes(row.id) {
            self.late.push(row.clone());
            return;
        }
        if !row.counts {
            return;
        }
        let day = row.booking_date.num_days_from_ce();
        for part in self.view.parts(row) {
            self.heap.push(row.id, day, part);
        }
        self.heap.extras.put(row);
    }

    /// The view of all rows.
    pub fn build(self) -> View {
        let Self { heap, mut view, late } = self;
        view.sorted = Arc::new(heap.sorted());
        view.groups.settle();
        view.payees.settle();
        late.iter().for_each(|row| view.put(row));
        view.unkept = view.len();
        view
    }
}
