//! Erasing a member, or all personal texts of a book; and what a book knows of a member.
//!
//! The history is gone through once, a few commits at a time, for the texts that are to go. They
//! go with one write of the store, together with the commit that tells of it.

mod authors;
mod data;
mod entered;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(super) use authors::Authors;
pub use data::{EnteredText, MemberCommit, MemberData};

use self::entered::{Entered, Name};
use super::BookHandle;
use super::state::BookState;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{BookId, EventId};
use crate::limits::MAX_ATTEMPTS;
use crate::log::{
    COUNT, Change, ChangeTexts, Draft, ENTERED, EVENT, ErasedTexts, Erasure, NewEvent,
    NumberedText, OF_BOOK, OF_MEMBER, Object, StoredCommit,
};
use crate::model::{ActorId, DocumentKind, Role};
use crate::store::{COMMITS, Head, newest_seal};

/// What of a member is erased.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MemberErasure {
    /// Also what the member entered by hand: names, notes, payees, tags, rules, the names of
    /// files. What files and others brought stays.
    pub entered_texts: bool,
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ErasureReport {
    /// How many documents and transactions were written anew without something; none where all
    /// texts of the book were erased.
    pub changed: u64,
    /// How many texts of the history are gone: one for each reason and each image of an object.
    pub texts: u64,
}

impl BookHandle {
    /// Erases every personal text of the book, as it is and in all its history: names,
    /// descriptions, payees, notes, tags, rules, reasons, what files were called. Dates, amounts
    /// and categories stay, and so does every hash. For owners; there is no way back.
    ///
    /// A file that is imported again later is not recognised: what recognised its rows is gone.
    ///
    /// Errors: `forbidden`; those of the store, which may have erased already. Repeat it then: with
    /// an idempotency key it ends what was begun.
    pub async fn erase_texts(&self) -> Result<ErasureReport> {
        self.erase(OF_BOOK, &(), Scan::of_book()).await
    }

    pub(super) async fn erase_member(
        &self,
        actor: ActorId,
        how: MemberErasure,
    ) -> Result<ErasureReport> {
        let scan = Scan::of_member(actor.clone(), how.entered_texts);
        self.erase(OF_MEMBER, &(actor, how), scan).await
    }

    async fn erase(
        &self,
        verb: &str,
        request: &impl Serialize,
        mut scan: Scan,
    ) -> Result<ErasureReport> {
        self.context.check()?;
        let request_digest = self.context.request_digest(verb, request)?;
        let store = &self.engine.inner.store;
        // Most of the history is read before others have to wait.
        let state = self.authorised(Role::Owner).await?;
        self.look_through(&mut scan, &state).await?;
        let _turn = self.engine.inner.queues.turn(self.book_id).await;
        for _ in 0..MAX_ATTEMPTS {
            let state = self.authorised(Role::Owner).await?;
            if let Some(answer) = self.earlier_answer(request_digest).await? {
                store.scrub().await?;
                return Ok(answer);
            }
            self.look_through(&mut scan, &state).await?;
            let Some(changes) = self.written_anew(&scan, &state).await? else { continue };
            let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
            let answer = ErasureReport { changed: count(changes.len()), texts: scan.texts };
            let now = self.engine.now();
            let ids = &*self.engine.inner.ids;
            let draft = Draft {
                book_id: self.book_id,
                parent: Some(state.head),
                info: self.context.commit_info(verb, now),
                changes,
                events: vec![scan.event(EventId::new(ids.uuid(now)), self.book_id)],
                idempotency: self.context.idempotency(request_digest, &answer, ids)?,
            };
            let mut commit = draft.seal(ids)?;
            commit.grow(Arc::make_mut(&mut self.engine.tree(self.book_id, &state).await?));
            let erasure = Erasure { commit, texts: scan.chosen() };
            match store.erase(Arc::new(erasure)).await {
                Ok(()) => {
                    self.engine.forget(self.book_id);
                    store.scrub().await?;
                    return Ok(answer);
                }
                Err(error) if error.code() == ErrorCode::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorCode::Conflict, "the book is being changed too fast; try again"))
    }

