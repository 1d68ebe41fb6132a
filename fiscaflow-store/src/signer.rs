//! A key in memory that signs checkpoints. A host whose keys lie elsewhere, such as in a device or
//! a service, brings a `Signer` of its own.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use fiscaflow_core::{Error, ErrorCode, Result, Signer};

/// What a note's private key begins with.
const PRIVATE: &str = "PRIVATE+KEY+";
/// The byte that says Ed25519 in keys.
const ED25519: u8 = 1;

/// An Ed25519 key (RFC 8032) and the name under which it signs.
///
/// ```
/// use fiscaflow_core::Signer;
/// use fiscaflow_store::Ed25519Signer;
///
/// let signer = Ed25519Signer::new("example.com/books", &[7; 32]);
/// assert_eq!(signer.name(), "example.com/books");
/// assert_eq!(signer.public_key()[..2], [0xEA, 0x4A]);
/// ```
#[derive(Clone)]
pub struct Ed25519Signer {
    name: String,
    key: SigningKey,
}

impl Ed25519Signer {
    /// A key by its 32 secret bytes.
    pub fn new(name: impl Into<String>, secret: &[u8; 32]) -> Self {
        Self { name: name.into(), key: SigningKey::from_bytes(secret) }
    }
}

/// Reads a private key as note tools write it: `PRIVATE+KEY+name+id+Base64`. The id, which belongs
/// to a key that bears the name alone, is not looked at: a book's key bears the book, too.
impl FromStr for Ed25519Signer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::new(ErrorCode::InvalidInput, "the text is no private key of notes").field("key")
        };
        let mut parts = text.strip_prefix(PRIVATE).ok_or_else(wrong)?.splitn(3, '+');
        let (name, _id) = (parts.next().ok_or_else(wrong)?, parts.next().ok_or_else(wrong)?);
        let key = STANDARD.decode(parts.next().ok_or_else(wrong)?).map_err(|_| wrong())?;
        match key.split_first() {
            Some((&ED25519, secret)) if !name.is_empty() => {
                Ok(Self::new(name, secret.try_into().map_err(|_| wrong())?))
            }
            _ => Err(wrong()),
        }
    }
}

#[async_trait]
impl Signer for Ed25519Signer {
    fn name(&self) -> &str {
        &self.name
    }

    fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    async fn sign(&self, text: &[u8]) -> Result<[u8; 64]> {
        Ok(self.key.sign(text).to_bytes())
    }
}

impl fmt::Debug for Ed25519Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ed25519Signer").field("name", &self.name).finish_non_exhaustive()
    }
}
