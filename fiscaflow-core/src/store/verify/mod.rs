//! Whether a book is what its log says: every byte of the history against its hashes, then whatever
//! the store keeps beside it against what the history makes of nothing.
//!
//! The history is read once, commit by commit. Of each object no more is held than the commit that
//! changed it last and a digest of how it left it; a row that has that digest is done with. What
//! remains is looked at again as of the newest commit, for others write meanwhile, and only then it
//! is told. Nothing is written.

mod findings;
mod outbox;
mod rules;
mod shelf;
mod view;

use self::findings::Explainer;
use self::rules::Rules;
use self::shelf::{Given, Last, Shelf, name_of};
use self::view::Figures;
use super::{COMMITS, Head, Kept, KeptPart, KeptRow, Store};
use crate::error::{Error, ErrorCode, Lane, Result};
use crate::id::{BookId, TransactionId};
use crate::limits::MAX_ATTEMPTS;
use crate::log::{Finding, Hash, Object, StoredCommit, Verification, Verifier};

/// Rows of one read.
const ROWS: u32 = 1_000;
/// Commits of one read.
const MOST_COMMITS: u32 = 64;
/// How many findings are told.
const MAX_FINDINGS: usize = 100;

/// How far a verification is. In each phase `done` rises to about `total`; where others erase texts
/// meanwhile it begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyProgress {
    /// What is being done.
    pub phase: VerifyPhase,
    /// How many commits, or objects, are done with.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

/// What a verification is doing. The phases come in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerifyPhase {
    /// Commits are read and checked.
    History,
    /// What is kept beside them is compared.
    Rows,
}

/// Checks a book, as its store has it: the history against its hashes, and what is kept beside it
/// against the history. What is wrong is in the answer, not an error. Nothing is written, and
/// others may write meanwhile.
///
/// Errors: those of the store; `conflict` where texts are erased, or commits sealed, again and
/// again meanwhile.
pub async fn verify_book(store: &dyn Store, book_id: BookId) -> Result<Verification> {
    verify_book_watched(store, book_id, &|_| {}).await
}

/// The same; how far it is is told to whoever hears it, some hundred times at most for a book of
/// any size.
///
/// ```
/// use fiscaflow_core::store::{Store, verify_book_watched};
/// # use fiscaflow_core::{BookId, Result};
///
/// async fn check(store: &dyn Store, book: BookId) -> Result<()> {
///     let hear = |it: fiscaflow_core::store::VerifyProgress| {
///         println!("{:?}: {} of {}", it.phase, it.done, it.total);
///     };
///     for finding in verify_book_watched(store, book, &hear).await?.findings {
///         println!("{}", finding.problem);
///     }
///     Ok(())
/// }
/// ```
pub async fn verify_book_watched(
    store: &dyn Store,
    book_id: BookId,
    hear: &(dyn Fn(VerifyProgress) + Send + Sync),
) -> Result<Verification> {
    for _ in 0..MAX_ATTEMPTS {
        let check = Check::new(store, book_id, hear);
        if let Some(found) = check.run().await? {
            return Ok(found);
        }
    }
    Err(erased_too_often())
}

/// Checks the history of a book up to an earlier point. What is kept beside it is kept as of now,
/// and commits after the point tell of what is gone: neither is looked at.
pub(crate) async fn verify_past(
    (past, present): (&dyn Store, &dyn Store),
    book_id: BookId,
) -> Result<Verification> {
    for _ in 0..MAX_ATTEMPTS {
        let now = present.head(book_id).await?.map_or(0, |head| head.seq);
        let head = past.head(book_id).await?;
        let mut check = Check::new(past, book_id, &|_| {});
        check.verifier = Verifier::of_past(book_id);
        check.read_until(head).await?;
        let found = check.verifier.finish(head);
        if found.verified || !is_erased_since(present, book_id, now).await? {
            return Ok(found);
        }
    }
    Err(erased_too_often())
}

/// One check. Texts that are erased meanwhile change every object without a word in their commits,
/// and sealed commits are read no more: then it ends without an answer.
struct Check<'a> {
    store: &'a dyn Store,
    book_id: BookId,
    verifier: Verifier,
    /// The newest commit that was read.
    at: u64,
    /// The newest commit that tells of an erasure or a seal.
    taken: u64,
    given: Given,
    documents: Shelf,
    transactions: Shelf,
    answers: Shelf,
    rules: Rules,
    /// The view that is kept, if one is.
    figures: Option<Figures>,
    findings: Vec<Finding>,
    told: Progress<'a>,
}

