//! One entry of a statement: its fields as they are met, and the row that they make.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::tags::Tag;
use super::text::join;
use super::values::{self, Style};
use crate::error::ErrorCode;
use crate::import::text::{Lines, one_line};
use crate::import::{Correction, Problem, Row, Rows};
use crate::money::Amount;

/// The fields of a `STMTTRN` (specification 2.3, section 11.4.4) or a pending `STMTTRNP`.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    line: u64,
    is_pending: bool,
    date: Field<'a>,
    amount: Field<'a>,
    value_date: Field<'a>,
    fit_id: Field<'a>,
    corrected_id: Field<'a>,
    correction: Field<'a>,
    check_number: Field<'a>,
    reference: Field<'a>,
    name: Field<'a>,
    extended_name: Field<'a>,
    payee: Field<'a>,
    memo: Field<'a>,
    currency: Field<'a>,
    contradiction: Option<(Tag, usize)>,
}

/// A value and the byte at which its tag begins; without a value where it is blank.
#[derive(Debug, Default)]
struct Field<'a> {
    text: Cow<'a, str>,
    at: usize,
}

impl Field<'_> {
    fn is_missing(&self) -> bool {
        self.text.is_empty()
    }

    fn to_option(&self) -> Option<&str> {
        (!self.is_missing()).then_some(&*self.text)
    }
}

/// What is wrong with a field.
struct Fault {
    at: Option<usize>,
    code: ErrorCode,
    field: Tag,
    message: &'static str,
}

impl<'a> Entry<'a> {
    pub(super) fn new(line: u64, is_pending: bool) -> Self {
        Self { line, is_pending, ..Self::default() }
    }

    /// Takes a value; `inside` is the innermost aggregate open. Of a repeated field the first value
    /// counts, but an entry cannot have two dates or two amounts.
    pub(super) fn take(&mut self, tag: Tag, inside: Tag, text: Cow<'a, str>, at: usize) {
        let field = match (tag, inside) {
            (Tag::DtPosted, _) => &mut self.date,
            (Tag::DtTran, Tag::StmtTrnP) => &mut self.date,
            (Tag::TrnAmt, _) => &mut self.amount,
            (Tag::DtAvail, _) => &mut self.value_date,
            (Tag::FitId, _) => &mut self.fit_id,
            (Tag::CorrectFitId, _) => &mut self.corrected_id,
            (Tag::CorrectAction, _) => &mut self.correction,
            (Tag::CheckNum, _) => &mut self.check_number,
            (Tag::RefNum, _) => &mut self.reference,
            (Tag::Name, Tag::Payee) | (Tag::Payee, _) => &mut self.payee,
            (Tag::Name, _) => &mut self.name,
            (Tag::ExtdName, _) => &mut self.extended_name,
            (Tag::Memo, _) => &mut self.memo,
            (Tag::CurSym, Tag::Currency) | (Tag::Currency, _) => &mut self.currency,
            _ => return,
        };
        let text = one_line(text);
        if text.is_empty() {
            return;
        }
        if field.is_missing() {
            *field = Field { text, at };
        } else if matches!(tag, Tag::DtPosted | Tag::TrnAmt) && field.text != text {
            self.contradiction = Some((tag, at));
        }
    }

