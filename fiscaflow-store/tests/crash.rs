//! Death at any moment: a process that imports and writes is killed, again and again, and whatever
//! it had acknowledged is there once, as a whole, and so is whatever else is there.
//!
//! The child is this test program, started anew with an order in its environment. It says on a
//! pipe what is done; the parent kills it at a moment that a seed decides, opens the file and
//! compares it with what was said.

#![cfg(all(feature = "sqlite", unix))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests report by panicking"
)]

mod household;

use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use fiscaflow_core::conformance::Random;

use household::{Household, Operation, check, check_effects, operation};

/// Carries the child's order: a seed, the number of the first operation, and a URL.
const CHILD: &str = "FISCAFLOW_TEST_CRASH";
/// After so many kills a fresh file is taken, so that checking everything stays quick.
const KILLS_OF_A_FILE: u64 = 10;

/// How often a process is killed.
fn kills() -> u64 {
    if std::env::var_os("FISCAFLOW_DEEP").is_some() { 2_000 } else { 300 }
}

/// Works until it is killed; never returns.
async fn work(order: &str) -> ! {
    let mut parts = order.splitn(3, ' ');
    let mut next = || parts.next().expect("an order has three parts");
    let (seed, first, url) = (next().parse().unwrap(), next().parse().unwrap(), next());
    let household = Household::open(url, seed).await.expect("the store opens");
    for number in first.. {
        household.perform(number).await;
        // One write, so that an acknowledgement is never read in halves.
        std::io::stderr().write_all(format!("done {number}\n").as_bytes()).unwrap();
    }
    unreachable!("numbers do not end")
}

fn start(url: &str, seed: u64, first: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "what_was_acknowledged_survives_every_kill"])
        .env(CHILD, format!("{seed} {first} {url}"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Starts a child, kills it at a moment that chance decides, and returns how many operations are
/// acknowledged.
fn kill_one(url: &str, seed: u64, first: u64, random: &mut Random) -> u64 {
    let mut child = start(url, seed, first);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut acknowledged = first;
    let mut read = |line: String| {
        assert_eq!(line, format!("done {acknowledged}"), "the child of {seed} fails");
        acknowledged += 1;
    };
    for _ in 0..random.below(7) {
        read(lines.next().expect("a child works until it is killed").unwrap());
    }
    // Some moment of the operation that is under way: opening, deciding, writing, syncing. To yield
    // would take as long as others keep the machine busy, which has no bound.
    for _ in 0..random.below(if first == 0 { 1_200_000 } else { 200_000 }) {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "{status:?}");
    // What it said before it died counts too.
    lines.for_each(|line| read(line.unwrap()));
    acknowledged
}

/// Kills children on one file after the other; returns kills, operations, and operations that were
/// made but not acknowledged.
fn kill_many(kills: u64, worker: u64, dir: PathBuf) -> [u64; 3] {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut random = Random::new(worker);
    let mut totals = [0; 3];
    let mut done = 0;
    for kill in 0..kills {
        let seed = 1_000 * (worker + 1) + kill / KILLS_OF_A_FILE;
        let url = format!("sqlite:{}", dir.join(format!("{seed}.db")).display());
        if kill % KILLS_OF_A_FILE == 0 {
            done = 0;
        }
        let acknowledged = kill_one(&url, seed, done, &mut random);
        runtime.block_on(async {
            let household = Household::open(&url, seed).await.unwrap();
            let survived = check(&household, acknowledged).await;
            // Whoever got no answer asks again, and there is still one effect.
            let in_doubt = acknowledged;
            if survived == acknowledged || !matches!(operation(seed, in_doubt), Operation::Edit(_))
            {
                household.perform(in_doubt).await;
            }
            let now = in_doubt + 1;
            let head = household.store.head(household.book_id()).await.unwrap();
            assert_eq!(head.map(|head| head.seq), Some(now), "operation {in_doubt} has one effect");
            check_effects(&household, now).await;
            household.engine.close().await;
            totals[0] += 1;
            totals[1] += now - done;
            totals[2] += survived - acknowledged;
            done = now;
        });
    }
    totals
}

#[test]
fn what_was_acknowledged_survives_every_kill() {
    // Holds: over hundreds of kills (SIGKILL) nothing acknowledged is lost, nothing is doubled, no
    // commit is there in part, the history verifies, figures are those of the rows, and a repeated
    // request has one effect.
    if let Ok(order) = std::env::var(CHILD) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(work(&order));
    }
    let dir = tempfile::tempdir().unwrap();
    let half = kills() / 2;
    let totals = std::thread::scope(|scope| {
        let workers = [0, 1].map(|worker| {
            let dir = dir.path().to_owned();
            scope.spawn(move || kill_many(half, worker, dir))
        });
        workers.map(|worker| worker.join().unwrap())
    });
    let [killed, operations, unacknowledged] =
        [0, 1, 2].map(|which| totals.iter().map(|total| total[which]).sum::<u64>());
    assert_eq!(killed, kills());
    println!("{killed} kills, {operations} operations, {unacknowledged} made but not acknowledged");
    assert!(operations > killed, "children came to work: {operations} operations");
    // A harness whose kills never fall between a commit and its acknowledgement tests little.
    assert!(
        unacknowledged > killed / 100,
        "{unacknowledged} of {killed} kills fell after a commit"
    );
}
