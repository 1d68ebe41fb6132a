//! The rows of a statement, packed: one block of text for all of them and a few dozen bytes a row,
//! so that a file of a million rows needs little more memory than the file itself.

use std::fmt;

use chrono::NaiveDate;

use crate::limits::MAX_NAME_BYTES;
use crate::money::Amount;

/// One transaction as the bank wrote it; its texts are borrowed.
#[derive(Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// The line of the file on which the record begins, counted from 1.
    pub line: u64,
    /// The booking date as written, not shifted to another zone.
    pub booking_date: NaiveDate,
    /// The value date, where the file gives one.
    pub value_date: Option<NaiveDate>,
    /// The signed amount: negative = money leaves the account.
    pub amount: Amount,
    /// The row's own currency code, where it differs from or replaces the statement's.
    pub currency: Option<&'a str>,
    /// The raw description, parts joined by one blank, white space at the ends removed.
    pub description: &'a str,
    /// The other party, where the file has it in a field of its own.
    pub payee: Option<&'a str>,
    /// The bank's id of the transaction (OFX `FITID`); what is longer than a name is none.
    pub bank_id: Option<&'a str>,
    /// A cheque number or reference, where the file gives one.
    pub reference: Option<&'a str>,
    /// The bank's or exporter's own category, where the file gives one.
    pub category: Option<&'a str>,
    /// The other party's account: an IBAN or number as written or, in QIF, the name of another
    /// account of the file's owner.
    pub counterparty_account: Option<&'a str>,
    /// Whether the bank calls the row pending (not booked yet).
    pub pending: bool,
    /// The bank id of an earlier row that this one replaces (OFX `CORRECTFITID`).
    pub corrects: Option<Correction<'a>>,
    /// The bank's id that the row had while it was pending, where a booked row names it (Plaid's
    /// `pending_transaction_id`).
    pub pending_id: Option<&'a str>,
    /// The parts of the amount, where the file divides it; empty otherwise.
    pub splits: RowSplits<'a>,
}

impl<'a> Row<'a> {
    /// A row with nothing but the facts that every row has.
    pub fn new(line: u64, booking_date: NaiveDate, amount: Amount) -> Self {
        Self {
            line,
            booking_date,
            value_date: None,
            amount,
            currency: None,
            description: "",
            payee: None,
            bank_id: None,
            reference: None,
            category: None,
            counterparty_account: None,
            pending: false,
            corrects: None,
            pending_id: None,
            splits: RowSplits::default(),
        }
    }

    /// The optional texts, in the order in which they are packed.
    fn texts(&self) -> [Option<&'a str>; TEXTS] {
        let corrected = self.corrects.as_ref().map(|it| match it {
            Correction::Replaces(id) | Correction::Deletes(id) => *id,
        });
        [
            self.currency,
            self.payee,
            self.bank_id.filter(|id| id.len() <= MAX_NAME_BYTES),
            self.reference,
            self.category,
            self.counterparty_account,
            corrected,
            self.pending_id.filter(|id| id.len() <= MAX_NAME_BYTES),
        ]
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row(line {}, {})", self.line, self.booking_date)
    }
}

/// What a correction does to the row that it names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Correction<'a> {
    /// The row replaces the one with this bank id.
    Replaces(&'a str),
    /// The row takes back the one with this bank id.
    Deletes(&'a str),
}

impl fmt::Debug for Correction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replaces(_) => "Replaces",
            Self::Deletes(_) => "Deletes",
        })
    }
}

/// A part of a row's amount.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RowSplit<'a> {
    /// The part; negative = money leaves the account.
    pub amount: Amount,
    /// The exporter's own category, where the file gives one.
    pub category: Option<&'a str>,
    /// The note on this part.
    pub notes: Option<&'a str>,
}

impl fmt::Debug for RowSplit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowSplit")
    }
}

/// The parts of a row's amount, in the file's order.
///
/// ```
/// use fiscaflow_core::import::{Row, RowSplit, Rows};
///
/// let part = RowSplit { amount: "-4.50".parse()?, category: Some("Food"), notes: None };
/// let date = "2026-03-01".parse().unwrap();
/// let parts = [part, part];
/// let row = Row { splits: parts.as_slice().into(), ..Row::new(1, date, "-9.00".parse()?) };
/// let mut rows = Rows::default();
/// rows.push(&row);
/// let first = rows.iter().next().unwrap();
/// assert_eq!(first.splits.len(), 2);
/// assert!(first.splits.iter().all(|split| split.category == Some("Food")));
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct RowSplits<'a>(Parts<'a>);

