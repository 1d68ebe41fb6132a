//! What transactions become, field by field.

use super::*;

#[test]
fn fields_become_the_row() {
    // Holds: quirk 27; the sign is turned, and each member becomes its part of the row.
    let meta = |members: &str| format!("\"payment_meta\": {{{members}}}");
    let party =
        |members: &str| format!("\"counterparties\": [{{{members}}}, {{\"name\": \"no\"}}]");
    let table: [(String, &str); 24] = [
        (String::new(), "``"),
        ("\"name\": \"UBER 063015 SF**POOL**\"".into(), "`UBER 063015 SF**POOL**`"),
        ("\"name\": \" a \\n\\u00e9\\\"b\\\" \"".into(), "`a é\"b\"`"),
        ("\"name\": \"a\", \"original_description\": \"RAW A\"".into(), "`RAW A`"),
        ("\"name\": \"a\", \"original_description\": null".into(), "`a`"),
        ("\"merchant_name\": \"Uber\"".into(), "`` payee=Uber"),
        (format!("\"merchant_name\": null, {}", party("\"name\": \"Uber\"")), "`` payee=Uber"),
        (meta("\"payee\": \"to\", \"payer\": \"by\""), "`` payee=to"),
        (meta("\"payee\": \"to\"") + ", \"merchant_name\": \"M\"", "`` payee=M"),
        (meta("\"reference_number\": \"R1\", \"reason\": \"x\""), "`` ref=R1"),
        (meta("\"reference_number\": \"R1\"") + ", \"check_number\": \"12\"", "`` ref=12"),
        ("\"payment_meta\": null".into(), "``"),
        (
            party("\"account_numbers\": {\"international\": {\"iban\": \"DE1\", \"bic\": \"B\"}}"),
            "`` account=DE1",
        ),
        (
            party("\"account_numbers\": {\"bacs\": {\"account\": \"12\", \"sort_code\": \"3\"}}"),
            "`` account=12",
        ),
        ("\"counterparties\": []".into(), "``"),
        (
            "\"category\": [\"Food and Drink\", \"Restaurants\"]".into(),
            "`` category=Food and Drink:Restaurants",
        ),
        ("\"category\": null, \"category_id\": null".into(), "``"),
        (
            "\"category\": [\"Travel\"], \"personal_finance_category\": {\"primary\": \
             \"TRANSPORTATION\", \"detailed\": \"TRANSPORTATION_TAXIS\", \"confidence_level\": \"LOW\"}"
                .into(),
            "`` category=TRANSPORTATION_TAXIS",
        ),
        ("\"personal_finance_category\": {\"primary\": \"INCOME\"}".into(), "`` category=INCOME"),
        ("\"pending\": true, \"transaction_id\": \"T\"".into(), "`` id=T pending="),
        (
            "\"pending\": false, \"pending_transaction_id\": \"P\", \"transaction_id\": \"T\"".into(),
            "`` id=T was=P",
        ),
        ("\"iso_currency_code\": \"EUR\"".into(), "`` currency=EUR"),
        (
            "\"iso_currency_code\": null, \"unofficial_currency_code\": \"DOGE\"".into(),
            "`` currency=DOGE",
        ),
        (
            "\"location\": {\"lat\": 1.5, \"address\": \"}\\\"]\"}, \"authorized_date\": \"2024-01-01\", \
             \"x\": [[{}]], \"iso_currency_code\": \"USD\""
                .into(),
            "``",
        ),
    ];
    for (members, expected) in table {
        let parsed = whole(&answer(&transaction(&members)));
        assert_eq!(rows(&parsed), [format!("3: 2024-01-31 -5.40 {expected}")], "{members}");
    }
}

#[test]
fn money_in_is_paid_by_someone() {
    // Holds: a negative amount is money in, and the other party of it is the payer.
    let members = "\"payment_meta\": {\"payee\": \"to\", \"payer\": \"by\"}";
    let parsed = whole(&answer(&transaction(members).replace("5.40", "-5.40")));
    assert_eq!(rows(&parsed), ["3: 2024-01-31 5.40 `` payee=by"]);
}

#[test]
fn amounts_are_read_by_their_digits() {
    // Holds: no amount passes through a binary float; texts are read like numbers.
    for (written, read) in [
        ("0.1", "-0.1"),
        ("-89.40", "89.40"),
        ("12345678901234567.89", "-12345678901234567.89"),
        ("0.30000000000000004", "-0.30000000000000004"),
        ("0", "0"),
        ("-0.00", "0.00"),
        ("1.5e3", "-1500"),
        ("\"5.40\"", "-5.40"),
        ("\" -7 \"", "7"),
    ] {
        let parsed = whole(&answer(&transaction("").replace("5.40", written)));
        assert_eq!(parsed.statements[0].rows.get(0).unwrap().amount.to_string(), read, "{written}");
    }
}

#[test]
fn transactions_find_their_accounts() {
    // Holds: each account has a statement with its currency, wherever the transactions stand.
    let of = |account: &str, members: &str| {
        transaction(members).replace("\"A\"", &format!("\"{account}\""))
    };
    let transactions =
        [of("B", ""), of("A", ""), of("B", "\"iso_currency_code\": \"EUR\""), of("C", "")]
            .join(",\n");
    let accounts = "\"accounts\": [{\"account_id\": \"A\", \"balances\": {\"iso_currency_code\": \
        null, \"unofficial_currency_code\": \"BTC\"}}, {\"account_id\": \"B\"}, {\"mask\": \"1\", \
        \"account_id\": \"D\", \"balances\": null}], \"item\": {\"institution_id\": \"ins_1\"}";
    for text in [
        format!("{{{accounts}, \"transactions\": [\n{transactions}]}}"),
        format!("{{\"transactions\": [\n{transactions}], {accounts}}}"),
        format!("{{\"added\": [\n{transactions}], \"has_more\": true, {accounts}}}"),
    ] {
        let parsed = whole(&text);
        let found: Vec<_> = parsed
            .statements
            .iter()
            .map(|found| {
                let lines: Vec<u64> = found.rows.iter().map(|row| row.line).collect();
                let account = found.account.clone().unwrap();
                (account, found.currency.clone().unwrap_or_default(), lines)
            })
            .collect();
        let expected = [
            ("A", "BTC", vec![3]),
            ("B", "EUR", vec![2, 4]),
            ("D", "", vec![]),
            ("C", "", vec![5]),
        ];
        assert_eq!(found, expected.map(|it| (it.0.to_owned(), it.1.to_owned(), it.2)));
        assert!(parsed.statements.iter().all(|it| it.bank_id.as_deref() == Some("ins_1")));
    }
}
