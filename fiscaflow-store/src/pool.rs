//! Connections to a database, lent one at a time.
//!
//! The driver's own pool asks a connection whether it is still there each time it is given back,
//! and gives it back in a task of its own: a second round trip for each read, and as much as the
//! read itself where that is short. Here a connection whose work came to its end goes back as it
//! is, and one that was given back in the midst of something, or was idle for long, is asked before
//! it is lent again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::{ConnectOptions as _, Connection, Error, Result};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// A connection that was idle for longer is asked whether it is still there.
const DOUBTFUL_AFTER: Duration = Duration::from_secs(1);
/// The pauses between tries to reach a server that is just starting.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How many connections there may be, and how long each is of use.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) connections: u32,
    /// How long a borrower waits for its turn, and for the database where a connection is opened.
    pub(crate) turn: Duration,
    /// How long a doubtful connection may take to say that it is there; it goes then.
    pub(crate) asked: Duration,
    /// How long a connection may be idle.
    pub(crate) idle: Duration,
    /// How old a connection may become.
    pub(crate) age: Duration,
}

/// Lends connections.
pub(crate) struct Pool<C: Connection> {
    options: C::Options,
    bounds: Bounds,
    turns: Semaphore,
    idle: Mutex<Vec<Kept<C>>>,
    closed: AtomicBool,
}

struct Kept<C> {
    connection: C,
    opened: Instant,
    /// When it was given back.
    since: Instant,
    /// Whether its last work came to an end.
    settled: bool,
}

impl<C: Connection> Pool<C> {
    /// A pool that opens connections as they are asked for.
    pub(crate) fn new(options: C::Options, bounds: Bounds) -> Self {
        Self {
            options,
            bounds,
            turns: Semaphore::new(usize::try_from(bounds.connections).unwrap_or(usize::MAX)),
            idle: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn options(&self) -> &C::Options {
        &self.options
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Lends a connection, when it is the caller's turn.
    pub(crate) async fn lend(&self) -> Result<Lent<'_, C>> {
        tokio::time::timeout(self.bounds.turn, async {
            let turn = self.turns.acquire().await.map_err(|_| Error::PoolClosed)?;
            if self.is_closed() {
                return Err(Error::PoolClosed);
            }
            self.connected(turn).await
        })
        .await
        .unwrap_or(Err(Error::PoolTimedOut))
    }

    /// A borrower that gives up meanwhile gives back what it has got.
    async fn connected<'p>(&'p self, turn: SemaphorePermit<'p>) -> Result<Lent<'p, C>> {
        let opened = Instant::now();
        let mut lent = Lent { pool: self, connection: None, opened, settled: false, _turn: turn };
        while let Some(kept) = self.take() {
            lent.opened = kept.opened;
            let connection = lent.connection.insert(kept.connection);
            let doubtful = !kept.settled || kept.since.elapsed() > DOUBTFUL_AFTER;
            if !doubtful {
                return Ok(lent);
            }
            let asked = tokio::time::timeout(self.bounds.asked, connection.ping()).await;
            if asked.is_ok_and(|answer| answer.is_ok()) {
                return Ok(lent);
            }
            lent.connection = None;
        }
        lent.connection = Some(self.connect().await?);
        lent.opened = Instant::now();
        Ok(lent)
    }

    /// The connection that was used last, rather one whose work came to its end: another may still
    /// be busy with it. Those that are idle for too long, or too old, go.
    fn take(&self) -> Option<Kept<C>> {
        let mut idle = self.idle();
        idle.retain(|kept| {
            kept.since.elapsed() < self.bounds.idle && kept.opened.elapsed() < self.bounds.age
        });
        match idle.iter().rposition(|kept| kept.settled) {
            Some(place) => Some(idle.remove(place)),
            None => idle.pop(),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Kept<C>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a connection; waits for a server that is just starting.
    async fn connect(&self) -> Result<C> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.options.connect().await {
                Err(Error::Io(failure))
                    if failure.kind() == std::io::ErrorKind::ConnectionRefused => {}
                Err(Error::Database(failure)) if failure.is_transient_in_connect_phase() => {}
                connected => return connected,
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    /// Waits for what is under way, and closes every connection.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let Ok(_all) = self.turns.acquire_many(self.bounds.connections).await else { return };
        let idle = std::mem::take(&mut *self.idle());
        for kept in idle {
            drop(kept.connection.close().await);
        }
        self.turns.close();
    }
}

/// A connection that goes back when it is dropped.
pub(crate) struct Lent<'p, C: Connection> {
    pool: &'p Pool<C>,
    /// There until it goes.
    connection: Option<C>,
    opened: Instant,
    settled: bool,
    /// Passed on after the connection is back.
    _turn: SemaphorePermit<'p>,
}

impl<C: Connection> Lent<'_, C> {
    pub(crate) fn connection(&mut self) -> Result<&mut C> {
        self.connection.as_mut().ok_or(Error::PoolClosed)
    }

    /// Gives the connection back after work that came to its end.
    pub(crate) fn settle(mut self) {
        self.settled = true;
    }

    /// Closes the connection: another takes its place when one is asked for.
    #[cfg(feature = "sqlite")]
    pub(crate) async fn close(mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.close().await);
        }
    }

