//! What holds for any input: no panic, no lost record, no changed digit.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        // Holds: no input makes the reader or the detection panic.
        let _ = (detect(&bytes), read(&bytes));
        let text = [b"!Type:Bank\nD1/2/2024\nT1,000\nSx\n$".as_slice(), &bytes].concat();
        let _ = (detect(&text), read(&text), read_in(&text, Some(DateOrder::Ymd)));
    }

    #[test]
    fn any_order_of_lines_is_answered(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60),
    ) {
        // Holds: lines in any order are answered; every record of a section of transactions is
        // either a row or a problem, and each problem has a line.
        let text = pieces.join("\n") + "\n";
        let mut is_section = false;
        let mut is_record = false;
        let mut count = 0;
        for line in &pieces {
            let is_header = line.starts_with("!Type") || line.starts_with("!Account");
            if is_header || line.starts_with('^') {
                count += usize::from(is_section && is_record);
                is_record = false;
                if is_header {
                    is_section = matches!(*line, "!Type:Bank" | "!Type:Invst");
                }
            } else if !line.starts_with('!') && !line.is_empty() {
                is_record = true;
            }
        }
        count += usize::from(is_section && is_record);
        if let Ok(parsed) = read(text.as_bytes()) {
            let is_record = |problem: &&Problem| problem.field.as_deref() != Some("!Type");
            let named = parsed.problems.iter().filter(is_record).count();
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
    fn written_records_are_read_back(
        records in prop::collection::vec(record(), 1..20), dialect in 0..4_usize,
    ) {
        // Holds: what is written in one order of dates and one way of amounts is read back to the
        // digit and the letter, if the order is stated; and never in another way if it is not.
        let dialect = &DIALECTS[dialect];
        let text: String = records.iter().map(|record| record.text(dialect)).collect();
        let file = format!("!Type:Bank\nD{}\nT{}\n^\n{text}", dialect.proof_date, dialect.proof_amount);
        let expected: Vec<String> = records.iter().map(Written::row).collect();
        for order in [Some(dialect.order), None] {
            let parsed = read_in(file.as_bytes(), order).unwrap();
            prop_assert_eq!(problems(&parsed), Vec::<String>::new());
            let found: Vec<String> = rows(&parsed)
                .iter()
                .skip(1)
                .map(|row| row.split_once(": ").unwrap().1.to_owned())
                .collect();
            prop_assert_eq!(&found, &expected);
        }
        // Without a date or amount that proves anything, what is read is still what was written.
        let parsed = read(format!("!Type:Bank\n{text}").as_bytes()).unwrap();
        prop_assert_eq!(rows(&parsed).len() + parsed.problems.len(), records.len());
        for row in rows(&parsed) {
            let row = row.split_once(": ").unwrap().1;
            prop_assert!(expected.iter().any(|written| written == row), "{} of {:?}", row, expected);
        }
    }
}

#[test]
fn every_cut_of_a_file_is_answered() {
    // Holds: a file cut anywhere is read without a panic, and no row of it is invented.
    let whole = rows(&read(SAMPLE.as_bytes()).unwrap());
    assert_eq!(whole.len(), 5);
    for end in 0..SAMPLE.len() {
        let Ok(parsed) = read(&SAMPLE.as_bytes()[..end]) else { continue };
        for row in rows(&parsed) {
            // Texts may be cut, dates and amounts may not.
            let facts = |row: &str| row.split(' ').take(3).collect::<Vec<_>>().join(" ");
            assert!(whole.iter().any(|known| facts(known) == facts(&row)), "{row} cut at {end}");
        }
    }
}

/// How a program writes dates and amounts.
struct Dialect {
    order: DateOrder,
    date: fn(u32, u32) -> String,
    proof_date: &'static str,
    decimal: char,
    thousands: &'static str,
    proof_amount: &'static str,
}

const DIALECTS: [Dialect; 4] = [
    Dialect {
        order: DateOrder::Mdy,
        date: |month, day| format!("{month}/{day}/2024"),
        proof_date: "1/31/2024",
        decimal: '.',
        thousands: ",",
        proof_amount: "1.5",
    },
    Dialect {
        order: DateOrder::Dmy,
        date: |month, day| format!("{day:02}/{month:02}/24"),
        proof_date: "31/01/24",
        decimal: ',',
        thousands: ".",
        proof_amount: "1,5",
    },
    Dialect {
        order: DateOrder::Mdy,
        date: |month, day| format!("{month}/{day:2}'24"),
        proof_date: "1/31'24",
        decimal: '.',
        thousands: "",
        proof_amount: "1.5",
    },
    Dialect {
        order: DateOrder::Ymd,
        date: |month, day| format!("2024-{month:02}-{day:02}"),
        proof_date: "2024-01-31",
        decimal: '.',
        thousands: "'",
        proof_amount: "1.5",
    },
];

/// A record as it is to be read.
#[derive(Debug)]
struct Written {
    month: u32,
    day: u32,
    minor: i64,
    places: u32,
    payee: String,
    number: String,
    category: String,
    account: String,
    parts: Vec<String>,
}

impl Written {
    fn text(&self, dialect: &Dialect) -> String {
        let Self { month, day, payee, number, parts, .. } = self;
        let mut text = format!("D{}\nT{}\n", (dialect.date)(*month, *day), self.amount(dialect));
        for (code, value) in [("P", payee), ("N", number)] {
            text += &format!("{code}{value}\n");
        }
        match self.account.is_empty() {
            true => text += &format!("L{}\n", self.category),
            false => text += &format!("L[{}]\n", self.account),
        }
        if let [first, rest @ ..] = &parts[..] {
            text += &format!("S{first}\n${}\n", self.amount(dialect));
            text += &rest.iter().map(|part| format!("S{part}\nEnote\n$0\n")).collect::<String>();
        }
        text + "^\n"
    }

    fn amount(&self, dialect: &Dialect) -> String {
        let amount = Decimal::new(self.minor, self.places).to_string();
        let (whole, places) = amount.split_once('.').unwrap_or((&amount, ""));
        let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
        let groups: Vec<&str> = digits
            .as_bytes()
            .rchunks(3)
            .rev()
            .map(|group| std::str::from_utf8(group).unwrap())
            .collect();
        let point = if places.is_empty() { String::new() } else { dialect.decimal.to_string() };
        format!("{sign}{}{point}{places}", groups.join(dialect.thousands))
    }

    fn row(&self) -> String {
        let amount = Decimal::new(self.minor, self.places);
        let payee = self.payee.trim();
        let mut row = format!("2024-{:02}-{:02} {amount} `{payee}`", self.month, self.day);
        let category = if self.account.is_empty() { &self.category } else { "" };
        for (name, value) in [
            ("payee", payee),
            ("ref", &self.number),
            ("category", category),
            ("account", &self.account),
        ] {
            if !value.is_empty() {
                row += &format!(" {name}={value}");
            }
        }
        if let [first, rest @ ..] = &self.parts[..] {
            row += &format!(" [{amount} {first}]");
            row += &rest.iter().map(|part| format!(" [0 {part} note]")).collect::<String>();
        }
        row
    }
}

fn record() -> impl Strategy<Value = Written> {
    let parts = prop::collection::vec("[A-Z][a-z:]{0,8}[a-z]", 0..4);
    (
        (1..13_u32, 1..29_u32, -(1_i64 << 53)..1 << 53, 0..5_u32),
        ("[ -~é€]{0,30}", "[A-Z0-9]{0,8}", "[A-Z][a-z:]{0,12}[a-z]", "[A-Z]{0,5}", parts),
    )
        .prop_map(
            |((month, day, minor, places), (payee, number, category, account, parts))| Written {
                month,
                day,
                minor,
                places,
                payee,
                number,
                category,
                account,
                parts,
            },
        )
}

const SAMPLE: &str = "# made by hand\r\n!Option:AutoSwitch\r\n!Account\r\nNGiro\r\nTBank\r\n^\r\n\
    !Clear:AutoSwitch\r\n!Type:Cat\r\nNFood\r\nDEating\r\nE\r\n^\r\n!Account\r\nNGiro\r\nTBank\r\n^\r\n\
    !Type:Bank\r\nD2024-01-31\r\nU-1,000.00\r\nT-1,000.00\r\nN1005\r\nPBank Of Mortgage\r\nL[linda]\r\n\
    S[linda]\r\n$-253.64\r\nSMort Int\r\nEnote\r\n$-746.36\r\n^^\r\nD2024-02-01\r\nT75.00\r\nPD\u{e9}p\u{f4}t\r\n\
    CX\r\n^\r\nD2024-02-02\r\nT-1,234.5\r\nMJ.B.\r\nLFood/Class\r\nA1010 Rodeo Dr.\r\n^\r\n\
    !Type:Invst\r\nD2024-02-03\r\nNBuyX\r\nYibm4\r\nT100.00\r\nL[CHECKING]\r\n$100.00\r\n^\r\n\
    D2024-02-04\r\nNCash\r\nT7.7\r\n^\r\n!Type:Security\r\nNBitcoin\r\nS^BTCUSD\r\n^\r\n";

const PIECES: &[&str] = &[
    "!Type:Bank",
    "!Type:Invst",
    "!Type:Cat",
    "!Type:Foo",
    "!Account",
    "!Option:AutoSwitch",
    "!Clear:AutoSwitch",
    "^",
    "^^",
    "",
    "D1/2/2024",
    "D1/31/2024",
    "D31/1/2024",
    "D2024-01-31",
    "Dx",
    "T1,000",
    "T1.00",
    "T",
    "U2.00",
    "Tx",
    "PShop",
    "PShop",
    "MNote",
    "N7",
    "LFood",
    "L[Cash]",
    "SFood",
    "Enote",
    "$1.00",
    "#",
    "\u{e9}",
];
