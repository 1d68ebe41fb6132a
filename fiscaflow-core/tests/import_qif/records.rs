//! Records: what each field becomes, and what is wrong with some.

use super::*;

#[test]
fn fields_become_the_row() {
    // Holds: which field becomes which part of the row.
    let table = [
        ("PShop", "`Shop` payee=Shop"),
        ("MNote", "`Note`"),
        ("PShop\nMNote", "`Shop Note` payee=Shop"),
        ("PShop\nMSHOP", "`Shop` payee=Shop"),
        ("PShop\nMShop, London", "`Shop, London` payee=Shop"),
        ("N1005", "`` ref=1005"),
        ("N\nM \nP", "``"),
        ("LFood:Groceries", "`` category=Food:Groceries"),
        ("LBills:Phone/Class", "`` category=Bills:Phone/Class"),
        ("L[Savings]", "`` account=Savings"),
        ("L[Savings]/Class", "`` account=Savings"),
        ("LFees|[Savings]", "`` category=Fees account=Savings"),
        ("L[]", "`` category=[]"),
        ("L--Split--", "``"),
        ("CX\nAStreet 1\nA\nFx\n%5\nx", "``"),
        ("P  padded  ", "`padded` payee=padded"),
        ("PD\u{dc}SSELDORF K\u{d6}LN", "`DÜSSELDORF KÖLN` payee=DÜSSELDORF KÖLN"),
        ("Pa\tb", "`a b` payee=a b"),
        ("Pone\nPtwo", "`one` payee=one"),
        ("U1.00", "``"),
        ("U1", "``"),
        ("T", "``"),
        ("D1/31/2024", "``"),
    ];
    for (fields, expected) in table {
        let row = only_row(&format!("D1/31/2024\nT1.00\n{fields}"));
        assert_eq!(row, format!("2024-01-31 1.00 {expected}"), "{fields}");
    }
    assert_eq!(only_row("D1/31/2024\nU-5.5"), "2024-01-31 -5.5 ``");
}

#[test]
fn splits_become_parts() {
    // Holds: category, memo and amount of each part; a date inside a part is not the record's.
    let table = [
        ("SFood\nEmilk\n$-15.00\nSHome\n$82.50", " [-15.00 Food milk] [82.50 Home]"),
        ("S[Savings]\n$67.5", " [67.5 [Savings]]"),
        ("SFood\nD2/28/2024\n$67.50", " [67.50 Food]"),
        ("S\n$67.50", " [67.50]"),
        ("L--Split--\nSa\n$60\nSb\n$7.50", " [60 a] [7.50 b]"),
        ("SFood\nEno amount", ""),
        ("SFood\n%100", ""),
        ("$67.50", ""),
        ("Eno part", ""),
    ];
    for (fields, expected) in table {
        let row = only_row(&format!("D1/31/2024\nT67.50\n{fields}"));
        assert_eq!(row, format!("2024-01-31 67.50 ``{expected}"), "{fields}");
    }
}

#[test]
fn broken_records_are_left_out_and_named() {
    // Holds: each fault gives its code, line and field, and the records around it are still read.
    let table = [
        ("T5.00", "malformed_file 5 D"),
        ("D\nT5.00", "malformed_file 5 D"),
        ("D1/31/2024\nPx", "malformed_file 5 T"),
        ("D1/31/2024\nT", "malformed_file 5 T"),
        ("Px", "malformed_file 5 D"),
        ("Px\nD13/13/2024\nT1", "invalid_date 6 D"),
        ("D1/31/2024\nPx\nT1,2,3", "invalid_amount 7 T"),
        ("D1/31/2024\nD2/1/2024\nT1", "ambiguous_file 6 D"),
        ("D1/31/2024\nT1.00\nT2.00", "ambiguous_file 7 U"),
        ("D1/31/2024\nU1.00\nTx", "invalid_amount 7 U"),
        ("D1/31/2024\nT5.00\nSa\n$4.99", "split_sum 5 $"),
        ("D1/31/2024\nT5.00\nSa\n$x", "invalid_amount 8 $"),
    ];
    for (record, expected) in table {
        let file = format!("!Type:Bank\nD1/31/2024\nT1.00\n^\n{record}\n^\nD1/30/2024\nT2.00\n^\n");
        let parsed = read(file.as_bytes()).unwrap();
        assert_eq!(problems(&parsed), [expected], "{record}");
        assert_eq!(rows(&parsed).len(), 2, "{record}");
    }
    let many = format!("D1/31/2024\nT0\n{}", "Sa\n$0\n".repeat(101));
    let parsed = read(format!("!Type:Bank\n{many}^").as_bytes()).unwrap();
    assert_eq!(problems(&parsed), ["limit_exceeded 2 S"]);
}

#[test]
fn records_end_in_many_ways() {
    // Holds: `^`, `^^`, a header or the end of the file end a record, empty ones are none, and no
    // line end matters.
    let expected = ["3: 2024-01-31 1 `a` payee=a", "7: 2024-02-01 2 `b` payee=b"];
    let file = "!Type:Bank\n^\nD1/31/2024\nT1\nPa\n^^\nD2/1/2024\nT2\nPb\n";
    for end in ["^", "^\n", "^^\n^\n\n", "", "!Type:Cat\nNx\n^", "!Option:AutoSwitch\n"] {
        for line_end in ["\n", "\r\n", "\r"] {
            let text = format!("{file}{end}").replace('\n', line_end);
            let parsed = read(text.as_bytes()).unwrap();
            assert_eq!(problems(&parsed), Vec::<String>::new(), "{text:?}");
            assert_eq!(rows(&parsed), expected, "{text:?}");
        }
    }
}

#[test]
fn a_cut_record_is_not_half_read() {
    // Holds: a date or an amount with which the file ends may lack digits; a text may be cut.
    let file = "!Type:Bank\nD1/31/2024\nT1\n^\nD2/1/2024\nT12.3";
    let parsed = read(file.as_bytes()).unwrap();
    assert_eq!(problems(&parsed), ["malformed_file 5 ^"]);
    assert_eq!(rows(&parsed).len(), 1);
    for end in ["\n", "\nPSho", "\n^"] {
        let parsed = read(format!("{file}{end}").as_bytes()).unwrap();
        assert_eq!(rows(&parsed).len(), 2, "{end:?}");
    }
}
