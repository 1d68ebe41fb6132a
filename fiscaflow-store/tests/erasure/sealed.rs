//! Old commits that are sealed: their texts are nowhere, copies are sealed, too, and whatever fails
//! on the way leaves a good book.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use fiscaflow_core::conformance::{Scribe, Tap, Tapped, fsck, together};
use fiscaflow_core::engine::{Context, Engine, Point, Sealing};
use fiscaflow_core::log::{ErasedTexts, Erasure, StoredCommit, Verifier};
use fiscaflow_core::store::{Store, copy_book, verify_book};
use fiscaflow_core::{BookId, ErrorCode, Result};
use fiscaflow_store::MemoryStore;
use serde_json::{Value, json};

use super::book::Failing;
use super::member::{bytes_in, holds, in_file};
use super::{Home, bird, stored};

impl Home {
    async fn newest(&self) -> u64 {
        self.store.head(self.id).await.unwrap().unwrap().seq
    }

    async fn seal(&self, until: u64) -> Value {
        self.owner("books.seal", None, json!({"until": until.to_string()})).await
    }

    /// A note that a member writes, with a reason and a key.
    async fn note(&self, id: &str, text: &str) {
        let context = Context {
            reason: Some(format!("because {text}")),
            idempotency_key: Some(format!("key {}", self.newest().await)),
            ..Context::new("own".parse().unwrap())
        };
        let request = json!({"notes": text, "tags": [text], "payee": text});
        self.call(context, "transactions.update", Some(id), request).await.unwrap();
    }

    /// A transaction of the owner whose texts are others by now, and a budget that is gone. Returns
    /// the transaction's id.
    async fn changed(&self) -> String {
        let new = json!({"account_id": self.account, "booking_date": "2026-03-01",
            "amount": "-3.00", "description": "by hand"});
        let made = self.owner("transactions.create", None, new).await;
        let id = super::text(&made);
        self.note(&id, &bird(1)).await;
        self.note(&id, &bird(2)).await;
        let budget = json!({"name": bird(1), "tags": [bird(1)], "limit": "10.00"});
        let budget = self.owner("budgets.create", None, budget).await;
        self.owner("budgets.delete", Some(&super::text(&budget)), Value::Null).await;
        id
    }
}

#[tokio::test]
async fn texts_of_sealed_commits_are_nowhere() {
    // Holds: a text that stands in sealed commits alone is in no byte of the database, its log, a
    // backup or a copy, and nothing tells it; what stands in the book still is.
    let dir = tempfile::tempdir().unwrap();
    let (home, store) = in_file(&dir).await;
    let id = home.changed().await;
    let told = home.told().await;
    assert!(told.contains(&bird(1)) && holds(&bytes_in(dir.path()), &bird(1)));
    let report = home.seal(home.newest().await).await;
    assert!(report["commits"].as_u64() > Some(6) && report["restated"].as_u64() > Some(3));
    home.note(&id, &bird(3)).await;
    store.backup_to(dir.path().join("backup.db")).await.unwrap();
    let copy: Arc<dyn Store> = Arc::new(MemoryStore::new());
    copy_book(&*home.store, &*copy, home.id).await.unwrap();
    let told = home.told().await + &stored(&*copy, home.id).await;
    let bytes = bytes_in(dir.path());
    assert!(!told.contains(&bird(1)) && !holds(&bytes, &bird(1)));
    for number in [2, 3] {
        assert!(told.contains(&bird(number)) && holds(&bytes, &bird(number)));
    }
    fsck(&*home.store, home.id).await;
    fsck(&*copy, home.id).await;
    verify_book(&*copy, home.id).await.unwrap().ok().unwrap();
}

#[tokio::test]
async fn a_store_that_fails_has_sealed_all_or_nothing() {
    // Holds: at whichever call the store fails, between restating and sealing too, the book is good
    // and says the same, and the same request, repeated, ends what was begun.
    for fails_at in 0.. {
        let home = Home::over(Arc::new(MemoryStore::new())).await;
        home.changed().await;
        let until = home.newest().await;
        let listed = async || {
            let mut list = home.owner("transactions.list", None, Value::Null).await;
            list["items"][0]["revision"] = Value::Null;
            list
        };
        let before = listed().await;
        let inner = Arc::clone(&home.store);
        let failing = Failing { store: Arc::clone(&inner), left: AtomicI64::new(fails_at) };
        let tapped: Arc<dyn Store> = Arc::new(Tapped(Arc::new(failing)));
        let through = home.over_store(tapped);
        let keyed = || Context {
            idempotency_key: Some("once".to_owned()),
            ..Context::new("own".parse().unwrap())
        };
        let how = || json!({"until": until.to_string()});
        let sealed = through.call(keyed(), "books.seal", None, how()).await;
        let found = fsck(&*inner, home.id).await;
        let gone = found.iter().filter(|commit| commit.is_sealed()).count();
        assert!(gone == 0 || gone == usize::try_from(until).unwrap(), "failed at {fails_at}");
        assert_eq!(listed().await, before);
        if sealed.is_ok() {
            assert!(fails_at > 9, "every call was tried");
            return;
        }
        let ended = through.call(keyed(), "books.seal", None, how()).await.unwrap();
        assert_eq!(ended["until_seq"], json!(until));
        assert!(!stored(&*inner, home.id).await.contains(&bird(1)), "failed at {fails_at}");
        fsck(&*inner, home.id).await;
        assert_eq!(listed().await, before);
    }
}

