//! How Python hears of work that has ended: through one thread, the only one besides Python's own
//! that ever enters the interpreter. It is gone before the interpreter is taken down: a thread that
//! comes in while that happens brings the process to a fatal end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use fiscaflow_core::{Error, ErrorCode};
use pyo3::prelude::*;
use pyo3::types::PyCFunction;

use crate::errors::raise;
use crate::runtime::Home;

/// Tells one outcome.
pub(crate) type Report = Box<dyn FnOnce(Python<'_>) -> PyResult<()> + Send>;

/// The way to the thread.
#[derive(Debug, Default)]
pub(crate) struct Reports(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    /// Nothing was started yet.
    #[default]
    New,
    /// The thread waits at the other end.
    Open(Sender<Report>),
    /// The interpreter ends.
    Closed,
}

impl Reports {
    /// Starts the thread, once, and has it end with the interpreter.
    pub(crate) fn open(&'static self, py: Python<'_>, home: Home) -> PyResult<()> {
        match &*self.state() {
            State::Open(_) => return Ok(()),
            State::Closed => {
                return Err(raise(&Error::new(ErrorCode::Closed, "the interpreter is ending")));
            }
            State::New => {}
        }
        let (sender, receiver) = channel();
        let thread = Builder::new().name("fiscaflow-python".to_owned()).spawn(|| tell(receiver))?;
        let thread = Mutex::new(Some(thread));
        let close = PyCFunction::new_closure(py, None, None, move |arguments, _| {
            // A fork takes along what is registered here, but not the thread.
            if home.check().is_ok() {
                self.close(arguments.py(), &thread);
            }
        })?;
        py.import("atexit")?.call_method1("register", (close,))?;
        *self.state() = State::Open(sender);
        Ok(())
    }

    /// Tells an outcome soon; never again once the interpreter ends.
    pub(crate) fn send(&self, report: Report) {
        if let State::Open(sender) = &*self.state() {
            // The thread lives as long as the sender.
            let _ = sender.send(report);
        }
    }

    fn close(&self, py: Python<'_>, thread: &Mutex<Option<JoinHandle<()>>>) {
        *self.state() = State::Closed;
        let thread = thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| thread.map(JoinHandle::join));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(reports: Receiver<Report>) {
    while let Ok(report) = reports.recv() {
        Python::attach(|py| {
            let more = std::iter::from_fn(|| reports.try_recv().ok());
            for report in std::iter::once(report).chain(more) {
                // Nobody is left to hear of a failure: the event loop was closed meanwhile.
                let _ = catch_unwind(AssertUnwindSafe(|| report(py)));
            }
        });
    }
}
