//! Whoever changes the stored history is found out: every single byte of it, and the commit that
//! the verification names is the one that was changed.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests report by panicking")]

use std::pin::Pin;
use std::sync::Arc;

use fiscaflow_core::conformance::{Random, Scribe};
use fiscaflow_core::engine::{Context, Engine};
use fiscaflow_core::log::{Change, CommitInfo, Draft, Hash, StoredCommit, Verifier};
use fiscaflow_core::model::{Member, Payee, Role, Transaction};
use fiscaflow_core::store::{Head, Store};
use fiscaflow_core::{ErrorCode, PayeeId};
use fiscaflow_store::{Durability, RandomIds, SqliteStore, SystemClock};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::Mutex;

#[cfg(feature = "postgres")]
mod shared;

const COMMITS: u64 = 256;

/// Every value of every byte, on request; else one value for each.
fn deep() -> bool {
    std::env::var_os("FISCAFLOW_DEEP").is_some()
}

/// A book of 256 commits: documents, transactions made, changed and removed, reasons.
async fn book(store: &dyn Store) -> Scribe {
    let mut scribe = Scribe::new(1);
    let member = Member { actor: "anna".parse().unwrap(), role: Role::Owner, name: None };
    scribe.create_documents(store, &[scribe.book().into(), member.into()]).await;
    let mut newest: Option<Transaction> = None;
    for number in 2..=COMMITS {
        let change = match (number % 4, newest.take()) {
            (0, Some(before)) => {
                let after = Transaction { notes: Some("später".to_owned()), ..before.clone() };
                Change::update(before, after)
            }
            (1, Some(before)) => Change::remove(before),
            (2, _) => Change::create(Payee {
                id: PayeeId::new(scribe.uuid()),
                name: format!("Payee {number}"),
                aliases: Vec::new(),
            }),
            _ => {
                let bare = scribe.transaction("2024-03-01", -1_000);
                let made = Transaction { description: format!("Kauf {number}"), ..bare };
                newest = Some(made.clone());
                Change::create(made)
            }
        };
        let draft = scribe.draft(vec![change]);
        let reason = (number % 8 == 0).then(|| format!("weil {number}"));
        let info = CommitInfo { reason, ..draft.info.clone() };
        let commit = scribe.seal_draft(Draft { info, ..draft });
        scribe.write(store, commit).await;
    }
    scribe
}

/// What verification says of a history: the first commit that does not fit.
fn first_broken(scribe: &Scribe, history: &[StoredCommit], head: Option<Head>) -> Option<u64> {
    let mut verifier = Verifier::new(scribe.book_id);
    history.iter().for_each(|commit| verifier.check(commit));
    verifier.finish(head).broken_seq
}

/// A commit as its stored columns.
fn columns(commit: &StoredCommit) -> [Vec<u8>; 6] {
    [
        commit.seq.to_be_bytes().to_vec(),
        commit.parent.as_bytes().to_vec(),
        commit.hash.as_bytes().to_vec(),
        commit.header.clone(),
        commit.body.clone(),
        commit.texts.clone(),
    ]
}

/// The commit that has these columns.
fn from_columns(columns: [Vec<u8>; 6]) -> StoredCommit {
    let [seq, parent, hash, header, body, texts] = columns;
    StoredCommit {
        seq: u64::from_be_bytes(seq.try_into().unwrap()),
        parent: Hash::from_slice(&parent).unwrap(),
        hash: Hash::from_slice(&hash).unwrap(),
        header,
        body,
        texts,
    }
}

/// Changes every byte of one commit, one at a time, and asserts that the verifier, which has
/// checked everything before, names it. Returns how many changes there were.
fn change_every_byte(verifier: &Verifier, commit: &StoredCommit, every_value: bool) -> u64 {
    let original = columns(commit);
    let mut changed = original.clone();
    let mut changes = 0;
    for column in 0..original.len() {
        for place in 0..original[column].len() {
            // A mask that differs from place to place and from commit to commit.
            let mut random = Random::new(commit.seq << 32 | (column as u64) << 24 | place as u64);
            let masks = if every_value { 1..=255 } else { 0..=0 };
            for mask in masks {
                let mask = if mask == 0 { random.below(255) as u8 + 1 } else { mask };
                changed[column][place] = original[column][place] ^ mask;
                let mut verifier = verifier.clone();
                verifier.check(&from_columns(changed.clone()));
                let found = verifier.finish(Some(commit.head())).broken_seq;
                let what = ["seq", "parent", "hash", "header", "body", "texts"][column];
                assert_eq!(found, Some(commit.seq), "byte {place} of `{what}`, mask {mask:#x}");
                changes += 1;
            }
            changed[column][place] = original[column][place];
        }
    }
    changes
}

