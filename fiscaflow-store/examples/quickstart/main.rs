//! From a bank's statement to categories, a budget and a verified history, on an SQLite file.
//!
//! `quickstart [--db URL] [--json] [FILE...]` imports the files, or without any the statement that
//! lies beside this example, twice, to show that a file never counts twice.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

mod report;
mod starter;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use fiscaflow_core::engine::{BookHandle, Context, Engine, ImportReport, NewImport};
use fiscaflow_core::import::{Format, Problem};
use fiscaflow_core::model::NewBook;
use fiscaflow_core::{BookId, Error, ErrorCode, Result};
use fiscaflow_store::{RandomIds, SystemClock, open};

const STATEMENT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart/statements/raiffeisen-2017.csv");
/// One book in a database, found again by its id when a database is used again.
const BOOK: &str = "018f5a2c-0000-7000-8000-000000000001";
const USAGE: &str = "usage: quickstart [--db URL] [--json] [FILE...]";

/// What the command line asks for.
struct Options {
    db: Option<String>,
    json: bool,
    files: Vec<PathBuf>,
}

/// What came of one file.
struct Imported {
    path: PathBuf,
    outcome: std::result::Result<ImportReport, Problem>,
}

impl Imported {
    fn problems(&self) -> &[Problem] {
        match &self.outcome {
            Ok(report) => &report.problems,
            Err(problem) => std::slice::from_ref(problem),
        }
    }

    fn format(&self) -> Option<Format> {
        self.outcome.as_ref().ok().map(|report| report.format)
    }

    /// Whether anything could be read; a valid file without transactions was read.
    fn was_read(&self) -> bool {
        let read = |report: &ImportReport| report.imported + report.duplicates > 0;
        self.problems().is_empty() || self.outcome.as_ref().is_ok_and(read)
    }
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(text) => {
            eprintln!("{text}\n{USAGE}");
            return ExitCode::from(64);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&options)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}: {error}", error.code());
            ExitCode::FAILURE
        }
    }
}

fn options(arguments: impl Iterator<Item = String>) -> std::result::Result<Options, String> {
    let mut options = Options { db: None, json: false, files: Vec::new() };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => options.json = true,
            "--db" => options.db = Some(arguments.next().ok_or("`--db` needs a URL")?),
            flag if flag.starts_with("--") => return Err(format!("unknown option `{flag}`")),
            file => options.files.push(PathBuf::from(file)),
        }
    }
    Ok(options)
}

async fn run(options: &Options) -> Result<ExitCode> {
    let url = match &options.db {
        Some(url) => url.clone(),
        None => format!("sqlite:{}", fresh_database()?.display()),
    };
    let engine = Engine::new(open(&url).await?, Arc::new(SystemClock), Arc::new(RandomIds::new()?));
    let book = home(&engine).await?;
    starter::set_up(&book).await?;

    let shipped = [PathBuf::from(STATEMENT), PathBuf::from(STATEMENT)];
    let files = if options.files.is_empty() { &shipped[..] } else { &options.files[..] };
    let mut imported = Vec::with_capacity(files.len());
    for path in files {
        imported.push(Imported { path: path.clone(), outcome: import(&book, path).await });
    }
    let verification = book.history().verify().await?;
    if options.json {
        println!("{}", report::json(&imported, &verification));
    } else {
        report::print(&book, &url, &imported, &verification).await?;
    }
    engine.close().await;
    verification.ok()?;
    let all_read = imported.iter().all(Imported::was_read);
    Ok(if all_read { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// The book of this database, made when it is not there yet.
async fn home(engine: &Engine) -> Result<BookHandle> {
    let context = Context::new("quickstart".parse()?);
    let id: BookId = BOOK.parse()?;
    let new = NewBook { id: Some(id), name: "Home".to_owned(), ..NewBook::new("EUR") };
    engine.books(context.clone()).create(new).await?;
    Ok(engine.book(id, context))
}

async fn import(book: &BookHandle, path: &Path) -> std::result::Result<ImportReport, Problem> {
    let problem = |error: &Error| Problem {
        code: error.code(),
        message: error.message().to_owned(),
        line: error.at_line(),
        field: error.at_field().map(str::to_owned),
    };
    let content = std::fs::read(path).map_err(|error| {
        let text = format!("the file cannot be opened: {}", error.kind());
        problem(&Error::new(ErrorCode::InvalidInput, text).field("path"))
    })?;
    let new = NewImport {
        content,
        file_name: path.file_name().map(|name| name.to_string_lossy().into_owned()),
        create_accounts: true,
        partial: true,
        ..NewImport::default()
    };
    book.imports().create(new).await.map_err(|error| problem(&error))
}

/// A new database beside the directory that cargo builds in.
fn fresh_database() -> Result<PathBuf> {
    let failed = |_| Error::new(ErrorCode::StoreUnavailable, "no place for the database");
    let program = std::env::current_exe().map_err(failed)?;
    let target =
        program.ancestors().find(|path| path.ends_with("release") || path.ends_with("debug"));
    let beside = target.and_then(Path::parent).and_then(Path::parent);
    let directory = beside.map_or_else(std::env::temp_dir, Path::to_path_buf);
    let path = directory.join("fiscaflow-quickstart.sqlite");
    for suffix in ["", "-wal", "-shm"] {
        let mut old = path.clone().into_os_string();
        old.push(suffix);
        match std::fs::remove_file(&old) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => {}
        }
    }
    Ok(path)
}
