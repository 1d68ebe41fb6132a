//! What writers do: deeds that follow from chance, most of them about things that others touch at
//! the same time, and what is written down of each.

use fiscaflow_core::api::{Call, call};
use fiscaflow_core::conformance::Random;
use fiscaflow_core::engine::{Context, Engine};
use fiscaflow_core::{BookId, Error};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// One call of a verb.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deed {
    pub verb: String,
    pub id: Option<String>,
    pub request: Option<Value>,
    /// The idempotency key.
    pub key: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    Done(Value),
    /// An error's code.
    Refused(String),
}

/// A deed that was done, or refused.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// The correlation id, which a commit carries.
    pub name: String,
    pub book: u32,
    pub deed: Deed,
    /// Nanoseconds of the machine's monotonic clock: before the call, and once it had its answer.
    pub invoked: u64,
    pub returned: u64,
    /// How often a commit was tried.
    pub tries: u32,
    pub answer: Answer,
}

/// What an id names.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Book,
    Account,
    Category,
    Budget,
    Goal,
    /// A transaction that everybody may make, change and delete.
    Shared,
    /// A transaction that one writer makes.
    Own,
    /// A transaction that is made under a key.
    Keyed,
}

fn id(book: u32, kind: Kind, number: u64) -> String {
    let (book, kind) = (u128::from(book + 1), kind as u128);
    let bits = book << 96 | kind << 80 | 0x7 << 76 | 0b10 << 62 | u128::from(number);
    Uuid::from_u128(bits).to_string()
}

pub fn book_id(book: u32) -> BookId {
    id(book, Kind::Book, 0).parse().unwrap()
}

fn deed(verb: &str, id: Option<String>, request: Value) -> Deed {
    let request = Some(request).filter(|request| !request.is_null());
    Deed { verb: verb.to_owned(), id, request, key: None }
}

/// What makes a book and what the others need, in this order.
pub fn setting_up(book: u32) -> Vec<Deed> {
    let named = |kind, number| id(book, kind, number);
    let account =
        |number: u64| json!({"id": named(Kind::Account, number), "name": number.to_string()});
    let category =
        |number: u64| json!({"id": named(Kind::Category, number), "name": number.to_string()});
    let categories = [named(Kind::Category, 0)];
    let months = json!({
        "id": named(Kind::Budget, 0), "name": "month", "limit": "40", "category_ids": categories,
    });
    let weeks = json!({
        "id": named(Kind::Budget, 1), "name": "week", "limit": "20", "category_ids": categories,
        "period": {"kind": "weeks"}, "thresholds": [50, 100, 150],
        "rollover": {"carry": "both"}, "start": "2026-01-01",
    });
    let funding = json!({"kind": "contributions", "account_ids": [named(Kind::Account, 1)]});
    let goal = json!({
        "id": named(Kind::Goal, 0), "name": "goal", "target": "100", "start": "2026-01-01",
        "funding": funding, "milestones": [10, 20, 30, 40, 50, 60, 70, 80, 90],
    });
    vec![
        deed(
            "books.create",
            None,
            json!({"id": named(Kind::Book, 0), "name": "b", "currency": "EUR"}),
        ),
        deed("accounts.create", None, account(0)),
        deed("accounts.create", None, account(1)),
        deed("categories.create", None, category(0)),
        deed("categories.create", None, category(1)),
        deed("budgets.create", None, months),
        deed("budgets.create", None, weeks),
        deed("goals.create", None, goal),
    ]
}

/// Draws what a writer does.
pub struct Chance {
    pub random: Random,
    pub book: u32,
    pub writer: u32,
    pub number: u64,
}

impl Chance {
    fn id(&self, kind: Kind, number: u64) -> String {
        id(self.book, kind, number)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.random.next() % end
    }

    /// One of the transactions that are in use: of even numbers money goes out, of odd ones it
    /// comes into the other account.
    fn slot(&mut self) -> u64 {
        self.number / 4 * 4 + self.below(6)
    }

    fn shared(&mut self) -> String {
        let slot = self.slot();
        self.id(Kind::Shared, slot)
    }

    fn side(&mut self, side: u64) -> String {
        let slot = self.slot();
        self.id(Kind::Shared, slot / 2 * 2 + side)
    }

