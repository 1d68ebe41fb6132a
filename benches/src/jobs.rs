//! The jobs. Each makes its data before the clock starts.

use std::sync::Arc;
use std::time::Instant;

use fiscaflow_core::analytics::{BalancesQuery, SpendingQuery};
use fiscaflow_core::engine::{BookHandle, Context, Engine, NewImport};
use fiscaflow_core::import::Format;
use fiscaflow_core::model::{NewAccount, NewBook, NewCategory, NewTransaction};
use fiscaflow_core::store::{Snapshot, verify_book};
use fiscaflow_core::view::ViewBuilder;
use fiscaflow_core::{BookId, Result};
use fiscaflow_store::{RandomIds, SystemClock, open};
use serde_json::{Value, json};

use super::random::Random;
use super::{Options, bare, cpu_seconds, data, figures, learn, parse, proofs, rules};

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
    "learn",
    "predict",
    "normalise",
];

/// How many transactions a job has where nothing is said.
pub fn usual_n(name: &str) -> usize {
    let more = ["import-100k", "learn", "predict", "normalise"];
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
    pub(super) fn new(items: usize, since: Instant) -> Self {
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
            "import-100k" => import_more(options).await,
            "rules" => rules::job(options),
            "view-build" => view_build(options).await,
            "view-catch-up" => view_catch_up(options).await,
            "spending" => spending(options).await,
            "verify" => verify(options).await,
            name if proofs::JOBS.contains(&name) => proofs::job(name, options).await,
            _ => commit(options).await,
        }
    })
}

/// The database's name in its folder.
const FILE: &str = "bench.sqlite";

/// A book in a fresh SQLite file, which goes with the guard.
struct Bench {
    engine: Engine,
    book: BookHandle,
    book_id: BookId,
    url: String,
    folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Result<Self> {
        let folder = tempfile::tempdir().map_err(|_| failed("no folder"))?;
        let url = format!("sqlite:{}", folder.path().join(FILE).display());
        let engine = engine(&url).await?;
        let new = NewBook { name: "Bench".to_owned(), ..NewBook::new("EUR") };
        let book_id = engine.books(context()?).create(new).await?.id;
        let book = engine.book(book_id, context()?);
        Ok(Self { engine, book, book_id, url, folder })
    }

