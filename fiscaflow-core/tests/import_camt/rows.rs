//! What statements and entries become, in every version and disguise.

use super::*;

/// A file of the given version, prefix and charset declaration, with one statement and one entry.
fn message(message: &str, part: &str, version: &str, prefix: &str) -> String {
    let colon = if prefix.is_empty() { "" } else { ":" };
    let xmlns = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
    let p = format!("{prefix}{colon}");
    let kind = match part {
        "Rpt" => "052",
        "Stmt" => "053",
        _ => "054",
    };
    let status = if version < "08" { "BOOK".to_owned() } else { format!("<{p}Cd>BOOK</{p}Cd>") };
    let message = if version == "01" { format!("{message}V01") } else { message.to_owned() };
    let id = match version {
        "01" => format!("<{p}PrtryAcct><{p}Id>A1</{p}Id></{p}PrtryAcct>"),
        _ => format!("<{p}Othr><{p}Id>A1</{p}Id></{p}Othr>"),
    };
    format!(
        "<{p}Document {xmlns}=\"urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.{version}\">\
         <{p}{message}><{p}{part}><{p}Acct><{p}Id>{id}</{p}Id></{p}Acct><{p}Ntry>\
         <{p}Amt Ccy=\"CHF\">1.5</{p}Amt><{p}CdtDbtInd>CRDT</{p}CdtDbtInd><{p}Sts>{status}</{p}Sts>\
         <{p}BookgDt><{p}Dt>2024-01-31</{p}Dt></{p}BookgDt></{p}Ntry></{p}{part}></{p}{message}>\
         </{p}Document>"
    )
}

#[test]
fn all_versions_are_read_with_and_without_prefix() {
    // Holds: quirk 15; each message in each version yields the same, whatever the prefix.
    for (name, part) in [
        ("BkToCstmrAcctRpt", "Rpt"),
        ("BkToCstmrStmt", "Stmt"),
        ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
    ] {
        for version in 1..=13 {
            for prefix in ["", "ns2", "camt-053.x"] {
                let text = message(name, part, &format!("{version:02}"), prefix);
                assert_eq!(detect(text.as_bytes()), Some(Format::Camt), "{text}");
                let found = only_statement(&text);
                assert_eq!(found.account.as_deref(), Some("A1"), "{text}");
                assert_eq!(found.currency.as_deref(), Some("CHF"), "{text}");
                let rows: Vec<String> = found.rows.iter().map(|it| row(&it)).collect();
                assert_eq!(rows, ["1: 2024-01-31 1.5 ``"], "{text}");
            }
        }
    }
}

#[test]
fn envelopes_and_missing_namespaces_do_not_matter() {
    // Holds: quirk 15; an AppHdr, an envelope, comments and several documents in one file.
    let plain = message("BkToCstmrStmt", "Stmt", "02", "");
    let bare = plain.replace(" xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\"", "");
    assert!(bare.starts_with("<Document>"));
    let header = "<AppHdr xmlns='urn:iso:std:iso:20022:tech:xsd:head.001.001.01'><Fr><FIId>\
                  <FinInstnId><BICFI>ABCDUS33</BICFI></FinInstnId></FIId></Fr></AppHdr>";
    for text in [
        bare,
        format!("<?xml version=\"1.0\"?>\n<message>{header}{plain}</message>").replace('\n', ""),
        format!("<!-- a > b --><?app <x> ?><e:Body>{plain}</e:Body>"),
        format!("\u{FEFF}{plain}\r\n\r\n"),
    ] {
        assert_eq!(detect(text.as_bytes()), Some(Format::Camt), "{text}");
        let rows: Vec<String> = only_statement(&text).rows.iter().map(|it| row(&it)).collect();
        assert_eq!(rows, ["1: 2024-01-31 1.5 ``"], "{text}");
    }
    let twice = read(format!("{plain}\n{plain}").as_bytes()).unwrap();
    assert_eq!(rows(&twice), ["1: 2024-01-31 1.5 ``", "2: 2024-01-31 1.5 ``"]);
    assert_eq!(twice.statements.len(), 2);
}

