//! The sign of every row: which way money moved.

use rust_decimal::Decimal;

use super::super::numbers;
use super::super::profile::SignRule;
use super::super::roles::{AmountColumns, Roles};
use super::super::rows::{Group, Mark, Side};
use super::super::signs::{self, Chain};
use super::super::table::Table;
use super::super::text::is_void;
use crate::error::ErrorCode;
use crate::import::Problem;
use crate::money::Amount;

/// Settles the sign of every row; whether positive amounts are spending.
pub(super) fn settle(
    groups: &mut [Group],
    problems: &mut Vec<Problem>,
    table: &Table<'_>,
    roles: &Roles,
    sign: Option<SignRule>,
) -> bool {
    mark_untagged(groups);
    let sided = marks(groups).any(|mark| matches!(mark.side, Side::Out | Side::In));
    let inverted = match sign {
        Some(rule) => rule == SignRule::PositiveIsOut,
        None => !sided && is_inverted(groups, table, roles),
    };
    let pair = matches!(roles.amounts, AmountColumns::Pair { .. });
    let reversals = if sided { Reversals::of(groups) } else { Reversals::default() };
    if pair && reversals.is_mixed() {
        groups.iter_mut().for_each(|group| report_unclear(group, reversals, problems));
    }
    for group in groups {
        for (place, mark) in group.marks.iter().enumerate() {
            let out = match mark.side {
                Side::Plain | Side::Plus => mark.minus != inverted,
                Side::Out => !(reversals.reverse && mark.minus),
                Side::In => reversals.reverse && mark.minus,
            };
            if out {
                group.rows.negate(place);
            }
        }
    }
    inverted
}

fn marks(groups: &[Group]) -> impl Iterator<Item = Mark> {
    groups.iter().flat_map(|group| group.marks.iter().copied())
}

/// Amount without sign, mark and balance of every row of a group.
fn facts(group: &Group) -> impl Iterator<Item = (Decimal, Mark, Option<Amount>)> {
    let marked = group.rows.facts().zip(&group.marks).enumerate();
    marked.map(|(place, (fact, mark))| (fact.1.decimal(), *mark, group.balance(place)))
}

/// Takes out the rows of a pair of columns whose sign may mean a reversal or nothing.
fn report_unclear(group: &mut Group, reversals: Reversals, problems: &mut Vec<Problem>) {
    let stays: Vec<bool> =
        facts(group).map(|(value, mark, _)| !reversals.is_unclear(value, mark)).collect();
    for (place, mark) in group.marks.iter().enumerate() {
        if stays.get(place) == Some(&false) {
            let message = "the sign differs from those of the other rows of the column: either a \
                           reversal, or nothing";
            problems.push(Problem {
                code: ErrorCode::AmbiguousFile,
                message: message.to_owned(),
                line: group.rows.get(place).map(|row| row.line),
                field: Some(if mark.side == Side::Out { "debit" } else { "credit" }.to_owned()),
            });
        }
    }
    group.retain(|place| stays.get(place).copied().unwrap_or(true));
}

/// Where only one direction is ever marked and nothing has a minus, what is not marked is the other
/// direction: `12.50` and `100.00 CR`, or `12.50` and `+100.00`.
fn mark_untagged(groups: &mut [Group]) {
    let has = |side: Side| marks(groups).any(|mark| mark.side == side);
    if marks(groups).any(|mark| mark.minus) || !has(Side::Plain) {
        return;
    }
    let out = has(Side::Out);
    if out == (has(Side::In) || has(Side::Plus)) {
        return;
    }
    for mark in groups.iter_mut().flat_map(|group| &mut group.marks) {
        mark.side = match mark.side {
            Side::Plain if out => Side::In,
            Side::Plain => Side::Out,
            Side::Plus => Side::In,
            side => side,
        };
    }
}

