//! What the history says of each object, and the rows that do not say the same.

use std::collections::{BTreeMap, HashMap};

use serde::de::IgnoredAny;

use super::{Hash, Kept, KeptRow, Object};
use crate::error::Result;
use crate::id::TransactionId;
use crate::log::{Idempotency, TRANSACTION};
use crate::store::Answered;

/// What names an object: a transaction's id, else half of a digest of kind and key.
pub(super) type Name = [u8; 16];

/// The commit that changed an object last, and a digest of how it left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) seq: u64,
    pub(super) digest: [u8; 16],
}

/// An object of which the row does not say what the history says.
#[derive(Debug, Clone, Default)]
pub(super) struct Doubt {
    /// Kind and id, where there is a row.
    pub(super) row: Option<(String, String)>,
    /// What was expected when the row was read.
    pub(super) expected: Option<Last>,
    /// Whether no commit changed it while it was looked at.
    pub(super) decided: bool,
}

/// What is known of answers beside the commits that gave them.
#[derive(Default)]
pub(super) struct Given {
    /// The answers of earlier commits were erased.
    pub(super) erased: u64,
    /// Digests of answers, by the names of their keys; of older commits there are none.
    pub(super) digests: HashMap<Name, [u8; 16]>,
}

impl Given {
    /// Whether answer and salt are as they were given, and gone where texts were erased since.
    pub(super) fn fits(&self, key: &str, answered: &Answered) -> bool {
        if answered.is_erased() {
            return answered.seq < self.erased && answered.request_salt == [0; 16];
        }
        let digest = Idempotency::salted_answer(&answered.request_salt, &answered.answer);
        let expected = self.digests.get(&name_of("answer", key));
        let is_json = || serde_json::from_slice::<IgnoredAny>(&answered.answer).is_ok();
        answered.seq >= self.erased
            && expected.map_or_else(is_json, |expected| *expected == digest.half())
    }
}

/// Objects of one sort. What fits is forgotten.
#[derive(Default)]
pub(super) struct Shelf {
    expected: HashMap<Name, Last>,
    doubts: BTreeMap<Name, Doubt>,
    /// Whether every row was seen: from then on only doubts are looked at.
    ended: bool,
}

impl Shelf {
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.expected.len()).unwrap_or(u64::MAX)
    }

    /// A commit left an object so, or took it away.
    pub(super) fn expect(&mut self, name: Name, last: Option<Last>) {
        if self.ended && !self.doubts.contains_key(&name) {
            return;
        }
        match last {
            Some(last) => drop(self.expected.insert(name, last)),
            None => drop(self.expected.remove(&name)),
        }
    }

    /// A row.
    pub(super) fn see(&mut self, row: &KeptRow, given: &Given) -> Result<()> {
        let name = name_of(&row.kind, &row.id);
        if self.ended && !self.doubts.contains_key(&name) {
            return Ok(());
        }
        let expected = self.expected.get(&name).copied();
        let fits = row.odd.is_empty()
            && expected.is_some()
            && digest(row, given)? == expected.map(|last| last.digest);
        if fits {
            self.expected.remove(&name);
            self.doubts.remove(&name);
        } else {
            let row = Some((row.kind.clone(), row.id.clone()));
            self.doubts.insert(name, Doubt { row, expected, decided: false });
        }
        Ok(())
    }

    /// Every row was seen: what is still expected has none.
    pub(super) fn end(&mut self) {
        let doubts = &mut self.doubts;
        self.expected.iter().for_each(|(name, last)| {
            let doubt = || Doubt { expected: Some(*last), ..Doubt::default() };
            doubts.entry(*name).or_insert_with(doubt);
        });
        self.ended = true;
    }

    /// Whether nothing is left to look at.
    pub(super) fn is_settled(&self) -> bool {
        self.doubts.values().all(|doubt| doubt.decided)
    }

    /// Whether everything fits.
    pub(super) fn is_empty(&self) -> bool {
        self.doubts.is_empty()
    }

    /// What is left to look at.
    pub(super) fn doubtful(&self) -> Vec<Name> {
        self.doubts.iter().filter(|(_, doubt)| !doubt.decided).map(|(name, _)| *name).collect()
    }

    /// From here on rows are as they are now, and as the history says now.
    pub(super) fn look_again(&mut self) {
        for (name, doubt) in self.doubts.iter_mut().filter(|(_, doubt)| !doubt.decided) {
            // By what is no id nothing can be read again, and no commit leaves it.
            if doubt.row.as_ref().is_some_and(|(kind, id)| is_no_id(kind, id)) {
                doubt.decided = true;
                continue;
            }
            (doubt.row, doubt.expected) = (None, self.expected.get(name).copied());
        }
    }

    /// Rows were read again, and the history after them: what it says now as before is settled.
    pub(super) fn decide(&mut self) {
        self.doubts.retain(|name, doubt| {
            let expected = self.expected.get(name);
            doubt.decided |= doubt.expected.as_ref() == expected;
            // It was made and taken away meanwhile.
            doubt.row.is_some() || expected.is_some()
        });
    }

    /// What does not follow from the history.
    pub(super) fn decided(&self) -> impl Iterator<Item = (&Name, &Doubt)> {
        self.doubts.iter().filter(|(_, doubt)| doubt.decided)
    }
}

fn is_no_id(kind: &str, id: &str) -> bool {
    kind == TRANSACTION && id.parse::<TransactionId>().is_err()
}

/// What names a row.
pub(super) fn name_of(kind: &str, id: &str) -> Name {
    let transaction = || id.parse::<TransactionId>().ok().filter(|_| kind == TRANSACTION);
    match transaction() {
        Some(id) => id.uuid().into_bytes(),
        None => Hash::of(&[kind.as_bytes(), &[0], id.as_bytes()]).half(),
    }
}

/// What names an object.
pub(super) fn of_object(object: &Object) -> Name {
    match object {
        Object::Document(_) => name_of(object.kind(), &object.key()),
        Object::Transaction(transaction) => transaction.id.uuid().into_bytes(),
    }
}

/// The transaction that bears the name.
pub(super) fn transaction(name: &Name) -> TransactionId {
    TransactionId::new(uuid::Uuid::from_bytes(*name))
}

/// What a row holds; `None` where it cannot be read.
fn digest(row: &KeptRow, given: &Given) -> Result<Option<[u8; 16]>> {
    Ok(match &row.content {
        Some(Kept::Document(document)) => {
            // The object is made for its digest alone: documents are few.
            Some(Object::Document((**document).clone()).digest()?)
        }
        Some(Kept::Transaction(transaction)) => Some(crate::log::digest_of(transaction)?),
        Some(Kept::Answer(answered)) if given.fits(&row.id, answered) => {
            Some(answer_digest(answered.seq, answered.request_digest))
        }
        _ => None,
    })
}

/// What tells an answer from every other: the commit that gave it, and the request.
pub(super) fn answer_digest(seq: u64, request: Hash) -> [u8; 16] {
    Hash::of(&[&seq.to_be_bytes(), request.as_bytes()]).half()
}
