//! One entry of a statement (`Ntry`): its fields as they are met, and the rows that they make.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::detail::{Detail, is_void, signed};
use super::nodes::{Leaf, Message};
use super::scan::{Text, attribute};
use super::values;
use crate::error::ErrorCode;
use crate::import::text::{Lines, iso_date, one_line};
use crate::import::{Problem, Row, Rows};
use crate::limits::MAX_DESCRIPTION_BYTES;
use crate::money::Amount;

/// The fields of an entry.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    at: usize,
    amount: Option<Amount>,
    currency: &'a str,
    is_credit: Option<bool>,
    is_reversal: bool,
    status: Option<Status>,
    booking_date: Option<NaiveDate>,
    value_date: Option<NaiveDate>,
    entry_reference: Cow<'a, str>,
    servicer_reference: Cow<'a, str>,
    details: Vec<Detail<'a>>,
    /// The texts of all details, one after the other.
    texts: Vec<Cow<'a, str>>,
    own_text: Cow<'a, str>,
    faults: Vec<Fault>,
    /// Whether its tags do not fit, so that no value after that can be trusted.
    is_broken: bool,
    /// A description of several parts; kept because its memory serves the next entry.
    joined: String,
}

/// What the bank says of an entry (ISO 20022 external code set, entry status).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Booked,
    /// Not booked yet, or known but booked in the future.
    Pending,
    /// Told, but no movement of the account.
    Information,
}

/// What is wrong with an entry.
#[derive(Debug)]
struct Fault {
    /// The byte at which it is seen.
    at: usize,
    code: ErrorCode,
    field: &'static str,
    message: &'static str,
}

/// What an entry needs to know of its statement, and where its rows go.
#[derive(Debug)]
pub(super) struct Place<'p, 'a> {
    pub(super) message: Message,
    pub(super) account: Option<&'p str>,
    /// The currency of the statement: that of the first row where the account tells none.
    pub(super) currency: &'p mut Option<String>,
    /// When the message was made, for entries without any date.
    pub(super) created: Option<NaiveDate>,
    pub(super) rows: &'p mut Rows,
    pub(super) lines: &'p mut Lines<'a>,
    pub(super) problems: &'p mut Vec<Problem>,
}

/// What was settled of an entry, for its rows.
struct Settled {
    line: u64,
    booking_date: NaiveDate,
    is_credit: bool,
    is_pending: bool,
}

impl<'a> Entry<'a> {
    /// Begins the next entry and forgets the last one.
    pub(super) fn begin(&mut self, at: usize) {
        self.details.clear();
        self.texts.clear();
        self.faults.clear();
        *self = Self {
            at,
            details: std::mem::take(&mut self.details),
            texts: std::mem::take(&mut self.texts),
            faults: std::mem::take(&mut self.faults),
            joined: std::mem::take(&mut self.joined),
            ..Self::default()
        };
    }

    /// Begins the details of a transaction.
    pub(super) fn begin_detail(&mut self) {
        self.details.push(Detail::new(self.texts.len()));
    }

