//! What the straight pass yields: rows by account and currency, and what settles their signs.

use super::super::profile::CsvProfile;
use super::super::words::Direction;
use super::Side;
use crate::import::{MAX_FILE_ROWS, Problem, Row, Rows};
use crate::limits::MAX_PROFILE_WORDS;
use crate::money::Amount;

/// More accounts or currencies than this in one file are not that.
pub(in super::super) const MAX_KINDS: usize = 64;
/// After how many rows the room for texts is estimated.
const ESTIMATE_ROWS: usize = 256;

/// What tells the sign of a row; its amount has none until that is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Mark {
    pub side: Side,
    /// Whether a minus or brackets stood around the amount.
    pub minus: bool,
}

/// The rows of one account and currency.
#[derive(Debug, Default)]
pub(in super::super) struct Group {
    /// Account and currency among those that were seen; 0 is none.
    pub account: u16,
    pub currency: u16,
    pub rows: Rows,
    /// One for each row.
    pub marks: Vec<Mark>,
    /// One for each row; none at all where no column holds balances.
    pub balances: Vec<Option<Amount>>,
    /// Whether its rows have different currencies, which they name themselves.
    pub mixed: bool,
}

impl Group {
    /// The balance after a row.
    pub fn balance(&self, place: usize) -> Option<Amount> {
        self.balances.get(place).copied().flatten()
    }

    /// Keeps the rows that are to stay, by their places.
    pub fn retain(&mut self, stays: impl Fn(usize) -> bool) {
        self.rows.retain(&stays);
        let mut places = 0..;
        self.marks.retain(|_| places.next().is_none_or(&stays));
        let mut places = 0..;
        self.balances.retain(|_| places.next().is_none_or(&stays));
    }
}

/// Texts that were seen, numbered from 1.
#[derive(Debug, Default)]
pub(in super::super) struct Seen {
    pub texts: Vec<String>,
    last: u16,
}

impl Seen {
    /// The number of a text; 0 is no text. Beyond the limit, all texts are one.
    pub fn number(&mut self, text: &str) -> u16 {
        if text.is_empty() {
            return 0;
        }
        if self.get(self.last) == Some(text) {
            return self.last;
        }
        let place = match self.texts.iter().position(|known| known == text) {
            Some(place) => place,
            None if self.texts.len() < MAX_KINDS => {
                self.texts.push(text.to_owned());
                self.texts.len() - 1
            }
            None => MAX_KINDS,
        };
        self.last = u16::try_from(place + 1).unwrap_or(u16::MAX);
        self.last
    }

    pub fn get(&self, number: u16) -> Option<&str> {
        let place = usize::from(number).checked_sub(1)?;
        self.texts.get(place).map(String::as_str)
    }
}

/// What the pass yields.
#[derive(Debug)]
pub(in super::super) struct Found {
    /// In the order in which they begin.
    pub groups: Vec<Group>,
    pub accounts: Seen,
    pub currencies: Seen,
    pub problems: Vec<Problem>,
    pub words: Words,
    /// Whether a cell can be read in another format only.
    pub contradicted: bool,
    /// The group of the last row.
    last: usize,
    /// The place of each group by account and currency, counted from 1.
    places: Vec<u16>,
    /// How many rows the file may have, by its lines.
    expected: usize,
    rows: usize,
    /// Whether a column holds balances.
    balanced: bool,
}

impl Found {
    pub fn new(expected: usize, balanced: bool, words: Words) -> Self {
        Self {
            groups: Vec::new(),
            accounts: Seen::default(),
            currencies: Seen::default(),
            problems: Vec::new(),
            words,
            contradicted: false,
            last: 0,
            places: Vec::new(),
            expected: expected.min(MAX_FILE_ROWS),
            rows: 0,
            balanced,
        }
    }

    /// How many records were rows, or should have been.
    pub fn records(&self) -> usize {
        self.rows.saturating_add(self.problems.len())
    }