#[derive(Clone, Copy)]
enum Parts<'a> {
    Given(&'a [RowSplit<'a>]),
    Packed(&'a [PackedSplit], &'a str),
}

impl<'a> RowSplits<'a> {
    /// How many parts there are.
    pub fn len(&self) -> usize {
        match self.0 {
            Parts::Given(parts) => parts.len(),
            Parts::Packed(parts, _) => parts.len(),
        }
    }

    /// Whether the amount is not divided.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The part at a place.
    pub fn get(&self, place: usize) -> Option<RowSplit<'a>> {
        match self.0 {
            Parts::Given(parts) => parts.get(place).copied(),
            Parts::Packed(parts, block) => parts.get(place).map(|part| part.unpack(block)),
        }
    }

    /// All parts.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RowSplit<'a>> + use<'a> {
        let parts = *self;
        let empty = RowSplit { amount: Amount::ZERO, category: None, notes: None };
        (0..self.len()).map(move |place| parts.get(place).unwrap_or(empty))
    }
}

impl Default for RowSplits<'_> {
    fn default() -> Self {
        Self(Parts::Given(&[]))
    }
}

impl<'a> From<&'a [RowSplit<'a>]> for RowSplits<'a> {
    fn from(parts: &'a [RowSplit<'a>]) -> Self {
        Self(Parts::Given(parts))
    }
}

impl PartialEq for RowSplits<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for RowSplits<'_> {}

impl fmt::Debug for RowSplits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowSplits({})", self.len())
    }
}

/// A part without its texts: they stand in the block from `start` on, the category first.
#[derive(Clone, Copy, PartialEq, Eq)]
struct PackedSplit {
    amount: Amount,
    start: u32,
    category: u16,
    notes: u16,
}

impl PackedSplit {
    fn unpack(self, block: &str) -> RowSplit<'_> {
        let text = usize::try_from(self.start).ok().and_then(|start| block.get(start..));
        let text = text.and_then(|text| text.split_at_checked(usize::from(self.category)));
        let (category, behind) = text.unwrap_or_default();
        let notes = behind.get(..usize::from(self.notes)).unwrap_or_default();
        let some = |text| Some(text).filter(|text: &&str| !text.is_empty());
        RowSplit { amount: self.amount, category: some(category), notes: some(notes) }
    }
}

/// How many optional texts a row has.
const TEXTS: usize = 8;
const PENDING: u8 = 1;
const DELETES: u8 = 2;

/// A row without its texts: they stand in the block from `start` on, the optional ones first.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Packed {
    amount: Amount,
    booking_date: NaiveDate,
    value_date: Option<NaiveDate>,
    line: u32,
    start: u32,
    description: u32,
    /// Lengths in bytes; no text is as none.
    texts: [u16; TEXTS],
    flags: u8,
}

/// The rows of a statement, in the file's order.
///
/// ```
/// use fiscaflow_core::import::{Row, Rows};
///
/// let date = "2026-03-01".parse().unwrap();
/// let mut rows = Rows::default();
/// rows.push(&Row { description: "RENT", ..Row::new(1, date, "-900.00".parse()?) });
/// let first = rows.iter().next().unwrap();
/// assert_eq!((first.description, first.payee), ("RENT", None));
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Rows {
    packed: Vec<Packed>,
    block: String,
    /// The rows that have parts: the row's place, then where its parts end.
    divided: Vec<(u32, u32)>,
    parts: Vec<PackedSplit>,
}

