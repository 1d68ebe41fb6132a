//! What holds for any bytes whatever: one definition for the fuzz targets in `fuzz/`, which look
//! for bytes that break it, and for the test that reads their corpus again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what does not hold is told by panicking"
)]

use fiscaflow_core::import::{
    Correction, CsvProfile, DateOrder, Format, MAX_FILE_ROWS, ParseOptions, Parsed, Row, Statement,
    detect, parse,
};
use fiscaflow_core::{Amount, ErrorCode, Lane, parse_date};
use fiscaflow_verifier::{Checkpoint, Digest, Note, check_consistency, check_inclusion};

#[path = "../../../verifiers/rust/tests/shared/mod.rs"]
mod plain;

/// Looks at one input; panics where something does not hold.
pub type Check = fn(&[u8]);

/// Every target by its name, which is that of its folder in `fuzz/corpus` as well.
pub const TARGETS: [(&str, Check); 15] = [
    ("ofx", ofx),
    ("csv", csv),
    ("csv_profile", csv_profile),
    ("camt", camt),
    ("mt940", mt940),
    ("qif", qif),
    ("plaid", plaid),
    ("detected", detected),
    ("amounts", amounts),
    ("amounts_in_files", amounts_in_files),
    ("dates", dates),
    ("dates_in_files", dates_in_files),
    ("repeated", repeated),
    ("proofs", proofs),
    ("checkpoints", checkpoints),
];

/// OFX, QFX.
pub fn ofx(bytes: &[u8]) {
    read(bytes, &format(Format::Ofx));
}

/// Delimited files, nothing known about them.
pub fn csv(bytes: &[u8]) {
    read(bytes, &format(Format::Csv));
}

/// A profile as JSON, a line break, and the delimited file that it is stated for.
pub fn csv_profile(bytes: &[u8]) {
    let Some(at) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(profile) = serde_json::from_slice::<CsvProfile>(&bytes[..at]) else { return };
    read(&bytes[at + 1..], &ParseOptions { csv: Some(profile), ..format(Format::Csv) });
}

/// ISO 20022.
pub fn camt(bytes: &[u8]) {
    read(bytes, &format(Format::Camt));
}

/// SWIFT.
pub fn mt940(bytes: &[u8]) {
    read(bytes, &format(Format::Mt940));
}

/// QIF, with each stated order of its dates and with none.
pub fn qif(bytes: &[u8]) {
    read(bytes, &format(Format::Qif));
    for order in [DateOrder::Dmy, DateOrder::Mdy, DateOrder::Ymd] {
        read(bytes, &ParseOptions { date_order: Some(order), ..format(Format::Qif) });
    }
}

/// Plaid's answers.
pub fn plaid(bytes: &[u8]) {
    read(bytes, &format(Format::Plaid));
}

/// Whatever reader wants the file; what is found is what is read.
pub fn detected(bytes: &[u8]) {
    let found = detect(bytes);
    assert_eq!(found, detect(bytes), "the format differs the second time");
    if let Some(parsed) = read(bytes, &ParseOptions::default()) {
        assert_eq!(Some(parsed.format), found, "read as another format than was found");
    }
}

/// A file of 64 KiB that says something over and over: what is read in more than linear time shows
/// here, though no long input is ever drawn. Three bytes say the format, how much stands before
/// the part that is repeated, and how long that is; what is left stands behind.
pub fn repeated(bytes: &[u8]) {
    let [kind, before, long, rest @ ..] = bytes else { return };
    let formats =
        [Format::Ofx, Format::Csv, Format::Camt, Format::Mt940, Format::Qif, Format::Plaid];
    let (before, rest) = rest.split_at(usize::from(*before).min(rest.len()));
    let (part, behind) = rest.split_at(usize::from(*long).min(rest.len()));
    if part.is_empty() {
        return;
    }
    let times = (64 * 1024_usize).saturating_sub(before.len() + behind.len()) / part.len();
    let file = [before, &part.repeat(times), behind].concat();
    read(&file, &format(formats[usize::from(*kind) % formats.len()]));
}

/// An amount on the wire.
pub fn amounts(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(amount) = text.parse::<Amount>() {
        // Nothing is rounded, and what is written is read again.
        assert_eq!(digits(&amount.to_string()), digits(text));
        check_amount(amount);
    }
}

/// An amount in the smallest file of every format.
pub fn amounts_in_files(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if !fits_a_field(text) {
        return;
    }
    let wire = text.parse::<Amount>().ok();
    let figures = text.bytes().all(|byte| byte.is_ascii_digit() || b".,".contains(&byte));
    for (options, file) in files("20260131", "260131", text) {
        let Some(parsed) = read(file.as_bytes(), &options) else { continue };
        let free = options.format != Some(Format::Mt940);
        for row in rows(&parsed).filter(|_| free || figures) {
            // No digit is lost or made up, and a plain decimal is what it is everywhere.
            assert_eq!(digits(&row.amount.to_string()), digits(text), "{:?}", options.format);
            if let Some(wire) = wire.filter(|_| free && is_plain(text)) {
                assert_eq!(row.amount, wire, "{:?}", options.format);
            }
        }
    }
}

