//! Payees.

use serde::{Deserialize, Serialize};

use super::noun;
use super::run::{Command, Decision, Facts};
use crate::categorise::{Lexicon, Names};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{CategoryId, PayeeId};
use crate::limits::{MAX_DESCRIPTION_BYTES, MAX_DOCUMENTS, MAX_VALUES};
use crate::log::Change;
use crate::model::{NewPayee, Payee, Role, check_list, check_name, check_text};
use crate::normalise::{Cut, normalise};
use crate::store::fold;

/// A payee in a bank's words.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PayeeText {
    /// The text.
    pub text: String,
}
crate::model::debug_only!(PayeeText:);

/// Who was paid, as far as a bank's text tells.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PayeeName {
    /// The name: the book's own where it knows the payee, else what is left when noise is cut.
    pub name: String,
    /// The payee of the book, where a name or alias of it is what the text says.
    pub payee_id: Option<PayeeId>,
    /// What was cut, in the order of the text.
    pub cut: Vec<Cut>,
    /// What a brand of that name sells, in the lexicon's words.
    pub category_hint: Option<String>,
    /// The category of the book that means the same.
    pub category_id: Option<CategoryId>,
}
crate::model::debug_only!(PayeeName: payee_id);

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

    /// Who was paid, what of a bank's text is no part of the name, and why; nothing is written.
    pub async fn normalise(&self, payee: PayeeText) -> Result<PayeeName> {
        let state = self.book.authorised(Role::Viewer).await?;
        check_text("text", &payee.text, MAX_DESCRIPTION_BYTES)?;
        let found = normalise(&payee.text);
        let names = Names::new(&state.plan);
        let known = names.known(&payee.text);
        let hint = found.category_hint;
        let lexicon = Lexicon::new(&state.plan);
        Ok(PayeeName {
            name: known.map_or(found.name, |(_, name)| name.clone()),
            payee_id: known.map(|(id, _)| *id),
            cut: found.cut,
            category_id: hint.as_deref().and_then(|sells| lexicon.category(sells)),
            category_hint: hint,
        })
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
