//! Corrections: rows that replace or take back others by the bank's id of them.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::report::RowMatch;
use super::taking::{Readable, Taking, is_locked};
use super::{Asked, problem, row_problem};
use crate::error::{Error, ErrorCode, Result};
use crate::id::TransactionId;
use crate::import::Correction;
use crate::import::matching::{Evidence, MatchReason};
use crate::log::Object;
use crate::model::{Account, Origin, Status, Transaction};
use crate::store::OriginRow;

/// The member of a transaction's metadata that tells which bank id the bank took back.
pub(super) const TAKEN_BACK: &str = "taken_back";

impl Taking<'_> {
    /// Applies corrections, whatever their order in the file: one may correct another.
    pub(super) fn correct_all(
        &mut self,
        account: &Account,
        corrections: Vec<(&Readable<'_>, Origin)>,
        known: &[OriginRow],
    ) {
        if corrections.is_empty() {
            return;
        }
        let mut by_id: HashMap<String, TransactionId> = HashMap::new();
        for change in &self.changes {
            if let (None, Some(Object::Transaction(made))) = (&change.before, &change.after) {
                let ours = made.origins.iter().filter(|origin| origin.account_id == account.id);
                by_id.extend(ours.filter_map(|origin| Some((origin.bank_id.clone()?, made.id))));
            }
        }
        by_id.extend(known.iter().filter_map(|it| Some((it.bank_id.clone()?, it.transaction_id))));
        let mut waiting: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, (readable, _)) in corrections.iter().enumerate() {
            waiting.entry(readable.corrected_id()).or_default().push(place);
        }
        let mut open: Vec<Option<Origin>> = Vec::with_capacity(corrections.len());
        let mut ready: VecDeque<usize> = VecDeque::new();
        let rows: Vec<&Readable<'_>> = corrections.iter().map(|(readable, _)| *readable).collect();
        for (place, (readable, origin)) in corrections.into_iter().enumerate() {
            open.push(Some(origin));
            if by_id.contains_key(readable.corrected_id()) {
                ready.push_back(place);
            }
        }
        let mut next = 0;
        // What has nothing to correct is taken when nothing else can be: others may correct it.
        while let Some(place) = ready.pop_front().or_else(|| {
            next += 1;
            (next <= rows.len()).then(|| next - 1)
        }) {
            let Some(readable) = rows.get(place) else { continue };
            let Some(origin) = open.get_mut(place).and_then(Option::take) else { continue };
            let target = by_id.get(readable.corrected_id()).copied();
            let corrected = match target {
                Some(target) => self.correct(target, readable, origin),
                None => self.record_correction(account, readable, origin),
            };
            if let Some((id, target)) = readable.row.bank_id.zip(corrected) {
                by_id.insert(id.to_owned(), target);
                ready.extend(waiting.remove(id).unwrap_or_default());
            }
        }
    }

    /// A row that replaces or takes back an earlier one; gives the transaction that it now is.
    fn correct(
        &mut self,
        target: TransactionId,
        readable: &Readable<'_>,
        origin: Origin,
    ) -> Option<TransactionId> {
        let corrected = match readable.row.corrects {
            Some(Correction::Deletes(_)) => self.take_back(target, origin),
            _ => self.amend(target, readable, origin),
        };
        if let Err(error) = corrected {
            self.problems.push(row_problem(&error, &readable.row));
            return None;
        }
        self.tally(readable.place, |report| &mut report.duplicates);
        self.matches.push(RowMatch {
            line: readable.row.line,
            transaction_id: target,
            reason: MatchReason::Correction,
            evidence: vec![Evidence::BankId],
            confidence: 95,
        });
        Some(target)
    }

    /// Makes void what the bank takes back. What a person has settled stays as it is, like in
    /// [`Taking::amend`].
    fn take_back(&mut self, target: TransactionId, origin: Origin) -> Result<()> {
        let Some(now) = self.now(target) else { return Ok(()) };
        let locked = is_locked(now);
        if !locked {
            check_alone(now)?;
        }
        self.change(target, |after| {
            after.origins.push(origin);
            if !locked {
                (after.status, after.status_source) = (Status::Void, None);
            }
        });
        Ok(())
    }

    /// Makes void what the bank names as taken back by its id alone, once: a person may open it
    /// again. A pending transaction that was booked under another id stays, because its newest row
    /// is not the one that is named; one that is booked later comes back, see [`Taking::amend`].
    pub(super) fn withdraw_all(&mut self, asked: &Asked<'_>, known: &[OriginRow]) {
        for (place, statement) in &asked.statements {
            for id in &statement.removed {
                let rows = known.iter().filter(|row| row.bank_id.as_deref() == Some(id));
                let ids: BTreeSet<TransactionId> = rows.map(|row| row.transaction_id).collect();
                for target in ids {
                    match self.withdraw(target, id) {
                        Ok(true) => self.tally(*place, |report| &mut report.removed),
                        Ok(false) => {}
                        Err(error) => self.problems.push(problem(&error, statement)),
                    }
                }
            }
        }
    }

    fn withdraw(&mut self, target: TransactionId, bank_id: &str) -> Result<bool> {
        let Some(now) = self.now(target) else { return Ok(false) };
        let newest = now.origins.last().and_then(|origin| origin.bank_id.as_deref());
        if newest != Some(bank_id) || is_locked(now) || now.metadata.contains_key(TAKEN_BACK) {
            return Ok(false);
        }
        check_alone(now)?;
        self.change(target, |after| {
            (after.status, after.status_source) = (Status::Void, None);
            after.metadata.insert(TAKEN_BACK.to_owned(), bank_id.to_owned());
        });
        Ok(true)
    }

    /// A correction of what is not there: a replacement is the row itself; a deletion is kept as
    /// void, so that the row which it takes back is recognised if it comes later.
    fn record_correction(
        &mut self,
        account: &Account,
        readable: &Readable<'_>,
        origin: Origin,
    ) -> Option<TransactionId> {
        let mut void = origin.clone();
        void.bank_id = Some(readable.corrected_id().to_owned());
        let place = self.changes.len();
        self.record(account, readable, origin);
        match self.changes.get_mut(place)?.after.as_mut()? {
            Object::Transaction(made) => {
                if matches!(readable.row.corrects, Some(Correction::Deletes(_))) {
                    (made.status, made.status_source) = (Status::Void, None);
                    made.origins.push(void);
                }
                Some(made.id)
            }
            Object::Document(_) => None,
        }
    }
}

/// Refuses to take back one side of a transfer.
fn check_alone(transaction: &Transaction) -> Result<()> {
    if transaction.transfer_id.is_none() {
        return Ok(());
    }
    let text = "the bank takes back a side of a transfer; remove the transfer";
    Err(Error::new(ErrorCode::InvalidTransfer, text).id(transaction.id))
}

impl Readable<'_> {
    /// The bank id of the row that this one corrects; empty where it corrects none.
    fn corrected_id(&self) -> &str {
        match self.row.corrects {
            Some(Correction::Replaces(id) | Correction::Deletes(id)) => id,
            None => "",
        }
    }
}
