//! Outside help over HTTP: a language model that suggests categories for payees and puts questions
//! into reports.
//!
//! `tasks` says what is asked, `wire` speaks the vendors' formats, `breaker` keeps away from a
//! vendor that does not answer, `counters` tells what was asked and what it cost. This file
//! puts them together into the core's [`Suggester`] and [`Translator`]: one time limit for
//! everything a question takes, few repeats, and nothing in logs or errors but what kind of failure
//! it was. What may be asked, and what of an answer counts, is the core's to decide.

mod breaker;
mod counters;
mod tasks;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::http::HeaderMap;
use fiscaflow_core::outside::{Answer, Question, Suggester};
use fiscaflow_core::query::{Asked, Translator};
use fiscaflow_core::{Error, ErrorCode, Result};
use serde_json::Value;

use crate::config::{Outside, Vendor};
use crate::http::Http;
use crate::state::Helper;
use breaker::Breaker;
use counters::Counters;
use tasks::Task;

/// How long to wait before each repeat, where the vendor does not say.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// Time, so that a test decides how it passes.
#[async_trait]
pub trait Timer: fmt::Debug + Send + Sync + 'static {
    /// The time since some fixed moment; it never goes back.
    fn now(&self) -> Duration;

    /// Waits.
    async fn sleep(&self, time: Duration);
}

/// The system's time.
#[derive(Debug)]
pub struct SystemTimer(Instant);

impl Default for SystemTimer {
    fn default() -> Self {
        Self(Instant::now())
    }
}

#[async_trait]
impl Timer for SystemTimer {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// Why a call brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Problem {
    /// It was not made: the vendor has failed too often lately.
    Open,
    /// Too many calls; so long to wait, where the vendor says it.
    Throttled(Option<Duration>),
    /// The vendor refuses the key, the model or the request: repeating it is of no use.
    Refused,
    /// A failure of the vendor's own.
    Failed,
    /// No connection, or it broke.
    Unreachable,
    /// No answer in time.
    Slow,
    /// An answer that is too large or of another form.
    Unreadable,
}

impl Problem {
    /// Its name in the counters and in the log.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Throttled(_) => "throttled",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::Slow => "slow",
            Self::Unreadable => "unreadable",
        }
    }

    /// Whether the same call may succeed in a moment.
    const fn passes(self) -> bool {
        matches!(self, Self::Throttled(_) | Self::Failed | Self::Unreachable)
    }

    fn error(self) -> Error {
        let code = match self {
            Self::Refused => ErrorCode::SuggesterRefused,
            _ => ErrorCode::SuggesterUnavailable,
        };
        Error::new(code, format!("outside help brought nothing: `{}`", self.name()))
    }
}

