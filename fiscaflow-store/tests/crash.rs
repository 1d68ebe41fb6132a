//! Death at any moment: a process that imports and writes is killed, again and again, and whatever
//! it had acknowledged is there once, as a whole, and so is whatever else is there.
//!
//! The child is this test program, started anew with an order in its environment. It says on a
//! pipe what is done; the parent kills it at a moment that a seed decides, opens the file and
//! compares it with what was said.

#![cfg(all(feature = "sqlite", unix))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests report by panicking"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use fiscaflow_core::analytics::BalancesQuery;
use fiscaflow_core::conformance::{Random, fsck};
use fiscaflow_core::engine::{BookHandle, Context, Engine, NewImport};
use fiscaflow_core::model::{
    NewAccount, NewBook, NewBudget, NewCategory, NewTransaction, Transaction, TransactionPatch,
};
use fiscaflow_core::store::{PageRequest, Store, TransactionQuery};
use fiscaflow_core::{AccountId, BookId, CategoryId, TransactionId};
use fiscaflow_store::{Durability, RandomIds, SqliteStore, SystemClock};
use uuid::Uuid;

/// Carries the child's order: a seed, the number of the first operation, and a path.
const CHILD: &str = "FISCAFLOW_TEST_CRASH";
/// After so many kills a fresh file is taken, so that checking everything stays quick.
const KILLS_OF_A_FILE: u64 = 10;
/// The first operations make the book and what the others need.
const SET_UP: u64 = 4;

/// How often a process is killed.
fn kills() -> u64 {
    if std::env::var_os("FISCAFLOW_DEEP").is_some() { 2_000 } else { 300 }
}

/// What operation `number` of a seed does. Everything follows from the two numbers, so parent and
/// child agree on it without a word.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Operation {
    MakeBook,
    MakeAccount,
    MakeCategory,
    MakeBudget,
    /// Imports a statement of so many rows.
    Import(usize),
    /// Records a transaction, perhaps with an idempotency key.
    Record {
        with_key: bool,
    },
    /// Writes a note on the transaction that this earlier operation recorded.
    Edit(u64),
}

fn operation(seed: u64, number: u64) -> Operation {
    let mut random = Random::new(seed << 32 | number);
    match (number, random.below(8)) {
        (0, _) => Operation::MakeBook,
        (1, _) => Operation::MakeAccount,
        (2, _) => Operation::MakeCategory,
        (3, _) => Operation::MakeBudget,
        (_, 0..=2) => Operation::Import(1 + random.below(30)),
        (_, 3 | 4) => Operation::Record { with_key: random.one_in(2) },
        (_, _) => {
            let recorded =
                |earlier: &u64| matches!(operation(seed, *earlier), Operation::Record { .. });
            match (SET_UP..number).rev().find(recorded) {
                Some(earlier) => Operation::Edit(earlier),
                None => Operation::Record { with_key: true },
            }
        }
    }
}

fn id(seed: u64, number: u64) -> Uuid {
    Uuid::from_u128(u128::from(seed) << 64 | 0x7 << 76 | 0b10 << 62 | u128::from(number))
}

/// An engine over the file, and its book.
struct Household {
    engine: Engine,
    store: SqliteStore,
    seed: u64,
}