/// A date on the wire.
pub fn dates(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(date) = parse_date(text) {
        assert_eq!(date.to_string(), text);
    }
}

/// A date in the smallest file of every format.
pub fn dates_in_files(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if !fits_a_field(text) {
        return;
    }
    for (options, file) in files(text, text, "12.50") {
        let Some(parsed) = read(file.as_bytes(), &options) else { continue };
        for row in rows(&parsed) {
            // The day is one that is written there, and so is the end of the year.
            let written = row.booking_date.to_string();
            let (year, day) = (&written[3..4], written[8..].trim_start_matches('0'));
            assert!(text.contains(day), "{:?}: {written}", options.format);
            // An entry date of MT940 has no year.
            if options.format != Some(Format::Mt940) {
                assert!(text.contains(year), "{:?}: {written}", options.format);
            }
        }
    }
}

fn format(format: Format) -> ParseOptions {
    ParseOptions { format: Some(format), ..ParseOptions::default() }
}

/// Whether a text can stand in a field of every format without ending it.
fn fits_a_field(text: &str) -> bool {
    text.len() <= 200
        && !text.contains(|letter: char| letter.is_control() || "<>&\";".contains(letter))
}

/// Whether an amount is one that no format reads in two ways: cents at most, and no sign, which
/// stands elsewhere in some of them.
fn is_plain(text: &str) -> bool {
    let places = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    places <= 2 && text.starts_with(|letter: char| letter.is_ascii_digit())
}

/// The smallest files with that date and amount.
fn files(date: &str, short_date: &str, amount: &str) -> Vec<(ParseOptions, String)> {
    let comma = amount.replace('.', ",");
    let profile = r#"{"delimiter": "semicolon", "header": true, "decimal": "point", "columns": [
        {"role": "booking_date", "index": 0}, {"role": "amount", "index": 1},
        {"role": "description", "index": 2}]}"#;
    let csv = Some(serde_json::from_str(profile).unwrap());
    let table = format!("Date;Amount;Text\n{date};{amount};A\n");
    let mut files = vec![
        (
            format(Format::Ofx),
            format!(
                "OFXHEADER:100\nDATA:OFXSGML\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR\n\
                 <BANKACCTFROM><BANKID>1<ACCTID>2<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST>\n\
                 <STMTTRN><TRNTYPE>OTHER<DTPOSTED>{date}\n<TRNAMT>{amount}\n\
                 <FITID>1<NAME>A</STMTTRN>\n</BANKTRANLIST>\
                 </STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"
            ),
        ),
        (
            format(Format::Camt),
            format!(
                "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\
                 <Stmt><Acct><Id><Othr><Id>2</Id></Othr></Id><Ccy>EUR</Ccy></Acct>\n<Ntry>\
                 <Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>\
                 <BookgDt><Dt>{date}</Dt></BookgDt></Ntry></Stmt></BkToCstmrStmt></Document>\n"
            ),
        ),
        (
            format(Format::Mt940),
            format!(
                ":20:1\n:25:2\n:28C:1\n:60F:C260101EUR0,\n:61:{short_date}C{comma}NMSCNONREF\n\
                 :86:A\n:62F:C260131EUR{comma}\n-\n"
            ),
        ),
        (ParseOptions { csv, ..format(Format::Csv) }, table.clone()),
        (format(Format::Csv), table),
    ];
    for date_order in [None, Some(DateOrder::Dmy), Some(DateOrder::Mdy), Some(DateOrder::Ymd)] {
        let file = format!("!Type:Bank\nD{date}\nT{amount}\nPA\n^\n");
        files.push((ParseOptions { date_order, ..format(Format::Qif) }, file));
    }
    files
}

/// Reads a file twice and checks what was read; nothing where it was refused.
fn read(bytes: &[u8], options: &ParseOptions) -> Option<Parsed> {
    match (parse(bytes, options), parse(bytes, options)) {
        (Ok(first), Ok(second)) => {
            assert!(first == second, "the answer differs the second time");
            check(bytes, &first);
            Some(first)
        }
        (Err(first), Err(second)) => {
            assert_eq!(first.to_string(), second.to_string(), "the error differs the second time");
            assert_eq!(first.lane(), Lane::Rejected, "a file is no fault of ours");
            check_line(lines(bytes), first.at_line());
            None
        }
        _ => panic!("the file is refused one time of two"),
    }
}

fn check(bytes: &[u8], parsed: &Parsed) {
    let lines = lines(bytes);
    for problem in &parsed.problems {
        check_line(lines, problem.line);
        assert!(!problem.message.is_empty(), "a problem says nothing");
    }
    let count = rows(parsed).count();
    assert!(count <= MAX_FILE_ROWS && count <= bytes.len(), "{count} rows");
    parsed.statements.iter().for_each(|statement| check_statement(lines, statement));
}