    /// A book that holds the data already.
    async fn filled(options: &Options) -> Result<Self> {
        let bench = Self::new().await?;
        bench.add_rules(options.rules).await?;
        for content in data::files(options.n, options.seed) {
            bench.book.imports().create(new_import(content)).await?;
        }
        Ok(bench)
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

async fn engine(url: &str) -> Result<Engine> {
    Ok(Engine::new(open(url).await?, Arc::new(SystemClock), Arc::new(RandomIds::new()?)))
}

fn context() -> Result<Context> {
    Ok(Context::new("bench".parse()?))
}

fn new_import(content: Vec<u8>) -> NewImport {
    NewImport { content, create_accounts: true, ..NewImport::default() }
}

pub(super) fn failed(text: &str) -> fiscaflow_core::Error {
    fiscaflow_core::Error::new(fiscaflow_core::ErrorCode::Internal, text)
}

/// Parse, match, categorise and commit durably to SQLite.
async fn import(options: &Options) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for _ in 0..options.repeat {
        let bench = Bench::new().await?;
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

/// A book that holds `n` transactions takes as many more: parse, match, categorise, commit durably.
/// Then the bare inserts of the same rows into an equal file.
async fn import_more(options: &Options) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for _ in 0..options.repeat {
        let bench = Bench::filled(options).await?;
        bench.engine.close().await;
        let path = bench.folder.path().join(FILE);
        let equal = bench.folder.path().join("equal.sqlite");
        std::fs::copy(&path, &equal).map_err(|_| failed("the file cannot be copied"))?;
        let engine = engine(&bench.url).await?;
        let book = engine.book(bench.book_id, context()?);
        let contents = data::more_files(options.n, options.seed);
        let (start, cpu) = (Instant::now(), cpu_seconds());
        let mut items = 0;
        for content in contents {
            let report = book.imports().create(new_import(content)).await?;
            items += usize::try_from(report.imported).unwrap_or_default();
        }
        let run = Run::new(items, start);
        let cpu = cpu_seconds().zip(cpu).map(|(now, before)| now - before);
        engine.close().await;
        let rows = bare::rows(&path, &equal)?;
        if items != options.n || rows.len() != items {
            return Err(failed("not every transaction was imported"));
        }
        let bare_cpu = cpu_seconds();
        let bare_seconds = bare::insert(&equal, &rows)?;
        let bare_cpu = cpu_seconds().zip(bare_cpu).map(|(now, before)| now - before);
        let more = json!({
            "rules": options.rules,
            "cpu_seconds": cpu,
            "bare_seconds": bare_seconds,
            "bare_cpu_seconds": bare_cpu,
            "times_bare": run.seconds / bare_seconds,
            "times_bare_cpu": cpu.zip(bare_cpu).map(|(ours, bare)| ours / bare),
        });
        runs.push(Run { more, ..run });
    }
    Ok(runs)
}

/// Open a file and build the view: the first figure of a fresh engine. Then the same without the
/// engine, told apart: reading rows, and making columns of them.
async fn view_build(options: &Options) -> Result<Vec<Run>> {
    let bench = Bench::filled(options).await?;
    let mut runs = Vec::new();
    for _ in 0..options.repeat {
        let store = open(&bench.url).await?;
        if let Some(kept) = store.snapshot(bench.book_id).await? {
            store.keep_snapshot(bench.book_id, Snapshot { bytes: Vec::new(), ..kept }).await?;
        }
        let of_rows = first_figure(&bench, options.n).await?;
        let of_snapshot = first_figure(&bench, options.n).await?;
        let (mut rows_seconds, mut add_seconds, mut after) = (0.0, 0.0, None);
        let mut builder = ViewBuilder::default();
        loop {
            let start = Instant::now();
            let rows = store.columns(bench.book_id, after, 10_000).await?;
            rows_seconds += start.elapsed().as_secs_f64();
            let Some(last) = rows.last() else { break };
            after = Some(last.id);
            let start = Instant::now();
            rows.iter().for_each(|row| builder.add(row));
            add_seconds += start.elapsed().as_secs_f64();
        }
        store.close().await;
        let start = Instant::now();
        let view = builder.build();
        let build_seconds = add_seconds + start.elapsed().as_secs_f64();
        let bytes = view.memory_bytes() as f64 / view.len().max(1) as f64;
        let more = json!({
            "rows_seconds": rows_seconds, "build_seconds": build_seconds,
            "snapshot_seconds": of_snapshot.seconds, "bytes_per_transaction": bytes,
        });
        runs.push(Run { more, ..of_rows });
    }
    Ok(runs)
}

/// The first figure of an engine that opens the file.
async fn first_figure(bench: &Bench, n: usize) -> Result<Run> {
    let engine = engine(&bench.url).await?;
    let book = engine.book(bench.book_id, context()?);
    let start = Instant::now();
    book.reports().balances(BalancesQuery::default()).await?;
    let run = Run::new(n, start);
    engine.close().await;
    Ok(run)
}

/// A whole book against its history, and the most memory that took, where the system tells it.
async fn verify(options: &Options) -> Result<Vec<Run>> {
    let bench = Bench::filled(options).await?;
    bench.engine.close().await;
    let mut runs = Vec::new();
    for _ in 0..options.repeat {
        let store = open(&bench.url).await?;
        // From here on the most is counted anew.
        drop(std::fs::write("/proc/self/clear_refs", "5"));
        let start = Instant::now();
        let found = verify_book(&*store, bench.book_id).await?;
        let run = Run::new(options.n, start);
        found.ok()?;
        let more = json!({"peak_mib": peak_mib(), "commits": found.commits});
        runs.push(Run { more, ..run });
        store.close().await;
    }
    Ok(runs)
}

/// The most memory that this process has had, in MiB.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib.div_ceil(1024))
}

/// How many rows an engine catches up with.
const NEW_ROWS: usize = 100;

/// Another engine imports some rows; the first figure after that of one whose view is there.
async fn view_catch_up(options: &Options) -> Result<Vec<Run>> {
    let bench = Bench::filled(options).await?;
    bench.book.reports().balances(BalancesQuery::default()).await?;
    let other = engine(&bench.url).await?;
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

/// Record transactions one by one, each a durable commit.
async fn commit(options: &Options) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for _ in 0..options.repeat {
        let bench = Bench::new().await?;
        let new = NewAccount { name: "Giro".to_owned(), ..NewAccount::default() };
        let account = bench.book.accounts().create(new).await?;
        let day = fiscaflow_core::parse_date("2026-03-01")?;
        let start = Instant::now();
        for _ in 0..options.n {
            let new = NewTransaction::new(account.id, day, "-2.80".parse()?);
            bench.book.transactions().create(new).await?;
        }
        runs.push(Run::new(options.n, start));
        bench.engine.close().await;
    }
    Ok(runs)
}
