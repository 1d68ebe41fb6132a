//! OFX and QFX as banks write them: what is read, what is reported, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests read files, the library does not")]

use std::fmt::Write as _;
use std::path::Path;

use fiscaflow_core::import::{
    Correction, Format, MAX_FILE_ROWS, ParseOptions, Parsed, Row, Statement, detect, parse,
};
use fiscaflow_core::{Amount, ErrorCode, Result};
use proptest::prelude::*;

fn read(bytes: &[u8]) -> Result<Parsed> {
    parse(bytes, &ParseOptions { format: Some(Format::Ofx), ..ParseOptions::default() })
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ofx").join(name))
        .unwrap()
}

/// One statement around the given entries, in the SGML of OFX 1.x.
fn statement(entries: &str) -> String {
    format!(
        "OFXHEADER:100\nDATA:OFXSGML\n<OFX>\n<BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR\
         <BANKACCTFROM><BANKID>1<ACCTID>2</BANKACCTFROM>\n<BANKTRANLIST>\n{entries}\n\
         </BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"
    )
}

/// The rows of all statements, as [`row`] writes them.
fn rows(parsed: &Parsed) -> Vec<String> {
    parsed.statements.iter().flat_map(|statement| statement.rows.iter().map(row)).collect()
}

/// A row in one line; what it does not have is left out.
fn row(row: &Row) -> String {
    let mut text =
        format!("{}: {} {} `{}`", row.line, row.booking_date, row.amount, row.description);
    let fields = [
        ("value", row.value_date.map(|date| date.to_string())),
        ("currency", row.currency.clone()),
        ("payee", row.payee.clone()),
        ("id", row.bank_id.clone()),
        ("ref", row.reference.clone()),
        ("pending", row.pending.then(String::new)),
        (
            "corrects",
            row.corrects.as_ref().map(|correction| match correction {
                Correction::Replaces(id) => format!("replaces {id}"),
                Correction::Deletes(id) => format!("deletes {id}"),
            }),
        ),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            write!(text, " {name}={value}").unwrap();
        }
    }
    text
}

/// The problems as `code line field`.
fn problems(parsed: &Parsed) -> Vec<String> {
    let text = |problem: &fiscaflow_core::import::Problem| {
        let field = problem.field.as_deref().unwrap_or("-");
        format!("{} {} {field}", problem.code, problem.line.unwrap_or_default())
    };
    parsed.problems.iter().map(text).collect()
}

fn only_row(entry: &str) -> Row {
    let parsed = read(statement(entry).as_bytes()).unwrap();
    assert_eq!(problems(&parsed), Vec::<String>::new(), "{entry}");
    let [statement] = <[Statement; 1]>::try_from(parsed.statements).unwrap();
    let [row] = <[Row; 1]>::try_from(statement.rows).unwrap();
    row
}

const ENTRY: &str = "<STMTTRN><DTPOSTED>20240131<TRNAMT>-5.00<FITID>1<NAME>Shop</STMTTRN>";

#[test]
fn a_classic_statement_is_read_whole() {
    // Holds: account, balance and every field of the entries, the same in SGML and in XML.
    for (name, first, last) in
        [("ofxdata.ofx", 47, "John Hancock"), ("ofxdata-xml.ofx", 36, "Cheque")]
    {
        let parsed = read(&fixture(name)).unwrap();
        assert_eq!(problems(&parsed), Vec::<String>::new());
        let statement = &parsed.statements[0];
        assert_eq!(statement.bank_id.as_deref(), Some("987654321"));
        assert_eq!(statement.account.as_deref(), Some("098-121"));
        assert_eq!(statement.currency.as_deref(), Some("USD"));
        assert_eq!(statement.closing_balance, Some("5250.00".parse().unwrap()));
        assert_eq!(
            rows(&parsed),
            [
                format!(
                    "{first}: 2007-03-15 200.00 `DEPOSIT automatic deposit` payee=DEPOSIT id=980315001"
                ),
                format!(
                    "{}: 2007-03-29 150.00 `Transfer from checking` payee=TRANSFER id=980310001",
                    first + 9
                ),
                format!(
                    "{}: 2007-07-09 -100.00 `{last}` payee={last} id=980309001 ref=1025",
                    first + 18
                ),
            ],
        );
    }
}

