//! The cells of a row, or of many, as one value.
//!
//! A driver copies every value of every row, and that of SQLite hands it to another thread, which
//! takes several times as long as finding it. So the database itself joins what a read answers: ids
//! as their 16 bytes, a digit before those that may be absent; numbers with a comma behind them;
//! texts behind their length, which an absent one has not.

use fiscaflow_core::{Error, Result};
use uuid::Uuid;

use crate::damaged;
use crate::rows::Cells;

/// What is left to read.
pub(crate) struct Packed<'r>(&'r [u8]);

impl<'r> Packed<'r> {
    /// Nothing stands in the place of no rows.
    pub(crate) fn new(bytes: Option<&'r [u8]>) -> Self {
        Self(bytes.unwrap_or_default())
    }

    /// Reads every row.
    pub(crate) fn all<T>(mut self, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut found = Vec::new();
        while !self.0.is_empty() {
            found.push(read(&mut self)?);
        }
        Ok(found)
    }

    fn bytes(&mut self, count: usize) -> Result<&'r [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or_else(unreadable)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// What stands before the next comma.
    pub(crate) fn field(&mut self) -> Result<&'r str> {
        let end = self.0.iter().position(|byte| *byte == b',').ok_or_else(unreadable)?;
        let field = text(self.bytes(end)?)?;
        self.bytes(1)?;
        Ok(field)
    }
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| unreadable())
}

fn unreadable() -> Error {
    damaged("a stored row cannot be read")
}

impl<'r> Cells<'r> for Packed<'r> {
    fn id(&mut self) -> Result<Uuid> {
        Uuid::from_slice(self.bytes(16)?).map_err(|_| unreadable())
    }

    fn optional_id(&mut self) -> Result<Option<Uuid>> {
        if self.flag()? { self.id().map(Some) } else { Ok(None) }
    }

    fn number(&mut self) -> Result<i64> {
        self.field()?.parse().map_err(|_| unreadable())
    }

    fn optional_number(&mut self) -> Result<Option<i64>> {
        let field = self.field()?;
        if field.is_empty() { Ok(None) } else { field.parse().map(Some).map_err(|_| unreadable()) }
    }

    fn flag(&mut self) -> Result<bool> {
        match self.bytes(1)? {
            b"0" => Ok(false),
            b"1" => Ok(true),
            _ => Err(unreadable()),
        }
    }

    fn text(&mut self) -> Result<&'r str> {
        self.optional_text()?.ok_or_else(unreadable)
    }

    fn optional_text(&mut self) -> Result<Option<&'r str>> {
        let length = self.field()?;
        if length.is_empty() {
            return Ok(None);
        }
        text(self.bytes(length.parse().map_err(|_| unreadable())?)?).map(Some)
    }
}
