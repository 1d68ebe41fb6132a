//! A book with something in every table: documents of nearly every kind, transactions of a file and
//! by hand, split, tagged, linked, changed and removed, keys that were answered.

use std::sync::Arc;

use fiscaflow_core::api::{Call, call};
use fiscaflow_core::conformance::{FixedClock, SequentialIds};
use fiscaflow_core::engine::{Context, Engine, NewImport};
use fiscaflow_core::store::Store;
use fiscaflow_core::{BookId, Clock as _, IdSource as _, Result};
use serde_json::{Value, json};

/// A book and who writes it.
pub struct Home {
    pub engine: Engine,
    pub store: Arc<dyn Store>,
    pub id: BookId,
    pub giro: Value,
    pub savings: Value,
    pub food: Value,
}

impl Home {
    /// A book of two accounts and a category; its ids follow from the seed.
    pub async fn new(store: Arc<dyn Store>, seed: u32) -> Self {
        let (clock, ids) = (Arc::new(FixedClock::default()), Arc::new(SequentialIds::new(seed)));
        let id = BookId::new(ids.uuid(clock.now()));
        let engine = Engine::new(Arc::clone(&store), clock, ids);
        let (giro, savings, food) = (Value::Null, Value::Null, Value::Null);
        let mut home = Self { engine, store, id, giro, savings, food };
        home.call("books.create", json!({"id": id, "name": "Häuschen", "currency": "EUR"})).await;
        home.giro = home.call("accounts.create", json!({"name": "Giro"})).await["id"].clone();
        home.savings = home.call("accounts.create", json!({"name": "Sparen"})).await["id"].clone();
        home.food = home.call("categories.create", json!({"name": "Essen"})).await["id"].clone();
        home
    }

    /// What the engine answers.
    pub async fn attempt(&self, verb: &str, id: Option<&str>, request: Value) -> Result<Value> {
        self.keyed(verb, id, None, request).await
    }

    async fn keyed(
        &self,
        verb: &str,
        id: Option<&str>,
        key: Option<&str>,
        request: Value,
    ) -> Result<Value> {
        let mut context = Context::new("anna".parse().unwrap());
        context.idempotency_key = key.map(str::to_owned);
        context.reason = key.map(|key| format!("weil {key}"));
        let book_id = (verb != "books.create").then_some(self.id);
        let request = Some(request).filter(|it| !it.is_null());
        let (verb, id) = (verb.to_owned(), id.map(str::to_owned));
        call(&self.engine, Call { verb, book_id, context, id, request }).await
    }

    async fn asked(&self, verb: &str, id: Option<&str>, key: Option<&str>, it: Value) -> Value {
        let answer = self.keyed(verb, id, key, it).await;
        answer.unwrap_or_else(|error| panic!("{verb}: {error:?}"))
    }

    pub async fn call(&self, verb: &str, request: Value) -> Value {
        self.asked(verb, None, None, request).await
    }

    pub async fn of(&self, verb: &str, id: &Value, request: Value) -> Value {
        self.asked(verb, id.as_str(), None, request).await
    }

    /// Records a transaction; returns its id.
    pub async fn spend(&self, amount: &str, description: &str) -> Value {
        let new = json!({"account_id": self.giro, "booking_date": "2024-03-04", "amount": amount,
            "description": description});
        self.call("transactions.create", new).await["id"].clone()
    }

    /// Fills the book: some forty commits.
    pub async fn fill(&self) {
        self.plan(&self.savings).await;
        let content = "Date;Amount;Description\n2024-03-01;-12.00;Bäckerei Müller\n\
            2024-03-02;-30.50;MARKT 17\n2024-03-02;-30.50;MARKT 17\n";
        let import = NewImport {
            content: content.into(),
            file_name: Some("märz.csv".to_owned()),
            account_id: Some(self.giro.as_str().unwrap().parse().unwrap()),
            ..NewImport::default()
        };
        let context = Context::new("anna".parse().unwrap());
        let context = Context { idempotency_key: Some("file 1".to_owned()), ..context };
        self.engine.book(self.id, context).imports().create(import).await.unwrap();
        let full = json!({"account_id": self.giro, "booking_date": "2024-03-03",
            "value_date": "2024-03-05", "amount": "-9.00", "description": "VON HAND \u{1f95d}",
            "payee": "Grün & Co", "notes": "für später", "tags": ["a", "ä"], "reference": "r 1",
            "external_id": "x1", "metadata": {"farbe": "grün"},
            "attachments": [{"name": "bon.jpg", "media_type": "image/jpeg",
                "digest": "00".repeat(32)}],
            "splits": [{"amount": "-4.00", "category_id": self.food, "notes": "brot"},
                {"amount": "-5.00"}]});
        self.asked("transactions.create", None, Some("by hand"), full).await;
        let mut ids = Vec::new();
        for (amount, text) in [("-50.00", "eins"), ("-60.00", "zwei"), ("-1.00", "drei")] {
            ids.push(self.spend(amount, text).await);
        }
        self.of("transactions.update", &ids[0], json!({"notes": "geändert"})).await;
        let sorted = json!({"ids": [ids[0], ids[1]], "category_id": self.food});
        self.call("transactions.recategorise", sorted).await;
        self.of("transactions.delete", &ids[2], Value::Null).await;
        self.save("20.00").await;
        self.call("rules.apply", Value::Null).await;
    }

    /// Seals all commits but the newest so many.
    pub async fn seal(&self, but: u64) {
        let head = self.store.head(self.id).await.unwrap().unwrap();
        let until = head.seq.saturating_sub(but).max(1).to_string();
        self.call("books.seal", json!({"until": until, "lose_events": true})).await;
    }

    /// Moves money between the accounts; returns the side that it leaves.
    pub async fn save(&self, amount: &str) -> Value {
        let out = self.spend(&format!("-{amount}"), "hinüber").await;
        let into = json!({"account_id": self.savings, "booking_date": "2024-03-04",
            "amount": amount});
        let into = self.call("transactions.create", into).await["id"].clone();
        self.call("transfers.create", json!({"from_id": out, "to_id": into})).await;
        out
    }

    async fn plan(&self, savings: &Value) {
        self.call("members.put", json!({"actor": "ben", "role": "viewer", "name": "Ben"})).await;
        self.call("payees.create", json!({"name": "Markt", "aliases": ["MARKT 17"]})).await;
        let rule = json!({"name": "Märkte", "condition": {"kind": "text", "field": "description",
            "op": "contains", "values": ["markt"]},
            "actions": [{"kind": "set_category", "category_id": self.food},
                {"kind": "add_tag", "tag": "markt"}]});
        self.call("rules.create", rule).await;
        let budget = json!({"name": "Essen", "category_ids": [self.food], "limit": "50.00"});
        self.call("budgets.create", budget).await;
        let month = json!({"month": "2024-03",
            "amounts": [{"category_id": self.food, "amount": "70.00"}]});
        self.call("envelopes.assign", month).await;
        let schedule = json!({"name": "Miete", "account_id": self.giro, "amount": "-500.00",
            "recurrence": {"start": "2024-07-01", "unit": "months"}});
        self.call("schedules.create", schedule).await;
        let goal = json!({"name": "Rad", "target": "40.00", "start": "2024-01-01",
            "funding": {"kind": "contributions", "account_ids": [savings]}});
        self.call("goals.create", goal).await;
        let rates = json!({"date": "2024-02-02", "base": "EUR",
            "rates": [{"quote": "USD", "rate": "1.08"}]});
        self.call("rates.put", rates).await;
    }
}
