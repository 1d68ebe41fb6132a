//! Makes a run that breaks something smaller: fewer steps, fewer faults, less at once, as long as
//! it still breaks the same.

use super::script::{Act, Script};

/// Polls that end whatever can end.
const TO_THE_END: u32 = 100_000;

/// The smallest run found in so many tries that still breaks what `breaks` names; `fails` tells
/// what a run breaks.
pub fn shrunk(
    script: &Script,
    breaks: &str,
    mut tries: usize,
    fails: impl Fn(&Script) -> Option<String>,
) -> Script {
    let mut best = script.clone();
    let mut accept = |candidate: Script, best: &mut Script| {
        if tries == 0 {
            return false;
        }
        tries -= 1;
        let same = fails(&candidate).is_some_and(|it| it == breaks);
        if same {
            *best = candidate;
        }
        same
    };
    let mut size = best.steps.len().div_ceil(2);
    while size > 0 {
        let mut from = 0;
        while from < best.steps.len() {
            let mut candidate = best.clone();
            candidate.steps.drain(from..candidate.steps.len().min(from + size));
            if !accept(candidate, &mut best) {
                from += size;
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    for at in 0..best.steps.len() {
        for fault in (0..best.steps[at].faults.len()).rev() {
            let mut candidate = best.clone();
            candidate.steps[at].faults.remove(fault);
            accept(candidate, &mut best);
        }
        let simpler: [fn(&mut super::script::Step); 4] = [
            |step| step.cancel = None,
            |step| step.polls = TO_THE_END,
            |step| step.process = 0,
            |step| {
                if let Act::Call(call) = &mut step.act {
                    call.context.idempotency_key = None;
                }
            },
        ];
        for simplify in simpler {
            let mut candidate = best.clone();
            simplify(&mut candidate.steps[at]);
            if candidate != best {
                accept(candidate, &mut best);
            }
        }
    }
    best
}
