//! What files and entries become, from the classic statement to the odd ones.

use super::*;

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
        assert_eq!(
            row(&found.rows.get(0).unwrap()),
            format!("6: 2024-01-31 -5.0 {expected}"),
            "{fields}"
        );
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
