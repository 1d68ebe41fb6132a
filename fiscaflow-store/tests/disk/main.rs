//! Disks that fail under a working process: the power goes, a call fails, there is no space.
//!
//! The disk is [`fs::Disk`], in this process; who works on it is this test program, started anew
//! with an order in its environment, which says on a pipe what is done and what failed.

#![cfg(all(feature = "sqlite", target_os = "linux"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests report by panicking"
)]

mod errors;
mod fs;
#[path = "../household/mod.rs"]
mod household;
mod power;
#[path = "../../../fiscaflow-core/tests/shared/mod.rs"]
mod shared;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use fiscaflow_core::Result;

use household::Household;

/// Carries the child's order: how it works, a seed, the first operation, where to end, and a URL.
const CHILD: &str = "FISCAFLOW_TEST_DISK";
/// The database's name on the disk.
const NAME: &str = "books.db";
/// How often a child tries again what failed, at most.
const TRIES: u32 = 8;

fn is_deep() -> bool {
    std::env::var_os("FISCAFLOW_DEEP").is_some()
}

/// Whether a file system can be mounted here: containers often lack the device or the right to.
/// Where not the calling test is skipped; whoever asks for the long tests has to be able to.
fn can_mount() -> bool {
    let place = tempfile::tempdir().unwrap();
    let mounted = fs::Disk::new(fs::Fault::None).try_mount(place.path());
    match mounted {
        Ok(session) => fs::Disk::unmount(session),
        Err(error) => {
            assert!(!is_deep(), "these tests mount a file system: {error}");
            shared::skip("no file system can be mounted here");
            return false;
        }
    }
    true
}

/// One write, so that nothing is ever read in halves.
fn say(what: &str) {
    std::io::stderr().write_all(format!("{what}\n").as_bytes()).unwrap();
}

/// The database in a directory.
fn url(dir: &Path) -> String {
    format!("sqlite:{}", dir.join(NAME).display())
}

/// How a child works.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Manner {
    /// Ends at the first failure.
    Once,
    /// The same, without waiting for the disk.
    Hasty,
    /// Tries again what failed, in the same process, when it is told to go on.
    Stubborn,
}

fn start(manner: Manner, seed: u64, operations: std::ops::Range<u64>, at: &Path) -> Worker {
    let (first, end, url) = (operations.start, operations.end, url(at));
    let hasty = if manner == Manner::Hasty { "?durability=may_lose_last_commits" } else { "" };
    let order = format!("{manner:?} {seed} {first} {end} {url}{hasty}");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "works_on_a_disk"])
        .env(CHILD, order)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    Worker { child, lines }
}

/// A child and what it says.
struct Worker {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStderr>>,
}

impl Worker {
    /// The next thing it says, as words; `None` once it has ended.
    fn says(&mut self) -> Option<Vec<String>> {
        let line = self.lines.next()?.unwrap();
        Some(line.split(' ').map(str::to_owned).collect())
    }

    /// Has it try again.
    fn go_on(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    fn end(mut self) {
        assert_eq!(self.says(), None);
        self.child.wait().unwrap();
    }
}

/// No test of its own: what a child does.
#[test]
fn works_on_a_disk() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().unwrap().block_on(work(&order));
    // What still hangs about holds files of a disk that is gone.
    std::process::exit(0);
}

async fn work(order: &str) {
    let parts: Vec<&str> = order.splitn(5, ' ').collect();
    let manner = match parts[0] {
        "Once" => Manner::Once,
        "Hasty" => Manner::Hasty,
        _ => Manner::Stubborn,
    };
    let number = |part: &str| part.parse::<u64>().unwrap();
    let (seed, url) = (number(parts[1]), parts[4]);
    let Some(household) = again(manner, "open", async || Household::open(url, seed).await).await
    else {
        return;
    };
    for number in number(parts[2])..number(parts[3]) {
        let what = number.to_string();
        if again(manner, &what, async || household.attempt(number).await).await.is_none() {
            return;
        }
    }
    household.engine.close().await;
}

/// Does something until it is done, and says so; nothing is left once it is given up.
async fn again<T>(
    manner: Manner,
    what: &str,
    mut does: impl AsyncFnMut() -> Result<T>,
) -> Option<T> {
    for _ in 0..TRIES {
        match does().await {
            Ok(done) => {
                say(&format!("done {what}"));
                return Some(done);
            }
            Err(error) => say(&format!("failed {what} {}", error.code())),
        }
        if manner != Manner::Stubborn {
            return None;
        }
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }
    None
}
