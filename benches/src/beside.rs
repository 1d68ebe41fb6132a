//! The jobs that stand beside the bare driver, over a book in either store. Ours and the driver
//! take turns, so that what else the machine does meets both alike; each line tells the ratio.

use std::time::Instant;

use chrono::NaiveDate;
use fiscaflow_core::analytics::BalancesQuery;
use fiscaflow_core::model::{NewAccount, NewTransaction};
use fiscaflow_core::store::{Snapshot, TransactionQuery};
use fiscaflow_core::view::ViewBuilder;
use fiscaflow_core::{AccountId, Result, TransactionId};
use fiscaflow_store::open;
use serde_json::json;

use super::jobs::{Bench, Run, context, engine, failed, new_import};
use super::random::Random;
use super::{Options, bare, cpu_seconds, data};

/// How many transactions or pages are asked for in a turn.
const READS: usize = 1_000;

/// A turn of each; what a rate of ours is of the driver's.
fn run(items: usize, seconds: f64, bare_seconds: f64) -> Run {
    let more = json!({"bare_seconds": bare_seconds, "of_bare": bare_seconds / seconds});
    Run { items, seconds, more }
}

/// A book that holds `n` transactions takes as many more: parse, match, categorise, commit durably.
/// Then the bare inserts of the same rows into an equal place.
pub async fn import(options: &Options) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for _ in 0..options.repeat {
        let (bench, equal) = Bench::filled(options).await?.copied().await?;
        let contents = data::more_files(options.n, options.seed);
        bench.place.settle();
        equal.settle();
        let (start, cpu) = (Instant::now(), cpu_seconds());
        let mut items = 0;
        for content in contents {
            let report = bench.book.imports().create(new_import(content)).await?;
            items += usize::try_from(report.imported).unwrap_or_default();
        }
        let run = Run::new(items, start);
        let cpu = cpu_seconds().zip(cpu).map(|(now, before)| now - before);
        bench.engine.close().await;
        let rows = bare::Rows::of(&bench.place, &equal).await?;
        if items != options.n || rows.len() != items {
            return Err(failed("not every transaction was imported"));
        }
        bench.place.settle();
        let bare_cpu = cpu_seconds();
        let bare_seconds = rows.insert(&equal).await?;
        let bare_cpu = cpu_seconds().zip(bare_cpu).map(|(now, before)| now - before);
        // A server's time on a processor is none of ours.
        let times_cpu = cpu.zip(bare_cpu).map(|(ours, bare)| ours / bare);
        let more = json!({
            "rules": options.rules,
            "cpu_seconds": cpu,
            "bare_seconds": bare_seconds,
            "bare_cpu_seconds": bare_cpu,
            "times_bare": run.seconds / bare_seconds,
            "times_bare_cpu": times_cpu.filter(|_| options.store.is_in_process()),
        });
        runs.push(Run { more, ..run });
    }
    Ok(runs)
}

/// Record transactions one by one, each a durable commit, beside rows that are inserted one by one
/// into an equal place.
pub async fn commit(options: &Options) -> Result<Vec<Run>> {
    let bench = Bench::new(options.store).await?;
    let new = NewAccount { name: "Giro".to_owned(), ..NewAccount::default() };
    let account = bench.book.accounts().create(new).await?;
    let day = fiscaflow_core::parse_date("2026-03-01")?;
    let new = NewTransaction::new(account.id, day, "-2.80".parse()?);
    bench.book.transactions().create(new.clone()).await?;
    let (bench, equal) = bench.copied().await?;
    let mut writer = bare::Writer::open(&equal).await?;
    let mut runs = Vec::new();
    for turn in 0..=options.repeat {
        let start = Instant::now();
        for _ in 0..options.n {
            bench.book.transactions().create(new.clone()).await?;
        }
        let seconds = start.elapsed().as_secs_f64();
        let bare_seconds = writer.commits(options.n).await?;
        // The first turn prepares statements.
        if turn > 0 {
            runs.push(run(options.n, seconds, bare_seconds));
        }
    }
    bench.engine.close().await;
    Ok(runs)
}

