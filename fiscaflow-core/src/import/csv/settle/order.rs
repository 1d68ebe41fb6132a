//! The order of day, month and year, from every hint that a file gives.
//!
//! A day above twelve proves it. Without one, in this order: dates of other columns by the same
//! program, dots (which only stand in day-first dates), the gap to the value date, the order of the
//! rows, the country of the header's words.

use chrono::NaiveDate;

use super::super::dates::{self, Triple, Written};
use super::super::lexicon::Title;
use super::super::profile::DateOrder;
use super::super::roles::Roles;
use super::super::split::Record;
use super::super::table::Table;
use super::super::vocabulary::List;
use super::{days_between, open};
use crate::error::ErrorCode;
use crate::import::Problem;

/// How many different days the rows must have before their order proves anything.
const MIN_DAYS: usize = 4;
/// The most days between booking and value date in the right reading.
const NEAR_DAYS: u64 = 10;
/// The fewest days between them that show a reading to be wrong.
const FAR_DAYS: u64 = 25;

/// What was seen of one order.
#[derive(Debug, Clone, Copy, Default)]
struct Fit {
    /// Open dates that do not exist in this order.
    fails: usize,
    /// The date of the row before.
    last: Option<NaiveDate>,
    rises: usize,
    falls: usize,
    /// Rows whose value date is near, and far.
    near: usize,
    far: usize,
    /// The earliest and the latest year.
    years: Option<(i32, i32)>,
}

/// Evidence on the date order.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct OrderEvidence {
    fits: [Fit; 3],
    /// Open dates.
    open: usize,
    /// Open dates in other columns that exist in one order only.
    other_fails: [usize; 3],
    others: usize,
    dots: usize,
    dashes: usize,
    short_years: usize,
    /// The line of the first date that differs between the orders.
    first_open: Option<u64>,
    /// The first date that exists in two of them, and its line.
    twofold: Option<(u64, Triple)>,
}

const DMY: usize = 0;
const MDY: usize = 1;
const YMD: usize = 2;

impl OrderEvidence {
    /// Adds the dates of one row.
    pub fn add_row(&mut self, line: u64, booking: Option<Written>, value: Option<Written>) {
        let Some(booking) = booking else { return };
        for date in [Some(booking), value].into_iter().flatten() {
            if let Some(triple) = open(date) {
                self.add_triple(triple, line);
            }
        }
        for (fit, order) in self.fits.iter_mut().zip(DateOrder::ALL) {
            let Some(date) = booking.in_order(order) else { continue };
            if let Some(last) = fit.last {
                fit.rises += usize::from(date > last);
                fit.falls += usize::from(date < last);
            }
            fit.last = Some(date);
            if let Some(value) = value.and_then(|value| value.in_order(order)) {
                let gap = days_between(date, value);
                fit.near += usize::from(gap <= NEAR_DAYS);
                fit.far += usize::from(gap >= FAR_DAYS);
            }
        }
    }

    fn add_triple(&mut self, triple: Triple, line: u64) {
        let read = DateOrder::ALL.map(|order| triple.in_order(order));
        if read.iter().all(Option::is_none) {
            return;
        }
        self.open += 1;
        let dashed = triple.separator == Some('-');
        self.dots += usize::from(triple.separator == Some('.'));
        self.dashes += usize::from(dashed);
        let [first, _, last] = triple.digits;
        self.short_years += usize::from(first == 2 && last == 2);
        for (fit, date) in self.fits.iter_mut().zip(read) {
            match date {
                None => fit.fails += 1,
                Some(date) => fit.add_year(date),
            }
        }
        let [dmy, mdy, ymd] = read;
        let year_first = ymd.filter(|_| dashed);
        let differ = |left: Option<NaiveDate>, right: Option<NaiveDate>| {
            left.zip(right).is_some_and(|(left, right)| left != right)
        };
        if differ(dmy, mdy) || differ(dmy.or(mdy), year_first) {
            self.twofold.get_or_insert((line, triple));
        }
        if dmy != mdy || year_first.is_some_and(|date| dmy != Some(date)) {
            self.first_open.get_or_insert(line);
        }
    }

