//! The history: commits, how they become bytes, and how the bytes are checked.
//!
//! A commit is three byte strings. The *header* says who, when and why, names its parent and the
//! digest of the *body*; the header's SHA-256 is the commit's hash. The body holds the changes,
//! with images before and after, and the events. Personal text stands in neither: it is in the
//! *texts*, which the body names by salted commitment, so that a text can be erased one day and
//! every hash still holds. What was hashed is what is stored, byte for byte. Body and texts of old
//! commits may be dropped as a whole: they are *sealed*.

mod commit;
mod diff;
mod entry;
mod erasure;
mod evidence;
mod fields;
mod hash;
mod image;
mod seal;
mod texts;
mod verify;

pub use commit::{
    Change, Commit, CommitInfo, Draft, Event, Idempotency, NewEvent, Object, StoredCommit,
};
pub(crate) use commit::{Opened, documents_of};
pub use diff::{FieldChange, ObjectChange, ObjectDifference};
pub use entry::Entry;
pub(crate) use erasure::{
    COUNT, ChangeTexts, CommitTexts, ENTERED, EVENT, NumberedText, OF_BOOK, OF_MEMBER, SealedTexts,
};
pub use erasure::{ErasedTexts, Erasure};
pub(crate) use fields::{changed_units, fields, unit, with_fields};
pub use hash::Hash;
pub(crate) use image::{TRANSACTION, digest_of, each_text};
pub(crate) use seal::{Authorship, RESTATE, SEAL, Seal};
pub use verify::{Finding, Verification, Verifier};