    fn transaction(&mut self, id: String, slot: u64) -> Value {
        let sign = if slot.is_multiple_of(2) { "-" } else { "" };
        let amount = 5 + 2 * self.below(2);
        let date = chrono::NaiveDate::from_yo_opt(2026, 1 + (slot * 3 % 360) as u32).unwrap();
        let mut new = json!({
            "id": id, "account_id": self.id(Kind::Account, slot % 2), "booking_date": date,
            "amount": format!("{sign}{amount}"),
        });
        if slot.is_multiple_of(2) {
            new["category_id"] = json!(self.id(Kind::Category, 0));
        }
        new
    }

    fn change(&mut self, change: Value) -> Deed {
        let id = self.shared();
        deed("transactions.update", Some(id), change)
    }

    /// What many writers send under one key; now and then one of them something else.
    fn keyed(&mut self) -> Deed {
        let number = self.number / 3;
        let mut new = json!({
            "id": self.id(Kind::Keyed, number), "account_id": self.id(Kind::Account, 0),
            "booking_date": "2026-06-01", "amount": "-1",
        });
        if self.below(6) == 0 {
            new["notes"] = json!("another");
        }
        Deed { key: Some(format!("key {number}")), ..deed("transactions.create", None, new) }
    }

    fn made(&mut self) -> Deed {
        let slot = self.slot();
        let id = self.id(Kind::Shared, slot);
        let new = self.transaction(id, slot);
        deed("transactions.create", None, new)
    }

    fn of_its_own(&mut self) -> Deed {
        let slot = self.slot();
        let id = self.id(Kind::Own, u64::from(self.writer) << 32 | self.number);
        let new = self.transaction(id, slot);
        deed("transactions.create", None, new)
    }

    fn read(&mut self) -> Deed {
        match self.below(4) {
            0 => {
                let id = self.shared();
                deed("transactions.get", Some(id), Value::Null)
            }
            1 => deed("budgets.state", None, json!({"month": "2026-01"})),
            2 => deed("reports.balances", None, json!({})),
            _ => deed("goals.progress", None, json!({})),
        }
    }

    pub fn deed(&mut self) -> Deed {
        match self.below(24) {
            0..=4 => self.made(),
            5 => self.of_its_own(),
            6 | 7 => {
                let notes = format!("{} {}", self.writer, self.number);
                self.change(json!({"notes": notes}))
            }
            8 | 9 => {
                let tag = self.writer.to_string();
                self.change(json!({"tags": [tag]}))
            }
            10 => {
                let amount = format!("{}5", if self.below(2) == 0 { "-" } else { "" });
                self.change(json!({"amount": amount}))
            }
            11 => {
                let id = self.shared();
                deed("transactions.delete", Some(id), Value::Null)
            }
            12 | 13 => {
                let budget = self.below(2);
                let limit = (20 + 10 * self.below(4)).to_string();
                let id = self.id(Kind::Budget, budget);
                deed("budgets.update", Some(id), json!({"limit": limit}))
            }
            14 => {
                let target = (50 + 50 * self.below(4)).to_string();
                deed("goals.update", Some(self.id(Kind::Goal, 0)), json!({"target": target}))
            }
            15 | 16 => {
                let (from, to) = (self.side(0), self.side(1));
                deed("transfers.create", None, json!({"from_id": from, "to_id": to}))
            }
            17 => {
                let id = self.shared();
                deed("transfers.remove", Some(id), Value::Null)
            }
            18 => {
                let category = self.below(2);
                let (one, other) = (self.side(0), self.side(1));
                let category = self.id(Kind::Category, category);
                let request = json!({"ids": [one, other], "category_id": category});
                deed("transactions.recategorise", None, request)
            }
            19 | 20 => self.keyed(),
            _ => self.read(),
        }
    }
}

/// Does it, under a name.
pub async fn perform(engine: &Engine, book: u32, name: &str, deed: &Deed) -> Answer {
    let context = Context {
        correlation_id: Some(name.to_owned()),
        idempotency_key: deed.key.clone(),
        ..Context::new("anna".parse().unwrap())
    };
    let makes_book = deed.verb == "books.create";
    let asked = Call {
        verb: deed.verb.clone(),
        book_id: Some(book_id(book)).filter(|_| !makes_book),
        context,
        id: deed.id.clone(),
        request: deed.request.clone(),
    };
    match call(engine, asked).await {
        Ok(answer) => Answer::Done(answer),
        Err(error) => Answer::Refused(code(&error)),
    }
}

pub fn code(error: &Error) -> String {
    error.code().to_string()
}
