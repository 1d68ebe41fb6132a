//! The shapes of answers: pages, changes, investments, sandbox users and refusals.

use super::*;

#[test]
fn a_sync_brings_what_is_new_changed_and_gone() {
    // Holds: changed transactions replace those with their ids, removed ones are named by id.
    let text = format!(
        "{{\"added\": [{}], \"modified\": [{}], \"removed\": [{{\"account_id\": \"A\", \
         \"transaction_id\": \"T3\"}}, {{\"transaction_id\": \"T4\"}}], \"next_cursor\": \"c\", \
         \"has_more\": false}}",
        transaction("\"transaction_id\": \"T1\", \"pending_transaction_id\": \"T3\""),
        transaction("\"transaction_id\": \"T2\""),
    );
    assert_eq!(detect(text.as_bytes()), Some(Format::Plaid));
    let parsed = whole(&text);
    assert_eq!(
        rows(&parsed),
        [
            "1: 2024-01-31 -5.40 `` id=T1 was=T3",
            "1: 2024-01-31 -5.40 `` id=T2 corrects=replaces T2",
        ]
    );
    let removed: Vec<_> =
        parsed.statements.iter().map(|it| (it.account.as_deref(), it.removed.clone())).collect();
    assert_eq!(removed, [(Some("A"), vec!["T3".to_owned()]), (None, vec!["T4".to_owned()])]);
    let empty = "{\"added\": [], \"modified\": [], \"removed\": [], \"next_cursor\": \"\", \
                 \"has_more\": false, \"request_id\": \"r\"}";
    assert_eq!(detect(empty.as_bytes()), Some(Format::Plaid));
    assert_eq!(whole(empty).statements.len(), 0);
}

#[test]
fn balances_close_only_what_leads_up_to_now() {
    // Holds: the last answer of a sync has closing balances, cards and loans owe theirs; an answer
    // of any other kind may end before now and has none.
    let account = |id: &str, kind: &str, current: &str| {
        format!(
            "{{\"account_id\": \"{id}\", \"type\": \"{kind}\", \"balances\": {{\"available\": 1, \
             \"current\": {current}, \"limit\": null}}}}"
        )
    };
    let accounts = [
        account("A", "depository", "110.50"),
        account("B", "credit", "410"),
        account("C", "loan", "-3"),
        account("D", "investment", "320.76"),
        account("E", "depository", "null"),
        account("F", "depository", "0"),
    ]
    .join(", ");
    for (rest, expected) in [
        ("\"added\": [], \"has_more\": false", ["110.50", "-410", "3", "", "", "0"]),
        ("\"added\": [], \"has_more\": true", ["", "", "", "", "", ""]),
        ("\"transactions\": [], \"total_transactions\": 0", ["", "", "", "", "", ""]),
    ] {
        let parsed = whole(&format!("{{\"accounts\": [{accounts}], {rest}}}"));
        let found: Vec<String> = parsed
            .statements
            .iter()
            .map(|it| it.closing_balance.map(|it| it.to_string()).unwrap_or_default())
            .collect();
        assert_eq!(found, expected, "{rest}");
    }
}

#[test]
fn pages_may_follow_one_another() {
    // Holds: quirk 27; pages of one account, in a list or one after the other, make one statement.
    let page = |id: &str| answer(&transaction(&format!("\"transaction_id\": \"{id}\"")));
    for text in [
        format!("{}\n{}", page("T1"), page("T2")),
        format!("[{},\n{}]", page("T1"), page("T2")),
        format!("\u{FEFF} {}{} ", page("T1"), page("T2")),
    ] {
        assert_eq!(detect(text.as_bytes()), Some(Format::Plaid));
        let parsed = whole(&text);
        assert_eq!(parsed.statements.len(), 1);
        let ids: Vec<_> =
            parsed.statements[0].rows.iter().map(|it| it.bank_id.unwrap().to_owned()).collect();
        assert_eq!(ids, ["T1", "T2"]);
    }
}