#[test]
fn charsets_are_recognised() {
    // Holds: quirk 15; UTF-16 of either order, with a mark or without, and declared ISO-8859-1.
    let text = statement(&detailed("<RmtInf><Ustrd>Müller 5 €</Ustrd></RmtInf>"));
    let expected = ["3: 2024-01-31 -5.00 `Müller 5 €`"];
    let wide = |unit: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        format!("{mark}<?xml version='1.0' encoding='UTF-16'?>{text}")
            .encode_utf16()
            .flat_map(unit)
            .collect()
    };
    for mark in ["", "\u{FEFF}"] {
        for bytes in [wide(u16::to_le_bytes, mark), wide(u16::to_be_bytes, mark)] {
            assert_eq!(detect(&bytes), Some(Format::Camt));
            assert_eq!(rows(&read(&bytes).unwrap()), expected);
        }
    }
    let latin = |declared: &str, letter: u8| -> Vec<u8> {
        let text = format!("<?xml version='1.0' encoding='{declared}'?>{text}");
        text.replace("ü", "\0")
            .replace(" 5 €", "")
            .bytes()
            .map(|it| it.max(letter * u8::from(it == 0)))
            .collect()
    };
    for (declared, letter) in [("ISO-8859-1", 0xFC), ("windows-1250", 0xFC), ("IBM866", 0x81)] {
        let bytes = latin(declared, letter);
        assert_eq!(detect(&bytes), Some(Format::Camt));
        let name = if declared == "IBM866" { "MБller" } else { "Müller" };
        assert_eq!(rows(&read(&bytes).unwrap()), [format!("3: 2024-01-31 -5.00 `{name}`")]);
    }
}

#[test]
fn accounts_are_read_wherever_they_stand() {
    // Holds: quirk 16; IBAN, Othr/Id, the older ids, the bank's BIC or clearing number.
    let table = [
        ("<Id><IBAN> CH93 0076 </IBAN></Id>", Some("CH93 0076"), None, None),
        (
            "<Id><Othr><Id>12-34</Id><Issr>x</Issr></Othr></Id><Ccy>SEK</Ccy>",
            Some("12-34"),
            None,
            Some("SEK"),
        ),
        ("<Id><BBAN>55</BBAN></Id>", Some("55"), None, None),
        ("<Id><PrtryAcct><Id>7</Id></PrtryAcct></Id>", Some("7"), None, None),
        (
            "<Id><Othr><Id>1</Id><SchmeNm><Cd>BBAN</Cd></SchmeNm></Othr></Id>\
             <Ownr><Id><OrgId><Othr><Id>no</Id></Othr></OrgId></Id></Ownr>",
            Some("1"),
            None,
            None,
        ),
        ("<Svcr><FinInstnId><BIC>ABCDEFGH</BIC></FinInstnId></Svcr>", None, Some("ABCDEFGH"), None),
        (
            "<Svcr><FinInstnId><BICFI>ABCDEFGH</BICFI></FinInstnId></Svcr>",
            None,
            Some("ABCDEFGH"),
            None,
        ),
        (
            "<Svcr><FinInstnId><ClrSysMmbId><MmbId>021</MmbId></ClrSysMmbId></FinInstnId></Svcr>",
            None,
            Some("021"),
            None,
        ),
        ("<Svcr><FinInstnId><Nm>no</Nm></FinInstnId></Svcr>", None, None, None),
    ];
    for (account, number, bank, currency) in table {
        let found = only_statement(&format!(
            "<BkToCstmrStmt><Stmt><Acct>{account}</Acct></Stmt></BkToCstmrStmt>"
        ));
        assert_eq!(found.account.as_deref(), number, "{account}");
        assert_eq!(found.bank_id.as_deref(), bank, "{account}");
        assert_eq!(found.currency.as_deref(), currency, "{account}");
    }
}

