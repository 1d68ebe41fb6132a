//! Random values out of small pools, so that they meet each other often.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::samples::{TEXTS, bitcoin};
use super::scribe::{Scribe, bare_transaction};
use crate::conformance::sources::Random;
use crate::id::{
    AccountId, BudgetId, CategoryId, GoalId, ImportId, PayeeId, ScheduleId, TransactionId,
};
use crate::log::Hash;
use crate::model::{
    Alert, Attachment, Document, Member, Origin, Payee, Role, Source, SourceKind, Split, Status,
    Transaction,
};
use crate::money::Money;
use crate::store::{
    Delivery, DeliveryStep, EventPlace, Lease, OriginQuery, PageRequest, Position, SetAside,
    SetAsideQuery, TransactionQuery, WaitingQuery,
};

/// Account, category, bank and other ids come from as many values.
const FEW: usize = 3;

/// Random values for one pair of books.
pub(super) struct Chance {
    pub(super) random: Random,
}

impl Chance {
    /// One of a few ids; the kinds may share them.
    fn few(&mut self) -> uuid::Uuid {
        // The extremes of both halves, so that byte order and sign matter.
        let ids = [1, 0x80 << 120, u128::MAX];
        uuid::Uuid::from_u128(ids[self.random.below(FEW)])
    }

    pub(super) fn maybe<T>(
        &mut self,
        one_in: usize,
        make: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        self.random.one_in(one_in).then(|| make(self))
    }

    pub(super) fn text(&mut self) -> String {
        let text = TEXTS[self.random.below(TEXTS.len())];
        match self.random.below(4) {
            0 => text.to_uppercase(),
            1 => format!("{text}{}", TEXTS[self.random.below(TEXTS.len())]),
            _ => text.to_owned(),
        }
    }

    /// A text that may stand inside another one.
    fn part_of_text(&mut self) -> String {
        let text: Vec<char> = self.text().chars().collect();
        let from = self.random.below(text.len());
        let length = 1 + self.random.below(4);
        text.into_iter().skip(from).take(length).collect()
    }

    fn tag(&mut self) -> String {
        ["food", "Food", "fo", "", "ünï", "%", "a\"b", "a,b"][self.random.below(8)].to_owned()
    }

    fn bank_id(&mut self) -> String {
        ["b1", "B1", "b1 ", "", "'b'", "🏦"][self.random.below(6)].to_owned()
    }

    fn date(&mut self) -> NaiveDate {
        let days = ["0001-01-01", "1969-12-31", "1970-01-01", "9999-12-31"];
        if self.random.one_in(12) {
            return days[self.random.below(4)].parse().unwrap();
        }
        let first: NaiveDate = "2024-02-27".parse().unwrap();
        first + Days::new(self.random.next() % 5)
    }

    fn minor(&mut self) -> i64 {
        match self.random.below(12) {
            0 => i64::MIN,
            1 => i64::MAX,
            2 => 0,
            _ => i64::from_ne_bytes(self.random.next().to_ne_bytes()) >> self.random.below(60),
        }
    }

    fn status(&mut self) -> Status {
        let all =
            [Status::Pending, Status::Posted, Status::Reconciled, Status::Void, Status::Disputed];
        all[self.random.below(5)]
    }

    pub(super) fn transaction(&mut self, id: TransactionId) -> Transaction {
        let account_id = AccountId::new(self.few());
        let mut one = bare_transaction(id, account_id, self.date(), self.minor());
        if self.random.one_in(6) {
            one.amount = Money::from_minor(one.amount.minor(), bitcoin());
        }
        one.status = self.status();
        one.deleted = self.random.one_in(5);
        one.description = self.text();
        one.payee = self.maybe(2, Self::text);
        one.payee_source = self.maybe(3, |_| Source::provider());
        one.category_id = self.maybe(2, |chance| CategoryId::new(chance.few()));
        one.category_source = self.maybe(3, |chance| {
            if chance.random.one_in(3) { Source::learned(90) } else { Source::user() }
        });
        one.notes = self.maybe(4, Self::text);
        one.notes_source = self.maybe(5, |_| Source::user());
        one.status_source = self.maybe(5, |_| Source::user());
        one.schedule_id = self.maybe(3, |chance| ScheduleId::new(chance.few()));
        one.schedule_source = self.maybe(4, |_| Source::user());
        one.goal_id = self.maybe(3, |chance| GoalId::new(chance.few()));
        one.goal_source = self.maybe(4, |_| Source::user());
        one.value_date = self.maybe(3, Self::date);
        one.transfer_id = self.maybe(5, |chance| TransactionId::new(chance.few()));
        one.reference = self.maybe(5, Self::text);
        one.external_id = self.maybe(5, Self::text);
        if self.random.one_in(3) {
            one.tags = vec![self.tag(), self.tag()];
            one.tags_source = Some(Source::user());
        }
        if self.random.one_in(3) {
            let currency = one.amount.currency();
            one.splits = (0..2)
                .map(|_| Split {
                    amount: Money::from_minor(self.minor(), currency),
                    category_id: self.maybe(2, |chance| CategoryId::new(chance.few())),
                    notes: self.maybe(3, Self::text),
                })
                .collect();
        }
        one.origins =
            (0..self.random.below(3)).map(|_| self.origin(one.amount.currency())).collect();
        if self.random.one_in(6) {
            let text = self.text();
            one.metadata = BTreeMap::from([(text.clone(), text.clone())]);
            one.attachments =
                vec![Attachment { name: text.clone(), media_type: text.clone(), digest: text }];
        }
        one
    }

