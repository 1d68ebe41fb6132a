//! The jobs of the learned categoriser, on one core: each makes its payments before the clock
//! starts.

use std::time::Instant;

use fiscaflow_core::learn::{Judged, Model, Sample, evaluate};
use serde_json::{Value, json};

use super::evaluate::figures;
use super::household::{Payment, payments, reachable};
use super::jobs::Run;
use super::{Options, status_bytes};

fn learned(payments: &[Payment]) -> Model<usize> {
    let mut model = Model::new();
    for payment in payments {
        model.learn(&payment.sample(), payment.category);
    }
    model
}

/// Learn payments one by one until the model can be asked. `counted_seconds` is what of it grows
/// with each payment; the rest makes the words' weights, which is done anew now and then.
pub fn learn(options: &Options) -> Vec<Run> {
    let payments = payments(options.n, options.seed);
    let run = |_| {
        let before = status_bytes("VmRSS:");
        let start = Instant::now();
        let model = learned(&payments);
        let counted = start.elapsed().as_secs_f64();
        model.prepare();
        let run = Run::new(payments.len(), start);
        let more = json!({
            "counted_seconds": counted,
            "model_bytes": model.bytes(),
            "peak_bytes": above(before),
        });
        Run { more, ..run }
    };
    (0..options.repeat).map(run).collect()
}

/// The most memory that was resident, without what was there before.
fn above(before: Option<u64>) -> Option<u64> {
    status_bytes("VmHWM:")?.checked_sub(before?)
}

/// The share of payments that a model puts where they belong when it sees no amounts.
fn text_accuracy(past: &[Payment], future: &[Payment]) -> f64 {
    fn text(payment: &Payment) -> Sample<'_> {
        Sample { amount_minor: None, ..payment.sample() }
    }
    let mut model = Model::new();
    past.iter().for_each(|payment| model.learn(&text(payment), payment.category));
    model.prepare();
    let is_right = |payment: &&Payment| {
        model.best(&text(payment)).is_some_and(|guess| guess.label == payment.category)
    };
    future.iter().filter(is_right).count() as f64 / future.len() as f64
}

/// Learn the first four fifths, say where the last fifth belongs, and be judged by it.
pub fn predict(options: &Options) -> Vec<Run> {
    let payments = payments(options.n, options.seed);
    let (past, future) = payments.split_at(options.n / 5 * 4);
    let before = status_bytes("VmRSS:");
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
        let peak = above(before);
        let mut more = figures(&evaluate(&judged.collect::<Vec<_>>()));
        if let Value::Object(more) = &mut more {
            more.remove("coverage");
            more.insert("model_bytes".to_owned(), json!(model.bytes()));
            more.insert("peak_bytes".to_owned(), json!(peak));
            more.insert("text_accuracy".to_owned(), json!(text_accuracy(past, future)));
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
