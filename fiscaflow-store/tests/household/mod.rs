//! A household that lives by numbers: what it does and what it must show follow from a seed, so
//! that whoever makes it die, or its disk fail, knows what has to be there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use fiscaflow_core::analytics::BalancesQuery;
use fiscaflow_core::conformance::{Random, fsck};
use fiscaflow_core::engine::{BookHandle, Context, Engine, NewImport};
use fiscaflow_core::model::{
    NewAccount, NewBook, NewBudget, NewCategory, NewTransaction, Transaction, TransactionPatch,
};
use fiscaflow_core::store::{PageRequest, Store, TransactionQuery};
use fiscaflow_core::{AccountId, BookId, CategoryId, Result, TransactionId};
use fiscaflow_store::{RandomIds, SystemClock, open};
use uuid::Uuid;

/// The first operations make the book and what the others need.
const SET_UP: u64 = 4;

/// What operation `number` of a seed does. Everything follows from the two numbers, so parent and
/// child agree on it without a word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operation {
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

pub fn operation(seed: u64, number: u64) -> Operation {
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

/// An engine over a store, and its book.
pub struct Household {
    pub engine: Engine,
    pub store: Arc<dyn Store>,
    seed: u64,
}

impl Household {
    /// The household in the store of a URL.
    pub async fn open(url: &str, seed: u64) -> Result<Self> {
        let store = open(url).await?;
        let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds::new()?));
        let engine = Engine::new(Arc::clone(&store), clock, ids);
        Ok(Self { engine, store, seed })
    }

    pub fn book_id(&self) -> BookId {
        BookId::new(id(self.seed, 0))
    }

    fn book(&self, idempotency_key: Option<String>) -> BookHandle {
        let context = Context { idempotency_key, ..Context::new("anna".parse().unwrap()) };
        self.engine.book(self.book_id(), context)
    }

    /// Does what the number stands for. Once it returns it is acknowledged.
    pub async fn perform(&self, number: u64) {
        self.attempt(number).await.unwrap();
    }

    /// The same on a store that may fail.
    pub async fn attempt(&self, number: u64) -> Result<()> {
        let book = self.book(None);
        let account_id = AccountId::new(id(self.seed, 1));
        let category_id = CategoryId::new(id(self.seed, 2));
        match operation(self.seed, number) {
            Operation::MakeBook => {
                let new = NewBook { id: Some(self.book_id()), ..NewBook::new("EUR") };
                let new = NewBook { name: "Home".to_owned(), ..new };
                let books = self.engine.books(Context::new("anna".parse().unwrap()));
                books.create(new).await?;
            }
            Operation::MakeAccount => {
                let name = "Giro".to_owned();
                let new = NewAccount { id: Some(account_id), name, ..NewAccount::default() };
                book.accounts().create(new).await?;
            }
            Operation::MakeCategory => {
                let name = "All".to_owned();
                let new = NewCategory { id: Some(category_id), name, ..NewCategory::default() };
                book.categories().create(new).await?;
            }
            Operation::MakeBudget => {
                let new = NewBudget {
                    id: Some(fiscaflow_core::BudgetId::new(id(self.seed, number))),
                    name: "Month".to_owned(),
                    category_ids: vec![category_id],
                    limit: "500".parse().unwrap(),
                    ..NewBudget::default()
                };
                book.budgets().create(new).await?;
            }
            Operation::Import(rows) => {
                let content = statement(number, rows);
                let account_id = Some(account_id);
                let new = NewImport { content, account_id, ..NewImport::default() };
                let report = book.imports().create(new).await?;
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
                self.book(key).transactions().create(new).await?;
            }
            Operation::Edit(earlier) => {
                let id = TransactionId::new(id(self.seed, earlier));
                let notes = Some(format!("op {number}"));
                let patch = TransactionPatch { notes, ..TransactionPatch::default() };
                book.transactions().update(id, patch).await?;
            }
        }
        Ok(())
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

/// Checks the book after a death. `acknowledged` operations must be there; the next one may be.
/// Returns how many are done.
pub async fn check(household: &Household, acknowledged: u64) -> u64 {
    let history = fsck(&*household.store, household.book_id()).await;
    // Every operation is one commit.
    let done = history.len() as u64;
    assert!(acknowledged <= done, "{acknowledged} were acknowledged, {done} are there");
    assert!(done <= acknowledged + 1, "{done} are there, {acknowledged} were acknowledged");
    check_effects(household, done).await;
    done
}

/// Checks that the effects of so many operations are there, each once, and nothing else.
pub async fn check_effects(household: &Household, done: u64) {
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
