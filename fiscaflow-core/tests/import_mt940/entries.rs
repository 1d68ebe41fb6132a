//! The statement line: dates, marks, amounts and references, as far as they can be read.

use super::*;

#[test]
fn statement_lines_become_rows() {
    // Holds: which part of `:61:` becomes which part of the row, in the forms that banks write.
    let table = [
        ("2402010202D12,34NTRFNONREF", "2024-02-02 -12.34 `` value=2024-02-01"),
        ("240201D12,34NTRFNONREF", "2024-02-01 -12.34 ``"),
        ("240201    DD212,39NMSCNONREF//", "2024-02-01 -212.39 ``"),
        ("240201 0202 C 12,34 NTRF NONREF", "2024-02-02 12.34 `` value=2024-02-01"),
        ("2402010000C1,NTRF", "2024-02-01 1 ``"),
        ("2402010201C50,00 NTRFINV 7//2109025460", "2024-02-01 50.00 `` id=2109025460 ref=INV 7"),
        ("240201D12,35 NRTIKREF+//20160217", "2024-02-01 -12.35 `` id=20160217"),
        ("240201C79,7FMSC01916//NONREF", "2024-02-01 79.7 `` ref=01916"),
        ("240201C119,NMSC341/1X//O/342", "2024-02-01 119 `` id=O/342 ref=341/1X"),
        ("240201D6800,NCHK16703074", "2024-02-01 -6800 `` ref=16703074"),
        ("240201C80,N05100001238", "2024-02-01 80 `` ref=00001238"),
        ("240201D25,03NOV NONREF", "2024-02-01 -25.03 ``"),
        ("240201C65,00NMSC", "2024-02-01 65.00 ``"),
        ("240201C500NTRF29-07 10:05//B4", "2024-02-01 500 `` id=B4 ref=29-07 10:05"),
        ("240201D20,00NONREF", "2024-02-01 -20.00 ``"),
        ("240201C20,00//192", "2024-02-01 20.00 `` id=192"),
        ("240201DF2402,00S   X", "2024-02-01 -2402.00 `` ref=X"),
        ("240201D0,42MCI0NONREF//05", "2024-02-01 -0.42 `` id=05"),
        ("240201D12,34", "2024-02-01 -12.34 ``"),
        (
            "240201D000000000044,95N0600733959555      T-MOBILE BV   ",
            "2024-02-01 -44.95 `T-MOBILE BV` payee=T-MOBILE BV ref=0733959555",
        ),
        (
            "240201D2000,00NOVBNL29INGB0006475121\nj blom",
            "2024-02-01 -2000.00 `j blom` account=NL29INGB0006475121",
        ),
        (
            "240201D98,99N102EREF\nNL44RABO0123456789",
            "2024-02-01 -98.99 `` account=NL44RABO0123456789",
        ),
        ("240201D10,N154NONREF\nP001234567", "2024-02-01 -10 `` account=P001234567"),
        ("240201D10,N154NONREF\n0000000000", "2024-02-01 -10 ``"),
        (
            "240201D5,NTRFX//M\n/OCMT/EUR4,5//IACC/D3/\n",
            "2024-02-01 -5 `/OCMT/EUR4,5//IACC/D3/` id=M ref=X",
        ),
        ("240201C1,NTRFMüller 1", "2024-02-01 1 `` ref=Müller 1"),
    ];
    for (line, expected) in table {
        assert_eq!(only_row(&format!(":61:{line}")), expected, "{line}");
    }
}

#[test]
fn marks_give_the_sign() {
    // Holds: a reversal turns the sign, an expected entry is pending, the letter behind is skipped.
    let table = [
        ("C", "1.50 ``"),
        ("D", "-1.50 ``"),
        ("RC", "-1.50 ``"),
        ("RD", "1.50 ``"),
        ("EC", "1.50 `` pending="),
        ("ED", "-1.50 `` pending="),
        ("CR", "1.50 ``"),
        ("DR", "-1.50 ``"),
        ("RDR", "1.50 ``"),
        ("RCR", "-1.50 ``"),
        ("CN", "1.50 ``"),
        ("DD", "-1.50 ``"),
        ("CD", "1.50 ``"),
        ("CM", "1.50 ``"),
        ("CF", "1.50 ``"),
        ("c", "1.50 ``"),
        ("d", "-1.50 ``"),
    ];
    for (mark, expected) in table {
        let row = only_row(&format!(":61:240201{mark}1,50NTRFNONREF"));
        assert_eq!(row, format!("2024-02-01 {expected}"), "{mark}");
    }
}

