//! The jobs. Each makes its data before the clock starts.

use std::sync::Arc;
use std::time::Instant;

use fiscaflow_core::analytics::{BalancesQuery, SpendingQuery};
use fiscaflow_core::engine::{BookHandle, Context, Engine, NewImport};
use fiscaflow_core::import::Format;
use fiscaflow_core::model::{NewBook, NewCategory};
use fiscaflow_core::{BookId, Result};
use fiscaflow_store::{RandomIds, SystemClock, open};
use serde_json::Value;

use super::place::{Kind, Place};
use super::random::Random;
use super::{Options, beside, data, figures, learn, parse, proofs, rules, verify};

/// Every job's name.
pub const JOBS: &[&str] = &[
    "parse-ofx",
    "parse-csv",
    "parse-camt",
    "parse-mt940",
    "parse-qif",
    "import",
    "import-100k",
    "rules",
    "rules-10",
    "rules-100",
    "rules-1000",
    "rules-10000",
    "monthly-by-category",
    "top-payees",
    "running-balance",
    "net-worth-by-day",
    "budgets",
    "dashboard",
    "view-build",
    "view-catch-up",
    "spending",
    "commit",
    "prove",
    "check-proof",
    "commit-proofs",
    "verify",
    "get",
    "page",
    "learn",
    "predict",
    "normalise",
];

/// The jobs over books in a store, which `--store` may name.
pub const STORED: &[&str] = &[
    "import",
    "import-100k",
    "view-build",
    "view-catch-up",
    "spending",
    "commit",
    "verify",
    "get",
    "page",
];

/// How many transactions a job has where nothing is said.
pub fn usual_n(name: &str) -> usize {
    if name == "commit" {
        return 1_000;
    }
    let more = ["import-100k", "get", "page", "learn", "predict", "normalise"];
    let more = more.contains(&name) || figures::JOBS.contains(&name);
    let many = name.starts_with("parse-") || name.starts_with("rules-") || more;
    if many { 100_000 } else { 10_000 }
}

/// One run's figure.
#[derive(Debug, Clone)]
pub struct Run {
    /// What was handled.
    pub items: usize,
    /// How long it took.
    pub seconds: f64,
    /// What else the job tells: an object whose members join the line.
    pub more: Value,
}

impl Run {
    pub fn new(items: usize, since: Instant) -> Self {
        Self { items, seconds: since.elapsed().as_secs_f64(), more: Value::Null }
    }
}

/// Runs a job as often as asked for.
pub fn run(name: &str, options: &Options) -> Result<Vec<Run>> {
    let format = match name {
        "parse-ofx" => Some(Format::Ofx),
        "parse-csv" => Some(Format::Csv),
        "parse-camt" => Some(Format::Camt),
        "parse-mt940" => Some(Format::Mt940),
        "parse-qif" => Some(Format::Qif),
        _ => None,
    };
    if let Some(format) = format {
        return parse::job(format, options);
    }
    if let Some(rules) = name.strip_prefix("rules-").and_then(|count| count.parse().ok()) {
        return rules::one(&Options { rules, ..options.clone() });
    }
    if figures::JOBS.contains(&name) {
        return figures::job(name, options);
    }
    match name {
        "learn" => return Ok(learn::learn(options)),
        "predict" => return Ok(learn::predict(options)),
        "normalise" => return Ok(learn::normalise(options)),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|_| failed("no runtime"))?;
    runtime.block_on(async {
        match name {
            "import" => import(options).await,
            "import-100k" => beside::import(options).await,
            "rules" => rules::job(options),
            "view-build" => beside::view_build(options).await,
            "view-catch-up" => view_catch_up(options).await,
            "spending" => spending(options).await,
            "verify" => verify::job(options).await,
            name if proofs::JOBS.contains(&name) => proofs::job(name, options).await,
            "commit" => beside::commit(options).await,
            "get" => beside::get(options).await,
            _ => beside::page(options).await,
        }
    })
}

/// A book in a fresh place, which goes with it.
pub struct Bench {
    pub engine: Engine,
    pub book: BookHandle,
    pub book_id: BookId,
    pub place: Place,
}