    /// Drops the connection: what it was in the midst of is for the server to end.
    #[cfg(any(test, feature = "postgres"))]
    pub(crate) fn discard(mut self) {
        drop(self.connection.take());
    }
}

impl<C: Connection> Drop for Lent<'_, C> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let (opened, settled) = (self.opened, self.settled);
        self.pool.idle().push(Kept { connection, opened, since: Instant::now(), settled });
    }
}

#[cfg(all(test, feature = "sqlite"))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    //! Turns, and what becomes of a connection. Each is a database in memory: its table tells it
    //! from others.

    use std::pin::pin;
    use std::task::Poll;

    use sqlx::SqliteConnection;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;

    fn pool(connections: u32) -> Pool<SqliteConnection> {
        let (turn, age) = (Duration::from_secs(30), Duration::MAX);
        let options = SqliteConnectOptions::new().in_memory(true);
        Pool::new(options, Bounds { connections, turn, asked: turn, idle: age, age })
    }

    async fn mark(lent: &mut Lent<'_, SqliteConnection>) {
        let mark = sqlx::query("CREATE TABLE marks (mark)");
        mark.execute(lent.connection().unwrap()).await.unwrap();
    }

    async fn is_marked(lent: &mut Lent<'_, SqliteConnection>) -> bool {
        let marks = sqlx::query("SELECT * FROM marks");
        marks.fetch_all(lent.connection().unwrap()).await.is_ok()
    }

    #[tokio::test]
    async fn a_connection_is_lent_again_until_it_is_closed() {
        // Holds: settled or not, what was given back is lent again; what was closed or thrown away
        // is not.
        let pool = pool(1);
        let mut lent = pool.lend().await.unwrap();
        mark(&mut lent).await;
        lent.settle();
        drop(pool.lend().await.unwrap());
        let mut lent = pool.lend().await.unwrap();
        assert!(is_marked(&mut lent).await);
        lent.close().await;
        let mut lent = pool.lend().await.unwrap();
        assert!(!is_marked(&mut lent).await);
        mark(&mut lent).await;
        lent.discard();
        assert!(!is_marked(&mut pool.lend().await.unwrap()).await);
    }

    #[tokio::test]
    async fn one_whose_work_came_to_its_end_is_lent_first() {
        // Holds: what was given back in the midst of something waits until nothing else is left.
        let pool = pool(2);
        let (mut first, second) = (pool.lend().await.unwrap(), pool.lend().await.unwrap());
        mark(&mut first).await;
        first.settle();
        drop(second);
        let mut first = pool.lend().await.unwrap();
        assert!(is_marked(&mut first).await);
        assert!(!is_marked(&mut pool.lend().await.unwrap()).await);
    }

    #[tokio::test]
    async fn nobody_has_more_than_there_are_and_a_waiter_is_woken() {
        // Holds: the third of two waits until one comes back, however it comes back, and a waiter
        // that gave up takes no turn with it.
        let pool = pool(2);
        let first = pool.lend().await.unwrap();
        let _second = pool.lend().await.unwrap();
        {
            let mut given_up = pin!(pool.lend());
            assert!(poll(&mut given_up).await.is_pending());
        }
        let mut third = pin!(pool.lend());
        assert!(poll(&mut third).await.is_pending());
        first.discard();
        third.await.unwrap();
    }

    #[tokio::test]
    async fn closing_waits_for_what_is_under_way_and_ends_the_rest() {
        // Holds: a pool closes when the last connection is back; who waits then, or comes later, is
        // told that it is closed.
        let pool = pool(1);
        let lent = pool.lend().await.unwrap();
        let mut closing = pin!(pool.close());
        assert!(poll(&mut closing).await.is_pending());
        let mut late = pin!(pool.lend());
        assert!(poll(&mut late).await.is_pending());
        lent.settle();
        closing.await;
        assert!(matches!(late.await, Err(Error::PoolClosed)));
        assert!(matches!(pool.lend().await, Err(Error::PoolClosed)));
        assert!(pool.is_closed());
        pool.close().await;
    }

    #[tokio::test]
    async fn what_is_too_old_or_idle_for_too_long_goes() {
        // Holds: a connection past its bounds is not lent again.
        for (idle, age) in [(Duration::ZERO, Duration::MAX), (Duration::MAX, Duration::ZERO)] {
            let mut pool = pool(1);
            (pool.bounds.idle, pool.bounds.age) = (idle, age);
            let mut lent = pool.lend().await.unwrap();
            mark(&mut lent).await;
            lent.settle();
            assert!(!is_marked(&mut pool.lend().await.unwrap()).await);
        }
    }

    /// Polls once.
    async fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        std::future::poll_fn(|context| Poll::Ready(std::pin::Pin::new(&mut *future).poll(context)))
            .await
    }
}
