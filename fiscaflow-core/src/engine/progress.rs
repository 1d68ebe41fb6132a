//! How far an import is, told to whoever watches it.
//!
//! A watcher is no part of a request: it is not written down, and an import with one decides and
//! answers like one without. What is told follows from counts alone, at most about a hundred
//! times a phase.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::BookHandle;

/// How often a phase is told of, beside its beginning.
const NOTICES: u64 = 100;

/// How far an import is.
///
/// In each phase `done` rises to `total`; no phase comes back once the next has begun, even where
/// the import has to be decided again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ImportProgress {
    /// What is being done.
    pub phase: ImportPhase,
    /// How many rows this phase is done with.
    pub done: u64,
    /// How many rows the file has.
    pub total: u64,
}

/// What an import is doing. The phases come in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ImportPhase {
    /// The file was read; told once, as only then it is known how many rows there are.
    Read,
    /// Rows are compared with what is there, and the new ones categorised.
    Match,
    /// What was decided is being written, all of it at once: told when that begins and when it is
    /// done. Not told where nothing is written, as in a preview.
    Store,
}

/// Hears how far an import is.
///
/// It is called by the import itself, while writers of the book wait, so it should hand on what it
/// hears and return. It must not wait for a write to the same book, which would wait for the
/// import.
///
/// ```no_run
/// # async fn example(book: fiscaflow_core::engine::BookHandle, content: Vec<u8>)
/// #   -> fiscaflow_core::Result<()> {
/// use fiscaflow_core::engine::{NewImport, Observer};
///
/// let watched = book.watched(Observer::new(|it| println!("{} of {} rows", it.done, it.total)));
/// watched.imports().create(NewImport { content, ..NewImport::default() }).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(ImportProgress) + Send + Sync>);

impl Observer {
    /// An observer that calls a function.
    pub fn new(hear: impl Fn(ImportProgress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

impl BookHandle {
    /// The same book; the observer hears of the progress of its imports and of their previews.
    /// Other verbs tell nothing.
    #[must_use]
    pub fn watched(&self, observer: Observer) -> Self {
        Self { observer: Some(observer), ..self.clone() }
    }
}

/// Tells the observer of one import, if there is one.
#[derive(Debug)]
pub(super) struct Reporter {
    observer: Option<Observer>,
    total: u64,
    /// Beyond this nothing was told yet.
    furthest: Mutex<Option<(ImportPhase, u64)>>,
}

impl Reporter {
    pub(super) fn new(observer: Option<Observer>, total: u64) -> Self {
        Self { observer, total, furthest: Mutex::new(None) }
    }

    /// So many rows of a phase are done.
    pub(super) fn tell(&self, phase: ImportPhase, done: u64) {
        let Some(observer) = &self.observer else { return };
        let total = self.total;
        if !done.is_multiple_of(total.div_ceil(NOTICES).max(1)) && done != total {
            return;
        }
        let mut furthest = self.furthest.lock().unwrap_or_else(PoisonError::into_inner);
        if furthest.is_some_and(|furthest| furthest >= (phase, done)) {
            return;
        }
        *furthest = Some((phase, done));
        drop(furthest);
        (observer.0)(ImportProgress { phase, done, total });
    }

    /// All rows of a phase are done.
    pub(super) fn end(&self, phase: ImportPhase) {
        self.tell(phase, self.total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_rises_to_the_total_and_is_little() {
        // Holds: whatever the number of rows, and although matching begins anew, each phase rises
        // to its end in about a hundred steps and none comes back.
        for total in (0..300).chain([999, 1_000, 1_001, 12_345]) {
            let heard = Arc::new(Mutex::new(Vec::new()));
            let hear = Arc::clone(&heard);
            let observer = Observer::new(move |it| hear.lock().unwrap().push(it));
            let reporter = Reporter::new(Some(observer), total);
            reporter.end(ImportPhase::Read);
            for _attempt in 0..2 {
                (0..=total).for_each(|done| reporter.tell(ImportPhase::Match, done));
                reporter.tell(ImportPhase::Store, 0);
            }
            reporter.end(ImportPhase::Store);
            let heard = heard.lock().unwrap();
            let places: Vec<_> = heard.iter().map(|it| (it.phase, it.done)).collect();
            assert!(places.is_sorted_by(|one, next| one < next), "{places:?}");
            assert!(heard.iter().all(|it| it.total == total));
            for phase in [ImportPhase::Read, ImportPhase::Match, ImportPhase::Store] {
                let of_phase = || places.iter().filter(|it| it.0 == phase);
                assert!(of_phase().count() <= 102, "{total} {phase:?}");
                assert_eq!(of_phase().next_back(), Some(&(phase, total)));
            }
        }
    }
}
