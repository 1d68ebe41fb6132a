//! Words that stand in no other text, put into what persons enter: each has to be wherever the
//! history holds it, and nowhere once it was erased or sealed.

use std::collections::{BTreeMap, BTreeSet};

use fiscaflow_core::api::Call;
use fiscaflow_core::conformance::Random;
use fiscaflow_core::log::{Object, StoredCommit};
use fiscaflow_core::model::ActorId;
use fiscaflow_core::store::{PageRequest, SetAsideQuery, Store, TransactionQuery};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::between::SINK;
use super::facts::{Checked, Facts, holds};

/// What a member enters, the member's name, the member's reasons. The last two go with the member,
/// whatever else does.
const ENTERED: &str = "canary";
const NAME: &str = "namely";
const REASON: &str = "because";

/// Puts words into what a step asks for, each with a point behind it.
pub fn put_into(call: &mut Call, number: u32, random: &mut Random) {
    if random.one_in(3) {
        call.context.reason = Some(format!("{REASON}{number}."));
    }
    let Some(request) = &mut call.request else { return };
    match call.verb.as_str() {
        "transactions.create" | "transactions.update" if random.one_in(2) => {
            request["notes"] = json!(format!("{ENTERED}{number}."));
        }
        "rules.create" | "budgets.create" => request["name"] = json!(format!("{ENTERED}{number}.")),
        "imports.create" => request["file_name"] = json!(format!("{ENTERED}{number}.ofx")),
        "members.put" => request["name"] = json!(format!("{NAME}{number}.")),
        _ => {}
    }
}

/// The words in a text.
fn words_in(text: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(text);
    let mut found = BTreeSet::new();
    for kind in [ENTERED, NAME, REASON] {
        for (at, _) in text.match_indices(kind) {
            let rest = &text[at + kind.len()..];
            let digits = rest.chars().take_while(char::is_ascii_digit).count();
            if rest[digits..].starts_with('.') {
                found.insert(text[at..at + kind.len() + digits].to_owned());
            }
        }
    }
    found
}

fn words_of(commit: &StoredCommit) -> BTreeSet<String> {
    let parts = [&commit.header, &commit.body, &commit.texts];
    parts.into_iter().flat_map(|part| words_in(part)).collect()
}

/// What is known of a book's words.
#[derive(Default)]
pub struct Words {
    /// Whose each of them is.
    owners: BTreeMap<String, ActorId>,
    gone: BTreeSet<String>,
    /// Those of each commit, as it was written.
    written: Vec<BTreeSet<String>>,
}

impl Words {
    /// Takes the next commit: what was erased with it is gone, what stands in it is there.
    pub fn take(&mut self, commit: &StoredCommit, call: &Call) {
        self.erase(call, commit);
        let found = words_of(commit);
        for word in &found {
            let about = call.request.as_ref().and_then(|it| it["actor"].as_str());
            let owner = match about.filter(|_| word.starts_with(NAME)) {
                Some(actor) => actor.parse().unwrap(),
                None => call.context.actor.clone(),
            };
            self.owners.entry(word.clone()).or_insert(owner);
        }
        self.written.push(found);
    }

    /// Those that were erased.
    pub fn gone(&self) -> &BTreeSet<String> {
        &self.gone
    }

    fn erase(&mut self, call: &Call, commit: &StoredCommit) {
        if call.verb != commit.entry().unwrap().action {
            return;
        }
        let entered = call.request.as_ref().is_some_and(|it| it["entered_texts"] == json!(true));
        for (word, owner) in &self.owners {
            let is_gone = match call.verb.as_str() {
                "books.erase_texts" => true,
                "members.erase" => {
                    let is_theirs = Some(owner.as_str()) == call.id.as_deref();
                    is_theirs && (entered || !word.starts_with(ENTERED))
                }
                _ => false,
            };
            if is_gone {
                self.gone.insert(word.clone());
            }
        }
    }
}

/// Commits in the store hold the words that they were written with, but for those that are gone,
/// and of those that are sealed there are headers alone; nothing else holds any other.
pub fn check(runtime: &Runtime, store: &dyn Store, facts: &Facts) -> Checked {
    let commits = runtime.block_on(store.commits(facts.id, 0, 10_000)).unwrap();
    let mut alive = BTreeSet::new();
    for (commit, read) in commits.iter().zip(&facts.read) {
        let is_sealed = commit.seq <= facts.sealed;
        let seq = commit.seq;
        let written = &read.commit.stored;
        holds(commit.hash == written.hash && commit.header == written.header, "headers", || {
            format!("commit {seq} has another header")
        })?;
        holds(commit.is_sealed() == is_sealed, "sealed", || {
            format!("commit {seq} is sealed: {}, up to {}", commit.is_sealed(), facts.sealed)
        })?;
        let at = usize::try_from(seq).unwrap() - 1;
        let expected: BTreeSet<String> = match is_sealed {
            true => BTreeSet::new(),
            false => &facts.words.written[at] - &facts.words.gone,
        };
        let found = words_of(commit);
        holds(found.is_subset(&expected), "gone is gone", || {
            format!("commit {seq} still holds {:?}", &found - &expected)
        })?;
        // Who entered one text of an image takes the others of that image along.
        let lost = expected.difference(&found).find(|word| !word.starts_with(ENTERED));
        holds(lost.is_none(), "nothing else is gone", || format!("{lost:?} of {seq} is lost"))?;
        alive.extend(expected);
    }
    let beside = words_in(beside(runtime, store, facts).as_bytes());
    holds(beside.is_subset(&alive), "gone is gone", || {
        format!("beside the history there is {:?}", &beside - &alive)
    })
}

/// All that is kept beside the history.
fn beside(runtime: &Runtime, store: &dyn Store, facts: &Facts) -> String {
    let mut text = String::new();
    let documents = runtime.block_on(store.documents(facts.id)).unwrap();
    for document in documents.into_iter().flat_map(|it| it.1) {
        text.push_str(&String::from_utf8(document.encode().unwrap()).unwrap());
    }
    let query = TransactionQuery { deleted: true, ..TransactionQuery::default() };
    let request = PageRequest { query, after: None, limit: 10_000 };
    for it in runtime.block_on(store.page(facts.id, &request)).unwrap() {
        text.push_str(&serde_json::to_string(&it).unwrap());
    }
    for key in facts.read.iter().filter_map(|read| read.commit.idempotency.as_ref()) {
        let answered = runtime.block_on(store.answered(facts.id, &key.key)).unwrap();
        let answer = answered.map(|it| it.answer).unwrap_or_default();
        text.push_str(&String::from_utf8_lossy(&answer));
    }
    let query = SetAsideQuery { limit: 10_000, ..SetAsideQuery::default() };
    for it in runtime.block_on(store.set_aside(facts.id, SINK, &query)).unwrap() {
        text.push_str(&it.reason);
    }
    if let Some(kept) = runtime.block_on(store.snapshot(facts.id)).unwrap() {
        text.push_str(&String::from_utf8_lossy(&kept.bytes));
    }
    text
}

/// The words that an object holds.
pub fn words_in_object(object: &Object) -> BTreeSet<String> {
    let json: Value = match object {
        Object::Document(it) => serde_json::from_slice(&it.encode().unwrap()).unwrap(),
        Object::Transaction(it) => serde_json::to_value(&**it).unwrap(),
    };
    words_in(json.to_string().as_bytes())
}
