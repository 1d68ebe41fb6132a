//! How Python hears of the progress of work: a callable is given each notice as JSON. Work never
//! waits for it. A blocking call runs it on its own thread while it waits, asyncio has it run by
//! the one thread that tells everything.

use std::sync::Arc;

use fiscaflow_core::engine::{ImportProgress, Observer};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::reports::Reports;

/// Progress that is still to be told. It ends with the work, at once where nobody asks for it.
#[derive(Debug)]
pub(crate) struct Told {
    notices: UnboundedReceiver<ImportProgress>,
    hear: Option<Py<PyAny>>,
}

impl Told {
    /// Nothing is told.
    pub(crate) fn nothing() -> Self {
        Self::to(None).1
    }

    /// What work is given, and what comes of it.
    pub(crate) fn to(hear: Option<Py<PyAny>>) -> (Option<Observer>, Self) {
        let (tell, notices) = unbounded_channel();
        let observer = hear.is_some().then(|| Observer::new(move |it| _ = tell.send(it)));
        (observer, Self { notices, hear })
    }

    /// The next notice; `None` once the work has ended.
    pub(crate) async fn next(&mut self) -> Option<ImportProgress> {
        self.notices.recv().await
    }

    /// Tells a notice. What the callable raises is reported as what cannot be raised; what is no
    /// `Exception`, such as Ctrl-C, ends the call.
    pub(crate) fn tell(&self, py: Python<'_>, progress: ImportProgress) -> PyResult<()> {
        let Some(hear) = &self.hear else { return Ok(()) };
        match hear.call1(py, (text(progress),)) {
            Err(error) if error.is_instance_of::<PyException>(py) => {
                error.write_unraisable(py, Some(hear.bind(py)));
                Ok(())
            }
            told => told.map(drop),
        }
    }
}

/// An observer that has everything told by the thread of the reports, in order.
pub(crate) fn reporting(reports: &'static Reports, hear: Py<PyAny>) -> Observer {
    let hear = Arc::new(hear);
    Observer::new(move |progress| {
        let hear = Arc::clone(&hear);
        reports.send(Box::new(move |py| hear.call1(py, (text(progress),)).map(drop)));
    })
}

fn text(progress: ImportProgress) -> String {
    serde_json::to_string(&progress).unwrap_or_default()
}