#[test]
fn balances_before_and_after_are_kept() {
    // Holds: which of many balances open and close the statement, with their signs.
    let bal = |code: &str, currency: &str, amount: &str, sign: &str, day: &str| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='{currency}'>{amount}\
             </Amt><CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>2024-01-{day}</Dt></Dt></Bal>"
        )
    };
    let table = [
        (
            vec![("OPBD", "EUR", "1.00", "CRDT", "01"), ("CLBD", "EUR", "2.50", "DBIT", "31")],
            Some("1.00"),
            Some("-2.50"),
        ),
        (vec![("PRCD", "EUR", "3.00", "DBIT", "01")], Some("-3.00"), None),
        (
            vec![("OPBD", "EUR", "0.00", "", "01"), ("CLBD", "EUR", "2.50", "CRDT", "31")],
            Some("0.00"),
            Some("2.50"),
        ),
        (
            vec![("PRCD", "EUR", "3", "CRDT", "01"), ("OPBD", "EUR", "4", "CRDT", "01")],
            Some("4"),
            None,
        ),
        (
            vec![("OPBD", "EUR", "4", "CRDT", "01"), ("PRCD", "EUR", "3", "CRDT", "01")],
            Some("4"),
            None,
        ),
        (
            vec![
                ("ITBD", "EUR", "3", "CRDT", "01"),
                ("OPAV", "EUR", "3", "CRDT", "01"),
                ("CLAV", "EUR", "3", "CRDT", "01"),
                ("OPBD", "EUR", "0.00", "DBIT", "01"),
            ],
            Some("0.00"),
            None,
        ),
        (
            vec![
                ("OPBD", "USD", "9", "CRDT", "01"),
                ("OPBD", "EUR", "1", "CRDT", "01"),
                ("CLBD", "EUR", "2", "CRDT", "01"),
                ("CLBD", "USD", "8", "CRDT", "01"),
            ],
            Some("1"),
            Some("2"),
        ),
        (
            vec![
                ("OPBD", "EUR", "2", "CRDT", "02"),
                ("CLBD", "EUR", "3", "CRDT", "02"),
                ("OPBD", "EUR", "1", "CRDT", "01"),
                ("CLBD", "EUR", "2", "CRDT", "01"),
            ],
            Some("1"),
            Some("3"),
        ),
    ];
    for (balances, opening, closing) in table {
        let text: String = balances.iter().map(|it| bal(it.0, it.1, it.2, it.3, it.4)).collect();
        let found = only_statement(&statement(&text));
        let amount = |amount: Option<Amount>| amount.map(|amount| amount.to_string());
        assert_eq!(amount(found.opening_balance).as_deref(), opening, "{balances:?}");
        assert_eq!(amount(found.closing_balance).as_deref(), closing, "{balances:?}");
    }
    // Version 01 has the code one level higher.
    let old = bal("OPBD", "EUR", "1", "CRDT", "01")
        .replace("<CdOrPrtry>", "")
        .replace("</CdOrPrtry>", "");
    assert_eq!(only_statement(&statement(&old)).opening_balance, Some("1".parse().unwrap()));
}

#[test]
fn texts_become_the_description() {
    // Holds: which texts make up the description, in which order, each once.
    let rent = "<RmtInf><Ustrd>Rent</Ustrd></RmtInf>";
    let with_own = |own: &str| {
        let own = format!("</NtryDtls><AddtlNtryInf>{own}</AddtlNtryInf>");
        detailed(rent).replace("</NtryDtls>", &own)
    };
    let structured = |content: &str| detailed(&format!("<RmtInf><Strd>{content}</Strd></RmtInf>"));
    let ustrd = |text: &str| detailed(&format!("<RmtInf><Ustrd>{text}</Ustrd></RmtInf>"));
    let scor = "<Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp>";
    let table = [
        (entry("<AddtlNtryInf>Card payment\n 12</AddtlNtryInf>"), "Card payment 12"),
        (detailed(&format!("{rent}<AddtlTxInf>May</AddtlTxInf>")), "Rent May"),
        (with_own("SEPA"), "Rent SEPA"),
        (with_own("Rent"), "Rent"),
        (detailed("<RmtInf><Ustrd>a</Ustrd><Ustrd> b </Ustrd><Ustrd/></RmtInf>"), "a b"),
        (
            structured(&format!(
                "<RfrdDocInf>{scor}<Nb>INV 7</Nb></RfrdDocInf><CdtrRefInf>{scor}<Ref>RF18</Ref>\
                 </CdtrRefInf><AddtlRmtInf>more</AddtlRmtInf>"
            )),
            "INV 7 RF18 more",
        ),
        (structured("<CdtrRefInf><CdtrRef>old</CdtrRef></CdtrRefInf>"), "old"),
        (ustrd("A &amp; B &lt;&#x20AC;&gt; C &amp;amp; D & E"), "A & B <€> C &amp; D & E"),
        (ustrd("a<!-- </Ustrd> -->b<![CDATA[ <c> & ]]>d<?x?>"), "ab <c> & d"),
    ];
    for (entry, expected) in table {
        let expected = format!("3: 2024-01-31 -5.00 `{expected}`");
        assert_eq!(entry_rows(&entry), [expected], "{entry}");
    }
}