    /// Adds a date of a column without a role.
    pub fn add_other(&mut self, date: Written) {
        let Some(triple) = open(date) else { return };
        self.others += 1;
        for (fails, order) in self.other_fails.iter_mut().zip(DateOrder::ALL) {
            *fails += usize::from(triple.in_order(order).is_none());
        }
    }

    /// Whether more dates have to be seen.
    pub fn is_open(&self) -> bool {
        self.first_open.is_some() && self.proven().is_none()
    }

    /// The one order in which (all but a few garbled) dates exist.
    pub fn proven(&self) -> Option<DateOrder> {
        if self.open == 0 {
            return None;
        }
        self.only(self.fits.map(|fit| fit.fails), self.open)
    }

    /// The order that fails least, if it all but never does and every other one fails often.
    fn only(&self, fails: [usize; 3], seen: usize) -> Option<DateOrder> {
        let candidates = self.candidates();
        let mut found = None;
        for order in candidates {
            let failed = fails.get(index(order)).copied().unwrap_or(seen);
            let least = DateOrder::ALL
                .into_iter()
                .filter(|other| *other != order && self.candidates().any(|known| known == *other))
                .filter_map(|other| fails.get(index(other)).copied())
                .min()
                .unwrap_or(seen);
            if least > failed.saturating_mul(9) {
                found = Some(order);
            }
        }
        found
    }

    /// Year first is a candidate where all years are short and dashes stand between, or where
    /// nothing else is possible.
    fn candidates(&self) -> impl Iterator<Item = DateOrder> + use<> {
        let [dmy, mdy, ymd] = self.fits;
        let short = self.short_years == self.open;
        let dashed = self.dashes == self.open;
        let hopeless = dmy.fails > 0 && mdy.fails > 0 && ymd.fails == 0;
        let year_first = short && (dashed || hopeless) && (hopeless || self.years_fit());
        let only_year_first = self.open > 0 && dmy.fails == self.open && mdy.fails == self.open;
        DateOrder::ALL.into_iter().filter(move |order| match order {
            DateOrder::Ymd => year_first || only_year_first,
            _ => true,
        })
    }

    /// Whether the years of the year-first reading lie closer together than those of the others.
    fn years_fit(&self) -> bool {
        let span = |fit: Option<&Fit>| {
            fit.and_then(|fit| fit.years)
                .map_or(i32::MAX, |(first, last)| last.abs_diff(first) as i32)
        };
        let year_first = span(self.fits.get(YMD));
        year_first <= span(self.fits.get(DMY)) || year_first <= span(self.fits.get(MDY))
    }

    /// The order; `None` where every date reads the same; or an ambiguity.
    pub fn decide(&self, table: &Table<'_>, roles: &Roles) -> Result<Option<DateOrder>, Problem> {
        let proven = self.proven();
        let (None, Some(line)) = (proven, self.first_open) else { return Ok(proven) };
        let decided = self
            .by_others(table)
            .or_else(|| (self.dots == self.open && !self.fails(DMY)).then_some(DateOrder::Dmy))
            .or_else(|| self.by_gap())
            .or_else(|| self.by_sequence())
            .or_else(|| self.by_country(table));
        if decided.is_some() {
            return Ok(decided);
        }
        let readings = |triple: Triple| {
            let readings = self.candidates().filter_map(|order| {
                Some(format!("{} (`{}`)", triple.in_order(order)?, order.as_str()))
            });
            readings.collect::<Vec<_>>()
        };
        let twofold = self.twofold.map(|(line, triple)| (line, triple, readings(triple)));
        let (line, what) = match twofold {
            Some((line, triple, readings)) if readings.len() > 1 => {
                (line, format!("`{triple}` may be {}", readings.join(" or ")))
            }
            _ => {
                let text = "some dates exist only with the day first (`dmy`), others only with the \
                            month first (`mdy`)";
                (line, text.to_owned())
            }
        };
        let message = format!("{what}; state `date_order`");
        Err(Problem {
            code: ErrorCode::AmbiguousFile,
            message,
            line: Some(line),
            field: Some(table.field(roles.booking, "booking_date")),
        })
    }

