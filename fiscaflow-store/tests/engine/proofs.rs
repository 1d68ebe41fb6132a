//! Proofs as whoever holds a checkpoint sees them: checked without the engine, and alarms that
//! tell a history that was rolled back from one that was rewritten.

#![allow(clippy::string_slice, reason = "a test fails by panicking")]

use std::sync::Arc;

use fiscaflow_core::engine::{
    Checkpoint, CommitProof, ConsistencyQuery, Engine, HeldCheckpoint, ProofQuery,
};
use fiscaflow_core::log::Hash;
use fiscaflow_core::model::{NewAccount, NewBook};
use fiscaflow_core::proof::{Frontier, leaf_hash};
use fiscaflow_core::store::{Store, check_checkpoint, copy_book};
use fiscaflow_core::{BookId, ErrorCode, Lane, Result};
use fiscaflow_store::{Ed25519Signer, MemoryStore};
use fiscaflow_verifier::{Checkpoint as Read, Note, check_consistency, check_inclusion, key_id};
use serde_json::{Value, json};

use super::{Home, anna, engine, shape};

fn bytes(hashes: &[Hash]) -> Vec<[u8; 32]> {
    hashes.iter().map(|hash| *hash.as_bytes()).collect()
}

fn held(checkpoint: &Checkpoint) -> HeldCheckpoint {
    HeldCheckpoint { note: checkpoint.note.clone() }
}

fn at(size: u64) -> ProofQuery {
    ProofQuery { size: Some(size) }
}

/// Whether a commit's proof holds against a checkpoint that is held.
fn holds(proof: &CommitProof, held: &Checkpoint) -> bool {
    let leaf = fiscaflow_verifier::leaf_hash(proof.header.as_bytes());
    let path = bytes(&proof.path);
    check_inclusion(&leaf, proof.index, held.size, &path, held.root.as_bytes())
}

#[tokio::test]
async fn every_commit_is_proved_at_every_size() {
    // Holds: in a book of 24 commits every commit is proved against the checkpoint of every size
    // from its own on, every two sizes are shown to be of one history, and roots are those of a
    // tree from scratch; a book whose engine is new says the same.
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let home = Home::over(Arc::clone(&store)).await;
    for number in 0..22 {
        home.record("2026-03-01", &format!("-{number}.50"), json!({})).await;
    }
    let commits = store.commits(home.id, 0, u32::MAX).await.unwrap();
    assert_eq!(commits.len(), 24);
    let mut tree = Frontier::default();
    let roots: Vec<Hash> = commits
        .iter()
        .map(|commit| {
            tree.append(leaf_hash(&commit.header));
            tree.root()
        })
        .collect();
    for book in [home.book.clone(), engine(store).book(home.id, anna())] {
        let proofs = book.proofs();
        let newest = proofs.checkpoint().await.unwrap();
        assert_eq!((newest.size, newest.root, newest.key), (24, roots[23], None));
        assert_eq!(newest.origin, format!("fiscaflow/{}", home.id));
        for (size, root) in (1..).zip(&roots) {
            for seq in 1..=size {
                let proof = proofs.inclusion(seq.to_string(), at(size)).await.unwrap();
                assert_eq!((proof.checkpoint.size, proof.checkpoint.root), (size, *root));
                assert_eq!(proof.index, seq - 1);
                assert_eq!(proof.header.as_bytes(), commits[proof.index as usize].header);
                assert!(holds(&proof, &proof.checkpoint), "{seq} of {size}");
                let query = ConsistencyQuery { from_size: seq, to_size: Some(size) };
                let proof = proofs.consistency(query).await.unwrap();
                let old = roots[seq as usize - 1];
                let path = bytes(&proof.path);
                assert!(check_consistency(seq, old.as_bytes(), size, root.as_bytes(), &path));
            }
        }
    }
}

#[tokio::test]
async fn a_transaction_is_proved_by_what_can_be_read() {
    // Holds: header, body, salt and text that come with a proof lead from the root to the
    // transaction's amount and description, and a later change moves the proof to its commit.
    let home = Home::new().await;
    let made = home.record("2026-03-01", "-12.34", json!({"description": "Bäckerei"})).await;
    let first = home.book.proofs().transaction(made.id, ProofQuery::default()).await.unwrap();
    let patch = shape(json!({"notes": "später"}));
    home.book.transactions().update(made.id, patch).await.unwrap();
    let second = home.book.proofs().transaction(made.id, ProofQuery::default()).await.unwrap();
    assert_eq!((first.commit.index, second.commit.index), (2, 3));
    for proof in [&first, &second] {
        assert!(holds(&proof.commit, &proof.commit.checkpoint));
        let header: Value = serde_json::from_str(&proof.commit.header).unwrap();
        assert_eq!(header["body"], json!(Hash::of(&[proof.body.as_bytes()])));
        assert_eq!(header["book"], json!(home.id));
        let body: Value = serde_json::from_str(&proof.body).unwrap();
        let changes = body["changes"].as_array().unwrap();
        let key = json!(made.id);
        let change = changes.iter().find(|change| change["key"] == key).unwrap();
        assert_eq!(change["after"]["facts"]["minor"], -1_234);
        let (salt, text) = (proof.salt.as_ref().unwrap(), proof.text.as_ref().unwrap());
        let salt: Vec<u8> =
            (0..16).map(|at| u8::from_str_radix(&salt[2 * at..2 * at + 2], 16).unwrap()).collect();
        let commitment = Hash::of(&[&salt, text.as_bytes()]);
        assert_eq!(change["after"]["text"], json!(commitment));
        let texts: Value = serde_json::from_str(text).unwrap();
        assert_eq!(texts["description"], "Bäckerei");
    }
    let texts: Value = serde_json::from_str(second.text.as_ref().unwrap()).unwrap();
    assert_eq!(texts["notes"], "später");
    let before = home.book.proofs().transaction(made.id, at(3)).await.unwrap_err();
    assert_eq!((before.code(), before.at_field()), (ErrorCode::InvalidInput, Some("size")));
}

