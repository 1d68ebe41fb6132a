//! One transaction: its fields as they are met, and the row that they make.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::json::{Broken, Json, Scalar};
use super::values;
use crate::error::ErrorCode;
use crate::import::text::{Lines, iso_date, one_line};
use crate::import::{Correction, Problem, Row, Rows};
use crate::money::Amount;

/// The fields of a transaction.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    at: usize,
    pub(super) account: Cow<'a, str>,
    amount: Option<Amount>,
    date: Option<NaiveDate>,
    posted: Option<NaiveDate>,
    iso_currency: Cow<'a, str>,
    other_currency: Cow<'a, str>,
    id: Cow<'a, str>,
    pending_id: Cow<'a, str>,
    is_pending: bool,
    original: Cow<'a, str>,
    name: Cow<'a, str>,
    merchant: Cow<'a, str>,
    counterparty: Cow<'a, str>,
    counterparty_account: Cow<'a, str>,
    paid_by: Cow<'a, str>,
    paid_to: Cow<'a, str>,
    check_number: Cow<'a, str>,
    reference: Cow<'a, str>,
    category: Cow<'a, str>,
    category_code: Cow<'a, str>,
    faults: Vec<Fault>,
}

/// What is wrong with a transaction.
#[derive(Debug)]
struct Fault {
    at: usize,
    code: ErrorCode,
    field: &'static str,
    message: &'static str,
}

impl<'a> Entry<'a> {
    /// Reads the object that has been entered and begins at this byte.
    pub(super) fn read(json: &mut Json<'a>, at: usize) -> Result<Self, Broken> {
        let mut entry = Self { at, ..Self::default() };
        while let Some(key) = json.next_key()? {
            entry.take(key, json)?;
        }
        Ok(entry)
    }

    fn take(&mut self, key: &str, json: &mut Json<'a>) -> Result<(), Broken> {
        let field = match key {
            "amount" => return self.take_amount(json),
            "date" | "date_transacted" => return self.take_date(json, false),
            "date_posted" => return self.take_date(json, true),
            "pending" => {
                self.is_pending = json.scalar()? == Scalar::Bool(true);
                return Ok(());
            }
            "account_id" => &mut self.account,
            "iso_currency_code" | "currency" => &mut self.iso_currency,
            "unofficial_currency_code" => &mut self.other_currency,
            "transaction_id" | "investment_transaction_id" => &mut self.id,
            "pending_transaction_id" => &mut self.pending_id,
            "original_description" => &mut self.original,
            "name" | "description" => &mut self.name,
            "merchant_name" => &mut self.merchant,
            "check_number" => &mut self.check_number,
            "payment_meta" => return self.take_payment(json),
            "personal_finance_category" => return self.take_category_code(json),
            "category" => return self.take_category(json),
            "counterparties" => return self.take_counterparties(json),
            _ => return json.skip(),
        };
        *field = text(json)?;
        Ok(())
    }

    fn take_amount(&mut self, json: &mut Json<'a>) -> Result<(), Broken> {
        let at = json.at();
        let value = json.scalar()?;
        let number = match &value {
            Scalar::Number(number) => *number,
            // Programs that mistrust numbers write them as texts.
            Scalar::Text(text) => text.trim(),
            Scalar::Null => return Ok(()),
            _ => "",
        };
        match values::turned_amount(number) {
            Ok(amount) if self.amount.is_some_and(|known| known != amount) => {
                self.contradict(at, "amount");
            }
            Ok(amount) => self.amount = Some(amount),
            Err(code) => {
                let message = values::explain(code);
                self.faults.push(Fault { at, code, field: "amount", message });
            }
        }
        Ok(())
    }

    fn take_date(&mut self, json: &mut Json<'a>, is_posted: bool) -> Result<(), Broken> {
        let at = json.at();
        let field = if is_posted { "date_posted" } else { "date" };
        let date = match json.scalar()? {
            Scalar::Text(text) => iso_date(text.trim()),
            Scalar::Null => return Ok(()),
            _ => None,
        };
        let known = if is_posted { &mut self.posted } else { &mut self.date };
        match (date, *known) {
            (Some(date), Some(known)) if date != known => self.contradict(at, field),
            (Some(_), _) => *known = date,
            (None, _) => {
                let message = "expected a date that exists, such as `2024-01-31`";
                self.faults.push(Fault { at, code: ErrorCode::InvalidDate, field, message });
            }
        }
        Ok(())
    }

    fn contradict(&mut self, at: usize, field: &'static str) {
        let message = "the transaction has two different values of this field";
        self.faults.push(Fault { at, code: ErrorCode::AmbiguousFile, field, message });
    }

    fn take_payment(&mut self, json: &mut Json<'a>) -> Result<(), Broken> {
        if !json.enter(b'{')? {
            return json.skip();
        }
        while let Some(key) = json.next_key()? {
            let field = match key {
                "payee" => &mut self.paid_to,
                "payer" => &mut self.paid_by,
                "reference_number" => &mut self.reference,
                _ => {
                    json.skip()?;
                    continue;
                }
            };
            *field = text(json)?;
        }
        Ok(())
    }

