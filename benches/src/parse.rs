//! Reading files, each run in a process of its own: what an earlier run left in the allocator would
//! hide what a reader needs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use fiscaflow_core::import::{Format, ParseOptions, parse};
use fiscaflow_core::{Amount, Result};
use serde_json::{Value, json};

use super::jobs::{Run, failed};
use super::{Options, cpu_seconds, of_child, status_bytes, written};

/// What the program is called with to be such a process; not for people.
pub const CHILD: &str = "parse-files";

/// Reads files of a format that together hold the transactions asked for.
pub fn job(format: Format, options: &Options) -> Result<Vec<Run>> {
    let folder = tempfile::tempdir().map_err(|_| failed("no folder"))?;
    let paths = match &options.folder {
        Some(data) => written::found(data, format)?,
        None => written::statements(folder.path(), format, options.n, options.seed)?,
    };
    (0..options.repeat).map(|_| in_child(format, &paths, options.n)).collect()
}

fn in_child(format: Format, paths: &[PathBuf], n: usize) -> Result<Run> {
    let paths_of = paths.iter().map(|path| path.as_os_str());
    let told = of_child(std::iter::once(OsStr::new(CHILD)).chain(paths_of))?;
    let whole = |name: &str| told.get(name).and_then(Value::as_u64).unwrap_or_default();
    let items = usize::try_from(whole("items")).unwrap_or_default();
    let read = told.get("format").and_then(Value::as_str);
    if items != n || whole("problems") > 0 || read != Some(format.as_str()) {
        return Err(failed(&format!("not everything was read: {told}")));
    }
    let seconds = told.get("seconds").and_then(Value::as_f64).unwrap_or_default();
    let bytes = whole("bytes");
    let more = json!({
        "bytes": bytes,
        "megabytes_per_second": bytes as f64 / 1e6 / seconds,
        "cpu_seconds": told.get("cpu_seconds"),
        // The most that was resident while reading, above what was before: program and files.
        "peak_bytes": told.get("peak_bytes"),
        "files": paths.len(),
        "file_bytes": whole("file_bytes"),
        "sum": told.get("sum"),
    });
    Ok(Run { items, seconds, more })
}

/// What the second process does: read the files into memory, then parse one after the other. The
/// sum of the amounts is no part of the time: it is there to be compared with other readers'.
pub fn child(paths: &[String]) -> Result<Value> {
    let read =
        |path: &String| std::fs::read(Path::new(path)).map_err(|_| failed("a file cannot be read"));
    let files: Vec<Vec<u8>> = paths.iter().map(read).collect::<Result<_>>()?;
    let before = status_bytes("VmRSS:");
    let (mut items, mut problems, mut format) = (0_usize, 0, None);
    let (mut sum, mut watch) = (Amount::ZERO, Watch::default());
    for file in &files {
        let parsed = watch.time(|| parse(file, &ParseOptions::default()))?;
        problems += parsed.problems.len();
        format = Some(parsed.format.as_str());
        for row in parsed.statements.iter().flat_map(|it| it.rows.iter()) {
            items += 1;
            sum = sum.checked_add(row.amount)?;
        }
        watch.time(|| drop(std::hint::black_box(parsed)));
    }
    let peak = status_bytes("VmHWM:").zip(before).map(|(peak, before)| peak.saturating_sub(before));
    Ok(json!({
        "items": items,
        "sum": sum,
        "problems": problems,
        "format": format,
        "seconds": watch.seconds,
        "cpu_seconds": watch.cpu_seconds,
        "peak_bytes": peak,
        "bytes": files.iter().map(Vec::len).sum::<usize>(),
        "file_bytes": files.iter().map(Vec::len).max(),
    }))
}

/// Adds up the time of what is timed; what lies between does not count.
#[derive(Default)]
struct Watch {
    seconds: f64,
    cpu_seconds: f64,
}

impl Watch {
    fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (start, before) = (Instant::now(), cpu_seconds());
        let done = work();
        self.seconds += start.elapsed().as_secs_f64();
        let cpu = cpu_seconds().zip(before).map(|(now, before)| now - before);
        self.cpu_seconds += cpu.unwrap_or_default();
        done
    }
}