#[tokio::test]
async fn copies_are_sealed_too() {
    // Holds: a copy that has nothing, or any beginning of the history with its bodies, or one that
    // was sealed less, has the same history after the next copy, sealed and with the same present;
    // erasures before and after the seals included.
    let home = Home::over(Arc::new(MemoryStore::new())).await;
    home.sing(3).await;
    let id = home.changed().await;
    let mut copies: Vec<(u64, Arc<dyn Store>)> = Vec::new();
    for last in 0..home.newest().await {
        let copy: Arc<dyn Store> = Arc::new(MemoryStore::new());
        for commit in home.store.commits(home.id, 0, u32::MAX).await.unwrap() {
            if commit.seq <= last {
                let commit = super::as_written(&*home.store, home.id, commit).await;
                copy.commit(Arc::new(commit)).await.unwrap();
            }
        }
        copies.push((last, copy));
    }
    home.owner("members.erase", Some(&super::member(3)), json!({"entered_texts": true})).await;
    for (number, until) in [(4, 9), (5, home.newest().await)] {
        home.seal(until).await;
        home.sing(number).await;
        home.owner("members.erase", Some(&super::member(number)), json!({})).await;
        if number == 4 {
            home.owner("transactions.delete", Some(&id), Value::Null).await;
            let copy: Arc<dyn Store> = Arc::new(MemoryStore::new());
            copy_book(&*home.store, &*copy, home.id).await.unwrap();
            copies.push((u64::MAX, copy));
        }
    }
    let expected = fsck(&*home.store, home.id).await;
    for (last, copy) in copies {
        copy_book(&*home.store, &*copy, home.id).await.unwrap();
        assert!(fsck(&*copy, home.id).await == expected, "a copy that had {last}");
        verify_book(&*copy, home.id).await.unwrap().ok().unwrap();
    }
}

#[tokio::test]
async fn bodies_that_no_seal_tells_of_are_found() {
    // Holds: where more bodies are gone than a seal tells, or fewer, the history does not verify,
    // the first such commit is named, and no copy is made of what is missing; where exactly those
    // are, it does.
    for told in [0, 1, 2, 3] {
        let store = MemoryStore::new();
        let mut scribe = Scribe::new(1);
        for _ in 0..4 {
            scribe.create(&store, vec![scribe.transaction("2024-01-01", 1)]).await;
        }
        let commit = scribe.sealing(&store, told, false).await.commit;
        let texts = ErasedTexts::Sealed { until: 2, lose_events: false };
        store.erase(Arc::new(Erasure { commit, texts })).await.unwrap();
        let found = verify_book(&store, scribe.book_id).await.unwrap();
        let first = [Some(1), Some(2), None, Some(3)][usize::try_from(told).unwrap()];
        assert_eq!((found.verified, found.broken_seq), (told == 2, first), "{found:?}");
        let copied = copy_book(&store, &MemoryStore::new(), scribe.book_id).await;
        assert_eq!(copied.is_ok(), told >= 2, "{told} told");
    }
}

