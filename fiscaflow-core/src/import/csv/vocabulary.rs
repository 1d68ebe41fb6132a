//! Words with a fixed meaning in the files of banks: the lists of `vocabulary.txt`.
//!
//! All words are plain (see [`super::text::words`]): lower case, without accents and punctuation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::profile::ColumnRole;

/// The lists, as they are written.
const TEXT: &str = include_str!("vocabulary.txt");

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary::read(TEXT));

/// The lists, read once.
#[derive(Debug, Default)]
struct Vocabulary {
    headers: BTreeMap<&'static str, Vec<ColumnRole>>,
    months: BTreeMap<&'static str, u32>,
    lists: [BTreeSet<&'static str>; List::ALL.len()],
    /// How the balance lines begin: of each first letter, a bit for each second one.
    balance_starts: [u32; 26],
}

/// A list that is asked by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// Words in a header about another currency, party or amount.
    Other,
    /// Headers of banks of countries that never write the month first.
    DayFirst,
    /// A direction column: money out.
    DirectionOut,
    /// A direction column: money in.
    DirectionIn,
    /// A status column: announced.
    Pending,
    /// A status column: did not happen.
    Failed,
    /// A status column: booked.
    Booked,
    /// First words of lines that add up others.
    Total,
    /// Whole descriptions of lines that report a balance.
    BalanceLine,
    /// A word of a description: money out.
    SpokenOut,
    /// A word of a description: money in.
    SpokenIn,
    /// A phrase in the payments to a card.
    CardPayment,
    /// A card's word for the kind of a row that is spending.
    CardSpending,
    /// Headers of an account that do not say whose it is.
    PlainAccount,
    /// Headers of notes, which are a description where there is no other.
    Note,
    /// The days of the week.
    Weekday,
    /// Parts of words, and whole words, of headers that are in no list.
    DatePart,
    DateWord,
    ValuePart,
    BalancePart,
    AmountPart,
    DescriptionPart,
}

impl List {
    /// Every list, in the order in which they are declared.
    const ALL: [Self; 22] = [
        Self::Other,
        Self::DayFirst,
        Self::DirectionOut,
        Self::DirectionIn,
        Self::Pending,
        Self::Failed,
        Self::Booked,
        Self::Total,
        Self::BalanceLine,
        Self::SpokenOut,
        Self::SpokenIn,
        Self::CardPayment,
        Self::CardSpending,
        Self::PlainAccount,
        Self::Note,
        Self::Weekday,
        Self::DatePart,
        Self::DateWord,
        Self::ValuePart,
        Self::BalancePart,
        Self::AmountPart,
        Self::DescriptionPart,
    ];

    fn set(self) -> Option<&'static BTreeSet<&'static str>> {
        VOCABULARY.lists.get(self as usize)
    }

    const fn section(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::DayFirst => "day first header",
            Self::DirectionOut => "direction out",
            Self::DirectionIn => "direction in",
            Self::Pending => "state pending",
            Self::Failed => "state failed",
            Self::Booked => "state booked",
            Self::Total => "total",
            Self::BalanceLine => "balance line",
            Self::SpokenOut => "spoken out",
            Self::SpokenIn => "spoken in",
            Self::CardPayment => "card payment",
            Self::CardSpending => "card spending",
            Self::PlainAccount => "plain account header",
            Self::Note => "note header",
            Self::Weekday => "weekday",
            Self::DatePart => "part date",
            Self::DateWord => "word date",
            Self::ValuePart => "part value",
            Self::BalancePart => "part balance",
            Self::AmountPart => "part amount",
            Self::DescriptionPart => "part description",
        }
    }

    /// The words of the list.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        self.set().into_iter().flatten().copied()
    }

    /// Whether a text is in the list.
    pub fn has(self, text: &str) -> bool {
        self.set().is_some_and(|list| list.contains(text))
    }

    /// Whether one word of a text is in the list.
    pub fn has_word_of(self, text: &str) -> bool {
        let Some(list) = self.set() else { return false };
        text.split(' ').any(|word| list.contains(word))
    }

    /// Whether a text holds one of the list's words or parts anywhere.
    pub fn is_within(self, text: &str) -> bool {
        self.words().any(|part| text.contains(part))
    }

    /// Whether a text begins with whole words of the list.
    pub fn begins(self, text: &str) -> bool {
        let Some(list) = self.set() else { return false };
        let ends = text.match_indices(' ').map(|(at, _)| at).chain(std::iter::once(text.len()));
        ends.take(4).any(|end| text.get(..end).is_some_and(|start| list.contains(start)))
    }
}

