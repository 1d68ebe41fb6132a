//! Transfers: two transactions that name each other, neither spending nor income.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::noun;
use super::run::{Command, Decision, Facts, Needs};
use crate::error::{Error, ErrorCode, Result};
use crate::id::TransactionId;
use crate::limits::MAX_RATES;
use crate::log::Change;
use crate::model::{Role, Status, Transaction, TransferRefusal, check_list};
use crate::money::Amount;
use crate::plan::Plan;
use crate::store::TransactionQuery;
use crate::transfers::{TransferQuery, TransferSuggestion, suggest};

/// How sure a suggestion has to be to become a transfer unasked, in percent.
const SURE: u8 = 90;

/// A transfer to be recorded: two transactions that are there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewTransfer {
    /// The side where money went out.
    pub from_id: TransactionId,
    /// The side where money came in, in another account.
    pub to_id: TransactionId,
}

/// A transfer as it is now recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Transfer {
    /// The side where money went out.
    pub from: Transaction,
    /// The side where money came in.
    pub to: Transaction,
}

noun! {
    /// Movements between the book's own accounts.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::TransactionId;
    /// use fiscaflow_core::engine::NewTransfer;
    ///
    /// # let from_id: TransactionId = "018f0000-0000-7000-8000-000000000001".parse()?;
    /// # let to_id: TransactionId = "018f0000-0000-7000-8000-000000000002".parse()?;
    /// // Money that left one account and came into another is neither spent nor earned.
    /// let transfer = book.transfers().create(NewTransfer { from_id, to_id }).await?;
    /// assert_eq!(transfer.from.transfer_id, Some(transfer.to.id));
    /// # Ok(()) }
    /// ```
    Transfers
}

impl Transfers<'_> {
    /// Makes two transactions the two sides of a transfer. In one currency the amounts must be
    /// opposite; between currencies the signs must be. A repeat changes nothing.
    pub async fn create(&self, new: NewTransfer) -> Result<Transfer> {
        self.book.run(&new).await
    }

    /// The probable transfers among the book's transactions, surest first; nothing is written. A
    /// pair that was refused is not suggested.
    pub async fn suggest(&self, query: TransferQuery) -> Result<Vec<TransferSuggestion>> {
        let state = self.book.authorised(Role::Viewer).await?;
        check_rates(&query)?;
        let filter = TransactionQuery { from: query.from, to: query.to, ..Default::default() };
        let mut loaded = HashMap::new();
        self.book.load_all(filter, &mut loaded).await?;
        let mut transactions: Vec<Transaction> = loaded.into_values().collect();
        transactions.sort_unstable_by_key(|it| it.id);
        Ok(suggest(&state.plan, &transactions, &query))
    }

    /// Makes every suggestion a transfer, in one commit; of at least 90 percent where the query
    /// names no confidence.
    pub async fn link(&self, query: TransferQuery) -> Result<Vec<TransferSuggestion>> {
        self.book.authorised(Role::Member).await?;
        check_rates(&query)?;
        let confidence = Some(query.confidence.unwrap_or(SURE));
        let query = TransferQuery { confidence, ..query };
        self.book.run(&LinkTransfers { query }).await
    }

    /// Says of two transactions that they are no transfer; it is remembered. A repeat changes
    /// nothing.
    pub async fn refuse(&self, pair: NewTransfer) -> Result<TransferRefusal> {
        self.book.run(&RefuseTransfer { pair }).await
    }

    /// Makes the two sides independent again; `id` is either side.
    pub async fn remove(&self, id: TransactionId) -> Result<()> {
        self.book.run(&RemoveTransfer { id }).await
    }
}

