//! Draws a run from a seed: two books of two households that use the same ids, a few actors, two
//! processes, and whatever may happen to them. Values come out of small pools, so that they meet.

use fiscaflow_core::api::Call;
use fiscaflow_core::conformance::Random;
use fiscaflow_core::engine::{Context, Point};
use serde_json::{Value, json};

use super::requests::Requests;
use super::script::{Act, Does, Fault, Script, Step};
use super::seals::takes_away;
use super::words;

/// How many processes there are.
pub const PROCESSES: usize = 2;
/// Polls that end whatever can end.
const TO_THE_END: u32 = 100_000;
/// Steps after those that make the books.
const STEPS: usize = 26;
/// Whose the books are.
const OWNERS: [&str; 2] = ["anna", "otto"];

/// The id of the object with that number, of a kind.
pub fn uid(kind: u32, number: usize) -> String {
    format!("018f0000-0000-7000-8{kind:03x}-{number:012x}")
}

/// The book with that number; book 2 is never made.
pub fn book(number: usize) -> String {
    uid(0, number)
}

/// The run of a seed.
pub fn script(seed: u64) -> Script {
    let mut draw = Draw {
        random: Random::new(seed.wrapping_mul(0x5851_f42d_4c95_7f2d) + 1),
        steps: Vec::new(),
        calls: Vec::new(),
    };
    draw.set_up();
    for _ in 0..STEPS {
        let act = draw.act();
        draw.step(act);
    }
    Script { seed, planted: None, breaks: None, steps: draw.steps }
}

struct Draw {
    random: Random,
    steps: Vec<Step>,
    /// The steps that call with a key, by their numbers.
    calls: Vec<u32>,
}

impl Draw {
    fn number(&self) -> u32 {
        u32::try_from(self.steps.len()).unwrap()
    }

    /// Both households as they begin, without anything that fails.
    fn set_up(&mut self) {
        for (at, owner) in OWNERS.into_iter().enumerate() {
            let new = json!({"id": book(at), "name": format!("Home {at}"), "currency": "EUR"});
            self.begin(None, owner, "books.create", new);
            let (actor, role) = [("ben", "member"), ("anna", "viewer")][at];
            let member = json!({"actor": actor, "role": role});
            self.begin(Some(at), owner, "members.put", member);
            for (number, name) in ["Giro", "Savings"].into_iter().enumerate() {
                let new = json!({"id": uid(1, number), "name": name, "opening_balance": "100.00"});
                self.begin(Some(at), owner, "accounts.create", new);
            }
            for number in [0, 1, 3] {
                let new = Requests::new_category(number);
                self.begin(Some(at), owner, "categories.create", new);
            }
        }
        let vera = json!({"actor": "vera", "role": "viewer"});
        self.begin(Some(0), "anna", "members.put", vera);
        for at in [0, 0, 0, 0, 1, 1] {
            let (verb, _, request) = Requests { random: &mut self.random }.record();
            self.begin(Some(at), OWNERS[at], verb, request.unwrap());
        }
        let (verb, _, request) = Requests { random: &mut self.random }.import();
        self.begin(Some(0), "anna", verb, request.unwrap());
        // What can be linked, and what can be taken back, from the beginning on.
        for (number, amount) in [(0, "-25.00"), (1, "25.00")] {
            let new = json!({"id": uid(3, 8 + number), "account_id": uid(1, number),
                "booking_date": "2024-01-05", "amount": amount});
            self.begin(Some(0), "anna", "transactions.create", new);
        }
        let ids = ["@transaction 0@", "@transaction 1@"];
        let given = json!({"ids": ids, "category_id": uid(2, 1)});
        self.begin(Some(0), "anna", "transactions.recategorise", given);
    }

    fn begin(&mut self, at: Option<usize>, actor: &str, verb: &str, request: Value) {
        let mut call = Call {
            verb: verb.to_owned(),
            book_id: at.map(|at| book(at).parse().unwrap()),
            context: Context::new(actor.parse().unwrap()),
            id: None,
            request: Some(request),
        };
        let (number, process) = (self.number(), self.steps.len() % PROCESSES);
        words::put_into(&mut call, number, &mut self.random);
        let (act, faults, cancel) = (Act::Call(call), Vec::new(), None);
        let (polls, chance) = (TO_THE_END, 0);
        self.steps.push(Step { number, process, act, polls, chance, faults, cancel });
    }