#[test]
fn amounts_keep_every_digit() {
    // Holds: a comma or a point is decimal, places are kept, and what has two readings is neither.
    let table = [
        ("500,", "500"),
        ("500", "500"),
        (",12", "0.12"),
        ("0,", "0"),
        ("0,00", "0.00"),
        ("00,12", "0.12"),
        ("001,12", "1.12"),
        ("000000001213,28", "1213.28"),
        ("000000001000.12", "1000.12"),
        ("1,000", "1.000"),
        ("1234,56789", "1234.56789"),
        ("0.125", "0.125"),
        ("1234.125", "1234.125"),
        ("79228162514264337593543950335,", "79228162514264337593543950335"),
    ];
    for (text, amount) in table {
        let row = only_row(&format!(":61:240201C{text}NTRFNONREF"));
        assert_eq!(row, format!("2024-02-01 {amount} ``"), "{text}");
    }
    let table = [
        ("", "invalid_amount"),
        (",", "invalid_amount"),
        (".", "invalid_amount"),
        ("1.234,56", "invalid_amount"),
        ("1,234.56", "invalid_amount"),
        ("1,2,3", "invalid_amount"),
        ("12..34", "invalid_amount"),
        ("-5,", "invalid_amount"),
        ("1'000,00", "invalid_amount"),
        ("1 000,00", "invalid_amount"),
        ("１,00", "invalid_amount"),
        ("1.000", "ambiguous_file"),
        ("123.456", "ambiguous_file"),
        ("79228162514264337593543950336,", "amount_overflow"),
        ("99999999999999999999999999999999999999999999,", "amount_overflow"),
        ("0,0000000000000000000000000000000000000000001", "amount_overflow"),
    ];
    for (text, code) in table {
        let parsed = read(message(&format!(":61:240201C{text}NTRFNONREF")).as_bytes()).unwrap();
        assert_eq!(problems(&parsed), [format!("{code} 5 61")], "{text}");
        assert_eq!(rows(&parsed).len(), 0, "{text}");
    }
}

#[test]
fn dates_have_one_reading() {
    // Holds: years 80 to 99 are of the last century, and the entry date is the one that is nearest.
    let table = [
        ("800101", "1980-01-01"),
        ("991231", "1999-12-31"),
        ("000229", "2000-02-29"),
        ("790101", "2079-01-01"),
        ("2401310201", "2024-02-01 value=2024-01-31"),
        ("2312310102", "2024-01-02 value=2023-12-31"),
        ("2401021231", "2023-12-31 value=2024-01-02"),
        ("2402280229", "2024-02-29 value=2024-02-28"),
        ("2407010101", "2024-01-01 value=2024-07-01"),
        ("2307030101", "2024-01-01 value=2023-07-03"),
    ];
    for (text, expected) in table {
        let (day, value) = expected.split_once(' ').unwrap_or((expected, ""));
        let row = only_row(&format!(":61:{text}C1,NTRF"));
        assert_eq!(row, format!("{day} 1 `` {value}").trim_end(), "{text}");
    }
    let table = [
        ("240230C1,NTRF", "invalid_date", "value date"),
        ("241301C1,NTRF", "invalid_date", "value date"),
        ("240100C1,NTRF", "invalid_date", "value date"),
        ("2401310230C1,NTRF", "invalid_date", "entry date"),
        ("2301310229C1,NTRF", "invalid_date", "entry date"),
        ("2407020101C1,NTRF", "ambiguous_file", "2024-01-01 or 2025-01-01"),
        ("24013C1,NTRF", "malformed_file", "value date"),
        ("C1,NTRF", "malformed_file", "value date"),
        ("", "malformed_file", "value date"),
        ("20240131C1,NTRF", "invalid_date", "value date"),
        ("2401310131012C1,NTRF", "malformed_file", "mark"),
        ("240131X1,NTRF", "malformed_file", "mark"),
        ("240131R1,NTRF", "malformed_file", "mark"),
        ("240131r1,NTRF", "malformed_file", "mark"),
    ];
    for (text, code, names) in table {
        let parsed = read(message(&format!(":61:{text}")).as_bytes()).unwrap();
        assert_eq!(problems(&parsed), [format!("{code} 5 61")], "{text}");
        assert!(parsed.problems[0].message.contains(names), "{}", parsed.problems[0].message);
        assert_eq!(rows(&parsed).len(), 0, "{text}");
    }
}

#[test]
fn a_broken_entry_leaves_the_others() {
    // Holds: the entry at fault is named by its line, its texts go with it, the others are read.
    let entries = ":61:240201C1,NTRF\n:86:one\n:61:240230D2,NTRF\n:86:two\n:86:more\n\
                   :61:240203D3,NTRF\n:86:three";
    let parsed = read(message(entries).as_bytes()).unwrap();
    assert_eq!(problems(&parsed), ["invalid_date 7 61"]);
    assert_eq!(rows(&parsed), ["5: 2024-02-01 1 `one`", "10: 2024-02-03 -3 `three`"]);
}

#[test]
fn a_cut_amount_is_not_taken() {
    // Holds: an amount with which the file ends may lack digits; behind a line end it does not.
    let text = ":20:A\n:25:1\n:28C:1\n:60F:C240131EUR1,\n:61:240201C12,3";
    let parsed = read(text.as_bytes()).unwrap();
    assert_eq!(problems(&parsed), ["malformed_file 5 61"]);
    assert_eq!(rows(&parsed).len(), 0);
    for end in ["\n", "N", "NTRF", "//", "\n-", "\r\n"] {
        let parsed = read(format!("{text}{end}").as_bytes()).unwrap();
        assert_eq!(rows(&parsed), ["5: 2024-02-01 12.3 ``"], "{end:?}");
    }
}