    /// Goes on through the history up to a state. Where texts that were read may be gone since, it
    /// begins anew.
    async fn look_through(&self, scan: &mut Scan, state: &BookState) -> Result<()> {
        let head = state.head;
        let mut has_read = scan.seq > 0;
        'again: while scan.seq < head.seq {
            if scan.seq == 0 {
                self.learn_sealed(scan, head).await?;
            }
            let most = u32::try_from(head.seq.saturating_sub(scan.seq)).unwrap_or(u32::MAX);
            let store = &self.engine.inner.store;
            let commits = store.commits(self.book_id, scan.seq, most.min(COMMITS)).await?;
            if commits.is_empty() {
                return Err(Error::corrupt("the history ends before its head"));
            }
            for commit in commits {
                if has_read && commit.takes_away()? {
                    *scan = scan.anew();
                    has_read = false;
                    continue 'again;
                }
                scan.read(&commit)?;
            }
        }
        match &scan.member {
            // Commits that were sealed meanwhile do not tell of who is a member.
            Some(it) if !it.is_known && !state.plan.members.contains_key(&it.actor) => {
                Err(Error::not_found("member", &it.actor))
            }
            _ => Ok(()),
        }
    }

    /// Takes note of what a seal tells that the member entered.
    async fn learn_sealed(&self, scan: &mut Scan, head: Head) -> Result<()> {
        let Some(OfMember { entered: Some(entered), actor, .. }) = &mut scan.member else {
            return Ok(());
        };
        let store = &*self.engine.inner.store;
        if let Some(seal) = newest_seal(store, self.book_id, head.seq).await? {
            let records = seal.read_texts()?.sealed;
            records.iter().filter(|it| it.by == *actor).for_each(|it| entered.learn_sealed(it));
        }
        Ok(())
    }

    /// The documents and transactions that hold what goes, each before and after; `None` where the
    /// book has moved on meanwhile.
    async fn written_anew(&self, scan: &Scan, state: &BookState) -> Result<Option<Vec<Change>>> {
        let Some(member) = &scan.member else { return Ok(Some(Vec::new())) };
        let store = &self.engine.inner.store;
        let Some((head, documents)) = store.documents(self.book_id).await? else { return Ok(None) };
        if head != state.head {
            return Ok(None);
        }
        let mut changes = Vec::new();
        for document in documents {
            let name = (document.kind().as_str().to_owned(), document.key());
            let object = Object::Document(document);
            // Who has no name any more stays as the history has it.
            let is_named = member.is_own(&name.0, &name.1) && object.without_texts()? != object;
            if is_named || member.holds(&name) {
                let is_chosen =
                    |field: &str, text: &str| is_named || member.has(&name, field, text);
                changes.push(changed(&object, is_chosen)?);
            }
        }
        let mut loaded = HashMap::new();
        self.load_ids(member.transactions()?, &mut loaded).await?;
        let mut transactions: Vec<_> = loaded.into_values().collect();
        transactions.sort_unstable_by_key(|it| it.id);
        for it in transactions {
            let name = ("transaction".to_owned(), it.id.to_string());
            let object = Object::from(it);
            changes.push(changed(&object, |field, text| member.has(&name, field, text))?);
        }
        Ok(Some(changes))
    }
}

/// An object as the history has it once its texts are erased, and as it is to be from then on.
fn changed(object: &Object, is_chosen: impl Fn(&str, &str) -> bool) -> Result<Change> {
    let after = object.without(is_chosen)?;
    Ok(Change { before: Some(object.without_texts()?), after: Some(after) })
}

/// A walk through the history for the texts that are to go.
struct Scan {
    /// The newest commit that was read.
    seq: u64,
    /// How many texts are to go.
    texts: u64,
    /// Whose; of everybody where absent.
    member: Option<OfMember>,
}

struct OfMember {
    actor: ActorId,
    is_known: bool,
    chosen: BTreeMap<u64, Vec<u32>>,
    entered: Option<Entered>,
}

impl Scan {
    fn of_book() -> Self {
        Self { seq: 0, texts: 0, member: None }
    }

    fn of_member(actor: ActorId, entered_texts: bool) -> Self {
        let entered = entered_texts.then(Entered::default);
        let member = OfMember { actor, is_known: false, chosen: BTreeMap::new(), entered };
        Self { seq: 0, texts: 0, member: Some(member) }
    }

    fn anew(&self) -> Self {
        match &self.member {
            None => Self::of_book(),
            Some(it) => Self::of_member(it.actor.clone(), it.entered.is_some()),
        }
    }

    fn event(&self, id: EventId, book_id: BookId) -> NewEvent {
        let event = match &self.member {
            None => NewEvent::new(id, EVENT, "book", book_id.to_string()),
            Some(it) => NewEvent::new(id, EVENT, "member", it.actor.to_string())
                .with(ENTERED, it.entered.is_some().to_string()),
        };
        event.with(COUNT, self.texts.to_string())
    }

