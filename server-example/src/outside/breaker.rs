//! A circuit breaker: after some failures in a row nobody is asked for a while, then one call at a
//! time tries whether it works again.
//!
//! It has no clock: each call says what time it is.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many failures in a row open it.
const MAX_FAILURES: u32 = 5;
/// How long it stays open.
const PAUSE: Duration = Duration::from_secs(60);
/// How long it stays open at most, whatever the vendor asks for.
const MAX_PAUSE: Duration = Duration::from_secs(3600);

/// Whether calls are let through.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Duration,
    },
    /// One call is under way that tells whether it works again.
    Probing,
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call through, or not. Whoever is let through says how it went; a call that is given
    /// up leaves the next one to try.
    pub(super) fn admit(&self, now: Duration) -> Option<Pass<'_>> {
        let mut state = self.state();
        match *state {
            State::Closed { .. } => Some(Pass { breaker: self, probe: false }),
            State::Open { until } if until <= now => {
                *state = State::Probing;
                Some(Pass { breaker: self, probe: true })
            }
            State::Open { .. } | State::Probing => None,
        }
    }

    /// Opens it for so long: the vendor said when to come again.
    pub(super) fn open_until(&self, now: Duration, pause: Duration) {
        *self.state() = State::Open { until: now.saturating_add(pause.min(MAX_PAUSE)) };
    }

    /// What it is called.
    pub(super) fn name(&self, now: Duration) -> &'static str {
        match *self.state() {
            State::Closed { .. } => "closed",
            State::Open { until } if until > now => "open",
            State::Open { .. } | State::Probing => "half_open",
        }
    }
}

/// A call that was let through.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    probe: bool,
}

impl Pass<'_> {
    pub(super) fn succeeded(mut self) {
        let mut state = self.breaker.state();
        // What was begun before it opened does not close it.
        if self.probe || matches!(*state, State::Closed { .. }) {
            *state = State::default();
        }
        drop(state);
        self.probe = false;
    }

    pub(super) fn failed(mut self, now: Duration) {
        let mut state = self.breaker.state();
        let open = State::Open { until: now.saturating_add(PAUSE) };
        *state = match *state {
            State::Closed { failures } if failures.saturating_add(1) < MAX_FAILURES => {
                State::Closed { failures: failures.saturating_add(1) }
            }
            State::Closed { .. } => open,
            _ if self.probe => open,
            state => state,
        };
        drop(state);
        self.probe = false;
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.probe {
            *self.breaker.state() = State::Open { until: Duration::ZERO };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn fail(breaker: &Breaker, now: Duration) {
        breaker.admit(now).unwrap().failed(now);
    }

    /// Holds: it opens after five failures in a row and no fewer, lets one probe through after the
    /// pause, closes when that succeeds and opens anew when it fails.
    #[test]
    fn it_opens_probes_and_closes() {
        let breaker = Breaker::default();
        for _ in 0..3 {
            (1..MAX_FAILURES).for_each(|_| fail(&breaker, SECOND));
            breaker.admit(SECOND).unwrap().succeeded();
        }
        assert_eq!(breaker.name(SECOND), "closed");
        (0..MAX_FAILURES).for_each(|_| fail(&breaker, SECOND));
        assert_eq!(breaker.name(SECOND), "open");
        assert!(breaker.admit(PAUSE).is_none());
        let later = PAUSE + SECOND;
        let probe = breaker.admit(later).unwrap();
        assert_eq!(breaker.name(later), "half_open");
        assert!(breaker.admit(later).is_none(), "one probe at a time");
        probe.failed(later);
        assert!(breaker.admit(later + PAUSE - SECOND).is_none());
        breaker.admit(later + PAUSE).unwrap().succeeded();
        assert_eq!(breaker.name(later + PAUSE), "closed");
    }

    /// Holds: a probe that is given up blocks nobody, and what was begun before it opened neither
    /// closes it nor keeps it open.
    #[test]
    fn what_is_given_up_or_late_changes_nothing() {
        let breaker = Breaker::default();
        let (late_good, late_bad) =
            (breaker.admit(SECOND).unwrap(), breaker.admit(SECOND).unwrap());
        (0..MAX_FAILURES).for_each(|_| fail(&breaker, SECOND));
        late_good.succeeded();
        assert_eq!(breaker.name(SECOND), "open");
        let later = PAUSE + SECOND;
        drop(breaker.admit(later).unwrap());
        let probe = breaker.admit(later).unwrap();
        late_bad.failed(later);
        assert_eq!(breaker.name(later), "half_open");
        probe.succeeded();
        assert_eq!(breaker.name(later), "closed");
    }

    /// Holds: a vendor's own word on when to come again is kept, up to an hour.
    #[test]
    fn it_stays_open_as_long_as_the_vendor_says() {
        let breaker = Breaker::default();
        breaker.open_until(SECOND, 10 * SECOND);
        assert!(breaker.admit(10 * SECOND).is_none());
        drop(breaker.admit(11 * SECOND).unwrap());
        breaker.open_until(SECOND, MAX_PAUSE * 100);
        assert!(breaker.admit(MAX_PAUSE).is_none());
        assert!(breaker.admit(MAX_PAUSE + SECOND).is_some());
    }
}
