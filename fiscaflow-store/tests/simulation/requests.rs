//! Requests of every kind, valid and not. What is not known before the run stands in them as a
//! word between two `@`, which the run replaces.

use fiscaflow_core::conformance::Random;
use fiscaflow_core::engine::NewImport;
use serde_json::{Value, json};

use super::draw::uid;

/// A verb, the id that it takes, and its request.
pub type Request = (&'static str, Option<String>, Option<Value>);

pub struct Requests<'a> {
    pub random: &'a mut Random,
}

fn amount(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", minor.abs() / 100, minor.abs() % 100)
}

impl Requests<'_> {
    /// Category 2 lies below category 0, category 3 is of income.
    pub fn new_category(number: usize) -> Value {
        let name = ["Food", "Rent", "Sweets", "Salary"][number];
        let kind = if number == 3 { "income" } else { "expense" };
        let mut new = json!({"id": uid(2, number), "name": name, "kind": kind});
        if number == 2 {
            new["parent_id"] = json!(uid(2, 0));
        }
        new
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.random.below(from.len())]
    }

    fn account(&mut self) -> String {
        let number = self.pick(&[0, 0, 0, 1, 1, 2]);
        uid(1, number)
    }

    fn category(&mut self) -> String {
        let number = self.pick(&[0, 0, 1, 2, 3]);
        uid(2, number)
    }

    fn spending(&mut self) -> String {
        let number = self.pick(&[0, 0, 1, 2]);
        uid(2, number)
    }

    /// A transaction that a person recorded, or any that is there.
    fn transaction(&mut self) -> String {
        let number = self.random.below(8);
        match self.random.below(5) {
            0 => uid(3, number),
            _ => format!("@transaction {number}@"),
        }
    }

    fn date(&mut self) -> &'static str {
        self.pick(&["2023-12-31", "2024-01-05", "2024-01-05", "2024-01-20", "2024-02-05"])
    }

    fn month(&mut self) -> &'static str {
        self.pick(&["2023-12", "2024-01", "2024-02"])
    }

    fn minor(&mut self) -> i64 {
        self.pick(&[-5_000, -2_500, -2_500, -1_234, -999, 2_500, 2_500, 10_000])
    }

    fn parts(&mut self, minor: i64) -> Value {
        let first = minor / 3;
        let wrong = i64::from(self.random.one_in(6));
        json!([
            {"amount": amount(first), "category_id": self.category()},
            {"amount": amount(minor - first + wrong), "category_id": self.spending()},
        ])
    }

    /// Filters, and pages of two.
    pub fn list(&mut self) -> Value {
        let mut query = json!({"limit": 2});
        if self.random.one_in(3) {
            query["account_id"] = json!(self.account());
        }
        if self.random.one_in(4) {
            query["category_id"] = json!(self.category());
        }
        if self.random.one_in(4) {
            query["tag"] = json!("a");
        }
        if self.random.one_in(4) {
            query["from"] = json!("2024-01-05");
        }
        query
    }

    /// Any request.
    pub fn any(&mut self) -> Request {
        match self.random.below(28) {
            0..=5 => self.record(),
            6..=8 => self.change(),
            9 | 10 => self.import(),
            11 => self.transfer(),
            12 | 13 => self.rule(),
            14 | 15 => self.budget(),
            16 => self.envelope(),
            17 => self.goal_or_schedule(),
            18 | 19 => self.back(),
            20 | 21 => self.around(),
            22 | 23 => self.lose(),
            _ => self.read(),
        }
    }

    pub fn record(&mut self) -> Request {
        let minor = self.minor();
        let number = self.random.below(8);
        let mut new = json!({
            "id": uid(3, number),
            "account_id": self.account(),
            "booking_date": self.date(),
            "amount": amount(minor),
            "payee": self.pick(&["Corner shop", "Landlord", "Cinema"]),
        });
        match self.random.below(5) {
            0 => new["splits"] = self.parts(minor),
            1 => {}
            _ => new["category_id"] = json!(self.category()),
        }
        if self.random.one_in(3) {
            new["tags"] = json!(["a", "b"]);
        }
        if self.random.one_in(8) {
            new["status"] = json!("pending");
        }
        ("transactions.create", None, Some(new))
    }

    fn change(&mut self) -> Request {
        let id = Some(self.transaction());
        let minor = self.minor();
        match self.random.below(12) {
            0 | 1 => ("transactions.delete", id, None),
            2 => {
                let ids =
                    json!(["@transaction 0@", format!("@transaction {}@", self.random.below(3))]);
                let request = json!({"ids": ids, "category_id": self.category()});
                ("transactions.recategorise", None, Some(request))
            }
            3 => {
                let absorbed = json!({"absorbed_id": self.transaction()});
                ("transactions.merge", id, Some(absorbed))
            }
            4 => ("transactions.update", id, Some(json!({"splits": self.parts(minor)}))),
            5 => {
                let patch = json!({"amount": amount(minor), "splits": self.parts(minor)});
                ("transactions.update", id, Some(patch))
            }
            6 => {
                let status = self.pick(&["void", "reconciled", "posted"]);
                ("transactions.update", id, Some(json!({"status": status})))
            }
            7 => ("transactions.update", id, Some(json!({"amount": amount(minor)}))),
            8 => ("transactions.update", id, Some(json!({"booking_date": self.date()}))),
            9 => ("transactions.update", id, Some(json!({"clear": ["category"]}))),
            _ => {
                let patch = json!({"category_id": self.category(), "notes": "seen"});
                ("transactions.update", id, Some(patch))
            }
        }
    }

    /// A statement of rows in a window of them, some of which the bank now tells otherwise.
    pub fn import(&mut self) -> Request {
        let mut text = String::from(
            "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\n\r\n<OFX><STMTRS><CURDEF>EUR\
             <BANKACCTFROM><BANKID>1<ACCTID>DE1<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST>",
        );
        let first = self.random.below(4);
        for row in first..=first + self.random.below(4) {
            let other = if self.random.one_in(6) { 7 } else { 0 };
            let (day, name) = (2 + 3 * (row % 2), ["CORNER SHOP", "CINEMA"][row % 2]);
            text.push_str(&format!(
                "<STMTTRN><DTPOSTED>202401{day:02}<TRNAMT>-{}.5{other}<FITID>row {row}\
                 <NAME>{name}</STMTTRN>",
                10 + row % 3,
            ));
        }
        text.push_str("</BANKTRANLIST></STMTRS></OFX>");
        let account_id = uid(1, self.random.below(2)).parse().ok();
        let new = NewImport { content: text.into_bytes(), account_id, ..NewImport::default() };
        let request = serde_json::to_value(new).unwrap();
        let verb = if self.random.one_in(8) { "imports.preview" } else { "imports.create" };
        (verb, None, Some(request))
    }

    fn transfer(&mut self) -> Request {
        let pair = match self.random.below(3) {
            0 => json!({"from_id": self.transaction(), "to_id": self.transaction()}),
            _ => json!({"from_id": "@out 0@", "to_id": "@in 0@"}),
        };
        match self.random.below(5) {
            0 => ("transfers.link", None, Some(json!({"confidence": 10}))),
            1 => ("transfers.remove", Some("@side 0@".to_owned()), None),
            _ => ("transfers.create", None, Some(pair)),
        }
    }

    fn rule(&mut self) -> Request {
        let id = uid(4, self.random.below(3));
        match self.random.below(6) {
            0..=2 => {
                let action = match self.random.below(3) {
                    0 => json!({"kind": "add_tag", "tag": "a"}),
                    1 => json!({"kind": "set_category", "category_id": self.spending()}),
                    _ => json!({"kind": "split", "parts": [
                        {"percent": "33.3", "category_id": self.spending()},
                        {"category_id": self.spending()},
                    ]}),
                };
                let text = self.pick(&["shop", "cinema"]);
                let condition = json!({"kind": "text", "field": "payee", "op": "contains",
                    "values": [text]});
                let new = json!({"id": id, "name": "Rule", "condition": condition,
                    "actions": [action]});
                ("rules.create", None, Some(new))
            }
            3 => ("rules.update", Some(id), Some(json!({"enabled": self.random.one_in(2)}))),
            4 if self.random.one_in(3) => ("rules.delete", Some(id), None),
            _ => ("rules.apply", None, None),
        }
    }

    fn budget(&mut self) -> Request {
        let id = uid(5, self.random.below(2));
        let limit = self.pick(&["20.00", "50.00", "150.00"]);
        match self.random.below(6) {
            0..=2 => {
                let mut new = json!({
                    "id": id,
                    "name": "Budget",
                    "limit": limit,
                    "category_ids": [uid(2, self.random.below(3))],
                    "start": "2023-12-01",
                    "rollover": {"carry": self.pick(&["nothing", "surplus", "deficit", "both"])},
                });
                if self.random.one_in(4) {
                    new["tags"] = json!(["a"]);
                }
                if self.random.one_in(4) {
                    new["period"] = json!({"kind": "weeks"});
                }
                ("budgets.create", None, Some(new))
            }
            3 => ("budgets.update", Some(id), Some(json!({"limit": limit}))),
            4 => {
                let carry = json!({"carry": self.pick(&["nothing", "surplus", "both"])});
                ("budgets.update", Some(id), Some(json!({"rollover": carry})))
            }
            _ => ("budgets.delete", Some(id), None),
        }
    }

    fn envelope(&mut self) -> Request {
        let (month, amount) = (self.month(), self.pick(&["30.00", "12.50"]));
        match self.random.below(6) {
            0 | 1 => {
                let amounts = json!([{"category_id": self.spending(), "amount": amount}]);
                ("envelopes.assign", None, Some(json!({"month": month, "amounts": amounts})))
            }
            2 => {
                let request = json!({"month": month, "amount": amount,
                    "from_category_id": uid(2, 0), "to_category_id": uid(2, 1)});
                ("envelopes.reassign", None, Some(request))
            }
            3 => ("envelopes.hold", None, Some(json!({"month": month, "amount": amount}))),
            4 => {
                let automation = json!({"rule": {"kind": "fixed", "amount": amount}});
                let put = json!({"category_id": self.spending(), "automations": [automation]});
                ("envelopes.put", None, Some(put))
            }
            _ => ("envelopes.apply", None, Some(json!({"month": month}))),
        }
    }

    fn goal_or_schedule(&mut self) -> Request {
        let (goal, schedule) = (uid(6, self.random.below(2)), uid(7, self.random.below(2)));
        match self.random.below(8) {
            0 | 1 => {
                let funding = match self.random.below(3) {
                    0 => json!({"kind": "transactions"}),
                    1 => json!({"kind": "balances", "account_ids": [uid(1, 1)]}),
                    _ => json!({"kind": "envelope", "category_id": uid(2, 0)}),
                };
                let new = json!({"id": goal, "name": "Goal", "target": "120.00",
                    "start": "2023-12-01", "funding": funding});
                ("goals.create", None, Some(new))
            }
            2 => ("goals.update", Some(goal), Some(json!({"target": "60.00"}))),
            3 => ("goals.delete", Some(goal), None),
            4 => {
                let new = json!({"id": schedule, "name": "Rent", "account_id": uid(1, 0),
                    "amount": "-25.00", "recurrence": {"start": "2024-01-05", "unit": "months"}});
                ("schedules.create", None, Some(new))
            }
            5 => ("schedules.delete", Some(schedule), None),
            6 => {
                let patch = json!({"schedule_id": schedule});
                ("transactions.update", Some(self.transaction()), Some(patch))
            }
            _ => {
                let patch = json!({"goal_id": goal});
                ("transactions.update", Some(self.transaction()), Some(patch))
            }
        }
    }

    /// What takes something back.
    fn back(&mut self) -> Request {
        match self.random.below(4) {
            0 => ("imports.undo", Some(format!("@import {}@", self.random.below(3))), None),
            1 => ("history.undo", Some(format!("@commit {}@", self.random.below(12))), None),
            _ => ("history.undo", Some("@given 0@".to_owned()), None),
        }
    }

    /// What goes for good.
    fn lose(&mut self) -> Request {
        match self.random.below(8) {
            0 => ("books.erase_texts", None, None),
            1 | 2 => {
                let actor = self.pick(&["anna", "anna", "ben", "ben", "vera", "otto", "max"]);
                let how = json!({"entered_texts": !self.random.one_in(4)});
                ("members.erase", Some(actor.to_owned()), Some(how))
            }
            _ => {
                let until = match self.random.below(8) {
                    0 => json!(null),
                    1 => json!("2024-01-01T12:01:00Z"),
                    _ => json!(format!("@commit {}@", self.random.below(20))),
                };
                let how = json!({"until": until, "lose_events": self.random.one_in(2)});
                ("books.seal", None, Some(how))
            }
        }
    }

    /// Members, the book itself, and what is made once.
    fn around(&mut self) -> Request {
        match self.random.below(9) {
            0 | 1 => {
                let actor = self.pick(&["anna", "ben", "vera", "max"]);
                let role = self.pick(&["viewer", "member", "owner"]);
                ("members.put", None, Some(json!({"actor": actor, "role": role})))
            }
            2 => {
                let actor = self.pick(&["anna", "ben", "vera", "max"]);
                ("members.remove", Some(actor.to_owned()), None)
            }
            3 => ("books.update", None, Some(json!({"name": self.pick(&["House", "Flat"])}))),
            4 => {
                let new = json!({"id": uid(1, 2), "name": "Dollars", "currency": "USD"});
                ("accounts.create", None, Some(new))
            }
            5 => ("categories.create", None, Some(Self::new_category(2))),
            6 => {
                let parent = json!({"parent_id": uid(2, self.random.below(2))});
                ("categories.update", Some(uid(2, 2)), Some(parent))
            }
            7 => {
                let rates = json!([{"quote": "USD", "rate": "1.1"}]);
                let sheet = json!({"date": "2024-01-02", "base": "EUR", "rates": rates});
                ("rates.put", None, Some(sheet))
            }
            _ => ("suggestions.apply", None, Some(json!({}))),
        }
    }

    fn read(&mut self) -> Request {
        match self.random.below(15) {
            0 => ("transactions.get", Some(self.transaction()), None),
            1 => ("transactions.explain", Some(self.transaction()), None),
            2 => ("reports.balances", None, Some(json!({"to": self.date()}))),
            3 => ("reports.spending", None, Some(json!({}))),
            4 => ("budgets.state", None, Some(json!({"month": self.month()}))),
            5 => ("envelopes.state", None, Some(json!({"month": self.month()}))),
            6 => ("goals.progress", None, Some(json!({"as_of": "2024-02-01"}))),
            7 => {
                let query = json!({"from": "2024-01-01", "to": "2024-03-01"});
                ("schedules.occurrences", None, Some(query))
            }
            8 => ("history.list", None, Some(json!({"limit": 100}))),
            9 => ("history.verify", None, None),
            10 => ("transactions.list", None, Some(self.list())),
            11 => ("events.list", None, Some(json!({"limit": 100}))),
            12 => {
                let member = self.pick(&["anna", "ben", "vera", "otto", "max"]);
                ("members.personal_data", Some(member.to_owned()), None)
            }
            13 => ("history.object", Some(self.transaction()), Some(json!({"limit": 100}))),
            _ => ("members.list", None, None),
        }
    }
}
