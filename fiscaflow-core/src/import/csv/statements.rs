//! From entries to statements: signs, accounts, currencies, the closing balance.

use rust_decimal::Decimal;

use super::numbers;
use super::profile::SignRule;
use super::roles::{AmountColumns, Roles};
use super::rows::{Entries, Entry, MAX_KINDS, Seen, Side};
use super::signs::{self, Move, Steps};
use super::table::Table;
use super::text::is_void;
use crate::error::ErrorCode;
use crate::import::{Problem, Row, Rows, Statement};
use crate::money::Amount;

/// Gives every entry its sign and groups the entries into statements.
pub(super) fn assemble(
    mut found: Entries,
    table: &Table<'_>,
    roles: &Roles,
    sign: Option<SignRule>,
) -> (Vec<Statement>, Vec<Problem>) {
    settle_signs(&mut found, table, roles, sign);
    keep_unique_ids(&mut found.entries);
    let statements =
        group(found.entries, &found.accounts, &found.currencies, table.facts.account.as_deref());
    (statements, found.problems)
}

/// Settles the sign of every entry.
fn settle_signs(found: &mut Entries, table: &Table<'_>, roles: &Roles, sign: Option<SignRule>) {
    mark_untagged(&mut found.entries);
    let sided = found.entries.iter().any(|entry| matches!(entry.side, Side::Out | Side::In));
    let inverted = match sign {
        Some(rule) => rule == SignRule::PositiveIsOut,
        None => !sided && is_inverted(&found.entries, table, roles),
    };
    let reversals = Reversals::of(&found.entries);
    let pair = matches!(roles.amounts, AmountColumns::Pair { .. });
    let mut problems = Vec::new();
    found.entries.retain_mut(|entry| {
        let out = match entry.side {
            Side::Plain | Side::Plus => entry.minus != inverted,
            Side::Out => !(reversals.reverse && entry.minus),
            Side::In => reversals.reverse && entry.minus,
        };
        if pair && reversals.is_unclear(entry) {
            problems.push(Problem {
                code: ErrorCode::AmbiguousFile,
                message: "the sign differs from those of the other rows of the column: either \
                          a reversal, or nothing"
                    .to_owned(),
                line: Some(entry.row.line),
                field: Some(if entry.side == Side::Out { "debit" } else { "credit" }.to_owned()),
            });
            return false;
        }
        if out {
            entry.row.amount = negated(entry.row.amount);
        }
        true
    });
    found.problems.extend(problems);
    found.problems.sort_by_key(|problem| problem.line);
}

fn negated(amount: Amount) -> Amount {
    let value = amount.decimal();
    Amount::new(if value.is_zero() { value } else { -value })
}

/// Where only one direction is ever marked and nothing has a minus, what is not marked is the other
/// direction: `12.50` and `100.00 CR`, or `12.50` and `+100.00`.
fn mark_untagged(entries: &mut [Entry]) {
    let has = |side: Side| entries.iter().any(|entry| entry.side == side);
    let (plain, plus, out, inward) =
        (has(Side::Plain), has(Side::Plus), has(Side::Out), has(Side::In));
    let minus = entries.iter().any(|entry| entry.minus);
    if !plain || minus || out == (inward || plus) {
        return;
    }
    for entry in entries {
        entry.side = match entry.side {
            Side::Plain if out => Side::In,
            Side::Plain => Side::Out,
            Side::Plus => Side::In,
            side => side,
        };
    }
}

/// Whether positive amounts are spending.
fn is_inverted(entries: &[Entry], table: &Table<'_>, roles: &Roles) -> bool {
    let AmountColumns::Single(column) = roles.amounts else { return false };
    let negative = entries.iter().filter(|entry| entry.minus).count();
    if negative * 2 > entries.len() {
        return false;
    }
    if signs::layout_is_inverted(&table.titles) {
        return true;
    }
    match words_invert(table, column) {
        Some(inverted) => inverted,
        None => {
            let moves: Vec<Move> =
                entries.iter().map(|entry| (written(entry), entry.balance)).collect();
            signs::chain_sign(&moves) == Some(false)
        }
    }
}

fn written(entry: &Entry) -> Decimal {
    let value = entry.row.amount.decimal();
    if entry.minus { -value } else { value }
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
    fn of(entries: &[Entry]) -> Self {
        let count = |side: Side| {
            let all = entries
                .iter()
                .filter(|entry| entry.side == side && !entry.row.amount.decimal().is_zero());
            let minus = all.clone().filter(|entry| entry.minus).count();
            (minus, all.count())
        };
        let mixed =
            |(minus, all): (usize, usize)| (minus > 0 && minus < all).then_some(minus * 2 <= all);
        let mut found = Self {
            reverse: false,
            mixed_out: mixed(count(Side::Out)),
            mixed_in: mixed(count(Side::In)),
        };
        if found.mixed_out.is_none() && found.mixed_in.is_none() {
            return found;
        }
        let steps = |reverse: bool| {
            let moves: Vec<Move> = entries
                .iter()
                .map(|entry| {
                    let out = (entry.side == Side::Out) != (reverse && entry.minus);
                    let value = entry.row.amount.decimal();
                    (if out { -value } else { value }, entry.balance)
                })
                .collect();
            let forward = Steps::count(moves.iter());
            let backward = Steps::count(moves.iter().rev());
            forward.compared >= 2 && forward.with.max(backward.with) == forward.compared
        };
        match (steps(false), steps(true)) {
            (false, true) => {
                found.reverse = true;
                (found.mixed_out, found.mixed_in) = (None, None);
            }
            (true, false) => (found.mixed_out, found.mixed_in) = (None, None),
            _ => {}
        }
        found
    }

    /// Whether the entry's sign is unlike the others of its side and nothing explains it.
    fn is_unclear(self, entry: &Entry) -> bool {
        let mixed = match entry.side {
            Side::Out => self.mixed_out,
            Side::In => self.mixed_in,
            Side::Plain | Side::Plus => None,
        };
        mixed.is_some_and(|minus_is_rare| entry.minus == minus_is_rare)
            && !entry.row.amount.decimal().is_zero()
    }
}

