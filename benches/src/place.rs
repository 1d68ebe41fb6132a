//! Where a job's books lie: an SQLite file, or a database of a PostgreSQL server that is started
//! for the run; and an equal place beside it, where the bare driver does the same.

#[cfg(feature = "postgres")]
#[path = "../../fiscaflow-store/tests/shared/postgres.rs"]
mod server;

use std::path::PathBuf;

use fiscaflow_core::Result;

use super::jobs::failed;
#[cfg(feature = "postgres")]
use server::{Database, ROLE, TestPg, run};

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A database, as durable as it is by itself.
    #[cfg(feature = "postgres")]
    Postgres,
}

impl Kind {
    /// Those that `--store` names.
    pub fn read(name: &str) -> Option<Vec<Self>> {
        match name {
            "sqlite" => Some(vec![Self::Sqlite]),
            #[cfg(feature = "postgres")]
            "postgres" => Some(vec![Self::Postgres]),
            #[cfg(feature = "postgres")]
            "both" => Some(vec![Self::Sqlite, Self::Postgres]),
            _ => None,
        }
    }

    /// Whether the database works in this process.
    pub fn is_in_process(self) -> bool {
        self == Self::Sqlite
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            #[cfg(feature = "postgres")]
            Self::Postgres => "postgres",
        }
    }
}

/// Where books lie. It goes with the value, or with the process.
pub enum Place {
    /// The folder of a file.
    File(tempfile::TempDir),
    /// A database.
    #[cfg(feature = "postgres")]
    Database(Database),
}

/// A server with the settings that it comes with.
#[cfg(feature = "postgres")]
fn postgres() -> &'static TestPg {
    static SERVER: std::sync::OnceLock<TestPg> = std::sync::OnceLock::new();
    SERVER.get_or_init(|| TestPg::start(&[]))
}

impl Place {
    /// A fresh one.
    pub fn new(kind: Kind) -> Result<Self> {
        match kind {
            Kind::Sqlite => Ok(Self::File(tempfile::tempdir().map_err(|_| failed("no folder"))?)),
            #[cfg(feature = "postgres")]
            Kind::Postgres => Ok(Self::Database(postgres().database())),
        }
    }

    /// The store's URL.
    pub fn url(&self) -> String {
        match self {
            Self::File(folder) => format!("sqlite:{}", file(folder).display()),
            #[cfg(feature = "postgres")]
            Self::Database(database) => database.url.clone(),
        }
    }

    /// An equal one; nobody may have this one open.
    pub fn copy(&self) -> Result<Self> {
        match self {
            Self::File(from) => {
                let folder = tempfile::tempdir().map_err(|_| failed("no folder"))?;
                std::fs::copy(file(from), file(&folder))
                    .map_err(|_| failed("the file cannot be copied"))?;
                Ok(Self::File(folder))
            }
            #[cfg(feature = "postgres")]
            Self::Database(from) => {
                let copy = postgres().database();
                let (new, old) = (&copy.name, &from.name);
                let server = copy.admin.replace(new, "postgres");
                run(&server, format!("DROP DATABASE {new}"));
                run(&server, format!("CREATE DATABASE {new} TEMPLATE {old} OWNER {ROLE}"));
                Ok(Self::Database(copy))
            }
        }
    }

    /// Lets the database do now what it would do at some time, so that it falls into nobody's
    /// figure.
    pub fn settle(&self) {
        #[cfg(feature = "postgres")]
        if let Self::Database(database) = self {
            run(&database.admin, "VACUUM ANALYZE");
            run(&database.admin, "CHECKPOINT");
        }
    }
}

/// The file in its folder.
pub fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("bench.sqlite")
}
