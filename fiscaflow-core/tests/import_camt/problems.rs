//! What is reported, what is refused, and what is neither.

use super::*;

/// A whole entry that has no problem, for what stands around the broken one.
fn good() -> String {
    format!("\n{}\n", entry("<AddtlNtryInf>good</AddtlNtryInf>"))
}

#[test]
fn broken_entries_are_left_out_and_named() {
    // Holds: each fault gives its code, line and field, and the entries around it are still read.
    let whole =
        entry("").replace("<CdtDbtInd>", "\n<CdtDbtInd>").replace("<BookgDt>", "\n<BookgDt>");
    let table: [(&str, &str, &[&str]); 25] = [
        ("5.00", "12..34", &["invalid_amount 5 Amt"]),
        ("5.00", "5,00", &["invalid_amount 5 Amt"]),
        ("5.00", "", &["invalid_amount 5 Amt"]),
        ("5.00", "-5.00", &["ambiguous_file 5 Amt"]),
        ("5.00", "99999999999999999999999999999999", &["amount_overflow 5 Amt"]),
        ("<Amt Ccy=\"EUR\">5.00</Amt>", "", &["malformed_file 5 Amt"]),
        ("</Amt>", "</Amt><Amt Ccy=\"EUR\">5.01</Amt>", &["ambiguous_file 5 Amt"]),
        ("</Amt>", "</Amt><Amt Ccy=\"USD\">5.00</Amt>", &["ambiguous_file 5 Amt"]),
        ("DBIT", "debit", &["ambiguous_file 6 CdtDbtInd"]),
        ("<CdtDbtInd>DBIT</CdtDbtInd>", "", &["ambiguous_file 5 CdtDbtInd"]),
        (
            "</CdtDbtInd>",
            "</CdtDbtInd><CdtDbtInd>CRDT</CdtDbtInd>",
            &["ambiguous_file 6 CdtDbtInd"],
        ),
        ("BOOK", "MAYBE", &["malformed_file 6 Sts"]),
        ("2024-01-31", "2023-02-29", &["invalid_date 7 BookgDt"]),
        ("2024-01-31", "31.01.2024", &["invalid_date 7 BookgDt"]),
        (
            "<Dt>2024-01-31</Dt>",
            "<Dt>2024-01-31</Dt><DtTm>2024-01-30T00:00:00</DtTm>",
            &["ambiguous_file 7 BookgDt"],
        ),
        ("</BookgDt>", "</BookgDt><ValDt><Dt>2024-13-01</Dt></ValDt>", &["invalid_date 7 ValDt"]),
        (
            "</BookgDt>",
            "</BookgDt><AddtlNtryInf>&secret;</AddtlNtryInf>",
            &["malformed_file 7 AddtlNtryInf"],
        ),
        (
            "</BookgDt>",
            "</BookgDt><AddtlNtryInf>&a;<!-- -->b</AddtlNtryInf>",
            &["malformed_file 7 AddtlNtryInf"],
        ),
        ("</BookgDt>", "</BookgDt><AddtlNtryInf>a < b</AddtlNtryInf>", &["malformed_file 7 Ntry"]),
        ("</BookgDt>", "</BookgDt></Stray></Other>", &["malformed_file 7 Ntry"]),
        ("</BookgDt>", "", &["malformed_file 7 Ntry"]),
        ("<Amt Ccy=\"EUR\">", "<Amt Ccy=\"EUR>", &["malformed_file 5 Ntry"]),
        ("<Amt Ccy=\"EUR\">", "<Amt Ccy=\"EUR\"", &["malformed_file 5 Ntry"]),
        ("5.00</Amt>", "5.00", &["malformed_file 7 Ntry"]),
        ("<BookgDt>", "<BookgDt><Sub a='x>y'/>", &[]),
    ];
    for (from, to, expected) in table {
        assert!(whole.contains(from), "{from}");
        let text = statement(&[good(), whole.replacen(from, to, 1), good()].concat());
        // A quote that is left open makes the whole element something else.
        let parsed = read(text.as_bytes()).unwrap();
        assert_eq!(problems(&parsed), expected, "{from} -> {to}");
        let read = if expected.is_empty() { 3 } else { 2 };
        assert_eq!(rows(&parsed).len(), read, "{from} -> {to}");
    }
}

#[test]
fn several_faults_of_an_entry_are_all_named() {
    // Holds: an entry without any field names each that is missing, in one place.
    let parsed = read(
        statement("<Ntry>\n</Ntry>")
            .replace("<CreDtTm>2024-02-01T06:00:00</CreDtTm>", "")
            .as_bytes(),
    )
    .unwrap();
    assert_eq!(
        problems(&parsed),
        ["malformed_file 3 Amt", "ambiguous_file 3 CdtDbtInd", "malformed_file 3 BookgDt"]
    );
    let messages: Vec<&str> = parsed.problems.iter().map(|it| &*it.message).collect();
    assert!(messages[1].contains("CRDT") && messages[1].contains("DBIT"), "{messages:?}");
}

