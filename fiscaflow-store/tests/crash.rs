//! Death at any moment: a process that imports and writes is killed, again and again, and whatever
//! it had acknowledged is there once, as a whole, and so is whatever else is there.
//!
//! The child is this test program, started anew with an order in its environment. It says on a
//! pipe what is done; the parent kills it at a moment that a seed decides, opens the store and
//! compares it with what was said. On PostgreSQL the server lives on, or is the one that is killed.

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
#[cfg(feature = "postgres")]
mod shared;

use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use fiscaflow_core::conformance::Random;

use household::{Household, Operation, check, check_effects, operation};

/// Carries the child's order: a seed, the number of the first operation, and a URL.
const CHILD: &str = "FISCAFLOW_TEST_CRASH";
/// After so many kills a fresh database is taken, so that checking everything stays quick.
const KILLS_OF_A_DATABASE: u64 = 10;

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

/// Where the books of a worker lie.
trait Place {
    /// The URL of a fresh database.
    fn fresh(&mut self, seed: u64) -> String;

    /// Waits until nothing is left of a child that was killed.
    fn settle(&self) {}
}

impl Place for tempfile::TempDir {
    fn fresh(&mut self, seed: u64) -> String {
        format!("sqlite:{}", self.path().join(format!("{seed}.db")).display())
    }
}

/// Kills children on one database after the other; returns kills, operations, and operations that
/// were made but not acknowledged.
fn kill_many(kills: u64, worker: u64, mut place: impl Place) -> [u64; 3] {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut random = Random::new(worker);
    let mut totals = [0; 3];
    let mut done = 0;
    let mut url = String::new();
    for kill in 0..kills {
        let seed = 1_000 * (worker + 1) + kill / KILLS_OF_A_DATABASE;
        if kill % KILLS_OF_A_DATABASE == 0 {
            done = 0;
            url = place.fresh(seed);
        }
        let acknowledged = kill_one(&url, seed, done, &mut random);
        place.settle();
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
    let totals = in_two(kills(), || tempfile::tempdir().unwrap());
    tell(kills(), totals);
}

/// Has two workers kill half as often each; adds up what they return.
fn in_two<P: Place>(kills: u64, place: impl Fn() -> P + Sync) -> [u64; 3] {
    let totals = std::thread::scope(|scope| {
        let workers = [0, 1].map(|worker| {
            let place = &place;
            scope.spawn(move || kill_many(kills / 2, worker, place()))
        });
        workers.map(|worker| worker.join().unwrap())
    });
    [0, 1, 2].map(|which| totals.iter().map(|total| total[which]).sum::<u64>())
}

/// Says how it went, and fails where the kills tested little.
fn tell(kills: u64, [killed, operations, unacknowledged]: [u64; 3]) {
    assert_eq!(killed, kills);
    println!("{killed} kills, {operations} operations, {unacknowledged} made but not acknowledged");
    assert!(operations > killed, "children came to work: {operations} operations");
    // A harness whose kills never fall between a commit and its acknowledgement tests little.
    assert!(
        unacknowledged > killed / 100,
        "{unacknowledged} of {killed} kills fell after a commit"
    );
}

#[cfg(feature = "postgres")]
mod on_postgres {
    //! The same on PostgreSQL.

    use std::time::{Duration, Instant};

    use fiscaflow_core::ErrorCode;

    use super::shared::postgres::{Database, TestPg, database, query};
    use super::*;

    fn kills(ordinary: u64) -> u64 {
        if std::env::var_os("FISCAFLOW_DEEP").is_some() { 500 } else { ordinary }
    }

    impl Place for Option<Database> {
        fn fresh(&mut self, _seed: u64) -> String {
            self.insert(database()).url.clone()
        }

        fn settle(&self) {
            // The server ends what it was asked before it notices that nobody waits.
            let Database { name, admin, .. } = self.as_ref().unwrap();
            let others = format!(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' \
                 AND pid <> pg_backend_pid()"
            );
            while query(admin, &others) != "0" {
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn what_was_acknowledged_survives_every_kill() {
        // Holds: the same of clients of PostgreSQL, whose server lives on.
        let kills = kills(60);
        tell(kills, in_two(kills, || None::<Database>));
    }

    /// Has a household work until the server fails it; returns how many operations are done.
    async fn work_until_it_fails(household: &Household, first: u64) -> u64 {
        for number in first.. {
            if let Err(failure) = household.attempt(number).await {
                assert_eq!(failure.code(), ErrorCode::StoreUnavailable, "{failure:?}");
                return number;
            }
        }
        unreachable!("numbers do not end")
    }

    #[test]
    fn what_was_acknowledged_survives_the_end_of_the_server() {
        // Holds: when the server is killed and comes back, an engine that was there all along finds
        // all that was acknowledged, and goes on.
        let kills = kills(20);
        let mut server = TestPg::start(&[]);
        let mut random = Random::new(7);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut totals = [0; 3];
        for round in 0..kills / KILLS_OF_A_DATABASE {
            let seed = 9_000 + round;
            let url = server.database().url;
            let household = runtime.block_on(Household::open(&url, seed)).unwrap();
            let mut done = 0;
            for _ in 0..KILLS_OF_A_DATABASE {
                let work = work_until_it_fails(&household, done);
                let wait = Duration::from_micros(random.next() % 60_000);
                let begun = Instant::now();
                let acknowledged = std::thread::scope(|scope| {
                    let killer = scope.spawn(|| {
                        while begun.elapsed() < wait {
                            std::hint::spin_loop();
                        }
                        server.kill();
                    });
                    let acknowledged = runtime.block_on(work);
                    killer.join().unwrap();
                    acknowledged
                });
                server.restart();
                let survived = runtime.block_on(async {
                    // Connections of the pool are dead; each is found out once.
                    while household.store.head(household.book_id()).await.is_err() {}
                    check(&household, acknowledged).await
                });
                totals = [
                    totals[0] + 1,
                    totals[1] + survived - done,
                    totals[2] + survived - acknowledged,
                ];
                done = survived;
            }
        }
        let [killed, operations, unacknowledged] = totals;
        println!("{killed} ends, {operations} operations, {unacknowledged} not acknowledged");
        assert!(operations > 0, "nothing was done");
    }
}
