//! Checkpoints as texts: C2SP `tlog-checkpoint`, a `signed-note` where the host gave a key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fiscaflow_verifier::{self as verifier, Note};

use crate::env::Signer;
use crate::error::{Error, ErrorCode, Result};
use crate::id::BookId;
use crate::log::Hash;

/// The byte that says Ed25519 in a verifier key.
const ED25519: u8 = 1;

/// A checkpoint that somebody holds.
pub(crate) struct Held {
    origin: String,
    pub(crate) size: u64,
    root: Hash,
    /// What is signed, where anybody signed it.
    text: String,
    /// The signatures by key name and id.
    signatures: Vec<(String, [u8; 4], Vec<u8>)>,
}

impl Held {
    /// Reads a checkpoint, signed or not.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let unreadable = || Error::invalid("note", "the text is no checkpoint");
        let note = Note::parse(text);
        let signed = note.as_ref().map_or(text, |note| note.text);
        let read = verifier::Checkpoint::parse(signed).ok_or_else(unreadable)?;
        let signatures = note.iter().flat_map(|note| &note.signatures);
        Ok(Self {
            origin: read.origin.to_owned(),
            size: read.size,
            root: Hash::from_bytes(read.root),
            text: signed.to_owned(),
            signatures: signatures
                .map(|it| (it.key_name.to_owned(), it.key_id, it.bytes.clone()))
                .collect(),
        })
    }

    /// The book whose history this was.
    pub(crate) fn book_id(&self) -> Result<BookId> {
        let book_id = self.origin.rsplit_once('/').and_then(|(_, id)| id.parse().ok());
        let other = || Error::invalid("note", "the checkpoint is of another log");
        book_id.filter(|_| self.size > 0).ok_or_else(other)
    }

    /// Refuses a history of so many commits where it is shorter.
    pub(crate) fn check_size(&self, now: u64) -> Result<()> {
        let then = self.size;
        if now >= then {
            return Ok(());
        }
        let text = format!("the history has {now} commits, fewer than the checkpoint's {then}");
        Err(Error::new(ErrorCode::HistoryRolledBack, text).field("note"))
    }

    /// Refuses a history of so many commits that had another root at this size.
    pub(crate) fn check_root(&self, now: u64, root: Hash) -> Result<()> {
        if root == self.root {
            return Ok(());
        }
        let then = self.size;
        let text =
            format!("the history of {now} commits does not begin with the checkpoint's {then}");
        Err(Error::new(ErrorCode::HistoryForked, text).field("note"))
    }

    /// Refuses a checkpoint that the key of a signer did not sign. Ed25519 signs a text in one way
    /// only (RFC 8032), so signing it again tells.
    pub(crate) async fn check_signature(&self, signer: &dyn Signer) -> Result<()> {
        let key_id = verifier::key_id(&self.origin, &signer.public_key());
        let ours = self.signatures.iter().filter(|it| it.0 == self.origin && it.1 == key_id);
        let ours: Vec<&[u8]> = ours.map(|(_, _, bytes)| bytes.as_slice()).collect();
        if !ours.is_empty() {
            let expected = signer.sign(self.text.as_bytes()).await?;
            if ours.iter().all(|bytes| **bytes == expected) {
                return Ok(());
            }
        }
        Err(Error::invalid("note", "the checkpoint is not signed by the key of this host"))
    }
}

/// A checkpoint that nobody signed: the text that a note would hold.
pub(crate) fn unsigned(origin: &str, size: u64, root: Hash) -> String {
    format!("{origin}\n{size}\n{}\n", STANDARD.encode(root.as_bytes()))
}

/// A checkpoint as a signed note; the key bears the log's name.
pub(crate) async fn sign(text: &str, origin: &str, signer: &dyn Signer) -> Result<String> {
    let signature = signer.sign(text.as_bytes()).await?;
    let key_id = verifier::key_id(origin, &signer.public_key());
    let line = STANDARD.encode([key_id.as_slice(), &signature].concat());
    Ok(format!("{text}\n\u{2014} {origin} {line}\n"))
}

/// The key that checks a log's signatures, as note tools write it: name, id, and key.
pub(crate) fn verifier_key(origin: &str, signer: &dyn Signer) -> String {
    let public_key = signer.public_key();
    let id: String =
        verifier::key_id(origin, &public_key).iter().map(|byte| format!("{byte:02x}")).collect();
    let key = STANDARD.encode([&[ED25519], public_key.as_slice()].concat());
    format!("{origin}+{id}+{key}")
}

/// Refuses a signer's name that no key can bear.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let wrong = |sign: char| sign.is_whitespace() || sign.is_control() || sign == '+';
    if name.is_empty() || name.contains(wrong) {
        let text = "a signer's name is not empty and has neither spaces nor a plus sign";
        return Err(Error::new(ErrorCode::InvalidInput, text).field("name"));
    }
    Ok(())
}
