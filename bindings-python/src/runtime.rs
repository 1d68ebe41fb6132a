//! Where the engine's work runs: on the threads of one runtime for the whole process, so that the
//! interpreter goes on meanwhile, a panic ends a task and not the process, and a call that is
//! interrupted or cancelled is dropped.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fiscaflow_core::engine::Observer;
use fiscaflow_core::{Error, ErrorCode, Result};
use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};
use tokio::task::{AbortHandle, JoinSet, block_in_place};

use crate::errors::raise;
use crate::progress::{self, Told, Voice};
use crate::reports::{Report, Reports};

/// How long a blocking call waits before it asks whether the user wants to interrupt it.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(100);

/// The runtime of the newest process in the line of forks that leads to this one.
static CURRENT: Mutex<Option<Home>> = Mutex::new(None);

/// A runtime and the process in which its threads live: a fork takes none of them along.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home {
    runtime: &'static Runtime,
    reports: &'static Reports,
    process: u32,
}

impl Home {
    /// The runtime of this process, made when it is first asked for. It is never taken down, as
    /// work may go on until the process ends.
    pub(crate) fn here() -> PyResult<Self> {
        // Nothing here lets other Python threads run, so no fork can happen while this is locked.
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        let process = std::process::id();
        if let Some(home) = current.filter(|home| home.process == process) {
            return Ok(home);
        }
        let threads = std::thread::available_parallelism().map_or(2, |found| found.get().max(2));
        let mut builder = Builder::new_multi_thread();
        let builder = builder.worker_threads(threads).thread_name("fiscaflow").enable_all();
        let runtime = Box::leak(Box::new(builder.build()?));
        let reports = Box::leak(Box::default());
        Ok(*current.insert(Self { runtime, reports, process }))
    }

    /// An error in a process that was forked from the runtime's.
    pub(crate) fn check(self) -> PyResult<()> {
        if self.process == std::process::id() {
            return Ok(());
        }
        let text = "the engine was opened before this process was forked; open it again here";
        Err(raise(&Error::new(ErrorCode::Closed, text)))
    }

    /// Makes this the runtime of the thread for as long as the guard lives.
    pub(crate) fn enter(self) -> EnterGuard<'static> {
        self.runtime.enter()
    }

    /// The way to the thread that tells asyncio.
    pub(crate) fn voice(self) -> Voice {
        Voice::Reports(self.reports)
    }

    /// An observer whose progress is told on another thread.
    pub(crate) fn observer(self, hear: Py<PyAny>) -> Observer {
        progress::reporting(self.reports, hear)
    }

    /// Waits for work while other Python threads go on, and says what it tells. Ctrl-C drops the
    /// work.
    pub(crate) fn wait<T: Send + 'static>(
        self,
        py: Python<'_>,
        work: impl Future<Output = Result<T>> + Send + 'static,
        mut told: Told,
    ) -> PyResult<T> {
        let mut task = Task::start(self.runtime.handle(), work);
        loop {
            let next = py.detach(|| {
                let mut block = || {
                    self.runtime.block_on(async {
                        tokio::time::timeout(SIGNAL_INTERVAL, task.next(&mut told)).await
                    })
                };
                // A finaliser may bring Python code, and thereby us, into the runtime itself.
                if Handle::try_current().is_ok() { block_in_place(block) } else { block() }
            });
            match next {
                Ok(Next::Told(report)) => report(py)?,
                Ok(Next::Done(done)) => return done.map_err(|error| raise(&error)),
                Err(_) => py.check_signals()?,
            }
        }
    }

    /// Starts work and calls `done` with its answer or its exception, one of them `None`, on
    /// another thread.
    pub(crate) fn start<T>(
        self,
        py: Python<'_>,
        work: impl Future<Output = Result<T>> + Send + 'static,
        done: Py<PyAny>,
    ) -> PyResult<Pending>
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
    {
        self.reports.open(py, self)?;
        let mut task = Task::start(self.runtime.handle(), work);
        let report = self.runtime.spawn(async move {
            let outcome = task.done().await;
            self.reports.send(Box::new(move |py| {
                let told = match outcome {
                    Ok(answer) => (answer.into_bound_py_any(py)?, py.None().into_bound(py)),
                    Err(error) => {
                        let error = raise(&error).into_bound_py_any(py)?;
                        (py.None().into_bound(py), error)
                    }
                };
                done.call1(py, told).map(drop)
            }));
        });
        Ok(Pending(report.abort_handle()))
    }
}

/// What reaches a store, as an object of Python holds it: used only in the process that opened the
/// store, and dropped inside the runtime, which the store may need to close.
#[derive(Debug)]
pub(crate) struct Held<T> {
    /// Present until it is dropped.
    value: Option<T>,
    home: Home,
}

impl<T: Clone> Held<T> {
    /// Holds something.
    pub(crate) fn new(value: T, home: Home) -> Self {
        Self { value: Some(value), home }
    }

    /// It, in the process that opened the store.
    pub(crate) fn get(&self) -> PyResult<T> {
        self.home.check()?;
        let closed = || raise(&Error::new(ErrorCode::Closed, "the engine is closed"));
        self.value.clone().ok_or_else(closed)
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        let value = self.value.take();
        if self.home.check().is_err() {
            // The connections belong to the process that this one was forked from: SQLite must not
            // even close them here.
            std::mem::forget(value);
            return;
        }
        let _inside = self.home.enter();
        drop(value);
    }
}

/// Work that was started. Nothing is told of work that was dropped.
#[pyclass(frozen, module = "fiscaflow._native")]
#[derive(Debug)]
pub struct Pending(AbortHandle);

#[pymethods]
impl Pending {
    /// Drops the work, unless it has ended.
    fn drop(&self) {
        self.0.abort();
    }
}

/// What comes next of work.
enum Next<T> {
    Told(Report),
    Done(Result<T>),
}

/// Work on a task of its own, which ends with this.
struct Task<T>(JoinSet<Result<T>>);

impl<T: Send + 'static> Task<T> {
    fn start(runtime: &Handle, work: impl Future<Output = Result<T>> + Send + 'static) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn_on(work, runtime);
        Self(tasks)
    }

    /// What comes next of it. A wait that is given up loses nothing.
    async fn next(&mut self, told: &mut Told) -> Next<T> {
        match told.next().await {
            Some(report) => Next::Told(report),
            None => Next::Done(self.done().await),
        }
    }

    /// What came of it; a panic is the error `internal`.
    async fn done(&mut self) -> Result<T> {
        match self.0.join_next().await {
            Some(Ok(done)) => done,
            _ => Err(Error::new(ErrorCode::Internal, "the engine failed: a defect of its own")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_error_internal() {
        let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
        let mut task = Task::<()>::start(runtime.handle(), async { panic!("a defect") });
        let error = runtime.block_on(task.done()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Internal);
        assert!(!error.message().contains("a defect in"));
    }
}
