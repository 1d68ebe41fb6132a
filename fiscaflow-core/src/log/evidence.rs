//! What shows, beside a commit's bytes, in which state the commit left a transaction.

use super::image::{self, Image, TRANSACTION};
use super::texts::TextsReader;
use super::{Hash, Object, StoredCommit};
use crate::error::{Error, Result};
use crate::id::TransactionId;
use crate::model::Transaction;

/// The state in which a commit left a transaction, and the texts to which its body is bound.
pub(crate) struct Evidence {
    pub(crate) transaction: Transaction,
    /// Salt and text; none where they were erased.
    pub(crate) text: Option<([u8; 16], String)>,
}

impl StoredCommit {
    /// What this commit made of a transaction; `None` where it did not put it. Every byte that
    /// matters to it is checked on the way.
    pub(crate) fn evidence_of(&self, id: TransactionId) -> Result<Option<Evidence>> {
        let (_, body) = self.open_body()?;
        let key = id.to_string();
        let mut texts = TextsReader::new(&self.texts);
        pass(&mut texts, body.reason)?;
        let mut found = None;
        for change in &body.changes {
            pass(&mut texts, change.before.as_ref().and_then(Image::commitment))?;
            let Some(after) = &change.after else { continue };
            if change.kind != TRANSACTION || change.key != key {
                pass(&mut texts, after.commitment())?;
                continue;
            }
            let mut salted = texts.clone();
            let text = match after.commitment() {
                Some(commitment) => salted.next_salted(commitment)?,
                None => None,
            };
            let object = image::decode(&change.kind, &key, self.seq, after, &mut texts)?;
            let Object::Transaction(transaction) = object else { continue };
            found = Some(Evidence { transaction: *transaction, text: owned(text)? });
        }
        Ok(found)
    }
}

/// Reads over a text.
fn pass(texts: &mut TextsReader<'_>, commitment: Option<Hash>) -> Result<()> {
    match commitment {
        Some(commitment) => texts.next(commitment).map(drop),
        None => Ok(()),
    }
}

fn owned(salted: Option<(&[u8], &[u8])>) -> Result<Option<([u8; 16], String)>> {
    let Some((salt, text)) = salted else { return Ok(None) };
    let unreadable = || Error::corrupt("a text in the history cannot be read");
    let text = std::str::from_utf8(text).map_err(|_| unreadable())?;
    Ok(Some((salt.try_into().map_err(|_| unreadable())?, text.to_owned())))
}
