//! From text to records: lines, headers and the fields of one record.

use crate::import::text::{LineByLine, trim};
use crate::limits::MAX_SPLITS;

/// What a header says about the records behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section<'a> {
    /// Nothing yet: no header has been met.
    None,
    /// Accounts: `!Account`.
    Accounts,
    /// Transactions of an account.
    Transactions,
    /// Transactions of an account that holds securities.
    Investments,
    /// A list of something else: categories, securities, prices, memorized transactions.
    List,
    /// A section of a kind that is not known, by its name.
    Unknown(&'a str),
}

impl<'a> Section<'a> {
    /// The section that a header begins; nothing for an option, which ends none.
    fn of(header: &'a str) -> Option<Self> {
        let Some(kind) = strip_prefix(header, "!Type:") else {
            return if strip_prefix(header, "!Account").is_some() {
                Some(Self::Accounts)
            } else if is_header(header) {
                None
            } else {
                Some(Self::Unknown(header))
            };
        };
        let kind = kind.trim();
        let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(kind));
        Some(if is(&["Bank", "Cash", "CCard", "Oth A", "Oth L", "Oth S"]) {
            Self::Transactions
        } else if is(&["Invst"]) {
            Self::Investments
        } else if is(&[
            "Cat",
            "Class",
            "Memorized",
            "Security",
            "Prices",
            "Budget",
            "Template",
            "Tag",
            "Tax",
            "InvItem",
        ]) {
            Self::List
        } else {
            Self::Unknown(kind)
        })
    }
}

impl Section<'_> {
    /// Whether its records are transactions of an account.
    pub(super) fn is_of_account(self) -> bool {
        matches!(self, Self::Transactions | Self::Investments)
    }
}

/// Whether a line is a header of the format.
pub(super) fn is_header(line: &str) -> bool {
    ["!Type:", "!Account", "!Option:", "!Clear:"]
        .iter()
        .any(|name| strip_prefix(line, name).is_some())
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// A value and its line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Field<'a> {
    pub(super) text: &'a str,
    pub(super) line: u64,
}

/// A part of a transaction.
#[derive(Debug, Default)]
pub(super) struct Split<'a> {
    pub(super) category: &'a str,
    pub(super) memo: &'a str,
    pub(super) amount: Field<'a>,
}

/// The fields of a record that are of use; empty where they are missing.
#[derive(Debug, Default)]
pub(super) struct Record<'a> {
    /// The first line.
    pub(super) line: u64,
    pub(super) date: Field<'a>,
    /// The first of `T` and `U`, which some programs write both.
    pub(super) amount: Field<'a>,
    /// The other one, where it is written in another way.
    pub(super) other_amount: Field<'a>,
    pub(super) payee: &'a str,
    pub(super) memo: &'a str,
    /// A number, the name of an account, or what was done with a security.
    pub(super) number: &'a str,
    pub(super) category: &'a str,
    pub(super) security: &'a str,
    pub(super) splits: Vec<Split<'a>>,
    /// Another date that the record has.
    pub(super) other_date: Option<u64>,
    /// Whether the file ends inside a date or an amount.
    pub(super) is_cut: bool,
    /// Whether the file ends with the record, without a sign that it is whole.
    pub(super) is_last: bool,
}

impl<'a> Record<'a> {
    fn clear(&mut self) {
        let mut splits = std::mem::take(&mut self.splits);
        splits.clear();
        *self = Self { splits, ..Self::default() };
    }

    /// Whether the record has nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        self.line == 0
    }

    fn begin(&mut self, line: u64) {
        if self.line == 0 {
            self.line = line;
        }
    }

    /// Takes a line. Behind the first `S`, a date is that of the part, which is not read.
    fn take(&mut self, code: u8, text: &'a str, line: u64) {
        match code {
            b'D' if self.date.text.is_empty() => self.date = Field { text, line },
            b'D' if self.splits.is_empty() && self.date.text != text => {
                self.other_date = Some(line);
            }
            b'T' | b'U' if !text.is_empty() && self.amount.text != text => {
                if self.amount.text.is_empty() {
                    self.amount = Field { text, line };
                } else {
                    self.other_amount = Field { text, line };
                }
            }
            b'P' if self.payee.is_empty() => self.payee = text,
            b'M' if self.memo.is_empty() => self.memo = text,
            b'N' if self.number.is_empty() => self.number = text,
            b'L' if self.category.is_empty() => self.category = text,
            b'Y' if self.security.is_empty() => self.security = text,
            // One more than are allowed is enough to tell that there are too many.
            b'S' if self.splits.len() <= MAX_SPLITS => {
                self.splits.push(Split { category: text, ..Split::default() });
            }
            b'E' | b'$' => {
                let Some(split) = self.splits.last_mut() else { return };
                match code {
                    b'E' => split.memo = text,
                    _ => split.amount = Field { text, line },
                }
            }
            _ => {}
        }
    }
}

/// What was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// A section begins.
    Section(Section<'a>, u64),
    /// A record has ended; it is in [`Records::record`].
    Record,
}

/// Cuts a text into records.
#[derive(Debug)]
pub(super) struct Records<'a> {
    text: &'a str,
    lines: LineByLine<'a>,
    /// A header that ended the record before it.
    header: Option<(Section<'a>, u64)>,
    /// Whether only dates and amounts are wanted.
    is_survey: bool,
    pub(super) section: Section<'a>,
    pub(super) record: Record<'a>,
}

impl<'a> Records<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            lines: LineByLine::new(text),
            header: None,
            is_survey: false,
            section: Section::None,
            record: Record::default(),
        }
    }

    /// The same records with nothing but their dates and amounts.
    pub(super) fn survey(text: &'a str) -> Self {
        Self { is_survey: true, ..Self::new(text) }
    }

    /// The next header or record; records without any field are passed over.
    pub(super) fn next(&mut self) -> Option<Item<'a>> {
        if let Some((section, line)) = self.header.take() {
            self.section = section;
            return Some(Item::Section(section, line));
        }
        self.record.clear();
        while let Some(line) = self.lines.next() {
            let line = trim(line);
            let number = self.lines.number();
            match line.as_bytes().first() {
                None => {}
                Some(b'^') if self.record.is_empty() => {}
                Some(b'#') if self.section == Section::None => {}
                Some(b'^') => return Some(Item::Record),
                Some(b'!') => {
                    let Some(section) = Section::of(line) else { continue };
                    if self.record.is_empty() {
                        self.section = section;
                        return Some(Item::Section(section, number));
                    }
                    self.header = Some((section, number));
                    return Some(Item::Record);
                }
                Some(code)
                    if self.is_survey && !matches!(code, b'D' | b'T' | b'U' | b'S' | b'$') =>
                {
                    self.record.begin(number);
                }
                Some(code) => {
                    self.record.begin(number);
                    self.record.take(*code, trim(line.get(1..).unwrap_or_default()), number);
                    if self.lines.position() == self.text.len() {
                        let has_end = self.text.ends_with(['\n', '\r']);
                        self.record.is_cut = !has_end && matches!(code, b'D' | b'T' | b'U' | b'$');
                    }
                }
            }
        }
        self.record.is_last = true;
        (!self.record.is_empty()).then_some(Item::Record)
    }
}
