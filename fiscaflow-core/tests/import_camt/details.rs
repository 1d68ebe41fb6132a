//! Entries that hold the details of several transactions (quirk 16).

use super::*;

/// An entry of 9.00 EUR, out, with these details.
fn batch(details: &[&str], rest: &str) -> String {
    let details: String = details.iter().map(|it| format!("<TxDtls>{it}</TxDtls>")).collect();
    format!(
        "<Ntry><Amt Ccy=\"EUR\">9.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BookgDt>\
         <Dt>2024-01-31</Dt></BookgDt><NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>{details}\
         </NtryDtls>{rest}</Ntry>"
    )
}

fn amount(value: &str) -> String {
    format!("<Amt Ccy=\"EUR\">{value}</Amt>")
}

#[test]
fn details_that_add_up_are_rows_of_their_own() {
    // Holds: where each detail has its amount and they make up the entry's, each is a row.
    let one = format!(
        "<Refs><EndToEndId>E1</EndToEndId></Refs>{}<RltdPties><Cdtr><Nm>A</Nm></Cdtr></RltdPties>\
         <RmtInf><Ustrd>first</Ustrd></RmtInf>",
        amount("4.00")
    );
    let two = format!("<Refs><AcctSvcrRef>S2</AcctSvcrRef></Refs>{}", amount("5"));
    let rows = entry_rows(&batch(&[&one, &two], "<AddtlNtryInf>Batch</AddtlNtryInf>"));
    assert_eq!(
        rows,
        ["3: 2024-01-31 -4.00 `first` payee=A ref=E1", "3: 2024-01-31 -5 `Batch` id=S2",]
    );
}

#[test]
fn amounts_of_details_count_in_the_currency_of_the_entry() {
    // Holds: which amounts of details are taken, and that they are only if all fit.
    let amounts = |rows: &[String]| -> Vec<String> {
        rows.iter().map(|row| row.split(' ').nth(2).unwrap().to_owned()).collect()
    };
    let tx = |value: &str| format!("<AmtDtls><TxAmt>{}</TxAmt></AmtDtls>", amount(value));
    let foreign = format!("<Amt Ccy=\"USD\">8</Amt>{}", tx("5"));
    let instructed = format!("<AmtDtls><InstdAmt>{}</InstdAmt></AmtDtls>", amount("5"));
    let sign = |sign: &str| format!("<CdtDbtInd>{sign}</CdtDbtInd>");
    let table: [(Vec<String>, &[&str]); 13] = [
        (vec![amount("4"), amount("5")], &["-4", "-5"]),
        (vec![tx("4"), tx("5")], &["-4", "-5"]),
        (vec![amount("4"), foreign.clone()], &["-4", "-5"]),
        (vec![amount("10") + &sign("DBIT"), amount("1") + &sign("CRDT")], &["-10", "1"]),
        (vec![amount("3"), amount("3"), amount("3")], &["-3", "-3", "-3"]),
        (vec![amount("9"), amount("0")], &["-9", "0"]),
        (vec![amount("4"), amount("5.01")], &["-9.00"]),
        (vec![amount("4"), String::new()], &["-9.00"]),
        (vec![amount("4"), instructed], &["-9.00"]),
        (vec![amount("4"), "<Amt Ccy=\"USD\">5</Amt>".to_owned()], &["-9.00"]),
        (vec![amount("4"), amount("5..0")], &["-9.00"]),
        (vec![amount("4") + &sign("CRDT"), amount("5")], &["-9.00"]),
        (vec![amount("1")], &["-9.00"]),
    ];
    for (details, expected) in table {
        let details: Vec<&str> = details.iter().map(String::as_str).collect();
        assert_eq!(amounts(&entry_rows(&batch(&details, ""))), expected, "{details:?}");
    }
}

#[test]
fn what_is_not_divided_keeps_what_its_details_share() {
    // Holds: one row has all texts, but a party, account or reference only where all agree.
    let detail = |name: &str, end: &str, text: &str| {
        format!(
            "<Refs><EndToEndId>{end}</EndToEndId></Refs><RltdPties><Cdtr><Nm>{name}</Nm></Cdtr>\
             <CdtrAcct><Id><IBAN>X1</IBAN></Id></CdtrAcct></RltdPties>\
             <RmtInf><Ustrd>{text}</Ustrd></RmtInf>"
        )
    };
    let same = [detail("A", "E", "t1"), detail("A", "E", "t2"), detail("A", "E", "t1")];
    let rows = entry_rows(&batch(&same.each_ref().map(String::as_str), ""));
    assert_eq!(rows, ["3: 2024-01-31 -9.00 `t1 t2` payee=A account=X1 ref=E"]);
    let other = [detail("A", "E", "t1"), detail("B", "F", "t2")];
    let rows =
        entry_rows(&batch(&other.each_ref().map(String::as_str), "<AcctSvcrRef>S</AcctSvcrRef>"));
    assert_eq!(rows, ["3: 2024-01-31 -9.00 `t1 t2` account=X1 id=S"]);
}

#[test]
fn details_share_no_id() {
    // Holds: the entry's reference, repeated in its details, is no id of each of them.
    let detail = |id: &str, value: &str| {
        format!("<Refs><AcctSvcrRef>{id}</AcctSvcrRef></Refs>{}", amount(value))
    };
    for (ids, expected) in [(["S", "S"], [None, None]), (["S", "T"], [Some("S"), Some("T")])] {
        let details = [detail(ids[0], "4"), detail(ids[1], "5")];
        let text = batch(&details.each_ref().map(String::as_str), "<AcctSvcrRef>S</AcctSvcrRef>");
        let found = only_statement(&statement(&text));
        let found: Vec<Option<&str>> = found.rows.iter().map(|row| row.bank_id).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn a_great_many_texts_fill_one_description_at_most() {
    // Holds: what a book can hold of the texts of a large batch is taken, whole texts only.
    let details: Vec<String> =
        (0..2_000).map(|it| format!("<RmtInf><Ustrd>text {it}</Ustrd></RmtInf>")).collect();
    let details: Vec<&str> = details.iter().map(String::as_str).collect();
    let found = only_statement(&statement(&batch(&details, "")));
    let row = found.rows.get(0).unwrap();
    assert!(row.description.starts_with("text 0 text 1 text 2 "));
    assert!((4_000..=4_096).contains(&row.description.len()), "{}", row.description.len());
    let last = row.description.rsplit("text ").next().unwrap();
    assert!(details.iter().any(|it| it.contains(&format!("<Ustrd>text {last}</Ustrd>"))));
}

#[test]
fn details_of_the_first_version_stand_in_the_entry() {
    // Holds: `TxDtls` right below `Ntry`, as camt.053.001.01 has it.
    let text = entry("<TxDtls><RmtInf><Ustrd>a</Ustrd></RmtInf></TxDtls>");
    assert_eq!(entry_rows(&text), ["3: 2024-01-31 -5.00 `a`"]);
}
