//! Books whose old commits are sealed, beside a twin that keeps all of them.
//!
//! Both live through the same requests. Where the one restates and seals, the other makes as many
//! commits that change nothing, so that numbers mean the same in both.

use std::sync::Arc;

use chrono::TimeDelta;
use fiscaflow_core::api::{self, Call};
use fiscaflow_core::conformance::fsck;
use fiscaflow_core::engine::{Context, Point};
use fiscaflow_core::store::{Store, verify_book};
use fiscaflow_core::{Error, ErrorCode};
use fiscaflow_store::MemoryStore;
use serde_json::{Value, json};

use super::{Request, World, cases};
use crate::asked::questions;
use crate::chance::Chance;

/// An answer or a refusal, without what only the number of restatements or random ids make.
fn plain(answer: Result<Value, Error>) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(strip),
            Value::Object(members) => {
                for name in ["revision", "hash", "head", "parent", "undo_seq"] {
                    members.remove(name);
                }
                members.values_mut().for_each(strip);
            }
            Value::String(text) if text.starts_with("{\n") || text.starts_with("{\"") => {
                if let Ok(mut inner) = serde_json::from_str::<Value>(text) {
                    strip(&mut inner);
                    *text = inner.to_string();
                }
            }
            _ => {}
        }
    }
    let mut answer = answer.unwrap_or_else(|error| json!([error.code().as_str(), error.of_id()]));
    strip(&mut answer);
    answer
}

fn request(verb: &'static str, request: Value) -> Request {
    Request { verb, id: None, request }
}

fn is_about_history(question: &Request) -> bool {
    question.verb.starts_with("history.") || question.verb == "events.list"
}

/// A book and its twin.
pub struct Pair {
    sealed: World,
    whole: World,
    chance: Chance,
    seed: u64,
}

impl Pair {
    async fn new(store: Arc<dyn Store>, seed: u32) -> Self {
        let sealed = World::new(store, seed).await;
        let whole = World::new(Arc::new(MemoryStore::new()), seed).await;
        let seed = u64::from(seed);
        let mut pair = Self { sealed, whole, chance: Chance::new(seed, true), seed };
        for request in pair.chance.first() {
            pair.run(&request).await;
        }
        pair
    }

    async fn run(&self, request: &Request) {
        let (one, other) = (self.sealed.run(request).await, self.whole.run(request).await);
        assert_eq!(plain(one), plain(other), "seed {}: {request:?}", self.seed);
        assert_eq!(self.sealed.seq().await, self.whole.seq().await);
    }

    /// Goes on living, and takes back what the twin may take back, too.
    async fn live(&mut self, steps: usize, until: u64, but: &[u64]) {
        for _ in 0..steps {
            let next = self.chance.next();
            self.run(&next).await;
            if !self.chance.random.one_in(4) {
                continue;
            }
            let seq =
                1 + self.chance.random.below(usize::try_from(self.whole.seq().await).unwrap());
            let seq = u64::try_from(seq).unwrap();
            if seq <= until || but.contains(&seq) {
                let refused = self.sealed.undo(seq, false).await.unwrap_err();
                self.whole.clock.set(fiscaflow_core::Clock::now(&*self.sealed.clock));
                assert_eq!(refused.code(), ErrorCode::NotUndoable, "seed {}: {seq}", self.seed);
                continue;
            }
            let keep_later = self.chance.random.one_in(3);
            let one = plain(self.sealed.undo(seq, keep_later).await);
            let other = plain(self.whole.undo(seq, keep_later).await);
            assert_eq!(one, other, "seed {}: undo of {seq}", self.seed);
            assert_eq!(self.sealed.seq().await, self.whole.seq().await);
        }
    }

    /// Seals the one; the other makes commits that change nothing. Returns these.
    async fn seal(&mut self, until: Option<u64>) -> Vec<u64> {
        let until = until.map(|seq| seq.to_string());
        let before = self.sealed.seq().await;
        let how = request("books.seal", json!({"until": until}));
        self.sealed.ask(&how, None).await.unwrap();
        let made: Vec<u64> = (before + 1..=self.sealed.seq().await).collect();
        for number in &made {
            let idempotency_key = Some(format!("nothing {number}"));
            let context = Context { idempotency_key, ..Context::new("anna".parse().unwrap()) };
            let call = Call {
                verb: "books.update".to_owned(),
                book_id: Some(self.whole.book_id),
                context,
                id: None,
                request: Some(json!({})),
            };
            api::call(&self.whole.engine, call).await.unwrap();
        }
        assert_eq!(self.sealed.seq().await, self.whole.seq().await);
        // Ids that the engine chooses are other ones from now on.
        self.chance.files = false;
        made
    }

    /// Both answer alike, now and as of points from the last sealed commit on; before that the one
    /// says what it is.
    async fn compare(&mut self, until: u64) {
        let questions = questions(&mut self.chance);
        let points = (1..=self.sealed.seq().await).map(|seq| Some(Point::Seq(seq)));
        for point in points.chain([None]) {
            let is_near = matches!(point, Some(Point::Seq(seq)) if seq.abs_diff(until) < 2);
            if !is_near && point.is_some() && !self.chance.random.one_in(4) {
                continue;
            }
            for question in questions.iter().filter(|it| !is_about_history(it)) {
                let one = self.sealed.ask(question, point).await;
                if point.is_some_and(|point| matches!(point, Point::Seq(seq) if seq < until)) {
                    let error = one.unwrap_err();
                    assert_eq!(
                        (error.code(), error.at_field()),
                        (ErrorCode::Sealed, Some("as_of"))
                    );
                    continue;
                }
                let other = plain(self.whole.ask(question, point).await);
                assert_eq!(plain(one), other, "seed {}: {question:?} as of {point:?}", self.seed);
            }
        }
    }