/// A language model behind a vendor's HTTP API.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use fiscaflow_server::config::parse;
/// use fiscaflow_server::outside::{Model, SystemTimer};
///
/// let args = ["--outside", "openai", "--outside-model", "a-model"].map(str::to_owned);
/// let key = |name: &str| (name == "FISCAFLOW_OUTSIDE_KEY").then(|| "secret".to_owned());
/// let (_, config) = parse(&args, &key)?;
/// let settings = config.outside.ok_or("it is set")?;
/// let model = Model::new(settings, Arc::new(SystemTimer::default()))?;
/// assert!(!format!("{model:?}").contains("secret"));
/// # Ok::<(), String>(())
/// ```
pub struct Model {
    vendor: Vendor,
    model: String,
    name: String,
    timeout: Duration,
    headers: HeaderMap,
    http: Http,
    breaker: Breaker,
    counters: Counters,
    timer: Arc<dyn Timer>,
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The headers hold the key.
        f.debug_struct("Model").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Model {
    /// A model as the settings say; the text of an error is for the operator.
    pub fn new(settings: Outside, timer: Arc<dyn Timer>) -> Result<Self, String> {
        let headers = wire::headers(settings.vendor, &settings.key)?;
        let url = format!("{}{}", settings.url.trim_end_matches('/'), wire::path(settings.vendor));
        Ok(Self {
            http: Http::new("outside-url", &url)?,
            name: format!("{}:{}", settings.vendor.name(), settings.model),
            vendor: settings.vendor,
            model: settings.model,
            timeout: settings.timeout,
            headers,
            breaker: Breaker::default(),
            counters: Counters::new(settings.prices),
            timer,
        })
    }

    /// Calls until there is an answer, a failure that stays, or no time left.
    async fn ask<T>(&self, task: &Task, read: impl Fn(&Value) -> Option<T>) -> Result<T, Problem> {
        let body = wire::request(self.vendor, &self.model, task).to_string();
        let ends = self.timer.now().saturating_add(self.timeout);
        let mut last = Problem::Open;
        for attempt in 0..=PAUSES.len() {
            let Some(pass) = self.breaker.admit(self.timer.now()) else { return Err(last) };
            self.counters.called(attempt > 0);
            let left = ends.saturating_sub(self.timer.now());
            let answer = tokio::select! {
                answer = self.call(task.name, body.as_bytes(), &read) => answer,
                () = self.timer.sleep(left) => Err(Problem::Slow),
            };
            let now = self.timer.now();
            let problem = match answer {
                Ok(answers) => {
                    pass.succeeded();
                    return Ok(answers);
                }
                Err(problem) => problem,
            };
            pass.failed(now);
            let pause = match problem {
                Problem::Throttled(Some(told)) => Some(told),
                problem if problem.passes() => PAUSES.get(attempt).copied(),
                _ => None,
            };
            let Some(pause) = pause.filter(|_| attempt < PAUSES.len()) else { return Err(problem) };
            if now.saturating_add(pause) >= ends {
                if let Problem::Throttled(Some(told)) = problem {
                    self.breaker.open_until(now, told);
                }
                return Err(problem);
            }
            last = problem;
            self.timer.sleep(pause).await;
        }
        Err(last)
    }

    /// Counts what came of so many questions.
    fn told<T>(
        &self,
        questions: usize,
        came: Result<T, Problem>,
        answers: impl Fn(&T) -> usize,
    ) -> Result<T> {
        self.counters.asked(questions, came.as_ref().map(answers).map_err(|problem| *problem));
        came.map_err(|problem| {
            tracing::warn!(problem = problem.name(), "outside help brought nothing");
            problem.error()
        })
    }

    /// One call.
    async fn call<T>(
        &self,
        name: &str,
        body: &[u8],
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<T, Problem> {
        let reply = self.http.post(&self.headers, body).await;
        let reply = reply.map_err(|_| Problem::Unreachable)?;
        let (status, retry_after) = (reply.status, reply.retry_after);
        let body = reply.body().await.ok_or(Problem::Unreadable)?;
        match status {
            200 => {
                let (said, usage) = wire::read(self.vendor, &body, name);
                self.counters.used(usage);
                said.and_then(|said| read(&said)).ok_or(Problem::Unreadable)
            }
            429 if wire::is_spent(&body) => Err(Problem::Refused),
            429 => Err(Problem::Throttled(retry_after)),
            408 | 409 | 500.. => Err(Problem::Failed),
            _ => Err(Problem::Refused),
        }
    }
}

#[async_trait]
impl Suggester for Model {
    fn name(&self) -> &str {
        &self.name
    }

    async fn suggest(
        &self,
        questions: &[Question],
        choices: &[String],
    ) -> Result<Vec<Option<Answer>>> {
        let (task, count) = (tasks::payees(questions, choices), questions.len());
        let came = self.ask(&task, |said| tasks::answers(said, count)).await;
        self.told(count, came, |answers| answers.iter().flatten().count())
    }
}

#[async_trait]
impl Translator for Model {
    async fn translate(&self, asked: &Asked) -> Result<Option<String>> {
        let came = self.ask(&tasks::report(asked), tasks::sentence).await;
        self.told(1, came, |sentence| usize::from(sentence.is_some()))
    }
}

impl Helper for Model {
    fn status(&self) -> Value {
        let breaker = self.breaker.name(self.timer.now());
        self.counters.status(self.vendor.name(), &self.model, breaker)
    }
}
