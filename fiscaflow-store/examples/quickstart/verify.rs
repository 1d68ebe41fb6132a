//! Checks every book of a database, for whoever operates it: no actor is asked for.

use std::io::{IsTerminal as _, Write};
use std::path::Path;
use std::sync::Mutex;

use fiscaflow_core::log::Verification;
use fiscaflow_core::store::{Store, VerifyPhase, VerifyProgress, verify_book_watched};
use fiscaflow_core::{BookId, Error, ErrorCode, Result};
use fiscaflow_store::open;
use serde_json::json;

use super::options::Options;
use super::{Failure, tell};

/// Books of one read.
const BOOKS: u32 = 100;

/// Whether everything fits.
pub async fn verify(
    url: &str,
    options: &Options,
    out: &mut impl Write,
) -> std::result::Result<bool, Failure> {
    check_is_there(url)?;
    let store = open(url).await?;
    let done = verify_all(&*store, options, out).await;
    store.close().await;
    done
}

/// Opening makes a file that is absent, in which everything would fit.
fn check_is_there(url: &str) -> Result<()> {
    let path = url.strip_prefix("sqlite:").map(|rest| rest.split('?').next().unwrap_or(rest));
    match path {
        Some(path) if !path.starts_with(':') && !Path::new(path).exists() => {
            Err(Error::new(ErrorCode::InvalidInput, "there is no such database").field("db"))
        }
        _ => Ok(()),
    }
}

async fn verify_all(
    store: &dyn Store,
    options: &Options,
    out: &mut impl Write,
) -> std::result::Result<bool, Failure> {
    let (mut all, mut fits) = (Vec::new(), true);
    let mut after = None;
    loop {
        let books = match options.book {
            Some(book) => vec![book],
            None => store.books(after, BOOKS).await?,
        };
        for book in &books {
            let found = watched(store, *book).await?;
            if options.book.is_some() && found.commits == 0 && found.verified {
                let text = "there is no such book";
                return Err(Error::new(ErrorCode::BookNotFound, text).id(book).into());
            }
            fits &= found.verified;
            if options.json {
                all.push(json!({"book_id": book, "verification": found}));
            } else {
                print(out, *book, &found)?;
            }
        }
        after = books.last().copied();
        if after.is_none() || options.book.is_some() {
            break;
        }
    }
    if options.json {
        writeln!(out, "{}", json!({"books": all, "verified": fits}))?;
    }
    out.flush()?;
    Ok(fits)
}

/// Checks a book and shows how far that is: on a terminal in one line, else a line a phase.
async fn watched(store: &dyn Store, book: BookId) -> Result<Verification> {
    let (terminal, last) = (std::io::stderr().is_terminal(), Mutex::new(None));
    let hear = |it: VerifyProgress| {
        let what = match it.phase {
            VerifyPhase::History => "commits",
            VerifyPhase::Rows => "transactions",
        };
        let line = format!("{book}: {} of {} {what}", it.done.min(it.total), it.total);
        let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if terminal {
            tell(&format!("\r\x1b[2K{line}"));
        } else if *last != Some(it.phase) {
            tell(&format!("{line}\n"));
        }
        *last = Some(it.phase);
    };
    let found = verify_book_watched(store, book, &hear).await;
    if terminal {
        tell("\r\x1b[2K");
    }
    found
}

fn print(out: &mut impl Write, book: BookId, found: &Verification) -> std::io::Result<()> {
    if found.verified {
        return writeln!(out, "{book}: verified, {} commits, head {}", found.commits, found.head);
    }
    if let (Some(seq), Some(problem)) = (found.broken_seq, &found.problem) {
        return writeln!(out, "{book}: the history is broken at commit {seq}: {problem}");
    }
    let count = found.finding_count;
    writeln!(out, "{book}: the history is whole, {count} of what is kept beside it do not fit")?;
    for finding in &found.findings {
        writeln!(out, "  {}", finding.problem)?;
    }
    let told = u64::try_from(found.findings.len()).unwrap_or(u64::MAX);
    match count.saturating_sub(told) {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more"),
    }
}
