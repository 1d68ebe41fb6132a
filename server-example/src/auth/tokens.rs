//! Where tokens are kept: a JSON file beside the database.
//!
//! A file of its own, because there are few tokens, they are read with every request and hardly
//! ever written, and the database's schema belongs to the store, which may be of any kind. The
//! file is replaced as a whole, so that a reader sees all of a change or nothing of it; writers
//! (the server and the `token` commands) take turns by a lock file beside it. The server looks
//! at the file's stamp with every request, so a revoked token is refused at once.
//!
//! Of a token only the SHA-256 digest is kept. Its 32 random bytes cannot be found by trying, so
//! a slow password hash would protect nothing more.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use fiscaflow_core::BookId;
use fiscaflow_core::log::Hash;
use fiscaflow_core::model::ActorId;
use serde::{Deserialize, Serialize};

/// What every token begins with, so that people and secret scanners know one when they see it.
const PREFIX: &str = "fiscaflow_";
/// The version of the file.
const VERSION: u32 = 1;

/// The books that a token reaches, provided its actor is a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Books {
    /// All of the actor's books.
    All,
    /// These; a book that is made with the token is added.
    Listed(BTreeSet<BookId>),
}

/// A token, without what is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// By which it is listed and revoked.
    pub id: String,
    /// The SHA-256 digest of the secret.
    hash: Hash,
    /// Who acts.
    pub actor: ActorId,
    /// What it reaches.
    pub books: Books,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// All tokens.
#[derive(Debug)]
pub struct Tokens {
    file: Option<PathBuf>,
    kept: Mutex<Kept>,
}

/// What was read last, and from which state of the file.
#[derive(Debug, Default)]
struct Kept {
    stamp: Option<Stamp>,
    tokens: Vec<Arc<Token>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: u32,
    tokens: Vec<Token>,
}

/// Changes whenever the file is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
    inode: u64,
}

impl Tokens {
    /// The tokens in a file, which need not be there yet; without a file they are gone with the
    /// process.
    pub fn new(file: Option<PathBuf>) -> Self {
        Self { file, kept: Mutex::default() }
    }

    /// Whether they outlast the process.
    pub fn are_kept(&self) -> bool {
        self.file.is_some()
    }

    /// Makes the very first token, where no file of tokens was ever written; gives its secret.
    pub fn create_first(&self, actor: ActorId, now: DateTime<Utc>) -> io::Result<Option<String>> {
        let _turn = self.turn()?;
        let written = match &self.file {
            Some(file) => file.try_exists()?,
            None => !self.kept().tokens.is_empty(),
        };
        if written {
            return Ok(None);
        }
        let (token, secret) = Token::make(actor, Books::All, now)?;
        self.write(vec![token])?;
        Ok(Some(secret))
    }

    /// Makes a token; gives its id and its secret, which is told only here.
    pub fn create(
        &self,
        actor: ActorId,
        books: Books,
        now: DateTime<Utc>,
    ) -> io::Result<(String, String)> {
        let (token, secret) = Token::make(actor, books, now)?;
        let id = token.id.clone();
        self.change(|tokens| tokens.push(token))?;
        Ok((id, secret))
    }

    /// The token with that secret.
    pub fn find(&self, secret: &str) -> io::Result<Option<Arc<Token>>> {
        let hash = Hash::of(&[secret.as_bytes()]);
        let mut found = None;
        // All are compared, each in the same time, so that the time taken tells nothing.
        for token in self.list()? {
            if same(token.hash.as_bytes(), hash.as_bytes()) {
                found = Some(token);
            }
        }
        Ok(found)
    }

    /// All tokens, in the order in which they were made.
    pub fn list(&self) -> io::Result<Vec<Arc<Token>>> {
        let Some(file) = &self.file else { return Ok(self.kept().tokens.clone()) };
        let stamp = stamp(file)?;
        let mut kept = self.kept();
        if kept.stamp != stamp {
            // Should the file change between the two, the next call reads it once more.
            kept.tokens = read(file)?.into_iter().map(Arc::new).collect();
            kept.stamp = stamp;
        }
        Ok(kept.tokens.clone())
    }

    /// Revokes a token; tells whether there was one of that id.
    pub fn revoke(&self, id: &str) -> io::Result<bool> {
        self.change(|tokens| {
            let before = tokens.len();
            tokens.retain(|token| token.id != id);
            tokens.len() < before
        })
    }

    /// Adds a book to what a token reaches, where that is a list.
    pub fn grant(&self, id: &str, book_id: BookId) -> io::Result<()> {
        self.change(|tokens| {
            for token in tokens.iter_mut().filter(|token| token.id == id) {
                if let Books::Listed(books) = &mut token.books {
                    books.insert(book_id);
                }
            }
        })
    }

    /// Changes the tokens as they are now, not as they were when last looked at.
    fn change<T>(&self, change: impl FnOnce(&mut Vec<Token>) -> T) -> io::Result<T> {
        let _turn = self.turn()?;
        let mut tokens = match &self.file {
            Some(file) => read(file)?,
            None => self.kept().tokens.iter().map(|token| Token::clone(token)).collect(),
        };
        let before = tokens.clone();
        let answer = change(&mut tokens);
        if tokens != before || self.file.as_ref().is_some_and(|file| !file.exists()) {
            self.write(tokens)?;
        }
        Ok(answer)
    }

