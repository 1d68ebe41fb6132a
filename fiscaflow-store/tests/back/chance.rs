//! Random requests. Ids are chosen here, so that a history runs alike on another book; values are
//! new each time, so that a request that is left out leaves no trace in another.

use fiscaflow_core::conformance::Random;
use serde_json::{Value, json};

use super::Request;

/// What a history has used so far.
pub struct Chance {
    pub random: Random,
    made: Vec<(&'static str, String)>,
    count: u64,
    /// Whether rows come from files, too: their ids are the engine's.
    pub files: bool,
}

fn some(verb: &'static str, id: impl Into<Option<String>>, request: Value) -> Request {
    Request { verb, id: id.into(), request }
}

impl Chance {
    pub fn new(seed: u64, files: bool) -> Self {
        Self { random: Random::new(seed), made: Vec::new(), count: 0, files }
    }

    fn fresh(&mut self, kind: &'static str) -> String {
        self.count += 1;
        let id = format!("01890000-0000-7000-8000-{:012x}", self.count);
        self.made.push((kind, id.clone()));
        id
    }

    fn text(&mut self) -> String {
        self.count += 1;
        format!("text {}", self.count)
    }

    /// One of those made, or one that never was.
    fn any(&mut self, kind: &str) -> String {
        let known: Vec<&String> =
            self.made.iter().filter(|it| it.0 == kind).map(|it| &it.1).collect();
        match known.len() {
            0 => "01890000-0000-7000-8000-ffffffffffff".to_owned(),
            many => known[self.random.below(many)].clone(),
        }
    }

    fn maybe(&mut self, kind: &str) -> Value {
        if self.random.one_in(2) { json!(self.any(kind)) } else { Value::Null }
    }

    fn day(&mut self) -> String {
        format!("2024-0{}-{:02}", 1 + self.random.below(3), 1 + self.random.below(28))
    }

    fn amount(&mut self) -> String {
        let sign = if self.random.one_in(3) { "" } else { "-" };
        format!("{sign}{}.00", 10 * (1 + self.random.below(4)))
    }

    /// What every history begins with.
    pub fn first(&mut self) -> Vec<Request> {
        let mut first = vec![some("books.update", None, json!({"learn": false}))];
        first.extend((0..2).map(|_| self.account()));
        first.extend((0..2).map(|_| self.category()));
        first.extend((0..4).map(|_| self.transaction()));
        first
    }

    fn account(&mut self) -> Request {
        let (id, name) = (self.fresh("account"), self.name());
        some("accounts.create", None, json!({"id": id, "name": name}))
    }

    /// One of few names, so that they meet.
    fn name(&mut self) -> String {
        ["Giro", "Cash", "Card", "Savings", "Food", "Fun"][self.random.below(6)].to_owned()
    }

    fn category(&mut self) -> Request {
        let parent = self.maybe("category");
        let (id, name) = (self.fresh("category"), self.name());
        some("categories.create", None, json!({"id": id, "name": name, "parent_id": parent}))
    }

    fn transaction(&mut self) -> Request {
        let (account, category) = (self.any("account"), self.maybe("category"));
        let (day, amount, text) = (self.day(), self.amount(), self.text());
        let id = self.fresh("transaction");
        let request = json!({"id": id, "account_id": account, "booking_date": day,
            "amount": amount, "description": text, "category_id": category});
        some("transactions.create", None, request)
    }

    fn patch(&mut self) -> Value {
        let text = self.text();
        match self.random.below(11) {
            0 => json!({"notes": text}),
            1 => json!({"payee": text}),
            2 => json!({"tags": [text]}),
            3 => json!({"category_id": self.any("category")}),
            4 => json!({"amount": self.amount()}),
            5 => json!({"booking_date": self.day()}),
            6 => {
                let status = ["posted", "reconciled", "void"][self.random.below(3)];
                json!({"status": status})
            }
            7 => json!({"account_id": self.any("account")}),
            8 => json!({"splits": [{"amount": "-4.00", "notes": text},
                {"amount": "-6.00", "category_id": self.maybe("category")}]}),
            9 => json!({"metadata": {"key": text}}),
            _ => json!({"clear": ["category"]}),
        }
    }

    /// The next request.
    pub fn next(&mut self) -> Request {
        let id = self.any("transaction");
        match self.random.below(16) {
            0 | 1 => self.transaction(),
            2..=4 => some("transactions.update", id, self.patch()),
            5 => self.money(id),
            6 | 7 => self.tree(),
            8 => self.rules(),
            9 => self.budgets(),
            10 => self.planning(),
            11 => self.others(),
            12 if self.files => self.files(),
            12 | 13 => self.money(id),
            14 => some("transactions.delete", id, json!({})),
            _ => self.account(),
        }
    }

    fn money(&mut self, id: String) -> Request {
        let other = self.any("transaction");
        let pair = json!({"from_id": id, "to_id": other});
        match self.random.below(6) {
            0 => some("transfers.create", None, pair),
            1 => some("transfers.link", None, json!({"confidence": 1})),
            2 => some("transfers.remove", id, json!({})),
            3 => some("transfers.refuse", None, pair),
            4 => some("transactions.merge", id, json!({"absorbed_id": other})),
            _ => {
                let category = self.maybe("category");
                let request = json!({"ids": [id, other], "category_id": category});
                some("transactions.recategorise", None, request)
            }
        }
    }

