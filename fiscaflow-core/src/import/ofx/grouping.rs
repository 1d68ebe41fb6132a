//! Amounts such as `1,000`, which the rest of the file can put in doubt.
//!
//! By the specification a lone comma is a decimal separator. A file that writes `2,500.00`
//! elsewhere does not keep to it, so that its `1,000` may be a thousand as well as one: neither is
//! taken.

use super::tags::Tag;
use super::values::Style;
use crate::error::ErrorCode;
use crate::import::{Problem, Statement};

/// What was seen of one file's separators.
#[derive(Debug, Default)]
pub(super) struct Groupings {
    by_comma: bool,
    by_point: bool,
    doubtful: Vec<Doubtful>,
}

/// An amount whose lone separator has exactly three digits behind it.
#[derive(Debug)]
struct Doubtful {
    separator: u8,
    /// The place of its statement among those of the file.
    statement: usize,
    /// The place of its row in the statement, or nothing for the statement's balance.
    row: Option<usize>,
    line: u64,
}

impl Groupings {
    /// Takes note of how an amount is written, and where it went.
    pub(super) fn note(&mut self, style: Style, statement: usize, row: Option<usize>, line: u64) {
        match style {
            Style::Plain => {}
            Style::Grouped(b',') => self.by_comma = true,
            Style::Grouped(_) => self.by_point = true,
            Style::Doubtful(separator) => {
                self.doubtful.push(Doubtful { separator, statement, row, line });
            }
        }
    }

    /// Takes back what the whole file leaves in doubt.
    pub(super) fn settle(self, statements: &mut [Statement], problems: &mut Vec<Problem>) {
        let Self { by_comma, by_point, mut doubtful } = self;
        doubtful.retain(|amount| if amount.separator == b',' { by_comma } else { by_point });
        for part in doubtful.chunk_by(|left, right| left.statement == right.statement) {
            let Some(statement) =
                part.first().and_then(|amount| statements.get_mut(amount.statement))
            else {
                continue;
            };
            // Rows were noted in their order.
            let rows: Vec<usize> = part.iter().filter_map(|amount| amount.row).collect();
            statement.rows.retain(|place| rows.binary_search(&place).is_err());
            if part.iter().any(|amount| amount.row.is_none()) {
                statement.closing_balance = None;
            }
        }
        problems.extend(doubtful.iter().map(|amount| {
            Problem {
                code: ErrorCode::AmbiguousFile,
                message:
                    "the separator may be a decimal or a thousands separator: other amounts of \
                      the file group their thousands with it"
                        .to_owned(),
                line: Some(amount.line),
                field: Some(amount.row.map_or(Tag::BalAmt, |_| Tag::TrnAmt).name().to_owned()),
            }
        }));
    }
}