impl Bench {
    pub async fn new(kind: Kind) -> Result<Self> {
        let place = Place::new(kind)?;
        let engine = engine(&place.url()).await?;
        let new = NewBook { name: "Bench".to_owned(), ..NewBook::new("EUR") };
        let book_id = engine.books(context()?).create(new).await?.id;
        let book = engine.book(book_id, context()?);
        Ok(Self { engine, book, book_id, place })
    }

    /// A book that holds the data already.
    pub async fn filled(options: &Options) -> Result<Self> {
        let bench = Self::new(options.store).await?;
        bench.add_rules(options.rules).await?;
        for content in data::files(options.n, options.seed) {
            bench.book.imports().create(new_import(content)).await?;
        }
        Ok(bench)
    }

    /// The book as an engine finds it that starts now, and an equal place.
    pub async fn copied(self) -> Result<(Self, Place)> {
        self.engine.close().await;
        let equal = self.place.copy()?;
        let engine = engine(&self.place.url()).await?;
        let book = engine.book(self.book_id, context()?);
        Ok((Self { engine, book, ..self }, equal))
    }

    async fn add_rules(&self, count: usize) -> Result<()> {
        let new = NewCategory { name: "Shops".to_owned(), ..NewCategory::default() };
        let category = self.book.categories().create(new).await?;
        for rule in data::rules(count, category.id) {
            self.book.rules().create(rule).await?;
        }
        Ok(())
    }
}

pub async fn engine(url: &str) -> Result<Engine> {
    Ok(Engine::new(open(url).await?, Arc::new(SystemClock), Arc::new(RandomIds::new()?)))
}

pub fn context() -> Result<Context> {
    Ok(Context::new("bench".parse()?))
}

pub fn new_import(content: Vec<u8>) -> NewImport {
    NewImport { content, create_accounts: true, ..NewImport::default() }
}

pub fn failed(text: &str) -> fiscaflow_core::Error {
    fiscaflow_core::Error::new(fiscaflow_core::ErrorCode::Internal, text)
}

/// Parse, match, categorise and commit durably.
async fn import(options: &Options) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for _ in 0..options.repeat {
        let bench = Bench::new(options.store).await?;
        bench.add_rules(options.rules).await?;
        let files = data::files(options.n, options.seed);
        let start = Instant::now();
        let mut items = 0;
        for content in files {
            let report = bench.book.imports().create(new_import(content)).await?;
            items += usize::try_from(report.imported).unwrap_or_default();
        }
        runs.push(Run::new(items, start));
        bench.engine.close().await;
    }
    Ok(runs)
}

/// How many rows an engine catches up with.
const NEW_ROWS: usize = 100;

/// Another engine imports some rows; the first figure after that of one whose view is there.
async fn view_catch_up(options: &Options) -> Result<Vec<Run>> {
    let bench = Bench::filled(options).await?;
    bench.book.reports().balances(BalancesQuery::default()).await?;
    let other = engine(&bench.place.url()).await?;
    let book = other.book(bench.book_id, context()?);
    let mut random = Random::new(options.seed);
    let mut runs = Vec::new();
    for round in 0..options.repeat {
        let first = options.n + round * NEW_ROWS;
        let content = data::file(&mut random, first, NEW_ROWS);
        let report = book.imports().create(new_import(content)).await?;
        let start = Instant::now();
        bench.book.reports().balances(BalancesQuery::default()).await?;
        runs.push(Run::new(usize::try_from(report.imported).unwrap_or_default(), start));
    }
    Ok(runs)
}

/// Spending by category and month over everything, on a view that is there.
async fn spending(options: &Options) -> Result<Vec<Run>> {
    let bench = Bench::filled(options).await?;
    bench.book.reports().spending(SpendingQuery::default()).await?;
    let mut runs = Vec::new();
    for _ in 0..options.repeat {
        let start = Instant::now();
        let rows = bench.book.reports().spending(SpendingQuery::default()).await?;
        std::hint::black_box(rows);
        runs.push(Run::new(options.n, start));
    }
    Ok(runs)
}