    fn origin(&mut self, currency: crate::Currency) -> Origin {
        Origin {
            import_id: ImportId::new(self.few()),
            account_id: AccountId::new(self.few()),
            booking_date: self.date(),
            amount: Money::from_minor(self.minor(), currency),
            pending: self.random.below(3) == 0,
            bank_id: self.maybe(2, Self::bank_id),
            fingerprint: Hash::of(&[&self.random.next().to_be_bytes()]).to_string(),
        }
    }

    pub(super) fn document(&mut self, scribe: &Scribe) -> Document {
        match self.random.below(4) {
            0 => crate::model::Book { name: self.text(), ..scribe.book() }.into(),
            1 => Member {
                actor: ["anna", "Anna", "böb / 2"][self.random.below(3)].parse().unwrap(),
                role: Role::Viewer,
                name: self.maybe(2, Self::text),
            }
            .into(),
            2 => Payee {
                id: PayeeId::new(self.few()),
                name: self.text(),
                aliases: vec![self.text()],
            }
            .into(),
            _ => Alert {
                budget_id: BudgetId::new(self.few()),
                from: crate::parse_date("2024-02-01").unwrap(),
                to: crate::parse_date("2024-02-29").unwrap(),
                threshold: 80,
            }
            .into(),
        }
    }

    pub(super) fn limit(&mut self, size: usize) -> u32 {
        let near = u32::try_from(size).unwrap_or(0);
        [0, 1, 2, near.saturating_sub(1), near, near + 1, u32::MAX][self.random.below(7)]
    }

    pub(super) fn request(&mut self, ids: &[TransactionId]) -> PageRequest {
        let query = TransactionQuery {
            account_id: self.maybe(5, |chance| AccountId::new(chance.few())),
            category_id: self.maybe(4, |chance| CategoryId::new(chance.few())),
            uncategorised: self.random.one_in(8),
            category_source: self.maybe(6, |chance| {
                [SourceKind::User, SourceKind::Learned, SourceKind::Rule][chance.random.below(3)]
            }),
            schedule_id: self.maybe(8, |chance| ScheduleId::new(chance.few())),
            goal_id: self.maybe(8, |chance| GoalId::new(chance.few())),
            from: self.maybe(6, Self::date),
            to: self.maybe(6, Self::date),
            status: self.maybe(6, Self::status),
            tag: self.maybe(6, Self::tag),
            text: self.maybe(4, Self::part_of_text),
            deleted: self.random.one_in(2),
            limit: None,
            cursor: None,
        };
        let after = self.maybe(3, |chance| Position {
            booking_date: chance.date(),
            id: chance.known(ids).unwrap_or(TransactionId::new(uuid::Uuid::nil())),
        });
        PageRequest { query, after, limit: self.limit(ids.len()) }
    }

    pub(super) fn origin_query(&mut self) -> OriginQuery {
        let bank_ids = (0..self.random.below(3)).map(|_| self.bank_id()).collect();
        let (from, to) = (self.date(), self.date());
        OriginQuery { account_id: AccountId::new(self.few()), from, to, bank_ids }
    }

    pub(super) fn sink(&mut self) -> &'static str {
        ["hooks", "HOOKS", "büs"][self.random.below(3)]
    }

    /// One of few instants, some of them as far apart as can be told.
    fn instant(&mut self) -> chrono::DateTime<chrono::Utc> {
        let micros = [-1, 0, 1, 1_704_110_400_123_456, 1_704_110_400_123_457];
        chrono::DateTime::from_timestamp_micros(micros[self.random.below(5)]).unwrap()
    }

    fn place(&mut self) -> EventPlace {
        let number = [0, 1, 2, u32::MAX][self.random.below(4)];
        EventPlace { seq: self.random.next() % 4, number }
    }

    /// A step of a delivery that has this version, in a book of so many commits.
    pub(super) fn step(&mut self, version: u64, commits: u64) -> DeliveryStep {
        let expected = if self.random.one_in(6) { self.random.next() % 3 } else { version };
        let delivery = Delivery {
            version: version + 1,
            seq: self.random.next() % (commits + if self.random.one_in(6) { 2 } else { 1 }),
            events: [0, 1, u32::MAX][self.random.below(3)],
            lease: self.maybe(3, |chance| Lease { owner: chance.text(), until: chance.instant() }),
            tries: [0, 1, u32::MAX][self.random.below(3)],
            misses: [0, 1, u32::MAX][self.random.below(3)],
            failure: self.maybe(3, Self::text),
            retry_at: self.maybe(3, Self::instant),
        };
        let mut put_aside: Vec<SetAside> = Vec::new();
        for _ in 0..self.random.below(3) {
            let place = self.place();
            if put_aside.iter().all(|event| event.place != place) {
                put_aside.push(SetAside {
                    place,
                    event_id: crate::EventId::new(self.few()),
                    name: self.text(),
                    tries: 3,
                    reason: self.text(),
                    at: self.instant(),
                    again: self.random.one_in(2),
                });
            }
        }
        let taken_back = (0..self.random.below(3)).map(|_| self.place()).collect();
        DeliveryStep { expected, delivery, put_aside, taken_back }
    }

    pub(super) fn set_aside_query(&mut self) -> SetAsideQuery {
        let after = self.maybe(3, Self::place);
        SetAsideQuery { after, again: self.random.one_in(2), limit: self.limit(4) }
    }

    /// All of the books that wait.
    pub(super) fn waiting_query(&mut self) -> WaitingQuery {
        WaitingQuery { sink: String::new(), now: self.instant(), after: None, limit: u32::MAX }
    }

    pub(super) fn known(&mut self, ids: &[TransactionId]) -> Option<TransactionId> {
        self.random.pick(ids).copied()
    }
}
