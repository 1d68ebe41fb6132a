//! From rows to statements: accounts, currencies, signs, the closing balance.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::profile::SignRule;
use super::roles::Roles;
use super::rows::{Found, Group, MAX_KINDS, Seen};
use super::signs::{Chain, Move};
use super::table::Table;
use crate::import::{Problem, Row, Rows, Statement};
use crate::money::Amount;

mod signs;

/// What a file yielded once its rows are grouped and signed.
pub(super) struct Assembled {
    pub statements: Vec<Statement>,
    pub problems: Vec<Problem>,
    /// Whether positive amounts are spending.
    pub inverted: bool,
}

/// Groups the rows into statements and gives every row its sign.
pub(super) fn assemble(
    found: Found,
    table: &Table<'_>,
    roles: &Roles,
    sign: Option<SignRule>,
) -> Assembled {
    let Found { groups, accounts, currencies, mut problems, .. } = found;
    let by_account = !accounts.texts.is_empty() && accounts.texts.len() < MAX_KINDS;
    let mut groups = regroup(groups, &accounts, &currencies, by_account);
    let inverted = signs::settle(&mut groups, &mut problems, table, roles, sign);
    problems.sort_by_key(|problem| problem.line);
    groups.retain(|group| !group.rows.is_empty());
    if roles.bank_id.is_some() {
        keep_ids(&mut groups, table);
    }
    let statement = |group: Group| {
        let account = accounts.get(group.account).filter(|_| by_account);
        let currency = currencies.get(group.currency);
        Statement {
            account: account.or(table.facts.account.as_deref()).map(ToOwned::to_owned),
            currency: currency.map(ToOwned::to_owned),
            closing_balance: if group.mixed { None } else { closing_balance(&group) },
            rows: group.rows,
            ..Statement::default()
        }
    };
    let statements = groups.into_iter().map(statement).collect();
    Assembled { statements, problems, inverted }
}

/// One group for each statement: by account where a column names it, and then by currency. Rows
/// that name none belong to the only one.
fn regroup(groups: Vec<Group>, accounts: &Seen, currencies: &Seen, by_account: bool) -> Vec<Group> {
    let only_account = u16::from(accounts.texts.len() == 1);
    let only_currency = u16::from(currencies.texts.len() == 1);
    let mut sorted: Vec<((u16, u16), Vec<Group>)> = Vec::new();
    for mut group in groups {
        if group.account == 0 || !by_account {
            group.account = if by_account { only_account } else { 0 };
        }
        if group.currency == 0 {
            group.currency = only_currency;
        }
        let key = (group.account, if by_account { group.currency } else { 0 });
        match sorted.iter_mut().find(|(known, _)| *known == key) {
            Some((_, parts)) => parts.push(group),
            None => sorted.push((key, vec![group])),
        }
    }
    sorted.into_iter().filter_map(|(_, parts)| merge(parts, currencies)).collect()
}

/// One group of several, its rows in the file's order; each names its currency where they differ.
fn merge(mut parts: Vec<Group>, currencies: &Seen) -> Option<Group> {
    if parts.len() < 2 {
        return parts.pop();
    }
    let first = parts.first().map_or(0, |part| part.currency);
    let mixed = parts.iter().any(|part| part.currency != first);
    let mut order: Vec<(u64, usize, usize)> = Vec::new();
    for (part, group) in parts.iter().enumerate() {
        order.extend(group.rows.iter().enumerate().map(|(place, row)| (row.line, part, place)));
    }
    order.sort_unstable();
    let text = parts.iter().map(|part| part.rows.text_len()).sum();
    let mut merged = Group {
        account: parts.first().map_or(0, |part| part.account),
        currency: if mixed { 0 } else { first },
        rows: Rows::with_capacity(order.len(), text),
        mixed,
        ..Group::default()
    };
    for (_, part, place) in order {
        let Some(group) = parts.get(part) else { continue };
        let Some((row, mark)) = group.rows.get(place).zip(group.marks.get(place)) else { continue };
        let currency = if mixed { currencies.get(group.currency) } else { None };
        merged.rows.push(&Row { currency, ..row });
        merged.marks.push(*mark);
        if !group.balances.is_empty() {
            merged.balances.push(group.balance(place));
        }
    }
    Some(merged)
}

