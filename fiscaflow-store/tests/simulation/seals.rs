//! What takes something away: erasures, and seals with the restatements before them.

use fiscaflow_core::api::Call;
use fiscaflow_core::engine::Point;
use fiscaflow_core::log::{Change, Entry, Event, Object, Verifier};
use fiscaflow_core::model::Document;
use fiscaflow_core::store::Store;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::facts::{Checked, Facts, broken, holds};
use super::words::words_in_object;

pub const RESTATE: &str = "books.restate";
pub const SEAL: &str = "books.seal";
const OF_BOOK: &str = "books.erase_texts";
const OF_MEMBER: &str = "members.erase";

/// Whether a verb takes away what was there.
pub fn takes_away(verb: &str) -> bool {
    [SEAL, OF_BOOK, OF_MEMBER].contains(&verb)
}

/// Whether texts of a book were erased after a commit.
pub fn is_erased_since(facts: &Facts, seq: u64) -> bool {
    let mut later = facts.read.iter().filter(|read| read.entry.seq > seq);
    later.any(|read| [OF_BOOK, OF_MEMBER].contains(&read.entry.action.as_str()))
}

/// The point up to which a call seals, where it says so.
fn asked(call: &Call) -> Option<Point> {
    let until = call.request.as_ref()?["until"].as_str()?;
    until.parse().ok()
}

/// The same call with the point that its seal told of. An instant may name a later commit by now.
pub fn at_point(call: &Call, until: u64) -> Call {
    let mut call = call.clone();
    if let Some(request) = &mut call.request {
        request["until"] = json!(until.to_string());
    }
    call
}

/// How many objects were restated on the way differs from what one engine alone would say.
pub fn without_count(call: &Call, answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(object) = answer.as_object_mut().filter(|_| call.verb == SEAL) {
        object.remove("restated");
    }
    answer
}

/// The last commit that a seal seals.
pub fn until_of(events: &[Event]) -> u64 {
    let event = events.iter().find(|event| event.name == "history.commits.sealed");
    event.and_then(|it| it.payload.get("until")?.parse().ok()).unwrap_or_default()
}

/// What is restated is as it was, and was changed last by what is to be sealed.
pub fn check_restated(facts: &Facts, call: &Call, changes: &[Change]) -> Checked {
    holds(call.verb == SEAL && !changes.is_empty(), "restated", || {
        format!("{} restates {}", call.verb, changes.len())
    })?;
    for change in changes {
        let same = change.before.as_ref().map(plain) == change.after.as_ref().map(plain);
        holds(same, "restated", || "what is restated changes".to_owned())?;
        let subject = change.subject().unwrap();
        let name = (subject.kind(), subject.key());
        let last = facts.changed.get(&name).copied().unwrap_or_default();
        let late = matches!(asked(call), Some(Point::Seq(until)) if last > until);
        holds(!late, "restated", || format!("{name:?} of {last} is restated"))?;
    }
    Ok(())
}

/// A seal goes further than the one before, and what follows it makes the whole book of nothing.
pub fn check_seal(facts: &Facts, entry: &Entry, events: &[Event], call: &Call) -> Checked {
    let until = until_of(events);
    let fits = facts.sealed < until && until < entry.seq;
    holds(fits, "sealed", || format!("{until} after {} by {}", facts.sealed, entry.seq))?;
    let until_time = |time| {
        let mut before = facts.read.iter().filter(|read| read.entry.at <= time);
        before.next_back().map_or(0, |read| read.entry.seq)
    };
    let meant = match asked(call) {
        Some(Point::Seq(seq)) => until == seq,
        // Commits may have been made since, up to that instant.
        Some(Point::Time(time)) => until <= until_time(time),
        _ => false,
    };
    holds(meant, "sealed", || format!("{until} instead of {:?}", asked(call)))?;
    let documents = facts.documents.keys().cloned();
    let transactions = facts.transactions.keys().map(|id| ("transaction", id.to_string()));
    for name in documents.chain(transactions) {
        let last = facts.changed.get(&name).copied().unwrap_or_default();
        holds(last > until, "restated", || format!("{name:?} of {last} is not restated"))?;
    }
    Ok(())
}

/// An object as an erasure of a member leaves it: of its texts something may be gone.
pub fn check_member(now: Option<&Object>, change: &Change, facts: &Facts) -> Checked {
    let (Some(now), Some(before), Some(after)) = (now, &change.before, &change.after) else {
        return broken("erased", "an erasure makes or removes something");
    };
    let bare = |object: &Object| plain(&object.without_texts().unwrap());
    let same = bare(now) == plain(before) && bare(now) == bare(after);
    holds(same, "erased", || "more than texts is gone".to_owned())?;
    let (was, is) = (words_in_object(now), words_in_object(after));
    let left = &was - facts.words.gone();
    holds(is == left, "erased", || format!("{is:?} is left instead of {left:?}"))
}

/// All texts that are there are gone.
pub fn erase_all(facts: &mut Facts) {
    for document in facts.documents.values_mut() {
        let object = Object::Document(document.clone()).without_texts().unwrap();
        if let Object::Document(bare) = object {
            *document = bare;
        }
    }
    for transaction in facts.transactions.values_mut() {
        let object = Object::from(transaction.clone()).without_texts().unwrap();
        if let Object::Transaction(bare) = object {
            *transaction = *bare;
        }
    }
}

/// An object without what an image does not hold: which commit made it.
pub fn plain(object: &Object) -> Object {
    match object {
        Object::Transaction(it) => {
            let mut it = it.clone();
            it.revision = 0;
            Object::Transaction(it)
        }
        Object::Document(_) => object.clone(),
    }
}

/// Budgets that look at tags: an erasure changes what they watch, and announces nothing.
pub fn loosened(facts: &Facts) -> impl Iterator<Item = String> {
    let tagged = facts.budgets().filter(|budget| !budget.tags.is_empty());
    tagged.map(|budget| Document::Budget(budget.clone()).key())
}

/// The history as it is now, checked from its beginning.
pub fn verified(runtime: &Runtime, store: &dyn Store, facts: &Facts) -> Checked<Verifier> {
    let mut verifier = Verifier::new(facts.id);
    let commits = runtime.block_on(store.commits(facts.id, 0, 10_000)).unwrap();
    commits.iter().for_each(|commit| verifier.check(commit));
    let found = verifier.clone().finish(commits.last().map(|commit| commit.head()));
    match found.problem {
        Some(problem) => broken("chain", format!("after something is gone: {problem}")),
        None => Ok(verifier),
    }
}
