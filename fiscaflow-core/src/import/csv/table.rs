//! Where the table is in a text: delimiter, quotes, preamble, header, first row.

use super::lexicon::{self, Score, Title};
use super::preamble::Preamble;
use super::profile::{CsvProfile, Delimiter, Quote};
use super::split::{Dialect, Record, Splitter};
use super::{dates, numbers};

/// How many records that are not blank are looked at.
const SAMPLE_RECORDS: usize = 250;
/// How many records are looked at for each delimiter.
const DIALECT_RECORDS: usize = 60;
/// Among how many records that are not blank the header is looked for.
const PREAMBLE_RECORDS: usize = 60;

/// A table found in a text.
#[derive(Debug)]
pub(super) struct Table<'t> {
    /// The whole text.
    pub text: &'t str,
    /// How it is cut.
    pub dialect: Dialect,
    /// The records before the header.
    pub preamble: Vec<Record<'t>>,
    /// What those records say of the whole file.
    pub facts: Preamble,
    /// The header, where there is one.
    pub header: Option<Record<'t>>,
    /// The header's titles; empty where there is no header.
    pub titles: Vec<Title>,
    /// The first records behind the header that are not blank.
    pub sample: Vec<Record<'t>>,
    /// The line of the first record behind the header.
    pub first_line: u64,
}

impl<'t> Table<'t> {
    /// Finds the table.
    pub fn find(text: &'t str, profile: &CsvProfile) -> Self {
        let dialect = find_dialect(text, profile);
        let mut records = read_sample(text, dialect, SAMPLE_RECORDS);
        let (header, start) = find_header(&records, profile);
        let sample = records.split_off(start.min(records.len()));
        let header = header.and_then(|at| {
            // The header is the last record before the rows.
            records.truncate(at + 1);
            records.pop()
        });
        let titles: Vec<Title> = header.as_ref().map_or_else(Vec::new, |header| {
            (0..header.cells.len()).map(|column| Title::of(header.cell(column))).collect()
        });
        let first_line = sample.first().map_or(u64::MAX, |record| record.line);
        let facts = Preamble::of(&records);
        Self { text, dialect, preamble: records, facts, header, titles, sample, first_line }
    }

    /// Every record of the rows, from the first one.
    pub fn records(&self) -> Rows<'t> {
        Rows { splitter: Splitter::new(self.text, self.dialect), first_line: self.first_line }
    }

    /// How many lines there are: the file has at most as many rows.
    pub fn count_lines(&self) -> usize {
        let count = |byte| memchr::memchr_iter(byte, self.text.as_bytes()).count();
        let ends = match count(b'\n') {
            0 => count(b'\r'),
            ends => ends,
        };
        ends.saturating_add(1)
    }

    /// What a column is called: by its header, or by what it holds.
    pub fn field(&self, column: usize, role: &str) -> String {
        let header = self.header.as_ref().map_or("", |header| header.cell(column));
        if header.is_empty() { role.to_owned() } else { header.chars().take(64).collect() }
    }

    /// Whether a record repeats the header.
    pub fn is_header(&self, record: &Record<'_>) -> bool {
        self.header.as_ref().is_some_and(|header| {
            header.cells.first() == record.cells.first()
                && header.cells.len() == record.cells.len()
                && (0..header.cells.len()).all(|at| header.cell(at) == record.cell(at))
        })
    }

    /// The sample's records that have a date and an amount; all of them where none has.
    pub fn typical(&self) -> Vec<&Record<'t>> {
        let typical: Vec<_> = self.sample.iter().filter(|record| is_typical(record)).collect();
        if typical.is_empty() { self.sample.iter().collect() } else { typical }
    }
}

/// The records of a table's rows.
pub(super) struct Rows<'t> {
    splitter: Splitter<'t>,
    first_line: u64,
}

impl<'t> Rows<'t> {
    /// Reads the next record that is not blank; `false` at the end.
    pub fn next_into(&mut self, record: &mut Record<'t>) -> bool {
        while self.splitter.next_into(record) {
            if record.line >= self.first_line && !record.is_blank() {
                return true;
            }
        }
        false
    }
}

/// Whether a record has a date and an amount in cells of their own.
pub(super) fn is_typical(record: &Record<'_>) -> bool {
    let (mut date, mut amount) = (false, false);
    for place in 0..record.cells.len() {
        let cell = record.cell(place);
        if cell.len() > 64 || cell.is_empty() {
            continue;
        }
        if dates::scan(cell).is_some() {
            date = true;
        } else if !amount {
            amount = numbers::scan(cell)
                .is_some_and(|scanned| numbers::readings(scanned.digits) != numbers::Reading::None);
        }
        if date && amount {
            return true;
        }
    }
    false
}

fn read_sample(text: &str, dialect: Dialect, limit: usize) -> Vec<Record<'_>> {
    let mut splitter = Splitter::new(text, dialect);
    let mut records = Vec::new();
    let mut record = Record::default();
    while records.len() < limit && splitter.next_into(&mut record) {
        if !record.is_blank() {
            records.push(std::mem::take(&mut record));
        }
    }
    records
}

