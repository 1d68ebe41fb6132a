//! How Kotlin and Swift hear of the progress of a call: by a listener, which is called where the
//! call is waited for. The work itself never waits for a listener.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use fiscaflow_core::engine::{ImportProgress as CoreProgress, Observer};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::types::{ImportPhase, ImportProgress};

/// Hears how far a call is.
#[uniffi::export(with_foreign)]
pub trait ProgressListener: Send + Sync {
    /// Is called at most about a hundred times in each phase, and never after the call has ended.
    /// What is thrown here changes nothing.
    fn on_progress(&self, progress: ImportProgress);
}

/// What a listener has still to hear.
pub(crate) struct Told {
    notices: UnboundedReceiver<CoreProgress>,
    listener: Option<Arc<dyn ProgressListener>>,
}

impl Told {
    /// What work is given, and what comes of it.
    pub(crate) fn to(listener: Option<Arc<dyn ProgressListener>>) -> (Option<Observer>, Self) {
        let (tell, notices) = unbounded_channel();
        let observer = listener.is_some().then(|| Observer::new(move |it| _ = tell.send(it)));
        (observer, Self { notices, listener })
    }

    /// Has the listener hear everything until the work has ended; it is over at once where there
    /// is none.
    pub(crate) async fn all(mut self) {
        while let Some((progress, listener)) = self.notices.recv().await.zip(self.listener.clone())
        {
            // What a listener throws arrives as a panic, which has been written down by then.
            let hear = || listener.on_progress(progress.into());
            let _ = catch_unwind(AssertUnwindSafe(hear));
        }
    }
}

impl From<CoreProgress> for ImportProgress {
    fn from(progress: CoreProgress) -> Self {
        use fiscaflow_core::engine::ImportPhase as Phase;
        let phase = match progress.phase {
            Phase::Read => ImportPhase::Read,
            Phase::Match => ImportPhase::Match,
            Phase::Store => ImportPhase::Store,
        };
        let count = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
        Self { phase, done: count(progress.done), total: count(progress.total) }
    }
}