#[tokio::test]
async fn every_single_byte_of_the_history_is_held_by_it() {
    // Holds: whichever byte of a book of 256 commits is changed, verification names the commit.
    let store = SqliteStore::open_in_memory().await.unwrap();
    let scribe = book(&store).await;
    let history = store.commits(scribe.book_id, 0, u32::MAX).await.unwrap();
    assert_eq!(history.len() as u64, COMMITS);
    assert_eq!(first_broken(&scribe, &history, scribe.head), None);

    // The verifier as it stands before each commit.
    let mut verifier = Verifier::new(scribe.book_id);
    let mut work = Vec::new();
    for commit in &history {
        work.push((verifier.clone(), commit));
        verifier.check(commit);
    }
    // Half of it on each of two threads.
    let every_value = deep();
    let changes: u64 = std::thread::scope(|scope| {
        let halves: Vec<_> = [0, 1]
            .map(|half| {
                let work = work.iter().skip(half).step_by(2);
                scope.spawn(move || {
                    work.map(|(before, commit)| change_every_byte(before, commit, every_value))
                        .sum::<u64>()
                })
            })
            .into_iter()
            .collect();
        halves.into_iter().map(|half| half.join().unwrap()).sum()
    });
    let bytes: usize = history.iter().flat_map(columns).map(|column| column.len()).sum();
    assert_eq!(changes, bytes as u64 * if every_value { 255 } else { 1 });
    assert!(bytes > 100_000, "the history has {bytes} bytes");
}

/// Somebody else's way to what a store keeps of commits.
type Overwrite<'a> = &'a mut dyn FnMut(Vec<StoredCommit>) -> Pin<Box<dyn Future<Output = ()>>>;

/// Changes what is stored of each commit, bit by bit, and asserts that the verifier, which has
/// checked everything before, names it in what the store reads. Returns how many bits there were.
async fn change_every_bit(
    store: &dyn Store,
    scribe: &Scribe,
    history: &[StoredCommit],
    overwrite: Overwrite<'_>,
) -> usize {
    let mut verifier = Verifier::new(scribe.book_id);
    let before = history.iter().map(|commit| {
        let before = verifier.clone();
        verifier.check(commit);
        before
    });
    let before: Vec<Verifier> = before.collect();
    let mut bits = 0;
    for column in 1..6 {
        let longest = history.iter().map(|commit| columns(commit)[column].len()).max().unwrap();
        // The same bit of all commits that have it; when quick, some bits.
        for bit in (0..8 * longest).step_by(if deep() { 1 } else { 97 }) {
            let flip = |commit: &StoredCommit| {
                let mut changed = columns(commit);
                changed[column].get_mut(bit / 8).map(|byte| *byte ^= 1 << (bit % 8))?;
                Some(from_columns(changed))
            };
            let flipped: Vec<_> = history.iter().map(flip).collect();
            let all = flipped.iter().zip(history).map(|(new, old)| new.as_ref().unwrap_or(old));
            overwrite(all.cloned().collect()).await;
            let stored = store.commits(scribe.book_id, 0, u32::MAX).await.unwrap();
            assert_eq!(stored.len(), history.len());
            for (place, original) in history.iter().enumerate() {
                let mut verifier = before[place].clone();
                verifier.check(&stored[place]);
                let broken = flipped[place].as_ref().map(|flipped| flipped.seq);
                let found = verifier.finish(Some(original.head())).broken_seq;
                assert_eq!(found, broken, "bit {bit} of column {column} of {}", original.seq);
                bits += usize::from(broken.is_some());
            }
        }
    }
    overwrite(history.to_vec()).await;
    bits
}

/// Changes stored commits: the engine names the commit of every byte, the verifier of every bit.
async fn found_out(store: Arc<dyn Store>, overwrite: Overwrite<'_>) {
    let scribe = book(&*store).await;
    let history = store.commits(scribe.book_id, 0, u32::MAX).await.unwrap();
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds::new().unwrap()));
    let engine = Engine::new(Arc::clone(&store), clock, ids);
    let book = engine.book(scribe.book_id, Context::new("anna".parse().unwrap()));
    assert!(book.history().verify().await.unwrap().verified);

    let mut random = Random::new(7);
    // `seq` is the key by which it is found; it has a test of its own.
    let some: Vec<(usize, usize)> = match deep() {
        true => (0..history.len()).flat_map(|at| (1..6).map(move |column| (at, column))).collect(),
        false => (0..300).map(|_| (random.below(history.len()), 1 + random.below(5))).collect(),
    };
    for (at, column) in some {
        let commit = &history[at];
        let mut changed = columns(commit);
        if changed[column].is_empty() {
            continue;
        }
        let place = random.below(changed[column].len());
        changed[column][place] ^= random.below(255) as u8 + 1;
        overwrite(vec![from_columns(changed)]).await;
        let verification = book.history().verify().await.unwrap();
        assert_eq!(verification.broken_seq, Some(commit.seq));
        assert_eq!(verification.ok().unwrap_err().code(), ErrorCode::HistoryBroken);
        overwrite(vec![commit.clone()]).await;
    }
    let bits = change_every_bit(&*store, &scribe, &history, overwrite).await;
    let bytes = history.iter().flat_map(|commit| columns(commit).into_iter().skip(1));
    let bytes: usize = bytes.map(|column| column.len()).sum();
    assert!(if deep() { bits == 8 * bytes } else { bits > 8_000 }, "{bits} of {bytes} bytes");
    assert!(book.history().verify().await.unwrap().verified);
    engine.close().await;
}