#[test]
fn fields_become_the_row() {
    // Holds: which element becomes which other part of the row, and which becomes none.
    let refs = |refs: &str| detailed(&format!("<Refs>{refs}</Refs>"));
    let table = [
        (entry("<ValDt><Dt>2024-02-01</Dt></ValDt>"), " value=2024-02-01"),
        (entry("<ValDt><DtTm>2024-02-01T23:59:59.9-11:00</DtTm></ValDt>"), " value=2024-02-01"),
        (entry("<AcctSvcrRef>S-1</AcctSvcrRef>"), " id=S-1"),
        (refs("<AcctSvcrRef>S-2</AcctSvcrRef><EndToEndId>E</EndToEndId>"), " id=S-2 ref=E"),
        (
            refs(
                "<MsgId>M</MsgId><InstrId>I</InstrId><EndToEndId>NOTPROVIDED</EndToEndId>\
                 <TxId>T</TxId>",
            ),
            " ref=I",
        ),
        (refs("<EndToEndId>notprovided</EndToEndId><ChqNb>12</ChqNb>"), " ref=12"),
        (refs("<UETR>255ae394</UETR>"), " ref=255ae394"),
        (entry("<AcctSvcrRef>NOTPROVIDED</AcctSvcrRef>"), ""),
        (entry("<NtryRef>1234567890</NtryRef>"), ""),
        (entry("").replace("EUR", "USD"), " currency=USD"),
        (
            entry("<Chrgs><Rcrd><Amt Ccy='EUR'>9</Amt><CdtDbtInd>CRDT</CdtDbtInd></Rcrd></Chrgs>"),
            "",
        ),
        (entry("<AmtDtls><TxAmt><Amt Ccy='EUR'>8</Amt></TxAmt></AmtDtls>"), ""),
        (entry("<BkTxCd><Domn><Cd>PMNT</Cd></Domn></BkTxCd>"), ""),
        (entry("<SplmtryData><Envlp><Amt>3</Amt></Envlp></SplmtryData>"), ""),
    ];
    for (entry, expected) in table {
        let expected = format!("3: 2024-01-31 -5.00 ``{expected}");
        assert_eq!(entry_rows(&entry), [expected], "{entry}");
    }
}

