//! Secrets: values that a host keeps in a book, sealed. What names one is the host's, and no
//! secret.

use serde::{Deserialize, Serialize};

/// A sealed value and its place.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// What it belongs to, such as `bank_connection`.
    pub kind: String,
    /// Which of these: an id of the host's.
    pub id: String,
    /// Which of its values, such as `access_token`.
    pub field: String,
    /// The version of the master key under which it is sealed.
    pub key_version: u32,
    /// The sealed value, as [`seal`](crate::secrets::seal) gives it, in base64.
    pub sealed: String,
}
debug_only!(Secret: kind, id, field, key_version);

/// What names a secret within its book.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SecretName {
    /// What it belongs to, such as `bank_connection`.
    pub kind: String,
    /// Which of these: an id of the host's.
    pub id: String,
    /// Which of its values, such as `access_token`.
    pub field: String,
}

/// A value to be sealed and kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewSecret {
    /// What it belongs to, such as `bank_connection`.
    pub kind: String,
    /// Which of these: an id of the host's, nothing personal.
    pub id: String,
    /// Which of its values, such as `access_token`.
    pub field: String,
    /// The value.
    pub value: String,
}
debug_only!(NewSecret: kind, id, field);

/// A secret without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SecretInfo {
    /// What it belongs to.
    pub kind: String,
    /// Which of these.
    pub id: String,
    /// Which of its values.
    pub field: String,
    /// The version of the master key under which it is sealed.
    pub key_version: u32,
}

/// An opened secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SecretValue {
    /// The value.
    pub value: String,
}
debug_only!(SecretValue:);

/// What moving all secrets to the current master key did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SecretRotation {
    /// The version of the master key that all are sealed under now.
    pub key_version: u32,
    /// How many were sealed under another.
    pub rotated: u64,
}

impl SecretName {
    /// The three names as one text; no two secrets have the same.
    pub fn key(&self) -> String {
        let part = |text: &str| text.replace('~', "~0").replace('/', "~1");
        [&self.kind, &self.id, &self.field].map(|it| part(it)).join("/")
    }
}

impl Secret {
    /// What names it.
    pub fn name(&self) -> SecretName {
        SecretName { kind: self.kind.clone(), id: self.id.clone(), field: self.field.clone() }
    }
}

impl From<&Secret> for SecretInfo {
    fn from(secret: &Secret) -> Self {
        let SecretName { kind, id, field } = secret.name();
        Self { kind, id, field, key_version: secret.key_version }
    }
}