    fn chosen(&self) -> ErasedTexts {
        match &self.member {
            None => ErasedTexts::All,
            Some(it) => ErasedTexts::These(it.chosen.clone()),
        }
    }

    fn read(&mut self, commit: &StoredCommit) -> Result<()> {
        if commit.is_sealed() {
            self.seq = commit.seq;
            if let Some(member) = &mut self.member {
                member.is_known |= commit.entry()?.actor == member.actor;
            }
            return Ok(());
        }
        let texts = commit.read_texts()?;
        self.seq = commit.seq;
        let count = match &mut self.member {
            None => {
                let images = texts.changes.iter().flat_map(|it| [&it.before, &it.after]);
                let sealed = texts.sealed.iter().map(|it| &it.text);
                let all = images.chain(sealed).flatten();
                all.count().saturating_add(texts.reason.iter().count())
            }
            Some(member) => {
                let (actor, action) = texts.header();
                let theirs = member.actor == *actor;
                if texts.erasure.as_ref().is_some_and(|event| member.is_ended_by(event)) {
                    member.entered = member.entered.as_ref().map(|_| Entered::default());
                }
                member.is_known |= theirs;
                let mut numbers = Vec::new();
                numbers.extend(texts.reason.filter(|_| theirs));
                for change in &texts.changes {
                    member.read(theirs.then_some(action), change, &mut numbers);
                }
                if let Some(entered) = &mut member.entered {
                    entered.carry(action, &texts.changes);
                    numbers.extend(entered.choose(&texts.changes));
                    for record in &texts.sealed {
                        if record.by == member.actor || entered.is_in_record(record) {
                            numbers.extend(record.text.iter().map(|text| text.number));
                        }
                    }
                }
                numbers.sort_unstable();
                numbers.dedup();
                let count = numbers.len();
                if count > 0 {
                    member.chosen.insert(commit.seq, numbers);
                }
                count
            }
        };
        self.texts = self.texts.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(())
    }
}

impl OfMember {
    fn is_own(&self, kind: &str, key: &str) -> bool {
        kind == DocumentKind::Member.as_str() && key == self.actor.as_str()
    }

    /// Whether all that the member entered before went with an erasure.
    fn is_ended_by(&self, event: &NewEvent) -> bool {
        let entered = event.payload.get(ENTERED).is_some_and(|it| it == "true");
        event.aggregate_type == "book" || (entered && event.aggregate_id == self.actor.as_str())
    }

    /// Reads a change; `action` where the commit is the member's.
    fn read(&mut self, action: Option<&str>, change: &ChangeTexts, numbers: &mut Vec<u32>) {
        if self.is_own(&change.kind, &change.key) {
            self.is_known = true;
            let images = [&change.before, &change.after].into_iter().flatten();
            numbers.extend(images.filter(|it| it.holds(|_, _| true)).map(|it| it.number));
        }
        if let (Some(entered), Some(action)) = (&mut self.entered, action) {
            entered.learn(action, change);
        }
    }

    fn holds(&self, name: &Name) -> bool {
        self.entered.as_ref().is_some_and(|entered| entered.live.contains(name))
    }

    fn has(&self, name: &Name, field: &str, text: &str) -> bool {
        self.entered.as_ref().is_some_and(|entered| entered.is_entered(name, field, text))
    }

    fn transactions(&self) -> Result<Vec<crate::id::TransactionId>> {
        let live = self.entered.iter().flat_map(|entered| &entered.live);
        let ids = live.filter(|(kind, _)| kind == "transaction").map(|(_, key)| key.parse());
        ids.collect()
    }
}

impl Entered {
    /// The numbers of the texts that hold what the member entered. What the newest images hold is
    /// known afterwards.
    fn choose(&mut self, changes: &[ChangeTexts]) -> Vec<u32> {
        let mut numbers = Vec::new();
        for change in changes {
            let name = (change.kind.clone(), change.key.clone());
            let held = |text: &&NumberedText| self.is_in(&name, text);
            numbers.extend(change.before.as_ref().filter(held).map(|text| text.number));
            match change.after.as_ref().filter(held).map(|text| text.number) {
                Some(number) => {
                    numbers.push(number);
                    self.live.insert(name);
                }
                None => drop(self.live.remove(&name)),
            }
        }
        numbers
    }
}