/// Transactions by their ids, one by one, out of `n`.
pub async fn get(options: &Options) -> Result<Vec<Run>> {
    let reading = Reading::new(options).await?;
    let mut random = Random::new(options.seed);
    let mut reader = bare::Reader::open(&reading.bench.place, reading.bench.book_id).await?;
    let transactions = reading.bench.book.transactions();
    let mut runs = Vec::new();
    for turn in 0..=options.repeat {
        let ids: Vec<_> = (0..READS).filter_map(|_| reading.pick(&mut random)).collect();
        let ids: Vec<TransactionId> = ids.into_iter().map(|(id, _)| id).collect();
        let (start, mut sum) = (Instant::now(), 0);
        for id in &ids {
            sum += transactions.get(*id).await?.amount.minor();
        }
        std::hint::black_box(sum);
        let seconds = start.elapsed().as_secs_f64();
        let bare_seconds = reader.gets(&ids).await?;
        if turn > 0 {
            runs.push(run(ids.len(), seconds, bare_seconds));
        }
    }
    reading.bench.engine.close().await;
    Ok(runs)
}

/// Pages of 20 of an account, newest first, each from some day back, out of `n`.
pub async fn page(options: &Options) -> Result<Vec<Run>> {
    let reading = Reading::new(options).await?;
    let mut random = Random::new(options.seed);
    let mut reader = bare::Reader::open(&reading.bench.place, reading.bench.book_id).await?;
    let transactions = reading.bench.book.transactions();
    let mut runs = Vec::new();
    for turn in 0..=options.repeat {
        let days: Vec<_> = (0..READS).filter_map(|_| reading.pick(&mut random)).collect();
        let days: Vec<NaiveDate> = days.into_iter().map(|(_, day)| day).collect();
        let (start, mut sum) = (Instant::now(), 0);
        for day in &days {
            let query = TransactionQuery {
                account_id: Some(reading.account),
                to: Some(*day),
                limit: Some(20),
                ..TransactionQuery::default()
            };
            let page = transactions.list(query).await?;
            sum += page.items.iter().map(|it| it.amount.minor()).sum::<i64>();
        }
        std::hint::black_box(sum);
        let seconds = start.elapsed().as_secs_f64();
        let bare_seconds = reader.pages(reading.account, &days).await?;
        if turn > 0 {
            runs.push(run(days.len(), seconds, bare_seconds));
        }
    }
    reading.bench.engine.close().await;
    Ok(runs)
}

/// A full book that is only read.
struct Reading {
    bench: Bench,
    account: AccountId,
    rows: Vec<(TransactionId, NaiveDate)>,
}

impl Reading {
    async fn new(options: &Options) -> Result<Self> {
        let bench = Bench::filled(options).await?;
        bench.place.settle();
        let store = open(&bench.place.url()).await?;
        let (mut account, mut rows) = (None, Vec::with_capacity(options.n));
        loop {
            let after = rows.last().map(|(id, _)| *id);
            let page = store.columns(bench.book_id, after, 10_000).await?;
            let Some(first) = page.first() else { break };
            account = account.or(Some(first.account_id));
            rows.extend(page.iter().map(|row| (row.id, row.booking_date)));
        }
        store.close().await;
        let account = account.ok_or_else(|| failed("no transaction"))?;
        Ok(Self { bench, account, rows })
    }

    /// One of its transactions.
    fn pick(&self, random: &mut Random) -> Option<(TransactionId, NaiveDate)> {
        let place = random.below(u64::try_from(self.rows.len()).ok()?);
        self.rows.get(usize::try_from(place).ok()?).copied()
    }
}

/// Open the store and build the view: the first figure of a fresh engine. Then the same without the
/// engine, told apart: reading rows, and making columns of them; and the driver reading the same
/// columns.
pub async fn view_build(options: &Options) -> Result<Vec<Run>> {
    let bench = Bench::filled(options).await?;
    bench.place.settle();
    let mut runs = Vec::new();
    for _ in 0..options.repeat {
        let store = open(&bench.place.url()).await?;
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
        let bare_seconds = bare::columns(&bench.place, bench.book_id).await?;
        let more = json!({
            "bare_seconds": bare_seconds, "of_bare": bare_seconds / of_rows.seconds,
            "rows_seconds": rows_seconds, "build_seconds": build_seconds,
            "snapshot_seconds": of_snapshot.seconds, "bytes_per_transaction": bytes,
        });
        runs.push(Run { more, ..of_rows });
    }
    Ok(runs)
}

/// The first figure of an engine that opens the file.
async fn first_figure(bench: &Bench, n: usize) -> Result<Run> {
    let engine = engine(&bench.place.url()).await?;
    let book = engine.book(bench.book_id, context()?);
    let start = Instant::now();
    book.reports().balances(BalancesQuery::default()).await?;
    let run = Run::new(n, start);
    engine.close().await;
    Ok(run)
}
