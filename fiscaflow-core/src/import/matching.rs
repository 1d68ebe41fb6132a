//! Matching: which rows of a file are in the book already, and what speaks for it.
//!
//! One-to-one, best evidence first: the bank's own id; then a pending row that is now booked; then
//! the fingerprint of the bank's facts. As many equal rows as the book holds are recognised and
//! the rest are new, so real twins survive and the same file twice adds nothing.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::assignment::{MAX_ASSIGNED, assign};
use crate::id::TransactionId;
use crate::log::Hash;
use crate::money::Money;
use crate::store::{OriginRow, fold};

/// How many days may lie between a pending row and its booking.
pub(crate) const PENDING_DAYS: i64 = 10;

/// Why a row of a file is taken for a transaction that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum MatchReason {
    /// The bank's id is the same.
    BankId,
    /// It was pending: same amount, a few days apart.
    PendingPosted,
    /// Date, amount and description are the same.
    Fingerprint,
    /// Date, amount and description are the same; the bank has changed its ids.
    ChangedBankId,
    /// The row corrects it by its id (OFX `CORRECTFITID`).
    Correction,
}

/// A fact on which a row and a transaction agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Evidence {
    /// The bank's id.
    BankId,
    /// The booked row names the id of the pending one.
    PendingId,
    /// The amount.
    Amount,
    /// The booking date.
    Date,
    /// The booking date, but for a few days.
    NearDate,
    /// The description, letter case and blanks apart.
    Description,
    /// Words of the description or payee.
    Words,
}

/// What a row was recognised as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) transaction_id: TransactionId,
    pub(crate) reason: MatchReason,
    pub(crate) evidence: Vec<Evidence>,
    /// In percent.
    pub(crate) confidence: u8,
    /// Whether it was pending in the book until now and is booked by this row.
    pub(crate) books: bool,
}

/// What of a row counts for matching.
#[derive(Clone)]
pub(crate) struct Incoming<'a> {
    pub(crate) booking_date: NaiveDate,
    pub(crate) amount_minor: i64,
    pub(crate) bank_id: Option<&'a str>,
    pub(crate) pending_id: Option<&'a str>,
    pub(crate) fingerprint: String,
    pub(crate) pending: bool,
    /// The description; only looked at where something is pending.
    pub(crate) description: &'a str,
}

/// A digest of the bank's own facts, which no edit in the book changes: date, amount, currency and
/// the description with letter case and blanks evened out. 32 hexadecimal digits.
pub(crate) fn fingerprint(date: NaiveDate, amount: Money, description: &str) -> String {
    let mut facts = format!("1\n{date}\n{}\n{}\n", amount.minor(), amount.currency().stored());
    facts.push_str(&evened_out(description));
    let mut digits = Hash::of(&[facts.as_bytes()]).to_string();
    digits.truncate(32);
    digits
}

/// A text in lower case, its words one blank apart.
fn evened_out(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    fold(&words)
}

/// For each row the transaction that it is, if it is there already. `text` gives the description
/// of a transaction, where it was asked for by [`undecided`].
pub(crate) fn match_rows<'a>(
    rows: &'a [Incoming<'a>],
    known: &'a [OriginRow],
    text: impl Fn(TransactionId) -> Option<&'a str>,
) -> Vec<Option<Match>> {
    let mut matching = Matching {
        rows,
        known,
        candidates: candidates(rows, known),
        found: vec![None; rows.len()],
        used: HashSet::new(),
        matched: HashSet::new(),
    };
    matching.by_id_and_facts();
    matching.by_pending_id();
    matching.by_facts(true);
    matching.by_id(&text);
    let ids_hold =
        matching.found.iter().flatten().any(|it| it.evidence.contains(&Evidence::BankId));
    matching.by_booking(&text);
    matching.by_facts(false);
    if !ids_hold {
        matching.by_changed_ids();
    }
    matching.found
}

