//! Generated statements in a random dialect: they are read back exactly, or reported as ambiguous,
//! and never misread.

use std::fmt::Write as _;

use chrono::{Days, NaiveDate};
use proptest::prelude::*;

use super::*;

/// A movement: days since the one before, cents, text.
type Movement = (u64, i64, &'static str);

/// How a statement is written.
#[derive(Debug, Clone)]
struct Style {
    delimiter: char,
    quote_all: bool,
    line_end: &'static str,
    language: usize,
    date: String,
    /// Group and decimal separator, and how many decimals: 0 leaves them out.
    number: (&'static str, &'static str, usize),
    sign: Sign,
    newest_first: bool,
    balance: bool,
    value_date: bool,
    preamble: bool,
    trailing: bool,
    currency: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Sign {
    Minus,
    Behind,
    Brackets,
    PlusAndMinus,
    Columns,
    Words,
    Letters,
}

/// Header words: date, value date, text, amount, debit, credit, direction, balance, currency; and
/// words for out and in. Without header words there is no header.
const LANGUAGES: &[Option<[&str; 11]>] = &[
    None,
    Some([
        "Date",
        "Value Date",
        "Description",
        "Amount",
        "Debit",
        "Credit",
        "Type",
        "Balance",
        "Currency",
        "Debit",
        "Credit",
    ]),
    Some([
        "Buchungstag",
        "Wertstellung",
        "Verwendungszweck",
        "Betrag",
        "Soll",
        "Haben",
        "Soll/Haben",
        "Saldo",
        "Währung",
        "Soll",
        "Haben",
    ]),
    Some([
        "Date d'opération",
        "Date de valeur",
        "Libellé",
        "Montant",
        "Débit",
        "Crédit",
        "Sens",
        "Solde",
        "Devise",
        "Débit",
        "Crédit",
    ]),
    Some([
        "Fecha",
        "Fecha valor",
        "Concepto",
        "Importe",
        "Cargo",
        "Abono",
        "Tipo",
        "Saldo",
        "Divisa",
        "Cargo",
        "Abono",
    ]),
    Some([
        "Boekdatum",
        "Rentedatum",
        "Omschrijving",
        "Bedrag",
        "Af",
        "Bij",
        "Af Bij",
        "Saldo",
        "Munt",
        "Af",
        "Bij",
    ]),
    Some([
        "Datum provedení",
        "Valuta",
        "Zpráva",
        "Částka",
        "Na vrub",
        "Ve prospěch",
        "Směr",
        "Zůstatek",
        "Měna",
        "odchozí",
        "příchozí",
    ]),
];

const TEXTS: &[&str] = &[
    "Coffee",
    "Müller & Söhne",
    "a;b",
    "x, y",
    "say \"hi\"",
    "O'Neil",
    "12.50",
    "1,234",
    "03/04/2024",
    "Shop 23,55 AT",
    "tab\tin it",
    "one | two",
    "-",
    "REF 0042",
    "5\" pipe",
    "two\nlines",
];

fn style() -> impl Strategy<Value = Style> {
    let dates = [
        "%Y-%m-%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d-%m-%Y",
        "%d %b %Y",
        "%Y%m%d",
        "%d.%m.%y",
        "%m/%d/%y",
        "%d-%m-%y",
        "%y-%m-%d",
        "%Y-%m-%d 12:30:00 +0000",
        "%d/%m/%Y 09:15",
    ];
    let numbers = [
        ("", ".", 2),
        ("", ",", 2),
        (",", ".", 2),
        (".", ",", 2),
        ("'", ".", 2),
        ("\u{A0}", ",", 2),
        (" ", ",", 2),
        ("", ".", 0),
        (",", ".", 0),
        (".", ",", 0),
        ("", ".", 3),
        ("", ",", 3),
    ];
    let signs = [
        Sign::Minus,
        Sign::Behind,
        Sign::Brackets,
        Sign::PlusAndMinus,
        Sign::Columns,
        Sign::Words,
        Sign::Letters,
    ];
    let look = (
        prop::sample::select(vec![',', ';', '\t', '|']),
        any::<bool>(),
        prop::sample::select(vec!["\n", "\r\n", "\r"]),
        0..LANGUAGES.len(),
        prop::sample::select(dates.to_vec()),
        prop::sample::select(numbers.to_vec()),
        prop::sample::select(signs.to_vec()),
    );
    (look, any::<[bool; 5]>(), 0_usize..4).prop_map(|(look, flags, currency)| {
        let (delimiter, quote_all, line_end, language, date, number, sign) = look;
        let [newest_first, balance, value_date, preamble, trailing] = flags;
        // Banks write the month first in English only.
        let date = if language > 1 { date.replace("%m/%d", "%d/%m") } else { date.to_owned() };
        Style {
            delimiter,
            quote_all,
            line_end,
            language,
            date,
            number,
            sign,
            newest_first,
            balance,
            value_date,
            preamble,
            trailing,
            currency,
        }
    })
}

impl Style {
    fn quoted(&self, cell: &str) -> String {
        let needs = cell.contains([self.delimiter, '"', '\n', '\r']);
        if self.quote_all || needs {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.to_owned()
        }
    }

    fn digits(&self, cents: i64) -> String {
        let (group, point, decimals) = self.number;
        let whole = (cents.unsigned_abs() / 100).to_string();
        let mut text = String::new();
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                text += group;
            }
            text.push(digit);
        }
        match decimals {
            0 => text,
            2 => format!("{text}{point}{:02}", cents.unsigned_abs() % 100),
            _ => format!("{text}{point}{:02}0", cents.unsigned_abs() % 100),
        }
    }

    fn signed(&self, cents: i64) -> String {
        let digits = self.digits(cents);
        match (self.sign, cents < 0) {
            (Sign::Behind, true) => format!("{digits}-"),
            (Sign::Brackets, true) => format!("({digits})"),
            (_, true) => format!("-{digits}"),
            (Sign::PlusAndMinus, false) => format!("+{digits}"),
            (_, false) => digits,
        }
    }

    /// The file, and what it says: dates, cents, texts.
    fn write(
        &self,
        start: NaiveDate,
        movements: &[Movement],
    ) -> (String, Vec<(NaiveDate, i64, String)>) {
        let words = LANGUAGES[self.language];
        let out_in = match (self.sign, words) {
            (Sign::Words, Some(words)) => (words[9], words[10]),
            (Sign::Words, None) => ("Debit", "Credit"),
            _ => ("D", "C"),
        };
        let mut date = start;
        let mut balance = 100_000;
        let mut rows = Vec::new();
        let mut truth = Vec::new();
        for (days, cents, text) in movements {
            let cents = if self.number.2 == 0 { cents / 100 * 100 } else { *cents };
            // Without a header, a column of numbers or dates is not known to be text.
            let is_plain = !matches!(*text, "12.50" | "1,234" | "03/04/2024" | "-");
            let text = if is_plain || words.is_some() { *text } else { "Coffee" };
            date = date + Days::new(*days);
            balance += cents;
            let written = date.format(&self.date).to_string();
            let mut cells = vec![written.clone()];
            if self.value_date {
                cells.push(written);
            }
            cells.push(text.to_owned());
            match self.sign {
                Sign::Columns => {
                    let digits = self.digits(cents);
                    let (debit, credit) =
                        if cents < 0 { (digits, String::new()) } else { (String::new(), digits) };
                    cells.extend([debit, credit]);
                }
                Sign::Words | Sign::Letters => {
                    let side = if cents < 0 { out_in.0 } else { out_in.1 };
                    cells.extend([self.digits(cents), side.to_owned()]);
                }
                _ => cells.push(self.signed(cents)),
            }
            if self.balance {
                cells.push(Self { sign: Sign::Minus, ..self.clone() }.signed(balance));
            }
            if self.currency > 0 {
                cells.push(["", "EUR", "USD", "CHF"][self.currency].to_owned());
            }
            rows.push(cells);
            // A cell becomes one line; what parts its words is one blank.
            truth.push((date, cents, text.replace(['\n', '\t'], " ")));
        }
        if self.newest_first {
            rows.reverse();
            truth.reverse();
        }
        (self.table(words, &rows), truth)
    }

    fn table(&self, words: Option<[&'static str; 11]>, rows: &[Vec<String>]) -> String {
        let mut file = String::new();
        if self.preamble && words.is_some() {
            write!(file, "Statement of account{0}Some words, and some more{0}{0}", self.line_end)
                .unwrap();
        }
        let mut all = Vec::new();
        if let Some(words) = words {
            let mut cells = vec![words[0]];
            if self.value_date {
                cells.push(words[1]);
            }
            cells.push(words[2]);
            match self.sign {
                Sign::Columns => cells.extend([words[4], words[5]]),
                Sign::Words | Sign::Letters => cells.extend([words[3], words[6]]),
                _ => cells.push(words[3]),
            }
            if self.balance {
                cells.push(words[7]);
            }
            if self.currency > 0 {
                cells.push(words[8]);
            }
            all.push(cells.into_iter().map(str::to_owned).collect());
        }
        all.extend(rows.iter().cloned());
        for cells in all {
            let cells: Vec<String> = cells.iter().map(|cell| self.quoted(cell)).collect();
            file += &cells.join(&self.delimiter.to_string());
            if self.trailing {
                file.push(self.delimiter);
            }
            file += self.line_end;
        }
        file
    }
}

/// A written statement, and what it says: days, cents, texts.
fn written() -> impl Strategy<Value = (String, Vec<(NaiveDate, i64, String)>)> {
    let movement = (
        0_u64..40,
        prop_oneof![-99_999_999_i64..=99_999_999, -9_999_i64..=9_999],
        prop::sample::select(TEXTS),
    );
    let movements = prop::collection::vec(movement, 1..14);
    (style(), 0_u64..8000, movements).prop_map(|(style, start, movements)| {
        let start = NaiveDate::from_ymd_opt(2003, 1, 1).unwrap() + Days::new(start);
        let movements = movements.into_iter();
        let movements: Vec<Movement> = movements
            .map(|(days, cents, text)| (days, if cents.abs() < 100 { 100 } else { cents }, text))
            .collect();
        style.write(start, &movements)
    })
}

/// The file alone.
pub fn file() -> impl Strategy<Value = String> {
    written().prop_map(|(file, _)| file)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: deep_or(100_000, 1_200),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_statement_is_read_back_or_reported((file, truth) in written()) {
        // Holds: date, amount and text of every row are read back exactly, in the file's order, or
        // the file is reported as ambiguous; nothing is ever misread.
        let options = ParseOptions { format: Some(Format::Csv), ..ParseOptions::default() };
        let parsed = parse(file.as_bytes(), &options).unwrap();
        if parsed.statements.is_empty() {
            let mut problems = parsed.problems.iter();
            let ambiguous = problems.all(|problem| problem.code.as_str() == "ambiguous_file");
            prop_assert!(ambiguous, "{:?}\n{}", parsed.problems, file);
            prop_assert!(!parsed.problems.is_empty(), "{}", file);
            return Ok(());
        }
        prop_assert!(parsed.problems.is_empty(), "{:?}\n{}", parsed.problems, file);
        let statements = &parsed.statements;
        let rows: Vec<_> = statements.iter().flat_map(|statement| statement.rows.iter()).collect();
        prop_assert_eq!(rows.len(), truth.len(), "{}", file);
        for (row, (date, cents, text)) in rows.iter().zip(&truth) {
            prop_assert_eq!(row.booking_date, *date, "{}", file);
            let expected = rust_decimal::Decimal::new(*cents, 2);
            prop_assert_eq!(row.amount.decimal(), expected, "{}", file);
            prop_assert!(row.description == *text || text == "-", "{} != {}\n{}", row.description, text, file);
        }
    }
}
