//! Files of several accounts and currencies: every row in its statement, in the file's order.

use proptest::prelude::*;

use super::*;

const ACCOUNTS: &[&str] = &["", "DE02120300000000202051", "DE02500105170137075030", "42"];
const CURRENCIES: &[&str] = &["", "EUR", "USD"];

/// A row: account, currency, cents, and whether its date cannot be read.
type Line = (usize, usize, i64, bool);

/// A statement by account and currency, and its rows: line, amount, currency.
type Group = ((String, String), Vec<(u64, String, String)>);

/// The statements that the rows make up: account, currency, and of each row its line, its amount
/// and the currency that it names itself.
type Statements = Vec<(Option<String>, Option<String>, Vec<(u64, String, Option<String>)>)>;

fn some(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// The same by the rule as it is told: by account, then by currency; a row that names none belongs
/// to the only one; without accounts all is one statement.
fn model(lines: &[Line], by_account: bool) -> Statements {
    let good = || lines.iter().enumerate().filter(|(_, line)| !line.3);
    let only = |texts: &[&str], of: fn(&Line) -> usize| {
        let mut seen: Vec<usize> = good().map(|(_, line)| of(line)).filter(|it| *it > 0).collect();
        seen.sort_unstable();
        seen.dedup();
        if let [one] = seen[..] { texts[one].to_owned() } else { String::new() }
    };
    let only_account = only(ACCOUNTS, |line| line.0);
    let only_currency = only(CURRENCIES, |line| line.1);
    let named = good().any(|(_, line)| line.0 > 0) && by_account;
    let mut found: Vec<Group> = Vec::new();
    for (place, line) in good() {
        let or = |text: &str, only: &str| if text.is_empty() { only } else { text }.to_owned();
        let account = if named { or(ACCOUNTS[line.0], &only_account) } else { String::new() };
        let currency = or(CURRENCIES[line.1], &only_currency);
        let key = (account, if named { currency.clone() } else { String::new() });
        let amount = rust_decimal::Decimal::new(line.2, 2).to_string();
        let row = (place as u64 + 2, amount, currency);
        match found.iter_mut().find(|(known, _)| *known == key) {
            Some((_, rows)) => rows.push(row),
            None => found.push((key, vec![row])),
        }
    }
    let statement = |((account, _), rows): Group| {
        let first = rows[0].2.clone();
        let mixed = rows.iter().any(|row| row.2 != first);
        let own = |currency: String| if mixed { some(&currency) } else { None };
        let named = rows.into_iter().map(|(line, amount, it)| (line, amount, own(it))).collect();
        (some(&account), if mixed { None } else { some(&first) }, named)
    };
    found.into_iter().map(statement).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: deep_or(20_000, 300),
        ..ProptestConfig::default()
    })]

    #[test]
    fn rows_stand_in_their_statement_in_the_files_order(
        lines in prop::collection::vec(
            (0..ACCOUNTS.len(), 0..CURRENCIES.len(), -9999_i64..9999, prop::bool::weighted(0.1)),
            1..30,
        ),
        by_account in any::<bool>(),
    ) {
        // Holds: accounts and currencies that come in any order part the rows as the rule says, and
        // rows whose date cannot be read are problems and in no statement.
        let mut lines = lines;
        // The columns are known by their cells, too.
        lines[0] = (1, 1, -100, false);
        let first = if by_account { "Account" } else { "X" };
        let mut text = format!("{first},Date,Text,Amount,Currency\n");
        for (account, currency, cents, bad) in &lines {
            let date = if *bad { "2024-13-45" } else { "2024-01-31" };
            let amount = rust_decimal::Decimal::new(*cents, 2);
            let account = if by_account { ACCOUNTS[*account] } else { "" };
            text += &format!("{account},{date},coffee,{amount},{}\n", CURRENCIES[*currency]);
        }
        let parsed = read(text.as_bytes(), None);
        let found: Statements = parsed.statements.iter().map(|statement| {
            let rows = statement.rows.iter().map(|row| {
                (row.line, row.amount.to_string(), row.currency.map(ToOwned::to_owned))
            });
            (statement.account.clone(), statement.currency.clone(), rows.collect())
        }).collect();
        prop_assert_eq!(found, model(&lines, by_account), "{}", text);
        prop_assert_eq!(parsed.problems.len(), lines.iter().filter(|line| line.3).count());
    }
}

#[test]
fn too_many_accounts_are_no_accounts() {
    // Holds: a column that names another account in every row is not the file's own; the rows are
    // one statement.
    let rows: Vec<String> =
        (0..100).map(|row| format!("1000{row:04},2024-01-31,coffee,-1.50")).collect();
    let parsed = read(format!("Account,Date,Text,Amount\n{}\n", rows.join("\n")).as_bytes(), None);
    assert_eq!(parsed.statements.len(), 1);
    assert_eq!((parsed.statements[0].rows.len(), &parsed.statements[0].account), (100, &None));
    assert!(parsed.statements[0].rows.iter().map(|row| row.line).eq(2..102));
}

#[test]
fn ids_are_unique_in_an_account_or_references() {
    // Holds: an id that two rows of one account share is no id; two accounts may share one.
    let ids = |text: &str| -> Vec<(Option<String>, Option<String>)> {
        let parsed = read(text.as_bytes(), None);
        let rows = parsed.statements.iter().flat_map(|statement| statement.rows.iter());
        let own = |text: Option<&str>| text.map(ToOwned::to_owned);
        rows.map(|row| (own(row.bank_id), own(row.reference))).collect()
    };
    let header = "Account,Date,Text,Amount,Transaction ID\n";
    let shared = "DE02120300000000202051,2024-01-31,a,-1.50,77\n";
    let other = "DE02500105170137075030,2024-01-31,b,-1.50,77\n";
    let third = "DE02120300000000202051,2024-01-31,c,-1.50,12\n";
    let id = |text: &str| (some(text), None);
    let reference = |text: &str| (None, some(text));
    assert_eq!(ids(&[header, shared, other, third].concat()), [id("77"), id("12"), id("77")]);
    assert_eq!(
        ids(&[header, shared, third, shared].concat()),
        [reference("77"), reference("12"), reference("77")]
    );
}
