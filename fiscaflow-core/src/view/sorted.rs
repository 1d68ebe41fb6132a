//! The main part of a view: its lines in columns, sorted by day. It never changes, so that the
//! views of one book share it; what comes later lies beside it until a new one is made of both.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::daily::DaySum;
use super::months::{self, Cell, Deltas};
use super::payees::PayeeSum;
use super::snapshot::{Reader, Writer};
use crate::id::TransactionId;
use crate::store::{ColumnRow, Links};

/// A transaction's tags.
pub(super) type Tags = Arc<[String]>;

/// What few transactions have, by their ids.
#[derive(Clone, PartialEq, Default)]
pub(super) struct Extras {
    pub(super) tags: BTreeMap<TransactionId, Tags>,
    pub(super) links: BTreeMap<TransactionId, Links>,
}

impl Extras {
    pub(super) fn put(&mut self, row: &ColumnRow) {
        if !row.tags.is_empty() {
            self.tags.insert(row.id, row.tags.clone().into());
        }
        if !row.links.is_empty() {
            self.links.insert(row.id, row.links);
        }
    }

    pub(super) fn remove(&mut self, id: TransactionId) {
        self.tags.remove(&id);
        self.links.remove(&id);
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.tags.extend(other.tags);
        self.links.extend(other.links);
    }
}

/// What a line has besides its day and its transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) group: u32,
    pub(super) payee: u32,
    pub(super) minor: i64,
}

/// Transactions that lie beside the main part, by day and id.
pub(super) type Rows = BTreeMap<(i32, TransactionId), Box<[Part]>>;

/// A day and where its lines begin.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Day {
    day: i32,
    first: u32,
}

/// Lines that stand side by side.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) ids: &'a [TransactionId],
    pub(super) groups: &'a [u32],
    pub(super) payees: &'a [u32],
    pub(super) amounts: &'a [i64],
}

#[derive(Default)]
pub(super) struct Sorted {
    ids: Vec<TransactionId>,
    groups: Vec<u32>,
    payees: Vec<u32>,
    amounts: Vec<i64>,
    days: Vec<Day>,
    /// The first line of each transaction, in the order of ids: how one is found.
    by_id: Vec<u32>,
    pub(super) cells: Vec<Cell>,
    pub(super) extras: Extras,
    /// Made when first asked for: see `daily`.
    pub(super) daily: OnceLock<Vec<DaySum>>,
    /// The same: see `payees`.
    pub(super) by_payee: OnceLock<Option<Vec<PayeeSum>>>,
}

impl<'a> Run<'a> {
    pub(super) fn parts(self) -> impl Iterator<Item = Part> + 'a {
        let parts = self.groups.iter().zip(self.payees).zip(self.amounts);
        parts.map(|((group, payee), minor)| Part { group: *group, payee: *payee, minor: *minor })
    }
}

