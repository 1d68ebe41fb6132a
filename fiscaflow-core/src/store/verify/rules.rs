//! What holds of transactions whatever happened to them: parts add up to the whole, and both sides
//! of a transfer name each other.

use std::collections::HashMap;

use super::{Check, Kept, KeptPart};
use crate::error::Result;
use crate::id::TransactionId;
use crate::log::{Finding, TRANSACTION};
use crate::model::Transaction;
use crate::money::Money;

/// How many transactions that break a rule are held: what is told is not more.
const MOST: usize = super::MAX_FINDINGS;

/// What was seen of rows.
#[derive(Default)]
pub(super) struct Rules {
    /// Sides whose other side was not seen yet, with what they name.
    sides: HashMap<TransactionId, TransactionId>,
    uneven: Vec<(TransactionId, u64)>,
}

impl Rules {
    pub(super) fn see(&mut self, it: &Transaction) {
        if !adds_up(it) && self.uneven.len() < MOST {
            self.uneven.push((it.id, it.revision));
        }
        let Some(other) = it.transfer_id else { return };
        if self.sides.get(&other) == Some(&it.id) {
            self.sides.remove(&other);
        } else {
            self.sides.insert(it.id, other);
        }
    }
}

impl Check<'_> {
    /// Tells of what breaks a rule. Rows were read one after the other, so both sides of what looks
    /// like half a transfer are read again, together.
    pub(super) async fn check_rules(&mut self) -> Result<()> {
        for (id, since) in std::mem::take(&mut self.rules.uneven) {
            self.findings.push(finding(id, since, "splits", "do not add up to the amount"));
        }
        let mut halves: Vec<_> = std::mem::take(&mut self.rules.sides).into_iter().collect();
        halves.sort_unstable();
        let mut told = 0;
        for (id, other) in halves {
            if told >= MOST {
                break;
            }
            let part = KeptPart::These(vec![id, other]);
            let Some(both) = self.rows(part, TRANSACTION).await? else { break };
            let find = |wanted: TransactionId| {
                both.iter().find_map(|row| match &row.content {
                    Some(Kept::Transaction(it)) if it.id == wanted => Some(it),
                    _ => None,
                })
            };
            let Some(side) = find(id).filter(|it| it.transfer_id == Some(other)) else { continue };
            if other == id || find(other).is_none_or(|it| it.transfer_id != Some(id)) {
                let problem = "names no other transaction that names it";
                self.findings.push(finding(id, side.revision, "transfer_id", problem));
                told = told.saturating_add(1);
            }
        }
        Ok(())
    }
}

fn adds_up(it: &Transaction) -> bool {
    let zero = Money::from_minor(0, it.amount.currency());
    let sum = it.splits.iter().try_fold(zero, |sum, part| sum.checked_add(part.amount).ok());
    it.splits.is_empty() || sum == Some(it.amount)
}

fn finding(id: TransactionId, since: u64, field: &str, problem: &str) -> Finding {
    Finding {
        since: Some(since),
        kind: TRANSACTION.to_owned(),
        id: id.to_string(),
        fields: vec![field.to_owned()],
        problem: format!("{TRANSACTION} `{id}`: `{field}` {problem}, since commit {since}"),
    }
}