impl<'a> Check<'a> {
    fn new(
        store: &'a dyn Store,
        book_id: BookId,
        hear: &'a (dyn Fn(VerifyProgress) + Send + Sync),
    ) -> Self {
        Self {
            store,
            book_id,
            verifier: Verifier::new(book_id),
            at: 0,
            taken: 0,
            given: Given::default(),
            documents: Shelf::default(),
            transactions: Shelf::default(),
            answers: Shelf::default(),
            rules: Rules::default(),
            figures: None,
            findings: Vec::new(),
            told: Progress { hear, phase: VerifyPhase::History, total: 0, next: 0 },
        }
    }

    async fn run(mut self) -> Result<Option<Verification>> {
        self.figures = match self.store.snapshot(self.book_id).await {
            Err(error) if error.lane() == Lane::Corrupt => {
                self.findings.push(findings::unreadable("view"));
                None
            }
            kept => Figures::new(kept?),
        };
        // The head is read first: commits that come meanwhile are not part of this check.
        let head = match self.store.head(self.book_id).await {
            Err(error) if error.lane() == Lane::Corrupt => {
                self.read_until(Some(Head { seq: u64::MAX, hash: Hash::ZERO })).await?;
                self.verifier.breaks("the head cannot be read");
                return Ok(Some(self.verifier.finish(None)));
            }
            head => head?,
        };
        let last = head.map_or(0, |head| head.seq);
        self.told.begin(VerifyPhase::History, last);
        self.read_until(head).await?;
        if !self.verifier.is_broken() {
            self.find_strays(last).await?;
        }
        let found = self.verifier.clone().finish(head);
        if !found.verified {
            // What is erased or sealed meanwhile goes before the commit that tells of it is read.
            let erased = is_erased_since(self.store, self.book_id, last).await?;
            return Ok((!erased).then_some(found));
        }
        let taken = self.taken;
        self.read_rows().await?;
        self.read_outbox().await?;
        let head = self.settle(head).await?;
        let found = self.verifier.clone().finish(head);
        if self.taken != taken {
            return Ok(None);
        }
        if !found.verified {
            let last = head.map_or(0, |head| head.seq);
            let erased = is_erased_since(self.store, self.book_id, last).await?;
            return Ok((!erased).then_some(found));
        }
        self.check_rules().await?;
        // What was sealed meanwhile is no event any more.
        if !self.findings.is_empty() && is_erased_since(self.store, self.book_id, self.at).await? {
            return Ok(None);
        }
        let rows_fit = self.transactions.is_empty();
        let figures = self.figures.take().and_then(|figures| figures.finding(rows_fit));
        self.findings.extend(figures);
        let mut explainer = Explainer::new(self.store, self.book_id, &self.given);
        let (findings, count) = explainer
            .explain([&self.documents, &self.transactions, &self.answers], self.findings)
            .await?;
        Ok(Some(found.with(findings, count)))
    }

    /// Reads the history on, up to a head, as far as it fits.
    async fn read_until(&mut self, head: Option<Head>) -> Result<()> {
        let last = head.map_or(0, |head| head.seq);
        let mut most = MOST_COMMITS;
        while self.at < last && !self.verifier.is_broken() {
            let left = u32::try_from(last.saturating_sub(self.at)).unwrap_or(u32::MAX);
            let part = match self.store.commits(self.book_id, self.at, most.min(left)).await {
                // One of them; which one, reading each alone tells.
                Err(error) if error.lane() == Lane::Corrupt && most > 1 => {
                    most = 1;
                    continue;
                }
                Err(error) if error.lane() == Lane::Corrupt => {
                    self.verifier.breaks("the commit cannot be read");
                    break;
                }
                part => part?,
            };
            let Some(newest) = part.last() else { break };
            self.at = newest.seq.min(last);
            let seqs: Vec<u64> = part.iter().map(|commit| commit.seq).collect();
            let kept = self.store.tree_nodes(self.book_id, &seqs).await?;
            for commit in part.iter().filter(|commit| commit.seq <= last) {
                self.take(commit);
                for nodes in kept.iter().filter(|nodes| nodes.seq == commit.seq) {
                    self.verifier.check_nodes(nodes);
                }
            }
            self.told.tell(VerifyPhase::History, self.at);
        }
        Ok(())
    }