#[test]
fn a_file_without_any_end_tag_is_read() {
    // Holds: an aggregate ends where the next one of its kind begins.
    let parsed = read(&fixture("no-end-tags.ofx")).unwrap();
    assert_eq!(problems(&parsed), Vec::<String>::new());
    assert_eq!(parsed.statements[0].closing_balance, Some("4225.79".parse().unwrap()));
    assert_eq!(
        rows(&parsed),
        [
            "40: 2012-09-28 19.90 `Credit Interest Paid` id=20120928.0",
            "47: 2012-09-28 -1.01 `Withholding Tax` id=20120928.1",
            "54: 2012-09-07 -100.00 `06 0773 0214764 33 Debit Transfer: Bike` \
             payee=06 0773 0214764 33 id=20120907.0",
            "62: 2012-09-07 -71.99 `Transfer Debit Transfer: Postage` payee=Transfer id=201209071",
            "70: 2012-01-04 -20.01 `Transfer Debit Transfer Party` payee=Transfer id=20120104.6",
        ],
    );
}

#[test]
fn statements_without_end_tags_stay_apart() {
    // Holds: without end tags neither accounts nor balances nor entries of two statements mix.
    let text = "<OFX><BANKMSGSRSV1><STMTTRNRS><STATUS><CODE>0<SEVERITY>INFO<STMTRS><CURDEF>EUR\
        <BANKACCTFROM><BANKID>1<ACCTID>A<BANKTRANLIST><STMTTRN><DTPOSTED>20240101<TRNAMT>1\
        <PAYEE><NAME>P<ADDR1>x<BANKACCTTO><ACCTID>no<MEMO>m<CURRENCY><CURRATE>2<CURSYM>USD\
        <LEDGERBAL><BALAMT>10<DTASOF>20240101<AVAILBAL><BALAMT>11\
        <BALLIST><BAL><NAME>no<VALUE>5\
        <STMTTRNRS><STATUS><CODE>0<SEVERITY>INFO<STMTRS><CURDEF>USD<BANKACCTFROM><ACCTID>B\
        <BANKTRANLIST><STMTTRN><DTPOSTED>20240102<TRNAMT>2<STMTTRN><DTPOSTED>20240103<TRNAMT>3\
        <CREDITCARDMSGSRSV1><CCSTMTTRNRS><CCSTMTRS><CURDEF>GBP<CCACCTFROM><ACCTID>C\
        <LEDGERBAL><BALAMT>-7";
    let parsed = read(text.as_bytes()).unwrap();
    assert_eq!(problems(&parsed), Vec::<String>::new());
    let heads: Vec<_> = parsed
        .statements
        .iter()
        .map(|found| {
            let balance = found.closing_balance.map(|amount| amount.to_string());
            (found.account.clone().unwrap(), found.currency.clone().unwrap(), balance)
        })
        .collect();
    let head = |account: &str, currency: &str, balance: Option<&str>| {
        (account.to_owned(), currency.to_owned(), balance.map(str::to_owned))
    };
    assert_eq!(
        heads,
        [head("A", "EUR", Some("10")), head("B", "USD", None), head("C", "GBP", Some("-7"))]
    );
    assert_eq!(
        rows(&parsed),
        ["1: 2024-01-01 1 `P m` currency=USD payee=P", "1: 2024-01-02 2 ``", "1: 2024-01-03 3 ``",],
    );
}

#[test]
fn line_ends_and_charsets_do_not_matter() {
    // Holds: CR, CRLF and mixtures, ISO-8859-1 and UTF-16 read like any other file.
    let parsed = read(&fixture("vanguard.ofx")).unwrap();
    assert_eq!(parsed.statements[0].account.as_deref(), Some("01234567890"));
    assert_eq!(parsed.statements[0].investments, 1);

    let parsed = read(&fixture("actual-8859-1.qfx")).unwrap();
    let card = "Paiement facture/Carte prépayée";
    let line =
        format!("43: 2022-10-19 -20.00 `{card} Mémo test: àÀçéÉèêëôû` payee={card} id=wSoKuCS77");
    assert_eq!(rows(&parsed), [line]);

    let text = String::from_utf8(fixture("ofxdata.ofx")).unwrap();
    let plain = rows(&read(text.as_bytes()).unwrap());
    for end in ["\r", "\r\n"] {
        assert_eq!(rows(&read(text.replace('\n', end).as_bytes()).unwrap()), plain);
    }
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(rows(&read(&wide).unwrap()), plain);
}

