//! Where FiscaFlow books live, and what the core is told of the machine: time and fresh ids.
//!
//! [`open`] takes a URL and gives a [`Store`]: [`MemoryStore`], the reference that forgets with the
//! process, `SqliteStore`, one file for any number of books, or, with the feature `postgres`,
//! `PostgresStore`, one database for any number of processes. All pass the conformance suite of the
//! core and answer alike.

#[cfg(feature = "ed25519")]
mod engine;
mod memory;
#[cfg(feature = "sqlite")]
mod packed;
#[cfg(feature = "sql")]
mod pool;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sql")]
mod rows;
#[cfg(feature = "ed25519")]
mod signer;
#[cfg(feature = "sqlite")]
mod sqlite;
mod system;
#[cfg(feature = "sql")]
mod uncancelled;

use std::sync::Arc;

use fiscaflow_core::store::Store;
use fiscaflow_core::{Error, ErrorCode, Result};

#[cfg(feature = "ed25519")]
pub use engine::{Keys, open_engine};
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "ed25519")]
pub use signer::Ed25519Signer;
#[cfg(feature = "sqlite")]
pub use sqlite::{Backup, Durability, SqliteStore, backup, restore};
pub use system::{RandomIds, SystemClock};
#[cfg(feature = "sql")]
use uncancelled::uncancelled;

/// Opens the store that a URL names:
///
/// | URL | Store |
/// | --- | --- |
/// | `memory:` | in memory, gone when it is dropped |
/// | `sqlite::memory:` | SQLite in memory, gone when it is closed |
/// | `sqlite:PATH`, `sqlite://PATH` | an SQLite file, made where it is absent |
/// | `sqlite:PATH?durability=may_lose_last_commits` | the same, faster: see [`Durability`] |
/// | `postgres://USER:PASSWORD@HOST/DATABASE` | PostgreSQL (feature `postgres`) |
/// | `postgres://...?max_connections=N` | the same with so many connections, 10 where absent |
/// | `postgres://...?pgbouncer=true` | the same through a pooler in transaction mode |
///
/// A path is taken as it stands, up to the first `?`; nothing in it is decoded. A file that is made
/// can be read and written by its owner alone, where the system knows owners. A PostgreSQL URL also
/// takes `host`, `sslmode`, `sslrootcert`, `sslcert`, `sslkey` and `application_name`, as libpq
/// does. Both need a Tokio runtime around this call and around every call of the store.
///
/// Errors: `invalid_input` for a URL that names no store, a directory that is not there, a file
/// or schema that is not FiscaFlow's, and a user, password or database that the server does not
/// know; `schema_too_new` for a database of a newer version, which stays untouched;
/// `store_unavailable` for what may go away by itself. No error shows the URL.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let store = fiscaflow_store::open("sqlite::memory:").await?;
/// let book = "018f0000-0000-7000-8000-000000000001".parse()?;
/// assert_eq!(store.head(book).await?, None);
/// # Ok::<(), fiscaflow_core::Error>(()) }).unwrap();
/// ```
pub async fn open(url: &str) -> Result<Arc<dyn Store>> {
    if matches!(url, "memory:" | "memory://" | "memory") {
        return Ok(Arc::new(MemoryStore::new()));
    }
    #[cfg(feature = "sqlite")]
    if let Some(rest) = url.strip_prefix("sqlite:") {
        return Ok(Arc::new(SqliteStore::open_url(rest).await?));
    }
    #[cfg(feature = "postgres")]
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        return Ok(Arc::new(PostgresStore::open(url).await?));
    }
    // The scheme alone is shown: what follows may hold a password.
    let given = match url.split_once(':') {
        Some((scheme, _)) => format!("`{}:`", scheme.chars().take(16).collect::<String>()),
        None => "a url without a scheme".to_owned(),
    };
    let postgres = if cfg!(feature = "postgres") { ", or `postgres://…`" } else { "" };
    Err(invalid_url(format!("{given} names no store; use `memory:` or `sqlite:PATH`{postgres}")))
}

fn invalid_url(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidInput, message).field("url")
}

fn closed() -> Error {
    Error::new(ErrorCode::Closed, "the store is closed")
}

#[cfg(feature = "sql")]
fn unavailable(text: impl Into<String>) -> Error {
    Error::new(ErrorCode::StoreUnavailable, text)
}

/// What a row means that was read but contradicts itself.
#[cfg(feature = "sql")]
fn damaged(text: &str) -> Error {
    Error::new(ErrorCode::CorruptData, text)
}

/// The Tokio runtime around the call. Refuses a caller without: the driver would panic.
#[cfg(feature = "sql")]
fn check_runtime() -> Result<tokio::runtime::Handle> {
    let missing = |_| Error::new(ErrorCode::Internal, "the store needs a Tokio runtime around it");
    tokio::runtime::Handle::try_current().map_err(missing)
}

/// The example of the repository's README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
