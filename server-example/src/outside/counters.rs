//! What was asked outside and what it cost, since the server started.
//!
//! The cost is exact: tokens times the price of a million of them, in integers.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::Problem;
use crate::config::Prices;

/// Tokens that a call took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) input: u64,
    pub(super) output: u64,
}

#[derive(Debug)]
pub(super) struct Counters {
    prices: Option<Prices>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    calls: u64,
    repeats: u64,
    questions: u64,
    answers: u64,
    failures: BTreeMap<&'static str, u64>,
    tokens: Usage,
}

impl Counters {
    pub(super) fn new(prices: Option<Prices>) -> Self {
        Self { prices, counts: Mutex::default() }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call is made.
    pub(super) fn called(&self, again: bool) {
        let mut counts = self.counts();
        counts.calls = counts.calls.saturating_add(1);
        counts.repeats = counts.repeats.saturating_add(u64::from(again));
    }

    /// The vendor says what a call took, whatever came of it.
    pub(super) fn used(&self, usage: Usage) {
        let tokens = &mut self.counts().tokens;
        tokens.input = tokens.input.saturating_add(usage.input);
        tokens.output = tokens.output.saturating_add(usage.output);
    }

    /// So many questions came to this.
    pub(super) fn asked(&self, questions: usize, came: Result<usize, Problem>) {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let mut counts = self.counts();
        counts.questions = counts.questions.saturating_add(count(questions));
        match came {
            Ok(answers) => {
                counts.answers = counts.answers.saturating_add(count(answers));
            }
            Err(problem) => {
                let failures = counts.failures.entry(problem.name()).or_default();
                *failures = failures.saturating_add(1);
            }
        }
    }

    pub(super) fn status(&self, provider: &str, model: &str, breaker: &str) -> Value {
        let counts = self.counts();
        let cost = self.prices.as_ref().map(
            |prices| json!({"value": cost(prices, counts.tokens), "currency": prices.currency}),
        );
        json!({
            "provider": provider,
            "model": model,
            "breaker": breaker,
            "calls": counts.calls,
            "repeats": counts.repeats,
            "questions": counts.questions,
            "answers": counts.answers,
            "failures": counts.failures,
            "input_tokens": counts.tokens.input,
            "output_tokens": counts.tokens.output,
            "cost": cost,
        })
    }
}

/// What tokens cost, as a decimal. Prices are millionths of a unit for a million tokens, so their
/// products are counts of 10^-12 of a unit.
fn cost(prices: &Prices, tokens: Usage) -> String {
    let of = |tokens: u64, price: u64| u128::from(tokens).saturating_mul(price.into());
    let parts = of(tokens.input, prices.input_micros)
        .saturating_add(of(tokens.output, prices.output_micros));
    let unit = 1_000_000_000_000_u128;
    let (whole, rest) = (parts / unit, parts % unit);
    let rest = format!("{rest:012}");
    match rest.trim_end_matches('0') {
        "" => whole.to_string(),
        rest => format!("{whole}.{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds: the cost is tokens times price to the last digit, as `rust_decimal` would have it, up
    /// to the largest counts.
    #[test]
    fn the_cost_is_exact() {
        let prices = |input_micros, output_micros| Prices {
            currency: "USD".to_owned(),
            input_micros,
            output_micros,
        };
        for (input, output, prices, wanted) in [
            (0, 0, prices(250_000, 2_000_000), "0"),
            (1, 0, prices(250_000, 2_000_000), "0.00000025"),
            (1_000_000, 0, prices(250_000, 2_000_000), "0.25"),
            (333, 77, prices(3_000_000, 15_000_000), "0.002154"),
            (3, 0, prices(1, 0), "0.000000000003"),
            (u64::MAX, 0, prices(1_000_000, 0), "18446744073709.551615"),
        ] {
            assert_eq!(cost(&prices, Usage { input, output }), wanted);
        }
    }
}
