//! Roles by the cells alone, for tables without a header or with one in unknown words.
//!
//! Only what the cells prove is taken: columns that are never filled together, a balance that
//! follows from the amounts. What remains open is said to be.

use super::profile::ColumnRole;
use super::roles::{AmountColumns, Draft, Unclear};
use super::shape::Column;
use super::signs::{self, Chain, Move};
use super::text::is_void;
use super::words::Direction;
use crate::error::ErrorCode;
use crate::money::Amount;

/// The columns of the amount as the cells prove them.
pub(super) struct Found {
    pub amounts: AmountColumns,
    pub balance: Option<usize>,
}

/// Finds the columns of the amount.
pub(super) fn amounts(draft: &Draft<'_, '_>, balance: Option<usize>) -> Result<Found, Unclear> {
    let mut money: Vec<usize> = candidates(draft, Column::is_money);
    let separated = |place: &usize| draft.columns.get(*place).is_some_and(|it| it.separated > 0);
    if money.is_empty() {
        money = candidates(draft, Column::is_number);
    } else if !money.iter().any(separated) {
        // Where no amount has decimals, any column of whole numbers may be one.
        money = candidates(draft, |column| column.is_money() || column.is_whole());
    }
    match money.as_slice() {
        [] => {
            let text = "no column holds amounts; state `amount` in the profile's `columns`";
            Err(Unclear::new(ErrorCode::MalformedFile, "amount", text))
        }
        [one] => single(draft, *one, balance),
        [left, right] if draft.never_both(*left, *right) => pair(draft, *left, *right, balance),
        [left, right] if balance.is_none() => with_balance(draft, *left, *right),
        [left, middle, right] if balance.is_none() && draft.never_both(*left, *middle) => {
            pair(draft, *left, *middle, Some(*right))
        }
        [_, _, _] if balance.is_none() => before_and_after(draft, &money),
        _ => Err(several(&money)),
    }
}

/// Three columns that are filled together: the balance before, the balance after, and the amount
/// between them, in any order.
fn before_and_after(draft: &Draft<'_, '_>, places: &[usize]) -> Result<Found, Unclear> {
    let mut found = Vec::new();
    for amount in places {
        for before in places.iter().filter(|before| *before != amount) {
            for after in places.iter().filter(|after| *after != amount && *after != before) {
                if explains(draft, *before, *amount, *after) {
                    found.push((*amount, *after));
                }
            }
        }
    }
    // `a + b = c` holds for the amount `b` as well as for the amount `a`: the balance goes on.
    let goes_on = |amount: usize, after: usize| {
        let moves = draft.rows.iter().filter_map(|row| {
            Some((draft.number(row.cell(amount))?.decimal(), draft.number(row.cell(after))))
        });
        Chain::of(moves).sign() == Some(true)
    };
    if found.len() > 1 {
        let is_signed =
            |place: usize| draft.columns.get(place).is_some_and(|column| column.negative > 0);
        let signed = found.iter().filter(|(amount, _)| is_signed(*amount)).count() == 1;
        found.retain(
            |(amount, after)| {
                if signed { is_signed(*amount) } else { goes_on(*amount, *after) }
            },
        );
    }
    match found.as_slice() {
        [(amount, after)] => {
            Ok(Found { amounts: AmountColumns::Single(*amount), balance: Some(*after) })
        }
        _ => Err(several(places)),
    }
}

/// Whether every row's balances before and after it differ by its amount.
fn explains(draft: &Draft<'_, '_>, before: usize, amount: usize, after: usize) -> bool {
    draft.rows.iter().all(|row| {
        let sum = draft.number(row.cell(before)).zip(draft.number(row.cell(amount)));
        let sum = sum.and_then(|(before, amount)| before.checked_add(amount).ok());
        sum.is_some() && sum == draft.number(row.cell(after))
    })
}

/// The balance behind amounts whose columns a profile states.
pub(super) fn balance(draft: &Draft<'_, '_>, amounts: AmountColumns) -> Option<usize> {
    let others = candidates(draft, Column::is_money);
    let is_balance = |place: &usize| match amounts {
        AmountColumns::Single(amount) => follows(draft, amount, *place),
        AmountColumns::Pair { debit: Some(debit), credit: Some(credit) } => {
            let moves = pair_moves(draft, debit, credit, *place);
            Chain::of(moves).sign() == Some(true)
        }
        AmountColumns::Pair { .. } => false,
    };
    let is_after = |after: &usize| {
        let AmountColumns::Single(amount) = amounts else { return false };
        let mut before = others.iter().filter(|before| *before != after);
        before.any(|before| explains(draft, *before, amount, *after))
    };
    let only = |mut found: Vec<usize>| if found.len() == 1 { found.pop() } else { None };
    let of = |fits: &dyn Fn(&usize) -> bool| others.iter().copied().filter(fits).collect();
    only(of(&is_after)).or_else(|| only(of(&is_balance)))
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
        "columns {places} (counted from 0) hold numbers and any may be the amount; state `amount`, \
         or `debit` and `credit`, in the profile's `columns`"
    );
    Unclear::new(ErrorCode::AmbiguousFile, "amount", text)
}

fn sides(left: usize, right: usize) -> Unclear {
    let text = format!(
        "column {left} may hold money out and column {right} money in (counted from 0), or the \
         other way round; state `debit` or `credit` in the profile's `columns`"
    );
    Unclear::new(ErrorCode::AmbiguousFile, "amount", text)
}