    /// What differs between two points is the same, where the one knows both.
    async fn compare_points(&mut self, until: u64) {
        let head = usize::try_from(self.sealed.seq().await).unwrap();
        for _ in 0..12 {
            let mut any = || u64::try_from(1 + self.chance.random.below(head)).unwrap();
            let (from, to) = (any(), any());
            let query = json!({"from": from.to_string(), "to": to.to_string(), "limit": 500});
            let question = request("history.compare", query);
            let one = self.sealed.ask(&question, None).await;
            if from.min(to) < until && from != to {
                assert_eq!(one.unwrap_err().code(), ErrorCode::Sealed, "{from} to {to}");
            } else {
                let other = plain(self.whole.ask(&question, None).await);
                assert_eq!(plain(one), other, "seed {}: {from} to {to}", self.seed);
            }
        }
    }

    /// Every proof up to a size, with the checkpoint of it.
    async fn proofs(&self, size: u64) -> Vec<Value> {
        let mut proofs = Vec::new();
        for seq in 1..=size {
            let id = Some(seq.to_string());
            for size in seq..=size {
                let inclusion = Request {
                    verb: "proofs.inclusion",
                    id: id.clone(),
                    request: json!({"size": size}),
                };
                proofs.push(self.sealed.ask(&inclusion, None).await.unwrap());
                let sizes = json!({"from_size": seq, "to_size": size});
                let consistency = request("proofs.consistency", sizes);
                proofs.push(self.sealed.ask(&consistency, None).await.unwrap());
            }
        }
        proofs
    }

    /// Who made which commit when, and by which verb, is told as before; of sealed ones no more.
    async fn compare_lists(&self, until: u64, but: &[u64]) {
        let list = request("history.list", json!({"limit": 500}));
        let (one, other) = (
            self.sealed.ask(&list, None).await.unwrap(),
            self.whole.ask(&list, None).await.unwrap(),
        );
        let lines = one.as_array().unwrap().iter().zip(other.as_array().unwrap());
        for (one, other) in lines.filter(|it| !but.contains(&it.0["seq"].as_u64().unwrap())) {
            for member in ["seq", "at", "actor", "action", "changes", "correlation_id"] {
                assert_eq!(one[member], other[member]);
            }
            let is_sealed = one["seq"].as_u64().unwrap() <= until;
            assert_eq!(one["sealed"], json!(is_sealed));
            assert_eq!(
                one["events"] == other["events"],
                !is_sealed || other["events"] == json!([])
            );
        }
    }
}

#[tokio::test]
async fn a_sealed_book_is_its_unsealed_twin() {
    // Holds: of random histories, sealed at any point and then once more, every figure, list and
    // document is as it would be, now and as of every later point; later commits are taken back
    // alike, and points compared; every proof and checkpoint of before stands; all of it follows
    // from what is left of the history.
    for seed in 0..cases(6, 1_000) {
        let mut pair = Pair::new(Arc::new(MemoryStore::new()), seed).await;
        pair.live(12, 0, &[]).await;
        let checkpoint = pair.sealed.ask(&request("proofs.checkpoint", json!({})), None).await;
        let checkpoint = checkpoint.unwrap();
        let (mut until, mut made) = (0, Vec::new());
        for round in 0..2 {
            let size = pair.sealed.seq().await;
            let before = pair.proofs(size.min(9)).await;
            let left = usize::try_from(size - until).unwrap();
            until += 1 + u64::try_from(pair.chance.random.below(left)).unwrap();
            made.extend(pair.seal(Some(until)).await);
            assert!(pair.proofs(size.min(9)).await == before, "seed {seed}");
            let held = request("proofs.check", json!({"note": checkpoint["note"]}));
            pair.sealed.ask(&held, None).await.unwrap();
            fsck(&*pair.sealed.store, pair.sealed.book_id).await;
            pair.compare(until).await;
            pair.compare_points(until).await;
            pair.compare_lists(until, &made).await;
            pair.live(8, until, &made).await;
            fsck(&*pair.sealed.store, pair.sealed.book_id).await;
            if round == 1 {
                pair.compare(until).await;
            }
        }
    }
}

#[tokio::test]
async fn what_is_of_seven_years_ago_is_sealed() {
    // Holds: without a point, what is older than seven years by the clock is sealed, no more; once
    // more is nothing, and writes nothing; the bodies alone are gone, and the history verifies.
    let mut pair = Pair::new(Arc::new(MemoryStore::new()), 1).await;
    let old = pair.sealed.seq().await;
    assert_eq!(pair.seal(None).await, Vec::<u64>::new(), "nothing is old enough");
    for world in [&pair.sealed, &pair.whole] {
        world.clock.advance(TimeDelta::days(7 * 365 + 2));
    }
    pair.run(&request("books.update", json!({"name": "later"}))).await;
    let made = pair.seal(None).await;
    assert!(made.len() > 1);
    for _ in 0..2 {
        let again = request("books.seal", json!({}));
        let again = pair.sealed.ask(&again, None).await.unwrap();
        assert_eq!(again, json!({"commits": 0, "restated": 0, "until_seq": old}));
    }
    assert_eq!(pair.sealed.seq().await, *made.last().unwrap());
    let (store, id) = (&*pair.sealed.store, pair.sealed.book_id);
    let found = store.commits(id, 0, u32::MAX).await.unwrap();
    assert!(found.iter().all(|commit| commit.is_sealed() == (commit.seq <= old)));
    verify_book(store, id).await.unwrap().ok().unwrap();
    pair.compare(old).await;
}
