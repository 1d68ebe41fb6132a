//! What holds for any input: no panic, no lost transaction, no changed digit.

use proptest::prelude::*;

use super::*;

/// A transaction as it is written and as it must be read.
#[derive(Debug, Clone)]
struct Written {
    account: u8,
    minor: i64,
    scale: u32,
    day: u32,
    is_pending: bool,
    name: String,
    merchant: Option<String>,
    id: u32,
    was: Option<u32>,
}

fn written() -> impl Strategy<Value = Written> {
    (
        (0..3_u8, any::<i64>(), 0..6_u32, 1..29_u32, any::<bool>()),
        (any::<String>(), prop::option::of("[ -~é€😀]{0,20}")),
        (any::<u32>(), prop::option::of(any::<u32>())),
    )
        .prop_map(|((account, minor, scale, day, is_pending), (name, merchant), (id, was))| {
            Written { account, minor, scale, day, is_pending, name, merchant, id, was }
        })
}

impl Written {
    fn amount(&self) -> rust_decimal::Decimal {
        rust_decimal::Decimal::new(self.minor, self.scale)
    }

    fn json(&self) -> String {
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let merchant = self.merchant.as_deref().map_or("null".to_owned(), quoted);
        let was = self.was.map_or("null".to_owned(), |was| format!("\"T{was}\""));
        format!(
            "{{\"account_id\": \"A{}\", \"amount\": {}, \"date\": \"2024-02-{:02}\", \"location\": \
             {{\"city\": \"\\\\\\\"}}\"}}, \"name\": {}, \"merchant_name\": {merchant}, \"pending\": \
             {}, \"pending_transaction_id\": {was}, \"transaction_id\": \"T{}\"}}",
            self.account,
            self.amount(),
            self.day,
            quoted(&self.name),
            self.is_pending,
            self.id,
        )
    }
}

/// A text as one line, by another way than the reader's.
fn one_line(text: &str) -> String {
    let parts = text.split(|char: char| char.is_ascii_control()).map(str::trim);
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn written_answers_are_read_back(
        entries in prop::collection::vec(written(), 0..8),
        accounts_first in any::<bool>(),
    ) {
        // Holds: what an answer says is read back to the digit and letter, per account in order.
        let list: Vec<String> = entries.iter().map(Written::json).collect();
        let list = format!("\"transactions\": [\n{}]", list.join(",\n"));
        let accounts = "\"accounts\": [{\"account_id\": \"A0\"}, {\"account_id\": \"A1\"}, \
                        {\"account_id\": \"A2\"}]";
        let text = match accounts_first {
            true => format!("{{{accounts}, {list}}}"),
            false => format!("{{{list}, {accounts}}}"),
        };
        let parsed = whole(&text);
        for (account, statement) in (0..).zip(&parsed.statements) {
            let expected: Vec<(usize, &Written)> =
                (2..).zip(&entries).filter(|(_, entry)| entry.account == account).collect();
            prop_assert_eq!(statement.rows.len(), expected.len());
            for (row, (line, entry)) in statement.rows.iter().zip(expected) {
                prop_assert_eq!(row.line, line as u64);
                prop_assert_eq!(row.amount.decimal(), -entry.amount());
                prop_assert_eq!(row.amount.decimal().scale(), entry.scale);
                prop_assert!(row.amount.to_string() != "-0");
                prop_assert_eq!(row.booking_date.to_string(), format!("2024-02-{:02}", entry.day));
                prop_assert_eq!(row.pending, entry.is_pending);
                prop_assert_eq!(row.description, one_line(&entry.name));
                let merchant = entry.merchant.as_deref().map(one_line).filter(|it| !it.is_empty());
                prop_assert_eq!(row.payee, merchant.as_deref());
                let (id, was) = (format!("T{}", entry.id), entry.was.map(|was| format!("T{was}")));
                prop_assert_eq!(row.bank_id, Some(&*id));
                prop_assert_eq!(row.pending_id, was.as_deref());
            }
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        // Holds: no input makes the reader or the detection panic.
        let options = ParseOptions { format: Some(Format::Plaid), ..ParseOptions::default() };
        let _ = (detect(&bytes), parse(&bytes, &options));
        let text = [b"{\"accounts\": [], \"transactions\": [{".as_slice(), &bytes].concat();
        let _ = (detect(&text), parse(&text, &options));
    }

    #[test]
    fn any_order_of_pieces_is_answered(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60),
    ) {
        // Holds: marks and names in any order are answered, and no row is made of nothing.
        let text = format!("{{\"accounts\": [], \"transactions\": [{}", pieces.concat());
        if let Ok(parsed) = read(&text) {
            let amounts = pieces.iter().filter(|piece| piece.starts_with("\"amount\"")).count();
            prop_assert!(rows(&parsed).len() <= amounts);
        }
    }

    #[test]
    fn changed_files_are_answered(
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..12,
        ),
    ) {
        // Holds: bytes that are changed, added or lost never make the reader panic.
        let mut bytes = sample().into_bytes();
        for (index, byte, change) in changes {
            let at = index.index(bytes.len());
            match change {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let options = ParseOptions { format: Some(Format::Plaid), ..ParseOptions::default() };
        if let Ok(parsed) = parse(&bytes, &options) {
            prop_assert!(rows(&parsed).len() <= 4);
        }
        let _ = detect(&bytes);
    }
}

#[test]
fn any_cut_of_a_file_is_answered() {
    // Holds: a file cut at any byte is read without panic, and what is cut is never a row.
    let text = sample();
    let all = rows(&whole(&text));
    assert_eq!(all.len(), 2);
    for cut in 0..text.len() {
        if let Ok(parsed) = read(text.get(..cut).unwrap_or_default()) {
            assert!(all.starts_with(&rows(&parsed)), "{cut}");
            assert!(!parsed.problems.is_empty(), "{cut}");
        }
    }
}

/// A file with most members that are read; ASCII, so that it can be cut anywhere.
fn sample() -> String {
    let entries = [
        transaction(
            "\"name\": \"a \\\"b\\\" \\u00e9\", \"transaction_id\": \"T1\", \"pending\": false",
        ),
        transaction(
            "\"category\": [\"A\", \"B\"], \"payment_meta\": {\"payee\": null}, \"counterparties\": \
             [{\"name\": \"c\", \"account_numbers\": {\"bacs\": {\"account\": \"1\"}}}]",
        ),
    ];
    answer(&entries.join(",\n"))
}

const PIECES: &[&str] = &[
    "{",
    "}",
    "},{",
    "[",
    "]",
    ",",
    ":",
    "\"amount\": 1",
    "\"amount\": -2.5,",
    "\"date\": \"2024-01-31\"",
    "\"date\": \"2024-01-31\",",
    "\"name\": \"n\",",
    "\"category\": [\"a\"],",
    "\"payment_meta\": {",
    "\"pending\": true,",
    "null",
    "true",
    "\"",
    "\\",
    " ",
];
