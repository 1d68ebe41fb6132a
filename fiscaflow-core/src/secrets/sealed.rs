//! Sealed values: how they are made, opened, and wrapped under another master key.
//!
//! AES-256-GCM (NIST SP 800-38D) twice: under a fresh key of its own for the value, and under the
//! master key for that key. Both have a random nonce of 96 bits, and both authenticate the place.
//! A key of its own for each value keeps the number of values under one key and nonce space at
//! one; a master key wraps far fewer than the 2^32 keys for which random nonces are allowed.
//!
//! Layout: one byte of version, four of the master key's version (big endian), the nonce and the
//! wrapped key (12 + 32 + 16 bytes), the nonce and the value (12 + its length + 16 bytes).

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use zeroize::Zeroizing;

use super::keys::{KeyProvider, MasterKey};
use crate::error::{Error, ErrorCode, Result};
use crate::id::BookId;

const VERSION: u8 = 1;
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const WRAPPED_BYTES: usize = NONCE_BYTES + KEY_BYTES + TAG_BYTES;

/// The place that a value is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretPlace<'a> {
    /// The book.
    pub book_id: BookId,
    /// What it belongs to, such as `bank_connection`.
    pub kind: &'a str,
    /// Which of these.
    pub id: &'a str,
    /// Which of its values, such as `access_token`.
    pub field: &'a str,
}

