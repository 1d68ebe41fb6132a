//! Messages and their balances, and what stands around them.

use super::*;

/// The head of each statement: account, currency, balances and number of rows.
fn heads(parsed: &Parsed) -> Vec<String> {
    let text = |amount: Option<Amount>| amount.map_or("-".to_owned(), |it| it.to_string());
    let head = |found: &Statement| {
        format!(
            "{} {} {} {} {}",
            found.account.as_deref().unwrap_or("-"),
            found.currency.as_deref().unwrap_or("-"),
            text(found.opening_balance),
            text(found.closing_balance),
            found.rows.len()
        )
    };
    parsed.statements.iter().map(head).collect()
}

#[test]
fn what_stands_around_the_messages_does_not_matter() {
    // Holds: blocks, headings, prose, control bytes and any line end leave the statements alone.
    let one =
        ":20:A\n:25:11\n:28C:1\n:60F:C240131EUR1,\n:61:240201C2,NTRF\n:86:x\n:62F:C240201EUR3,\n";
    let two = one.replace(":25:11", ":25:22");
    let table = [
        format!("{one}{two}"),
        format!("{one}-\n{two}-\n"),
        format!("ABNANL2A\n940\nABNANL2A\n{one}-\nABNANL2A\n940\nABNANL2A\n{two}-\n"),
        format!(":940:\n{one}\n\n{two}"),
        format!("Some Bank\nyour statement: 1\n\n{one}-\n\n-\n\n{two}"),
        format!(
            "{{1:F01X}}{{2:I940X}}{{4:\n{one}-}}\n{{1:F01X}}{{2:I940X}}{{4:\n{two}-}}{{5:{{MAC:0}}}}"
        ),
        format!("\u{1}{{1:F01X}}{{4:\n{one}-}}\u{3}\u{1}{{1:F01X}}{{4:\n{two}-}}\u{3}"),
        format!("\u{1}\n{one}-\u{3}\n\u{1}\n{two}-\u{3}\n"),
        format!("{one}:86:about the statement\n:20:15\n-XXX\n{two}"),
        format!("\u{feff}{one}{two}"),
    ];
    for text in table {
        for end in ["\n", "\r\n", "\r"] {
            let parsed = read(text.replace('\n', end).as_bytes()).unwrap();
            assert_eq!(problems(&parsed), Vec::<String>::new(), "{text:?}");
            assert_eq!(heads(&parsed), ["11 EUR 1 3 1", "22 EUR 1 3 1"], "{text:?}");
            assert!(rows(&parsed).iter().all(|row| row.ends_with("2024-02-01 2 `x`")), "{text:?}");
            assert_eq!(detect(text.replace('\n', end).as_bytes()), Some(Format::Mt940), "{text:?}");
        }
    }
}

#[test]
fn pages_continue_a_statement() {
    // Holds: each page is a statement with its own balances, also where only `:60M:` begins it.
    let page = |head: &str, opening: &str, closing: &str| {
        format!("{head}:60{opening}EUR1,\n:61:240201C1,NTRF\n:62{closing}EUR2,\n")
    };
    let head = ":20:A\n:25:1\n:28C:9/1\n";
    let expected = ["1 EUR 1 2 1", "1 EUR 1 2 1"];
    for second in [head, ":25:1\n:28C:9/2\n", ""] {
        let text = page(head, "F:C240131", "M:C240131") + &page(second, "M:C240131", "F:C240131");
        let parsed = read(text.as_bytes()).unwrap();
        assert_eq!(problems(&parsed), Vec::<String>::new(), "{second}");
        assert_eq!(heads(&parsed), expected, "{second}");
    }
}

#[test]
fn balances_are_read() {
    // Holds: mark, currency and amount of a balance, also without a currency.
    let table = [
        ("C240131EUR12,34", "1 EUR 12.34 - 0"),
        ("D240131EUR000000001000.12", "1 EUR -1000.12 - 0"),
        ("C240131EUR0,", "1 EUR 0 - 0"),
        ("C240131PLN00,40\r", "1 PLN 0.40 - 0"),
        ("C020315105000,00", "1 - 105000.00 - 0"),
        ("C 240131 EUR 5,", "1 EUR 5 - 0"),
        ("C160230EUR5,", "1 EUR 5 - 0"),
    ];
    for (text, expected) in table {
        let parsed = read(format!(":20:A\n:25:1\n:60F:{text}\n").as_bytes()).unwrap();
        assert_eq!(problems(&parsed), Vec::<String>::new(), "{text}");
        assert_eq!(heads(&parsed), [expected], "{text}");
    }
    let table = [
        ("", "malformed_file"),
        ("240131EUR5,", "malformed_file"),
        ("CnullEUR5,", "malformed_file"),
        ("C240131EUR", "malformed_file"),
        ("C240131EUR5,00x", "malformed_file"),
        ("C240131EUR1.234,56", "invalid_amount"),
        ("C240131EUR1.234", "ambiguous_file"),
    ];
    for (text, code) in table {
        for tag in ["60F", "62F", "64", "65"] {
            let parsed = read(format!(":20:A\n:25:1\n:{tag}:{text}\n").as_bytes()).unwrap();
            assert_eq!(problems(&parsed), [format!("{code} 3 {tag}")], "{text}");
        }
    }
}