/// The transactions that have to be seen whole: those that are pending, and those whose bank id
/// comes again with another date or amount. `by_id` has both for each id, or nothing where a
/// transaction is wanted in any case.
pub(crate) fn undecided(
    by_id: &HashMap<&str, Option<(NaiveDate, i64)>>,
    known: &[OriginRow],
) -> impl Iterator<Item = TransactionId> {
    let told = move |known: &&OriginRow| {
        let now = known.bank_id.as_deref().and_then(|id| by_id.get(id));
        known.is_open()
            || now.is_some_and(|now| *now != Some((known.booking_date, known.amount_minor)))
    };
    known.iter().filter(told).map(|known| known.transaction_id)
}

/// The earlier rows that a row of the file may be: those with its id or its facts, and pending
/// ones. New rows have few of them, however many the book holds.
fn candidates<'a>(rows: &'a [Incoming<'a>], known: &'a [OriginRow]) -> Vec<Known<'a>> {
    let ids: HashSet<&str> =
        rows.iter().flat_map(|row| [row.bank_id, row.pending_id]).flatten().collect();
    let facts: HashSet<&str> = rows.iter().map(|row| row.fingerprint.as_str()).collect();
    let may_be = |(_, known): &Known<'_>| {
        known.is_open()
            || facts.contains(known.fingerprint.as_str())
            || known.bank_id.as_deref().is_some_and(|id| ids.contains(id))
    };
    known.iter().enumerate().filter(may_be).collect()
}

struct Matching<'a> {
    rows: &'a [Incoming<'a>],
    known: &'a [OriginRow],
    candidates: Vec<Known<'a>>,
    found: Vec<Option<Match>>,
    /// The places of earlier rows that stand for a row of this file.
    used: HashSet<usize>,
    /// Their transactions.
    matched: HashSet<TransactionId>,
}

/// Earlier rows by something that they have in common, in the order in which they came.
type Pool<'a, K> = HashMap<K, VecDeque<Known<'a>>>;

/// An earlier row and its place among them.
type Known<'a> = (usize, &'a OriginRow);

impl<'a> Matching<'a> {
    fn take(
        &mut self,
        place: usize,
        (at, known): Known<'_>,
        reason: MatchReason,
        more: Option<Evidence>,
    ) {
        let Some((row, found)) = self.rows.get(place).zip(self.found.get_mut(place)) else {
            return;
        };
        let books = known.is_open() && !row.pending;
        let evidence = evidence(row, known, more);
        let confidence = confidence(reason, &evidence);
        let reason = if books { MatchReason::PendingPosted } else { reason };
        let transaction_id = known.transaction_id;
        *found = Some(Match { transaction_id, reason, evidence, confidence, books });
        self.used.insert(at);
        self.matched.insert(transaction_id);
    }

