//! Payees.

use super::noun;
use super::run::{Command, Decision, Facts};
use crate::error::{Error, ErrorCode, Result};
use crate::id::PayeeId;
use crate::limits::{MAX_DOCUMENTS, MAX_VALUES};
use crate::log::Change;
use crate::model::{NewPayee, Payee, Role, check_list, check_name};
use crate::store::fold;

noun! {
    /// The other parties.
    Payees
}

impl Payees<'_> {
    /// Makes a payee: from now on its spellings are recorded under its name. A repeat with the
    /// same id and content returns the one that is there.
    pub async fn create(&self, new: NewPayee) -> Result<Payee> {
        self.book.run(&new).await
    }

    /// All payees, by id.
    pub async fn list(&self) -> Result<Vec<Payee>> {
        let state = self.book.authorised(Role::Viewer).await?;
        Ok(state.plan.payees.values().cloned().collect())
    }
}

impl Command for NewPayee {
    type Answer = Payee;
    const VERB: &'static str = "payees.create";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Payee>> {
        let payee = Payee {
            id: self.id.unwrap_or_else(|| PayeeId::new(facts.uuid())),
            name: self.name.clone(),
            aliases: self.aliases.clone(),
        };
        if let Some(existing) = facts.plan.payees.get(&payee.id) {
            if *existing == payee {
                return Ok(Decision::unchanged(payee));
            }
            let text = "the payee id is taken";
            return Err(Error::new(ErrorCode::IdConflict, text).field("id").id(payee.id));
        }
        if facts.plan.payees.len() >= MAX_DOCUMENTS {
            return Err(Error::new(ErrorCode::LimitExceeded, "the book has too many payees"));
        }
        check_name("name", &payee.name)?;
        check_list("aliases", &payee.aliases, MAX_VALUES)?;
        payee.aliases.iter().try_for_each(|alias| check_name("aliases", alias))?;
        let spellings = |payee: &Payee| -> Vec<String> {
            let all = std::iter::once(&payee.name).chain(&payee.aliases);
            all.map(|spelling| fold(spelling.trim())).collect()
        };
        let wanted = spellings(&payee);
        let mut known = facts.plan.payees.values().flat_map(spellings);
        if known.any(|spelling| wanted.contains(&spelling)) {
            let text = "a payee has that name or alias";
            return Err(Error::new(ErrorCode::NameTaken, text).field("name"));
        }
        let event = facts.event("ledger.payee.created", ("payee", payee.id.to_string()), &[]);
        Ok(Decision::one(Change::create(payee.clone()), event, payee))
    }
}