impl Rows {
    /// No rows, with room for so many and for their texts.
    pub fn with_capacity(rows: usize, text_bytes: usize) -> Self {
        let (packed, block) = (Vec::with_capacity(rows), String::with_capacity(text_bytes));
        Self { packed, block, ..Self::default() }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.packed.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// Adds a row at the end. Empty texts count as none; an optional text is cut after 65,535
    /// bytes, and so is a file after 4 GiB of text, which no reader takes.
    pub fn push(&mut self, row: &Row<'_>) {
        let start = small(self.block.len());
        let mut texts = [0; TEXTS];
        for (length, text) in texts.iter_mut().zip(row.texts()) {
            if let Some(text) = text {
                *length = self.add(text);
            }
        }
        self.block.push_str(row.description);
        for split in row.splits.iter() {
            let start = small(self.block.len());
            let category = self.add(split.category.unwrap_or_default());
            let notes = self.add(split.notes.unwrap_or_default());
            self.parts.push(PackedSplit { amount: split.amount, start, category, notes });
        }
        if !row.splits.is_empty() {
            self.divided.push((small(self.packed.len()), small(self.parts.len())));
        }
        let deletes = matches!(row.corrects, Some(Correction::Deletes(_)));
        self.packed.push(Packed {
            amount: row.amount,
            booking_date: row.booking_date,
            value_date: row.value_date,
            line: u32::try_from(row.line).unwrap_or(u32::MAX),
            start,
            description: small(row.description.len()),
            texts,
            flags: if row.pending { PENDING } else { 0 } | if deletes { DELETES } else { 0 },
        });
    }

    fn add(&mut self, text: &str) -> u16 {
        let most = usize::from(u16::MAX);
        let cut = || text.get(..floor(text, most)).unwrap_or("").trim_end();
        let text = if text.len() <= most { text } else { cut() };
        self.block.push_str(text);
        u16::try_from(text.len()).unwrap_or(u16::MAX)
    }

    /// Room for so many more bytes of text.
    pub(crate) fn reserve_text(&mut self, bytes: usize) {
        self.block.reserve(bytes);
    }

    /// How many bytes of text there are.
    pub(crate) fn text_len(&self) -> usize {
        self.block.len()
    }

    /// Adds a text to the description of the last row, behind one blank.
    pub(crate) fn continue_description(&mut self, text: &str) {
        // The description is the last text of a row, and the row's texts are the last of the block.
        let Some(last) = self.packed.last_mut() else { return };
        let before = self.block.len();
        if last.description > 0 && !text.is_empty() {
            self.block.push(' ');
        }
        self.block.push_str(text);
        last.description = last.description.saturating_add(small(self.block.len() - before));
    }

    /// Turns the sign of the row at a place; nothing stays nothing.
    pub(crate) fn negate(&mut self, place: usize) {
        if let Some(packed) = self.packed.get_mut(place) {
            let value = packed.amount.decimal();
            packed.amount = Amount::new(if value.is_zero() { value } else { -value });
        }
    }

    /// Day and amount of every row, and whether it is pending: less work than whole rows.
    pub(crate) fn facts(
        &self,
    ) -> impl ExactSizeIterator<Item = (NaiveDate, Amount, bool)> + DoubleEndedIterator + Clone
    {
        self.packed
            .iter()
            .map(|packed| (packed.booking_date, packed.amount, packed.flags & PENDING != 0))
    }

    /// The row at a place.
    pub fn get(&self, place: usize) -> Option<Row<'_>> {
        self.packed.get(place).map(|packed| self.unpack(place, packed))
    }

