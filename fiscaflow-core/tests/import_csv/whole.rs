//! Facts that only the whole file tells: what the first rows leave open, and what contradicts them.

use fiscaflow_core::import::Problem;

use super::*;

/// A file of so many rows, made of row numbers.
fn file(rows: usize, row: impl Fn(usize) -> String) -> String {
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!("Date,Text,Amount,Balance\n{}\n", rows.join("\n"))
}

/// The days of the rows, or what is wrong.
fn days(text: &str) -> Result<Vec<String>, Vec<Problem>> {
    let parsed = read(text.as_bytes(), None);
    if parsed.problems.is_empty() {
        let rows = parsed.statements.iter().flat_map(|statement| statement.rows.iter());
        return Ok(rows.map(|row| row.booking_date.to_string()).collect());
    }
    Err(parsed.problems)
}

#[test]
fn a_date_order_is_found_wherever_it_stands() {
    // Holds: hundreds of rows that can be read in two ways are settled by one row far behind them.
    for (last, first) in [("13/02/2024", "2024-01-02"), ("02/13/2024", "2024-02-01")] {
        let text = file(900, |row| {
            let date = if row == 700 { last } else { "02/01/2024" };
            format!("{date},x,-1.50,")
        });
        let days = days(&text).unwrap();
        assert_eq!((days.len(), days[0].as_str(), days[899].as_str()), (900, first, first));
        assert_eq!(days[700], "2024-02-13");
    }
}

#[test]
fn a_proven_date_order_is_taken_back_where_later_rows_contradict_it() {
    // Holds: where the first rows prove one order and as many later ones the other, the file has
    // two readings; where only a few rows differ, they are garbled and the others come through.
    let text = file(900, |row| {
        format!("{},x,-1.50,", if row < 450 { "02/13/2024" } else { "13/02/2024" })
    });
    let problems = days(&text).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].code.as_str(), "ambiguous_file");

    let text =
        file(900, |row| format!("{},x,-1.50,", if row == 0 { "02/13/2024" } else { "13/02/2024" }));
    let parsed = read(text.as_bytes(), None);
    assert_eq!(parsed.statements[0].rows.len(), 899);
    let problem = &parsed.problems[0];
    assert_eq!((problem.code.as_str(), problem.line), ("invalid_date", Some(2)));
}

#[test]
fn an_open_date_behind_hundreds_of_plain_ones_is_not_guessed() {
    // Holds: dates that have one reading say nothing of those that have two.
    let text = file(900, |row| {
        format!("{},x,-1.50,", if row == 800 { "02/03/2024" } else { "2024-03-02" })
    });
    let problems = days(&text).unwrap_err();
    assert_eq!((problems.len(), problems[0].line), (1, Some(802)), "{problems:?}");
    assert!(problems[0].message.contains("date_order"), "{problems:?}");
}

#[test]
fn a_number_format_is_found_wherever_it_stands() {
    // Holds: whole amounts are read with the separator that a later one proves; one that can be
    // read in two ways behind hundreds of whole ones is not guessed.
    let with = |amount: &str| {
        file(900, |row| format!("2024-03-02,x,\"{}\",", if row == 800 { amount } else { "-7" }))
    };
    for amount in ["-12,50", "-12.50", "-1.234,5", "-1,234.5"] {
        let parsed = read(with(amount).as_bytes(), None);
        assert!(parsed.problems.is_empty(), "{amount}: {:?}", parsed.problems);
        assert_eq!(parsed.statements[0].rows.len(), 900);
    }
    let parsed = read(with("-1,234").as_bytes(), None);
    let problem = &parsed.problems[0];
    assert_eq!((problem.code.as_str(), problem.line), ("ambiguous_file", Some(802)));
    assert!(problem.message.contains("decimal"), "{}", problem.message);
}

#[test]
fn a_proven_number_format_is_taken_back_where_later_rows_contradict_it() {
    // Holds: as many amounts with a point as with a comma leave the file open; a few garbled ones
    // are problems of their own.
    let halves = |split: usize| {
        file(900, |row| {
            format!("2024-03-02,x,\"{}\",", if row < split { "-7.25" } else { "-7,25" })
        })
    };
    let parsed = read(halves(450).as_bytes(), None);
    assert!(parsed.statements.is_empty());
    assert_eq!(parsed.problems[0].code.as_str(), "ambiguous_file");
    for (split, line) in [(1, 2), (899, 901)] {
        let parsed = read(halves(split).as_bytes(), None);
        assert_eq!(parsed.statements[0].rows.len(), 899, "{split}");
        let problem = &parsed.problems[0];
        assert_eq!((problem.code.as_str(), problem.line), ("invalid_amount", Some(line)));
    }
}

#[test]
fn a_balance_in_two_readings_is_left_out() {
    // Holds: amounts without decimals do not tell what a balance of `1,234` means: it is no fact.
    let plain = file(3, |row| format!("2024-03-0{},x,-7,\"{}\"", row + 1, 1241 - 7 * (row + 1)));
    let closing = |text: &str| read(text.as_bytes(), None).statements[0].closing_balance;
    assert_eq!(closing(&plain).unwrap().to_string(), "1220");
    let open = file(3, |row| format!("2024-03-0{},x,-7,\"1,{}\"", row + 1, 241 - 7 * (row + 1)));
    assert_eq!(closing(&open), None);
}