    fn fails(&self, order: usize) -> bool {
        self.fits.get(order).is_none_or(|fit| fit.fails > 0)
    }

    /// Dates in other columns, and in the lines before the header.
    fn by_others(&self, table: &Table<'_>) -> Option<DateOrder> {
        if self.others > 0
            && let Some(order) = self.only(self.other_fails, self.others)
        {
            return Some(order);
        }
        let mut fails = [0; 3];
        let mut seen = 0;
        for record in &table.preamble {
            for triple in preamble_dates(record) {
                seen += 1;
                for (fails, order) in fails.iter_mut().zip(DateOrder::ALL) {
                    *fails += usize::from(triple.in_order(order).is_none());
                }
            }
        }
        if seen > 0 { self.only(fails, seen) } else { None }
    }

    /// The value date lies near the booking date in one reading only.
    fn by_gap(&self) -> Option<DateOrder> {
        self.single(|fit| fit.near > 0 && fit.far == 0, |fit| fit.far > 0 && fit.far >= fit.near)
    }

    /// The rows are in the order of time in one reading only.
    fn by_sequence(&self) -> Option<DateOrder> {
        let sorted =
            |fit: &Fit| fit.rises.min(fit.falls) == 0 && fit.rises.max(fit.falls) + 1 >= MIN_DAYS;
        self.single(sorted, |fit| fit.rises > 0 && fit.falls > 0)
    }

    /// The one order that is right, where every other one is wrong.
    fn single(
        &self,
        right: impl Fn(&Fit) -> bool,
        wrong: impl Fn(&Fit) -> bool,
    ) -> Option<DateOrder> {
        let candidates: Vec<DateOrder> = self.candidates().collect();
        let fit = |order: DateOrder| self.fits.get(index(order));
        candidates.iter().copied().find(|order| {
            fit(*order).is_some_and(|fit| fit.fails == 0 && right(fit))
                && candidates
                    .iter()
                    .filter(|other| *other != order)
                    .all(|other| fit(*other).is_none_or(|fit| fit.fails > 0 || wrong(fit)))
        })
    }

    /// No bank with these headers writes the month first.
    fn by_country(&self, table: &Table<'_>) -> Option<DateOrder> {
        let day_first = table.titles.iter().any(is_day_first_country);
        let year_first = self.candidates().any(|order| order == DateOrder::Ymd);
        (day_first && !year_first && !self.fails(DMY)).then_some(DateOrder::Dmy)
    }
}

impl Fit {
    fn add_year(&mut self, date: NaiveDate) {
        use chrono::Datelike;
        let year = date.year();
        let (first, last) = self.years.unwrap_or((year, year));
        self.years = Some((first.min(year), last.max(year)));
    }
}

const fn index(order: DateOrder) -> usize {
    match order {
        DateOrder::Dmy => DMY,
        DateOrder::Mdy => MDY,
        DateOrder::Ymd => YMD,
    }
}

/// Headers of banks that write the day first, with slashes and dashes too.
fn is_day_first_country(title: &Title) -> bool {
    List::DayFirst.has(&title.words)
}

/// Dates in the cells of a line before the header, also inside of texts.
fn preamble_dates(record: &Record<'_>) -> Vec<Triple> {
    let mut found = Vec::new();
    for place in 0..record.cells.len() {
        let words = record.cell(place).split([' ', ':', ',', '\u{A0}']).take(40);
        found.extend(words.filter_map(|word| {
            let word = word.trim_matches(['(', ')', '"', '\'']);
            dates::scan(word).and_then(|cell| open(cell.date))
        }));
    }
    found
}