#[test]
fn a_report_of_a_running_day_must_say_what_is_booked() {
    // Holds: without a status an entry of a camt.052 may be booked or pending, and is neither.
    let text = statement(&entry("").replace("<Sts>BOOK</Sts>", ""))
        .replace("BkToCstmrStmt", "BkToCstmrAcctRpt")
        .replace("Stmt>", "Rpt>");
    let parsed = read(text.as_bytes()).unwrap();
    assert_eq!(problems(&parsed), ["ambiguous_file 3 Sts"]);
    assert_eq!(rows(&parsed).len(), 0);
}

#[test]
fn a_report_of_a_running_day_may_have_nothing_yet() {
    // Holds: a camt.052 without entries whose balances are not booked is empty; a camt.053 like it
    // is a problem.
    let bal = "<Bal><Tp><CdOrPrtry><Cd>OPAV</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">1.00</Amt>\
               <CdtDbtInd>CRDT</CdtDbtInd></Bal>";
    let text = statement(bal);
    assert_eq!(problems(&read(text.as_bytes()).unwrap()), ["malformed_file 1 Ntry"]);
    let report = text.replace("BkToCstmrStmt", "BkToCstmrAcctRpt").replace("Stmt>", "Rpt>");
    let found = only_statement(&report);
    assert_eq!((found.rows.len(), found.opening_balance), (0, None));
}

#[test]
fn entries_prove_the_sign_of_a_balance() {
    // Holds: a balance without its indicator has the sign with which the entries lead from one
    // balance to the other; where either sign does, or neither, it is a problem.
    let bal = |code: &str, amount: &str, sign: &str| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{amount}</Amt>\
             {sign}</Bal>"
        )
    };
    let debit = "<CdtDbtInd>DBIT</CdtDbtInd>";
    // The entry is 5.00 out.
    for (opening, closing, sign, expected) in [
        ("9.00", "4.00", "", ["9.00", "4.00"]),
        ("4.00", "9.00", "", ["-4.00", "-9.00"]),
        ("2.00", "3.00", "", ["2.00", "-3.00"]),
        ("4.00", "9.00", debit, ["-4.00", "-9.00"]),
    ] {
        let text = bal("OPBD", opening, "") + &entry("") + &bal("CLBD", closing, sign);
        let found = only_statement(&statement(&text));
        let balances = [found.opening_balance, found.closing_balance];
        assert_eq!(balances.map(|it| it.unwrap().to_string()), expected, "{opening} {closing}");
    }
    let none = bal("OPBD", "4.00", "") + &bal("CLBD", "4.00", "");
    let wrong = bal("OPBD", "9.00", "") + &entry("") + &bal("CLBD", "5.00", "");
    for text in [none, wrong] {
        let parsed = read(statement(&text).as_bytes()).unwrap();
        let problems = problems(&parsed);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems.iter().all(|it| it.starts_with("ambiguous_file")), "{problems:?}");
        assert_eq!(parsed.statements[0].opening_balance, None);
        assert_eq!(parsed.statements[0].closing_balance, None);
    }
}

#[test]
fn statements_have_problems_too() {
    // Holds: no statement, no booked balance, unreadable balances; and what is none of them.
    let bal = |code: &str, amount: &str, sign: &str| {
        format!("\n<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{amount}{sign}</Bal>")
    };
    let amount = "<Amt Ccy=\"EUR\">1.00</Amt>";
    let sign = "<CdtDbtInd>CRDT</CdtDbtInd>";
    let table: [(String, &[&str]); 9] = [
        (bal("OPBD", amount, sign), &[]),
        (bal("ITBD", amount, sign), &["malformed_file 1 Ntry"]),
        (bal("ITBD", amount, sign) + &entry(""), &[]),
        (String::new(), &[]),
        (bal("CLBD", "<Amt Ccy=\"EUR\">1.0.0</Amt>", sign), &["invalid_amount 4 Amt"]),
        (bal("CLBD", "<Amt Ccy=\"EUR\">-1</Amt>", sign), &["ambiguous_file 4 Amt"]),
        (bal("CLBD", amount, ""), &["ambiguous_file 4 CdtDbtInd"]),
        (bal("CLAV", "<Amt Ccy=\"EUR\">x</Amt>", "") + &entry(""), &[]),
        (bal("CLBD", "", "") + &entry(""), &[]),
    ];
    for (content, expected) in table {
        let parsed = read(statement(&content).as_bytes()).unwrap();
        assert_eq!(problems(&parsed), expected, "{content}");
        assert_eq!(parsed.statements.len(), 1);
    }
    let parsed =
        read(b"<Document>\n<BkToCstmrStmt>\n<GrpHdr/></BkToCstmrStmt></Document>").unwrap();
    assert_eq!(problems(&parsed), ["malformed_file 2 Stmt"]);
    assert_eq!(parsed.statements.len(), 0);
}

