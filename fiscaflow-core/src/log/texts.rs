//! The texts of a commit: personal text, each under a salt, named in the body by commitment.
//!
//! Layout: for each text in the order of the body's commitments, 16 bytes of salt, the length as
//! a big-endian `u32`, the bytes. An erased text has the length `0xFFFF_FFFF` and a salt of zeros.

use serde::Serialize;

use super::Hash;
use crate::error::{Error, Result};

const ERASED: u32 = u32::MAX;
const SALT_BYTES: usize = 16;
/// What stands before a text: its salt and its length.
const HEAD_BYTES: usize = SALT_BYTES + size_of::<u32>();

/// Collects the texts of a commit under construction.
#[derive(Default)]
pub(super) struct TextsWriter {
    bytes: Vec<u8>,
}

impl TextsWriter {
    /// Adds a text and returns its commitment: SHA-256 of salt and text.
    pub(super) fn add(&mut self, salt: [u8; SALT_BYTES], text: &[u8]) -> Result<Hash> {
        self.write(salt, |bytes| {
            bytes.extend_from_slice(text);
            Ok(())
        })
    }

    /// Adds a value as JSON, written straight to its place.
    pub(super) fn add_json<T: Serialize>(
        &mut self,
        salt: [u8; SALT_BYTES],
        value: &T,
    ) -> Result<Hash> {
        self.write(salt, |bytes| {
            serde_json::to_writer(bytes, value).map_err(|error| Error::corrupt(error.to_string()))
        })
    }

    fn write(
        &mut self,
        salt: [u8; SALT_BYTES],
        write: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> Result<Hash> {
        let too_long = || Error::corrupt("a text is too long for the history");
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&salt);
        self.bytes.extend_from_slice(&ERASED.to_be_bytes());
        write(&mut self.bytes)?;
        let (head, text) = self
            .bytes
            .get_mut(start..)
            .and_then(|added| added.split_at_mut_checked(HEAD_BYTES))
            .ok_or_else(too_long)?;
        let length = u32::try_from(text.len()).ok().filter(|length| *length != ERASED);
        let length = length.ok_or_else(too_long)?.to_be_bytes();
        head.iter_mut().skip(SALT_BYTES).zip(length).for_each(|(slot, byte)| *slot = byte);
        Ok(Hash::of(&[&salt, text]))
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads the texts of a stored commit in their order and checks each against its commitment.
#[derive(Clone)]
pub(super) struct TextsReader<'a> {
    rest: &'a [u8],
    erased: u64,
}

impl<'a> TextsReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, erased: 0 }
    }

    /// The next text; `None` where it was erased.
    pub(super) fn next(&mut self, commitment: Hash) -> Result<Option<&'a [u8]>> {
        Ok(self.next_salted(commitment)?.map(|(_, text)| text))
    }

    /// The next text with its salt before it; `None` where it was erased.
    pub(super) fn next_salted(&mut self, commitment: Hash) -> Result<Option<(&'a [u8], &'a [u8])>> {
        match self.next_unchecked()? {
            Some((salt, text)) if Hash::of(&[salt, text]) != commitment => Err(broken()),
            found => Ok(found),
        }
    }

    /// The same, without a look at what it was committed to.
    fn next_unchecked(&mut self) -> Result<Option<(&'a [u8], &'a [u8])>> {
        let salt = self.take(SALT_BYTES)?;
        let length = self.take(4)?.try_into().map(u32::from_be_bytes).map_err(|_| broken())?;
        if length == ERASED {
            let zeros = salt.iter().all(|byte| *byte == 0);
            self.erased = self.erased.saturating_add(1);
            return if zeros { Ok(None) } else { Err(broken()) };
        }
        Ok(Some((salt, self.take(usize::try_from(length).map_err(|_| broken())?)?)))
    }

    /// Holds when every byte was read; how many texts were erased.
    pub(super) fn finish(self) -> Result<u64> {
        if self.rest.is_empty() { Ok(self.erased) } else { Err(broken()) }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(broken)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// The texts of a commit without those, by their numbers, that are chosen: both salt and text are
/// gone. `None` where that changes nothing.
pub(super) fn without(bytes: &[u8], is_chosen: impl Fn(u32) -> bool) -> Result<Option<Vec<u8>>> {
    let mut reader = TextsReader::new(bytes);
    let (mut rest, mut number) = (Vec::with_capacity(bytes.len()), 0_u32);
    while let Some(before) = (!reader.rest.is_empty()).then_some(reader.rest) {
        let is_there = reader.next_unchecked()?.is_some();
        if is_there && is_chosen(number) {
            rest.extend_from_slice(&[0; SALT_BYTES]);
            rest.extend_from_slice(&ERASED.to_be_bytes());
        } else {
            let taken = before.len().saturating_sub(reader.rest.len());
            rest.extend_from_slice(before.get(..taken).ok_or_else(broken)?);
        }
        number = number.saturating_add(1);
    }
    Ok((rest != bytes).then_some(rest))
}

/// The numbers of the texts that were erased.
pub(super) fn erased(bytes: &[u8]) -> Result<Vec<u32>> {
    let mut reader = TextsReader::new(bytes);
    let (mut erased, mut number) = (Vec::new(), 0_u32);
    while !reader.rest.is_empty() {
        if reader.next_unchecked()?.is_none() {
            erased.push(number);
        }
        number = number.saturating_add(1);
    }
    Ok(erased)
}

fn broken() -> Error {
    Error::corrupt("a text does not fit its commitment")
}
