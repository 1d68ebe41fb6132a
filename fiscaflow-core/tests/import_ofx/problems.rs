//! What is reported, what is refused, and what is neither.

use super::*;

#[test]
fn broken_entries_are_left_out_and_named() {
    // Holds: each fault gives its code, line and field, and the entries around it are still read.
    let table: [(&str, &[&str]); 14] = [
        (
            "<STMTTRN>\n*snipped*\n</STMTTRN>",
            &["malformed_file 6 DTPOSTED", "malformed_file 6 TRNAMT"],
        ),
        ("<STMTTRN>\n<DTPOSTED>20120231\n<TRNAMT>1</STMTTRN>", &["invalid_date 7 DTPOSTED"]),
        (
            "<STMTTRN>\n<TRNAMT>$120\n<DTPOSTED>201120000000</STMTTRN>",
            &["invalid_amount 7 TRNAMT", "invalid_date 8 DTPOSTED"],
        ),
        ("<STMTTRN><DTPOSTED>20240101<TRNAMT> </STMTTRN>", &["malformed_file 6 TRNAMT"]),
        ("<STMTTRN><DTPOSTED><TRNAMT>1</STMTTRN>", &["malformed_file 6 DTPOSTED"]),
        ("<STMTTRN><DTPOSTED>20240101<TRNAMT>1.2.3,4</STMTTRN>", &["invalid_amount 6 TRNAMT"]),
        ("<STMTTRN><DTPOSTED>20240101<TRNAMT>1e5</STMTTRN>", &["invalid_amount 6 TRNAMT"]),
        (
            "<STMTTRN><DTPOSTED>20240101<TRNAMT>99999999999999999999999999999999999</STMTTRN>",
            &["amount_overflow 6 TRNAMT"],
        ),
        (
            "<STMTTRN><DTPOSTED>20240101<TRNAMT>1\n<DTAVAIL>20240230</STMTTRN>",
            &["invalid_date 7 DTAVAIL"],
        ),
        ("<STMTTRN><DTPOSTED>20240101<TRNAMT>1\n<TRNAMT>2</STMTTRN>", &["ambiguous_file 7 TRNAMT"]),
        (
            "<STMTTRN><DTPOSTED>20240101\n<DTPOSTED>20240102<TRNAMT>1</STMTTRN>",
            &["ambiguous_file 7 DTPOSTED"],
        ),
        (
            "<STMTTRN><DTPOSTED>20240101<TRNAMT>1<CORRECTFITID>7</STMTTRN>",
            &["malformed_file 6 CORRECTACTION"],
        ),
        (
            "<STMTTRN><DTPOSTED>20240101<TRNAMT>1<CORRECTFITID>7\n<CORRECTACTION>x</STMTTRN>",
            &["malformed_file 7 CORRECTACTION"],
        ),
        ("<STMTTRNP><DTPOSTED>20240101<TRNAMT>1</STMTTRNP>", &[]),
    ];
    for (entry, expected) in table {
        let parsed = read(statement(&format!("{entry}{ENTRY}")).as_bytes()).unwrap();
        assert_eq!(problems(&parsed), expected, "{entry}");
        let read = if expected.is_empty() { 2 } else { 1 };
        assert_eq!(rows(&parsed).len(), read, "{entry}");
    }
    let parsed = read(&fixture("decimal_error.ofx")).unwrap();
    assert_eq!(problems(&parsed), ["invalid_date 36 DTPOSTED", "invalid_amount 37 TRNAMT"]);
}

#[test]
fn grouping_elsewhere_makes_a_lone_separator_ambiguous() {
    // Holds: `1,000` is one, unless another amount of the file groups its thousands with a comma.
    let entry = |amount: &str| format!("\n<STMTTRN><DTPOSTED>20240101<TRNAMT>{amount}</STMTTRN>");
    let file = |amounts: &[&str]| {
        let entries: String = amounts.iter().map(|amount| entry(amount)).collect();
        read(statement(&entries).as_bytes()).unwrap()
    };
    assert_eq!(
        rows(&file(&["-30.000", "1,000"])),
        ["7: 2024-01-01 -30.000 ``", "8: 2024-01-01 1.000 ``"]
    );
    for amounts in [["1,000", "2,500.00", "3.5", "4,25"], ["1.000", "2.500,00", "3,5", "4.25"]] {
        let parsed = file(&amounts);
        assert_eq!(problems(&parsed), ["ambiguous_file 7 TRNAMT"], "{amounts:?}");
        assert_eq!(rows(&parsed).len(), 3, "{amounts:?}");
    }
}

