//! Dates and amounts: what a whole file tells about them, and what stays open.

use super::*;

/// A file with one record a date, the first of them on line 2.
fn dates(texts: &[&str]) -> String {
    texts.iter().fold("!Type:Bank\n".to_owned(), |file, text| file + &format!("D{text}\nT1\n^\n"))
}

/// The days that are read, or the problems.
fn days(texts: &[&str], order: Option<DateOrder>) -> Vec<String> {
    let parsed = read_in(dates(texts).as_bytes(), order).unwrap();
    let rows = parsed.statements.iter().flat_map(|found| found.rows.iter());
    let days = rows.map(|row| row.booking_date.to_string());
    days.chain(problems(&parsed)).collect()
}

#[test]
fn dates_are_read_as_they_are_written() {
    // Holds: each way of writing a date that has one reading in itself.
    let table = [
        ("2022-09-23", "2022-09-23"),
        ("2022/9/3", "2022-09-03"),
        ("2022.09.03", "2022-09-03"),
        ("20220923", "2022-09-23"),
        ("2022-09-03T10:00:00", "2022-09-03"),
        ("1/31/2024", "2024-01-31"),
        ("31/1/2024", "2024-01-31"),
        ("31.12.'01", "2001-12-31"),
        ("28.02'2009", "2009-02-28"),
        ("1/15'26", "2026-01-15"),
        ("1/31' 7", "2007-01-31"),
        ("12/31'97", "1997-12-31"),
        ("8/25/93", "1993-08-25"),
        ("12/19/18", "2018-12-19"),
        ("12/31/69", "2069-12-31"),
        ("12/31/70", "1970-12-31"),
        ("2/29/00", "2000-02-29"),
        (" 8/31/97 ", "1997-08-31"),
        ("1/31/2024 12:30", "2024-01-31"),
        ("12-31-2024", "2024-12-31"),
        ("99-12-31", "1999-12-31"),
        ("12312024", "2024-12-31"),
        ("31122024", "2024-12-31"),
        ("26 Jan 2026", "2026-01-26"),
        ("26-Jan-26", "2026-01-26"),
        ("3 sept 2026", "2026-09-03"),
        ("03/03/10", "2010-03-03"),
        ("1/ 1'00", "2000-01-01"),
        ("6/ 4'18", "2018-06-04"),
    ];
    for (text, day) in table {
        assert_eq!(days(&[text], None), [day], "{text}");
    }
    for text in [
        "13/13/2024",
        "2/30/2024",
        "2/29/2023",
        "2024-02-30",
        "0/1/2024",
        "1/0/2024",
        "03/25/099Share Withdrawal",
        "1/31/024",
        "1/31/7",
        "1/31",
        "1//31/2024",
        "1/31/2024x",
        "1/31/20245",
        "Jan 26",
        "26 Foo 2026",
        "x",
        "١/٢/٢٠٢٤",
        "20241301",
        "123456",
        "999999999999999999/1/2024",
    ] {
        assert_eq!(days(&[text], None), ["invalid_date 2 D"], "{text}");
    }
}

#[test]
fn one_date_decides_for_the_file() {
    // Holds: a day above twelve, the way of writing, or the order of the records tell how every
    // date of the file is meant.
    let table: [(&[&str], &[&str]); 9] = [
        (&["1/2/2024", "1/13/2024"], &["2024-01-02", "2024-01-13"]),
        (&["1/2/2024", "13/1/2024"], &["2024-02-01", "2024-01-13"]),
        (&["01-02-03", "99-12-31"], &["2001-02-03", "1999-12-31"]),
        (&["6/ 1/94", "6/ 2/94"], &["1994-06-01", "1994-06-02"]),
        (&["10/12'04", "6/ 2'04"], &["2004-10-12", "2004-06-02"]),
        (&["6/ 1/94", "13/ 2/94"], &["1994-01-06", "1994-02-13"]),
        (&["1.2.2024", "3.4.'05"], &["2024-02-01", "2005-04-03"]),
        (
            &["1/9/24", "1/10/24", "1/11/24", "2/1/24"],
            &["2024-01-09", "2024-01-10", "2024-01-11", "2024-02-01"],
        ),
        (
            &["2/3/24", "2/3/24", "1/3/24", "10/2/24", "9/2/24"],
            &["2024-03-02", "2024-03-02", "2024-03-01", "2024-02-10", "2024-02-09"],
        ),
    ];
    for (texts, expected) in table {
        assert_eq!(days(texts, None), expected, "{texts:?}");
    }
}

#[test]
fn what_no_date_decides_is_a_problem() {
    // Holds: each open record is named with line, field and both readings; a date that reads the
    // same in both is read, and a stated order answers.
    let open = ["1/2/2024", "3/3/2024", "4/5/2024"];
    let parsed = read(dates(&open).as_bytes()).unwrap();
    assert_eq!(problems(&parsed), ["ambiguous_file 2 D", "ambiguous_file 8 D"]);
    assert_eq!(rows(&parsed), ["5: 2024-03-03 1 ``"]);
    let message = &parsed.problems[0].message;
    assert!(message.contains("2024-01-02 or 2024-02-01"), "{message}");
    let stated = |order| days(&open, Some(order));
    assert_eq!(stated(DateOrder::Mdy), ["2024-01-02", "2024-03-03", "2024-04-05"]);
    assert_eq!(stated(DateOrder::Dmy), ["2024-02-01", "2024-03-03", "2024-05-04"]);
    let short = ["10-03-05"];
    assert_eq!(days(&short, None), ["ambiguous_file 2 D"]);
    assert_eq!(days(&short, Some(DateOrder::Ymd)), ["2010-03-05"]);
    // Three days in order are too few to prove anything, and both readings may be in order.
    assert_eq!(days(&["1/1/24", "1/2/24"], None), ["2024-01-01", "ambiguous_file 5 D"]);
    let both = ["1/2/24", "2/3/24", "3/4/24", "4/5/24"];
    assert_eq!(days(&both, None).len(), 4);
    assert!(days(&both, None).iter().all(|text| text.starts_with("ambiguous")));
}

