//! Who may reach a book.

use serde::Serialize;

use super::run::{Command, Decision, Facts};
use super::{ErasureReport, MemberData, MemberErasure, noun};
use crate::error::{Error, ErrorCode, Result};
use crate::limits::{MAX_DOCUMENTS, MAX_NAME_BYTES};
use crate::log::Change;
use crate::model::{ActorId, Member, Role, check_optional};

noun! {
    /// Who may reach a book.
    Members
}

impl Members<'_> {
    /// The members, by actor.
    pub async fn list(&self) -> Result<Vec<Member>> {
        let state = self.book.authorised(Role::Viewer).await?;
        Ok(state.plan.members.values().cloned().collect())
    }

    /// Adds a member or changes one. The last owner cannot be demoted.
    pub async fn put(&self, member: Member) -> Result<Member> {
        self.book.run(&member).await
    }

    /// Removes a member; someone who is none is no error. The last owner cannot leave.
    pub async fn remove(&self, actor: ActorId) -> Result<()> {
        self.book.run(&RemoveMember { actor }).await
    }

    /// Erases a member: the name, as it is and in all the history, and the reasons that the member
    /// gave; with `entered_texts` also what the member entered by hand. For owners; there is no way
    /// back. Who may reach the book stays as it is: see [`Members::remove`].
    ///
    /// What stands in the hashed part of the history stays there: the actor's id, and ids that the
    /// host gave to requests. A host therefore gives opaque ones.
    ///
    /// Errors: `forbidden`; `not_found` for who was never a member and never wrote; those of the
    /// store, which may have erased already. Repeat it then: with an idempotency key it ends what
    /// was begun.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::engine::MemberErasure;
    ///
    /// let how = MemberErasure { entered_texts: true };
    /// let report = book.members().erase("018f-ben".parse()?, how).await?;
    /// println!("{} texts are gone", report.texts);
    /// # Ok(()) }
    /// ```
    pub async fn erase(&self, actor: ActorId, how: MemberErasure) -> Result<ErasureReport> {
        self.book.erase_member(actor, how).await
    }

    /// All that the book knows of a member: the member itself, every commit with its reason, and
    /// what the member entered, as far as it was not erased. It is in the history, which every
    /// member of the book may read.
    ///
    /// Errors: `not_found` for who was never a member and never wrote.
    pub async fn personal_data(&self, actor: ActorId) -> Result<MemberData> {
        self.book.personal_data(actor).await
    }
}

impl Command for Member {
    type Answer = Member;
    const VERB: &'static str = "members.put";
    const ROLE: Role = Role::Owner;

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Member>> {
        check_member(self)?;
        let before = facts.plan.members.get(&self.actor);
        let aggregate = ("member", self.actor.to_string());
        match before {
            Some(before) if before == self => Ok(Decision::unchanged(self.clone())),
            Some(before) => {
                if self.role != Role::Owner {
                    keep_an_owner(facts, &self.actor)?;
                }
                let event = facts.event("ledger.member.updated", aggregate, &[]);
                let change = Change::update(before.clone(), self.clone());
                Ok(Decision::one(change, event, self.clone()))
            }
            None if facts.plan.members.len() >= MAX_DOCUMENTS => {
                Err(Error::new(ErrorCode::LimitExceeded, "the book has too many members"))
            }
            None => {
                let event = facts.event("ledger.member.added", aggregate, &[]);
                Ok(Decision::one(Change::create(self.clone()), event, self.clone()))
            }
        }
    }
}

pub(super) fn check_member(member: &Member) -> Result<()> {
    check_optional("name", member.name.as_deref(), MAX_NAME_BYTES)
}

#[derive(Serialize)]
struct RemoveMember {
    actor: ActorId,
}

impl Command for RemoveMember {
    type Answer = ();
    const VERB: &'static str = "members.remove";
    const ROLE: Role = Role::Owner;

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<()>> {
        let Some(before) = facts.plan.members.get(&self.actor) else {
            return Ok(Decision::unchanged(()));
        };
        keep_an_owner(facts, &self.actor)?;
        let event = facts.event("ledger.member.removed", ("member", self.actor.to_string()), &[]);
        Ok(Decision::one(Change::remove(before.clone()), event, ()))
    }
}

/// Refuses to go on when no owner but this one is left.
fn keep_an_owner(facts: &Facts<'_>, leaving: &ActorId) -> Result<()> {
    let mut others = facts.plan.members.values().filter(|member| member.actor != *leaving);
    if others.any(|member| member.role == Role::Owner) {
        return Ok(());
    }
    Err(Error::new(ErrorCode::LastOwner, "a book needs an owner").field("role"))
}
