//! Sections: which of them are transactions, and whose they are.

use super::*;

const RECORD: &str = "D1/31/2024\nT1.00\n^\n";

/// The statements as account and number of rows.
fn statements(text: &str) -> Vec<String> {
    let parsed = read(text.as_bytes()).unwrap();
    assert_eq!(problems(&parsed), Vec::<String>::new(), "{text}");
    parsed
        .statements
        .iter()
        .map(|found| format!("{} {}", found.account.as_deref().unwrap_or("-"), found.rows.len()))
        .collect()
}

#[test]
fn every_kind_of_account_is_read() {
    // Holds: the sections that carry transactions are read, in any letter case, lists are not.
    for kind in ["Bank", "Cash", "CCard", "Oth A", "Oth L", "Invst", "bank ", "CCARD"] {
        assert_eq!(statements(&format!("!Type:{kind}\n{RECORD}")), ["- 1"], "{kind}");
        assert_eq!(statements(&format!("!type:{kind}\n{RECORD}")), ["- 1"], "{kind}");
    }
    for kind in ["Cat", "Class", "Memorized", "Security", "Prices", "Budget", "Template", "Tag"] {
        let list = format!("!Type:{kind}\nNx\n{RECORD}!Type:Bank\n{RECORD}");
        assert_eq!(statements(&list), ["- 1"], "{kind}");
        assert_eq!(statements(&format!("!Type:{kind}\n{RECORD}")), Vec::<String>::new(), "{kind}");
    }
}

#[test]
fn headers_name_the_account() {
    // Holds: the account before a section is its own, a list of accounts names none, transactions
    // before any header have none, and each section is a statement.
    let account = |name: &str| format!("!Account\nN{name}\nTBank\n^\n");
    let section = format!("!Type:Bank\n{RECORD}{RECORD}");
    let table: [(String, &[&str]); 8] = [
        (account("A") + &section, &["A 2"]),
        (account("A") + &section + &account("B") + &section, &["A 2", "B 2"]),
        (account("A") + &section + &account("A") + &section, &["A 2", "A 2"]),
        (section.clone() + &account("A") + &section, &["- 2", "A 2"]),
        (account("A") + "!Type:Cat\nNx\n^\n" + &section, &["A 2"]),
        (
            format!("!Option:AutoSwitch\n{}NB\n^\n!Clear:AutoSwitch\n{section}", account("A")),
            &["- 2"],
        ),
        (
            format!(
                "!Option:AutoSwitch\n{}NB\n^\n!Clear:AutoSwitch\n{}{section}",
                account("A"),
                account("B")
            ),
            &["B 2"],
        ),
        (format!("!Account\n^\nNPortfolio\nTPort\n^\n{section}"), &["Portfolio 2"]),
    ];
    for (text, expected) in table {
        assert_eq!(statements(&text), expected, "{text}");
    }
}

#[test]
fn an_opening_balance_names_the_account() {
    // Holds: Quicken's first record is a transfer from the account itself, which names it.
    let text = "!Type:Bank\nD1/31/2024\nT10.00\nPOpening Balance\nL[Giro]\n^\n\
                D2/1/2024\nT-1.00\nPx\nL[Cash]\n^\n";
    assert_eq!(statements(text), ["Giro 2"]);
    let expected = [
        "2: 2024-01-31 10.00 `Opening Balance` payee=Opening Balance",
        "7: 2024-02-01 -1.00 `x` payee=x account=Cash",
    ];
    assert_eq!(rows(&read(text.as_bytes()).unwrap()), expected);
    let named = format!("!Account\nNOther\n^\n{text}");
    assert_eq!(statements(&named), ["Other 2"]);
    let later = text.replace("POpening Balance", "Px");
    assert_eq!(statements(&later), ["- 2"]);
}

#[test]
fn investments_are_rows() {
    // Holds: what was done and with which security is the description; the amount is the record's
    // own, and nothing where it has none.
    let text = "!Account\nNBroker\nTInvst\n^\n!Type:Invst\n\
                D8/25/93\nNShrsIn\nYibm4\nI11.260\nQ88.81\nCX\nT1,000.00\nMOpening\n^\n\
                D8/25/93\nNBuyX\nYibm4\nT100.00\nL[CHECKING]\n$100.00\n^\n\
                D8/26/93\nNBuy\nY$AAPL\nI32.00\nQ376\nO10\n$100.00\nPTest investment\n^\n\
                D8/27/93\nNCash\nL[Broker]\n^\n";
    assert_eq!(statements(text), ["Broker 4"]);
    let expected = [
        "6: 1993-08-25 1000.00 `ShrsIn ibm4 Opening`",
        "15: 1993-08-25 100.00 `BuyX ibm4` account=CHECKING",
        "22: 1993-08-26 0 `Buy $AAPL Test investment` payee=Test investment",
        "31: 1993-08-27 0 `Cash`",
    ];
    assert_eq!(rows(&read(text.as_bytes()).unwrap()), expected);
}

