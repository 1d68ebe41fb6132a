//! Secrets of the host: sealed as they come, opened when they are asked for.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use zeroize::Zeroizing;

use super::run::{Command, Decision, Facts};
use super::{Engine, noun};
use crate::error::{Error, ErrorCode, Result};
use crate::id::BookId;
use crate::limits::{MAX_DOCUMENTS, MAX_SECRET_BYTES};
use crate::log::Change;
use crate::model::{
    NewSecret, Role, Secret, SecretInfo, SecretName, SecretRotation, SecretValue, check_name,
    check_text,
};
use crate::secrets::{self, KeyProvider, SecretPlace};

impl Engine {
    /// Gives the engine the host's master keys, without which no secret is sealed or opened.
    #[must_use]
    pub fn with_keys(self, keys: Arc<dyn KeyProvider>) -> Self {
        Self { keys: Some(keys), ..self }
    }
}

/// The host's keys, where it gave any.
fn given(keys: Option<&dyn KeyProvider>) -> Result<&dyn KeyProvider> {
    let none = || Error::new(ErrorCode::SecretKeyMissing, "the host gave no keys for secrets");
    keys.ok_or_else(none)
}

noun! {
    /// What the host keeps sealed.
    Secrets
}

impl Secrets<'_> {
    /// Seals a value and keeps it, in the place of its former one.
    pub async fn put(&self, new: NewSecret) -> Result<SecretInfo> {
        self.book.run(&new).await
    }

    /// What is kept, by kind, id and field; no values.
    pub async fn list(&self) -> Result<Vec<SecretInfo>> {
        let state = self.book.authorised(Role::Owner).await?;
        Ok(state.plan.secrets.values().map(SecretInfo::from).collect())
    }

    /// Opens a secret.
    pub async fn reveal(&self, name: SecretName) -> Result<SecretValue> {
        let state = self.book.authorised(Role::Owner).await?;
        let secret = state.plan.secrets.get(&name).ok_or_else(|| not_found(&name))?;
        let sealed = bytes(secret)?;
        let keys = given(self.book.engine.keys.as_deref())?;
        let opened = secrets::open(place(self.book.book_id, &name), &sealed, keys)?;
        let value = String::from_utf8(opened.to_vec());
        Ok(SecretValue { value: value.map_err(|_| Error::corrupt("a secret is no text"))? })
    }

    /// Removes a secret. One that is not there is no error.
    pub async fn delete(&self, name: SecretName) -> Result<()> {
        self.book.run(&DeleteSecret { name }).await
    }

    /// Moves every secret to the current master key; values stay as they are. Those that are
    /// written meanwhile are sealed under it, too.
    pub async fn rotate(&self) -> Result<SecretRotation> {
        self.book.run(&RotateSecrets {}).await
    }
}

impl Command for NewSecret {
    type Answer = SecretInfo;
    const VERB: &'static str = "secrets.put";
    const ROLE: Role = Role::Owner;

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<SecretInfo>> {
        for (field, text) in [("kind", &self.kind), ("id", &self.id), ("field", &self.field)] {
            check_name(field, text)?;
        }
        check_text("value", &self.value, MAX_SECRET_BYTES)?;
        let keys = given(facts.keys)?;
        let current = keys.current()?.version();
        let all = &facts.plan.secrets;
        // Nothing is sealed any more under a key that the book has left.
        if let Some(newer) = all.values().map(|it| it.key_version).find(|it| *it > current) {
            keys.key(newer)?;
            let text = format!("the book's secrets are under version {newer} of the master key");
            return Err(Error::new(ErrorCode::SecretKeyMissing, text));
        }
        let Self { kind, id, field, value } = self.clone();
        let value = Zeroizing::new(value);
        let name = SecretName { kind, id, field };
        let before = all.get(&name);
        if before.is_none() && all.len() >= MAX_DOCUMENTS {
            return Err(Error::new(ErrorCode::LimitExceeded, "the book has too many secrets"));
        }
        let place = place(facts.plan.book.id, &name);
        let sealed = secrets::seal(place, value.as_bytes(), keys, &mut || facts.ids.salt())?;
        let secret = kept(name, &sealed)?;
        let change = match before {
            Some(before) => Change::update(before.clone(), secret.clone()),
            None => Change::create(secret.clone()),
        };
        let event = facts.event("ledger.secret.changed", aggregate(&secret), &[]);
        Ok(Decision::one(change, event, SecretInfo::from(&secret)))
    }
}

#[derive(Serialize)]
struct DeleteSecret {
    name: SecretName,
}

impl Command for DeleteSecret {
    type Answer = ();
    const VERB: &'static str = "secrets.delete";
    const ROLE: Role = Role::Owner;

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<()>> {
        let Some(secret) = facts.plan.secrets.get(&self.name) else {
            return Ok(Decision::unchanged(()));
        };
        let event = facts.event("ledger.secret.deleted", aggregate(secret), &[]);
        Ok(Decision::one(Change::remove(secret.clone()), event, ()))
    }
}

#[derive(Serialize)]
struct RotateSecrets {}

impl Command for RotateSecrets {
    type Answer = SecretRotation;
    const VERB: &'static str = "secrets.rotate";
    const ROLE: Role = Role::Owner;

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<SecretRotation>> {
        let keys = given(facts.keys)?;
        let key_version = keys.current()?.version();
        let mut changes = Vec::new();
        let there = facts.plan.secrets.iter().filter(|(_, secret)| !secret.sealed.is_empty());
        for (name, secret) in there {
            let place = place(facts.plan.book.id, name);
            let random = &mut || facts.ids.salt();
            if let Some(sealed) = secrets::rewrap(place, &bytes(secret)?, keys, random)? {
                changes.push(Change::update(secret.clone(), kept(name.clone(), &sealed)?));
            }
        }
        let rotated = u64::try_from(changes.len()).unwrap_or(u64::MAX);
        let answer = SecretRotation { key_version, rotated };
        if changes.is_empty() {
            return Ok(Decision::unchanged(answer));
        }
        let book = ("book", facts.plan.book.id.to_string());
        let told = [("key_version", key_version.to_string()), ("rotated", rotated.to_string())];
        let events = vec![facts.event("ledger.secrets.rotated", book, &told)];
        Ok(Decision { changes, events, answer })
    }
}

fn place(book_id: BookId, name: &SecretName) -> SecretPlace<'_> {
    SecretPlace { book_id, kind: &name.kind, id: &name.id, field: &name.field }
}

fn kept(name: SecretName, sealed: &[u8]) -> Result<Secret> {
    let SecretName { kind, id, field } = name;
    let key_version = secrets::key_version(sealed)?;
    Ok(Secret { kind, id, field, key_version, sealed: STANDARD.encode(sealed) })
}

/// The sealed value; it is gone where the book's texts were erased.
fn bytes(secret: &Secret) -> Result<Vec<u8>> {
    if secret.sealed.is_empty() {
        return Err(Error::new(ErrorCode::Erased, "the secret was erased with the book's texts"));
    }
    let unreadable = |_| Error::new(ErrorCode::SecretUnreadable, "a sealed value is no base64");
    STANDARD.decode(&secret.sealed).map_err(unreadable)
}

fn aggregate(secret: &Secret) -> (&'static str, String) {
    ("secret", secret.name().key())
}

fn not_found(name: &SecretName) -> Error {
    Error::not_found("secret", name.key())
}
