//! How Python hears of work that goes on: of its progress, as JSON, and of events. A blocking call
//! has it said on its own thread while it waits, asyncio by the one thread that tells everything.

use std::sync::Arc;

use fiscaflow_core::engine::{ImportProgress, Observer};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::reports::{Report, Reports};

/// The way to Python while work goes on.
#[derive(Debug, Clone)]
pub(crate) enum Voice {
    /// On the thread that waits for the work.
    Waiting(UnboundedSender<Report>),
    /// On the thread of the reports.
    Reports(&'static Reports),
}

impl Voice {
    /// Says something soon, in order. Work never waits for it here.
    pub(crate) fn say(&self, report: Report) {
        match self {
            // Who waits no longer hears no more.
            Self::Waiting(sender) => _ = sender.send(report),
            Self::Reports(reports) => reports.send(report),
        }
    }
}

/// What a waiting thread has still to say. It ends with the work, at once where nothing is said.
#[derive(Debug)]
pub(crate) struct Told(UnboundedReceiver<Report>);

impl Told {
    /// Nothing is told.
    pub(crate) fn nothing() -> Self {
        Self::by_voice().1
    }

    /// The way to the waiting thread, and what comes of it.
    pub(crate) fn by_voice() -> (Voice, Self) {
        let (sender, receiver) = unbounded_channel();
        (Voice::Waiting(sender), Self(receiver))
    }

    /// What work is given to tell its progress, and what comes of it. What the callable raises is
    /// reported as what cannot be raised; what is no `Exception`, such as Ctrl-C, ends the call.
    pub(crate) fn to(hear: Option<Py<PyAny>>) -> (Option<Observer>, Self) {
        let (voice, told) = Self::by_voice();
        let observer = hear.map(|hear| {
            observer(voice, hear, |py, hear, error| {
                if error.is_instance_of::<PyException>(py) {
                    error.write_unraisable(py, Some(hear.bind(py)));
                    return Ok(());
                }
                Err(error)
            })
        });
        (observer, told)
    }

    /// The next thing to say; `None` once the work has ended.
    pub(crate) async fn next(&mut self) -> Option<Report> {
        self.0.recv().await
    }
}

/// An observer that has everything told by the thread of the reports, in order.
pub(crate) fn reporting(reports: &'static Reports, hear: Py<PyAny>) -> Observer {
    observer(Voice::Reports(reports), hear, |_, _, error| Err(error))
}

fn observer(
    voice: Voice,
    hear: Py<PyAny>,
    failed: fn(Python<'_>, &Py<PyAny>, PyErr) -> PyResult<()>,
) -> Observer {
    let hear = Arc::new(hear);
    Observer::new(move |progress| {
        let hear = Arc::clone(&hear);
        voice.say(Box::new(move |py| match hear.call1(py, (text(progress),)) {
            Ok(_) => Ok(()),
            Err(error) => failed(py, &hear, error),
        }));
    })
}

fn text(progress: ImportProgress) -> String {
    serde_json::to_string(&progress).unwrap_or_default()
}