#[tokio::test]
async fn a_changed_database_file_is_found_out() {
    // Holds: what somebody changes in the file itself, a byte or a bit at a time, is named.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let store = SqliteStore::open(&path, Durability::MayLoseLastCommits).await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let file = Arc::new(Mutex::new(SqliteConnection::connect_with(&options).await.unwrap()));
    found_out(Arc::new(store), &mut |commits| {
        let file = Arc::clone(&file);
        let sql = "UPDATE commits SET parent = ?, hash = ?, header = ?, body = ?, texts = ? \
                   WHERE seq = ?";
        Box::pin(async move {
            let mut file = file.lock().await;
            let mut transaction = file.begin().await.unwrap();
            for commit in commits {
                let [_, parent, hash, header, body, texts] = columns(&commit);
                let update = sqlx::query(sql).bind(parent).bind(hash).bind(header).bind(body);
                let update = update.bind(texts).bind(i64::try_from(commit.seq).unwrap());
                update.execute(&mut *transaction).await.unwrap();
            }
            transaction.commit().await.unwrap();
        })
    })
    .await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_changed_database_of_a_server_is_found_out() {
    // Holds: what somebody changes in PostgreSQL, a byte or a bit at a time, is named.
    let database = shared::postgres::database();
    let store = fiscaflow_store::open(&database.url).await.unwrap();
    let server = Arc::new(Mutex::new(sqlx::PgConnection::connect(&database.admin).await.unwrap()));
    found_out(store, &mut |commits| {
        let server = Arc::clone(&server);
        let sql = "UPDATE fiscaflow.commits SET parent = c.parent, hash = c.hash, \
                   header = c.header, body = c.body, texts = c.texts FROM \
                   unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], \
                   $6::bigint[]) AS c(parent, hash, header, body, texts, seq) \
                   WHERE commits.seq = c.seq";
        let of = |column: usize| -> Vec<Vec<u8>> {
            commits.iter().map(|commit| columns(commit)[column].clone()).collect()
        };
        let seqs: Vec<i64> = commits.iter().map(|it| i64::try_from(it.seq).unwrap()).collect();
        let update = sqlx::query(sql).bind(of(1)).bind(of(2)).bind(of(3)).bind(of(4)).bind(of(5));
        let update = update.bind(seqs);
        Box::pin(async move {
            update.execute(&mut *server.lock().await).await.unwrap();
        })
    })
    .await;
}

#[tokio::test]
async fn commits_cannot_be_taken_out_moved_or_added() {
    // Holds: a commit that is missing, doubled, out of place or of another book is named.
    let store = SqliteStore::open_in_memory().await.unwrap();
    let scribe = book(&store).await;
    let history = store.commits(scribe.book_id, 0, u32::MAX).await.unwrap();
    let head = scribe.head;
    for place in [0, 1, 100, 254] {
        let seq = place as u64 + 1;
        let mut missing = history.clone();
        missing.remove(place);
        assert_eq!(first_broken(&scribe, &missing, head), Some(seq));
        let mut swapped = history.clone();
        swapped.swap(place, place + 1);
        assert_eq!(first_broken(&scribe, &swapped, head), Some(seq));
        let mut doubled = history.clone();
        doubled.insert(place, history[place].clone());
        assert_eq!(first_broken(&scribe, &doubled, head), Some(seq + 1));
        let mut forged = history.clone();
        // Its own hash is right, but what follows, or the head, is linked to another.
        let draft = Draft { parent: Some(history[place].head()), ..scribe.draft(Vec::new()) };
        forged[place + 1] = scribe.seal_draft(draft).stored.clone();
        assert_eq!(first_broken(&scribe, &forged, head), Some(seq + 2));
    }
    let shortened = &history[..history.len() - 1];
    assert_eq!(first_broken(&scribe, shortened, head), Some(COMMITS));
    let stranger = Scribe::new(2);
    let another = stranger.seal(Vec::new()).stored.clone();
    assert_eq!(first_broken(&scribe, &[another], head), Some(1));
}