#[test]
fn investment_accounts_yield_their_cash() {
    // Holds: what an investment transaction moves in cash is a row; holdings are none.
    let text = "{\"accounts\": [{\"account_id\": \"A\"}], \"investment_transactions\": [{\"account_id\": \
        \"A\", \"amount\": -8.72, \"date\": \"2019-06-04\", \"fees\": 7.99, \"price\": 2, \
        \"investment_transaction_id\": \"I\", \"name\": \"DIVIDEND\", \"iso_currency_code\": \"USD\", \
        \"type\": \"cash\"}], \"total_investment_transactions\": 1, \"securities\": [{\"close_price\": 1}]}";
    assert_eq!(detect(text.as_bytes()), Some(Format::Plaid));
    assert_eq!(rows(&whole(text)), ["1: 2019-06-04 8.72 `DIVIDEND` id=I"]);
    let text = "{\"accounts\": [{\"account_id\": \"A\"}], \"holdings\": [{\"account_id\": \"A\", \
        \"institution_value\": 0.01, \"quantity\": 0.01}], \"securities\": []}";
    assert_eq!(detect(text.as_bytes()), Some(Format::Plaid));
    assert_eq!(rows(&whole(text)).len(), 0);
}

#[test]
fn sandbox_users_have_accounts_of_their_own() {
    // Holds: the day of the transaction is kept beside that of its posting; trades are counted.
    let text = "{\"override_accounts\": [\n{\"type\": \"depository\", \"subtype\": \"checking\", \
        \"starting_balance\": 5, \"transactions\": [\n{\"date_transacted\": \"2026-08-21\", \
        \"date_posted\": \"2026-08-22\", \"amount\": -7500, \"description\": \"Send\", \
        \"currency\": \"USD\"}]},\n{\"subtype\": \"checking\", \"numbers\": {\"account\": \"12\"}, \
        \"transactions\": [\n{\"date_posted\": \"2026-08-22\", \"amount\": 1}]},\n{\"subtype\": \
        \"brokerage\", \"investment_transactions\": [{}, {\"amount\": 3}], \"holdings\": [{}]}]}";
    assert_eq!(detect(text.as_bytes()), Some(Format::Plaid));
    let parsed = whole(text);
    assert_eq!(
        rows(&parsed),
        ["3: 2026-08-21 7500 `Send` value=2026-08-22", "5: 2026-08-22 -1 ``"]
    );
    let found: Vec<_> = parsed
        .statements
        .iter()
        .map(|it| (it.account.as_deref().unwrap(), it.currency.as_deref(), it.investments))
        .collect();
    assert_eq!(found, [("checking", Some("USD"), 0), ("12", None, 0), ("brokerage", None, 2)]);
}

#[test]
fn refusals_are_named() {
    // Holds: an error instead of an answer is a problem that names its code and nothing else.
    let text = "{\n\"display_message\": null, \"error_code\": \"ITEM_LOGIN_REQUIRED\", \
        \"error_message\": \"the login details of jane have changed\", \"error_type\": \
        \"ITEM_ERROR\", \"request_id\": \"x\"}";
    assert_eq!(detect(text.as_bytes()), Some(Format::Plaid));
    let parsed = read(text).unwrap();
    assert_eq!(problems(&parsed), ["bank_refused 2 error_code"]);
    assert_eq!(
        parsed.problems[0].message,
        "the answer is an error with code `ITEM_LOGIN_REQUIRED`"
    );
    // An error of the last update, told beside the transactions, is none of the answer.
    let item = "\"item\": {\"error\": {\"error_code\": \"X\"}}, \"error_code\": null, \"accounts\"";
    whole(&answer(&transaction("")).replace("\"accounts\"", item));
}

#[test]
fn other_json_is_not_taken_for_an_answer() {
    // Holds: only JSON with the names of the format is recognised, whatever else it holds.
    for text in [
        "{}",
        "[]",
        "{\"transactions\": [{\"amount\": 1, \"date\": \"2024-01-01\"}]}",
        "{\"accounts\": [], \"transactions\": []}",
        "{\"categories\": [], \"request_id\": \"x\"}",
        "account_id,pending_transaction_id\n1,2\n",
        "\"account_id\" \"pending_transaction_id\"",
        "<p>{\"account_id\", \"total_transactions\"}</p>",
    ] {
        assert_ne!(detect(text.as_bytes()), Some(Format::Plaid), "{text}");
    }
}
