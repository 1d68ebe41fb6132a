//! Accounts.

use serde::Serialize;

use super::noun;
use super::run::{Command, Decision, Facts};
use crate::error::{Error, ErrorCode, Result};
use crate::id::AccountId;
use crate::limits::{MAX_DOCUMENTS, MAX_NAME_BYTES};
use crate::log::Change;
use crate::model::{Account, AccountPatch, NewAccount, Role, check_name, check_optional};
use crate::money::Money;
use crate::plan::Plan;

noun! {
    /// Where money lies.
    Accounts
}

impl Accounts<'_> {
    /// Makes an account. A repeat with the same id and content returns the account that is there.
    pub async fn create(&self, new: NewAccount) -> Result<Account> {
        self.book.run(&new).await
    }

    /// One account.
    pub async fn get(&self, id: AccountId) -> Result<Account> {
        self.book.authorised(Role::Viewer).await?.plan.account(id).cloned()
    }

    /// All accounts, by id: in the order in which they were made unless callers chose ids.
    pub async fn list(&self) -> Result<Vec<Account>> {
        let state = self.book.authorised(Role::Viewer).await?;
        Ok(state.plan.accounts.values().cloned().collect())
    }

    /// Changes an account.
    pub async fn update(&self, id: AccountId, patch: AccountPatch) -> Result<Account> {
        self.book.run(&UpdateAccount { id, patch }).await
    }
}

impl Command for NewAccount {
    type Answer = Account;
    const VERB: &'static str = "accounts.create";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Account>> {
        let account = self.account(facts)?;
        if let Some(existing) = facts.plan.accounts.get(&account.id) {
            if *existing == account {
                return Ok(Decision::unchanged(account));
            }
            let text = "the account id is taken";
            return Err(Error::new(ErrorCode::IdConflict, text).field("id").id(account.id));
        }
        if facts.plan.accounts.len() >= MAX_DOCUMENTS {
            return Err(Error::new(ErrorCode::LimitExceeded, "the book has too many accounts"));
        }
        check_account(&account, facts.plan)?;
        let aggregate = ("account", account.id.to_string());
        let event = facts.event("ledger.account.created", aggregate, &[]);
        Ok(Decision::one(Change::create(account.clone()), event, account))
    }
}

impl NewAccount {
    /// The account that this makes.
    pub(super) fn account(&self, facts: &Facts<'_>) -> Result<Account> {
        let currency = match &self.currency {
            Some(code) => facts.plan.currency(code)?,
            None => facts.plan.book.currency,
        };
        let opening_balance = match self.opening_balance {
            Some(amount) => Money::from_amount(amount, currency)
                .map_err(|error| error.field("opening_balance"))?,
            None => Money::zero(currency),
        };
        Ok(Account {
            id: self.id.unwrap_or_else(|| AccountId::new(facts.uuid())),
            name: self.name.clone(),
            kind: self.kind.unwrap_or_default(),
            currency,
            opening_balance,
            number: self.number.clone(),
            bank_id: self.bank_id.clone(),
            import_key: None,
            closed: false,
        })
    }
}

#[derive(Serialize)]
struct UpdateAccount {
    id: AccountId,
    patch: AccountPatch,
}

impl Command for UpdateAccount {
    type Answer = Account;
    const VERB: &'static str = "accounts.update";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Account>> {
        let before = facts.plan.account(self.id)?.clone();
        let mut account = before.clone();
        if let Some(name) = &self.patch.name {
            account.name.clone_from(name);
        }
        if let Some(kind) = self.patch.kind {
            account.kind = kind;
        }
        if let Some(amount) = self.patch.opening_balance {
            account.opening_balance = Money::from_amount(amount, account.currency)
                .map_err(|error| error.field("opening_balance"))?;
        }
        if let Some(number) = &self.patch.number {
            account.number = Some(number.clone());
        }
        if let Some(bank_id) = &self.patch.bank_id {
            account.bank_id = Some(bank_id.clone());
        }
        if let Some(closed) = self.patch.closed {
            account.closed = closed;
        }
        if account == before {
            return Ok(Decision::unchanged(account));
        }
        check_account(&account, facts.plan)?;
        let aggregate = ("account", account.id.to_string());
        let event = facts.event("ledger.account.updated", aggregate, &[]);
        Ok(Decision::one(Change::update(before, account.clone()), event, account))
    }
}

pub(super) fn check_account(account: &Account, plan: &Plan) -> Result<()> {
    check_name("name", &account.name)?;
    check_optional("number", account.number.as_deref(), MAX_NAME_BYTES)?;
    check_optional("bank_id", account.bank_id.as_deref(), MAX_NAME_BYTES)?;
    let mut others = plan.accounts.values().filter(|other| other.id != account.id);
    if others.any(|other| other.name == account.name) {
        return Err(Error::new(ErrorCode::NameTaken, "an account has that name").field("name"));
    }
    Ok(())
}
