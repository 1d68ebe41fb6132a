//! Checking a history: every byte against its hash, every link against its parent. What a store
//! keeps beside the history is compared with it by [`verify_book`](crate::store::verify_book).

use serde::{Deserialize, Serialize};

use super::{Change, Hash, Opened, Seal, StoredCommit};
use crate::error::{Error, ErrorCode, Result};
use crate::id::BookId;
use crate::proof::{Frontier, leaf_hash};
use crate::store::{Head, TreeNodes};

/// What a check of a book found: of its history, and of what is kept beside it.
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
    /// What does not fit, in words: of the history, else the first finding.
    pub problem: Option<String>,
    /// What is kept beside the history and does not follow from it, the first 100. What follows
    /// from a history that is broken is not known, so there are none then.
    pub findings: Vec<Finding>,
    /// How many there are.
    pub finding_count: u64,
}

/// Something that is kept beside the history and does not follow from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Finding {
    /// The commit since which it should be otherwise; absent where no commit tells of it.
    pub since: Option<u64>,
    /// Its kind: that of an object, such as `transaction`; or `answer` of an idempotency key,
    /// `origin`, `delivery`, `set_aside` or `view`.
    pub kind: String,
    /// Its id, as `history.object` takes it; an idempotency key; the name of a sink.
    pub id: String,
    /// The fields, or columns of the database, that differ; none where it is missing, cannot be
    /// read or should not be there.
    pub fields: Vec<String>,
    /// What does not fit, in words, without any value.
    pub problem: String,
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
    /// None where the check began after another commit than the first, or ends before the newest.
    erasures: Option<Erasures>,
    /// The last of the commits at the beginning that have no body.
    sealed: u64,
    /// The first commit without a body after one that has one.
    late: Option<u64>,
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

    /// A check of a history up to an earlier point. What is gone of it is not counted: later
    /// commits may tell of it.
    pub(crate) fn of_past(book_id: BookId) -> Self {
        Self { erasures: None, ..Self::new(book_id) }
    }

    /// A check that goes on after a commit that is known to fit. Which commits may be sealed is not
    /// part of it.
    pub(crate) fn after(book_id: BookId, seq: u64, hash: Hash) -> Self {
        let (tree, erasures, completed) = (None, None, Vec::new());
        let (sealed, seal) = (seq, Seal::default());
        let (late, broken) = (None, None);
        Self { book_id, seq, hash, tree, completed, erasures, sealed, late, seal, broken }
    }

    /// Checks the next commit; whatever follows a commit that does not fit is not looked at.
    pub fn check(&mut self, commit: &StoredCommit) {
        self.check_each(commit, &mut |_| Ok(()));
    }

    /// Checks the next commit and hands out what it says, change by change, and the rest of it if
    /// it fits.
    pub(crate) fn check_each(
        &mut self,
        commit: &StoredCommit,
        visit: &mut dyn FnMut(Change) -> Result<()>,
    ) -> Option<Opened> {
        if self.broken.is_some() {
            return None;
        }
        match self.fits(commit, visit) {
            Ok(opened) => {
                (self.seq, self.hash) = (commit.seq, commit.hash);
                if let Some(tree) = &mut self.tree {
                    self.completed = tree.append(leaf_hash(&commit.header));
                }
                Some(opened)
            }
            Err(error) => {
                self.broken = Some((self.seq.saturating_add(1), error.to_string()));
                None
            }
        }
    }

    /// Something does not fit where the next commit would be.
    pub(crate) fn breaks(&mut self, problem: &str) {
        let seq = self.seq.saturating_add(1);
        self.broken.get_or_insert_with(|| (seq, problem.to_owned()));
    }

    /// Whether something does not fit.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.is_some()
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
            self.broken = erasures.unlike((self.sealed, self.late), &self.seal, self.seq);
        }
        let (broken_seq, problem) = self.broken.unzip();
        Verification {
            verified: problem.is_none(),
            commits: self.seq,
            head: self.hash,
            broken_seq,
            problem,
            findings: Vec::new(),
            finding_count: 0,
        }
    }

    /// Whether a commit without a body fits. Whether it may have none, a later one tells.
    fn fits_sealed(&mut self, commit: &StoredCommit) -> Result<Opened> {
        let opened = commit.open_sealed()?;
        if opened.header.book != self.book_id {
            return Err(Error::corrupt("the commit belongs to another book"));
        }
        if !commit.texts.is_empty() {
            return Err(Error::corrupt("the body is gone, and its texts are there"));
        }
        if self.sealed == self.seq {
            self.sealed = commit.seq;
        } else if self.erasures.is_none() {
            return Err(Error::corrupt("the body is gone, and an earlier one is there"));
        } else {
            // Whether this body should be there or that one not, a later seal tells.
            self.late.get_or_insert(commit.seq);
        }
        Ok(opened)
    }

    fn fits(
        &mut self,
        commit: &StoredCommit,
        visit: &mut dyn FnMut(Change) -> Result<()>,
    ) -> Result<Opened> {
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
        let mut changes = 0_u64;
        let opened = commit.open_each(&mut |change| {
            changes = changes.saturating_add(1);
            visit(change)
        })?;
        if opened.header.book != self.book_id {
            return Err(Error::corrupt("the commit belongs to another book"));
        }
        if changes != opened.header.changes {
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
        Ok(opened)
    }
}

impl Erasures {
    /// What does not fit between what is gone and what commits tell of it, and where that begins.
    fn unlike(
        &self,
        (sealed, late): (u64, Option<u64>),
        seal: &Seal,
        last: u64,
    ) -> Option<(u64, String)> {
        let found = |seq: u64, text: &str| Some((seq, text.to_owned()));
        let untold = "the body is gone, and no commit tells that it was sealed";
        if sealed > seal.until {
            return found(seal.until.saturating_add(1), untold);
        }
        if sealed < seal.until {
            let text = "the body is there, and a later commit tells that it was sealed";
            return found(sealed.saturating_add(1), text);
        }
        if let Some(late) = late {
            return found(late, untold);
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
    /// An error that names the first broken commit, or else the first object that does not follow
    /// from the history, unless everything fits.
    pub fn ok(&self) -> Result<()> {
        let Some(problem) = &self.problem else { return Ok(()) };
        let error = Error::new(ErrorCode::HistoryBroken, problem.clone());
        let first = self.findings.first().map(|finding| finding.id.clone());
        let id = self.broken_seq.map(|seq| seq.to_string()).or(first);
        Err(match id {
            Some(id) => error.id(id),
            None => error,
        })
    }

    /// The same with what was found beside the history: the first of so many.
    pub(crate) fn with(mut self, findings: Vec<Finding>, count: u64) -> Self {
        let first = findings.first().map(|finding| finding.problem.clone());
        self.problem = self.problem.or(first);
        self.verified = self.problem.is_none();
        (self.findings, self.finding_count) = (findings, count);
        self
    }
}