#[test]
fn statements_have_problems_too() {
    // Holds: a blank currency and an unreadable balance are named; a blank or missing one is not.
    let table: [(&str, &[&str]); 5] = [
        ("<STMTRS>\n<CURDEF></CURDEF>", &["unknown_currency 2 CURDEF"]),
        ("<STMTRS>", &[]),
        ("<STMTRS><LEDGERBAL><BALAMT></LEDGERBAL>", &[]),
        ("<STMTRS>\n<LEDGERBAL>\n<BALAMT>n/a</LEDGERBAL>", &["invalid_amount 3 BALAMT"]),
        ("<STMTRS><LEDGERBAL><BALAMT>-1,5<DTASOF></LEDGERBAL>", &[]),
    ];
    for (text, expected) in table {
        let parsed = read(format!("<OFX>{text}</STMTRS></OFX>").as_bytes()).unwrap();
        assert_eq!(problems(&parsed), expected, "{text}");
        assert_eq!(parsed.statements.len(), 1);
    }
}

#[test]
fn a_balance_may_have_a_sign_of_its_currency() {
    // Holds: balances that are written for people are read; what is no sign of money is refused.
    for (text, balance) in [
        ("R$ 5.326,43", "5326.43"),
        ("-R$ 5.326,43", "-5326.43"),
        ("$120", "120"),
        ("US$1,234.50", "1234.50"),
        ("-€0.05", "-0.05"),
        ("$-5", "-5"),
    ] {
        let text = format!("<OFX><STMTRS><LEDGERBAL><BALAMT>{text}</LEDGERBAL></STMTRS></OFX>");
        let parsed = read(text.as_bytes()).unwrap();
        assert_eq!(problems(&parsed), [""; 0], "{text}");
        let closing = parsed.statements[0].closing_balance;
        assert_eq!(closing.map(|it| it.to_string()).as_deref(), Some(balance), "{text}");
    }
    for text in ["R 5", "RR$5x", "$", "$$5", "-$-5", "5$"] {
        let text = format!("<OFX><STMTRS><LEDGERBAL><BALAMT>{text}</LEDGERBAL></STMTRS></OFX>");
        let parsed = read(text.as_bytes()).unwrap();
        assert_eq!(problems(&parsed).len(), 1, "{text}");
        assert_eq!(parsed.statements[0].closing_balance, None, "{text}");
    }
}

#[test]
fn refusals_of_the_bank_are_named() {
    // Holds: a refused sign-on or statement request is a problem that names the status code.
    let parsed = read(&fixture("signon_fail.ofx")).unwrap();
    assert_eq!(parsed.statements.len(), 0);
    assert_eq!(problems(&parsed), ["bank_refused 11 STATUS"]);
    assert!(parsed.problems[0].message.contains("`15500`"));

    let refused = "<STATUS>\n<CODE>2003\n<SEVERITY>ERROR</STATUS>";
    let answer = |around: &str| format!("<OFX>\n<{around}>{refused}</{around}></OFX>");
    assert_eq!(problems(&read(answer("STMTTRNRS").as_bytes()).unwrap()), ["bank_refused 2 STATUS"]);
    assert_eq!(problems(&read(answer("PROFTRNRS").as_bytes()).unwrap()), Vec::<String>::new());
    let warning = answer("SONRS").replace("ERROR", "WARN");
    assert_eq!(problems(&read(warning.as_bytes()).unwrap()), Vec::<String>::new());
}