#[test]
fn a_file_that_contradicts_itself_is_not_guessed_at() {
    // Holds: with both orders proven, a date that exists in one of them only is read, the others
    // are open; a date that is not in the order of all others is no date.
    let mixed = days(&["1/13/2024", "13/1/2024", "1/2/2024"], None);
    assert_eq!(mixed, ["2024-01-13", "2024-01-13", "ambiguous_file 8 D"]);
    let mut texts: Vec<String> = (13..23).map(|day| format!("1/{day}/2024")).collect();
    texts.push("13/1/2024".to_owned());
    let found = days(&texts.iter().map(String::as_str).collect::<Vec<_>>(), None);
    assert_eq!(found.last().map(String::as_str), Some("invalid_date 32 D"));
    let stated = days(&["1/13/2024"], Some(DateOrder::Dmy));
    assert_eq!(stated, ["invalid_date 2 D"]);
    assert_eq!(days(&["2024-01-13"], Some(DateOrder::Dmy)), ["2024-01-13"]);
}

/// The amounts that are read of a file with these, or the codes of the problems.
fn amounts(texts: &[&str]) -> Vec<String> {
    let records: String = texts.iter().map(|text| format!("D2024-01-31\nT{text}\n^\n")).collect();
    let parsed = read(format!("!Type:Bank\n{records}").as_bytes()).unwrap();
    let rows = parsed.statements.iter().flat_map(|found| found.rows.iter());
    let amounts = rows.map(|row| row.amount.to_string());
    amounts.chain(parsed.problems.iter().map(|problem| problem.code.to_string())).collect()
}

#[test]
fn amounts_keep_every_digit() {
    // Holds: each way of writing an amount that has one reading in itself, and what is none.
    let table = [
        ("0.00", "0.00"),
        ("-25", "-25"),
        ("+25.5", "25.5"),
        ("-1,000.00", "-1000.00"),
        ("1,234,567.89", "1234567.89"),
        ("1,234,567", "1234567"),
        ("1,00,000.00", "100000.00"),
        ("-1.234,56", "-1234.56"),
        ("1.234.567", "1234567"),
        ("12,34", "12.34"),
        ("10'000.00", "10000.00"),
        ("10'000", "10000"),
        ("1 234,56", "1234.56"),
        ("1\u{202f}234,56", "1234.56"),
        ("$120", "120"),
        ("-$7,971.39", "-7971.39"),
        ("$-15.00", "-15.00"),
        (".5", "0.5"),
        ("5.", "5"),
        ("0.125", "0.125"),
        ("0,125", "0.125"),
        ("1234.125", "1234.125"),
        ("1.2345", "1.2345"),
        ("-79228162514264337593543950335", "-79228162514264337593543950335"),
        ("1,000", "ambiguous_file"),
        ("-12.345", "ambiguous_file"),
        ("--5", "invalid_amount"),
        ("5-", "invalid_amount"),
        ("(5)", "invalid_amount"),
        ("1e3", "invalid_amount"),
        ("12..34", "invalid_amount"),
        ("1,2,3", "invalid_amount"),
        ("1,23.4", "invalid_amount"),
        ("12 EUR", "invalid_amount"),
        ("$", "invalid_amount"),
        ("-", "invalid_amount"),
        ("abc", "invalid_amount"),
        ("79228162514264337593543950336", "amount_overflow"),
        ("99999999999999999999999999999999999999999999", "amount_overflow"),
        ("0.0000000000000000000000000000000000000001", "amount_overflow"),
    ];
    for (text, expected) in table {
        assert_eq!(amounts(&[text]), [expected], "{text}");
    }
}

#[test]
fn one_amount_decides_for_the_file() {
    // Holds: one amount tells which separator is decimal in all others, those of parts included.
    assert_eq!(amounts(&["1,000", "2.50"]), ["1000", "2.50"]);
    assert_eq!(amounts(&["1,000", "2,50"]), ["1.000", "2.50"]);
    assert_eq!(amounts(&["1.000", "2,50"]), ["1000", "2.50"]);
    assert_eq!(amounts(&["1,000", "2.50", "2,50"]), ["2.50", "2.50", "ambiguous_file"]);
    let mut texts = vec!["2.50"; 10];
    texts.push("2,5");
    assert_eq!(amounts(&texts).last().map(String::as_str), Some("invalid_amount"));
    let record = "D2024-01-31\nT1,000\nSa\n$999.50\nSb\n$.50";
    assert_eq!(only_row(record), "2024-01-31 1000 `` [999.50 a] [0.50 b]");
}