    fn tree(&mut self) -> Request {
        let name = self.name();
        match self.random.below(6) {
            0 => some("accounts.update", self.any("account"), json!({"name": name})),
            1 => {
                let patch = json!({"opening_balance": self.amount()});
                some("accounts.update", self.any("account"), patch)
            }
            2 => self.category(),
            3 => some("categories.update", self.any("category"), json!({"name": name})),
            4 => some("categories.update", self.any("category"), json!({"to_top": true})),
            _ => {
                let patch = json!({"parent_id": self.any("category")});
                some("categories.update", self.any("category"), patch)
            }
        }
    }

    fn rules(&mut self) -> Request {
        let digit = self.random.below(10).to_string();
        let condition = json!({"kind": "text", "field": "description", "op": "contains",
            "values": [digit]});
        let actions = json!([{"kind": "set_category", "category_id": self.any("category")},
            {"kind": "add_tag", "tag": self.text()}]);
        match self.random.below(5) {
            0 | 1 => {
                let (id, name) = (self.fresh("rule"), self.text());
                let rule = json!({"id": id, "name": name, "condition": condition,
                    "actions": actions});
                some("rules.create", None, rule)
            }
            2 => some("rules.update", self.any("rule"), json!({"condition": condition})),
            3 => some("rules.delete", self.any("rule"), json!({})),
            _ => some("rules.apply", None, json!({})),
        }
    }

    fn budgets(&mut self) -> Request {
        let limit = (10 * (1 + self.random.below(9))).to_string();
        match self.random.below(4) {
            0 | 1 => {
                let category = self.any("category");
                let (id, name) = (self.fresh("budget"), self.text());
                let budget = json!({"id": id, "name": name, "category_ids": [category],
                    "limit": limit});
                some("budgets.create", None, budget)
            }
            2 => some("budgets.update", self.any("budget"), json!({"limit": limit})),
            _ => some("budgets.delete", self.any("budget"), json!({})),
        }
    }

    fn planning(&mut self) -> Request {
        let (category, amount) = (self.any("category"), self.amount());
        match self.random.below(8) {
            0 => some("envelopes.put", None, json!({"category_id": category, "cap": "90.00"})),
            1 | 2 => {
                let amounts = json!([{"category_id": category, "amount": amount}]);
                some("envelopes.assign", None, json!({"month": "2024-01", "amounts": amounts}))
            }
            3 => {
                let (account, name) = (self.any("account"), self.text());
                let id = self.fresh("schedule");
                let schedule = json!({"id": id, "name": name, "account_id": account,
                    "amount": amount, "recurrence": {"start": "2024-01-15", "unit": "months"}});
                some("schedules.create", None, schedule)
            }
            4 => some("schedules.delete", self.any("schedule"), json!({})),
            5 => {
                let (id, name) = (self.fresh("goal"), self.text());
                let goal = json!({"id": id, "name": name, "target": "30", "start": "2024-01-01",
                    "funding": {"kind": "transactions"}});
                some("goals.create", None, goal)
            }
            6 => some("goals.delete", self.any("goal"), json!({})),
            _ => {
                let link = match self.random.below(2) {
                    0 => json!({"goal_id": self.any("goal")}),
                    _ => json!({"schedule_id": self.any("schedule")}),
                };
                some("transactions.update", self.any("transaction"), link)
            }
        }
    }

    fn others(&mut self) -> Request {
        let text = self.text();
        match self.random.below(6) {
            0 => some("books.update", None, json!({"name": text})),
            1 => some(
                "books.update",
                None,
                json!({"add_currencies": [{"code": "MILES",
                "exponent": 0}]}),
            ),
            2 => some(
                "accounts.create",
                None,
                json!({"id": self.fresh("account"), "name": text,
                "currency": "MILES"}),
            ),
            3 => some(
                "rates.put",
                None,
                json!({"date": "2024-02-02", "base": "EUR",
                "rates": [{"quote": "USD", "rate": "1.1"}]}),
            ),
            4 => some("payees.create", None, json!({"id": self.fresh("payee"), "name": text})),
            _ => some(
                "members.put",
                None,
                json!({"actor": "ben", "role": "viewer",
                "name": text}),
            ),
        }
    }

    /// Rows of a bank's file, some of which other files have, too.
    fn files(&mut self) -> Request {
        let account = self.any("account");
        let first = self.random.below(4);
        let row = |number: usize| format!("2024-02-{:02};-{number}.00;row {number}\n", number + 1);
        let rows: String = (first..first + 3).map(row).collect();
        let content = format!("Date;Amount;Description\n{rows}");
        let content = base64(content.as_bytes());
        some("imports.create", None, json!({"account_id": account, "content": content}))
    }
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let bits = part.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - part.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= part.len() { digit as char } else { '=' });
        }
    }
    text
}