impl Command for NewTransfer {
    type Answer = Transfer;
    const VERB: &'static str = "transfers.create";

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        Ok(Needs { transactions: vec![self.from_id, self.to_id], ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Transfer>> {
        let (from, to) = (facts.transaction(self.from_id)?, facts.transaction(self.to_id)?);
        if from.transfer_id == Some(to.id) && to.transfer_id == Some(from.id) {
            let answer = Transfer { from: from.clone(), to: to.clone() };
            return Ok(Decision::unchanged(answer));
        }
        check_sides(from, to)?;
        let (from_before, to_before) = (from.clone(), to.clone());
        let from = Transaction { transfer_id: Some(to.id), ..from.clone() };
        let to = Transaction { transfer_id: Some(from.id), ..to.clone() };
        let aggregate = ("transaction", from.id.to_string());
        let payload = [("other_id", to.id.to_string())];
        let event = facts.event("ledger.transfer.created", aggregate, &payload);
        Ok(Decision {
            changes: vec![
                Change::update(from_before, from.clone()),
                Change::update(to_before, to.clone()),
            ],
            events: vec![event],
            answer: Transfer { from, to },
        })
    }
}

#[derive(Serialize)]
struct LinkTransfers {
    query: TransferQuery,
}

impl Command for LinkTransfers {
    type Answer = Vec<TransferSuggestion>;
    const VERB: &'static str = "transfers.link";

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        Ok(Needs { all: true, ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Vec<TransferSuggestion>>> {
        let mut transactions: Vec<Transaction> = facts.transactions.values().cloned().collect();
        transactions.sort_unstable_by_key(|it| it.id);
        let found = suggest(facts.plan, &transactions, &self.query);
        let mut changes = Vec::new();
        for pair in &found {
            let (from, to) = (facts.transaction(pair.from_id)?, facts.transaction(pair.to_id)?);
            for (side, other) in [(from, to), (to, from)] {
                let after = Transaction { transfer_id: Some(other.id), ..side.clone() };
                changes.push(Change::update(side.clone(), after));
            }
        }
        let aggregate = ("book", facts.plan.book.id.to_string());
        let payload = [("count", found.len().to_string())];
        let event = facts.event("ledger.transfers.linked", aggregate, &payload);
        Ok(Decision { changes, events: vec![event], answer: found })
    }
}

#[derive(Serialize)]
struct RefuseTransfer {
    pair: NewTransfer,
}

impl Command for RefuseTransfer {
    type Answer = TransferRefusal;
    const VERB: &'static str = "transfers.refuse";

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        Ok(Needs { transactions: vec![self.pair.from_id, self.pair.to_id], ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<TransferRefusal>> {
        let (from_id, to_id) = (self.pair.from_id, self.pair.to_id);
        let refusal = TransferRefusal { from_id, to_id };
        let (from, to) = (facts.transaction(from_id)?, facts.transaction(to_id)?);
        if from.transfer_id == Some(to_id) {
            let text = "the two are a transfer; remove it first";
            return Err(Error::new(ErrorCode::InvalidTransfer, text));
        }
        check_direction(from, to)?;
        if facts.plan.transfer_refusals.contains_key(&(from_id, to_id)) {
            return Ok(Decision::unchanged(refusal));
        }
        let aggregate = ("transaction", from_id.to_string());
        let payload = [("other_id", to_id.to_string())];
        let event = facts.event("ledger.transfer.refused", aggregate, &payload);
        Ok(Decision::one(Change::create(refusal.clone()), event, refusal))
    }
}

fn check_sides(from: &Transaction, to: &Transaction) -> Result<()> {
    let refuse = |why: &str| Err(Error::new(ErrorCode::InvalidTransfer, why));
    if from.account_id == to.account_id {
        return refuse("the two sides lie in one account");
    }
    if from.transfer_id.is_some() || to.transfer_id.is_some() {
        return refuse("one of the two is a side of another transfer");
    }
    if !from.splits.is_empty() || !to.splits.is_empty() {
        return refuse("a split transaction cannot be a side of a transfer");
    }
    if from.status == Status::Void || to.status == Status::Void {
        return refuse("a void transaction cannot be a side of a transfer");
    }
    check_direction(from, to)?;
    let same_currency = from.amount.currency() == to.amount.currency();
    if same_currency && from.amount.checked_add(to.amount)?.minor() != 0 {
        return refuse("the amounts are not opposite");
    }
    Ok(())
}

/// Whether two transactions that name each other can be the two sides of a transfer.
pub(super) fn are_sides(one: &Transaction, other: &Transaction) -> bool {
    let (from, to) = if one.amount.minor() < 0 { (one, other) } else { (other, one) };
    let alone = |it: &Transaction| Transaction { transfer_id: None, ..it.clone() };
    !one.deleted
        && !other.deleted
        && one.transfer_id == Some(other.id)
        && other.transfer_id == Some(one.id)
        && check_sides(&alone(from), &alone(to)).is_ok()
}

fn check_direction(from: &Transaction, to: &Transaction) -> Result<()> {
    if from.amount.minor() < 0 && to.amount.minor() > 0 {
        return Ok(());
    }
    let text = "money must go out of `from_id` and into `to_id`";
    Err(Error::new(ErrorCode::InvalidTransfer, text))
}

/// Refuses rates that bound nothing or mean nothing.
fn check_rates(query: &TransferQuery) -> Result<()> {
    check_list("rates", &query.rates, MAX_RATES)?;
    if query.rates.iter().all(|rate| rate.rate > Amount::ZERO) {
        return Ok(());
    }
    Err(Error::invalid("rates", "a rate is above zero"))
}

#[derive(Serialize)]
struct RemoveTransfer {
    id: TransactionId,
}

impl Command for RemoveTransfer {
    type Answer = ();
    const VERB: &'static str = "transfers.remove";

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        Ok(Needs { transactions: vec![self.id], partners: true, ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<()>> {
        let one = facts.transaction(self.id)?;
        let Some(other_id) = one.transfer_id else { return Ok(Decision::unchanged(())) };
        let other = facts.transaction(other_id)?;
        let part = |side: &Transaction| {
            Change::update(side.clone(), Transaction { transfer_id: None, ..side.clone() })
        };
        let aggregate = ("transaction", one.id.to_string());
        let payload = [("other_id", other.id.to_string())];
        let event = facts.event("ledger.transfer.removed", aggregate, &payload);
        Ok(Decision { changes: vec![part(one), part(other)], events: vec![event], answer: () })
    }
}
