//! From a bank's statement to categories, a budget and a verified history, on an SQLite file.
//!
//! `quickstart verify --db URL` checks every book of a database.
//! `quickstart [OPTION...] [FILE...]` imports the files, or without any the statement that
//! lies beside this example, twice, to show that a file never counts twice.

mod options;
mod report;
mod starter;
mod verify;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use fiscaflow_core::engine::{BookHandle, Context, Engine, ImportReport, NewImport};
use fiscaflow_core::import::{DateOrder, Format, MAX_FILE_BYTES, Problem};
use fiscaflow_core::log::Verification;
use fiscaflow_core::model::NewBook;
use fiscaflow_core::store::Store;
use fiscaflow_core::{BookId, Clock as _, Error, ErrorCode, IdSource as _, Result};
use fiscaflow_store::{Durability, RandomIds, SqliteStore, SystemClock, open};

use options::Options;

const STATEMENT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart/statements/raiffeisen-2017.csv");
/// One book in a database, found again by its id when a database is used again.
const BOOK: &str = "018f5a2c-0000-7000-8000-000000000001";
/// The code for a command line that is not understood, as in BSD's `sysexits.h`.
const EX_USAGE: u8 = 64;

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

/// Why the program could not do what it was asked.
enum Failure {
    /// The engine's answer.
    Engine(Error),
    /// Nobody reads the report, or it could not be written.
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

fn main() -> ExitCode {
    let options = match options::parse(std::env::args_os().skip(1)) {
        Ok(options) => options,
        Err(text) => {
            tell(&format!("{text}\n\n{}", options::USAGE));
            return ExitCode::from(EX_USAGE);
        }
    };
    let done = if options.help { help() } else { run(&options) };
    match done {
        Ok(code) => code,
        // Whoever reads the report has seen enough, as `head` has.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failure::Output(error)) => {
            tell(&format!("the report cannot be written: {error}\n"));
            ExitCode::FAILURE
        }
        Err(Failure::Engine(error)) => {
            tell(&format!("{}: {}\n", error.code(), error.message()));
            ExitCode::FAILURE
        }
    }
}

/// Writes for people who look at standard error; that nobody does is no reason to fail.
fn tell(text: &str) {
    _ = io::stderr().write_all(text.as_bytes());
}

fn help() -> std::result::Result<ExitCode, Failure> {
    io::stdout().lock().write_all(options::USAGE.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn run(options: &Options) -> std::result::Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|_| Error::new(ErrorCode::Internal, "no runtime"))?;
    let mut out = io::stdout().lock();
    if let (true, Some(url)) = (options.verify, &options.db) {
        let done = runtime.block_on(verify::verify(url, options, &mut out));
        if let (true, Err(Failure::Engine(error))) = (options.json, &done) {
            writeln!(out, "{}", report::error(error))?;
        }
        return Ok(if done? { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let done = runtime.block_on(import_all(options, &mut out));
    if let (true, Err(Failure::Engine(error))) = (options.json, &done) {
        writeln!(out, "{}", report::error(error))?;
    }
    let (imported, verification) = done?;
    if verification.problem.is_some() {
        tell("the history does not verify\n");
        return Ok(ExitCode::FAILURE);
    }
    let all_read = imported.iter().all(Imported::was_read);
    Ok(if all_read { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

async fn import_all(
    options: &Options,
    out: &mut impl Write,
) -> std::result::Result<(Vec<Imported>, Verification), Failure> {
    let ids = RandomIds::new()?;
    let (store, place): (Arc<dyn Store>, String) = match &options.db {
        Some(url) => (open(url).await?, url.clone()),
        None => {
            let path = fresh_database(&ids)?;
            let store = SqliteStore::open(&path, Durability::Full).await?;
            (Arc::new(store), path.display().to_string())
        }
    };
    let engine = Engine::new(store, Arc::new(SystemClock), Arc::new(ids));
    let done = import_into(&engine, &place, options, out).await;
    engine.close().await;
    done
}

async fn import_into(
    engine: &Engine,
    place: &str,
    options: &Options,
    out: &mut impl Write,
) -> std::result::Result<(Vec<Imported>, Verification), Failure> {
    let book = home(engine).await?;
    starter::set_up(&book).await?;
    let shipped = [PathBuf::from(STATEMENT), PathBuf::from(STATEMENT)];
    let files = if options.files.is_empty() { &shipped[..] } else { &options.files[..] };
    let mut imported = Vec::with_capacity(files.len());
    for path in files {
        let outcome = import(&book, path, options.date_order).await;
        imported.push(Imported { path: path.clone(), outcome });
    }
    let verification = book.history().verify().await?;
    if options.json {
        writeln!(out, "{}", report::json(&imported, &verification))?;
    } else {
        report::print(out, &book, place, &imported, &verification).await?;
    }
    Ok((imported, verification))
}

/// The book of this database, made when it is not there yet.
async fn home(engine: &Engine) -> Result<BookHandle> {
    let context = Context::new("quickstart".parse()?);
    let id: BookId = BOOK.parse()?;
    let new = NewBook { id: Some(id), name: "Home".to_owned(), ..NewBook::new("EUR") };
    engine.books(context.clone()).create(new).await?;
    Ok(engine.book(id, context))
}

async fn import(
    book: &BookHandle,
    path: &Path,
    date_order: Option<DateOrder>,
) -> std::result::Result<ImportReport, Problem> {
    let content = content(path).map_err(|error| problem(&error))?;
    let new = NewImport {
        content,
        file_name: path.file_name().map(|name| name.to_string_lossy().into_owned()),
        date_order,
        create_accounts: true,
        partial: true,
        ..NewImport::default()
    };
    book.imports().create(new).await.map_err(|error| problem(&error))
}

/// The bytes of a file; of one that is too large, or never ends, enough for the engine to say so.
fn content(path: &Path) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let enough = MAX_FILE_BYTES as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(enough).read_to_end(&mut content));
    read.map_err(|error| {
        let text = match error.kind() {
            io::ErrorKind::NotFound => "no such file".to_owned(),
            kind => format!("the file cannot be opened: {kind}"),
        };
        Error::new(ErrorCode::InvalidInput, text).field("path")
    })?;
    Ok(content)
}

fn problem(error: &Error) -> Problem {
    Problem {
        code: error.code(),
        message: error.message().to_owned(),
        line: error.at_line(),
        field: error.at_field().map(str::to_owned),
    }
}

/// A path that nothing has, in the directory that cargo builds in. Nothing is ever deleted there:
/// somebody may still look at the database of an earlier run.
fn fresh_database(ids: &RandomIds) -> Result<PathBuf> {
    let failed = |_| Error::new(ErrorCode::StoreUnavailable, "no place for the database");
    let name = format!("quickstart-{}.sqlite", ids.uuid(SystemClock.now()));
    let program = std::env::current_exe().map_err(failed)?;
    // Cargo puts this program in `target/PROFILE/examples`.
    let examples = program.parent().filter(|folder| folder.ends_with("examples"));
    let Some(target) = examples.and_then(Path::parent).and_then(Path::parent) else {
        return Ok(std::env::temp_dir().join(name));
    };
    let folder = target.join("quickstart");
    std::fs::create_dir_all(&folder).map_err(failed)?;
    Ok(folder.join(name))
}