    /// Finds commits after the head or before the first, which no read but this one looks at.
    async fn find_strays(&mut self, last: u64) -> Result<()> {
        if !self.store.kept(self.book_id, &KeptPart::StrayCommits).await?.is_empty() {
            self.verifier.breaks("a commit stands before the first");
            return Ok(());
        }
        let beyond = match self.store.commits(self.book_id, last, 1).await {
            Err(error) if error.lane() == Lane::Corrupt => u64::MAX,
            beyond => match beyond?.first() {
                Some(beyond) => beyond.seq,
                None => return Ok(()),
            },
        };
        // A commit and the head that it makes come together.
        let head = self.store.head(self.book_id).await?;
        if head.is_none_or(|head| head.seq < beyond) {
            self.verifier.breaks("the history goes on after its head");
        }
        Ok(())
    }

    /// Checks a commit and takes down what it made of objects and keys.
    fn take(&mut self, commit: &StoredCommit) {
        let seq = commit.seq;
        let Self { verifier, documents, transactions, answers, figures, given, taken, .. } = self;
        let opened = verifier.check_each(commit, &mut |change| {
            if let Some(figures) = figures {
                figures.apply(seq, &change);
            }
            let Some(subject) = change.subject() else { return Ok(()) };
            let shelf = match subject {
                Object::Document(_) => &mut *documents,
                Object::Transaction(_) => &mut *transactions,
            };
            let last = match &change.after {
                Some(after) => Some(Last { seq, digest: after.digest()? }),
                None => None,
            };
            shelf.expect(shelf::of_object(subject), last);
            Ok(())
        });
        let Some(opened) = opened else { return };
        let takes_away = opened.takes_away();
        if let Some(figures) = figures {
            figures.end_commit(commit, takes_away);
        }
        if let Some((key, request, answer)) = opened.answered() {
            let (name, digest) = (name_of("answer", key), shelf::answer_digest(seq, request));
            answers.expect(name, Some(Last { seq, digest }));
            if let Some(answer) = answer {
                given.digests.insert(name, answer.half());
            }
        }
        if takes_away {
            *taken = seq;
            // An erasure takes the answers of all commits before it, a seal those of what it seals.
            let until = opened.seal().ok().flatten().map(|seal| seal.until.saturating_add(1));
            given.erased = given.erased.max(until.unwrap_or(seq));
        }
    }

    /// Compares every row with what is expected of it.
    async fn read_rows(&mut self) -> Result<()> {
        self.told.begin(VerifyPhase::Rows, self.transactions.len());
        if let Some(rows) = self.rows(KeptPart::Documents, "document").await? {
            rows.iter().try_for_each(|row| self.documents.see(row, &self.given))?;
            self.documents.end();
        }
        if self.read_transactions().await? {
            self.transactions.end();
            self.figures.iter_mut().for_each(Figures::end);
        }
        if self.read_answers().await? {
            self.answers.end();
        }
        if let Some(rows) = self.rows(KeptPart::StrayOrigins, "origin").await? {
            self.findings.extend(rows.iter().map(findings::of_origins));
        }
        Ok(())
    }

    /// Whether all of them could be read.
    async fn read_transactions(&mut self) -> Result<bool> {
        let (mut after, mut done) = (None, 0_u64);
        loop {
            let part = KeptPart::Transactions { after, limit: ROWS };
            let Some(rows) = self.rows(part, "transaction").await? else { return Ok(false) };
            for row in &rows {
                self.transactions.see(row, &self.given)?;
                let Some(Kept::Transaction(transaction)) = &row.content else { continue };
                self.rules.see(transaction);
                self.figures.iter_mut().for_each(|figures| figures.see(transaction));
            }
            // What has no id comes again and is passed over in the end.
            after = rows.iter().rev().find_map(|row| row.id.parse::<TransactionId>().ok());
            if after.is_none() {
                return Ok(true);
            }
            done = done.saturating_add(u64::try_from(rows.len()).unwrap_or(u64::MAX));
            self.told.tell(VerifyPhase::Rows, done);
        }
    }

