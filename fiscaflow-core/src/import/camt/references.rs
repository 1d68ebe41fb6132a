//! Entry references (`NtryRef`), which are ids at some banks and something else at others.
//!
//! Where the bank gives no reference of its own (`AcctSvcrRef`), this one may serve. But banks also
//! number the entries of each statement from 1 in it, or repeat the number of an account; taken
//! for ids, these would make one transaction of two. So it counts only where the file itself shows
//! that it tells entries apart, and where it is too long for a counter.

use std::borrow::Cow;

use crate::import::{Row, Rows, Statement};

/// The fewest characters of an id.
const MIN_LENGTH: usize = 8;

/// The references of the rows that have no id.
#[derive(Debug, Default)]
pub(super) struct References<'a> {
    found: Vec<Reference<'a>>,
}

#[derive(Debug)]
struct Reference<'a> {
    statement: usize,
    row: usize,
    text: Cow<'a, str>,
}

impl<'a> References<'a> {
    /// Takes note of the reference of a row.
    pub(super) fn note(&mut self, statement: usize, row: usize, text: Cow<'a, str>) {
        self.found.push(Reference { statement, row, text });
    }

    /// Makes ids of the references if they are such.
    pub(super) fn settle(self, statements: &mut [Statement]) {
        if !self.are_ids() {
            return;
        }
        for part in self.found.chunk_by(|left, right| left.statement == right.statement) {
            let statement = part.first().and_then(|first| statements.get_mut(first.statement));
            if let Some(statement) = statement {
                statement.rows = with_ids(&statement.rows, part);
            }
        }
    }

    /// Whether there are several, no two alike, and each looks like an id.
    fn are_ids(&self) -> bool {
        let mut texts: Vec<&str> = self.found.iter().map(|found| &*found.text).collect();
        texts.sort_unstable();
        texts.len() > 1
            && texts.windows(2).all(|pair| pair.first() != pair.last())
            && texts.iter().all(|text| text.len() >= MIN_LENGTH && !is_iban(text))
    }
}

/// Whether a text has the form of an account number (ISO 13616).
fn is_iban(text: &str) -> bool {
    let Some((head, rest)) = text.as_bytes().split_first_chunk::<4>() else { return false };
    let [first, second, third, fourth] = head;
    first.is_ascii_uppercase()
        && second.is_ascii_uppercase()
        && third.is_ascii_digit()
        && fourth.is_ascii_digit()
        && (11..=30).contains(&rest.len())
        && rest.iter().all(u8::is_ascii_alphanumeric)
}

/// The same rows with the references as ids, which stand in the rows' order.
fn with_ids(rows: &Rows, references: &[Reference<'_>]) -> Rows {
    let mut with_ids = Rows::with_capacity(rows.len(), 0);
    let mut references = references.iter().peekable();
    for (place, row) in rows.iter().enumerate() {
        let reference = references.next_if(|reference| reference.row == place);
        let bank_id = reference.map_or(row.bank_id, |reference| Some(&*reference.text));
        with_ids.push(&Row { bank_id, ..row });
    }
    with_ids
}