#[test]
fn the_other_party_is_found() {
    // Holds: who paid or was paid, by direction, by own account and in reversals, in all versions.
    let own = "DE02120300000000202051";
    let party = |side: &str, name: &str, account: &str| {
        let name = if name.is_empty() { String::new() } else { format!("<Nm>{name}</Nm>") };
        let account = match account {
            "" => String::new(),
            account => format!("<{side}Acct><Id><IBAN>{account}</IBAN></Id></{side}Acct>"),
        };
        format!("<{side}>{name}</{side}>{account}")
    };
    let both = format!("{}{}", party("Dbtr", "D", "1"), party("Cdtr", "C", "2"));
    let owned = |debtor: String| debtor + &party("Cdtr", "C", own);
    let ultimate =
        "<UltmtDbtr><Nm>UD</Nm></UltmtDbtr><UltmtCdtr><Pty><Nm>UC</Nm></Pty></UltmtCdtr>";
    let table = [
        ("DBIT", false, both.clone(), "`C` payee=C account=2"),
        ("CRDT", false, both.clone(), "`D` payee=D account=1"),
        ("DBIT", true, both.clone(), "`D` payee=D account=1"),
        ("CRDT", true, both.clone(), "`C` payee=C account=2"),
        ("DBIT", false, party("Dbtr", "D", "1"), "``"),
        ("DBIT", true, party("Cdtr", "C", "2"), "`C` payee=C account=2"),
        ("DBIT", false, ultimate.to_owned(), "`UC` payee=UC"),
        ("CRDT", false, ultimate.to_owned(), "`UD` payee=UD"),
        ("DBIT", false, format!("{ultimate}{both}"), "`C` payee=C account=2"),
        ("DBIT", false, owned(party("Dbtr", "D", "1")), "`D` payee=D account=1"),
        ("DBIT", false, owned(party("Dbtr", "D", own)), &format!("`C` payee=C account={own}")),
        ("CRDT", true, owned(party("Dbtr", "D", "1")), "`D` payee=D account=1"),
        (
            "DBIT",
            false,
            "<Cdtr><Pty><Nm>P</Nm><Id><OrgId/></Id></Pty></Cdtr>".into(),
            "`P` payee=P",
        ),
        (
            "DBIT",
            false,
            "<Cdtr><Agt><FinInstnId><Nm>Bank</Nm></FinInstnId></Agt></Cdtr>".into(),
            "`Bank` payee=Bank",
        ),
        (
            "DBIT",
            false,
            "<InitgPty><Nm>no</Nm></InitgPty><CdtrAcct><Id><Othr><Id>7-8</Id></Othr></Id>\
             <Nm>no</Nm></CdtrAcct>"
                .into(),
            "`` account=7-8",
        ),
    ];
    for (sign, is_reversal, parties, expected) in table {
        let reversal = if is_reversal { "<RvslInd>true</RvslInd>" } else { "" };
        let text = detailed(&format!("<RltdPties>{parties}</RltdPties>"))
            .replace("<Sts>", &format!("{reversal}<Sts>"))
            .replace("DBIT", sign);
        // A reversal does not turn the sign (quirk 17).
        let minus = if sign == "DBIT" { "-" } else { "" };
        let expected = format!("3: 2024-01-31 {minus}5.00 {expected}");
        assert_eq!(entry_rows(&text), [expected], "{text}");
    }
}

#[test]
fn the_status_says_what_is_booked() {
    // Holds: quirk 17; plain and coded status; pending ones are marked, information is no row.
    let table = [
        ("<Sts>BOOK</Sts>", Some("")),
        ("<Sts> <Cd>BOOK</Cd> </Sts>", Some("")),
        ("<Sts>PDNG</Sts>", Some(" pending=")),
        ("<Sts><Cd>PDNG</Cd></Sts>", Some(" pending=")),
        ("<Sts><Cd>FUTR</Cd></Sts>", Some(" pending=")),
        ("<Sts><Prtry>BOOK</Prtry></Sts>", Some("")),
        ("<Sts>INFO</Sts>", None),
        ("<Sts><Cd>INFO</Cd></Sts>", None),
        ("", Some("")),
    ];
    for (status, expected) in table {
        let found = entry_rows(&entry("").replace("<Sts>BOOK</Sts>", status));
        let expected = expected.map(|text| format!("3: 2024-01-31 -5.00 ``{text}"));
        assert_eq!(found, Vec::from_iter(expected), "{status}");
    }
}

#[test]
fn entries_without_a_booking_date_take_the_next_best() {
    // Holds: the value date, else the day of the statement, else that of the message.
    let value = "<ValDt><Dt>2024-01-30</Dt></ValDt>";
    let dated = "<BookgDt><Dt>2024-01-31</Dt></BookgDt>";
    let text = statement(&entry(value).replace(dated, ""));
    assert_eq!(rows(&read(text.as_bytes()).unwrap()), ["3: 2024-01-30 -5.00 `` value=2024-01-30"]);
    let text = statement(&entry("").replace(dated, ""));
    assert_eq!(rows(&read(text.as_bytes()).unwrap()), ["3: 2024-02-01 -5.00 ``"]);
    let text = text.replace("<Stmt>", "<Stmt><CreDtTm>2024-02-03T23:00:00-05:00</CreDtTm>");
    assert_eq!(rows(&read(text.as_bytes()).unwrap()), ["3: 2024-02-03 -5.00 ``"]);
}