/// The delimiter and quote that make most records read like transactions.
fn find_dialect(text: &str, profile: &CsvProfile) -> Dialect {
    let quote = profile.quote.unwrap_or(Quote::Double);
    if let Some(delimiter) = profile.delimiter.or_else(|| declared(text)) {
        return Dialect { delimiter: delimiter.byte(), quote: quote.byte() };
    }
    let mut best = (Fit::default(), Delimiter::Comma, quote);
    let quotes: &[Quote] =
        if profile.quote.is_some() { &[quote] } else { &[Quote::Double, Quote::Single] };
    for quote in quotes {
        if *quote == Quote::Single && (best.0.rows > 0 || !text.contains('\'')) {
            continue;
        }
        for delimiter in Delimiter::ALL {
            let dialect = Dialect { delimiter: delimiter.byte(), quote: quote.byte() };
            let fit = Fit::of(&read_sample(text, dialect, DIALECT_RECORDS));
            if fit > best.0 {
                best = (fit, delimiter, *quote);
            }
        }
    }
    Dialect { delimiter: best.1.byte(), quote: best.2.byte() }
}

/// The delimiter that a first line `sep=;` declares.
fn declared(text: &str) -> Option<Delimiter> {
    let line = text.lines().next()?.trim().trim_matches('"');
    let (name, delimiter) = line.split_at_checked(4)?;
    if !name.eq_ignore_ascii_case("sep=") {
        return None;
    }
    Delimiter::ALL.into_iter().find(|known| delimiter.as_bytes() == [known.byte()])
}

/// How well a dialect fits, most important first.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    rows: usize,
    header: Score,
    columns: usize,
}

impl Fit {
    fn of(records: &[Record<'_>]) -> Self {
        let typical: Vec<bool> = records.iter().map(is_typical).collect();
        let rows = typical.iter().filter(|typical| **typical).count();
        let header = best_header(records, &typical).map_or_else(Score::default, |best| best.0);
        let columns = records.iter().map(Record::width).max().unwrap_or_default();
        Self { rows, header, columns }
    }
}

/// The record that reads most like a header, and its place; the first of equals, because the header
/// may be repeated behind the rows.
fn best_header(records: &[Record<'_>], typical: &[bool]) -> Option<(Score, usize)> {
    let mut best: Option<(Score, usize)> = None;
    let candidates = records.iter().zip(typical).enumerate().take(PREAMBLE_RECORDS);
    for (place, (record, typical)) in candidates {
        if *typical {
            // Behind the first row stand rows.
            if best.is_some_and(|(score, _)| score.complete) {
                break;
            }
            continue;
        }
        let score = score(record);
        if best.is_none_or(|(known, _)| score > known) {
            best = Some((score, place));
        }
    }
    best
}

fn score(record: &Record<'_>) -> Score {
    if record.cells.len() < 2 {
        return Score::default();
    }
    lexicon::score((0..record.cells.len()).map(|column| record.cell(column)))
}

/// The places of the header, if there is one, and of the first row, in the sample.
fn find_header(records: &[Record<'_>], profile: &CsvProfile) -> (Option<usize>, usize) {
    if let Some(skipped) = profile.skip_rows {
        let start = usize::try_from(skipped).unwrap_or(usize::MAX);
        let is_header = |record: &Record<'_>| !is_typical(record) && score(record).known > 0;
        let has = profile.header.unwrap_or_else(|| records.get(start).is_some_and(is_header));
        return if has { (Some(start), start + 1) } else { (None, start) };
    }
    let first_typical = records.iter().position(is_typical);
    if profile.header == Some(false) {
        return (None, first_typical.unwrap_or(0));
    }
    let typical: Vec<bool> = records.iter().map(is_typical).collect();
    let known = best_header(records, &typical).filter(|(score, place)| {
        score.complete || score.known >= 2 && first_typical.is_some_and(|first| *place < first)
    });
    if let Some((_, place)) = known {
        return (Some(place), place + 1);
    }
    let Some(first) = first_typical else { return (None, records.len()) };
    let unknown = first.checked_sub(1).filter(|place| {
        let width = records.get(first).map_or(0, Record::width);
        let header = records.get(*place);
        header.is_some_and(|header| looks_like_header(header, width)) || profile.header.is_some()
    });
    (unknown, first)
}

/// Whether a record could be a header in words that are not known: as wide as the rows, and each
/// cell a text.
fn looks_like_header(record: &Record<'_>, width: usize) -> bool {
    let filled = (0..record.cells.len()).map(|place| record.cell(place)).filter(|c| !c.is_empty());
    let texts = filled.clone().all(|cell| {
        cell.len() <= 64
            && cell.chars().any(char::is_alphabetic)
            && !cell.bytes().any(|byte| byte.is_ascii_digit())
    });
    texts && filled.count() * 3 >= width * 2 && width >= 2
}
