//! The jobs of proofs: making them, checking them, and what a commit costs more for them.

use std::sync::Arc;
use std::time::Instant;

use fiscaflow_core::engine::{Context, Engine, ProofQuery};
use fiscaflow_core::log::{Change, CommitInfo, Draft};
use fiscaflow_core::model::{NewAccount, NewBook, Transaction};
use fiscaflow_core::proof::Frontier;
use fiscaflow_core::store::{Head, Store};
use fiscaflow_core::{BookId, Clock as _, IdSource as _, Result, TransactionId};
use fiscaflow_store::{RandomIds, SystemClock, open};
use fiscaflow_verifier::{Digest, check_inclusion, leaf_hash};
use serde_json::json;

use super::Options;
use super::jobs::{Run, failed};
use super::random::Random;

/// The jobs, by name.
pub const JOBS: [&str; 3] = ["prove", "check-proof", "commit-proofs"];
/// How many commits are timed at once, in turns with and without their nodes.
const TURN: usize = 100;

/// A book in a fresh SQLite file whose commits are written without the engine around them.
struct Book {
    store: Arc<dyn Store>,
    id: BookId,
    ids: Arc<RandomIds>,
    head: Head,
    tree: Frontier,
    sample: Transaction,
    _folder: tempfile::TempDir,
}

fn context() -> Result<Context> {
    Ok(Context::new("bench".parse()?))
}

impl Book {
    async fn new() -> Result<Self> {
        let folder = tempfile::tempdir().map_err(|_| failed("no folder"))?;
        let store =
            open(&format!("sqlite:{}", folder.path().join("bench.sqlite").display())).await?;
        let ids = Arc::new(RandomIds::new()?);
        let engine = Engine::new(Arc::clone(&store), Arc::new(SystemClock), Arc::clone(&ids) as _);
        let new = NewBook { name: "Bench".to_owned(), ..NewBook::new("EUR") };
        let id = engine.books(context()?).create(new).await?.id;
        let book = engine.book(id, context()?);
        let new = NewAccount { name: "Giro".to_owned(), ..NewAccount::default() };
        let account_id = book.accounts().create(new).await?.id;
        let day = fiscaflow_core::parse_date("2026-03-01")?;
        let new = fiscaflow_core::model::NewTransaction::new(account_id, day, "-2.80".parse()?);
        let sample = book.transactions().create(new).await?;
        let head = store.head(id).await?.ok_or_else(|| failed("no head"))?;
        let mut tree = Frontier::default();
        for commit in store.commits(id, 0, u32::MAX).await? {
            tree.append(fiscaflow_core::proof::leaf_hash(&commit.header));
        }
        Ok(Self { store, id, ids, head, tree, sample, _folder: folder })
    }

    /// Records a transaction, as the engine would once it has decided.
    async fn commit(&mut self, with_nodes: bool) -> Result<()> {
        let now = SystemClock.now();
        let id = TransactionId::new(self.ids.uuid(now));
        let made = Transaction { id, ..self.sample.clone() };
        let info = CommitInfo {
            actor: "bench".parse()?,
            at: now,
            action: "transactions.create".to_owned(),
            reason: None,
            correlation_id: None,
            causation_id: None,
        };
        let draft = Draft {
            book_id: self.id,
            parent: Some(self.head),
            info,
            changes: vec![Change::create(made)],
            events: Vec::new(),
            idempotency: None,
        };
        let mut commit = draft.seal(&*self.ids)?;
        if with_nodes {
            commit.grow(&mut self.tree);
        }
        self.head = commit.stored.head();
        self.store.commit(Arc::new(commit)).await
    }
}

/// Runs one job as often as asked for.
pub async fn job(name: &str, options: &Options) -> Result<Vec<Run>> {
    match name {
        "commit-proofs" => commit(options).await,
        name => prove(name == "prove", options).await,
    }
}

/// Records transactions one by one with the nodes that they complete, and others without, in turns.
async fn commit(options: &Options) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for _ in 0..options.repeat {
        let (mut with, mut without) = (Book::new().await?, Book::new().await?);
        let mut seconds = [0.0, 0.0];
        let start = Instant::now();
        for turn in 0..2 * options.n.div_ceil(TURN) {
            let has_nodes = turn % 2 == 0;
            let book = if has_nodes { &mut with } else { &mut without };
            let since = Instant::now();
            for _ in 0..TURN {
                book.commit(has_nodes).await?;
            }
            if let Some(sum) = seconds.get_mut(usize::from(!has_nodes)) {
                *sum += since.elapsed().as_secs_f64();
            }
        }
        let [seconds, without_seconds] = seconds;
        let more = json!({
            "without_seconds": without_seconds, "times_without": seconds / without_seconds,
        });
        runs.push(Run { seconds, more, ..Run::new(options.n, start) });
        with.store.close().await;
        without.store.close().await;
    }
    Ok(runs)
}

/// Proves commits of a book of so many, or checks their proofs.
async fn prove(makes: bool, options: &Options) -> Result<Vec<Run>> {
    let mut book = Book::new().await?;
    for _ in 0..options.n {
        book.commit(true).await?;
    }
    let engine =
        Engine::new(Arc::clone(&book.store), Arc::new(SystemClock), Arc::new(RandomIds::new()?));
    let handle = engine.book(book.id, context()?);
    let mut random = Random::new(options.seed);
    let mut runs = Vec::new();
    for _ in 0..options.repeat {
        let mut proofs = Vec::with_capacity(options.n);
        let start = Instant::now();
        for _ in 0..options.n {
            let seq = 1 + random.below(u64::try_from(options.n).unwrap_or(1));
            proofs.push(handle.proofs().inclusion(seq.to_string(), ProofQuery::default()).await?);
        }
        let run = Run::new(options.n, start);
        let paths: Vec<Vec<Digest>> = proofs
            .iter()
            .map(|proof| proof.path.iter().map(|hash| *hash.as_bytes()).collect())
            .collect();
        let start = Instant::now();
        let good = proofs.iter().zip(&paths).filter(|(proof, path)| {
            let leaf = leaf_hash(proof.header.as_bytes());
            let (size, root) = (proof.checkpoint.size, proof.checkpoint.root);
            check_inclusion(&leaf, proof.index, size, path, root.as_bytes())
        });
        if good.count() != options.n {
            return Err(failed("a proof is not good"));
        }
        runs.push(if makes { run } else { Run::new(options.n, start) });
    }
    book.store.close().await;
    Ok(runs)
}