    /// The byte at which the entry begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn detail_count(&self) -> usize {
        self.details.len()
    }

    /// Says that the tags of the entry do not fit.
    pub(super) fn break_at(&mut self, at: usize, message: &'static str) {
        // The first place is where to look; what follows from it would fill pages.
        if !self.is_broken {
            self.is_broken = true;
            let code = ErrorCode::MalformedFile;
            self.faults.push(Fault { at, code, field: "Ntry", message });
        }
    }

    /// Takes a value.
    pub(super) fn take(&mut self, text: Text<'a>) {
        let Text { leaf, attributes, value, at } = text;
        if self.is_broken {
            return;
        }
        let Some(value) = value else {
            let message = "the text has an entity that the format does not know";
            let code = ErrorCode::MalformedFile;
            self.faults.push(Fault { at, code, field: leaf.name(), message });
            return;
        };
        let is_again = match leaf {
            Leaf::Remittance | Leaf::DetailText => return self.take_text(value),
            Leaf::Amount => self.take_amount(attributes, value.trim_ascii(), at),
            Leaf::Sign => match values::is_credit(value.trim_ascii()) {
                Some(is_credit) => again(&mut self.is_credit, is_credit),
                None => return self.unclear_sign(at),
            },
            Leaf::BookingDate | Leaf::ValueDate => self.take_date(leaf, value.trim_ascii(), at),
            Leaf::Status => self.take_status(value.trim_ascii(), at),
            Leaf::Reversal => {
                self.is_reversal = matches!(value.trim_ascii(), "true" | "1");
                false
            }
            Leaf::EntryText => return keep_first(&mut self.own_text, value),
            Leaf::EntryReference => return keep_first(&mut self.entry_reference, value),
            Leaf::ServicerReference => return keep_first(&mut self.servicer_reference, value),
            _ => {
                if let Some(detail) = self.details.last_mut() {
                    detail.take(leaf, attributes, value);
                }
                return;
            }
        };
        if is_again {
            let message = "the entry has two different values of this field";
            let code = ErrorCode::AmbiguousFile;
            self.faults.push(Fault { at, code, field: leaf.name(), message });
        }
    }

    fn take_text(&mut self, value: Cow<'a, str>) {
        let value = one_line(value);
        if !value.is_empty() {
            self.texts.push(value);
        }
    }

    fn take_amount(&mut self, attributes: &'a str, value: &str, at: usize) -> bool {
        let amount = match values::amount(value) {
            Ok(amount) => amount,
            Err(code) => {
                let message = values::explain(code);
                self.faults.push(Fault { at, code, field: Leaf::Amount.name(), message });
                return false;
            }
        };
        let is_first = self.amount.is_none();
        let currency = attribute(attributes, "Ccy").unwrap_or_default();
        let is_other_currency = !is_first && currency != self.currency;
        self.currency = currency;
        again(&mut self.amount, amount) || is_other_currency
    }

    fn take_date(&mut self, leaf: Leaf, value: &str, at: usize) -> bool {
        if value.is_empty() {
            return false;
        }
        let Some(date) = iso_date(value) else {
            let message = "expected a date that exists, such as `2024-01-31`";
            let code = ErrorCode::InvalidDate;
            self.faults.push(Fault { at, code, field: leaf.name(), message });
            return false;
        };
        let field =
            if leaf == Leaf::ValueDate { &mut self.value_date } else { &mut self.booking_date };
        again(field, date)
    }

    fn take_status(&mut self, value: &str, at: usize) -> bool {
        let status = match value {
            "" => return false,
            "BOOK" => Status::Booked,
            "PDNG" | "FUTR" => Status::Pending,
            "INFO" => Status::Information,
            _ => {
                let message = "the status is none of `BOOK`, `PDNG`, `FUTR` and `INFO`";
                let code = ErrorCode::MalformedFile;
                self.faults.push(Fault { at, code, field: Leaf::Status.name(), message });
                return false;
            }
        };
        again(&mut self.status, status)
    }

    fn unclear_sign(&mut self, at: usize) {
        let message = "expected `CRDT`, money in, or `DBIT`, money out: the amount may be either";
        let code = ErrorCode::AmbiguousFile;
        self.faults.push(Fault { at, code, field: Leaf::Sign.name(), message });
    }

    /// Adds the entry's rows, or says what is wrong with it. Answers with the entry's reference
    /// (`NtryRef`) where its only row has no id.
    pub(super) fn finish(&mut self, place: &mut Place<'_, 'a>) -> Option<Cow<'a, str>> {
        let line = place.lines.at(self.at);
        if self.status == Some(Status::Information) && !self.is_broken {
            return None;
        }
        let booking_date = self.booking_date.or(self.value_date).or(place.created);
        if !self.is_broken {
            self.miss(booking_date.is_none(), place.message);
        }
        let (Some(amount), Some(is_credit), Some(booking_date), true) =
            (self.amount, self.is_credit, booking_date, self.faults.is_empty())
        else {
            self.report(place);
            return None;
        };
        if place.currency.is_none() && !self.currency.is_empty() {
            *place.currency = Some(self.currency.to_owned());
        }
        let is_pending = self.status == Some(Status::Pending);
        let settled = Settled { line, booking_date, is_credit, is_pending };
        let amount = signed(amount, is_credit);
        if self.details.len() > 1 && self.adds_up(amount, is_credit) {
            self.push_each(&settled, place);
            return None;
        }
        self.push_whole(&settled, amount, place)
    }

    /// Notes what the entry does not say.
    fn miss(&mut self, has_no_date: bool, message: Message) {
        let (at, code) = (self.at, ErrorCode::MalformedFile);
        let is_named =
            |faults: &[Fault], leaf: Leaf| faults.iter().any(|fault| fault.field == leaf.name());
        if self.amount.is_none() && !is_named(&self.faults, Leaf::Amount) {
            let message = "the entry has no amount";
            self.faults.push(Fault { at, code, field: Leaf::Amount.name(), message });
        }
        if self.is_credit.is_none() && !is_named(&self.faults, Leaf::Sign) {
            self.unclear_sign(at);
        }
        if has_no_date && !is_named(&self.faults, Leaf::BookingDate) {
            let message = "the entry has no date";
            self.faults.push(Fault { at, code, field: Leaf::BookingDate.name(), message });
        }
        // A statement holds what is booked; a report of a running day also what is not yet.
        let is_unclear = self.status.is_none() && message == Message::Report;
        if is_unclear && !is_named(&self.faults, Leaf::Status) {
            let message = "the entry has no status: it may be booked or pending";
            let code = ErrorCode::AmbiguousFile;
            self.faults.push(Fault { at, code, field: Leaf::Status.name(), message });
        }
    }

    /// Writes down what is wrong, in the file's order.
    #[cold]
    fn report(&mut self, place: &mut Place<'_, 'a>) {
        self.faults.sort_by_key(|fault| fault.at);
        place.problems.extend(self.faults.drain(..).map(|fault| Problem {
            code: fault.code,
            message: fault.message.to_owned(),
            line: Some(place.lines.at(fault.at)),
            field: Some(fault.field.to_owned()),
        }));
    }

    /// Whether every detail has its amount and they make up that of the entry.
    fn adds_up(&self, amount: Amount, is_credit: bool) -> bool {
        let sum = self.details.iter().try_fold(Amount::ZERO, |sum, detail| {
            sum.checked_add(detail.signed_amount(self.currency, is_credit)?).ok()
        });
        sum == Some(amount)
    }

    /// Adds the entry as one row.
    fn push_whole(
        &mut self,
        settled: &Settled,
        amount: Amount,
        place: &mut Place<'_, 'a>,
    ) -> Option<Cow<'a, str>> {
        let mut joined = std::mem::take(&mut self.joined);
        let facts = self.common_facts(settled, place.account);
        let description =
            description(&self.texts, &self.own_text, facts.payee.unwrap_or_default(), &mut joined);
        let id = match self.details.as_slice() {
            _ if !self.servicer_reference.is_empty() && !is_void(&self.servicer_reference) => {
                &self.servicer_reference
            }
            [detail] => detail.servicer_reference(),
            _ => "",
        };
        let row = self.row(settled, amount, place.currency.as_deref());
        place.rows.push(&Row { description, bank_id: text(id), ..facts.into_row(row) });
        let has_id = !id.is_empty();
        self.joined = joined;
        let reference = std::mem::take(&mut self.entry_reference);
        (!has_id && !reference.is_empty() && !is_void(&reference)).then_some(reference)
    }

    /// What all details have in common.
    fn common_facts(&self, settled: &Settled, account: Option<&str>) -> Facts<'_> {
        let facts = |detail| self.facts(detail, settled, account);
        let mut details = self.details.iter();
        let mut common = details.next().map(facts).unwrap_or_default();
        for detail in details {
            let other = facts(detail);
            common.payee = common.payee.filter(|payee| other.payee == Some(payee));
            common.account = common.account.filter(|account| other.account == Some(account));
            common.reference = common.reference.filter(|text| other.reference == Some(text));
        }
        common
    }

    /// Adds a row for each detail.
    fn push_each(&mut self, settled: &Settled, place: &mut Place<'_, 'a>) {
        let mut joined = std::mem::take(&mut self.joined);
        let mut ids: Vec<&str> = self.details.iter().map(Detail::servicer_reference).collect();
        ids.sort_unstable();
        // A reference that several share is that of the entry.
        let has_ids = ids.windows(2).all(|pair| pair.first() != pair.last());
        for (index, detail) in self.details.iter().enumerate() {
            let Some(amount) = detail.signed_amount(self.currency, settled.is_credit) else {
                continue;
            };
            let next = self.details.get(index.saturating_add(1));
            let to = next.map_or(self.texts.len(), |next| next.texts_from);
            let texts = self.texts.get(detail.texts_from..to).unwrap_or_default();
            let facts = self.facts(detail, settled, place.account);
            let own_text = if texts.is_empty() { &*self.own_text } else { "" };
            let payee = facts.payee.unwrap_or_default();
            let description = description(texts, own_text, payee, &mut joined);
            let bank_id = text(detail.servicer_reference()).filter(|_| has_ids);
            let row = self.row(settled, amount, place.currency.as_deref());
            place.rows.push(&Row { description, bank_id, ..facts.into_row(row) });
        }
        self.joined = joined;
    }

    fn row<'r>(&'r self, settled: &Settled, amount: Amount, currency: Option<&str>) -> Row<'r> {
        Row {
            value_date: self.value_date,
            currency: text(self.currency).filter(|own| Some(*own) != currency),
            pending: settled.is_pending,
            ..Row::new(settled.line, settled.booking_date, amount)
        }
    }

    fn facts<'d>(
        &'d self,
        detail: &'d Detail<'a>,
        settled: &Settled,
        account: Option<&str>,
    ) -> Facts<'d> {
        let is_credit = detail.is_credit(settled.is_credit);
        // A single detail may carry the direction of what it was made from, as after a return.
        let is_credit = if self.details.len() > 1 { is_credit } else { settled.is_credit };
        let (payee, account) = detail.other_party(is_credit, self.is_reversal, account);
        Facts { payee: text(payee), account: text(account), reference: text(detail.reference()) }
    }
}