#[test]
fn interim_reports_are_read() {
    // Holds: MT942 with floor limits, time, sums and an expected entry; the floor has the currency.
    let text = ":20:A\n:25:1\n:28C:1\n:34F:EURD0,00\n:34F:EURC0,00\n:13D:1610301730+0000\n\
                :61:1610301031D0,42NMSCNONREF//05\n:86:REMIT\n:61:161101ED7,NDDTNONREF\n\
                :86:soon\n:90D:2EUR7,42\n:90C:0EUR0,\n";
    let parsed = read(text.as_bytes()).unwrap();
    assert_eq!(problems(&parsed), Vec::<String>::new());
    assert_eq!(heads(&parsed), ["1 EUR - - 2"]);
    assert_eq!(
        rows(&parsed),
        ["7: 2016-10-31 -0.42 `REMIT` value=2016-10-30 id=05", "9: 2016-11-01 -7 `soon` pending=",]
    );
}

#[test]
fn fragments_are_named() {
    // Holds: what is no whole message is a problem with a line, and its entries are still read.
    let table: [(&str, &[&str], usize); 12] = [
        (":86:091\n-", &["malformed_file 1 25"], 0),
        (":NS:\n", &["malformed_file 1 25"], 0),
        (":61:110701CN50,00NZ10NONREF\n-\n", &["malformed_file 1 25"], 1),
        (":62F:C100323EUR42570,04\n-", &["malformed_file 1 25"], 0),
        (":20:A\n:25:1\n\n:20:B\n:25:2\n", &["malformed_file 1 60F", "malformed_file 4 60F"], 0),
        (
            ":60F:C100318EUR1,\n:60F:C100318EUR2,\n:60F:C100318EUR1,\n",
            &["malformed_file 1 25", "malformed_file 2 60F"],
            0,
        ),
        (
            ":20:A\n:25:1\n:60F:D240131EUR1,\n:62F:C240131EUR2,\n:20:B\n",
            &["malformed_file 5 25"],
            0,
        ),
        (":20:A\n:25:1\n:61:240131C1,NTRF\n:25:166?00x\n", &["malformed_file 4 25"], 1),
        (":20:A\n:25:1\n:61:240131C1,NTRF\n:60F:C240131EUR1,\n", &["malformed_file 4 60F"], 1),
        (":20:A\n:25:1\n:62F:C240131EUR1,\n:62F:C240131EUR2,\n", &["ambiguous_file 4 62F"], 0),
        (":20:A\n:25:1\n:60F:C240131EUR1,\n:62F:C240131USD1,\n", &["currency_mismatch 4 62F"], 0),
        (
            ":61:1811261126CR\n30,00N062NONREF\n:\n86:166",
            &["invalid_amount 1 61", "malformed_file 1 25"],
            0,
        ),
    ];
    for (text, expected, count) in table {
        let parsed = read(text.as_bytes()).unwrap();
        assert_eq!(problems(&parsed), expected, "{text}");
        assert_eq!(rows(&parsed).len(), count, "{text}");
    }
}

#[test]
fn entries_behind_the_balance_are_of_the_statement() {
    // Holds: an entry behind the closing balance counts, and `:86:` of the statement is no entry's.
    let text = ":20:A\n:25:1\n:60F:C240131EUR1,\n:61:240201C1,NTRF\n:86:one\n:62F:C240201EUR2,\n\
                :64:C240201EUR2,\n:86:FREE TEXT\nFREE TEXT\n-\n:61:240202C2,NTRF\nPaiement\n";
    let parsed = read(text.as_bytes()).unwrap();
    assert_eq!(problems(&parsed), Vec::<String>::new());
    assert_eq!(rows(&parsed), ["4: 2024-02-01 1 `one`", "11: 2024-02-02 2 `Paiement`"]);
}

#[test]
fn charsets_are_told() {
    // Holds: UTF-8, UTF-16, windows-1252 and the code page of DOS give the same text.
    let text = message(":61:240201C1,NTRF\n:86:166?20F\u{fc}r ?32M\u{dc}LLER");
    let rows_of = |bytes: &[u8]| rows(&read(bytes).unwrap());
    let expected = ["5: 2024-02-01 1 `Für` payee=MÜLLER"];
    assert_eq!(rows_of(text.as_bytes()), expected);
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
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
fn what_has_no_field_is_refused() {
    // Holds: a file of another kind is not recognised, and nothing is read from it by force.
    for text in ["", "\n\n", "1\n2\n3\n", "just text", "20:a\n25:b", ":99:x", "a :20:b\n"] {
        assert_ne!(detect(text.as_bytes()), Some(Format::Mt940), "{text}");
        let error = read(text.as_bytes()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::MalformedFile);
    }
}

#[test]
fn hostile_files_end_at_a_limit() {
    // Holds: the number of entries, messages and problems is limited.
    let full = message(&":61:240201C1,NTRF\n".repeat(MAX_FILE_ROWS));
    assert_eq!(rows(&read(full.as_bytes()).unwrap()).len(), MAX_FILE_ROWS);
    for (line, times) in [
        (":61:240201C1,NTRF\n", MAX_FILE_ROWS + 1),
        (":20:A\n:25:1\n", MAX_FILE_ROWS + 1),
        (":64:x\n", 2 * MAX_FILE_ROWS + 1),
    ] {
        let error = read(message(&line.repeat(times)).as_bytes()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::LimitExceeded, "{line}");
    }
}