#[test]
fn fields_become_the_row() {
    // Holds: which tag becomes which part of the row.
    let table = [
        ("<NAME>Shop<MEMO>card 12", "`Shop card 12` payee=Shop"),
        ("<NAME>Shop<MEMO>SHOP, London", "`SHOP, London` payee=Shop"),
        ("<MEMO>only", "`only`"),
        ("<NAME></NAME><MEMO> ", "``"),
        ("<NAME>\nnext line\n<MEMO>two\n  lines", "`next line two lines` payee=next line"),
        ("<NAME>Tom &amp; Co & <b c>", "`Tom & Co & <b c>` payee=Tom & Co & <b c>"),
        ("<NAME><![CDATA[A & B]]></NAME>", "`A & B` payee=A & B"),
        ("<NAME>A<!-- <MEMO>no -->B</NAME>", "`AB` payee=AB"),
        ("<PAYEE><NAME>P<ADDR1>x</PAYEE><MEMO>m", "`P m` payee=P"),
        ("<NAME>N<PAYEE><NAME>P</PAYEE>", "`N` payee=P"),
        ("<NAME>Long na<EXTDNAME>Long name Ltd<MEMO>m", "`Long name Ltd m` payee=Long na"),
        ("<FITID> a b </FITID>", "`` id=a b"),
        ("<CHECKNUM>0012<REFNUM>r", "`` ref=0012"),
        ("<CHECKNUM>0<REFNUM>r", "`` ref=r"),
        ("<DTUSER>20240130", "``"),
        ("<DTAVAIL>20240202120000[-5:EST]", "`` value=2024-02-02"),
        ("<DTAVAIL>00000000<DTAVAIL>", "``"),
        ("<CURRENCY><CURRATE>1.1<CURSYM>USD</CURRENCY>", "`` currency=USD"),
        ("<CURRENCY>USD</CURRENCY>", "`` currency=USD"),
        ("<CURRENCY><CURRATE>1<CURSYM>eur</CURRENCY>", "``"),
        ("<ORIGCURRENCY><CURRATE>1.1<CURSYM>USD</ORIGCURRENCY>", "``"),
        ("<CORRECTFITID>7<CORRECTACTION>REPLACE", "`` corrects=replaces 7"),
        ("<CORRECTFITID>7<CORRECTACTION>Delete", "`` corrects=deletes 7"),
        ("<BANKACCTTO><BANKID>3<ACCTID>4</BANKACCTTO><NAME>n", "`n` payee=n"),
        ("<BANKACCTFROM><ACCTID>4</BANKACCTFROM><MEMO>m", "`m`"),
        ("<INTU.X>y<INTU.EMPTY><MEMO>m", "`m`"),
        ("<X.DATA><MEMO>private</X.DATA><MEMO>m", "`m`"),
        ("<name>lower<memo>case", "`lower case` payee=lower"),
    ];
    for (fields, expected) in table {
        let found = only_row(&format!("<STMTTRN><DTPOSTED>20240131<TRNAMT>-5.0{fields}</STMTTRN>"));
        assert_eq!(row(&found), format!("6: 2024-01-31 -5.0 {expected}"), "{fields}");
    }
}

#[test]
fn pending_entries_are_pending() {
    // Holds: the list of pending entries (OFX 2.2) is read and marked, and it is not booked.
    let entry = format!(
        "{ENTRY}</BANKTRANLIST><BANKTRANLISTP><DTASOF>20240201<STMTTRNP><TRNTYPE>DEBIT\
         <DTTRAN>20240201<TRNAMT>-3<NAME>Café</STMTTRNP></BANKTRANLISTP><BANKTRANLIST>"
    );
    let parsed = read(statement(&entry).as_bytes()).unwrap();
    assert_eq!(problems(&parsed), Vec::<String>::new());
    assert_eq!(rows(&parsed)[1], "6: 2024-02-01 -3 `Café` payee=Café pending=");
}

#[test]
fn investment_statements_yield_their_cash() {
    // Holds: cash entries are rows, investment transactions are counted, positions are neither.
    let text = "<OFX><INVSTMTMSGSRSV1><INVSTMTTRNRS><INVSTMTRS><DTASOF>20240101<CURDEF>USD\
        <INVACCTFROM><BROKERID>b.com<ACCTID>9</INVACCTFROM><INVTRANLIST>\
        <BUYMF><INVBUY><INVTRAN><FITID>1<MEMO>no</INVTRAN><TOTAL>-9</INVBUY></BUYMF>\
        <INVBANKTRAN><STMTTRN><DTPOSTED>20240102<TRNAMT>+4.0000<SPLIT>No<MEMO>in</STMTTRN>\
        <SUBACCTFUND>CASH</INVBANKTRAN><INCOME><INVTRAN><FITID>2</INVTRAN></INCOME><TRANSFER/>\
        </INVTRANLIST><INVPOSLIST><POSMF><INVPOS><MEMO>no</INVPOS></POSMF></INVPOSLIST>\
        <INVBAL><AVAILCASH>3<BALLIST><BAL><NAME>no</BAL></BALLIST></INVBAL></INVSTMTRS>";
    for text in [text.to_owned(), text.replace("</", "<Z></")] {
        let parsed = read(text.as_bytes()).unwrap();
        assert_eq!(problems(&parsed), Vec::<String>::new());
        assert_eq!(rows(&parsed), ["1: 2024-01-02 4.0000 `in`"]);
        assert_eq!(parsed.statements[0].investments, 3);
        assert_eq!(parsed.statements[0].account.as_deref(), Some("9"));
    }
}

