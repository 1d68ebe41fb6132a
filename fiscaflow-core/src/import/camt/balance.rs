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
    /// Without its sign.
    amount: Amount,
    is_credit: Option<bool>,
    currency: &'a str,
    date: Option<NaiveDate>,
    at: usize,
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
        let at = at.max(self.at);
        match amount {
            Ok(amount) => {
                let Self { is_credit, currency, date, .. } = self;
                // Of nothing it does not matter whether it is owed.
                let is_credit = is_credit.or((amount == Amount::ZERO).then_some(true));
                balances.found.push(Found { kind, amount, is_credit, currency, date, at });
                None
            }
            Err(code) => Some(problem(code, Leaf::BalanceAmount, values::explain(code), at, lines)),
        }
    }
}

fn problem(
    code: ErrorCode,
    field: Leaf,
    message: &str,
    at: usize,
    lines: &mut Lines<'_>,
) -> Problem {
    let field = Some(field.name().to_owned());
    Problem { code, message: message.to_owned(), line: Some(lines.at(at)), field }
}

impl Found<'_> {
    /// The signs that it may have.
    fn signs(&self) -> impl Iterator<Item = bool> + use<> {
        let known = self.is_credit;
        [true, false].into_iter().filter(move |sign| known.is_none_or(|known| known == *sign))
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
    pub(super) fn settle(
        &self,
        statement: &mut Statement,
        lines: &mut Lines<'_>,
        problems: &mut Vec<Problem>,
    ) {
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
        let signs = proven(opening, closing, statement);
        let mut balance = |found: Option<&Found<'_>>, sign: Option<bool>| {
            let found = found?;
            if sign.is_none() {
                let message = "expected `CRDT` or `DBIT`: the balance may be positive or negative";
                let (code, field) = (ErrorCode::AmbiguousFile, Leaf::BalanceSign);
                problems.push(problem(code, field, message, found.at, lines));
            }
            Some(signed(found.amount, sign?))
        };
        statement.opening_balance = balance(opening, signs.0);
        statement.closing_balance = balance(closing, signs.1);
    }
}

/// The signs of two balances: as they are written, or as the entries between them prove them.
fn proven(
    opening: Option<&Found<'_>>,
    closing: Option<&Found<'_>>,
    statement: &Statement,
) -> (Option<bool>, Option<bool>) {
    let written = |found: Option<&Found<'_>>| found.and_then(|found| found.is_credit);
    let written = (written(opening), written(closing));
    let (Some(opening), Some(closing)) = (opening, closing) else { return written };
    if written.0.is_some() && written.1.is_some() {
        return written;
    }
    let mut booked = statement.rows.facts().filter(|(.., is_pending)| !is_pending);
    let sum = booked.try_fold(Amount::ZERO, |sum, (_, amount, _)| sum.checked_add(amount));
    let Ok(sum) = sum else { return written };
    let pairs = opening.signs().flat_map(|first| closing.signs().map(move |last| (first, last)));
    let mut fitting = pairs.filter(|(first, last)| {
        let after = signed(opening.amount, *first).checked_add(sum);
        after.is_ok_and(|after| after == signed(closing.amount, *last))
    });
    match (fitting.next(), fitting.next()) {
        (Some((first, last)), None) => (Some(first), Some(last)),
        _ => written,
    }
}
