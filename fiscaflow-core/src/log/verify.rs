//! Checking a history: every byte against its hash, every link against its parent.

use serde::{Deserialize, Serialize};

use super::{Hash, Seal, StoredCommit};
use crate::error::{Error, ErrorCode, Result};
use crate::id::BookId;
use crate::proof::{Frontier, leaf_hash};
use crate::store::{Head, TreeNodes};

/// What a check of a book's history found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Verification {
    /// Whether everything fits.
    pub verified: bool,
    /// How many commits were checked and fit.
    pub commits: u64,
    /// The hash of the newest commit that fits.
    pub head: Hash,
    /// The first commit that does not fit.
    pub broken_seq: Option<u64>,
    /// What does not fit, in words.
    pub problem: Option<String>,
}

/// Checks commits one after the other; it keeps no more than the newest.
///
/// Feed it a book's commits in order and end with [`Verifier::finish`].
#[derive(Debug, Clone)]
pub struct Verifier {
    book_id: BookId,
    seq: u64,
    hash: Hash,
    /// The tree up to the newest commit that fits; none where the check began after another.
    tree: Option<Frontier>,
    /// What that commit completed of it.
    completed: Vec<Hash>,
    /// None where the check began after another commit than the first.
    erasures: Option<Erasures>,
    /// The last of the commits at the beginning that have no body.
    sealed: u64,
    /// What the newest seal tells.
    seal: Seal,
    broken: Option<(u64, String)>,
}

/// What was erased, and what commits tell of it.
#[derive(Debug, Clone, Default)]
struct Erasures {
    texts: u64,
    told: u64,
    first: Option<u64>,
}

impl Verifier {
    /// A check from the first commit of a book on.
    pub fn new(book_id: BookId) -> Self {
        let (tree, erasures) = (Some(Frontier::default()), Some(Erasures::default()));
        Self { tree, erasures, ..Self::after(book_id, 0, Hash::ZERO) }
    }

    /// A check that goes on after a commit that is known to fit. Which commits may be sealed is not
    /// part of it.
    pub(crate) fn after(book_id: BookId, seq: u64, hash: Hash) -> Self {
        let (tree, erasures, completed) = (None, None, Vec::new());
        let (sealed, seal) = (seq, Seal::default());
        Self { book_id, seq, hash, tree, completed, erasures, sealed, seal, broken: None }
    }

    /// Checks the next commit; whatever follows a commit that does not fit is not looked at.
    pub fn check(&mut self, commit: &StoredCommit) {
        if self.broken.is_some() {
            return;
        }
        match self.fits(commit) {
            Ok(()) => {
                (self.seq, self.hash) = (commit.seq, commit.hash);
                if let Some(tree) = &mut self.tree {
                    self.completed = tree.append(leaf_hash(&commit.header));
                }
            }
            Err(error) => self.broken = Some((self.seq.saturating_add(1), error.to_string())),
        }
    }

    /// Checks what a store keeps of the book's tree beside the commit that was checked last.
    pub fn check_nodes(&mut self, kept: &TreeNodes) {
        if self.broken.is_some() || self.tree.is_none() || kept.seq != self.seq {
            return;
        }
        if *kept != TreeNodes::new(self.seq, &self.completed) {
            let text = "the tree does not fit the commit".to_owned();
            self.broken = Some((self.seq, text));
        }
    }

    /// The result, given the head that the store names.
    pub fn finish(mut self, head: Option<Head>) -> Verification {
        let stored = head.map_or((0, Hash::ZERO), |head| (head.seq, head.hash));
        if self.broken.is_none() && stored != (self.seq, self.hash) {
            let text = "the head does not fit the newest commit".to_owned();
            self.broken = Some((self.seq.saturating_add(1), text));
        }
        if let (None, Some(erasures)) = (&self.broken, &self.erasures) {
            self.broken = erasures.unlike(self.sealed, &self.seal, self.seq);
        }
        let (broken_seq, problem) = self.broken.unzip();
        Verification {
            verified: problem.is_none(),
            commits: self.seq,
            head: self.hash,
            broken_seq,
            problem,
        }
    }

    /// Whether a commit without a body fits. Whether it may have none, a later one tells.
    fn fits_sealed(&mut self, commit: &StoredCommit) -> Result<()> {
        if commit.open_header()?.book != self.book_id {
            return Err(Error::corrupt("the commit belongs to another book"));
        }
        if self.sealed != self.seq {
            return Err(Error::corrupt("the body is gone, and an earlier one is there"));
        }
        if !commit.texts.is_empty() {
            return Err(Error::corrupt("the body is gone, and its texts are there"));
        }
        self.sealed = commit.seq;
        Ok(())
    }

    fn fits(&mut self, commit: &StoredCommit) -> Result<()> {
        let next = self.seq.saturating_add(1);
        if commit.seq != next {
            return Err(Error::corrupt(format!("commit {next} is missing")));
        }
        if commit.parent != self.hash {
            return Err(Error::corrupt("the commit names another parent"));
        }
        if commit.is_sealed() {
            return self.fits_sealed(commit);
        }
        let opened = commit.open()?;
        if opened.header.book != self.book_id {
            return Err(Error::corrupt("the commit belongs to another book"));
        }
        if u64::try_from(opened.changes.len()).ok() != Some(opened.header.changes) {
            return Err(Error::corrupt("the header counts other changes than the body has"));
        }
        if let Some(seal) = opened.seal()? {
            self.seal = seal;
        }
        if let Some(erasures) = &mut self.erasures {
            erasures.told = erasures.told.saturating_add(opened.told_erased());
            erasures.texts = erasures.texts.saturating_add(opened.erased);
            if opened.erased > 0 {
                erasures.first.get_or_insert(commit.seq);
            }
        }
        Ok(())
    }
}

impl Erasures {
    /// What does not fit between what is gone and what commits tell of it, and where that begins.
    fn unlike(&self, sealed: u64, seal: &Seal, last: u64) -> Option<(u64, String)> {
        let found = |seq: u64, text: &str| Some((seq, text.to_owned()));
        if sealed > seal.until {
            let text = "the body is gone, and no commit tells that it was sealed";
            return found(seal.until.saturating_add(1), text);
        }
        if sealed < seal.until {
            let text = "the body is there, and a later commit tells that it was sealed";
            return found(sealed.saturating_add(1), text);
        }
        let texts = self.texts.saturating_add(seal.erased);
        if texts != self.told.saturating_add(seal.told) {
            let text = "texts were erased that no commit tells of, or fewer than one tells";
            return found(self.first.unwrap_or(last), text);
        }
        None
    }
}

impl Verification {
    /// An error that names the first broken commit, unless everything fits.
    pub fn ok(&self) -> Result<()> {
        match (&self.problem, self.broken_seq) {
            (None, _) => Ok(()),
            (Some(problem), seq) => Err(Error::new(ErrorCode::HistoryBroken, problem.clone())
                .id(seq.map_or_else(String::new, |seq| seq.to_string()))),
        }
    }
}
