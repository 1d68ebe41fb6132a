//! CSV and its relatives: dialect, column roles, number and date format are found or stated, never
//! guessed.
//!
//! A file is read in steps, each of which a [`CsvProfile`] may answer instead: `split` cuts the
//! text, `table` finds delimiter, preamble and header, `roles` says which column holds what (by
//! `lexicon`, or by the cells alone in `guess`), `settle` fixes one number format and one date
//! order for the whole file, `rows` makes the straight pass, `signs` and `statements` settle which
//! way money moved and group the rows, `settled` tells how it was done. What stays open is an
//! `ambiguous_file` problem that names line, field and both readings.

mod charset;
mod dates;
mod guess;
mod lexicon;
mod numbers;
mod preamble;
mod profile;
mod roles;
mod rows;
mod settle;
mod settled;
mod shape;
mod signs;
mod split;
mod statements;
mod table;
mod text;
mod vocabulary;
mod words;

pub use self::profile::{
    ColumnRole, CsvColumn, CsvProfile, DateOrder, DecimalSeparator, Delimiter, Quote, SignRule,
};

use self::settled::Settled;
use self::statements::Assembled;
use self::table::Table;
use super::{Format, Parsed, Problem};
use crate::error::Result;

/// How many bytes are looked at to recognise the format.
const DETECT_BYTES: usize = 64 * 1024;

/// Whether the bytes are delimited text with a column of dates and one of amounts.
pub(super) fn detect(bytes: &[u8]) -> bool {
    let text = charset::decode_start(bytes, DETECT_BYTES);
    let start = text.trim_start_matches(text::is_blank);
    if is_other_format(start) {
        return false;
    }
    let profile = CsvProfile::default();
    let table = Table::find(&text, &profile);
    let typical = table.sample.iter().filter(|record| table::is_typical(record)).count();
    let fits = typical > 0 && typical * 4 >= table.sample.len() || table.header.is_some();
    let wide = table.sample.iter().chain(&table.header).any(|record| record.width() >= 2);
    fits && wide
        && !matches!(roles::assign(&table, &profile), Err(unclear) if unclear.is_hopeless())
}

/// Whether the text begins like a format of another kind.
fn is_other_format(text: &str) -> bool {
    let starts =
        |mark: &str| text.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark));
    [
        "<",
        "{",
        "[",
        "!type",
        "!account",
        "!option",
        "!clear",
        ":20:",
        ":940:",
        "ofxheader",
        "%pdf",
        "pk\u{3}",
    ]
    .iter()
    .any(|mark| starts(mark))
        || text.lines().take(40).any(|line| line.starts_with(":60F:") || line.starts_with(":61:"))
}

/// Reads a delimited file; what a profile does not state is found in the file.
pub(super) fn parse(bytes: &[u8], profile: &CsvProfile) -> Result<Parsed> {
    profile.validate()?;
    let (text, encoding) = charset::decode(bytes, profile.encoding.as_deref());
    let table = Table::find(&text, profile);
    let roles = match roles::assign(&table, profile) {
        Ok(roles) => roles,
        Err(unclear) => {
            let line = table.sample.first().or(table.header.as_ref()).map(|record| record.line);
            return Ok(failed(vec![Problem {
                code: unclear.code,
                message: unclear.message,
                line,
                field: Some(unclear.field),
            }]));
        }
    };
    // The first rows settle the formats; where a later one contradicts them, all rows do.
    let mut whole = false;
    let (mut found, formats) = loop {
        let formats = match settle::settle(&table, &roles, profile, whole) {
            Ok(formats) => formats,
            Err(problems) => return Ok(failed(problems)),
        };
        match rows::read(&table, &roles, formats, profile)? {
            Some(found) if !found.contradicted || formats.whole => break (found, formats),
            _ => whole = true,
        }
    };
    let words = std::mem::take(&mut found.words);
    let Assembled { statements, problems, inverted } =
        statements::assemble(found, &table, &roles, profile.sign);
    let currency = rows::file_currency(&table, &roles, profile);
    let (table, roles) = (&table, &roles);
    let settled = Settled { table, roles, formats, encoding, words, inverted, currency };
    let csv = settled::profile(settled, profile);
    Ok(Parsed { format: Format::Csv, statements, problems, csv })
}

fn failed(problems: Vec<Problem>) -> Parsed {
    Parsed { format: Format::Csv, statements: Vec::new(), problems, csv: None }
}