impl SecretPlace<'_> {
    /// What is authenticated: no two places have the same bytes.
    fn bytes(&self, purpose: &str) -> Vec<u8> {
        let mut bytes = format!("fiscaflow {purpose} {VERSION}\n").into_bytes();
        bytes.extend_from_slice(self.book_id.uuid().as_bytes());
        for part in [self.kind, self.id, self.field] {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

/// Seals a value for its place. `random` gives bytes that nobody can foresee, others each time.
///
/// ```
/// use fiscaflow_core::BookId;
/// use fiscaflow_core::secrets::{KeyRing, MasterKey, SecretPlace, open, seal};
/// # let mut next = 0;
/// # let mut random = || { next += 1; [next; 16] };
///
/// let keys = KeyRing::new([MasterKey::new(1, [7; 32])]);
/// let book_id: BookId = "018f5a2c-0000-7000-8000-000000000000".parse()?;
/// let place = SecretPlace { book_id, kind: "bank", id: "42", field: "token" };
/// let sealed = seal(place, b"secret", &keys, &mut random)?;
/// assert_eq!(*open(place, &sealed, &keys)?, b"secret");
///
/// let elsewhere = SecretPlace { id: "43", ..place };
/// assert!(open(elsewhere, &sealed, &keys).is_err());
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
///
/// # Errors
/// `secret_key_missing` where the host has no master key.
pub fn seal(
    place: SecretPlace<'_>,
    value: &[u8],
    keys: &dyn KeyProvider,
    random: &mut dyn FnMut() -> [u8; 16],
) -> Result<Vec<u8>> {
    let mut own = Zeroizing::new([0; KEY_BYTES]);
    for half in own.chunks_mut(16) {
        half.copy_from_slice(&*Zeroizing::new(random()));
    }
    let mut sealed = wrap(place, &own, &keys.current()?, random)?;
    sealed.extend(encrypt(&own, value, &place.bytes("value"), random)?);
    Ok(sealed)
}

/// Opens what was sealed for that place.
///
/// # Errors
/// `secret_unreadable` where it was sealed for another place, or a bit of it is another;
/// `secret_key_missing` where its master key is not there.
pub fn open(
    place: SecretPlace<'_>,
    sealed: &[u8],
    keys: &dyn KeyProvider,
) -> Result<Zeroizing<Vec<u8>>> {
    let parts = Parts::read(sealed)?;
    let own = parts.own_key(place, keys)?;
    decrypt(&own, parts.value, &place.bytes("value"))
}

/// The same value with its key wrapped under the current master key; `None` where that is so.
///
/// # Errors
/// Those of [`seal`] and [`open`].
pub fn rewrap(
    place: SecretPlace<'_>,
    sealed: &[u8],
    keys: &dyn KeyProvider,
    random: &mut dyn FnMut() -> [u8; 16],
) -> Result<Option<Vec<u8>>> {
    let (parts, current) = (Parts::read(sealed)?, keys.current()?);
    if parts.key_version == current.version() {
        return Ok(None);
    }
    let own = parts.own_key(place, keys)?;
    // A value that does not open must not pass for one that was wrapped anew.
    decrypt(&own, parts.value, &place.bytes("value"))?;
    let mut anew = wrap(place, &own, &current, random)?;
    anew.extend_from_slice(parts.value);
    Ok(Some(anew))
}

/// The version of the master key under which a value is sealed.
///
/// # Errors
/// `secret_unreadable` where the bytes are no sealed value.
pub fn key_version(sealed: &[u8]) -> Result<u32> {
    Parts::read(sealed).map(|parts| parts.key_version)
}

struct Parts<'a> {
    key_version: u32,
    wrapped: &'a [u8],
    value: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(sealed: &'a [u8]) -> Result<Self> {
        let (version, rest) = sealed.split_first().ok_or_else(unreadable)?;
        let (key_version, rest) = rest.split_first_chunk().ok_or_else(unreadable)?;
        let (wrapped, value) = rest.split_at_checked(WRAPPED_BYTES).ok_or_else(unreadable)?;
        if *version != VERSION {
            return Err(unreadable());
        }
        Ok(Self { key_version: u32::from_be_bytes(*key_version), wrapped, value })
    }

    fn own_key(
        &self,
        place: SecretPlace<'_>,
        keys: &dyn KeyProvider,
    ) -> Result<Zeroizing<[u8; KEY_BYTES]>> {
        let master = keys.key(self.key_version)?;
        let own = decrypt(master.bytes(), self.wrapped, &wrapping(place, master.version()))?;
        let own = <[u8; KEY_BYTES]>::try_from(own.as_slice()).map_err(|_| unreadable())?;
        Ok(Zeroizing::new(own))
    }
}

/// What is authenticated of a wrapped key: the place, and under which master key.
fn wrapping(place: SecretPlace<'_>, key_version: u32) -> Vec<u8> {
    let mut bytes = place.bytes("key");
    bytes.extend_from_slice(&key_version.to_be_bytes());
    bytes
}

/// Everything that stands before the value.
fn wrap(
    place: SecretPlace<'_>,
    own: &[u8; KEY_BYTES],
    master: &MasterKey,
    random: &mut dyn FnMut() -> [u8; 16],
) -> Result<Vec<u8>> {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&master.version().to_be_bytes());
    let context = wrapping(place, master.version());
    bytes.extend(encrypt(master.bytes(), own, &context, random)?);
    Ok(bytes)
}

/// A fresh nonce, and the text with its tag.
fn encrypt(
    key: &[u8; KEY_BYTES],
    text: &[u8],
    context: &[u8],
    random: &mut dyn FnMut() -> [u8; 16],
) -> Result<Vec<u8>> {
    let [nonce @ .., _, _, _, _] = random();
    let payload = Payload { msg: text, aad: context };
    let told = Aes256Gcm::new(key.into()).encrypt(&Nonce::from(nonce), payload);
    let mut bytes = nonce.to_vec();
    bytes.extend(told.map_err(|_| Error::new(ErrorCode::LimitExceeded, "a secret is too long"))?);
    Ok(bytes)
}

fn decrypt(key: &[u8; KEY_BYTES], bytes: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let (nonce, text) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or_else(unreadable)?;
    let payload = Payload { msg: text, aad: context };
    let told = Aes256Gcm::new(key.into()).decrypt(&Nonce::from(*nonce), payload);
    told.map(Zeroizing::new).map_err(|_| unreadable())
}

fn unreadable() -> Error {
    Error::new(
        ErrorCode::SecretUnreadable,
        "a secret does not open: it is not what was sealed here",
    )
}
