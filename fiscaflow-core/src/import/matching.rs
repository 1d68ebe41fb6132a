//! Matching: which rows of a file are in the book already.
//!
//! One-to-one, best evidence first: the bank's own id; then a pending row that is now booked; then
//! the fingerprint of the bank's facts. As many equal rows as the book holds are recognised and
//! the rest are new, so real twins survive and the same file twice adds nothing.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

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
}

/// What of a row counts for matching.
#[derive(Clone)]
pub(crate) struct Incoming {
    pub(crate) booking_date: NaiveDate,
    pub(crate) amount_minor: i64,
    pub(crate) bank_id: Option<String>,
    pub(crate) fingerprint: String,
    pub(crate) pending: bool,
}

/// A digest of the bank's own facts, which no edit in the book changes: date, amount, currency and
/// the description with letter case and blanks evened out. 32 hexadecimal digits.
pub(crate) fn fingerprint(date: NaiveDate, amount: Money, description: &str) -> String {
    let words: Vec<&str> = description.split_whitespace().collect();
    let text = fold(&words.join(" "));
    let facts = format!("1\n{date}\n{}\n{}\n{text}", amount.minor(), amount.currency().stored());
    Hash::of(&[facts.as_bytes()]).to_string().chars().take(32).collect()
}

/// For each row the transaction that it is, if it is there already.
pub(crate) fn match_rows(
    rows: &[Incoming],
    known: &[OriginRow],
) -> Vec<Option<(TransactionId, MatchReason)>> {
    let mut matching =
        Matching { rows, known, found: vec![None; rows.len()], used: HashSet::new() };
    matching.by_bank_id();
    let ids_hold = !matching.used.is_empty();
    matching.by_booking();
    matching.by_fingerprint(ids_hold);
    matching.found
}

struct Matching<'a> {
    rows: &'a [Incoming],
    known: &'a [OriginRow],
    found: Vec<Option<(TransactionId, MatchReason)>>,
    used: HashSet<TransactionId>,
}

impl<'a> Matching<'a> {
    fn take(&mut self, row: usize, known: &OriginRow, reason: MatchReason) {
        if let Some(found) = self.found.get_mut(row) {
            *found = Some((known.transaction_id, reason));
            self.used.insert(known.transaction_id);
        }
    }

    fn open_rows(&self) -> impl Iterator<Item = (usize, &'a Incoming)> + use<'a> {
        let open: Vec<bool> = self.found.iter().map(Option::is_none).collect();
        self.rows.iter().enumerate().zip(open).filter(|(_, open)| *open).map(|(row, _)| row)
    }

    /// The same bank id: first where the facts agree too, then where the id names one row here and
    /// one there. Some banks reuse ids, so an id alone does not join rows that are far apart.
    fn by_bank_id(&mut self) {
        let mut known_by_id: HashMap<&str, Vec<&'a OriginRow>> = HashMap::new();
        for known in self.known {
            if let Some(id) = &known.bank_id {
                known_by_id.entry(id).or_default().push(known);
            }
        }
        let mut rows_with_id: HashMap<&str, usize> = HashMap::new();
        for id in self.rows.iter().filter_map(|row| row.bank_id.as_deref()) {
            *rows_with_id.entry(id).or_default() += 1;
        }
        for exact in [true, false] {
            for (place, row) in self.open_rows() {
                let Some(id) = row.bank_id.as_deref() else { continue };
                let Some(candidates) = known_by_id.get(id) else { continue };
                let single = candidates.len() == 1 && rows_with_id.get(id) == Some(&1);
                let fits = |known: &&&OriginRow| {
                    !self.used.contains(&known.transaction_id)
                        && if exact {
                            known.fingerprint == row.fingerprint
                        } else {
                            single && near(known, row)
                        }
                };
                if let Some(known) = candidates.iter().find(fits).copied() {
                    self.take(place, known, MatchReason::BankId);
                }
            }
        }
    }

    /// A pending row becomes its booked row: same amount, nearest date.
    fn by_booking(&mut self) {
        let pending: Vec<&'a OriginRow> = self.known.iter().filter(|row| row.pending).collect();
        if pending.is_empty() {
            return;
        }
        for (place, row) in self.open_rows() {
            if row.pending {
                continue;
            }
            let distance = |known: &OriginRow| (row.booking_date - known.booking_date).num_days();
            let fits = |known: &&&OriginRow| {
                known.amount_minor == row.amount_minor
                    && (0..=PENDING_DAYS).contains(&distance(known))
                    && !self.used.contains(&known.transaction_id)
            };
            let nearest = pending.iter().filter(fits).min_by_key(|known| distance(known)).copied();
            if let Some(known) = nearest {
                self.take(place, known, MatchReason::PendingPosted);
            }
        }
    }

    /// The same facts. Two different bank ids speak against it, unless no id of this file is known
    /// while several facts agree: then the bank has changed its ids.
    fn by_fingerprint(&mut self, ids_hold: bool) {
        let mut by_facts: HashMap<&str, Vec<&'a OriginRow>> = HashMap::new();
        for known in self.known {
            by_facts.entry(&known.fingerprint).or_default().push(known);
        }
        let agreeing = self.open_rows().filter(|(_, row)| by_facts.contains_key(&*row.fingerprint));
        let ids_changed = !ids_hold && agreeing.take(2).count() == 2;
        for (place, row) in self.open_rows() {
            let Some(candidates) = by_facts.get(&*row.fingerprint) else { continue };
            let fits = |known: &&&OriginRow| {
                let clash = row.bank_id.is_some() && known.bank_id.is_some();
                !self.used.contains(&known.transaction_id) && (!clash || ids_changed)
            };
            if let Some(known) = candidates.iter().find(fits).copied() {
                let clash = row.bank_id.is_some() && known.bank_id.is_some();
                let reason =
                    if clash { MatchReason::ChangedBankId } else { MatchReason::Fingerprint };
                self.take(place, known, reason);
            }
        }
    }
}

/// Whether a row with the same id may be the same transaction with corrected facts.
fn near(known: &OriginRow, row: &Incoming) -> bool {
    let days = (row.booking_date - known.booking_date).num_days().abs();
    known.amount_minor == row.amount_minor || days <= PENDING_DAYS
}