    /// Whether all of them could be read.
    async fn read_answers(&mut self) -> Result<bool> {
        let mut after = None;
        loop {
            let part = KeptPart::Answers { after, limit: ROWS };
            let Some(rows) = self.rows(part, "answer").await? else { return Ok(false) };
            let Some(last) = rows.last() else { return Ok(true) };
            after = Some(last.id.clone());
            rows.iter().try_for_each(|row| self.answers.see(row, &self.given))?;
        }
    }

    /// Reads rows. That a store cannot read them is a finding.
    async fn rows(&mut self, part: KeptPart, kind: &str) -> Result<Option<Vec<KeptRow>>> {
        match self.store.kept(self.book_id, &part).await {
            Err(error) if error.lane() == Lane::Corrupt => {
                self.findings.push(findings::unreadable(kind));
                Ok(None)
            }
            rows => rows.map(Some),
        }
    }

    /// Looks again at what did not fit, as of the newest commit, until it is settled for each of
    /// them: it is, where no commit changed the object while it was looked at.
    async fn settle(&mut self, mut head: Option<Head>) -> Result<Option<Head>> {
        let taken = self.taken;
        for _ in 0..MAX_ATTEMPTS {
            if self.shelves().iter().all(|shelf| shelf.is_settled()) {
                break;
            }
            head = self.store.head(self.book_id).await?;
            self.read_until(head).await?;
            self.shelves().into_iter().for_each(Shelf::look_again);
            self.reread().await?;
            head = self.store.head(self.book_id).await?;
            self.read_until(head).await?;
            if self.taken != taken || self.verifier.is_broken() {
                break;
            }
            self.shelves().into_iter().for_each(Shelf::decide);
        }
        Ok(head)
    }

    async fn reread(&mut self) -> Result<()> {
        if !self.documents.is_settled()
            && let Some(rows) = self.rows(KeptPart::Documents, "document").await?
        {
            rows.iter().try_for_each(|row| self.documents.see(row, &self.given))?;
        }
        let doubtful = self.transactions.doubtful();
        for names in doubtful.chunks(usize::try_from(ROWS).unwrap_or(usize::MAX)) {
            let part = KeptPart::These(names.iter().map(shelf::transaction).collect());
            let Some(rows) = self.rows(part, "transaction").await? else { break };
            rows.iter().try_for_each(|row| self.transactions.see(row, &self.given))?;
        }
        if !self.answers.is_settled() {
            self.read_answers().await?;
        }
        Ok(())
    }

    fn shelves(&mut self) -> [&mut Shelf; 3] {
        [&mut self.documents, &mut self.transactions, &mut self.answers]
    }
}

/// Tells how far a phase is, some fifty times at most, and its end.
struct Progress<'a> {
    hear: &'a (dyn Fn(VerifyProgress) + Send + Sync),
    phase: VerifyPhase,
    total: u64,
    /// From here on it is told again.
    next: u64,
}

impl Progress<'_> {
    fn begin(&mut self, phase: VerifyPhase, total: u64) {
        (self.phase, self.total, self.next) = (phase, total, 0);
        self.tell(phase, 0);
    }

    fn tell(&mut self, phase: VerifyPhase, done: u64) {
        if phase == self.phase && (done >= self.next || done == self.total) {
            self.next = done.saturating_add(self.total.div_ceil(50).max(1));
            (self.hear)(VerifyProgress { phase: self.phase, done, total: self.total });
        }
    }
}

fn erased_too_often() -> Error {
    Error::new(ErrorCode::Conflict, "texts are being erased too often; try again")
}

/// Whether a commit after another tells of an erasure or a seal.
async fn is_erased_since(store: &dyn Store, book_id: BookId, mut after: u64) -> Result<bool> {
    loop {
        let part = store.commits(book_id, after, COMMITS).await?;
        let Some(newest) = part.last() else { return Ok(false) };
        after = newest.seq;
        for commit in &part {
            // One that does not fit its hash tells of nothing.
            if commit.takes_away().unwrap_or(false) {
                return Ok(true);
            }
        }
    }
}