impl Sorted {
    /// How many transactions there are.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn lines(&self) -> usize {
        self.ids.len()
    }

    fn with_capacity(lines: usize, transactions: usize) -> Self {
        Self {
            ids: Vec::with_capacity(lines),
            groups: Vec::with_capacity(lines),
            payees: Vec::with_capacity(lines),
            amounts: Vec::with_capacity(lines),
            by_id: Vec::with_capacity(transactions),
            ..Self::default()
        }
    }

    /// The place of a transaction's first line.
    pub(super) fn find(&self, id: TransactionId) -> Option<u32> {
        if self.by_id.last().is_none_or(|last| self.id_at(*last) < Some(id)) {
            return None;
        }
        let found = self.by_id.binary_search_by(|line| self.id_at(*line).cmp(&Some(id))).ok()?;
        self.by_id.get(found).copied()
    }

    fn id_at(&self, line: u32) -> Option<TransactionId> {
        self.ids.get(index(line)).copied()
    }

    /// The day of a line, and the lines of the transaction whose first line it is.
    pub(super) fn transaction_at(&self, first: u32) -> Option<(i32, Range<u32>)> {
        let place = self.days.partition_point(|day| day.first <= first).checked_sub(1)?;
        let end =
            self.days.get(place.saturating_add(1)).map_or(self.ids.len(), |it| index(it.first));
        let ids = self.ids.get(index(first)..end)?;
        let id = ids.first()?;
        let count = ids.iter().take_while(|it| *it == id).count();
        let count = u32::try_from(count).ok()?;
        Some((self.days.get(place)?.day, first..first.checked_add(count)?))
    }

    pub(super) fn run(&self, lines: Range<u32>) -> Run<'_> {
        let lines = index(lines.start)..index(lines.end);
        Run {
            ids: self.ids.get(lines.clone()).unwrap_or_default(),
            groups: self.groups.get(lines.clone()).unwrap_or_default(),
            payees: self.payees.get(lines.clone()).unwrap_or_default(),
            amounts: self.amounts.get(lines).unwrap_or_default(),
        }
    }

    /// All lines.
    pub(super) fn all(&self) -> Run<'_> {
        self.run(0..self.end())
    }

    /// The places of the lines of the days in a span.
    fn places(&self, span: Range<i32>) -> Range<u32> {
        let first_of = |from: i32| {
            let place = self.days.partition_point(|day| day.day < from);
            self.days.get(place).map_or(self.end(), |day| day.first)
        };
        first_of(span.start)..first_of(span.end)
    }

    /// How many lines are of the days in a span.
    pub(super) fn lines_in(&self, span: Range<i32>) -> usize {
        self.places(span).len()
    }

    /// The lines of the days in a span, without those that are gone, as runs.
    pub(super) fn runs<'a>(
        &'a self,
        span: Range<i32>,
        gone: &'a BTreeSet<u32>,
    ) -> impl Iterator<Item = Run<'a>> + 'a {
        without(self.places(span), gone).map(|lines| self.run(lines))
    }

    /// The day of a line.
    pub(super) fn day_of(&self, line: u32) -> Option<i32> {
        let place = self.days.partition_point(|day| day.first <= line).checked_sub(1)?;
        self.days.get(place).map(|it| it.day)
    }

    /// The same, day by day.
    pub(super) fn days<'a>(
        &'a self,
        span: Range<i32>,
        gone: &'a BTreeSet<u32>,
    ) -> impl Iterator<Item = (i32, Run<'a>)> + 'a {
        let first = self.days.partition_point(|day| day.day < span.start);
        let end = self.days.partition_point(|day| day.day < span.end).max(first);
        let days = self.days.get(first..end).unwrap_or_default().iter();
        let next = self.days.get(first.saturating_add(1)..).unwrap_or_default().iter();
        let ends = next.map(|day| day.first).chain(std::iter::once(self.end()));
        days.zip(ends).flat_map(move |(day, end)| {
            without(day.first..end, gone).map(|lines| (day.day, self.run(lines)))
        })
    }

    /// Day, group and minor units of those of some lines that are of the days in a span.
    pub(super) fn lines_among<'a>(
        &'a self,
        span: Range<i32>,
        lines: &'a BTreeSet<u32>,
    ) -> impl Iterator<Item = (i32, u32, i64)> + 'a {
        let found = lines.iter().filter_map(move |line| {
            let (group, minor) =
                self.groups.get(index(*line)).zip(self.amounts.get(index(*line)))?;
            Some((self.day_of(*line)?, *group, *minor))
        });
        found.filter(move |(day, ..)| span.contains(day))
    }

    fn end(&self) -> u32 {
        place(self.ids.len())
    }

    fn push(&mut self, id: TransactionId, part: Part) {
        self.ids.push(id);
        self.groups.push(part.group);
        self.payees.push(part.payee);
        self.amounts.push(part.minor);
    }

    fn begin(&mut self, day: i32) {
        if self.days.last().is_none_or(|last| last.day != day) {
            self.days.push(Day { day, first: self.end() });
        }
    }

    /// The same without the lines that are gone and with those that lie beside it.
    pub(super) fn merged(&self, gone: &BTreeSet<u32>, rows: &Rows, deltas: &Deltas) -> Self {
        let lines =
            self.lines() - gone.len() + rows.values().map(|parts| parts.len()).sum::<usize>();
        let mut next = Self::with_capacity(lines, self.len() + rows.len());
        let mut moved = vec![u32::MAX; self.lines()];
        let mut added = Vec::with_capacity(rows.len());
        let mut rows = rows.iter().peekable();
        let mut add_rows_before = |next: &mut Self, end: Option<i32>| {
            while let Some(((day, id), parts)) =
                rows.next_if(|((day, _), _)| end.is_none_or(|end| *day < end))
            {
                next.begin(*day);
                added.push((*id, next.end()));
                parts.iter().for_each(|part| next.push(*id, *part));
            }
        };
        let ends = self.days.iter().skip(1).map(|day| day.first).chain([self.end()]);
        for (day, end) in self.days.iter().zip(ends) {
            add_rows_before(&mut next, Some(day.day));
            for lines in without(day.first..end, gone) {
                next.begin(day.day);
                let first = next.end();
                for (to, line) in moved.iter_mut().skip(index(lines.start)).zip(lines.clone()) {
                    *to = first + (line - lines.start);
                }
                next.extend(self.run(lines));
            }
        }
        add_rows_before(&mut next, None);
        added.sort_unstable();
        self.index_into(&mut next, &moved, &added);
        next.cells = months::join(&self.cells, deltas, i32::MIN, i32::MAX).collect();
        next.days.shrink_to_fit();
        next
    }

    fn extend(&mut self, run: Run<'_>) {
        self.ids.extend_from_slice(run.ids);
        self.groups.extend_from_slice(run.groups);
        self.payees.extend_from_slice(run.payees);
        self.amounts.extend_from_slice(run.amounts);
    }

    /// Makes the index of what was merged: this one's, moved, and what was added.
    fn index_into(&self, next: &mut Self, moved: &[u32], added: &[(TransactionId, u32)]) {
        let mut rest = self.by_id.as_slice();
        let to = |line: &u32| moved.get(index(*line)).copied().filter(|to| *to != u32::MAX);
        for (id, first) in added {
            let before = rest.partition_point(|line| self.id_at(*line) < Some(*id));
            let (smaller, larger) = rest.split_at_checked(before).unwrap_or((rest, &[]));
            next.by_id.extend(smaller.iter().filter_map(to));
            next.by_id.push(*first);
            rest = larger;
        }
        next.by_id.extend(rest.iter().filter_map(to));
        // What went leaves room behind; there is none to be had for it.
        next.by_id.shrink_to_fit();
    }

    /// Writes all but what few transactions have, and the sums, which are soon counted.
    pub(super) fn write(&self, to: &mut Writer) {
        to.column(&self.ids, |id| id.uuid().into_bytes());
        to.column(&self.groups, u32::to_le_bytes);
        to.column(&self.payees, u32::to_le_bytes);
        to.column(&self.amounts, i64::to_le_bytes);
        to.column(&self.days, |it| {
            (u64::from(it.day.cast_unsigned()) << 32 | u64::from(it.first)).to_le_bytes()
        });
        to.column(&self.by_id, u32::to_le_bytes);
    }

    /// Reads what [`Self::write`] wrote.
    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let mut sorted = Self {
            ids: from.column(|id| TransactionId::new(uuid::Uuid::from_bytes(id)))?,
            groups: from.column(u32::from_le_bytes)?,
            payees: from.column(u32::from_le_bytes)?,
            amounts: from.column(i64::from_le_bytes)?,
            days: from.column(|it: [u8; 8]| {
                let [first @ .., d0, d1, d2, d3] = it;
                let day = i32::from_le_bytes([d0, d1, d2, d3]);
                Day { day, first: u32::from_le_bytes(first) }
            })?,
            by_id: from.column(u32::from_le_bytes)?,
            ..Self::default()
        };
        sorted.cells = cells(&sorted);
        sorted.cells.shrink_to_fit();
        Some(sorted)
    }

    /// Every transaction, in the order of ids.
    pub(super) fn transactions(&self) -> impl Iterator<Item = &TransactionId> {
        self.by_id.iter().filter_map(|line| self.ids.get(index(*line)))
    }

    /// Whether each day has as many lines, and stands in the same place.
    pub(super) fn has_days_of(&self, other: &Self) -> bool {
        self.days == other.days
    }

    /// What its columns take in memory, what few transactions have left out, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.ids.capacity() * size_of::<TransactionId>()
            + (self.groups.capacity() + self.payees.capacity() + self.by_id.capacity()) * 4
            + self.amounts.capacity() * 8
            + self.days.capacity() * size_of::<Day>()
            + self.cells.capacity() * size_of::<Cell>()
            + self.daily.get().map_or(0, |sums| sums.capacity() * size_of::<DaySum>())
            + (self.by_payee.get().and_then(Option::as_ref))
                .map_or(0, |sums| sums.capacity() * size_of::<PayeeSum>())
    }
}

