//! Taking back and bringing back any commit of random histories.

use std::sync::Arc;

use fiscaflow_core::conformance::fsck;
use fiscaflow_core::{Error, ErrorCode};
use fiscaflow_store::MemoryStore;
use serde_json::{Value, json};

use super::{Request, World, cases};
use crate::chance::Chance;
use crate::log::{self, Commit, State};
use crate::oracle::{concerns, conflict, own, standing, taken_back, without, without_announced};

/// What came of the trials.
#[derive(Debug, Default)]
struct Tally {
    undone: u64,
    refused: u64,
    redone: u64,
    replayed: u64,
}

async fn state(world: &World) -> (Vec<Commit>, State) {
    let commits = log::read(&*world.store, world.book_id).await;
    let state = without_announced(log::fold(&commits));
    (commits, state)
}

/// Lives through a random history, some of whose requests take commits back; the requests that
/// left a commit, by its number.
async fn live(world: &World, chance: &mut Chance) -> Vec<(u64, Request)> {
    let mut requests = chance.first();
    let further = 6 + chance.random.below(20);
    requests.extend((0..further).map(|_| chance.next()));
    let mut done = Vec::new();
    for request in requests {
        let before = world.seq().await;
        let _ = world.run(&request).await;
        if world.seq().await > before {
            done.push((world.seq().await, request));
        }
        if chance.random.one_in(5) {
            let seq = 1 + chance.random.below(usize::try_from(world.seq().await).unwrap());
            let _ = world.undo(u64::try_from(seq).unwrap(), chance.random.one_in(4)).await;
        }
    }
    done
}

/// Checks a refusal: it is right, and what it names has to do with it.
fn check_refusal(error: &Error, commits: &[Commit], seq: u64, now: &State, seed: u64) {
    match error.code() {
        ErrorCode::NotUndoable => {
            let own = own(&commits[usize::try_from(seq).unwrap() - 1]);
            let kinds = |kind: &str| own.iter().any(|(key, _)| key.0 == kind);
            assert!(kinds("member") || seq == 1, "seed {seed}: {seq} is refused for nothing");
        }
        ErrorCode::UndoBlocked => {
            let why = conflict(commits, seq, now);
            assert!(why.is_some(), "seed {seed}: {seq} is refused without need: {error:?}");
            let named = error.of_id().unwrap().split(',').map(|it| it.parse::<u64>().unwrap());
            for named in named {
                let related = concerns(commits, named, seq);
                assert!(related, "seed {seed}: {named} is not in the way of {seq}: {why:?}");
            }
        }
        other => panic!("seed {seed}: {seq} ends with {other}: {error:?}"),
    }
}

/// Takes back one commit of a history and brings it back.
async fn trial(world: &World, seed: u64, seq: u64, tally: &mut Tally) -> bool {
    let (commits, before) = state(world).await;
    let undone = match world.undo(seq, false).await {
        Ok(undone) => undone,
        Err(error) => {
            check_refusal(&error, &commits, seq, &before, seed);
            assert_eq!(state(world).await.1, before);
            tally.refused += 1;
            return false;
        }
    };
    let why = conflict(&commits, seq, &before);
    assert_eq!(why, None, "seed {seed}: {seq} is taken back, {:?}", commits[seq as usize - 1]);
    let (_, after) = state(world).await;
    let expected = without(&commits, seq);
    same(&after, &expected, &format!("seed {seed}: without {seq}"));
    fsck(&*world.store, world.book_id).await;
    tally.undone += 1;
    true_redo(world, seed, &undone, &before, tally).await;
    undone["undo_seq"].is_u64()
}

/// Takes back the undo, which brings back what it took; and takes that back, too.
async fn true_redo(world: &World, seed: u64, undone: &Value, before: &State, tally: &mut Tally) {
    let Some(undo_seq) = undone["undo_seq"].as_u64() else { return };
    let (_, without) = state(world).await;
    let redone = world.undo(undo_seq, false).await;
    let redone = redone.unwrap_or_else(|error| panic!("seed {seed}: redo of {undone}: {error:?}"));
    same(&state(world).await.1, before, &format!("seed {seed}: redo of {undone}"));
    let redo_seq = redone["undo_seq"].as_u64().unwrap();
    world.undo(redo_seq, false).await.unwrap();
    same(&state(world).await.1, &without, &format!("seed {seed}: undo of the redo of {undone}"));
    tally.redone += 1;
}

#[track_caller]
fn same(found: &State, expected: &State, what: &str) {
    for key in found.keys().chain(expected.keys()) {
        let (found, expected) = (found.get(key), expected.get(key));
        assert_eq!(found, expected, "{what}: {key:?}");
    }
}

/// Undo is right, is refused only where it must be, and can be undone: over random histories with
/// files, merges, transfers, rules and earlier undos.
#[tokio::test]
async fn any_commit_is_taken_back_or_refused_for_a_reason() {
    let mut tally = Tally::default();
    for seed in 0..cases(150, 10_000) {
        let world = World::new(Arc::new(MemoryStore::new()), seed).await;
        let mut chance = Chance::new(u64::from(seed), seed % 2 == 0);
        live(&world, &mut chance).await;
        let (commits, now) = state(&world).await;
        // What was taken back in earnest cancels out.
        let mut whole = State::new();
        for commit in standing(&commits) {
            commit.changes.iter().for_each(|change| log::apply_members(&mut whole, change));
        }
        same(&without_announced(whole), &now, &format!("seed {seed}: what stands"));
        for _ in 0..3 {
            let seq = 1 + chance.random.below(usize::try_from(world.seq().await).unwrap());
            trial(&world, u64::from(seed), u64::try_from(seq).unwrap(), &mut tally).await;
        }
    }
    println!("{tally:?}");
    assert!(tally.undone > 100 && tally.refused > 100 && tally.redone > 100, "{tally:?}");
}

