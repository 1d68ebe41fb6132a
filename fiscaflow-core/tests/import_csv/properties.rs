//! What holds for any input: no panic, no limit passed, no misread statement.

use proptest::prelude::*;

use super::*;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, cases, ..ProptestConfig::default() }
}

/// Reads bytes in every way that takes no knowledge of them.
fn answer(bytes: &[u8], csv: Option<CsvProfile>) -> Option<Parsed> {
    let _ = detect(bytes);
    let _ =
        parse(bytes, &ParseOptions { format: None, csv: csv.clone(), ..ParseOptions::default() });
    parse(bytes, &ParseOptions { format: Some(Format::Csv), csv, ..ParseOptions::default() }).ok()
}

/// Text that is often close to a statement.
const PIECES: &[&str] = &[
    ",",
    ";",
    "\t",
    "|",
    "\n",
    "\r\n",
    "\r",
    "\"",
    "\"\"",
    "'",
    " ",
    "Date",
    "Amount",
    "Debit",
    "Credit",
    "Balance",
    "Datum",
    "Betrag",
    "Soll",
    "Haben",
    "2024-01-31",
    "31.01.2024",
    "01/02/2024",
    "1/2/24",
    "12.50",
    "-12,50",
    "1,234",
    "1.234",
    "(5)",
    "5-",
    "EUR",
    "$",
    "CR",
    "D",
    "pending",
    "Total",
    "sep=;",
    "\u{FEFF}",
    "é",
    "\u{A0}",
    "ü;",
    "-",
    "0",
    "..",
    "999999999999999999999",
];

proptest! {
    #![proptest_config(config(deep_or(20_000, 100)))]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        // Holds: no input makes the reader or the detection panic.
        answer(&bytes, None);
    }
}

proptest! {
    #![proptest_config(config(deep_or(20_000, 250)))]

    #[test]
    fn any_text_is_answered(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..120),
        columns in prop::collection::vec((0_usize..ColumnRole::ALL.len(), 0_u32..6), 0..6),
        header in any::<Option<bool>>(),
        skip_rows in prop::option::of(0_u32..5),
    ) {
        // Holds: text made of what statements are made of is answered, with any profile, and every
        // row and problem names a line of the file.
        let columns = columns.into_iter().map(|(role, index)| CsvColumn {
            role: ColumnRole::ALL[role],
            index: Some(index),
            name: None,
        });
        let columns = columns.collect();
        let profile = CsvProfile { columns, header, skip_rows, ..CsvProfile::default() };
        let text = pieces.concat();
        answer(text.as_bytes(), None);
        if let Some(parsed) = answer(text.as_bytes(), Some(profile)) {
            let lines = text.split(['\n', '\r']).count() as u64;
            let rows = parsed.statements.iter().flat_map(|it| it.rows.iter()).map(|row| row.line);
            let named = parsed.problems.iter().filter_map(|problem| problem.line);
            prop_assert!(rows.chain(named).all(|line| (1..=lines).contains(&line)));
        }
    }

    #[test]
    fn damaged_files_are_answered(
        file in prop::sample::select(files()),
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<u8>(), 0_u8..4),
            1..12,
        ),
    ) {
        // Holds: a real file in which bytes are changed, lost, doubled or cut off is answered.
        let mut bytes = file.as_bytes().to_vec();
        for (place, byte, kind) in changes {
            if bytes.is_empty() {
                break;
            }
            let place = place.index(bytes.len());
            match kind {
                0 => bytes[place] = byte,
                1 => { bytes.remove(place); }
                2 => bytes.insert(place, byte),
                _ => bytes.truncate(place + 1),
            }
        }
        answer(&bytes, None);
    }
}

/// The files of the layout tables and a short one.
fn files() -> Vec<&'static str> {
    layouts::all().map(|(_, text)| text).chain([SHORT]).collect()
}

const SHORT: &str = "Date;Text;Debit;Credit;Balance\n31.01.2024;\"a;b\";1.234,56;;5.000,00\n\
                     01.02.2024;c;;10,00;5.010,00\n02.02.2024;\"d\ne\";2,00;;5.008,00\n";

#[test]
fn limits_are_kept() {
    // Holds: more rows, columns or text than the limits are refused with `limit_exceeded`.
    let row = "2024-01-31,-5.00,coffee\n";
    let at = format!("Date,Amount,Text\n{}", row.repeat(MAX_FILE_ROWS));
    let parsed = read(at.as_bytes(), None);
    assert_eq!(parsed.statements[0].rows.len(), MAX_FILE_ROWS);
    let over = at + row;
    let error = parse(over.as_bytes(), &ParseOptions::default()).unwrap_err();
    assert_eq!(error.code().as_str(), "limit_exceeded");

    let wide = format!("Date,Amount{}\n2024-01-31,-5.00{}\n", ",x".repeat(254), ",1".repeat(254));
    assert_eq!(read(wide.as_bytes(), None).statements[0].rows.len(), 1);
    let wide =
        format!("Date,Amount,Text\n2024-01-31,-5.00,a\n2024-01-31,-5.00{}\n", ",1".repeat(255));
    let parsed = read(wide.as_bytes(), None);
    assert_eq!(parsed.problems[0].code.as_str(), "limit_exceeded");

    let long =
        format!("Date,Amount,Text\n2024-01-31,-5.00,a\n2024-01-31,-5.00,{}\n", "x".repeat(4097));
    let parsed = read(long.as_bytes(), None);
    assert_eq!(parsed.problems[0].code.as_str(), "limit_exceeded");
    assert_eq!((parsed.statements[0].rows.len(), parsed.problems[0].line), (1, Some(3)));
}

#[test]
fn hostile_files_take_linear_time() {
    // Holds: any length of quotes, delimiters, line ends or one long line is answered in a time
    // that grows with the length, which a quadratic one would show by never ending.
    let length = deep_or(4_000_000, 30_000);
    for piece in
        ["\"", ",", "\n", "\r", "\",\"", "\"\n", "\"\"\",", "a\",\"b", "2024-01-31,\"", "1,1;1\t"]
    {
        let repeated = piece.repeat(length / piece.len());
        answer(repeated.as_bytes(), None);
        let text = format!("Date,Amount,Text\n2024-01-31,-5.00,x\n{repeated}");
        answer(text.as_bytes(), None);
    }
}
