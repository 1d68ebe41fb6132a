//! Roles by the cells alone, for tables without a header or with one in unknown words.
//!
//! Only what the cells prove is taken: columns that are never filled together, a balance that
//! follows from the amounts. What remains open is said to be.

use super::numbers;
use super::profile::DecimalSeparator;
use super::roles::{AmountColumns, Draft, Unclear};
use super::shape::Column;
use super::signs;
use super::text::is_void;
use crate::error::ErrorCode;
use crate::money::Amount;

/// The columns of the amount as the cells prove them.
pub(super) struct Found {
    pub amounts: AmountColumns,
    pub balance: Option<usize>,
    /// Whether words of the rows told money out from money in.
    pub by_words: bool,
}

impl Found {
    /// Every column that now has a role.
    pub fn places(&self) -> Vec<usize> {
        let mut places: Vec<usize> = self.balance.into_iter().collect();
        match self.amounts {
            AmountColumns::Single(place) => places.push(place),
            AmountColumns::Pair { debit, credit } => {
                places.extend(debit.into_iter().chain(credit));
            }
        }
        places
    }
}

/// Finds the columns of the amount.
pub(super) fn amounts(draft: &Draft<'_, '_>, balance: Option<usize>) -> Result<Found, Unclear> {
    let money: Vec<usize> = candidates(draft, Column::is_money);
    let money = if money.is_empty() { candidates(draft, Column::is_number) } else { money };
    match money.as_slice() {
        [] => {
            let text = "no column holds amounts; state `amount` in the profile";
            Err(Unclear::new(ErrorCode::MalformedFile, "amount", text))
        }
        [one] => single(draft, *one, balance),
        [left, right] if is_complementary(draft, *left, *right) => {
            pair(draft, *left, *right, balance)
        }
        [left, right] if balance.is_none() => with_balance(draft, *left, *right),
        [left, middle, right] if balance.is_none() && is_complementary(draft, *left, *middle) => {
            pair(draft, *left, *middle, Some(*right))
        }
        _ => Err(several(&money)),
    }
}

fn candidates(draft: &Draft<'_, '_>, fits: impl Fn(&Column) -> bool) -> Vec<usize> {
    draft
        .free()
        .filter(|(place, column)| fits(column) && !draft.is_known(*place))
        .map(|(place, _)| place)
        .collect()
}

fn several(places: &[usize]) -> Unclear {
    let places: Vec<String> = places.iter().map(ToString::to_string).collect();
    let places = places.join(", ");
    let text = format!(
        "columns {places} (counted from 0) hold numbers and any may be the amount; \
         state `amount`, or `debit` and `credit`, in the profile"
    );
    Unclear::new(ErrorCode::AmbiguousFile, "amount", text)
}

fn sides(left: usize, right: usize) -> Unclear {
    let text = format!(
        "column {left} may hold money out and column {right} money in (counted from 0), or the \
         other way round; state `debit` and `credit` in the profile"
    );
    Unclear::new(ErrorCode::AmbiguousFile, "amount", text)
}

/// One column of amounts: signed, or with a direction elsewhere, or one of two columns of which the
/// other is empty.
fn single(draft: &Draft<'_, '_>, place: usize, balance: Option<usize>) -> Result<Found, Unclear> {
    let Some(column) = draft.columns.get(place) else {
        return Err(several(&[place]));
    };
    let found = Found { amounts: AmountColumns::Single(place), balance, by_words: false };
    let directed = draft.free().any(|(other, column)| {
        other != place && column.directions() > 0 && column.directions() * 5 >= column.filled * 4
    });
    if draft.has_header() || column.negative > 0 || column.plus > 0 || directed {
        return Ok(found);
    }
    let neighbour = [place.checked_sub(1), place.checked_add(1)]
        .into_iter()
        .flatten()
        .find(|other| draft.columns.get(*other).is_some_and(Column::is_empty));
    match neighbour {
        Some(other) => pair(draft, place.min(other), place.max(other), balance),
        None => {
            let text = "the amounts have no sign and nothing tells their direction; state `sign`, \
                        `debit` or `credit` in the profile";
            Err(Unclear::new(ErrorCode::AmbiguousFile, "amount", text))
        }
    }
}