#[tokio::test]
async fn the_first_body_that_is_wrong_is_named() {
    // Holds: a body that comes back among those that are sealed is named, and so is one that goes
    // where none is.
    let store = MemoryStore::new();
    let mut scribe = Scribe::new(1);
    for _ in 0..4 {
        scribe.create(&store, vec![scribe.transaction("2024-01-01", 1)]).await;
    }
    let whole = store.commits(scribe.book_id, 0, 9).await.unwrap();
    let erasure = scribe.sealing(&store, 3, false).await;
    store.erase(Arc::new(erasure)).await.unwrap();
    let sealed = store.commits(scribe.book_id, 0, 9).await.unwrap();
    let checked = |commits: &[StoredCommit]| {
        let mut verifier = Verifier::new(scribe.book_id);
        commits.iter().for_each(|commit| verifier.check(commit));
        verifier.finish(commits.last().map(StoredCommit::head)).broken_seq
    };
    assert_eq!((checked(&whole), checked(&sealed)), (None, None));
    for (seq, at) in (1..).zip(0..3) {
        let mut back = sealed.clone();
        back[at] = whole[at].clone();
        assert_eq!(checked(&back), Some(seq), "back");
        let mut gone = whole.clone();
        (gone[at].body, gone[at].texts) = (Vec::new(), Vec::new());
        assert_eq!(checked(&gone), Some(seq), "gone");
    }
}

#[tokio::test]
async fn of_several_at_once_each_seals_no_less() {
    // Holds: seals that meet, in one engine or several, end with the furthest; the history
    // verifies.
    let home = Home::over(Arc::new(MemoryStore::new())).await;
    home.changed().await;
    let (other, last) = (home.through_another(), home.newest().await);
    let seals = (0..4).map(|number| {
        let home = if number % 2 == 0 { &home } else { &other };
        async move { home.seal(last - number).await }
    });
    let done = together(seals).await;
    assert!(done.iter().all(|it| it["until_seq"].as_u64() >= Some(last - 3)), "{done:?}");
    let found = fsck(&*home.store, home.id).await;
    assert!(found.iter().all(|commit| commit.is_sealed() == (commit.seq <= last)));
    other.owner("reports.balances", None, json!({})).await;
}

#[tokio::test]
async fn what_is_sealed_is_not_told() {
    // Holds: whoever asks for what is gone is told that it was sealed, whoever is no owner may not
    // seal, a point that is none is refused, and a repeat of a request of a sealed commit is not
    // carried out again.
    let home = Home::over(Arc::new(MemoryStore::new())).await;
    let id = home.changed().await;
    let last = home.newest().await;
    let member = json!({"actor": "mem", "role": "member", "name": null});
    home.owner("members.put", None, member).await;
    let own = || Context::new("own".parse().unwrap());
    let as_of = |seq: u64| Context { as_of: Some(seq.to_string().parse().unwrap()), ..own() };
    let code = async |context: Context, verb: &str, id: Option<&str>, request: Value| {
        home.call(context, verb, id, request).await.map_err(|error| error.code())
    };
    let none = || json!({});
    let by_member = Context::new("mem".parse().unwrap());
    assert_eq!(code(by_member, "books.seal", None, none()).await, Err(ErrorCode::Forbidden));
    assert_eq!(code(as_of(3), "books.seal", None, none()).await, Err(ErrorCode::ReadOnly));
    let until = json!({"until": "999"});
    assert_eq!(code(own(), "books.seal", None, until).await, Err(ErrorCode::NotFound));
    home.seal(last).await;
    assert_eq!(code(as_of(3), "books.get", None, Value::Null).await, Err(ErrorCode::Sealed));
    assert!(code(as_of(last), "books.get", None, Value::Null).await.is_ok());
    let (one, seal) = ("3", home.newest().await.to_string());
    for seq in [one, &seal] {
        let undone = code(own(), "history.undo", Some(seq), none()).await;
        assert_eq!(undone, Err(ErrorCode::NotUndoable));
    }
    let between = json!({"from": "3"});
    assert_eq!(code(own(), "history.compare", None, between).await, Err(ErrorCode::Sealed));
    let proof = code(as_of(last), "proofs.transaction", Some(&id), none()).await;
    assert_eq!(proof, Err(ErrorCode::Sealed));
    assert!(code(own(), "proofs.transaction", Some(&id), none()).await.is_ok());
    let lines = home.owner("history.object", Some(&id), Value::Null).await;
    assert_eq!(lines.as_array().unwrap().len(), 1);
    assert_eq!((&lines[0]["action"], &lines[0]["fields"]), (&json!("books.restate"), &json!([])));
    let again = Context { idempotency_key: Some("key 4".to_owned()), ..own() };
    let request = json!({"notes": bird(1), "tags": [bird(1)], "payee": bird(1)});
    let repeated = code(again, "transactions.update", Some(&id), request).await;
    assert_eq!(repeated, Err(ErrorCode::Erased));
}

/// Every text in an answer, but for ids and times, and how often it is there.
fn texts_in(answer: &Value, found: &mut BTreeMap<String, usize>) {
    match answer {
        Value::Array(list) => list.iter().for_each(|it| texts_in(it, found)),
        Value::Object(members) => members.values().for_each(|it| texts_in(it, found)),
        Value::String(text)
            if uuid::Uuid::parse_str(text).is_err()
                && chrono::DateTime::parse_from_rfc3339(text).is_err() =>
        {
            *found.entry(text.clone()).or_default() += 1;
        }
        _ => {}
    }
}