/// What a row takes from the details.
#[derive(Default)]
struct Facts<'a> {
    payee: Option<&'a str>,
    account: Option<&'a str>,
    reference: Option<&'a str>,
}

impl<'a> Facts<'a> {
    fn into_row(self, row: Row<'a>) -> Row<'a> {
        let Self { payee, account, reference } = self;
        Row { payee, counterparty_account: account, reference, ..row }
    }
}

/// The description: the texts, each once, joined by a blank; the other party's name where there is
/// no text at all. Of a great many only those are taken that a description can hold.
fn description<'d>(
    texts: &'d [Cow<'_, str>],
    own_text: &'d str,
    payee: &'d str,
    joined: &'d mut String,
) -> &'d str {
    match (texts, own_text) {
        ([], "") => return payee,
        ([], own) => return own,
        ([text], "") => return text,
        _ => {}
    }
    joined.clear();
    let parts = texts.iter().map(|text| &**text).chain(text(own_text));
    for (index, part) in parts.enumerate() {
        let is_repeated = texts.iter().take(index.min(MAX_COMPARED)).any(|text| text == part);
        let length = joined.len().saturating_add(part.len());
        if is_repeated || length >= MAX_DESCRIPTION_BYTES && !joined.is_empty() {
            continue;
        }
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(part);
    }
    joined
}

/// How many texts a further one is compared with.
const MAX_COMPARED: usize = 32;

/// Keeps a value; says whether there is another one already.
fn again<T: PartialEq>(field: &mut Option<T>, value: T) -> bool {
    match field {
        Some(known) => *known != value,
        None => {
            *field = Some(value);
            false
        }
    }
}

fn keep_first<'a>(field: &mut Cow<'a, str>, value: Cow<'a, str>) {
    if field.is_empty() {
        *field = one_line(value);
    }
}

fn text(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
