//! What a book knows of a member.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::entered::{entered, entered_sealed};
use crate::engine::BookHandle;
use crate::error::{Error, ErrorCode, Result};
use crate::limits::MAX_ATTEMPTS;
use crate::log::{Entry, StoredCommit};
use crate::model::{ActorId, Member, Role};
use crate::store::{COMMITS, newest_seal};

/// All that a book knows of one member.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MemberData {
    /// Whose.
    pub actor: ActorId,
    /// What the member did, oldest first.
    pub commits: Vec<MemberCommit>,
    /// The member, as long as it is one.
    pub member: Option<Member>,
    /// What the member entered, oldest first.
    pub texts: Vec<EnteredText>,
}
crate::model::debug_only!(MemberData: actor);

/// One thing that a member did.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MemberCommit {
    /// The verb, such as `accounts.create`.
    pub action: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The id of what caused the request.
    pub causation_id: Option<String>,
    /// The id that ties together what belongs to one request.
    pub correlation_id: Option<String>,
    /// The reason that was given, unless it was erased or sealed.
    pub reason: Option<String>,
    /// The commit.
    pub seq: u64,
}
crate::model::debug_only!(MemberCommit: seq, at, action);

/// A text that a member entered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EnteredText {
    /// The field that it was put into.
    pub field: String,
    /// The object's id.
    pub id: String,
    /// The kind of the object, such as `transaction`.
    pub kind: String,
    /// The commit; where that is sealed, the one that sealed it.
    pub seq: u64,
    /// The text.
    pub text: String,
}
crate::model::debug_only!(EnteredText: seq, kind, id, field);

impl BookHandle {
    pub(in crate::engine) async fn personal_data(&self, actor: ActorId) -> Result<MemberData> {
        for _ in 0..MAX_ATTEMPTS {
            if let Some(data) = self.gathered(actor.clone()).await? {
                return Ok(data);
            }
        }
        Err(Error::new(ErrorCode::Conflict, "the history is being sealed too often; try again"))
    }

    /// What the book knows of a member; `None` where commits were sealed while it was read.
    async fn gathered(&self, actor: ActorId) -> Result<Option<MemberData>> {
        let state = self.authorised(Role::Viewer).await?;
        let member = state.plan.members.get(&actor).cloned();
        let mut data = MemberData { actor, commits: Vec::new(), member, texts: Vec::new() };
        let (mut after, mut is_known) = (0, data.member.is_some());
        // Commits before an earlier point may be sealed by one after it.
        let (now, newest) = match &self.present {
            Some(present) => {
                let newest = present.inner.store.head(self.book_id).await?;
                (present, newest.map_or(state.head.seq, |head| head.seq))
            }
            None => (&self.engine, state.head.seq),
        };
        let seal = newest_seal(&*now.inner.store, self.book_id, newest).await?;
        let mut told = 0;
        if let Some(seal) = &seal {
            told = seal.open()?.seal()?.map_or(0, |seal| seal.until);
            data.texts.extend(sealed_texts(seal, &data.actor)?);
        }
        while after < state.head.seq {
            let store = &self.engine.inner.store;
            let commits = store.commits(self.book_id, after, COMMITS).await?;
            let Some(last) = commits.last() else { break };
            after = last.seq;
            for commit in commits.iter().filter(|commit| commit.seq <= state.head.seq) {
                if commit.is_sealed() && commit.seq > told {
                    return Ok(None);
                }
                if commit.is_sealed() {
                    let entry = commit.entry()?;
                    if entry.actor == data.actor {
                        is_known = true;
                        data.commits.push(entry.into());
                    }
                    continue;
                }
                let texts = commit.read_texts()?;
                let (by, action) = texts.header();
                let is_own = |kind: &str, key: &str| kind == "member" && key == data.actor.as_str();
                is_known |= texts.changes.iter().any(|it| is_own(&it.kind, &it.key));
                if *by != data.actor {
                    continue;
                }
                is_known = true;
                data.commits.push(commit.entry()?.into());
                for change in &texts.changes {
                    let of = |(field, text): (String, String)| EnteredText {
                        field,
                        id: change.key.clone(),
                        kind: change.kind.clone(),
                        seq: commit.seq,
                        text,
                    };
                    data.texts.extend(entered(action, change).into_iter().map(of));
                }
            }
        }
        if is_known { Ok(Some(data)) } else { Err(Error::not_found("member", &data.actor)) }
    }
}

/// What a seal tells that a member entered in commits that are sealed.
fn sealed_texts(seal: &StoredCommit, actor: &ActorId) -> Result<Vec<EnteredText>> {
    let mut found = Vec::new();
    for record in seal.read_texts()?.sealed.iter().filter(|it| it.by == *actor) {
        for (field, text) in entered_sealed(record) {
            let (id, kind) = (record.key.clone(), record.kind.clone());
            found.push(EnteredText { field, id, kind, seq: seal.seq, text });
        }
    }
    Ok(found)
}

impl From<Entry> for MemberCommit {
    fn from(entry: Entry) -> Self {
        Self {
            action: entry.action,
            at: entry.at,
            causation_id: entry.causation_id,
            correlation_id: entry.correlation_id,
            reason: entry.reason,
            seq: entry.seq,
        }
    }
}