#[test]
fn cut_files_keep_what_is_whole() {
    // Holds: an entry that the file's end cuts is reported, and those before it are read.
    let text = statement(&format!("{}{}", good(), entry("")));
    let last = text.rfind("<Ntry>").unwrap();
    for (cut, field) in [
        (last + 30, "Ntry"),
        (text.rfind("</Ntry>").unwrap(), "Ntry"),
        (text.rfind("</Ntry>").unwrap() + 7, "Document"),
        (text.rfind("</Stmt>").unwrap() + 3, "Document"),
    ] {
        let parsed = read(&text.as_bytes()[..cut]).unwrap();
        let line = text.get(..cut).unwrap().matches('\n').count() + 1;
        assert_eq!(problems(&parsed), [format!("malformed_file {line} {field}")], "{cut}");
        let read = if field == "Ntry" { 1 } else { 2 };
        assert_eq!(rows(&parsed).len(), read, "{cut}");
    }
}

#[test]
fn broken_tags_outside_entries_end_the_reading() {
    // Holds: what follows a fault between entries may belong to anything and is not read.
    for fault in ["</Acct>", "< ", "<a"] {
        let parsed =
            read(statement(&[good(), fault.to_owned(), good()].concat()).as_bytes()).unwrap();
        assert_eq!(problems(&parsed), ["malformed_file 5 Document"], "{fault}");
        assert_eq!(rows(&parsed).len(), 1, "{fault}");
    }
}

#[test]
fn hostile_files_are_refused() {
    // Holds: document types, depth and number end the reading with an error and a line.
    let full = statement(&entry("").repeat(MAX_FILE_ROWS));
    let short = "<Ntry><Amt>1</Amt><CdtDbtInd>CRDT</CdtDbtInd></Ntry>";
    assert!(full.len() > short.len() * MAX_FILE_ROWS);
    let at_limit = read(statement(&short.repeat(MAX_FILE_ROWS)).as_bytes()).unwrap();
    assert_eq!(at_limit.statements[0].rows.len(), MAX_FILE_ROWS);
    let laughs = "<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;\">]>\n";
    let pair = "<TxDtls><Amt>1</Amt></TxDtls><TxDtls><Amt>0</Amt></TxDtls>";
    for (text, code) in [
        (statement(&short.repeat(MAX_FILE_ROWS + 1)), ErrorCode::LimitExceeded),
        (
            statement(
                &short.replace("</Ntry>", &format!("{pair}</Ntry>")).repeat(MAX_FILE_ROWS / 2 + 1),
            ),
            ErrorCode::LimitExceeded,
        ),
        (
            statement(&format!("<Ntry>{}</Ntry>", "<TxDtls/>".repeat(MAX_FILE_ROWS + 1))),
            ErrorCode::LimitExceeded,
        ),
        (
            format!("<BkToCstmrStmt>{}", "<Stmt/>".repeat(MAX_FILE_ROWS + 1)),
            ErrorCode::LimitExceeded,
        ),
        (statement(&format!("<Ntry>{}", "<a>".repeat(100))), ErrorCode::LimitExceeded),
        ("<a>".repeat(100), ErrorCode::LimitExceeded),
        (format!("{laughs}{}", statement(&entry(""))), ErrorCode::MalformedFile),
        (statement("<!ENTITY x SYSTEM 'file:///etc/passwd'>"), ErrorCode::MalformedFile),
        ("<html><body>log in</body></html>".to_owned(), ErrorCode::MalformedFile),
        ("<Document><".to_owned(), ErrorCode::MalformedFile),
        (String::new(), ErrorCode::MalformedFile),
    ] {
        let error = read(text.as_bytes()).unwrap_err();
        assert_eq!(error.code(), code, "{:.80}", text);
        assert!(error.at_line().is_some(), "{:.80}", text);
    }
}

#[test]
fn reading_takes_time_in_proportion_to_the_file() {
    // Holds: no pattern of a large file makes the reader go over it again and again.
    const BYTES: usize = 1 << 19;
    let repeat = |piece: &str| piece.repeat(BYTES / piece.len());
    for piece in [
        "<",
        "<a ",
        "</a ",
        "<a",
        "</a",
        "&",
        "&a",
        "&amp;",
        "<!--",
        "<!-- -->",
        "<![CDATA[",
        "<?",
        "<![CDATA[x]]>",
        "<a>",
        "<a></a>",
        "</Ntry>",
        "<Ntry>",
        "<Nm>",
        "<Sts>",
        "\r",
        "\n",
        " ",
        "<a b='",
        "<a b=\">\"/>",
        "<Ustrd>x</Ustrd>",
        "<TxDtls>",
        "<TxDtls/>",
        "<RmtInf><Ustrd>x<!----></Ustrd></RmtInf>",
    ] {
        let inside = format!("<Ntry><NtryDtls><TxDtls><RmtInf><Ustrd>{}", repeat(piece));
        let _ = read(statement(&inside).as_bytes());
        let _ = read(statement(&format!("<Ntry>{}", repeat(piece))).as_bytes());
        let _ = read(repeat(piece).as_bytes());
        let _ = detect(repeat(piece).as_bytes());
    }
    let blanks = " ".repeat(BYTES);
    let _ = read(statement(&format!("<Ntry>{}</a{blanks}", "<a>".repeat(50))).as_bytes());
}