/// Lines without those that are gone, as ranges that are not empty.
fn without(lines: Range<u32>, gone: &BTreeSet<u32>) -> impl Iterator<Item = Range<u32>> + '_ {
    let (mut start, end) = (lines.start, lines.end.max(lines.start));
    let stops = gone.range(start..end).copied().chain([end]);
    let runs = stops.map(move |stop| {
        let run = start..stop;
        start = stop.saturating_add(1);
        run
    });
    runs.filter(|run| !run.is_empty())
}

fn index(line: u32) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}

fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Rows on their way to the main part, in the order of ids.
#[derive(Default)]
pub(super) struct Heap {
    ids: Vec<TransactionId>,
    days: Vec<i32>,
    parts: Vec<Part>,
    pub(super) extras: Extras,
}

impl Heap {
    /// Whether a transaction may come next: its id is larger than all before.
    pub(super) fn takes(&self, id: TransactionId) -> bool {
        self.ids.last().is_none_or(|last| *last < id)
    }

    pub(super) fn push(&mut self, id: TransactionId, day: i32, part: Part) {
        self.ids.push(id);
        self.days.push(day);
        self.parts.push(part);
    }

    pub(super) fn sorted(self) -> Sorted {
        let mut order: Vec<(i32, u32)> = self.days.iter().copied().zip(0..).collect();
        order.sort_unstable();
        let transactions = self.ids.chunk_by(|left, right| left == right).count();
        let mut sorted = Sorted::with_capacity(self.ids.len(), transactions);
        let mut moved = vec![u32::MAX; self.ids.len()];
        for (day, line) in order {
            let line = index(line);
            sorted.begin(day);
            if let Some(to) = moved.get_mut(line) {
                *to = sorted.end();
            }
            if let (Some(id), Some(part)) = (self.ids.get(line), self.parts.get(line)) {
                sorted.push(*id, *part);
            }
        }
        let mut before = None;
        for (id, to) in self.ids.iter().zip(moved) {
            if before.replace(*id) != Some(*id) {
                sorted.by_id.push(to);
            }
        }
        sorted.days.shrink_to_fit();
        sorted.cells = cells(&sorted);
        sorted.cells.shrink_to_fit();
        sorted.extras = self.extras;
        sorted
    }
}

