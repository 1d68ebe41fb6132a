//! Books of payments that are drawn from a seed: the same for the same seed.

#![allow(dead_code, reason = "not every test crate needs all of it")]

use chrono::NaiveDate;
use fiscaflow_core::model::{Account, AccountKind, Book, Document, Learning};
use fiscaflow_core::{AccountId, BookId, Currency, Money, Plan};
use uuid::Uuid;

/// A sequence that looks random and is the same for the same seed (SplitMix64).
#[derive(Debug)]
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below another.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A number from one to another, both included.
    pub fn between(&mut self, first: i64, last: i64) -> i64 {
        first + i64::try_from(self.below(u64::try_from(last - first + 1).unwrap())).unwrap()
    }
}

/// The account of all payments.
pub fn account_id() -> AccountId {
    AccountId::new(Uuid::from_u128(1))
}

/// A day as it is written.
pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A book with that account, in euro.
pub fn plan() -> Plan {
    let euro = Currency::iso("EUR").unwrap();
    let book = Book {
        id: BookId::new(Uuid::from_u128(1)),
        name: "Home".to_owned(),
        currency: euro,
        zone: "UTC".to_owned(),
        currencies: Vec::new(),
        created_at: chrono::DateTime::UNIX_EPOCH,
        learning: Learning::default(),
    };
    let account = Account {
        id: account_id(),
        name: "Giro".to_owned(),
        kind: AccountKind::Checking,
        currency: euro,
        opening_balance: Money::zero(euro),
        number: None,
        bank_id: None,
        import_key: None,
        closed: false,
    };
    Plan::from_documents(vec![Document::Book(book), Document::Account(account)]).unwrap()
}