    fn open_rows(&self) -> impl Iterator<Item = (usize, &'a Incoming<'a>)> + use<'a> {
        let open: Vec<bool> = self.found.iter().map(Option::is_none).collect();
        self.rows.iter().enumerate().zip(open).filter(|(_, open)| *open).map(|(row, _)| row)
    }

    /// The candidates that stand for nothing in this file yet, by a key.
    fn pool<K: std::hash::Hash + Eq>(
        &self,
        key: impl Fn(&'a OriginRow) -> Option<K>,
    ) -> Pool<'a, K> {
        let mut pool: Pool<'a, K> = HashMap::new();
        for known in self.candidates.iter().copied().filter(|known| self.is_free(*known)) {
            if let Some(key) = key(known.1) {
                pool.entry(key).or_default().push_back(known);
            }
        }
        pool
    }

    /// Whether an earlier row may still be recognised. A merged transaction stands for several rows
    /// of a file, but never for a booked row and for the pending one that it was.
    fn is_free(&self, (at, known): Known<'_>) -> bool {
        let was_pending = known.pending && known.booked;
        let stood = was_pending && self.matched.contains(&known.transaction_id);
        !stood && !self.used.contains(&at)
    }

    /// The next of a pool.
    fn next<K: std::hash::Hash + Eq>(&self, pool: &mut Pool<'a, K>, key: &K) -> Option<Known<'a>> {
        let candidates = pool.get_mut(key)?;
        while let Some(known) = candidates.pop_front() {
            if self.is_free(known) {
                return Some(known);
            }
        }
        None
    }

    /// The same bank id and the same facts.
    fn by_id_and_facts(&mut self) {
        let mut pool =
            self.pool(|known| Some((known.bank_id.as_deref()?, known.fingerprint.as_str())));
        for (place, row) in self.open_rows() {
            let Some(id) = row.bank_id else { continue };
            if let Some(known) = self.next(&mut pool, &(id, &*row.fingerprint)) {
                self.take(place, known, MatchReason::BankId, None);
            }
        }
    }

    /// A booked row that names the id of the pending one.
    fn by_pending_id(&mut self) {
        let mut pool = self.pool(|known| known.bank_id.as_deref().filter(|_| known.is_open()));
        for (place, row) in self.open_rows() {
            let Some(id) = row.pending_id.filter(|_| !row.pending) else { continue };
            if let Some(known) = self.next(&mut pool, &id) {
                self.take(place, known, MatchReason::PendingPosted, Some(Evidence::PendingId));
            }
        }
    }

    /// The same facts, unless two different bank ids speak against it. At first only pending rows
    /// join pending ones and booked rows booked ones: what is still pending in this file is not
    /// what another row of it books.
    fn by_facts(&mut self, alike: bool) {
        let state = |pending: bool| pending && alike;
        let mut pool = self.pool(|known| {
            Some((known.fingerprint.as_str(), state(known.is_open()), known.bank_id.is_some()))
        });
        for (place, row) in self.open_rows() {
            for with_id in [false, true] {
                if with_id && row.bank_id.is_some() {
                    continue;
                }
                let key = (&*row.fingerprint, state(row.pending), with_id);
                if let Some(known) = self.next(&mut pool, &key) {
                    self.take(place, known, MatchReason::Fingerprint, None);
                    break;
                }
            }
        }
    }

    /// The same bank id where it names one row here and one there, and two of amount, description
    /// and date (but for a few days) agree: some banks count their ids anew in every file.
    fn by_id(&mut self, text: &impl Fn(TransactionId) -> Option<&'a str>) {
        let mut pool = self.pool(|known| known.bank_id.as_deref());
        if pool.is_empty() {
            return;
        }
        let mut rows_with_id: HashMap<&str, usize> = HashMap::new();
        for id in self.rows.iter().filter_map(|row| row.bank_id) {
            *rows_with_id.entry(id).or_default() += 1;
        }
        for (place, row) in self.open_rows() {
            let Some(id) = row.bank_id.filter(|id| rows_with_id.get(id) == Some(&1)) else {
                continue;
            };
            if pool.get(id).is_none_or(|candidates| candidates.len() != 1) {
                continue;
            }
            let Some((at, known)) = self.next(&mut pool, &id) else { continue };
            let amount = known.amount_minor == row.amount_minor;
            let near = (row.booking_date - known.booking_date).num_days().abs() <= PENDING_DAYS;
            let same_text =
                text(known.transaction_id).is_some_and(|text| same_words(text, row.description));
            if [amount, near, same_text].iter().filter(|agrees| **agrees).count() >= 2 {
                let more = same_text.then_some(Evidence::Description);
                self.take(place, (at, known), MatchReason::BankId, more);
            }
        }
    }

    /// A pending row becomes its booked row: same amount, at most a few days later, with words in
    /// common; of all ways to join them the best.
    fn by_booking(&mut self, text: &impl Fn(TransactionId) -> Option<&'a str>) {
        let mut pending: BTreeMap<i64, Vec<Known<'a>>> = BTreeMap::new();
        for known in self.candidates.iter().copied() {
            if known.1.is_open() && self.is_free(known) {
                pending.entry(known.1.amount_minor).or_default().push(known);
            }
        }
        if pending.is_empty() {
            return;
        }
        let mut booked: BTreeMap<i64, Vec<(usize, &'a Incoming<'a>)>> = BTreeMap::new();
        for (place, row) in self.open_rows() {
            if !row.pending && pending.contains_key(&row.amount_minor) {
                booked.entry(row.amount_minor).or_default().push((place, row));
            }
        }
        for (amount, mut rows) in booked {
            let Some(candidates) = pending.get_mut(&amount) else { continue };
            candidates.sort_by_key(|(_, known)| (known.booking_date, known.transaction_id));
            rows.sort_by_key(|(place, row)| (row.booking_date, *place));
            // Many equal amounts are joined part by part, in the order of their days.
            let parts = rows.chunks(MAX_ASSIGNED).zip(candidates.chunks(MAX_ASSIGNED));
            for (rows, candidates) in parts {
                self.book(rows, candidates, text);
            }
        }
    }

    fn book(
        &mut self,
        rows: &[(usize, &Incoming<'_>)],
        candidates: &[Known<'_>],
        text: &impl Fn(TransactionId) -> Option<&'a str>,
    ) {
        let row_words: Vec<Words> = rows.iter().map(|(_, row)| words(row.description)).collect();
        let known_words: Vec<Words> = candidates
            .iter()
            .map(|(_, known)| words(text(known.transaction_id).unwrap_or("")))
            .collect();
        // Each pair is judged once: the assignment asks for it many times.
        let mut scores: Vec<i64> = Vec::with_capacity(rows.len() * candidates.len());
        for ((_, row), row_words) in rows.iter().zip(&row_words) {
            for ((_, known), known_words) in candidates.iter().zip(&known_words) {
                let days = (row.booking_date - known.booking_date).num_days();
                scores.push(match likeness(row_words, known_words) {
                    Some(0) => 0,
                    _ if !(0..=PENDING_DAYS).contains(&days) => 0,
                    likeness => 1_000 - 50 * days + 2 * likeness.unwrap_or(0),
                });
            }
        }
        let width = candidates.len();
        let score = |row: usize, candidate: usize| {
            scores.get(row * width + candidate).copied().unwrap_or_default()
        };
        let found = assign(rows.len(), candidates.len(), score);
        for (((place, _), row_words), candidate) in rows.iter().zip(&row_words).zip(found) {
            let Some(at) = candidate else { continue };
            let Some((known, known_words)) = candidates.get(at).zip(known_words.get(at)) else {
                continue;
            };
            let shared = likeness(row_words, known_words).map(|_| Evidence::Words);
            self.take(*place, *known, MatchReason::PendingPosted, shared);
        }
    }

    /// The same facts under other ids. No id of this file is known, rows of several days agree, and
    /// nothing that is known between its first and its last day is missing from it: the bank has
    /// changed its ids.
    fn by_changed_ids(&mut self) {
        let dates = || self.rows.iter().map(|row| row.booking_date);
        let (Some(first), Some(last)) = (dates().min(), dates().max()) else { return };
        let mut pool =
            self.pool(|known| known.bank_id.as_ref().map(|_| known.fingerprint.as_str()));
        let mut there: HashMap<&str, usize> = HashMap::new();
        let mut days = HashSet::new();
        for (_, row) in self.open_rows() {
            *there.entry(&row.fingerprint).or_default() += 1;
            if row.bank_id.is_some() && pool.contains_key(&*row.fingerprint) {
                days.insert(row.booking_date);
            }
        }
        if days.len() < 2 {
            return;
        }
        let inside = |known: &Known<'_>| {
            known.1.booking_date > first && known.1.booking_date < last && self.is_free(*known)
        };
        let with_id = self.known.iter().enumerate().filter(|known| known.1.bank_id.is_some());
        let is_complete = with_id.filter(inside).all(|(_, known)| {
            match there.get_mut(&*known.fingerprint) {
                Some(rows) if *rows > 0 => *rows -= 1,
                _ => return false,
            }
            true
        });
        if !is_complete {
            return;
        }
        for (place, row) in self.open_rows() {
            if let Some(known) = self.next(&mut pool, &&*row.fingerprint) {
                self.take(place, known, MatchReason::ChangedBankId, None);
            }
        }
    }
}

/// Whether two descriptions are the same, letter case and blanks apart.
fn same_words(one: &str, other: &str) -> bool {
    evened_out(one) == evened_out(other)
}

/// What a row and an earlier one agree on; `more` is what was seen besides.
fn evidence(row: &Incoming<'_>, known: &OriginRow, more: Option<Evidence>) -> Vec<Evidence> {
    let same_id = row.bank_id.is_some() && row.bank_id == known.bank_id.as_deref();
    let same_facts = row.fingerprint == known.fingerprint;
    let days = (row.booking_date - known.booking_date).num_days().abs();
    [
        same_id.then_some(Evidence::BankId),
        more.filter(|more| *more == Evidence::PendingId),
        (row.amount_minor == known.amount_minor || same_facts).then_some(Evidence::Amount),
        (days == 0).then_some(Evidence::Date),
        (1..=PENDING_DAYS).contains(&days).then_some(Evidence::NearDate),
        (same_facts || more == Some(Evidence::Description)).then_some(Evidence::Description),
        more.filter(|more| *more == Evidence::Words && !same_facts),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// How sure a match is, in percent. An id is all but proof; a pending row that shares only its
/// amount with the booked one is the weakest that is taken.
fn confidence(reason: MatchReason, evidence: &[Evidence]) -> u8 {
    let has = |wanted: Evidence| evidence.contains(&wanted);
    match reason {
        MatchReason::BankId if has(Evidence::Description) => 100,
        MatchReason::BankId | MatchReason::Correction => 95,
        MatchReason::PendingPosted if has(Evidence::PendingId) => 99,
        MatchReason::PendingPosted if has(Evidence::Words) || has(Evidence::Description) => 90,
        MatchReason::PendingPosted => 75,
        MatchReason::Fingerprint => 95,
        MatchReason::ChangedBankId => 85,
    }
}

/// The telling words of a text, folded. Words of one letter and numbers do not count: banks put
/// dates and terminals there.
type Words = HashSet<String>;

fn words(text: &str) -> Words {
    let parts = text.split(|char: char| !char.is_alphanumeric());
    let telling =
        |word: &&str| word.chars().count() > 1 && !word.chars().all(|char| char.is_ascii_digit());
    parts.filter(telling).map(fold).collect()
}

/// How many of the words of the shorter text stand in the other, in percent; `None` where a text
/// has none.
fn likeness(one: &Words, other: &Words) -> Option<i64> {
    let shared = one.intersection(other).count();
    let percent = shared.saturating_mul(100).checked_div(one.len().min(other.len()))?;
    i64::try_from(percent).ok()
}

/// The same for two texts.
pub(crate) fn common_words(one: &str, other: &str) -> Option<i64> {
    likeness(&words(one), &words(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_without_numbers_and_case() {
        // Holds: likeness counts telling words only.
        for (one, other, percent) in [
            ("POS 1234 COFFEE SHOP", "Coffee shop Ltd", Some(66)),
            ("AMAZON 12-03", "NETFLIX", Some(0)),
            ("AMAZON 12-03", "12-03", None),
            ("", "COFFEE", None),
            ("COFFEE", "coffee", Some(100)),
        ] {
            assert_eq!(common_words(one, other), percent, "{one} / {other}");
        }
    }
}
