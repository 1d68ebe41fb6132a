//! The balances of a statement, of which two are kept: the booked ones before and after its
//! entries.

use chrono::NaiveDate;

use super::detail::signed;
use super::nodes::Leaf;
use super::scan::{Text, attribute};
use super::values;
use crate::error::ErrorCode;
use crate::import::text::{Lines, iso_date};
use crate::import::{Problem, Statement};
use crate::money::Amount;

/// A balance that is being read (`Bal`).
#[derive(Debug, Default)]
pub(super) struct Balance<'a> {
    at: usize,
    kind: Option<Kind>,
    amount: Option<(Result<Amount, ErrorCode>, usize)>,
    currency: &'a str,
    is_credit: Option<bool>,
    date: Option<NaiveDate>,
}

/// Which balance it is (ISO 20022 external code set, balance type).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// `PRCD`, the closing balance of the statement before.
    Previous,
    /// `OPBD`
    Opening,
    /// `CLBD`
    Closing,
    Other,
}

/// The balances of a statement that may be kept.
#[derive(Debug, Default)]
pub(super) struct Balances<'a> {
    found: Vec<Found<'a>>,
    has_other: bool,
}

#[derive(Debug)]
struct Found<'a> {
    kind: Kind,
    amount: Amount,
    currency: &'a str,
    date: Option<NaiveDate>,
}

impl<'a> Balance<'a> {
    pub(super) fn new(at: usize) -> Self {
        Self { at, ..Self::default() }
    }

    pub(super) fn take(&mut self, text: &Text<'a>) {
        let value = text.value.as_deref().unwrap_or_default().trim_ascii();
        match text.leaf {
            Leaf::BalanceCode => {
                self.kind = Some(match value {
                    "OPBD" => Kind::Opening,
                    "PRCD" => Kind::Previous,
                    "CLBD" => Kind::Closing,
                    _ => Kind::Other,
                });
            }
            Leaf::BalanceAmount => {
                self.amount = Some((values::amount(value), text.at));
                self.currency = attribute(text.attributes, "Ccy").unwrap_or_default();
            }
            Leaf::BalanceSign => self.is_credit = values::is_credit(value),
            Leaf::BalanceDate => self.date = iso_date(value),
            _ => {}
        }
    }

    /// Adds the balance to those of its statement, or says what is wrong with it.
    pub(super) fn finish(
        self,
        balances: &mut Balances<'a>,
        lines: &mut Lines<'_>,
    ) -> Option<Problem> {
        let kind = self.kind.filter(|kind| *kind != Kind::Other);
        let (Some(kind), Some((amount, at))) = (kind, self.amount) else {
            balances.has_other = true;
            return None;
        };
        // Of nothing it does not matter whether it is owed.
        let is_nothing = amount.is_ok_and(|amount| amount == Amount::ZERO);
        let (code, field, message) = match (amount, self.is_credit.or(is_nothing.then_some(true))) {
            (Ok(amount), Some(is_credit)) => {
                let (currency, date) = (self.currency, self.date);
                let amount = signed(amount, is_credit);
                balances.found.push(Found { kind, amount, currency, date });
                return None;
            }
            (Ok(_), None) => {
                let message = "expected `CRDT` or `DBIT`: the balance may be positive or negative";
                (ErrorCode::AmbiguousFile, Leaf::BalanceSign, message)
            }
            (Err(code), _) => (code, Leaf::BalanceAmount, values::explain(code)),
        };
        Some(Problem {
            code,
            message: message.to_owned(),
            line: Some(lines.at(at.max(self.at))),
            field: Some(field.name().to_owned()),
        })
    }
}

impl Balances<'_> {
    /// Whether there are balances, but no booked one.
    pub(super) fn are_unbooked(&self) -> bool {
        self.has_other && self.found.is_empty()
    }

    /// Forgets the balances of the last statement.
    pub(super) fn clear(&mut self) {
        self.found.clear();
        self.has_other = false;
    }

    /// Gives the statement its balances. Of several, those in its currency count before others; a
    /// statement of many days may have one for each, so the first opens and the last closes it.
    pub(super) fn settle(&self, statement: &mut Statement) {
        let currency = statement.currency.as_deref();
        let is_own = |found: &&Found<'_>| Some(found.currency) == currency;
        let opening =
            self.found.iter().filter(|found| found.kind != Kind::Closing).reduce(|best, next| {
                let rank = |found: &Found<'_>| (is_own(&found), found.kind);
                let is_better = rank(next) > rank(best)
                    || rank(next) == rank(best) && next.date.is_some() && next.date < best.date;
                if is_better { next } else { best }
            });
        let closing =
            self.found.iter().filter(|found| found.kind == Kind::Closing).reduce(|best, next| {
                let rank = |found: &Found<'_>| (is_own(&found), found.date);
                if rank(next) > rank(best) { next } else { best }
            });
        statement.opening_balance = opening.map(|found| found.amount);
        statement.closing_balance = closing.map(|found| found.amount);
    }
}