#[test]
fn unknown_sections_are_named() {
    // Holds: a section that is not known is left out, and said once if it may be transactions.
    let text = format!("!Type:Foo\n{RECORD}{RECORD}!Type:Bank\n{RECORD}");
    let parsed = read(text.as_bytes()).unwrap();
    assert_eq!(problems(&parsed), ["malformed_file 1 !Type"]);
    assert!(parsed.problems[0].message.contains("`Foo`"));
    assert_eq!(rows(&parsed).len(), 1);
    let parsed = read(format!("# comment\n{RECORD}!Type:Bank\n{RECORD}").as_bytes()).unwrap();
    assert_eq!(problems(&parsed), ["malformed_file 2 !Type"]);
    let list = format!("!Type:Foo\nNx\nDtext\nTyes\n^\n!Type:Bank\n{RECORD}");
    assert_eq!(statements(&list), ["- 1"]);
    let parsed = read(format!("!Type:Bank\n!Foo\n{RECORD}").as_bytes()).unwrap();
    assert_eq!((problems(&parsed).len(), rows(&parsed).len()), (1, 0));
}

#[test]
fn files_without_transactions_are_empty() {
    // Holds: lists, options and accounts alone are read without a statement and without a problem.
    for text in [
        "",
        "\n \n",
        "!Option:AutoSwitch\n!Account\nNMy Bank Account\nD\nTBank\n^\n!Clear:AutoSwitch\n",
        "!Type:Cat\nNRoot\nD\nI\n^\nNRoot:Child\nD\nI\n^",
        "!Type:Cat\nNA:B\nE\n^\nNB:A\nE\n^\n!Type:Memorized\nKC\nT-5.00\nPx\n^\n",
        "^\n!Type:Security\nNExample\nTStock\n",
        "!Type:Bank\n^\n",
        "!Type:Bank",
    ] {
        assert_eq!(statements(text), Vec::<String>::new(), "{text}");
        if !text.trim().is_empty() {
            assert_eq!(detect(text.as_bytes()), Some(Format::Qif), "{text}");
        }
    }
}

#[test]
fn what_has_no_header_is_refused() {
    // Holds: a file of another kind is not recognised, and nothing is read from it by force.
    for text in ["just text", "D1/1/2024\nT5\n^\n", "a,b\n1,2\n", "Type:Bank", "^"] {
        assert_ne!(detect(text.as_bytes()), Some(Format::Qif), "{text}");
        assert_eq!(read(text.as_bytes()).unwrap_err().code(), ErrorCode::MalformedFile);
    }
    for text in ["\u{feff}!Type:Bank\n", "### a\n# b\n\n!type:Bank\n", "!Account\n", "^\n!Type:x"] {
        assert_eq!(detect(text.as_bytes()), Some(Format::Qif), "{text}");
    }
}

#[test]
fn charsets_are_told() {
    // Holds: UTF-8 with and without a mark, UTF-16, windows-1252 and the code page of DOS read
    // alike.
    let text = "!Type:Bank\nD1/31/2024\nT1\nPM\u{dc}LLER f\u{fc}r\n^\n";
    let rows_of = |bytes: &[u8]| rows(&read(bytes).unwrap());
    let expected = ["2: 2024-01-31 1 `MÜLLER für` payee=MÜLLER für"];
    assert_eq!(rows_of(text.as_bytes()), expected);
    assert_eq!(rows_of(format!("\u{feff}{text}").as_bytes()), expected);
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(rows_of(&wide), expected);
    for [small, capital] in [[0xFC, 0xDC], [0x81, 0x9A]] {
        let byte = |letter: char| match letter {
            '\u{fc}' => small,
            '\u{dc}' => capital,
            letter => u8::try_from(letter).unwrap(),
        };
        assert_eq!(rows_of(&text.chars().map(byte).collect::<Vec<_>>()), expected);
    }
}

#[test]
fn hostile_files_end_at_a_limit() {
    // Holds: the number of transactions and of problems is limited.
    let full = format!("!Type:Bank\n{}", RECORD.repeat(MAX_FILE_ROWS));
    assert_eq!(rows(&read(full.as_bytes()).unwrap()).len(), MAX_FILE_ROWS);
    let unknown = format!("!Type:Foo\n{RECORD}");
    for text in [format!("{full}{RECORD}"), unknown.repeat(MAX_FILE_ROWS + 2)] {
        assert_eq!(read(text.as_bytes()).unwrap_err().code(), ErrorCode::LimitExceeded);
    }
}