fn signer() -> Ed25519Signer {
    Ed25519Signer::new("books.example", &[7; 32])
}

fn signed(store: &Arc<dyn Store>) -> Engine {
    engine(Arc::clone(store)).with_signer(Arc::new(signer())).unwrap()
}

#[tokio::test]
async fn a_signed_checkpoint_is_a_note_of_its_log() {
    // Holds: the note names book, size and root, its one signature is by the book's key, whose
    // text form is told, and only a checkpoint with that signature is taken back.
    use ed25519_dalek::{Signature, VerifyingKey};
    let home = Home::new().await;
    let store = Arc::new(MemoryStore::new());
    let store: Arc<dyn Store> = store;
    let engine = signed(&store);
    let new = NewBook { name: "Home".to_owned(), ..NewBook::new("EUR") };
    let id = engine.books(anna()).create(new).await.unwrap().id;
    let book = engine.book(id, anna());
    let checkpoint = book.proofs().checkpoint().await.unwrap();
    let origin = format!("books.example/{id}");
    let note = Note::parse(&checkpoint.note).unwrap();
    let read = Read::parse(note.text).unwrap();
    assert_eq!((read.origin, read.size, read.root), (&*origin, 1, *checkpoint.root.as_bytes()));
    let public = fiscaflow_core::Signer::public_key(&signer());
    let [signature] = &note.signatures[..] else { panic!("one signature") };
    assert_eq!((signature.key_name, signature.key_id), (&*origin, key_id(&origin, &public)));
    let given = Signature::from_slice(&signature.bytes).unwrap();
    let key = VerifyingKey::from_bytes(&public).unwrap();
    key.verify_strict(note.text.as_bytes(), &given).unwrap();
    let (name, rest) = checkpoint.key.as_ref().unwrap().split_once('+').unwrap();
    let id_text: String = signature.key_id.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((name, rest.split_once('+').unwrap().0), (&*origin, &*id_text));

    book.proofs().check(held(&checkpoint)).await.unwrap();
    let refused = |note: String| {
        let book = book.clone();
        async move { book.proofs().check(HeldCheckpoint { note }).await.unwrap_err() }
    };
    let bare = note.text.to_owned();
    let other = checkpoint.note.replacen("\u{2014} books", "\u{2014} looks", 1);
    let mut forged = checkpoint.note.clone();
    forged.replace_range(forged.len() - 6..forged.len() - 5, "/");
    let elsewhere = home.book.proofs().checkpoint().await.unwrap().note;
    for note in [bare, other, forged, elsewhere, String::new(), "x".repeat(5_000)] {
        let error = refused(note).await;
        assert_eq!((error.code(), error.at_field()), (ErrorCode::InvalidInput, Some("note")));
    }
}

#[tokio::test]
async fn names_that_no_key_can_bear_are_refused() {
    for name in ["", "books example", "books+example", "books\n"] {
        let signer = Arc::new(Ed25519Signer::new(name, &[7; 32]));
        let error = engine(Arc::new(MemoryStore::new())).with_signer(signer).unwrap_err();
        assert_eq!((error.code(), error.at_field()), (ErrorCode::InvalidInput, Some("name")));
    }
}

#[tokio::test]
async fn a_key_of_note_tools_is_read() {
    // Holds: the private key of the tests of Go's notes signs their text as they say.
    use fiscaflow_core::Signer as _;
    let text = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    let signer: Ed25519Signer = text.parse().unwrap();
    assert_eq!(signer.name(), "PeterNeumann");
    let said = b"If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n";
    let signature = signer.sign(said).await.unwrap();
    assert_eq!(signature[..4], [0xF6, 0x49, 0x92, 0xE0]);
    for wrong in ["", "x", &text[1..], &text[..60], &text.replace("+AY", "+BY")] {
        assert!(wrong.parse::<Ed25519Signer>().is_err(), "{wrong}");
    }
}

/// A book with accounts of these names, in a store of its own.
async fn book_with(id: BookId, names: &[&str]) -> (Arc<dyn Store>, Engine) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let engine = signed(&store);
    let new = NewBook { id: Some(id), name: "Home".to_owned(), ..NewBook::new("EUR") };
    engine.books(anna()).create(new).await.unwrap();
    add(&engine, id, names).await;
    (store, engine)
}