    /// The line on which the entry begins.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Adds the row to `rows` and says how its amount is written, or says what is wrong with the
    /// entry. The row has a currency of its own where it is not the statement's.
    pub(super) fn finish(
        &self,
        statement_currency: Option<&str>,
        rows: &mut Rows,
        lines: &mut Lines<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Style> {
        let mut faults = Vec::new();
        let date = self.booking_date(&mut faults);
        let amount = self.amount(&mut faults);
        let value_date = self.value_date(&mut faults);
        let corrects = self.corrects(&mut faults);
        if let Some((field, at)) = self.contradiction {
            let message = "the entry has two different values of this field";
            faults.push(Fault { at: Some(at), code: ErrorCode::AmbiguousFile, field, message });
        }
        if let (true, Some(booking_date), Some((amount, style))) = (faults.is_empty(), date, amount)
        {
            let row = Row { value_date, corrects, ..Row::new(self.line, booking_date, amount) };
            self.push(row, statement_currency, rows);
            return Some(style);
        }
        faults.sort_by_key(|fault| fault.at);
        problems.extend(faults.into_iter().map(|fault| Problem {
            code: fault.code,
            message: fault.message.to_owned(),
            line: Some(fault.at.map_or(self.line, |at| lines.at(at))),
            field: Some(fault.field.name().to_owned()),
        }));
        None
    }

    /// Adds the row with the entry's texts.
    fn push(&self, row: Row<'_>, statement_currency: Option<&str>, rows: &mut Rows) {
        let name = if self.name.is_missing() { &self.payee } else { &self.name };
        let payee = if self.payee.is_missing() { &self.name } else { &self.payee };
        let is_foreign = statement_currency
            .is_none_or(|statement| !statement.eq_ignore_ascii_case(&self.currency.text));
        let is_number = self.check_number.text.bytes().any(|byte| byte != b'0');
        let reference = if is_number { &self.check_number } else { &self.reference };
        rows.push(&Row {
            currency: self.currency.to_option().filter(|_| is_foreign),
            description: &join([&name.text, &self.extended_name.text, &self.memo.text]),
            payee: payee.to_option(),
            bank_id: self.fit_id.to_option(),
            reference: reference.to_option(),
            pending: self.is_pending,
            ..row
        });
    }

    fn booking_date(&self, faults: &mut Vec<Fault>) -> Option<NaiveDate> {
        let field = if self.is_pending { Tag::DtTran } else { Tag::DtPosted };
        if self.date.is_missing() {
            let message = "the entry has no date";
            faults.push(Fault { at: None, code: ErrorCode::MalformedFile, field, message });
            return None;
        }
        let date = values::date(&self.date.text);
        if date.is_none() {
            faults.push(Self::no_date(&self.date, field));
        }
        date
    }

    /// The date on which the funds are available; zeros stand for none.
    fn value_date(&self, faults: &mut Vec<Fault>) -> Option<NaiveDate> {
        if values::is_no_date(&self.value_date.text) {
            return None;
        }
        let date = values::date(&self.value_date.text);
        if date.is_none() {
            faults.push(Self::no_date(&self.value_date, Tag::DtAvail));
        }
        date
    }

    fn no_date(date: &Field<'_>, field: Tag) -> Fault {
        let message = "expected a date that exists, such as `20240131`";
        Fault { at: Some(date.at), code: ErrorCode::InvalidDate, field, message }
    }

    fn amount(&self, faults: &mut Vec<Fault>) -> Option<(Amount, Style)> {
        let (at, code, message) = if self.amount.is_missing() {
            (None, ErrorCode::MalformedFile, "the entry has no amount")
        } else {
            match values::amount(&self.amount.text) {
                Ok(amount) => return Some(amount),
                Err(code) => (Some(self.amount.at), code, values::explain(code)),
            }
        };
        faults.push(Fault { at, code, field: Tag::TrnAmt, message });
        None
    }

    fn corrects(&self, faults: &mut Vec<Fault>) -> Option<Correction<'_>> {
        let id = self.corrected_id.to_option()?;
        let action = &self.correction;
        if action.text.eq_ignore_ascii_case("REPLACE") {
            return Some(Correction::Replaces(id));
        }
        if action.text.eq_ignore_ascii_case("DELETE") {
            return Some(Correction::Deletes(id));
        }
        let message = "a correction says `REPLACE` or `DELETE`";
        let at = (!action.is_missing()).then_some(action.at);
        let code = ErrorCode::MalformedFile;
        faults.push(Fault { at, code, field: Tag::CorrectAction, message });
        None
    }
}