    /// All rows, in the file's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Row<'_>> + DoubleEndedIterator + Clone {
        self.packed.iter().enumerate().map(|(place, packed)| self.unpack(place, packed))
    }

    /// The rows that are to stay, by their places; texts of the others stay in the block.
    pub(crate) fn retain(&mut self, mut stays: impl FnMut(usize) -> bool) {
        let (mut divided, mut parts) = (Vec::new(), Vec::new());
        let mut rows = std::mem::take(&mut self.divided).into_iter().peekable();
        let (mut place, mut after, mut first) = (0, 0_usize, 0_usize);
        self.packed.retain(|_| {
            let stay = stays(place);
            if let Some((_, end)) = rows.next_if(|(row, _)| *row == small(place)) {
                let end = usize::try_from(end).unwrap_or(usize::MAX);
                if stay {
                    parts.extend_from_slice(self.parts.get(first..end).unwrap_or_default());
                    divided.push((small(after), small(parts.len())));
                }
                first = end;
            }
            place += 1;
            after += usize::from(stay);
            stay
        });
        (self.divided, self.parts) = (divided, parts);
    }

    /// The parts of the row at a place.
    fn parts(&self, place: usize) -> &[PackedSplit] {
        let Ok(at) = self.divided.binary_search_by_key(&small(place), |(row, _)| *row) else {
            return &[];
        };
        let end = |at: usize| {
            self.divided.get(at).and_then(|(_, end)| usize::try_from(*end).ok()).unwrap_or_default()
        };
        let start = at.checked_sub(1).map_or(0, end);
        self.parts.get(start..end(at)).unwrap_or_default()
    }

    fn unpack<'a>(&'a self, place: usize, packed: &Packed) -> Row<'a> {
        let mut rest = usize::try_from(packed.start).ok().and_then(|at| self.block.get(at..));
        let mut next = |len: usize| {
            let (text, after) = rest.and_then(|text| text.split_at_checked(len))?;
            rest = Some(after);
            Some(text).filter(|text| !text.is_empty())
        };
        let [
            currency,
            payee,
            bank_id,
            reference,
            category,
            counterparty_account,
            corrected,
            pending_id,
        ] = packed.texts.map(|len| next(usize::from(len)));
        let description = usize::try_from(packed.description).ok().and_then(&mut next);
        let deletes = packed.flags & DELETES != 0;
        Row {
            line: u64::from(packed.line),
            booking_date: packed.booking_date,
            value_date: packed.value_date,
            amount: packed.amount,
            currency,
            description: description.unwrap_or_default(),
            payee,
            bank_id,
            reference,
            category,
            counterparty_account,
            pending: packed.flags & PENDING != 0,
            corrects: corrected
                .map(|id| if deletes { Correction::Deletes(id) } else { Correction::Replaces(id) }),
            pending_id,
            splits: RowSplits(Parts::Packed(self.parts(place), &self.block)),
        }
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rows({})", self.len())
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The last character boundary at or before a place.
fn floor(text: &str, place: usize) -> usize {
    (0..=place).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(minor: i64, category: Option<&'static str>) -> RowSplit<'static> {
        let amount = Amount::new(rust_decimal::Decimal::new(minor, 2));
        RowSplit { amount, category, notes: category.map(|_| "nöte") }
    }

    #[test]
    fn rows_come_back_as_they_were_added() {
        // Holds: every text and part of a row, and which of them there are, survive the packing.
        let date = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        let parts = [split(-250, Some("Food")), split(-650, None), split(0, Some("é"))];
        let plain = Row::new(1, date, Amount::ZERO);
        let given = [
            Row { description: "RENT", payee: Some("A"), reference: Some("é"), ..plain.clone() },
            Row { splits: parts.as_slice().into(), bank_id: Some("7"), ..plain.clone() },
            Row { pending: true, corrects: Some(Correction::Deletes("7")), ..plain.clone() },
            Row { splits: parts.get(..1).unwrap().into(), value_date: Some(date), ..plain.clone() },
            Row { category: Some("c"), counterparty_account: Some("d"), ..plain },
        ];
        let mut rows = Rows::default();
        given.iter().for_each(|row| rows.push(row));
        assert!(rows.iter().eq(given.iter().cloned()));
        for kept in 0..1_usize << given.len() {
            let stays = |place: &usize| kept >> place & 1 == 1;
            let mut some = rows.clone();
            some.retain(|place| stays(&place));
            let expected = (0..given.len()).filter(stays).map(|place| given[place].clone());
            assert!(some.iter().eq(expected), "{kept:b}");
        }
    }

    #[test]
    fn long_ids_are_none() {
        // Holds: an id of as many bytes as a name may have is kept, a longer one names nothing.
        let (name, long) = ("é".repeat(127) + "1", "é".repeat(128));
        let row = |id| Row { bank_id: Some(id), ..Row::new(1, NaiveDate::MIN, Amount::ZERO) };
        let mut rows = Rows::default();
        rows.push(&row(&name));
        rows.push(&row(&long));
        let found: Vec<_> = rows.iter().map(|row| row.bank_id.map(str::len)).collect();
        assert_eq!(found, [Some(MAX_NAME_BYTES), None]);
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        // Holds: what does not fit a row's lengths is cut between two characters, the rest stays.
        let long = "é".repeat(40_000);
        let part = RowSplit { amount: Amount::ZERO, category: Some(&long), notes: Some("n") };
        let row = Row {
            payee: Some(&long),
            description: &long,
            splits: std::slice::from_ref(&part).into(),
            ..Row::new(1, NaiveDate::MIN, Amount::ZERO)
        };
        let mut rows = Rows::default();
        rows.push(&row);
        let found = rows.get(0).unwrap();
        let cut = long.get(..65_534);
        assert_eq!((found.payee, found.description), (cut, &*long));
        let part = found.splits.get(0).unwrap();
        assert_eq!((part.category, part.notes), (cut, Some("n")));
    }
}