/// One column of amounts: signed, or with a direction elsewhere, or one of two columns of which the
/// other is empty.
fn single(draft: &Draft<'_, '_>, place: usize, balance: Option<usize>) -> Result<Found, Unclear> {
    let Some(column) = draft.columns.get(place) else {
        return Err(several(&[place]));
    };
    let found = Found { amounts: AmountColumns::Single(place), balance };
    let directed = draft.free().any(|(other, column)| {
        other != place && column.directions() > 0 && column.directions() * 5 >= column.filled * 4
    });
    let stated = draft.sign.is_some() || draft.stated(ColumnRole::Direction).is_some();
    if draft.has_header() || column.negative > 0 || column.plus > 0 || directed || stated {
        return Ok(found);
    }
    let neighbour = [place.checked_sub(1), place.checked_add(1)]
        .into_iter()
        .flatten()
        .find(|other| draft.columns.get(*other).is_some_and(Column::is_empty));
    match neighbour {
        Some(other) => pair(draft, place.min(other), place.max(other), balance),
        None => {
            let text = "the amounts have no sign and may be money out or money in; state `sign` in \
                        the profile, or `debit` or `credit` in its `columns`";
            Err(Unclear::new(ErrorCode::AmbiguousFile, "amount", text))
        }
    }
}

/// Two columns of which each row fills one: which is money out is told by signs, by the balance or
/// by words.
fn pair(
    draft: &Draft<'_, '_>,
    left: usize,
    right: usize,
    balance: Option<usize>,
) -> Result<Found, Unclear> {
    let as_pair = |debit, credit| Found {
        amounts: AmountColumns::Pair { debit: Some(debit), credit: Some(credit) },
        balance,
    };
    let is_minus = |place: usize| {
        draft.columns.get(place).is_some_and(|it| it.numbers > 0 && it.negative == it.numbers)
    };
    let is_plain = |place: usize| draft.columns.get(place).is_some_and(|it| it.negative == 0);
    if is_minus(left) && is_plain(right) {
        return Ok(as_pair(left, right));
    }
    if is_minus(right) && is_plain(left) {
        return Ok(as_pair(right, left));
    }
    if let Some(balance) = balance {
        match Chain::of(pair_moves(draft, left, right, balance)).sign() {
            Some(true) => return Ok(as_pair(left, right)),
            Some(false) => return Ok(as_pair(right, left)),
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
        Some(true) => Ok(as_pair(left, right)),
        Some(false) => Ok(as_pair(right, left)),
        None => Err(sides(left, right)),
    }
}

/// The column of the other side, where a profile states one side only: the one free column of
/// amounts without sign of which no row fills both.
pub(super) fn other_side(draft: &Draft<'_, '_>, stated: usize) -> Result<Option<usize>, Unclear> {
    let empty = draft.columns.get(stated).is_none_or(Column::is_empty);
    let fits = |column: &Column| column.is_money() && column.negative == 0 && column.plus == 0;
    let mut found = candidates(draft, fits);
    found.retain(|place| empty && place.abs_diff(stated) == 1 || draft.never_both(stated, *place));
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        // Without the stated column no row has an amount: one of them must be it.
        several if empty => Err(self::several(several)),
        _ => Ok(None),
    }
}

/// What each row moved, where the left column is money out, and the balance behind it.
fn pair_moves(
    draft: &Draft<'_, '_>,
    left: usize,
    right: usize,
    balance: usize,
) -> impl Iterator<Item = Move> {
    draft.rows.iter().map(move |row| {
        let value = |place| draft.number(row.cell(place)).unwrap_or(Amount::ZERO).decimal();
        let moved = value(right).checked_sub(value(left)).unwrap_or_default();
        (moved, draft.number(row.cell(balance)))
    })
}

/// Two columns that are filled together: one may be the balance of the other.
fn with_balance(draft: &Draft<'_, '_>, left: usize, right: usize) -> Result<Found, Unclear> {
    // A row that has a balance and no amount was moved by another column: none is left out.
    let has_all = |amount: usize, balance: usize| {
        draft.rows.iter().all(|row| {
            let is_number = |place: usize| draft.number(row.cell(place)).is_some();
            is_number(amount) || !is_number(balance)
        })
    };
    let is_balance =
        |amount: usize, balance: usize| has_all(amount, balance) && follows(draft, amount, balance);
    match (is_balance(left, right), is_balance(right, left)) {
        (true, false) => Ok(Found { amounts: AmountColumns::Single(left), balance: Some(right) }),
        (false, true) => Ok(Found { amounts: AmountColumns::Single(right), balance: Some(left) }),
        _ => Err(several(&[left, right])),
    }
}

/// Whether a column is the running balance of another.
fn follows(draft: &Draft<'_, '_>, amount: usize, balance: usize) -> bool {
    let direction = draft.free().map(|(place, _)| place).find(|place| draft.could_direct(*place));
    let moves = draft.rows.iter().filter_map(|row| {
        let value = draft.number(row.cell(amount))?.decimal();
        let value = match direction.and_then(|place| Direction::of(row.cell(place))) {
            Some(Direction::Out) => -value.abs(),
            Some(Direction::In) => value.abs(),
            None => value,
        };
        Some((value, draft.number(row.cell(balance))))
    });
    Chain::of(moves).sign().is_some()
}

/// The own account of a table without a header: the first column that holds the same number in
/// every one of several rows.
pub(super) fn account(draft: &Draft<'_, '_>) -> Option<usize> {
    if draft.has_header() || draft.rows.len() < 2 {
        return None;
    }
    let is_number = |sample: &str| {
        sample.bytes().filter(u8::is_ascii_digit).count() >= 6
            && !sample.contains(' ')
            && sample.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-*'".contains(&byte))
    };
    let mut found = draft.free().filter(|(_, column)| {
        column.constant && column.filled == draft.rows.len() && is_number(&column.sample)
    });
    found.next().map(|(place, _)| place)
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