/// The monthly sums of lines, counted anew.
pub(super) fn cells(sorted: &Sorted) -> Vec<Cell> {
    let none = BTreeSet::new();
    let mut cells = Vec::new();
    let mut month = Vec::<Cell>::new();
    // Where a group's cell of the present month stands.
    let mut places = Vec::<u32>::new();
    let mut number = i32::MIN;
    for (day, run) in sorted.days(i32::MIN..i32::MAX, &none) {
        let now = months::month_of(day);
        if now != number {
            number = now;
            close(&mut month, &mut places, &mut cells);
        }
        for (group, minor) in run.groups.iter().zip(run.amounts) {
            if places.len() <= index(*group) {
                places.resize(index(*group) + 1, u32::MAX);
            }
            let Some(place_of) = places.get_mut(index(*group)) else { continue };
            if *place_of == u32::MAX {
                *place_of = place(month.len());
                month.push(Cell { month: number, group: *group, lines: 0, minor: 0 });
            }
            if let Some(cell) = month.get_mut(index(*place_of)) {
                cell.lines += 1;
                cell.minor += i128::from(*minor);
            }
        }
    }
    close(&mut month, &mut places, &mut cells);
    cells
}

/// Ends a month: its cells in the order of groups.
fn close(month: &mut Vec<Cell>, places: &mut [u32], cells: &mut Vec<Cell>) {
    month.sort_unstable_by_key(|cell| cell.group);
    for cell in &*month {
        if let Some(place) = places.get_mut(index(cell.group)) {
            *place = u32::MAX;
        }
    }
    cells.append(month);
}
