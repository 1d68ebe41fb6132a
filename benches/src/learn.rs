//! The jobs of the learned categoriser, on one core: each makes its payments before the clock
//! starts.

use std::time::Instant;

use fiscaflow_core::learn::{Judged, Model, evaluate};
use serde_json::{Value, json};

use super::Options;
use super::evaluate::figures;
use super::household::{Payment, payments, reachable};
use super::jobs::Run;

fn learned(payments: &[Payment]) -> Model<usize> {
    let mut model = Model::new();
    for payment in payments {
        model.learn(&payment.sample(), payment.category);
    }
    model
}

/// Learn payments one by one.
pub fn learn(options: &Options) -> Vec<Run> {
    let payments = payments(options.n, options.seed);
    let run = |_| {
        let start = Instant::now();
        let model = learned(&payments);
        let run = Run::new(payments.len(), start);
        let start = Instant::now();
        model.prepare();
        let weights = start.elapsed().as_secs_f64();
        let more = json!({ "weights_seconds": weights, "model_bytes": model.bytes() });
        Run { more, ..run }
    };
    (0..options.repeat).map(run).collect()
}

/// Learn the first four fifths, say where the last fifth belongs, and be judged by it.
pub fn predict(options: &Options) -> Vec<Run> {
    let payments = payments(options.n, options.seed);
    let (past, future) = payments.split_at(options.n / 5 * 4);
    let model = learned(past);
    model.prepare();
    let run = |_| {
        let start = Instant::now();
        let guesses: Vec<_> = future.iter().map(|payment| model.best(&payment.sample())).collect();
        let run = Run::new(future.len(), start);
        let judged = future.iter().zip(guesses).map(|(payment, guess)| Judged {
            truth: payment.category,
            probability: guess.as_ref().map_or(0.0, |guess| guess.probability),
            guess: guess.map(|guess| guess.label),
        });
        let mut more = figures(&evaluate(&judged.collect::<Vec<_>>()));
        if let Value::Object(more) = &mut more {
            more.remove("coverage");
            more.insert("model_bytes".to_owned(), json!(model.bytes()));
            more.insert("reachable_accuracy".to_owned(), json!(reachable(options.seed)));
        }
        Run { more, ..run }
    };
    (0..options.repeat).map(run).collect()
}

/// Say who was paid.
pub fn normalise(options: &Options) -> Vec<Run> {
    let payments = payments(options.n, options.seed);
    fiscaflow_core::normalise::normalise("");
    let run = |_| {
        let start = Instant::now();
        for payment in &payments {
            std::hint::black_box(fiscaflow_core::normalise::normalise(&payment.text));
        }
        Run::new(payments.len(), start)
    };
    (0..options.repeat).map(run).collect()
}
