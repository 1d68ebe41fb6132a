//! Master keys: what a host keeps apart from its books.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorCode, Result};

/// A version of the host's master key: 256 bits that nobody can foresee.
#[derive(Clone)]
pub struct MasterKey {
    version: u32,
    bytes: Zeroizing<[u8; 32]>,
}

impl MasterKey {
    /// The key of that version. Versions count up; none is ever given to another key.
    pub fn new(version: u32, bytes: [u8; 32]) -> Self {
        Self { version, bytes: Zeroizing::new(bytes) }
    }

    /// Its version.
    pub const fn version(&self) -> u32 {
        self.version
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Where master keys come from: a file of the host's, its environment, a key service.
///
/// It is asked while a request waits, so one that reaches over a network answers from memory.
pub trait KeyProvider: fmt::Debug + Send + Sync + 'static {
    /// The key under which new values are sealed.
    fn current(&self) -> Result<MasterKey>;

    /// The key of a version, for values that were sealed under it; `secret_key_missing` where it is
    /// not there.
    fn key(&self, version: u32) -> Result<MasterKey>;
}

/// Master keys in memory; the highest version is the current one.
///
/// ```
/// use fiscaflow_core::secrets::{KeyProvider, KeyRing, MasterKey};
///
/// let keys = KeyRing::new([MasterKey::new(1, [7; 32]), MasterKey::new(2, [8; 32])]);
/// assert_eq!(keys.current()?.version(), 2);
/// assert!(keys.key(3).is_err());
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    keys: BTreeMap<u32, MasterKey>,
}

impl KeyRing {
    /// The ring of these keys.
    pub fn new(keys: impl IntoIterator<Item = MasterKey>) -> Self {
        Self { keys: keys.into_iter().map(|key| (key.version, key)).collect() }
    }
}

/// Reads keys as a host's settings have them: `VERSION:BASE64`, apart by commas or white space; 44
/// characters of base64 are 32 bytes.
///
/// ```
/// use fiscaflow_core::secrets::{KeyProvider, KeyRing};
///
/// let keys: KeyRing = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse()?;
/// assert_eq!(keys.current()?.version(), 1);
/// assert!("1:AAEC".parse::<KeyRing>().is_err());
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
impl FromStr for KeyRing {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut keys = BTreeMap::new();
        let parts = text.split([',', ' ', '\t', '\n', '\r']);
        for part in parts.filter(|part| !part.is_empty()) {
            let key = read(part).ok_or_else(|| refused("a key is `VERSION:BASE64` of 32 bytes"))?;
            if keys.insert(key.version, key).is_some() {
                return Err(refused("two keys have one version"));
            }
        }
        if keys.is_empty() {
            return Err(refused("there is no key"));
        }
        Ok(Self { keys })
    }
}

fn read(part: &str) -> Option<MasterKey> {
    let (version, key) = part.split_once(':')?;
    let key = Zeroizing::new(STANDARD.decode(key).ok()?);
    Some(MasterKey::new(version.parse().ok()?, key.as_slice().try_into().ok()?))
}

/// A refusal that shows nothing of the keys.
fn refused(text: &str) -> Error {
    Error::invalid("secret_keys", text)
}

impl KeyProvider for KeyRing {
    fn current(&self) -> Result<MasterKey> {
        let key = self.keys.values().next_back().cloned();
        key.ok_or_else(|| missing("there is no master key for secrets".to_owned()))
    }

    fn key(&self, version: u32) -> Result<MasterKey> {
        let key = self.keys.get(&version).cloned();
        key.ok_or_else(|| missing(format!("the master key of version {version} is not there")))
    }
}

fn missing(text: String) -> Error {
    Error::new(ErrorCode::SecretKeyMissing, text)
}