/// A book whose commit was taken back says what a book says that never heard of the request: plan,
/// rows and figures. Where a later request does something else without it, the two are two
/// histories, and nothing follows.
#[tokio::test]
async fn what_is_taken_back_has_never_been() {
    let mut tally = Tally::default();
    for seed in 0..cases(150, 10_000) {
        let world = World::new(Arc::new(MemoryStore::new()), seed).await;
        let mut chance = Chance::new(u64::from(seed), false);
        let mut requests = chance.first();
        requests.extend((0..15).map(|_| chance.next()));
        let mut done = Vec::new();
        for request in requests {
            let before = world.seq().await;
            let _ = world.run(&request).await;
            if world.seq().await > before {
                done.push((world.seq().await, request));
            }
        }
        let (seq, _) = done[chance.random.below(done.len())];
        let (commits, _) = state(&world).await;
        if world.undo(seq, false).await.is_err() {
            tally.refused += 1;
            continue;
        }
        let other = World::new(Arc::new(MemoryStore::new()), seed).await;
        for (_, request) in done.iter().filter(|it| it.0 != seq) {
            let _ = other.run(request).await;
        }
        let (twins, twin) = state(&other).await;
        let touched = |commits: &[Commit], but: u64| -> Vec<Vec<(log::Key, _)>> {
            let rest = commits.iter().filter(|it| it.seq != but && it.undoes.is_none());
            let touched = |it: &Commit| {
                let changes = own(it).into_values();
                changes.map(|it| (it.key.clone(), log::changed(&it))).collect()
            };
            rest.map(touched).collect()
        };
        if touched(&commits, seq) != touched(&twins, 0) {
            continue;
        }
        same(&state(&world).await.1, &twin, &format!("seed {seed}: without {seq}"));
        for question in figures() {
            let (found, expected) =
                (world.ask(&question, None).await, other.ask(&question, None).await);
            let (found, expected) = (found.unwrap(), expected.unwrap());
            assert_eq!(found, expected, "seed {seed}: {} without {seq}", question.verb);
        }
        tally.replayed += 1;
    }
    println!("{tally:?}");
    assert!(tally.replayed > 40, "{tally:?}");
}

fn figures() -> Vec<Request> {
    let ask = |verb, request| Request { verb, id: None, request };
    vec![
        ask("accounts.list", json!({})),
        ask("categories.list", json!({})),
        ask("rules.list", json!({})),
        ask("budgets.list", json!({})),
        ask("reports.balances", json!({})),
        ask("reports.spending", json!({"from": "2024-01", "to": "2024-03"})),
        ask("reports.cash_flow", json!({"from": "2024-01", "to": "2024-03"})),
        ask("envelopes.state", json!({"month": "2024-02"})),
    ]
}

/// With `keep_later` an undo is never refused for what came later, leaves a book that holds
/// together, and touches nothing that later commits changed.
#[tokio::test]
async fn what_came_later_can_be_kept() {
    for seed in 0..cases(60, 5_000) {
        let world = World::new(Arc::new(MemoryStore::new()), seed).await;
        let mut chance = Chance::new(u64::from(seed), seed % 2 == 0);
        live(&world, &mut chance).await;
        let (commits, before) = state(&world).await;
        let last = usize::try_from(world.seq().await).unwrap();
        let seq = u64::try_from(1 + chance.random.below(last)).unwrap();
        let answer = match world.undo(seq, true).await {
            Ok(answer) => answer,
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::NotUndoable, "seed {seed}: {error:?}");
                continue;
            }
        };
        let (_, after) = state(&world).await;
        if answer["kept"] == 0 {
            same(&after, &without(&commits, seq), &format!("seed {seed}: without {seq}"));
        }
        if taken_back(&commits).contains(&seq) {
            assert_eq!(after, before, "seed {seed}: {seq} is taken back already");
        }
        let own = own(&commits[usize::try_from(seq).unwrap() - 1]);
        for key in before.keys().chain(after.keys()).filter(|key| !own.contains_key(*key)) {
            assert_eq!(after.get(key), before.get(key), "seed {seed}: {key:?} is another's");
        }
        fsck(&*world.store, world.book_id).await;
    }
}

/// The same holds on the stores that live on a disk, or elsewhere.
async fn on(store: Arc<dyn fiscaflow_core::store::Store>) {
    let mut tally = Tally::default();
    for seed in 10_000..10_000 + cases(6, 200) {
        let world = World::new(Arc::clone(&store), seed).await;
        let mut chance = Chance::new(u64::from(seed), seed % 2 == 0);
        live(&world, &mut chance).await;
        for _ in 0..2 {
            let seq = 1 + chance.random.below(usize::try_from(world.seq().await).unwrap());
            trial(&world, u64::from(seed), u64::try_from(seq).unwrap(), &mut tally).await;
        }
        let world = World::new(Arc::clone(&store), seed + 10_000).await;
        crate::asked::past_is_present(&world, u64::from(seed)).await;
    }
    assert!(tally.undone > 0 && tally.refused > 0, "{tally:?}");
}

#[tokio::test]
async fn sqlite_goes_back_alike() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("books.db").display());
    let store = fiscaflow_store::open(&url).await.unwrap();
    on(Arc::clone(&store)).await;
    store.close().await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn postgres_goes_back_alike() {
    let database = crate::throwaway::postgres::database();
    let store = fiscaflow_store::open(&database.url).await.unwrap();
    on(Arc::clone(&store)).await;
    store.close().await;
}