fn check_statement(lines: u64, statement: &Statement) {
    let mut sum = Some(Amount::ZERO);
    for row in statement.rows.iter() {
        check_line(lines, Some(row.line));
        check_amount(row.amount);
        check_texts(&row);
        row.splits.iter().for_each(|split| check_amount(split.amount));
        sum = sum.and_then(|sum| add(sum, row.amount));
    }
    for balance in [statement.opening_balance, statement.closing_balance].into_iter().flatten() {
        check_amount(balance);
        sum = sum.and_then(|sum| add(sum, balance));
    }
}

/// The sum, or nothing where it does not fit; it never wraps and never loses a digit.
fn add(left: Amount, right: Amount) -> Option<Amount> {
    match left.checked_add(right) {
        Ok(sum) => {
            let wide = left.decimal().scale().max(right.decimal().scale());
            assert!(sum.decimal().scale() >= wide || sum == Amount::ZERO, "a sum was rounded");
            Some(sum)
        }
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::AmountOverflow);
            None
        }
    }
}

/// An amount is read again from what is written for it.
fn check_amount(amount: Amount) {
    assert_eq!(amount.to_string().parse::<Amount>().ok(), Some(amount));
}

/// Texts are one line without white space around it.
fn check_texts(row: &Row<'_>) {
    let corrected = row.corrects.map(|it| match it {
        Correction::Replaces(id) | Correction::Deletes(id) => id,
    });
    let texts = [Some(row.description), row.payee, row.bank_id, row.reference, row.category];
    for text in texts.into_iter().chain([row.counterparty_account, corrected]).flatten() {
        check_text(text);
    }
    for split in row.splits.iter() {
        [&split.category, &split.notes].into_iter().flatten().for_each(|text| check_text(text));
    }
}

fn check_text(text: &str) {
    assert_eq!(text.trim(), text, "white space around a text");
    assert!(!text.contains(|letter: char| letter.is_ascii_control()), "a text has two lines");
}

/// A line is one of the file's.
fn check_line(lines: u64, line: Option<u64>) {
    assert!(line.is_none_or(|line| (1..=lines).contains(&line)), "line {line:?} of {lines}");
}

/// How many lines there are at most: in UTF-16 another byte may look like the end of one.
fn lines(bytes: &[u8]) -> u64 {
    let end = |at: usize| match bytes[at] {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    1 + (0..bytes.len()).filter(|at| end(*at)).count() as u64
}

fn rows(parsed: &Parsed) -> impl Iterator<Item = Row<'_>> {
    parsed.statements.iter().flat_map(|statement| statement.rows.iter())
}

/// The digits of a number without the zeros at its ends.
fn digits(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

/// Two numbers of eight bytes, a leaf or an old root, and a path: the verifier says what the
/// definition says, and accepts the roots of the definition and no other.
pub fn proofs(bytes: &[u8]) {
    let Some((a, rest)) = bytes.split_first_chunk() else { return };
    let Some((b, rest)) = rest.split_first_chunk() else { return };
    let Some((one, rest)) = rest.split_first_chunk::<32>() else { return };
    let (a, b) = (u64::from_be_bytes(*a), u64::from_be_bytes(*b));
    let path = rest.as_chunks::<32>().0;
    let wrong = |root: &Digest| {
        let mut wrong = *root;
        wrong[path.len() % 32] ^= 1;
        wrong
    };

    let root = plain::root_by_inclusion(one, a, b, path);
    let told = root.unwrap_or(*one);
    assert_eq!(check_inclusion(one, a, b, path, &told), root.is_some());
    assert!(!check_inclusion(one, a, b, path, &wrong(&told)));

    let roots = plain::roots_by_consistency(a, b, Some(one), path);
    let (old, new) = roots.unwrap_or((*one, *one));
    let fits = plain::naive_consistency(a, &old, b, &new, path);
    assert_eq!(check_consistency(a, &old, b, &new, path), fits);
    assert!(!check_consistency(a, &wrong(&old), b, &new, path));
    assert!(!check_consistency(a, &old, b, &wrong(&new), path));
}

/// Notes and checkpoints: what is read is what is there.
pub fn checkpoints(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(note) = Note::parse(text) {
        assert!(text.starts_with(note.text) && note.text.ends_with('\n'));
        let lines = text[note.text.len()..].lines().skip(1);
        let names: Vec<&str> = lines.filter_map(|line| line.split(' ').nth(1)).collect();
        let read: Vec<&str> = note.signatures.iter().map(|it| it.key_name).collect();
        assert_eq!(names, read);
    }
    if let Some(read) = Checkpoint::parse(text) {
        let head = format!("{}\n{}\n", read.origin, read.size);
        assert!(text.starts_with(&head), "{read:?}");
    }
}
