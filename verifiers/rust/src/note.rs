//! Signed notes and checkpoints as texts (C2SP `signed-note` and `tlog-checkpoint`).
//!
//! What is read is what is written, byte for byte: Base64 in one form only, numbers without leading
//! zeros. Whether a signature is good is for whoever knows the key and has Ed25519; the text that
//! it is of and the key that made it are told here.

use sha2::{Digest as _, Sha256};

use crate::Digest;

/// What a note's signature line begins with: an em dash.
const DASH: &str = "\u{2014} ";
/// The byte that says Ed25519 in keys.
const ED25519: u8 = 1;
/// How many signatures a note may have.
const MAX_SIGNATURES: usize = 100;

/// A signed note: a text, and who signed it.
///
/// ```
/// use fiscaflow_verifier::Note;
///
/// let note = Note::parse("text\n\n\u{2014} example.com/log AAAAAQID\n").unwrap();
/// assert_eq!((note.text, note.signatures[0].key_name), ("text\n", "example.com/log"));
/// assert!(Note::parse("text without a signature\n").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    /// What is signed, with the newline at its end.
    pub text: &'a str,
    /// The signatures, at least one.
    pub signatures: Vec<NoteSignature<'a>>,
}

/// One signature of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature<'a> {
    /// The name of the key.
    pub key_name: &'a str,
    /// Which key of that name: see [`key_id`].
    pub key_id: [u8; 4],
    /// The signature: of Ed25519 keys 64 bytes.
    pub bytes: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Reads a note; `None` for what is none.
    pub fn parse(note: &'a str) -> Option<Self> {
        if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return None;
        }
        let end = note.rfind("\n\n")?.checked_add(1)?;
        let (text, rest) = note.split_at_checked(end)?;
        let lines = rest.strip_prefix('\n')?.strip_suffix('\n')?;
        let signatures: Option<Vec<_>> = lines.split('\n').map(NoteSignature::parse).collect();
        let signatures = signatures.filter(|all| all.len() <= MAX_SIGNATURES)?;
        Some(Self { text, signatures })
    }
}

impl<'a> NoteSignature<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (key_name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
        let signature = from_base64(signature)?;
        let (key_id, bytes) =
            signature.split_first_chunk::<4>().filter(|(_, it)| !it.is_empty())?;
        let named = is_key_name(key_name);
        named.then(|| Self { key_name, key_id: *key_id, bytes: bytes.to_vec() })
    }
}

/// Whether a text can name a key: it is not empty and has neither spaces nor a plus sign.
fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|sign: char| sign.is_whitespace() || sign == '+')
}

/// By what an Ed25519 key is told from others of its name.
///
/// ```
/// use fiscaflow_verifier::key_id;
///
/// assert_eq!(key_id("example.com/log", &[7; 32]), [0x12, 0xD1, 0xCE, 0x8E]);
/// ```
pub fn key_id(key_name: &str, public_key: &[u8; 32]) -> [u8; 4] {
    let hash = Sha256::new().chain_update(key_name).chain_update([b'\n', ED25519]);
    let [a, b, c, d, ..]: [u8; 32] = hash.chain_update(public_key).finalize().into();
    [a, b, c, d]
}

/// The tree of one moment.
///
/// ```
/// use fiscaflow_verifier::Checkpoint;
///
/// let text = "example.com/log\n3\nAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n";
/// let checkpoint = Checkpoint::parse(text).unwrap();
/// assert_eq!((checkpoint.origin, checkpoint.size, checkpoint.root[0]), ("example.com/log", 3, 1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint<'a> {
    /// What names the log.
    pub origin: &'a str,
    /// How many leaves the tree has.
    pub size: u64,
    /// Its root.
    pub root: Digest,
}

impl<'a> Checkpoint<'a> {
    /// Reads a checkpoint: the text of a [`Note`], without the signatures. Extension lines are
    /// passed over.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, digits, root) = (lines.next()?, lines.next()?, lines.next()?);
        let size: u64 = digits.parse().ok()?;
        let root = from_base64(root)?.try_into().ok()?;
        let plain = size.to_string() == digits && !origin.is_empty();
        (plain && lines.all(|line| !line.is_empty())).then_some(Self { origin, size, root })
    }
}

/// Reads Base64 (RFC 4648, section 4) in its one canonical form.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len().checked_sub(digits.len())? > 2 {
        return None;
    }
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0_u32);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        (bits, count) = (bits << 6 | u32::from(value), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xFF).ok()?);
        }
    }
    // What is left over is less than a byte, and nothing stands in it.
    (count < 6 && bits & ((1 << count) - 1) == 0).then_some(bytes)
}