#[test]
fn equal_entries_of_a_day_are_all_kept() {
    // Holds: quirk 18; nothing is taken for a duplicate inside a file.
    let twin = format!("{}\n", entry("<AcctSvcrRef>S</AcctSvcrRef>"));
    assert_eq!(
        entry_rows(&twin.repeat(3)),
        ["3", "4", "5"].map(|line| format!("{line}: 2024-01-31 -5.00 `` id=S"))
    );
}

#[test]
fn entry_references_are_ids_only_where_they_tell_entries_apart() {
    // Holds: a counter, a repeated reference, an account number or a lone one is no id.
    let table: [(&[&str], bool); 7] = [
        (&["20240131-001", "20240131-002"], true),
        (&["20240131-001", "20240131-001"], false),
        (&["1", "2", "3"], false),
        (&["20240131-001"], false),
        (&["CH9300762011623852957", "CH5604835012345678009"], false),
        (&["NOTPROVIDED", "NOTPROVIDED"], false),
        (&["20240131-001", "20240131-002", "NOTPROVIDED"], true),
    ];
    for (references, are_ids) in table {
        let entries: Vec<String> =
            references.iter().map(|it| entry(&format!("<NtryRef>{it}</NtryRef>"))).collect();
        let found = only_statement(&statement(&entries.join("\n")));
        for (row, reference) in found.rows.iter().zip(references) {
            let expected = Some(*reference).filter(|it| are_ids && *it != "NOTPROVIDED");
            assert_eq!(row.bank_id, expected, "{references:?}");
        }
    }
    let mixed = [
        entry("<NtryRef>20240131-001</NtryRef><AcctSvcrRef>S</AcctSvcrRef>"),
        entry("<NtryRef>20240131-002</NtryRef><AddtlNtryInf>x</AddtlNtryInf>"),
        entry("<NtryRef>20240131-003</NtryRef>"),
    ];
    assert_eq!(
        entry_rows(&mixed.concat()),
        ["`` id=S", "`x` id=20240131-002", "`` id=20240131-003"]
            .map(|it| format!("3: 2024-01-31 -5.00 {it}"))
    );
}

#[test]
fn rows_have_a_currency_of_their_own_where_it_differs() {
    // Holds: without an account currency that of the first entry stands for the statement.
    let entries = [entry(""), entry("").replace("EUR", "USD"), entry("")].concat();
    let text = statement(&entries).replace("<Ccy>EUR</Ccy>", "");
    let found = only_statement(&text);
    assert_eq!(found.currency.as_deref(), Some("EUR"));
    let currencies: Vec<Option<&str>> = found.rows.iter().map(|row| row.currency).collect();
    assert_eq!(currencies, [None, Some("USD"), None]);
}

#[test]
fn what_is_no_statement_is_named_as_what_it_is() {
    // Holds: quirk 15; an archive, a spreadsheet and a document are refused with a text that says
    // what to do about it.
    let zip = |name: &str| [b"PK\x03\x04\x14\0\0\0\x08\0", name.as_bytes(), b"rest"].concat();
    let table = [
        (zip("camt.xml"), "a ZIP archive: unpack"),
        (zip("[Content_Types].xml"), "spreadsheet or document: save it as CSV"),
        (zip("mimetypeapplication/vnd.oasis.opendocument.spreadsheet"), "save it as CSV"),
        (b"\x1F\x8B\x08\0\0\0\0\0rest".to_vec(), "(gzip): unpack"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1rest".to_vec(), "of old Office: save it as CSV"),
        (b"%PDF-1.7\n%rest".to_vec(), "a PDF"),
        (b"no statement".to_vec(), "no reader knows this file; there are readers for OFX"),
        (Vec::new(), "the file is empty"),
    ];
    for (bytes, text) in table {
        let error = parse(&bytes, &ParseOptions::default()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnknownFormat);
        assert!(error.message().contains(text), "{}", error.message());
    }
}