    /// Adds a row to its group.
    pub fn push(&mut self, row: &Row<'_>, mark: Mark, balance: Option<Amount>, key: (u16, u16)) {
        let place = match self.groups.get(self.last) {
            Some(group) if (group.account, group.currency) == key => self.last,
            _ => self.place(key),
        };
        self.last = place;
        self.rows += 1;
        let expected = self.expected;
        let Some(group) = self.groups.get_mut(place) else { return };
        group.rows.push(row);
        group.marks.push(mark);
        if self.balanced {
            group.balances.push(balance);
        }
        if self.rows == ESTIMATE_ROWS && self.groups.len() == 1 {
            let Some(group) = self.groups.first_mut() else { return };
            // A few more bytes than on average save the last, large move.
            let bytes = group.rows.text_len() / ESTIMATE_ROWS + 2;
            group.rows.reserve_text(bytes * expected.saturating_sub(ESTIMATE_ROWS));
        }
    }

    /// The group of that account and currency.
    fn place(&mut self, (account, currency): (u16, u16)) -> usize {
        // Numbers go from 0 to one more than there are kinds.
        const NUMBERS: usize = MAX_KINDS + 2;
        self.places.resize(NUMBERS * NUMBERS, 0);
        let at = usize::from(account) * NUMBERS + usize::from(currency);
        let Some(known) = self.places.get_mut(at) else { return 0 };
        if *known == 0 {
            // The first group is most often the only one.
            let room = if self.groups.is_empty() { self.expected } else { 0 };
            self.groups.push(Group {
                account,
                currency,
                rows: Rows::with_capacity(room, 0),
                marks: Vec::with_capacity(room),
                balances: Vec::with_capacity(if self.balanced { room } else { 0 }),
                mixed: false,
            });
            *known = u16::try_from(self.groups.len()).unwrap_or(u16::MAX);
        }
        usize::from(*known) - 1
    }

    /// The balance beside the last row.
    pub fn last_balance(&self) -> Option<Amount> {
        self.groups.get(self.last)?.balances.last().copied().flatten()
    }

    /// The rows of the group to which the last row went.
    pub fn last_rows(&mut self) -> Option<&mut Rows> {
        self.groups.get_mut(self.last).map(|group| &mut group.rows)
    }
}

/// The words of a direction column, as stated and as they were met.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Words {
    /// Money comes in.
    pub inward: Vec<String>,
    /// Money goes out.
    pub outward: Vec<String>,
}

impl Words {
    /// The words that a profile states.
    pub fn stated(profile: &CsvProfile) -> Self {
        Self { inward: profile.in_words.clone(), outward: profile.out_words.clone() }
    }

    /// Keeps a word that told a direction.
    pub fn add(&mut self, word: &str, direction: Direction) {
        let words = match direction {
            Direction::In => &mut self.inward,
            Direction::Out => &mut self.outward,
        };
        if words.len() < MAX_PROFILE_WORDS && !word.is_empty() && !words.iter().any(|it| it == word)
        {
            words.push(word.to_owned());
        }
    }
}

/// The last few answers about cells of one column, of which most hold one of a few words.
#[derive(Debug)]
pub(super) struct Memo<T> {
    known: Vec<(String, T)>,
    next: usize,
    /// The answer about empty cells: to compare one with another empty text is slow on some
    /// processors, because neither has a place in memory.
    empty: Option<T>,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self { known: Vec::new(), next: 0, empty: None }
    }
}

impl<T: Copy> Memo<T> {
    const MOST: usize = 8;

    pub fn get(&self, cell: &str) -> Option<T> {
        if cell.is_empty() {
            return self.empty;
        }
        self.known.iter().find(|(known, _)| known == cell).map(|(_, answer)| *answer)
    }

    pub fn put(&mut self, cell: &str, answer: T) {
        if cell.is_empty() {
            self.empty = Some(answer);
            return;
        }
        if let Some((known, old)) = self.known.get_mut(self.next) {
            known.clear();
            known.push_str(cell);
            *old = answer;
        } else {
            self.known.push((cell.to_owned(), answer));
        }
        self.next = (self.next + 1) % Self::MOST;
    }
}