    fn take_category_code(&mut self, json: &mut Json<'a>) -> Result<(), Broken> {
        if !json.enter(b'{')? {
            return json.skip();
        }
        let mut primary = Cow::default();
        while let Some(key) = json.next_key()? {
            match key {
                "detailed" => self.category_code = text(json)?,
                "primary" => primary = text(json)?,
                _ => json.skip()?,
            }
        }
        if self.category_code.is_empty() {
            self.category_code = primary;
        }
        Ok(())
    }

    /// The old category, from the general to the particular.
    fn take_category(&mut self, json: &mut Json<'a>) -> Result<(), Broken> {
        if !json.enter(b'[')? {
            self.category = text(json)?;
            return Ok(());
        }
        while json.next_value()? {
            let part = text(json)?;
            match self.category.is_empty() {
                true => self.category = part,
                false => self.category.to_mut().extend([":", &part]),
            }
        }
        Ok(())
    }

    /// The first counterparty is the one that the money goes to or comes from.
    fn take_counterparties(&mut self, json: &mut Json<'a>) -> Result<(), Broken> {
        if !json.enter(b'[')? {
            return json.skip();
        }
        while json.next_value()? {
            let is_first = self.counterparty.is_empty() && self.counterparty_account.is_empty();
            if !is_first || !json.enter(b'{')? {
                json.skip()?;
                continue;
            }
            while let Some(key) = json.next_key()? {
                match key {
                    "name" => self.counterparty = text(json)?,
                    "account_numbers" => self.take_account_numbers(json)?,
                    _ => json.skip()?,
                }
            }
        }
        Ok(())
    }

    fn take_account_numbers(&mut self, json: &mut Json<'a>) -> Result<(), Broken> {
        if !json.enter(b'{')? {
            return json.skip();
        }
        while json.next_key()?.is_some() {
            if !json.enter(b'{')? {
                json.skip()?;
                continue;
            }
            while let Some(key) = json.next_key()? {
                match key {
                    "iban" => self.counterparty_account = text(json)?,
                    "account" if self.counterparty_account.is_empty() => {
                        self.counterparty_account = text(json)?;
                    }
                    _ => json.skip()?,
                }
            }
        }
        Ok(())
    }

    /// The transaction's currency code.
    pub(super) fn currency(&self) -> Option<&str> {
        given(&self.iso_currency).or(given(&self.other_currency))
    }

    /// Whether nothing is missing or wrong.
    pub(super) fn is_whole(&self) -> bool {
        self.faults.is_empty() && self.amount.is_some() && self.date.or(self.posted).is_some()
    }

    /// Adds the row, or says what is wrong with the transaction. In a list of changes the row takes
    /// the place of the one with its id.
    pub(super) fn finish(
        mut self,
        currency: Option<&str>,
        is_change: bool,
        rows: &mut Rows,
        lines: &mut Lines<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let line = lines.at(self.at);
        let date = self.date.or(self.posted);
        let (Some(amount), Some(date), true) = (self.amount, date, self.faults.is_empty()) else {
            self.report(line, lines, problems);
            return;
        };
        let is_out = amount < Amount::ZERO;
        let paid = if is_out { &self.paid_to } else { &self.paid_by };
        rows.push(&Row {
            value_date: self.posted.filter(|_| self.date.is_some()),
            currency: self.currency().filter(|own| Some(*own) != currency),
            description: given(&self.original).unwrap_or(&self.name),
            payee: given(&self.merchant).or(given(&self.counterparty)).or(given(paid)),
            bank_id: given(&self.id),
            reference: given(&self.check_number).or(given(&self.reference)),
            category: given(&self.category_code).or(given(&self.category)),
            counterparty_account: given(&self.counterparty_account),
            pending: self.is_pending,
            corrects: given(&self.id).filter(|_| is_change).map(Correction::Replaces),
            pending_id: given(&self.pending_id),
            ..Row::new(line, date, amount)
        });
    }

    #[cold]
    fn report(&mut self, line: u64, lines: &mut Lines<'_>, problems: &mut Vec<Problem>) {
        let is_named =
            |faults: &[Fault], field: &str| faults.iter().any(|fault| fault.field == field);
        let (at, code) = (self.at, ErrorCode::MalformedFile);
        if self.amount.is_none() && !is_named(&self.faults, "amount") {
            let message = "the transaction has no amount";
            self.faults.push(Fault { at, code, field: "amount", message });
        }
        if self.date.or(self.posted).is_none() && !is_named(&self.faults, "date") {
            let message = "the transaction has no date";
            self.faults.push(Fault { at, code, field: "date", message });
        }
        self.faults.sort_by_key(|fault| fault.at);
        problems.extend(self.faults.drain(..).map(|fault| Problem {
            code: fault.code,
            message: fault.message.to_owned(),
            line: Some(lines.at(fault.at).max(line)),
            field: Some(fault.field.to_owned()),
        }));
    }
}

/// The next value as one line; nothing where it is no text.
fn text<'a>(json: &mut Json<'a>) -> Result<Cow<'a, str>, Broken> {
    Ok(json.text()?.map(one_line).unwrap_or_default())
}

fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