impl Home {
    /// Two members enter texts, which others carry on: into another transaction, too, after a first
    /// seal.
    async fn carried(&self, first_seal: Option<u64>) {
        let one = self.sing(1).await;
        self.sing(2).await;
        if let Some(until) = first_seal {
            self.seal(until).await;
        }
        let new = json!({"account_id": self.account, "booking_date": "2026-03-01",
            "amount": "-3.00", "description": "PLAIN"});
        let plain = super::text(&self.owner("transactions.create", None, new).await);
        let merge = json!({"absorbed_id": one});
        self.owner("transactions.merge", Some(&plain), merge).await;
        let sorted = json!({"ids": [plain], "category_id": self.category});
        self.owner("transactions.recategorise", None, sorted).await;
        let named = json!({"name": "Gyro"});
        self.owner("accounts.update", Some(&self.account), named).await;
    }

    async fn entered(&self, number: usize) -> BTreeSet<String> {
        let actor = super::member(number);
        let data = self.owner("members.personal_data", Some(&actor), Value::Null).await;
        let texts = data["texts"].as_array().unwrap().iter();
        texts.map(|it| it["text"].as_str().unwrap().to_owned()).collect()
    }

    async fn present(&self) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        let all = json!({"limit": 500});
        texts_in(&self.owner("transactions.list", None, all).await, &mut found);
        for verb in ["rules.list", "budgets.list", "payees.list", "imports.list", "members.list"] {
            texts_in(&self.owner(verb, None, Value::Null).await, &mut found);
        }
        found
    }
}

#[tokio::test]
async fn whose_a_text_is_is_known_beyond_a_seal() {
    // Holds: whatever was sealed, at once or in two steps, a member is told every own text that
    // stands; once the member is erased none of them is anywhere, and the present is that of a twin
    // that was never sealed; so it is when another seal came after.
    let twin = Home::over(Arc::new(MemoryStore::new())).await;
    twin.carried(None).await;
    let (last, all) = (twin.newest().await, [twin.entered(1).await, twin.entered(2).await]);
    let how = json!({"entered_texts": true});
    twin.owner("members.erase", Some(&super::member(1)), how.clone()).await;
    let expected = twin.present().await;
    let once = (0..last).step_by(3).map(|left| (None, left));
    let twice = [(Some(last - 7), 0), (Some(last - 7), 4), (Some(last - 5), 2)];
    for (first, left) in once.chain(twice) {
        let home = Home::over(Arc::new(MemoryStore::new())).await;
        home.carried(first).await;
        home.seal(home.newest().await - left).await;
        let told = home.told().await;
        for number in [1, 2] {
            let entered = home.entered(number).await;
            let stands = all[number - 1].iter().filter(|text| told.contains(&***text));
            let lacks: Vec<&String> = stands.filter(|text| !entered.contains(*text)).collect();
            assert!(lacks.is_empty(), "{first:?}, {left}: {number} lacks {lacks:?}");
        }
        home.owner("members.erase", Some(&super::member(1)), how.clone()).await;
        let told = home.told().await;
        assert!(!told.contains(&bird(1)), "{first:?}, {left}");
        assert_eq!(home.present().await, expected, "{first:?}, {left}");
        fsck(&*home.store, home.id).await;
        home.seal(home.newest().await).await;
        home.owner("members.erase", Some(&super::member(2)), how.clone()).await;
        assert!(!home.told().await.contains(&bird(2)), "{first:?}, {left}");
        fsck(&*home.store, home.id).await;
    }
}

#[tokio::test]
async fn another_engine_knows_of_a_seal() {
    // Holds: an engine that had the book in memory, with figures, what was learned and a point,
    // tells what it was before another one wrote and sealed, nothing else of it, and writes on.
    let home = Home::over(Arc::new(MemoryStore::new())).await;
    let id = home.changed().await;
    let then = (home.newest().await - 1).to_string();
    let other = home.through_another();
    let figures = async |home: &Home| {
        let state = home.owner("budgets.state", None, json!({})).await;
        let learned = home.owner("suggestions.list", None, json!({})).await;
        (home.owner("reports.balances", None, json!({})).await, state, learned)
    };
    figures(&other).await;
    assert!(other.listed_at("5").await.contains(&bird(1)));
    other.listed_at(&then).await;
    home.note(&id, "later").await;
    home.seal(home.newest().await).await;
    let context =
        || Context { as_of: Some(then.parse().unwrap()), ..Context::new("own".parse().unwrap()) };
    for home in [&home, &other] {
        let error = home.call(context(), "transactions.list", None, json!({})).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Sealed);
    }
    assert_eq!(figures(&other).await, figures(&home).await);
    other.note(&id, "last").await;
    assert!(home.told().await.contains("last") && !other.told().await.contains(&bird(1)));
    fsck(&*home.store, home.id).await;
}