#[test]
fn files_without_a_statement_are_empty() {
    // Holds: an answer that is not about a statement is read without rows and without problems.
    for text in [
        "<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS></SONRS>",
        "<OFX><SIGNUPMSGSRSV1><ACCTINFOTRNRS><ACCTINFORS><ACCTINFO><BANKACCTINFO><BANKACCTFROM><ACCTID>1",
        "<OFX><BANKMSGSRSV1><INTRATRNRS><INTRARS><CURDEF>USD<XFERINFO><TRNAMT>5<DTPOSTED>20240101",
        "<OFX><PROFMSGSRSV1><PROFTRNRS><PROFRS><FINAME>Bank",
        "<OFX></OFX>",
        "<OFX/>",
    ] {
        let parsed = read(text.as_bytes()).unwrap();
        assert_eq!((parsed.statements.len(), problems(&parsed).len()), (0, 0), "{text}");
    }
}

#[test]
fn cut_files_are_not_half_read() {
    // Holds: an entry that the file's end cuts is reported, for its amount may be cut as well.
    let text = statement(&format!("{ENTRY}\n<STMTTRN><DTPOSTED>20240201<TRNAMT>-12.3"));
    let cut = text.find("-12.3").unwrap() + 4;
    let parsed = read(&text.as_bytes()[..cut]).unwrap();
    assert_eq!(problems(&parsed), ["malformed_file 7 STMTTRN"]);
    assert_eq!(rows(&parsed).len(), 1);
}

#[test]
fn a_list_that_the_file_cuts_is_reported() {
    // Holds: a file that ends between two entries tells that others may be missing, unless its
    // entries have no end tags either, or only what follows the list was cut.
    let text = statement(&format!("{ENTRY}\n{ENTRY}\n{ENTRY}"));
    let third = text.rfind(ENTRY).unwrap();
    let parsed = read(&text.as_bytes()[..third]).unwrap();
    assert_eq!(problems(&parsed), ["malformed_file 8 BANKTRANLIST"]);
    assert_eq!(rows(&parsed).len(), 2);
    let without = text.split_at(third).0.replace("</STMTTRN>", "");
    assert_eq!(problems(&read(without.as_bytes()).unwrap()), [""; 0]);
    let behind = text.find("</BANKTRANLIST>").unwrap() + "</BANKTRANLIST>".len();
    assert_eq!(problems(&read(&text.as_bytes()[..behind]).unwrap()), [""; 0]);
}

#[test]
fn hostile_files_are_refused() {
    // Holds: limits and document types end the reading with an error, never with a partial answer.
    let entry = "<STMTTRN><DTPOSTED>20240101<TRNAMT>1";
    let full = statement(&entry.repeat(MAX_FILE_ROWS));
    assert_eq!(rows(&read(full.as_bytes()).unwrap()).len(), MAX_FILE_ROWS);
    let nested = "<A.B>".repeat(100) + &"</A.B>".repeat(100);
    for (text, code) in [
        (statement(&entry.repeat(MAX_FILE_ROWS + 1)), ErrorCode::LimitExceeded),
        (format!("<OFX>{}", "<STMTRS>".repeat(MAX_FILE_ROWS + 1)), ErrorCode::LimitExceeded),
        (statement(&format!("<STMTTRN>{nested}</STMTTRN>")), ErrorCode::LimitExceeded),
        ("<!DOCTYPE OFX [<!ENTITY a \"aa\">]><OFX>&a;</OFX>".to_owned(), ErrorCode::MalformedFile),
        ("<OFX><!-- ".to_owned(), ErrorCode::MalformedFile),
        ("<html><body>log in".to_owned(), ErrorCode::MalformedFile),
        (String::new(), ErrorCode::MalformedFile),
    ] {
        assert_eq!(read(text.as_bytes()).unwrap_err().code(), code, "{:.40}", text);
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
        "&",
        "&amp;",
        "<!",
        "<!-- -->",
        "<![CDATA[x]]>",
        "<A.B>",
        "<A.B></A.B>",
        "</STMTTRN>",
        "<NAME>",
        "\r",
        "<STATUS>x",
        "<a><!---->",
        "&#9;",
        "<!-->",
    ] {
        let _ = read(statement(&format!("<STMTTRN><MEMO>{}", repeat(piece))).as_bytes());
        let _ = read(repeat(piece).as_bytes());
        let _ = detect(repeat(piece).as_bytes());
    }
}
