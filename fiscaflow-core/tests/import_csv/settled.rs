//! The profile that a file was read with: complete, compact, and the same file again.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Reads a file again with what was settled for it, which must change nothing.
pub fn check_again(bytes: &[u8], parsed: &Parsed) -> Result<(), String> {
    let Some(profile) = &parsed.csv else { return Ok(()) };
    profile.validate().map_err(|error| error.to_string())?;
    let json = serde_json::to_string(profile).unwrap();
    let csv = Some(serde_json::from_str::<CsvProfile>(&json).unwrap());
    let again =
        parse(bytes, &ParseOptions { format: Some(Format::Csv), csv, ..ParseOptions::default() })
            .unwrap();
    if again == *parsed {
        return Ok(());
    }
    let rows = |parsed: &Parsed| -> Vec<_> {
        let all = parsed.statements.iter().flat_map(|statement| statement.rows.iter());
        all.map(|row| format!("{row:?} {} {}", row.amount, row.description)).collect()
    };
    Err(format!(
        "{json}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}",
        rows(parsed),
        parsed.problems,
        rows(&again),
        again.problems,
        again.csv,
    ))
}

#[test]
fn a_settled_profile_is_complete_and_compact() {
    // Holds: dialect, roles of all columns, direction words, formats and sign are there; columns go
    // by their headers, or by their places where a header does not tell them apart; what is not
    // settled is left out.
    let text = "Konto: 1\n\nDatum;Text;Text;Bedrag;Af Bij;;Saldo\n\
                31-01-2024;a;b;1,50;Af;;\n01-02-2024;c;d;2,50;Bij;;\n";
    let parsed = read(text.as_bytes(), None);
    assert_eq!(parsed.statements[0].rows.len(), 2, "{:?}", parsed.problems);
    let expected = r#"{
        "delimiter": "semicolon",
        "quote": "double",
        "header": true,
        "columns": [
            {"role": "booking_date", "name": "Datum"},
            {"role": "description", "name": "Text"},
            {"role": "description", "index": 2},
            {"role": "amount", "name": "Bedrag"},
            {"role": "direction", "name": "Af Bij"},
            {"role": "ignore", "index": 5},
            {"role": "balance", "name": "Saldo"}
        ],
        "in_words": ["Bij"],
        "out_words": ["Af"],
        "date_order": "dmy",
        "decimal": "comma",
        "sign": "negative_is_out"
    }"#;
    let found = serde_json::to_value(parsed.csv.unwrap()).unwrap();
    assert_eq!(found, serde_json::from_str::<Value>(expected).unwrap());

    let bare = "2024-01-31,coffee,-7\n2024-02-01,tea,-8\n";
    let found = serde_json::to_value(read(bare.as_bytes(), None).csv.unwrap()).unwrap();
    let expected = r#"{
        "delimiter": "comma",
        "quote": "double",
        "header": false,
        "columns": [
            {"role": "booking_date", "index": 0},
            {"role": "description", "index": 1},
            {"role": "amount", "index": 2}
        ],
        "sign": "negative_is_out"
    }"#;
    assert_eq!(found, serde_json::from_str::<Value>(expected).unwrap());
}

#[test]
fn a_charset_is_settled_where_the_file_shows_it() {
    // Holds: a file of nothing but ASCII says nothing of the next one's charset.
    let text = "Date,Text,Amount\n2024-01-31,café,-7.00\n";
    let latin: Vec<u8> = text.chars().map(|letter| u8::try_from(letter).unwrap()).collect();
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let table: [(&[u8], Option<&str>); 4] = [
        (text.as_bytes(), Some("utf-8")),
        (&latin, Some("windows-1252")),
        (&utf_16, Some("utf-16le")),
        (b"Date,Text,Amount\n2024-01-31,cafe,-7.00\n", None),
    ];
    for (bytes, label) in table {
        let parsed = read(bytes, None);
        assert_eq!(parsed.csv.as_ref().unwrap().encoding.as_deref(), label);
        check_again(bytes, &parsed).unwrap();
    }
}

#[test]
fn nothing_is_settled_where_something_is_open() {
    // Holds: a file that can be read in two ways has no settled profile, nor has one of another
    // format.
    let open = read(b"Date,Text,Amount\n02/03/2024,a,-7.00\n", None);
    assert_eq!((open.problems.len(), open.csv), (1, None));
    let other = parse(b"!Type:Bank\nD1/15/2024\nT-5.00\n^\n", &ParseOptions::default()).unwrap();
    assert_eq!(other.csv, None);
}

#[test]
fn a_column_that_is_ignored_need_not_be_there() {
    // Holds: a settled profile reads a later file that lost a column nobody used; one that lost a
    // column with a role is refused.
    let parsed = read(b"Date,Text,Amount,Branch\n2024-01-31,a,-7.00,4\n", None);
    let csv = parsed.csv;
    let options = ParseOptions { csv, ..ParseOptions::default() };
    let later = parse(b"Text,Date,Amount\nb,2024-02-29,-8.00\n", &options).unwrap();
    assert_eq!(later.problems, []);
    assert_eq!(later.statements[0].rows.get(0).unwrap().description, "b");
    let lost = parse(b"Date,Amount\n2024-02-29,-8.00\n", &options).unwrap();
    assert_eq!((lost.statements.len(), lost.problems.len()), (0, 1));
    assert_eq!(lost.problems[0].field.as_deref(), Some("description"));
}

#[test]
fn the_layouts_of_banks_are_read_the_same_with_what_was_settled() {
    // Holds: every layout table, read again with its settled profile, yields the same.
    for (name, text) in layouts::all() {
        let parsed = read(text.as_bytes(), None);
        assert!(parsed.csv.is_some(), "{name}");
        check_again(text.as_bytes(), &parsed).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
    }
}

#[test]
fn a_part_of_what_was_settled_leaves_the_rest_to_be_found() {
    // Holds: who states only the date order, the number format, or the columns of the amount of a
    // file, as it is, gets what he would get without.
    for (name, text) in layouts::all() {
        let parsed = read(text.as_bytes(), None);
        let settled = parsed.csv.clone().unwrap();
        let empty = CsvProfile::default;
        let is_amount = |column: &CsvColumn| {
            matches!(column.role, ColumnRole::Amount | ColumnRole::Debit | ColumnRole::Credit)
        };
        let amounts = settled.columns.iter().filter(|it| is_amount(it)).cloned().collect();
        for part in [
            CsvProfile { date_order: settled.date_order, ..empty() },
            CsvProfile { decimal: settled.decimal, ..empty() },
            CsvProfile { sign: settled.sign, ..empty() },
            CsvProfile { delimiter: settled.delimiter, ..empty() },
            CsvProfile { columns: amounts, ..empty() },
        ] {
            let options = ParseOptions { csv: Some(part.clone()), ..ParseOptions::default() };
            let found = parse(text.as_bytes(), &options).unwrap();
            assert_eq!(found, parsed, "{name}: {part:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: deep_or(50_000, 600),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_generated_file_is_read_the_same_with_what_was_settled(
        file in generated::file(),
        damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        // Holds: in any dialect, with and without a damaged byte, the settled profile is valid and
        // reads the file the same.
        let mut bytes = file.into_bytes();
        if let Some((place, byte)) = damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let options = ParseOptions { format: Some(Format::Csv), ..ParseOptions::default() };
        let parsed = parse(&bytes, &options).unwrap();
        if let Err(wrong) = check_again(&bytes, &parsed) {
            prop_assert!(false, "{}\n{}", wrong, String::from_utf8_lossy(&bytes));
        }
    }
}