/// A store in which the book is sealed before one of the calls.
#[derive(Debug)]
struct Overtaken {
    store: Arc<dyn Store>,
    engine: Engine,
    id: BookId,
    until: u64,
    left: AtomicI64,
}

#[async_trait]
impl Tap for Overtaken {
    async fn before(&self, call: &'static str) -> Result<Arc<dyn Store>> {
        if call != "scrub" && self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            let own = Context::new("own".parse().unwrap());
            let until = Some(Point::Seq(self.until));
            let how = Sealing { until, ..Sealing::default() };
            self.engine.book(self.id, own).seal(how).await.unwrap();
        }
        Ok(Arc::clone(&self.store))
    }
}

#[tokio::test]
async fn who_is_overtaken_by_a_seal_does_no_harm() {
    // Holds: whenever a book is sealed while a commit is taken back, checked, copied, erased or
    // sealed, that ends well or is refused, and nothing of what was sealed comes back.
    for left in 0..20 {
        for deed in ["undo", "verify", "copy", "erase", "seal"] {
            let home = Home::over(Arc::new(MemoryStore::new())).await;
            let id = home.changed().await;
            let left_behind = json!({"actor": "mem", "role": "member", "name": bird(4)});
            home.owner("members.put", None, left_behind).await;
            home.owner("members.erase", Some("mem"), json!({})).await;
            let (target, newest) = (home.newest().await - 4, home.newest().await);
            // A text that is sealed was erased, and the commit that tells of it stays.
            let until = if deed == "undo" { target } else { newest - 1 };
            let (store, engine) = (Arc::clone(&home.store), home.engine.clone());
            let left = AtomicI64::new(left);
            let tap = Overtaken { store, engine, id: home.id, until, left };
            let overtaken: Arc<dyn Store> = Arc::new(Tapped(Arc::new(tap)));
            let through = home.over_store(Arc::clone(&overtaken));
            match deed {
                "undo" => {
                    let (own, target) = (Context::new("own".parse().unwrap()), target.to_string());
                    let how = json!({});
                    let undone = through.call(own, "history.undo", Some(&target), how).await;
                    let first = &home.store.commits(home.id, 0, 1).await.unwrap()[0];
                    let code = undone.map(drop).map_err(|error| error.code());
                    let gone = Err(ErrorCode::NotUndoable);
                    assert_eq!(code, if first.is_sealed() { gone } else { Ok(()) });
                }
                "verify" => verify_book(&*overtaken, home.id).await.unwrap().ok().unwrap(),
                "copy" => {
                    let copy = MemoryStore::new();
                    copy_book(&*overtaken, &copy, home.id).await.unwrap();
                    fsck(&copy, home.id).await;
                }
                "erase" => {
                    let how = json!({"entered_texts": true});
                    through.owner("members.erase", Some("own"), how).await;
                }
                _ => drop(through.seal(until).await),
            }
            let found = fsck(&*home.store, home.id).await;
            if deed != "undo" && found.iter().any(|commit| commit.is_sealed()) {
                assert!(!stored(&*home.store, home.id).await.contains(&bird(1)), "{deed}");
            }
            home.note(&id, "later").await;
        }
    }
}

#[tokio::test]
async fn what_is_restated_stands_in_no_undos_way() {
    // Holds: what came back under its old id after the sealed commits can be taken back, although
    // it was restated since.
    let home = Home::over(Arc::new(MemoryStore::new())).await;
    let id = "018f0000-0000-7000-8000-000000000001";
    let budget = || json!({"id": id, "name": "Food", "tags": ["food"], "limit": "10.00"});
    home.owner("budgets.create", None, budget()).await;
    home.owner("budgets.delete", Some(id), Value::Null).await;
    let until = home.newest().await;
    home.owner("budgets.create", None, budget()).await;
    home.seal(until).await;
    home.owner("history.undo", Some(&(until + 1).to_string()), json!({})).await;
    assert_eq!(home.owner("budgets.list", None, Value::Null).await, json!([]));
    fsck(&*home.store, home.id).await;
}