/// Whether positive amounts are spending: by the exporter's layout, by what the rows of a card say,
/// or because the running balance moves against them.
fn is_inverted(groups: &[Group], table: &Table<'_>, roles: &Roles) -> bool {
    let AmountColumns::Single(column) = roles.amounts else { return false };
    let negative = marks(groups).filter(|mark| mark.minus).count();
    if negative * 2 > marks(groups).count() {
        return false;
    }
    if signs::layout_is_inverted(&table.titles) {
        return true;
    }
    words_invert(table, column).unwrap_or_else(|| {
        let mut chain = Chain::default();
        for group in groups {
            let written = |value: Decimal, mark: Mark| if mark.minus { -value } else { value };
            chain.add(facts(group).map(|(value, mark, balance)| (written(value, mark), balance)));
        }
        chain.sign() == Some(false)
    })
}

/// What the rows of a card say: payments to it are negative, or positive.
fn words_invert(table: &Table<'_>, column: usize) -> Option<bool> {
    let (mut inverted, mut upright, mut payments) = (0_usize, 0_usize, 0_usize);
    let mut negative = false;
    for row in table.typical() {
        let cell = row.cell(column);
        let Some(scanned) = numbers::scan(cell).filter(|_| !is_void(cell)) else { continue };
        negative |= scanned.negative;
        let cells = (0..row.cells.len()).filter(|place| *place != column);
        let Some(spending) = signs::card_row(cells.map(|place| row.cell(place))) else { continue };
        payments += usize::from(!spending);
        if spending == scanned.negative { upright += 1 } else { inverted += 1 }
    }
    match (inverted, upright) {
        (0, 0) => None,
        (0, _) => Some(false),
        (_, 0) if payments > 0 || negative => Some(true),
        _ => None,
    }
}

/// What a minus means where a column or word already tells the direction.
#[derive(Debug, Clone, Copy, Default)]
struct Reversals {
    /// Whether a minus takes the direction back.
    reverse: bool,
    /// Of a side on which only some rows have a minus: whether those with one are the few.
    mixed_out: Option<bool>,
    mixed_in: Option<bool>,
}

impl Reversals {
    fn of(groups: &[Group]) -> Self {
        let mixed = |side: Side| {
            let moved = || groups.iter().flat_map(facts).filter(|(value, ..)| !value.is_zero());
            let all = moved().filter(|(_, mark, _)| mark.side == side);
            let (mut count, mut minus) = (0_usize, 0_usize);
            for (_, mark, _) in all {
                count += 1;
                minus += usize::from(mark.minus);
            }
            (minus > 0 && minus < count).then_some(minus * 2 <= count)
        };
        if !marks(groups).any(|mark| mark.minus) {
            return Self::default();
        }
        let found = Self { reverse: false, mixed_out: mixed(Side::Out), mixed_in: mixed(Side::In) };
        if !found.is_mixed() {
            return found;
        }
        match (follows(groups, false), follows(groups, true)) {
            (false, true) => Self { reverse: true, ..Self::default() },
            (true, false) => Self::default(),
            _ => found,
        }
    }

    /// Whether a side has rows with and without a minus that nothing explains.
    fn is_mixed(self) -> bool {
        self.mixed_out.is_some() || self.mixed_in.is_some()
    }

    /// Whether a row's sign is unlike the others of its side.
    fn is_unclear(self, value: Decimal, mark: Mark) -> bool {
        let mixed = match mark.side {
            Side::Out => self.mixed_out,
            Side::In => self.mixed_in,
            Side::Plain | Side::Plus => None,
        };
        !value.is_zero() && mixed.is_some_and(|minus_is_rare| mark.minus == minus_is_rare)
    }
}

/// Whether every step of the running balance follows, where a minus reverses, or means nothing.
fn follows(groups: &[Group], reverse: bool) -> bool {
    let mut chain = Chain::default();
    for group in groups {
        chain.add(facts(group).map(|(value, mark, balance)| {
            let out = (mark.side == Side::Out) != (reverse && mark.minus);
            (if out { -value } else { value }, balance)
        }));
    }
    let (oldest_first, newest_first) = (chain.oldest_first, chain.newest_first);
    oldest_first.compared >= 2 && oldest_first.with.max(newest_first.with) == oldest_first.compared
}