/// Whether no row fills both columns.
fn is_complementary(draft: &Draft<'_, '_>, left: usize, right: usize) -> bool {
    let filled = |row: &super::split::Record<'_>, place: usize| {
        let cell = row.cell(place);
        !is_void(cell) && number(cell).is_none_or(|amount| !amount.decimal().is_zero())
    };
    draft.rows.iter().all(|row| !(filled(row, left) && filled(row, right)))
}

/// Two columns of which each row fills one: which is money out is told by the balance or by words.
fn pair(
    draft: &Draft<'_, '_>,
    left: usize,
    right: usize,
    balance: Option<usize>,
) -> Result<Found, Unclear> {
    let as_pair = |debit, credit, by_words| Found {
        amounts: AmountColumns::Pair { debit: Some(debit), credit: Some(credit) },
        balance,
        by_words,
    };
    if let Some(balance) = balance {
        let moves: Vec<_> = draft
            .rows
            .iter()
            .map(|row| {
                let zero = Amount::ZERO;
                let out = number(row.cell(left)).unwrap_or(zero);
                let inward = number(row.cell(right)).unwrap_or(zero);
                let moved = inward.decimal().checked_sub(out.decimal()).unwrap_or_default();
                (moved, number(row.cell(balance)))
            })
            .collect();
        match signs::chain_sign(&moves) {
            Some(true) => return Ok(as_pair(left, right, false)),
            Some(false) => return Ok(as_pair(right, left, false)),
            None => {}
        }
    }
    let texts: Vec<usize> = descriptions(draft);
    let sided = |place: usize| {
        draft
            .rows
            .iter()
            .filter(move |row| !is_void(row.cell(place)))
            .map(|row| texts.iter().map(|text| row.cell(*text)).collect::<Vec<_>>().join(" "))
    };
    match signs::outward_side(sided(left), sided(right)) {
        Some(true) => Ok(as_pair(left, right, true)),
        Some(false) => Ok(as_pair(right, left, true)),
        None => Err(sides(left, right)),
    }
}

/// Two columns that are filled together: one may be the balance of the other.
fn with_balance(draft: &Draft<'_, '_>, left: usize, right: usize) -> Result<Found, Unclear> {
    let follows = |amount: usize, balance: usize| {
        let moves: Vec<_> = draft
            .rows
            .iter()
            .filter_map(|row| {
                let amount = number(row.cell(amount))?;
                Some((amount.decimal(), number(row.cell(balance))))
            })
            .collect();
        signs::chain_sign(&moves).is_some()
    };
    match (follows(left, right), follows(right, left)) {
        (true, false) => Ok(Found {
            amounts: AmountColumns::Single(left),
            balance: Some(right),
            by_words: false,
        }),
        (false, true) => Ok(Found {
            amounts: AmountColumns::Single(right),
            balance: Some(left),
            by_words: false,
        }),
        _ => Err(several(&[left, right])),
    }
}

/// A number for comparisons within the sample; a separator of thousands read as a point changes
/// all of them alike.
fn number(cell: &str) -> Option<Amount> {
    let scanned = numbers::scan(cell)?;
    let amount = numbers::read(scanned.digits, DecimalSeparator::Point)
        .or_else(|| numbers::read(scanned.digits, DecimalSeparator::Comma))?;
    Some(if scanned.negative { Amount::new(-amount.decimal()) } else { amount })
}

/// The columns of text that have no other role.
pub(super) fn descriptions(draft: &Draft<'_, '_>) -> Vec<usize> {
    let texts = draft.free().filter(|(place, column)| {
        !column.is_empty()
            && !column.is_date()
            && !column.is_money()
            && !column.is_currency()
            && column.ibans * 2 < column.filled
            && (!draft.has_header() || !draft.is_known(*place))
    });
    let texts: Vec<(usize, usize)> = texts
        .filter(|(_, column)| !(column.is_number() && draft.has_header()))
        .map(|(place, column)| (place, column.bytes / column.filled.max(1)))
        .collect();
    if !draft.has_header() {
        return texts.into_iter().map(|(place, _)| place).collect();
    }
    let longest = texts.into_iter().max_by_key(|(place, length)| (*length, usize::MAX - place));
    longest.map(|(place, _)| place).into_iter().collect()
}