    fn act(&mut self) -> Act {
        match self.random.below(24) {
            0..=3 => Act::Round,
            4 => Act::Restart,
            5 => Act::Pass([1, 30, 61, 3_600, 86_400][self.random.below(5)]),
            6 | 7 => Act::Look,
            8 | 9 if !self.calls.is_empty() => {
                // Mostly one of the last: those may be under way still.
                let back = 1 + self.random.below(4).min(self.calls.len() - 1);
                Act::Repeat(self.calls[self.calls.len() - back])
            }
            10 => Act::Walk(self.walk()),
            _ => Act::Call(self.call()),
        }
    }

    fn actor(&mut self, at: usize) -> &'static str {
        let actors: &[&str] = match at {
            0 => &[
                "anna", "anna", "anna", "anna", "anna", "ben", "ben", "ben", "ben", "vera", "otto",
            ],
            1 => &["otto", "otto", "otto", "otto", "otto", "anna", "ben"],
            _ => &["anna"],
        };
        actors[self.random.below(actors.len())]
    }

    fn call(&mut self) -> Call {
        let at = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2][self.random.below(16)];
        let mut actor = self.actor(at);
        let (verb, id, request) = Requests { random: &mut self.random }.any();
        if takes_away(verb) && !self.random.one_in(5) {
            actor = OWNERS[at.min(1)];
        }
        let mut context = Context::new(actor.parse().unwrap());
        let number = self.number();
        let is_write = super::roles::role_for(verb) != fiscaflow_core::model::Role::Viewer;
        if is_write && self.random.below(8) < 5 {
            let key = match self.calls.last() {
                Some(earlier) if self.random.one_in(8) => *earlier,
                _ => number,
            };
            context.idempotency_key = Some(format!("key {key}"));
            self.calls.push(number);
        }
        if !is_write && self.random.one_in(3) {
            let seq = u64::try_from(1 + self.random.below(40)).unwrap();
            context.as_of = Some(Point::Seq(seq));
        }
        let book_id = Some(book(at).parse().unwrap());
        let mut call = Call { verb: verb.to_owned(), book_id, context, id, request };
        if is_write {
            words::put_into(&mut call, number, &mut self.random);
        }
        call
    }

    fn walk(&mut self) -> Call {
        let at = self.random.below(2);
        let request = Some(Requests { random: &mut self.random }.list());
        let context = Context::new(OWNERS[at].parse().unwrap());
        let (verb, book_id) = ("transactions.list".to_owned(), Some(book(at).parse().unwrap()));
        Call { verb, book_id, context, id: None, request }
    }

    fn step(&mut self, act: Act) {
        let process = self.random.below(PROCESSES);
        let runs = matches!(act, Act::Call(_) | Act::Repeat(_) | Act::Walk(_) | Act::Round);
        let mut faults = Vec::new();
        if runs && self.random.one_in(3) {
            for _ in 0..=self.random.below(2) {
                let at = u32::try_from(self.random.below(9)).unwrap();
                let some = u32::try_from(1 + self.random.below(12)).unwrap();
                let all = [
                    Does::Refuse,
                    Does::Lose,
                    Does::Lose,
                    Does::Slow(some),
                    Does::Slow(some),
                    Does::Late(some),
                ];
                faults.push(Fault { at, does: all[self.random.below(all.len())] });
            }
        }
        let cancel = (runs && self.random.one_in(9)).then(|| self.random.below(16) + 1);
        let cancel = cancel.map(|polls| u32::try_from(polls).unwrap());
        let polls = match self.random.below(4) {
            0 => TO_THE_END,
            _ => u32::try_from(self.random.below(14)).unwrap(),
        };
        let (number, chance) = (self.number(), self.random.next());
        self.steps.push(Step { number, process, act, polls, chance, faults, cancel });
    }
}