/// Numbers that count the rows are no ids, because the next download counts anew. An id that
/// several rows of an account share is none either: all ids of the file become references.
fn keep_ids(groups: &mut [Group], table: &Table<'_>) {
    let counted = are_row_numbers(groups, table);
    if !counted && are_unique(groups) {
        return;
    }
    for group in groups {
        let mut rows = Rows::with_capacity(group.rows.len(), group.rows.text_len());
        for row in group.rows.iter() {
            let id = row.bank_id.filter(|_| !counted);
            rows.push(&Row { bank_id: None, reference: row.reference.or(id), ..row });
        }
        group.rows = rows;
    }
}

/// Whether no id is more than a number up to as many as the file has lines.
fn are_row_numbers(groups: &[Group], table: &Table<'_>) -> bool {
    let mut ids = groups.iter().flat_map(|group| group.rows.iter()).filter_map(|row| row.bank_id);
    let number = |id: &str| id.parse::<usize>().ok().filter(|_| id.len() <= 7);
    let Some(first) = ids.next().and_then(number) else { return false };
    let lines = table.count_lines();
    first <= lines && ids.all(|id| number(id).is_some_and(|number| number <= lines))
}

fn are_unique(groups: &[Group]) -> bool {
    let ids = || {
        groups.iter().flat_map(|group| {
            group.rows.iter().filter_map(|row| Some((group.account, row.bank_id?)))
        })
    };
    // Most often there are none, or they grow or fall.
    if ids().is_sorted_by(|left, right| left < right)
        || ids().is_sorted_by(|left, right| left > right)
    {
        return true;
    }
    let mut digests: Vec<u64> = ids()
        .map(|id| {
            let mut hasher = DefaultHasher::new();
            id.hash(&mut hasher);
            hasher.finish()
        })
        .collect();
    digests.sort_unstable();
    if digests.windows(2).all(|pair| pair.first() != pair.last()) {
        return true;
    }
    let mut all: Vec<(u16, &str)> = ids().collect();
    all.sort_unstable();
    all.windows(2).all(|pair| pair.first() != pair.last())
}

/// The balance after the last booked row: the order of the rows is told by the running balance,
/// otherwise by the dates.
fn closing_balance(group: &Group) -> Option<Amount> {
    if group.balances.iter().all(Option::is_none) {
        return None;
    }
    let mut booked = group.rows.facts().enumerate().filter(|(_, (.., pending))| !pending);
    let (first, (first_date, ..)) = booked.next()?;
    let Some((last, (last_date, ..))) = booked.next_back() else { return group.balance(first) };
    let moves = group.rows.facts().enumerate().filter(|(_, (.., pending))| !pending);
    let moves =
        moves.map(|(place, (_, amount, _))| -> Move { (amount.decimal(), group.balance(place)) });
    let Chain { oldest_first, newest_first } = Chain::of(moves);
    let compared = oldest_first.compared.max(newest_first.compared);
    let (up, down) = (oldest_first.with, newest_first.with);
    if compared > 0 && up != down {
        let (matched, end) = if up > down { (up, last) } else { (down, first) };
        if matched * 10 >= compared * 9 {
            return group.balance(end);
        }
    }
    if oldest_first.oppose() || newest_first.oppose() {
        // What is owed is not what the account holds.
        return None;
    }
    match first_date.cmp(&last_date) {
        std::cmp::Ordering::Less => group.balance(last),
        std::cmp::Ordering::Greater => group.balance(first),
        std::cmp::Ordering::Equal => None,
    }
}