    /// Waits until no other writer, in whatever process, is at work. Ends when dropped.
    fn turn(&self) -> io::Result<Option<File>> {
        let Some(file) = &self.file else { return Ok(None) };
        let lock = private(OpenOptions::new().create(true).append(true)).open(beside(file, "lock"));
        let lock = lock?;
        lock.lock()?;
        Ok(Some(lock))
    }

    fn write(&self, tokens: Vec<Token>) -> io::Result<()> {
        let Some(file) = &self.file else {
            self.kept().tokens = tokens.into_iter().map(Arc::new).collect();
            return Ok(());
        };
        let fresh = beside(file, "new");
        let mut out =
            private(OpenOptions::new().create(true).write(true).truncate(true)).open(&fresh)?;
        let contents = Contents { version: VERSION, tokens };
        serde_json::to_writer_pretty(&mut out, &contents)?;
        out.write_all(b"\n")?;
        out.sync_all()?;
        fs::rename(&fresh, file)?;
        sync_directory(file)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Token {
    fn make(actor: ActorId, books: Books, now: DateTime<Utc>) -> io::Result<(Self, String)> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        let hash = Hash::of(&[secret.as_bytes()]);
        let id = hash.to_string().chars().take(12).collect();
        Ok((Self { id, hash, actor, books, created_at: now }, secret))
    }
}

/// Compares in a time that does not depend on where the two differ.
fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    let differing = one.iter().zip(other).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
    differing == 0
}

fn read(file: &Path) -> io::Result<Vec<Token>> {
    let bytes = match fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let contents: Contents = serde_json::from_slice(&bytes)?;
    if contents.version != VERSION {
        let text = format!("version {} of the file of tokens is not known", contents.version);
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(contents.tokens)
}

/// A file that is not there has no stamp and no tokens.
fn stamp(file: &Path) -> io::Result<Option<Stamp>> {
    let metadata = match fs::metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Ok(Some(Stamp { modified: metadata.modified()?, bytes: metadata.len(), inode }))
}

fn beside(file: &Path, extension: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// Files that nobody else on the machine may read.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Makes a rename survive the loss of power.
fn sync_directory(file: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    fn anna() -> ActorId {
        "anna".parse().unwrap()
    }

    fn in_a_file() -> (tempfile::TempDir, Tokens) {
        let dir = tempfile::tempdir().unwrap();
        let tokens = Tokens::new(Some(dir.path().join("tokens.json")));
        (dir, tokens)
    }

    #[test]
    fn the_first_token_is_made_once() {
        for tokens in [in_a_file(), (tempfile::tempdir().unwrap(), Tokens::new(None))] {
            let secret = tokens.1.create_first(anna(), now()).unwrap().unwrap();
            assert_eq!(tokens.1.create_first(anna(), now()).unwrap(), None);
            let found = tokens.1.find(&secret).unwrap().unwrap();
            assert_eq!((found.actor.as_str(), &found.books), ("anna", &Books::All));
        }
        // Whoever revoked them all does not want a new one to appear.
        let (_dir, tokens) = in_a_file();
        tokens.create_first(anna(), now()).unwrap().unwrap();
        let id = tokens.list().unwrap()[0].id.clone();
        assert!(tokens.revoke(&id).unwrap());
        assert_eq!(tokens.create_first(anna(), now()).unwrap(), None);
    }

    #[test]
    fn the_file_holds_no_secret_and_is_private() {
        let (dir, tokens) = in_a_file();
        let (_, secret) = tokens.create(anna(), Books::All, now()).unwrap();
        for entry in fs::read_dir(dir.path()).unwrap() {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            assert!(!text.contains(secret.trim_start_matches(PREFIX)), "{text}");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            }
        }
        assert!(secret.starts_with(PREFIX) && secret.len() == PREFIX.len() + 43);
    }

    #[test]
    fn another_process_revokes_and_grants_at_once() {
        let (dir, tokens) = in_a_file();
        let books = Books::Listed(BTreeSet::new());
        let (id, secret) = tokens.create(anna(), books, now()).unwrap();
        let other = Tokens::new(Some(dir.path().join("tokens.json")));
        let book_id = "018f0000-0000-7000-8000-000000000001".parse().unwrap();
        assert!(!tokens.find(&secret).unwrap().unwrap().reaches(book_id));
        other.grant(&id, book_id).unwrap();
        assert!(tokens.find(&secret).unwrap().unwrap().reaches(book_id));
        assert!(other.revoke(&id).unwrap());
        assert_eq!(tokens.find(&secret).unwrap(), None);
        assert!(!other.revoke(&id).unwrap());
    }

    #[test]
    fn writers_take_turns() {
        let (dir, tokens) = in_a_file();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let own = Tokens::new(Some(dir.path().join("tokens.json")));
                    for _ in 0..8 {
                        own.create(anna(), Books::All, now()).unwrap();
                    }
                });
            }
        });
        assert_eq!(tokens.list().unwrap().len(), 32);
    }

    #[test]
    fn a_file_that_cannot_be_read_lets_nobody_in() {
        let (dir, tokens) = in_a_file();
        let (_, secret) = tokens.create(anna(), Books::All, now()).unwrap();
        for text in ["", "{}", r#"{"version":2,"tokens":[]}"#] {
            fs::write(dir.path().join("tokens.json"), text).unwrap();
            assert!(tokens.find(&secret).is_err(), "{text}");
            assert!(tokens.create(anna(), Books::All, now()).is_err(), "{text}");
        }
        fs::remove_file(dir.path().join("tokens.json")).unwrap();
        assert_eq!(tokens.find(&secret).unwrap(), None);
    }
}