impl Household {
    async fn open(path: &Path, seed: u64) -> Self {
        let store = SqliteStore::open(path, Durability::Full).await.expect("the file opens");
        let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds::new().unwrap()));
        let engine = Engine::new(Arc::new(store.clone()), clock, ids);
        Self { engine, store, seed }
    }

    fn book_id(&self) -> BookId {
        BookId::new(id(self.seed, 0))
    }

    fn book(&self, idempotency_key: Option<String>) -> BookHandle {
        let context = Context { idempotency_key, ..Context::new("anna".parse().unwrap()) };
        self.engine.book(self.book_id(), context)
    }

    /// Does what the number stands for. Once it returns it is acknowledged.
    async fn perform(&self, number: u64) {
        let book = self.book(None);
        let account_id = AccountId::new(id(self.seed, 1));
        let category_id = CategoryId::new(id(self.seed, 2));
        match operation(self.seed, number) {
            Operation::MakeBook => {
                let new = NewBook { id: Some(self.book_id()), ..NewBook::new("EUR") };
                let new = NewBook { name: "Home".to_owned(), ..new };
                let books = self.engine.books(Context::new("anna".parse().unwrap()));
                books.create(new).await.unwrap();
            }
            Operation::MakeAccount => {
                let name = "Giro".to_owned();
                let new = NewAccount { id: Some(account_id), name, ..NewAccount::default() };
                book.accounts().create(new).await.unwrap();
            }
            Operation::MakeCategory => {
                let name = "All".to_owned();
                let new = NewCategory { id: Some(category_id), name, ..NewCategory::default() };
                book.categories().create(new).await.unwrap();
            }
            Operation::MakeBudget => {
                let new = NewBudget {
                    id: Some(fiscaflow_core::BudgetId::new(id(self.seed, number))),
                    name: "Month".to_owned(),
                    category_ids: vec![category_id],
                    limit: "500".parse().unwrap(),
                    ..NewBudget::default()
                };
                book.budgets().create(new).await.unwrap();
            }
            Operation::Import(rows) => {
                let content = statement(number, rows);
                let account_id = Some(account_id);
                let new = NewImport { content, account_id, ..NewImport::default() };
                let report = book.imports().create(new).await.unwrap();
                assert_eq!(report.problems, []);
                assert_eq!(report.imported + report.duplicates, rows as u64);
            }
            Operation::Record { with_key } => {
                let key = with_key.then(|| format!("key {number}"));
                let date = "2024-03-01".parse().unwrap();
                let new = NewTransaction {
                    id: Some(TransactionId::new(id(self.seed, number))),
                    description: format!("op {number} by hand"),
                    category_id: Some(category_id),
                    ..NewTransaction::new(account_id, date, "-12.34".parse().unwrap())
                };
                self.book(key).transactions().create(new).await.unwrap();
            }
            Operation::Edit(earlier) => {
                let id = TransactionId::new(id(self.seed, earlier));
                let notes = Some(format!("op {number}"));
                let patch = TransactionPatch { notes, ..TransactionPatch::default() };
                book.transactions().update(id, patch).await.unwrap();
            }
        }
    }
}

/// A statement with rows that tell which operation brought them.
fn statement(number: u64, rows: usize) -> Vec<u8> {
    let mut text = String::from(
        "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nENCODING:UTF-8\r\nCHARSET:NONE\r\n\r\n\
         <OFX><STMTRS><CURDEF>EUR<BANKACCTFROM><BANKID>1<ACCTID>DE1<ACCTTYPE>CHECKING\
         </BANKACCTFROM><BANKTRANLIST>",
    );
    for row in 0..rows {
        let day = 1 + row % 28;
        write!(
            text,
            "<STMTTRN><DTPOSTED>202402{day:02}<TRNAMT>-{row}.50<FITID>{number}-{row}\
             <NAME>op {number} row {row}</STMTTRN>"
        )
        .unwrap();
    }
    text.push_str("</BANKTRANLIST></STMRS></OFX>");
    text.into_bytes()
}

/// What the book must show when operations `0..done` are done.
fn expected(seed: u64, done: u64) -> BTreeMap<String, usize> {
    let mut shown = BTreeMap::new();
    for number in 0..done {
        let mut add = |what: String, times| *shown.entry(what).or_insert(0) += times;
        match operation(seed, number) {
            Operation::Import(rows) => add(format!("op {number}"), rows),
            Operation::Record { .. } => add(format!("op {number}"), 1),
            Operation::Edit(earlier) => {
                // A later note takes the place of an earlier one.
                shown.retain(|what, _| !what.starts_with(&format!("note on {earlier}:")));
                shown.insert(format!("note on {earlier}: op {number}"), 1);
            }
            _ => {}
        }
    }
    shown
}

/// What the book shows.
fn shown(seed: u64, transactions: &[Transaction]) -> BTreeMap<String, usize> {
    let mut shown = BTreeMap::new();
    for one in transactions {
        let mut words = one.description.splitn(3, ' ');
        let number: u64 = words.nth(1).and_then(|number| number.parse().ok()).unwrap();
        *shown.entry(format!("op {number}")).or_insert(0) += 1;
        if let Some(note) = &one.notes {
            assert_eq!(one.id.uuid(), id(seed, number));
            *shown.entry(format!("note on {number}: {note}")).or_insert(0) += 1;
        }
    }
    shown
}

/// Checks the file after a kill. `acknowledged` operations must be there; the next one may be.
/// Returns how many are done.
async fn check(household: &Household, acknowledged: u64) -> u64 {
    let history = fsck(&household.store, household.book_id()).await;
    // Every operation is one commit.
    let done = history.len() as u64;
    assert!(acknowledged <= done, "{acknowledged} were acknowledged, {done} are there");
    assert!(done <= acknowledged + 1, "{done} are there, {acknowledged} were acknowledged");
    check_effects(household, done).await;
    done
}

