//! The bytes of the history: they never change, because what was hashed once stays as it is.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use fiscaflow_core::conformance::{FixedClock, SequentialIds};
use fiscaflow_core::engine::{Context, Engine, NewImport};
use fiscaflow_core::log::{Hash, Verifier};
use fiscaflow_core::model::{NewBook, NewCategory, NewTransaction, TransactionPatch};
use fiscaflow_core::store::{Store, TransactionQuery};
use fiscaflow_core::{ErrorCode, Month, parse_date};
use fiscaflow_store::MemoryStore;

/// What a bank sends about one purchase.
const FILE: &[u8] =
    b"<OFX><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>DE1</BANKACCTFROM><BANKTRANLIST>\
        <STMTTRN><DTPOSTED>20260302<TRNAMT>-3.20<FITID>f1<NAME>Caf\xc3\xa9 \"Z\xc3\xbcrich\"</STMTTRN>\
        </BANKTRANLIST></STMTRS></OFX>";

fn file() -> NewImport {
    NewImport { content: FILE.to_vec(), create_accounts: true, ..NewImport::default() }
}

fn home() -> NewBook {
    NewBook { name: "Home".to_owned(), ..NewBook::new("EUR") }
}

fn engine(store: &Arc<MemoryStore>, seed: u32) -> Engine {
    let ids = Arc::new(SequentialIds::new(seed));
    Engine::new(Arc::clone(store) as Arc<dyn Store>, Arc::new(FixedClock::default()), ids)
}

/// Neither header nor body has a digest that confirms a guess at a text which was erased: the
/// fingerprint of a row of a file, the digest of the file, and that of a request with a key stand
/// under salts that are erased with the texts, or in none of them.
#[tokio::test]
async fn no_digest_of_a_text_stands_where_it_cannot_be_erased() {
    let mut digests = Vec::new();
    for seed in [1, 2] {
        let store = Arc::new(MemoryStore::new());
        let engine = engine(&store, seed);
        let anna = Context::new("anna".parse().unwrap());
        let id = engine.books(anna.clone()).create(home()).await.unwrap().id;
        let asked = Context { idempotency_key: Some("key-1".to_owned()), ..anna.clone() };
        let book = engine.book(id, asked);
        let report = book.imports().create(file()).await.unwrap();
        assert_eq!(book.imports().create(file()).await.unwrap(), report);
        let other = NewImport { file_name: Some("march.ofx".to_owned()), ..file() };
        let refused = book.imports().create(other).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::IdempotencyKeyReused);

        let book = engine.book(id, anna);
        let listed = book.transactions().list(TransactionQuery::default()).await.unwrap().items;
        let fingerprint = &listed[0].origins[0].fingerprint;
        assert_eq!(fingerprint.len(), 32);
        let commits = store.commits(id, 0, 100).await.unwrap();
        for commit in &commits {
            let text = String::from_utf8([commit.header.clone(), commit.body.clone()].concat());
            let text = text.unwrap();
            assert!(!text.contains(fingerprint), "{text}");
            assert!(!text.contains(&Hash::of(&[FILE]).to_string()), "{text}");
        }
        let header: serde_json::Value = serde_json::from_slice(&commits[1].header).unwrap();
        digests.push(header["request_digest"].as_str().unwrap().to_owned());
    }
    // The same request under another salt.
    assert_ne!(digests[0], digests[1]);
}

/// A history whose texts are all erased still fits its hashes; that no commit tells of it is found.
#[tokio::test]
async fn erased_texts_leave_hashes_that_fit() {
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, 1);
    let anna = Context::new("anna".parse().unwrap());
    let id = engine.books(anna.clone()).create(home()).await.unwrap().id;
    engine.book(id, anna).imports().create(file()).await.unwrap();
    let mut verifier = Verifier::new(id);
    for mut commit in store.commits(id, 0, 100).await.unwrap() {
        commit.texts = erased(&commit.texts);
        assert!(!commit.texts.windows(3).any(|part| part == b"Caf"));
        verifier.check(&commit);
    }
    let found = verifier.finish(store.head(id).await.unwrap());
    assert_eq!((found.verified, found.commits, found.broken_seq), (false, 2, Some(1)));
    assert!(found.problem.unwrap().contains("no commit tells of"));
}

/// The texts of a commit, each of them erased: a salt of zeros and the length of all ones.
fn erased(mut texts: &[u8]) -> Vec<u8> {
    let mut erased = Vec::new();
    while let Some((head, rest)) = texts.split_at_checked(20) {
        let length = u32::from_be_bytes(head[16..].try_into().unwrap());
        texts = &rest[usize::try_from(length).unwrap()..];
        erased.extend([0; 16]);
        erased.extend([0xff; 4]);
    }
    erased
}

/// A book with a reason, ids of a request, an idempotency key, an import, a split and an edit makes
/// the bytes and hashes of the golden file. With `FISCAFLOW_BLESS` set the file is written: once
/// there is a release, only together with a new version in the header.
#[tokio::test]
async fn bytes_and_hashes_are_golden() {
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, 1);
    let anna = Context::new("anna".parse().unwrap());
    let id = engine.books(anna.clone()).create(home()).await.unwrap().id;
    let asked = Context {
        reason: Some("first statement".to_owned()),
        correlation_id: Some("c-1".to_owned()),
        causation_id: Some("mail-7".to_owned()),
        idempotency_key: Some("key-1".to_owned()),
        ..anna.clone()
    };
    engine.book(id, asked).imports().create(file()).await.unwrap();
    let book = engine.book(id, anna);
    let new = NewCategory { name: "Food".to_owned(), ..NewCategory::default() };
    let food = book.categories().create(new).await.unwrap().id;
    let listed = book.transactions().list(TransactionQuery::default()).await.unwrap().items;
    let imported = listed.first().unwrap();
    let patch = TransactionPatch {
        category_id: Some(food),
        notes: Some("with Ben".to_owned()),
        tags: Some(vec!["out".to_owned()]),
        ..TransactionPatch::default()
    };
    book.transactions().update(imported.id, patch).await.unwrap();
    let day = Month::of(parse_date("2026-03-01").unwrap()).last_day();
    let new = NewTransaction::new(imported.account_id, day, "12.00".parse().unwrap());
    let new = serde_json::to_value(&new).map(|mut new| {
        new["splits"] = serde_json::json!([{"amount": "5", "category_id": food}, {"amount": "7"}]);
        new
    });
    book.transactions().create(serde_json::from_value(new.unwrap()).unwrap()).await.unwrap();

    let mut golden = String::new();
    for commit in store.commits(id, 0, 100).await.unwrap() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        writeln!(golden, "commit {} {}", commit.seq, commit.hash).unwrap();
        writeln!(golden, "{}\n{}", text(&commit.header), text(&commit.body)).unwrap();
        let texts: String = commit.texts.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(golden, "{texts}\n").unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/history.txt");
    if std::env::var_os("FISCAFLOW_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &golden).unwrap();
    }
    assert_eq!(golden, std::fs::read_to_string(&path).unwrap());
}
