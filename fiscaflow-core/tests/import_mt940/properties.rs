//! What holds for any input: no panic, no lost entry, no changed digit.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        // Holds: no input makes the reader or the detection panic.
        let _ = (detect(&bytes), read(&bytes));
        let text = [b":20:A\n:25:1\n:61:240201C1,NTRF\n:86:166?20".as_slice(), &bytes].concat();
        let _ = (detect(&text), read(&text));
    }

    #[test]
    fn any_order_of_fields_is_answered(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40),
    ) {
        // Holds: fields in any order are answered, and every entry is either a row or a problem.
        let text = pieces.join("\n");
        let is_entry = |line: &&str| line.starts_with(":61:");
        let count = text.lines().filter(is_entry).count();
        if let Ok(parsed) = read(text.as_bytes()) {
            let of_entry = |problem: &&fiscaflow_core::import::Problem| {
                problem.field.as_deref() == Some("61")
            };
            let named = parsed.problems.iter().filter(of_entry).count();
            prop_assert_eq!(rows(&parsed).len() + named, count, "{}", text);
            prop_assert!(parsed.problems.iter().all(|problem| problem.line.is_some()));
        }
    }

    #[test]
    fn changed_files_are_answered(
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..12,
        ),
    ) {
        // Holds: bytes that are changed, added or lost never make the reader panic.
        let mut bytes = SAMPLE.as_bytes().to_vec();
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
    fn written_statements_are_read_back(entries in prop::collection::vec(entry(), 0..20)) {
        // Holds: what is written by the specification is read back to the digit and the letter.
        let text: String = entries.iter().map(Written::text).collect();
        let parsed = read(message(text.trim_end()).as_bytes()).unwrap();
        prop_assert_eq!(problems(&parsed), Vec::<String>::new());
        let found: Vec<String> =
            rows(&parsed).iter().map(|row| row.split_once(": ").unwrap().1.to_owned()).collect();
        let expected: Vec<String> = entries.iter().map(Written::row).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn every_cut_of_a_file_is_answered() {
    // Holds: a file cut anywhere is read without a panic, and no row of it is invented.
    let whole = rows(&read(SAMPLE.as_bytes()).unwrap());
    assert_eq!(whole.len(), 4);
    for end in 0..SAMPLE.len() {
        let Ok(parsed) = read(&SAMPLE.as_bytes()[..end]) else { continue };
        let found = rows(&parsed);
        assert!(found.len() <= whole.len());
        for (cut, row) in found.iter().zip(&whole) {
            // Texts may be cut, dates and amounts may not.
            let facts = |row: &str| row.split(' ').take(3).collect::<Vec<_>>().join(" ");
            assert_eq!(facts(cut), facts(row), "cut at {end}");
        }
    }
}

/// An entry as it is written and as it is to be read.
#[derive(Debug)]
struct Written {
    day: u32,
    mark: &'static str,
    minor: u64,
    places: u32,
    reference: String,
    id: String,
    parts: Vec<String>,
    payee: String,
}

impl Written {
    fn text(&self) -> String {
        let amount = Decimal::new(self.minor as i64, self.places).to_string();
        let amount = match amount.split_once('.') {
            Some((whole, places)) => format!("{whole},{places}"),
            None => format!("{amount},"),
        };
        let mut text = format!("?00TEXT?20{}", self.parts.join("?21"));
        if !self.payee.is_empty() {
            text += &format!("?32{}", self.payee);
        }
        let mut wrapped = String::new();
        for (place, letter) in text.chars().enumerate() {
            if place > 0 && (place + 3) % 65 == 0 {
                wrapped.push('\n');
            }
            wrapped.push(letter);
        }
        let Self { day, mark, reference, id, .. } = self;
        format!(":61:2402{day:02}{mark}{amount}NTRF{reference}//{id}\n:86:166{wrapped}\n")
    }

    fn row(&self) -> String {
        let negative = matches!(self.mark, "D" | "RC" | "ED" | "DR");
        let mut amount = Decimal::new(self.minor as i64, self.places);
        amount.set_sign_negative(negative && self.minor > 0);
        let parts: Vec<&str> =
            self.parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
        let description = if parts.is_empty() { "TEXT".to_owned() } else { parts.join(" ") };
        let mut row = format!("2024-02-{:02} {amount} `{description}`", self.day);
        for (name, value) in [("payee", &self.payee), ("id", &self.id), ("ref", &self.reference)] {
            if !value.trim().is_empty() {
                row += &format!(" {name}={}", value.trim());
            }
        }
        if self.mark.starts_with('E') {
            row += " pending=";
        }
        row
    }
}

fn entry() -> impl Strategy<Value = Written> {
    let marks = &["C", "D", "RC", "RD", "EC", "ED", "CR", "DR"][..];
    // Parts shorter than a full sub-field, so that none goes on in the next one.
    let parts = prop::collection::vec("[ -.0->@-~éß€]{0,26}", 1..4);
    (
        (1..29_u32, prop::sample::select(marks), 0..1_u64 << 53, 0..6_u32),
        ("[A-Z0-9]{0,13}X", "[A-Z0-9]{0,16}", parts, "[A-Za-z é]{0,26}"),
    )
        .prop_map(|((day, mark, minor, places), (reference, id, parts, payee))| Written {
            day,
            mark,
            minor,
            places,
            reference,
            id,
            parts,
            payee,
        })
}

const SAMPLE: &str = "{1:F01KNABNL2HAXXX0000000000}{2:I940KNABNL2HXXXXN3020}{4:\r\n\
    :20:A\r\n:25:12345678/1020304050\r\n:28C:1/1\r\n:60F:C240131EUR100,00\r\n\
    :61:2402010202RDR1027,25N068INV 1//0724710333343453\r\n/OCMT/EUR11,85/\r\n\
    :86:166?00STORNO?109392?20EREF+STORNO RECHNUNG ABSCHL?21USS 16\r\n:26:37?31DE021203000000\r\n\
    ?32GEB\u{dc}HREN?33I\r\n:61:240203D1,1NTRFEREF\r\nNL44RABO0123456789\r\n\
    :86:/EREF/08-12/BENM//NAME/Rabo/\r\nREMI/2015 Order\r\n\
    :61:240204EC3,NMSC\r\n:86:free\r\ntext\r\n:61:240205D4,44NMSCNONREF\r\n:NS:01a\r\n15b\r\n\
    :62F:C240229EUR90,00\r\n:64:C240229EUR90,00\r\n:86:bye\r\n-}{5:{MAC:0}}\r\n";

const PIECES: &[&str] = &[
    ":20:A",
    ":21:R",
    ":25:1",
    ":28C:1/1",
    ":34F:EURD0,00",
    ":13D:1610301730+0000",
    ":60F:C240131EUR1,00",
    ":60M:D240131EUR1,00",
    ":61:240201C1,NTRF",
    ":61:240230C1,NTRF",
    ":61:2402010201D1,00NTRFX//Y\nbelow",
    ":61:",
    ":86:166?20a?32b",
    ":86:/NAME/a/REMI/b",
    ":86:",
    ":NS:01a",
    ":62F:C240131EUR1,00",
    ":62M:C240131USD1,00",
    ":64:C240131EUR1,00",
    ":65:x",
    ":90D:1EUR1,",
    ":940:",
    "-",
    "-}",
    "{1:F01}",
    "text",
    "",
    ":99:",
];