/// Checks that the effects of so many operations are there, each once, and nothing else.
async fn check_effects(household: &Household, done: u64) {
    let query = TransactionQuery { deleted: true, ..TransactionQuery::default() };
    let request = PageRequest { query, after: None, limit: u32::MAX };
    let transactions = household.store.page(household.book_id(), &request).await.unwrap();
    assert_eq!(shown(household.seed, &transactions), expected(household.seed, done));
    if done > 1 {
        // The figures are those of the rows.
        let sum: i64 = transactions.iter().map(|one| one.amount.minor()).sum();
        let balances = household.book(None).reports().balances(BalancesQuery::default()).await;
        let balances: Vec<i64> =
            balances.unwrap().iter().map(|balance| balance.balance.minor()).collect();
        assert_eq!(balances, [sum]);
    }
}

/// Works until it is killed; never returns.
async fn work(order: &str) -> ! {
    let mut parts = order.splitn(3, ' ');
    let mut next = || parts.next().expect("an order has three parts");
    let (seed, first, path) = (next().parse().unwrap(), next().parse().unwrap(), next());
    let household = Household::open(Path::new(path), seed).await;
    for number in first.. {
        household.perform(number).await;
        // One write, so that an acknowledgement is never read in halves.
        std::io::stderr().write_all(format!("done {number}\n").as_bytes()).unwrap();
    }
    unreachable!("numbers do not end")
}

fn start(path: &Path, seed: u64, first: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "what_was_acknowledged_survives_every_kill"])
        .env(CHILD, format!("{seed} {first} {}", path.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Starts a child, kills it at a moment that chance decides, and returns how many operations are
/// acknowledged.
fn kill_one(path: &Path, seed: u64, first: u64, random: &mut Random) -> u64 {
    let mut child = start(path, seed, first);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut acknowledged = first;
    let mut read = |line: String| {
        assert_eq!(line, format!("done {acknowledged}"), "the child of {seed} fails");
        acknowledged += 1;
    };
    for _ in 0..random.below(7) {
        read(lines.next().expect("a child works until it is killed").unwrap());
    }
    // Some moment of the operation that is under way: opening, deciding, writing, syncing. To yield
    // would take as long as others keep the machine busy, which has no bound.
    for _ in 0..random.below(if first == 0 { 1_200_000 } else { 200_000 }) {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "{status:?}");
    // What it said before it died counts too.
    lines.for_each(|line| read(line.unwrap()));
    acknowledged
}

/// Kills children on one file after the other; returns kills, operations, and operations that were
/// made but not acknowledged.
fn kill_many(kills: u64, worker: u64, dir: PathBuf) -> [u64; 3] {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut random = Random::new(worker);
    let mut totals = [0; 3];
    let mut done = 0;
    for kill in 0..kills {
        let seed = 1_000 * (worker + 1) + kill / KILLS_OF_A_FILE;
        let path = dir.join(format!("{seed}.db"));
        if kill % KILLS_OF_A_FILE == 0 {
            done = 0;
        }
        let acknowledged = kill_one(&path, seed, done, &mut random);
        runtime.block_on(async {
            let household = Household::open(&path, seed).await;
            let survived = check(&household, acknowledged).await;
            // Whoever got no answer asks again, and there is still one effect.
            let in_doubt = acknowledged;
            if survived == acknowledged || !matches!(operation(seed, in_doubt), Operation::Edit(_))
            {
                household.perform(in_doubt).await;
            }
            let now = in_doubt + 1;
            let head = household.store.head(household.book_id()).await.unwrap();
            assert_eq!(head.map(|head| head.seq), Some(now), "operation {in_doubt} has one effect");
            check_effects(&household, now).await;
            household.engine.close().await;
            totals[0] += 1;
            totals[1] += now - done;
            totals[2] += survived - acknowledged;
            done = now;
        });
    }
    totals
}

#[test]
fn what_was_acknowledged_survives_every_kill() {
    // Holds: over hundreds of kills (SIGKILL) nothing acknowledged is lost, nothing is doubled, no
    // commit is there in part, the history verifies, figures are those of the rows, and a repeated
    // request has one effect.
    if let Ok(order) = std::env::var(CHILD) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(work(&order));
    }
    let dir = tempfile::tempdir().unwrap();
    let half = kills() / 2;
    let totals = std::thread::scope(|scope| {
        let workers = [0, 1].map(|worker| {
            let dir = dir.path().to_owned();
            scope.spawn(move || kill_many(half, worker, dir))
        });
        workers.map(|worker| worker.join().unwrap())
    });
    let [killed, operations, unacknowledged] =
        [0, 1, 2].map(|which| totals.iter().map(|total| total[which]).sum::<u64>());
    assert_eq!(killed, kills());
    println!("{killed} kills, {operations} operations, {unacknowledged} made but not acknowledged");
    assert!(operations > killed, "children came to work: {operations} operations");
    // A harness whose kills never fall between a commit and its acknowledgement tests little.
    assert!(
        unacknowledged > killed / 100,
        "{unacknowledged} of {killed} kills fell after a commit"
    );
}