/// Whether a text may be in the list of balance lines: a quick look that spares most texts a longer
/// one.
pub(super) fn may_be_balance_line(text: &str) -> bool {
    let mut letters = text.bytes().filter(u8::is_ascii_alphabetic).map(place);
    let (Some(first), Some(second)) = (letters.next(), letters.next()) else { return true };
    let seconds = VOCABULARY.balance_starts.get(first).copied().unwrap_or_default();
    (seconds & (1 << second) != 0 || !text.is_ascii())
        && !text.bytes().any(|byte| byte.is_ascii_digit())
}

/// The place of a letter in the alphabet.
const fn place(letter: u8) -> usize {
    (letter.to_ascii_lowercase() - b'a') as usize % 26
}

/// Everything that a header may mean, best first.
pub(super) fn roles(header: &str) -> &'static [ColumnRole] {
    VOCABULARY.headers.get(header).map_or(&[], Vec::as_slice)
}

/// The number of a month by its name or abbreviation.
pub(super) fn month(word: &str) -> Option<u32> {
    VOCABULARY.months.get(word).copied()
}

impl Vocabulary {
    fn read(text: &'static str) -> Self {
        let mut found = Self::default();
        let mut section = "";
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']');
            } else if !line.starts_with('#') {
                let entries = line.split('|').map(str::trim).filter(|entry| !entry.is_empty());
                entries.for_each(|entry| found.add(section, entry));
            }
        }
        found
    }

    fn add(&mut self, section: &'static str, entry: &'static str) {
        if let Some(role) = section.strip_prefix("header ").and_then(role) {
            self.headers.entry(entry).or_default().push(role);
        } else if let Some(number) = section.strip_prefix("month ") {
            if let Ok(number) = number.parse() {
                self.months.insert(entry, number);
            }
        } else if let Some(list) = List::ALL.into_iter().find(|list| list.section() == section) {
            let mut letters = entry.bytes().filter(u8::is_ascii_alphabetic).map(place);
            if let (List::BalanceLine, Some(first), Some(second)) =
                (list, letters.next(), letters.next())
                && let Some(seconds) = self.balance_starts.get_mut(first)
            {
                *seconds |= 1 << second;
            }
            if let Some(set) = self.lists.get_mut(list as usize) {
                set.insert(entry);
            }
        }
    }
}

fn role(name: &str) -> Option<ColumnRole> {
    ColumnRole::ALL.into_iter().find(|role| role.as_str() == name)
}

#[cfg(test)]
mod tests {
    use super::super::text::words;
    use super::*;

    #[test]
    fn every_entry_can_be_found() {
        // Holds: entries are plain words, no section is empty or misnamed, none repeats an entry.
        let mut section = "";
        let mut wrong = Vec::new();
        let mut seen = BTreeSet::new();
        for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']');
                let is_list = List::ALL.iter().any(|list| list.section() == section);
                let is_role = section.strip_prefix("header ").is_some_and(|it| role(it).is_some());
                assert!(is_list || is_role || section.starts_with("month "), "{section}");
                continue;
            }
            for entry in line.split('|').map(str::trim).filter(|entry| !entry.is_empty()) {
                if words(entry) != entry || !seen.insert((section, entry)) {
                    wrong.push((section, entry));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
        for number in 1..=12 {
            assert!(VOCABULARY.months.values().any(|month| *month == number));
        }
    }

    #[test]
    fn every_list_is_there() {
        // Holds: every list that the code asks for has a section with words; quick looks at a text
        // miss none of them.
        for (place, list) in List::ALL.into_iter().enumerate() {
            assert_eq!(list as usize, place);
            assert!(list.words().next().is_some(), "{}", list.section());
        }
        use List::*;
        for list in [DirectionOut, DirectionIn, Pending, Failed, Booked, BalanceLine] {
            for word in list.words() {
                assert!(!word.bytes().any(|byte| byte.is_ascii_digit()), "{word}");
            }
        }
        for line in List::BalanceLine.words() {
            assert!(may_be_balance_line(line), "{line}");
        }
        assert!(!may_be_balance_line("coffee") && !may_be_balance_line("saldo 1"));
        assert!(List::Total.begins("total of all rows") && !List::Total.begins("totally new"));
    }
}