/// An id that several rows share is none: it becomes a reference.
fn keep_unique_ids(entries: &mut [Entry]) {
    let mut ids: Vec<(u16, &str)> = entries
        .iter()
        .filter_map(|entry| Some((entry.account, entry.row.bank_id.as_deref()?)))
        .collect();
    ids.sort_unstable();
    let unique = ids.windows(2).all(|pair| pair.first() != pair.last());
    if unique {
        return;
    }
    for entry in entries {
        let id = entry.row.bank_id.take();
        if entry.row.reference.is_none() {
            entry.row.reference = id;
        }
    }
}

/// Groups the entries: by account where a column names it, and then by currency.
fn group(
    entries: Vec<Entry>,
    accounts: &Seen,
    currencies: &Seen,
    whole_file: Option<&str>,
) -> Vec<Statement> {
    let too_many = accounts.texts.len() >= MAX_KINDS;
    let by_account = !accounts.texts.is_empty() && !too_many;
    let only_account = u16::from(accounts.texts.len() == 1);
    let only_currency = u16::from(currencies.texts.len() == 1);
    let mut groups: Vec<((u16, u16), Vec<Entry>)> = Vec::new();
    let mut last = 0;
    for mut entry in entries {
        if entry.account == 0 || !by_account {
            entry.account = if by_account { only_account } else { 0 };
        }
        if entry.currency == 0 {
            entry.currency = only_currency;
        }
        let key = (entry.account, if by_account { entry.currency } else { 0 });
        if groups.get(last).is_none_or(|(known, _)| *known != key) {
            last = groups.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
                groups.push((key, Vec::new()));
                groups.len() - 1
            });
        }
        if let Some((_, entries)) = groups.get_mut(last) {
            entries.push(entry);
        }
    }
    groups
        .into_iter()
        .map(|((account, _), entries)| {
            let account = accounts.get(account).filter(|_| by_account).or(whole_file);
            let account = account.map(ToOwned::to_owned);
            statement(account, entries, currencies)
        })
        .collect()
}

fn statement(account: Option<String>, entries: Vec<Entry>, currencies: &Seen) -> Statement {
    let first = entries.first().map_or(0, |entry| entry.currency);
    let one_currency = entries.iter().all(|entry| entry.currency == first);
    let closing_balance = if one_currency { closing_balance(&entries) } else { None };
    let currency = if one_currency { currencies.get(first).map(ToOwned::to_owned) } else { None };
    let mut rows = Rows::with_capacity(entries.len(), 0);
    for Entry { row, currency, .. } in &entries {
        rows.push(&Row {
            value_date: row.value_date,
            currency: if one_currency { None } else { currencies.get(*currency) },
            description: &row.description,
            payee: row.payee.as_deref(),
            bank_id: row.bank_id.as_deref(),
            reference: row.reference.as_deref(),
            category: row.category.as_deref(),
            pending: row.pending,
            ..Row::new(row.line, row.booking_date, row.amount)
        });
    }
    Statement { account, currency, rows, closing_balance, ..Statement::default() }
}

/// The balance after the last booked entry: the order of the rows is told by the running balance,
/// otherwise by the dates.
fn closing_balance(entries: &[Entry]) -> Option<Amount> {
    let booked: Vec<&Entry> = entries.iter().filter(|entry| !entry.row.pending).collect();
    let (first, last) = (booked.first()?, booked.last()?);
    if booked.iter().all(|entry| entry.balance.is_none()) {
        return None;
    }
    if booked.len() == 1 {
        return first.balance;
    }
    let moves: Vec<Move> =
        booked.iter().map(|entry| (entry.row.amount.decimal(), entry.balance)).collect();
    let oldest_first = Steps::count(moves.iter());
    let newest_first = Steps::count(moves.iter().rev());
    let compared = oldest_first.compared.max(newest_first.compared);
    let (up, down) = (oldest_first.with, newest_first.with);
    if compared > 0 && up != down {
        let (matched, entry) = if up > down { (up, last) } else { (down, first) };
        if matched * 10 >= compared * 9 {
            return entry.balance;
        }
    }
    if oldest_first.oppose() || newest_first.oppose() {
        // What is owed is not what the account holds.
        return None;
    }
    match first.row.booking_date.cmp(&last.row.booking_date) {
        std::cmp::Ordering::Less => last.balance,
        std::cmp::Ordering::Greater => first.balance,
        std::cmp::Ordering::Equal => None,
    }
}