async fn add(engine: &Engine, id: BookId, names: &[&str]) {
    for name in names {
        let new = NewAccount { name: (*name).to_owned(), ..NewAccount::default() };
        engine.book(id, anna()).accounts().create(new).await.unwrap();
    }
}

async fn check(engine: &Engine, id: BookId, checkpoint: &Checkpoint) -> Result<Vec<Hash>> {
    engine.book(id, anna()).proofs().check(held(checkpoint)).await.map(|proof| proof.path)
}

#[tokio::test]
async fn who_holds_a_checkpoint_recognises_another_history() {
    // Holds: a copy that was restored from before is `history_rolled_back`, and `history_forked`
    // once it has grown as long again; the history itself, whatever it grew to, is neither.
    let id: BookId = "01890000-0000-7000-8000-000000000001".parse().unwrap();
    let (store, engine) = book_with(id, &["a", "b", "c"]).await;
    let early = engine.book(id, anna()).proofs().checkpoint().await.unwrap();
    let backup: Arc<dyn Store> = Arc::new(MemoryStore::new());
    copy_book(&*store, &*backup, id).await.unwrap();
    add(&engine, id, &["d", "e", "f", "g", "h"]).await;
    let late = engine.book(id, anna()).proofs().checkpoint().await.unwrap();
    assert_eq!((early.size, late.size), (4, 9));
    for checkpoint in [&early, &late] {
        let path = bytes(&check(&engine, id, checkpoint).await.unwrap());
        let (old, new) = (checkpoint.root.as_bytes(), late.root.as_bytes());
        assert!(check_consistency(checkpoint.size, old, late.size, new, &path));
    }

    let (book, head) = check_checkpoint(&*store, &early.note).await.unwrap();
    assert_eq!((book, head.seq), (id, 9));
    let error = check_checkpoint(&*backup, &late.note).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::HistoryRolledBack);
    let other = early.note.replacen("\n4\n", "\n5\n", 1);
    let error = check_checkpoint(&*store, &other).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::HistoryForked);

    let restored = signed(&backup);
    check(&restored, id, &early).await.unwrap();
    let error = check(&restored, id, &late).await.unwrap_err();
    assert_eq!((error.code(), error.lane()), (ErrorCode::HistoryRolledBack, Lane::Corrupt));
    assert_eq!(error.message(), "the history has 4 commits, fewer than the checkpoint's 9");
    for more in [["d", "e", "f", "g", "i"], ["j", "k", "l", "m", "n"]] {
        add(&restored, id, &more).await;
        check(&restored, id, &early).await.unwrap();
        let error = check(&restored, id, &late).await.unwrap_err();
        assert_eq!((error.code(), error.lane()), (ErrorCode::HistoryForked, Lane::Corrupt));
        assert!(error.message().contains('9'), "{error}");
    }
    let (_, other) = book_with(id, &["a", "b", "c", "d"]).await;
    assert_eq!(check(&other, id, &early).await.unwrap_err().code(), ErrorCode::HistoryForked);
}

#[tokio::test]
async fn proofs_are_for_members_and_of_what_is_there() {
    // Holds: a stranger finds no book, a viewer is told everything, and a commit, size or
    // transaction that is not there is named.
    let home = Home::new().await;
    let recorded = home.record("2026-03-01", "-1.00", json!({})).await;
    let eve =
        home.engine.book(home.id, fiscaflow_core::engine::Context::new("eve".parse().unwrap()));
    let query = ConsistencyQuery { from_size: 1, to_size: None };
    let note = home.book.proofs().checkpoint().await.unwrap();
    for asked in [
        eve.proofs().checkpoint().await.err(),
        eve.proofs().inclusion("x".into(), at(0)).await.err(),
        eve.proofs().transaction(recorded.id, at(0)).await.err(),
        eve.proofs().consistency(query.clone()).await.err(),
        eve.proofs().check(held(&note)).await.err(),
    ] {
        assert_eq!(asked.unwrap().code(), ErrorCode::BookNotFound);
    }
    let member = shape(json!({"actor": "eve", "role": "viewer"}));
    home.book.members().put(member).await.unwrap();
    eve.proofs().transaction(recorded.id, ProofQuery::default()).await.unwrap();
    eve.proofs().check(held(&note)).await.unwrap();
    for id in ["0", "5", "-1", "x", ""] {
        let error = eve.proofs().inclusion(id.into(), ProofQuery::default()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotFound, "{id}");
    }
    for size in [0, 5, u64::MAX] {
        let error = eve.proofs().inclusion("1".into(), at(size)).await.unwrap_err();
        assert_eq!((error.code(), error.at_field()), (ErrorCode::InvalidInput, Some("size")));
        let query = ConsistencyQuery { from_size: size, to_size: None };
        let error = eve.proofs().consistency(query).await.unwrap_err();
        assert_eq!(error.at_field(), Some("from_size"));
    }
    let unknown = "01890000-0000-7000-8000-000000000009".parse().unwrap();
    let error = eve.proofs().transaction(unknown, ProofQuery::default()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
}