#[test]
fn corrections_name_the_entry_they_replace() {
    // Holds: a correction inside one file is a row that names the other, not a silent change.
    let parsed = read(&fixture("ofxrs-multi_transaction_statement.ofx")).unwrap();
    assert_eq!(parsed.statements[0].rows.len(), 5);
    let last = "68: 2023-01-20 50.00 `GAS STATION REFUND` payee=GAS STATION REFUND id=MTX005 \
                corrects=replaces MTX003";
    assert_eq!(rows(&parsed)[4], last);
    assert!(
        rows(&parsed)[3].contains("2023-01-15 -200.00"),
        "the posting date is the booking date"
    );
}

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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        // Holds: no input makes the reader or the detection panic.
        let _ = (detect(&bytes), read(&bytes));
        let text = [b"<OFX><STMTRS><STMTTRN>".as_slice(), &bytes].concat();
        let _ = (detect(&text), read(&text));
    }

    #[test]
    fn any_order_of_tags_is_answered(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60),
    ) {
        // Holds: tags in any order are answered, and every entry is either a row or a problem.
        let text = pieces.concat();
        if let Ok(parsed) = read(text.as_bytes()) {
            let is_entry = |piece: &&&str| matches!(**piece, "<STMTTRN>" | "<STMTTRNP>");
            let begun = pieces.iter().filter(is_entry).count();
            let lines: std::collections::BTreeSet<_> =
                parsed.problems.iter().filter_map(|problem| problem.line).collect();
            prop_assert!(rows(&parsed).len() <= begun);
            prop_assert!(rows(&parsed).len() == begun || !lines.is_empty());
        }
    }

    #[test]
    fn changed_fixtures_are_answered(
        file in prop::sample::select(FIXTURES),
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..12,
        ),
    ) {
        // Holds: bytes that are changed, added or lost never make the reader panic.
        let mut bytes = fixture(file);
        for (index, byte, change) in changes {
            let at = index.index(bytes.len());
            match change {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let _ = (detect(&bytes), read(&bytes));
    }

    #[test]
    fn written_rows_are_read_back(
        minor in any::<i64>(), day in 1..29_u32, scale in 0..5_u32, name in "[ -~éß€]{0,40}",
    ) {
        // Holds: what is written by the specification is read back to the digit and the letter.
        let amount = Amount::new(rust_decimal::Decimal::new(minor, scale));
        let escaped = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let entry = format!(
            "<STMTTRN><DTPOSTED>202402{day:02}235959.999[+14:X]<TRNAMT>{amount}<NAME>{escaped}</STMTTRN>"
        );
        prop_assume!(!escaped.contains("&amp;amp") && !name.contains(';'));
        let row = only_row(&entry);
        prop_assert_eq!(row.amount.to_string(), amount.to_string());
        prop_assert_eq!(row.booking_date.to_string(), format!("2024-02-{day:02}"));
        prop_assert_eq!(row.description, name.trim());
    }
}

const FIXTURES: &[&str] = &[
    "ofxdata.ofx",
    "ofxdata-xml.ofx",
    "vanguard.ofx",
    "actual-8859-1.qfx",
    "signon_fail.ofx",
    "decimal_error.ofx",
    "ofxrs-multi_transaction_statement.ofx",
    "no-end-tags.ofx",
];

const PIECES: &[&str] = &[
    "<OFX>",
    "</OFX>",
    "<BANKMSGSRSV1>",
    "<STMTTRNRS>",
    "<STMTRS>",
    "</STMTRS>",
    "<BANKACCTFROM>",
    "<ACCTID>1",
    "<CURDEF>",
    "<BANKTRANLIST>",
    "</BANKTRANLIST>",
    "<STMTTRN>",
    "<STMTTRNP>",
    "</STMTTRN>",
    "<DTPOSTED>20240101",
    "<DTTRAN>20240101",
    "<TRNAMT>5",
    "<NAME>a",
    "<MEMO>b",
    "<PAYEE>",
    "</PAYEE>",
    "<CURRENCY>",
    "<CURSYM>USD",
    "<STATUS>",
    "<SEVERITY>ERROR",
    "</STATUS>",
    "<LEDGERBAL>",
    "<BALAMT>1",
    "<INVTRANLIST>",
    "<BUYMF>",
    "<X.Y>",
    "</X.Y>",
    "<INVBANKTRAN>",
    "<!-- -->",
    "<![CDATA[c]]>",
    "text",
    "&amp;",
    "\n",
    "\r",
];
