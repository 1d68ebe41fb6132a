//! What holds for any input: no panic, no lost entry, no changed digit.

use proptest::prelude::*;

use super::*;

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
        let is_entry = |piece: &str| matches!(piece, "<STMTTRN>" | "<STMTTRNP>");
        let entries: Vec<u64> =
            (1_u64..)
                .zip(&pieces)
                .filter(|(_, piece)| is_entry(piece))
                .map(|(line, _)| line)
                .collect();
        if let Ok(parsed) = read(pieces.join("\n").as_bytes()) {
            let read: Vec<u64> =
                parsed
                    .statements
                    .iter()
                    .flat_map(|found| found.rows.iter())
                    .map(|row| row.line)
                    .collect();
            prop_assert!(read.iter().all(|line| entries.contains(line)));
            for (index, begin) in entries.iter().enumerate() {
                let end = entries.get(index + 1).copied().unwrap_or(u64::MAX);
                let is_named = |line: &u64| (*begin..end).contains(line);
                let named = parsed.problems.iter().filter_map(|problem| problem.line);
                let rows = read.iter().filter(|line| *line == begin).count();
                prop_assert!(rows == 1 || rows == 0 && named.clone().any(|line| is_named(&line)));
            }
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
        minor in any::<i64>(), day in 1..29_u32, scale in 0..5_u32, name in "[ -:<-~éß€]{0,40}",
    ) {
        // Holds: what is written by the specification is read back to the digit and the letter.
        let amount = Amount::new(rust_decimal::Decimal::new(minor, scale));
        let escaped = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let entry = format!(
            "<STMTTRN><DTPOSTED>202402{day:02}235959.999[+14:X]<TRNAMT>{amount}<NAME>{escaped}</STMTTRN>"
        );
        let statement = only_row(&entry);
        let row = statement.rows.get(0).unwrap();
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
];
