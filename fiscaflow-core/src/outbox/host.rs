//! What hosts in other languages say to a relay and hear of it, as JSON, so that it means the same
//! in each of them: its settings, what came of a round, and why a sink did not take an event.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{RelayOptions, Round, Undelivered};
use crate::api::read;
use crate::error::{Error, Result};
use crate::id::BookId;

/// How a relay works, as other languages say it: what is absent is as in [`RelayOptions`].
///
/// ```
/// use fiscaflow_core::outbox::{RelayOptions, RelaySettings};
///
/// let settings: RelaySettings = r#"{"tries": 2, "pause_seconds": 0}"#.parse()?;
/// assert_eq!(RelayOptions::from(settings).tries, 2);
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RelaySettings {
    /// How many events there may be between two places that are kept, 1 to 1,000: after a failure
    /// as many are told again.
    pub batch: Option<usize>,
    /// How long a book's events are one relay's, in seconds: more than a batch ever takes.
    pub lease_seconds: Option<u32>,
    /// How long an event waits that was refused, in seconds; twice as long each further time.
    pub pause_seconds: Option<u32>,
    /// Events from before this instant are passed over.
    pub since: Option<DateTime<Utc>>,
    /// How often an event is refused before it is set aside, at least 1.
    pub tries: Option<u32>,
}

impl FromStr for RelaySettings {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let value = serde_json::from_str(text);
        read(value.map_err(|_| Error::invalid("settings", "the settings are not JSON"))?)
    }
}

impl From<RelaySettings> for RelayOptions {
    fn from(settings: RelaySettings) -> Self {
        let usual = Self::default();
        let seconds = |given: Option<u32>, usual| match given {
            Some(seconds) => TimeDelta::seconds(seconds.into()),
            None => usual,
        };
        Self {
            batch: settings.batch.unwrap_or(usual.batch),
            lease: seconds(settings.lease_seconds, usual.lease),
            pause: seconds(settings.pause_seconds, usual.pause),
            since: settings.since,
            tries: settings.tries.unwrap_or(usual.tries),
        }
    }
}

/// What a round came to, as other languages hear it: see [`Round`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoundReport {
    /// Books whose history is damaged; they wait for an hour.
    pub broken: Vec<BrokenBook>,
    /// Events that the sink took.
    pub delivered: u64,
    /// Whether a book had more events than its turn took: the next round need not wait.
    pub more: bool,
    /// Books whose next event was refused and waits.
    pub put_off: u64,
    /// Events that were set aside.
    pub set_aside: u64,
    /// Why the sink could take nothing of a book now.
    pub unavailable: Option<String>,
}

/// A book whose history is damaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrokenBook {
    /// The book.
    pub book_id: BookId,
    /// The code of the error.
    pub code: String,
}

impl From<Round> for RoundReport {
    fn from(round: Round) -> Self {
        let broken = round
            .broken
            .into_iter()
            .map(|(book_id, error)| BrokenBook { book_id, code: error.code().as_str().to_owned() });
        Self {
            broken: broken.collect(),
            delivered: round.delivered,
            more: round.more,
            put_off: round.put_off,
            set_aside: round.set_aside,
            unavailable: round.unavailable,
        }
    }
}

/// Why a sink did not take an event, as its host says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure {
    #[serde(default)]
    unavailable: bool,
    reason: String,
    #[serde(default)]
    retry_after_seconds: Option<u32>,
}

impl Undelivered {
    /// What a sink in another language failed with, of which nothing may be told: the texts of
    /// others may hold anything.
    pub fn unsaid() -> Self {
        Self::refused(0, "the sink failed")
    }

    /// What a sink in another language says of the one event that it was told: nothing where it
    /// took it, otherwise JSON with `reason` and, where the sink takes no event now, `unavailable`
    /// and perhaps `retry_after_seconds`.
    ///
    /// ```
    /// use fiscaflow_core::outbox::{Cause, Undelivered};
    ///
    /// assert!(Undelivered::said(None).is_ok());
    /// let said = r#"{"reason": "no network", "unavailable": true}"#;
    /// assert_eq!(Undelivered::said(Some(said)).unwrap_err().cause, Cause::Unavailable);
    /// ```
    pub fn said(text: Option<&str>) -> Result<(), Self> {
        let Some(text) = text else { return Ok(()) };
        let failure: Failure = serde_json::from_str(text).map_err(|_| Self::unsaid())?;
        let retry_after = failure.retry_after_seconds.map(|it| TimeDelta::seconds(it.into()));
        Err(match failure.unavailable {
            true => Self { retry_after, ..Self::unavailable(0, failure.reason) },
            false => Self::refused(0, failure.reason),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::outbox::Cause;

    #[test]
    fn what_is_left_out_is_as_usual() {
        // Holds: no settings are the usual ones; what is set is set, and nothing else; what has no
        // place in them is refused by its name.
        let read = |text: &str| text.parse::<RelaySettings>().map(RelayOptions::from);
        assert_eq!(read("{}").unwrap(), RelayOptions::default());
        let all = r#"{"batch": 3, "lease_seconds": 4, "pause_seconds": 0, "tries": 1,
            "since": "2026-01-01T00:00:00Z"}"#;
        let expected = RelayOptions {
            batch: 3,
            lease: TimeDelta::seconds(4),
            tries: 1,
            pause: TimeDelta::zero(),
            since: DateTime::from_timestamp(1_767_225_600, 0),
        };
        assert_eq!(read(all).unwrap(), expected);
        for (text, field) in
            [("[", "settings"), (r#"{"tries": -1}"#, "tries"), (r#"{"try": 1}"#, "try")]
        {
            let error = read(text).unwrap_err();
            assert_eq!((error.code(), error.at_field()), (ErrorCode::InvalidInput, Some(field)));
        }
    }

    #[test]
    fn what_a_sink_says_of_an_event() {
        // Holds: who is away asks for its time; whatever cannot be read is a refusal that tells
        // nothing of it.
        let said = |text| Undelivered::said(Some(text)).unwrap_err();
        let away = said(r#"{"unavailable": true, "reason": "away", "retry_after_seconds": 7}"#);
        assert_eq!((away.cause, away.retry_after), (Cause::Unavailable, TimeDelta::try_seconds(7)));
        assert_eq!(said(r#"{"reason": "no"}"#), Undelivered::refused(0, "no"));
        for text in ["Ann Doe", r#"{"reason": 7}"#, r#"{"reason": "no", "to": "Ann Doe"}"#] {
            assert_eq!(said(text), Undelivered::unsaid());
        }
    }
}
