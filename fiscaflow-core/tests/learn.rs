//! What the learned categoriser holds to.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test panics to fail, and looks up its own tables"
)]

use chrono::NaiveDate;
use fiscaflow_core::learn::{Judged, Model, Sample, evaluate};
use proptest::prelude::*;

const TEXTS: &[&str] = &[
    "REWE SAGT DANKE 4711",
    "rewe markt 12",
    "SHELL 0815 BERLIN",
    "SQ *Blue Bottle",
    "Netflix.com",
    "STADTWERKE ABSCHLAG",
    "stadtwerke strom",
    "ALLIANZ BEITRAG",
    "1234567",
    "",
];
const LABELS: &[&str] = &["food", "fuel", "media", "home", "insurance"];

/// A choice: a place in the texts, one in the labels, an amount and a day.
type Choice = (usize, usize, i64, u32);

fn sample((text, _, amount, day): &Choice) -> Sample<'static> {
    Sample {
        text: TEXTS[*text],
        amount_minor: (*amount % 3 != 0).then_some(*amount),
        date: NaiveDate::from_ymd_opt(2026, 3, 1 + day % 28),
        account: Some(u64::from(day % 2)),
    }
}

fn choice() -> impl Strategy<Value = Choice> {
    (0..TEXTS.len(), 0..LABELS.len(), -20_000_i64..20_000, 0_u32..28)
}

/// Everything that a model says, to the bit.
fn says(model: &Model<&'static str>) -> Vec<(&'static str, u32)> {
    let mut said = Vec::new();
    for text in 0..TEXTS.len() {
        for amount in [-5_000, 70] {
            let guesses = model.guesses(&sample(&(text, 0, amount, 3)), 10);
            said.extend(guesses.iter().map(|guess| (guess.label, guess.probability.to_bits())));
        }
    }
    let unseen = Sample { text: "rewe strom netflix", ..Sample::default() };
    said.extend(model.guesses(&unseen, 10).iter().map(|it| (it.label, it.probability.to_bits())));
    said
}

fn model(choices: &[Choice]) -> Model<&'static str> {
    let mut model = Model::new();
    choices.iter().for_each(|choice| model.learn(&sample(choice), LABELS[choice.1]));
    model
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// A model that was kept up to date is the one that is built anew, in whatever order, even if
    /// it made its weights on the way.
    #[test]
    fn rebuilt_is_kept_up_to_date(
        kept in prop::collection::vec(choice(), 0..40),
        gone in prop::collection::vec(choice(), 0..20),
        asked in 0_usize..40,
    ) {
        let mut grown = Model::new();
        gone.iter().for_each(|it| grown.learn(&sample(it), LABELS[it.1]));
        for (place, it) in kept.iter().enumerate() {
            grown.learn(&sample(it), LABELS[it.1]);
            if place == asked {
                grown.prepare();
            }
        }
        gone.iter().rev().for_each(|it| grown.forget(&sample(it), LABELS[it.1]));
        let mut turned = kept.clone();
        turned.reverse();
        prop_assert_eq!(says(&grown), says(&model(&turned)));
        prop_assert_eq!(grown.len(), u64::try_from(kept.len()).unwrap());
    }

    /// Forgetting what was just learned leaves no trace.
    #[test]
    fn forgotten_is_never_learned(
        before in prop::collection::vec(choice(), 0..30),
        it in choice(),
    ) {
        let mut changed = model(&before);
        let said = says(&changed);
        changed.learn(&sample(&it), LABELS[it.1]);
        changed.forget(&sample(&it), LABELS[it.1]);
        prop_assert_eq!(said, says(&changed));
    }

    /// Forgetting what was never learned changes nothing.
    #[test]
    fn nothing_to_forget(before in prop::collection::vec(choice(), 0..20)) {
        let mut changed = model(&before);
        changed.forget(&Sample { text: "nobody", ..Sample::default() }, "food");
        changed.forget(&Sample { text: TEXTS[0], ..Sample::default() }, "nothing");
        prop_assert_eq!(says(&changed), says(&model(&before)));
    }

    /// Probabilities lie between 0 and 1 and add up to at most 1, whatever the text.
    #[test]
    fn probabilities_are_probabilities(
        before in prop::collection::vec(choice(), 1..30),
        text in "\\PC{0,60}",
    ) {
        let guesses = model(&before).guesses(&Sample { text: &text, ..Sample::default() }, 10);
        let sum: f32 = guesses.iter().map(|guess| guess.probability).sum();
        prop_assert!(guesses.iter().all(|guess| (0.0..=1.0).contains(&guess.probability)));
        prop_assert!(sum <= 1.0001, "{sum}");
    }
}

/// One choice is not yet a habit; three are, but not where payees go here and there.
#[test]
fn three_choices_are_a_habit() {
    let steady = |number: u8| format!("x{}{}", char::from(b'a' + number % 8), number / 8 + 1);
    let fickle = |number: u8| format!("x{}", char::from(b'a' + number % 8));
    let cafe = Sample { text: "Corner café 17", ..Sample::default() };
    let sure = |name: &dyn Fn(u8) -> String, choices: usize| {
        let mut model = Model::new();
        for number in 0..40_u8 {
            let (text, label) = (name(number), usize::from(number % 5));
            model.learn(&Sample { text: &text, ..Sample::default() }, LABELS[label]);
        }
        (0..choices).for_each(|_| model.learn(&cafe, "food"));
        let guess = model.best(&cafe).filter(|guess| guess.label == "food");
        guess.map_or(0.0, |guess| guess.probability)
    };
    assert!(sure(&steady, 1) < 0.85, "{}", sure(&steady, 1));
    assert!(sure(&steady, 3) > 0.85, "{}", sure(&steady, 3));
    assert!(sure(&fickle, 3) < 0.85, "{}", sure(&fickle, 3));
    assert!(sure(&fickle, 8) > 0.85, "{}", sure(&fickle, 8));
}

/// What was chosen without an amount is not what was chosen with one.
#[test]
fn forgets_with_and_without_amount_apart() {
    let with = Sample { text: "shop", amount_minor: Some(0), ..Sample::default() };
    let without = Sample { text: "shop", ..Sample::default() };
    let mut model = Model::new();
    model.learn(&with, "food");
    model.learn(&with, "home");
    model.learn(&without, "home");
    for _ in 0..2 {
        model.forget(&without, "food");
        model.forget(&without, "home");
    }
    assert_eq!(model.len(), 2);
    for _ in 0..2 {
        model.forget(&with, "home");
        model.forget(&with, "food");
    }
    assert!(model.is_empty());
}

/// A book in which everything was put in one place does not tell payees apart: of one that was
/// never seen nothing is said for sure.
#[test]
fn one_label_is_no_knowledge() {
    let mut model = Model::new();
    for number in 0..200 {
        let text = format!("shop {}", "abcdefghij".repeat(1 + number % 7));
        model.learn(&Sample { text: &text, ..Sample::default() }, "all");
    }
    let guess = model.best(&Sample { text: "elsewhere", ..Sample::default() }).expect("a guess");
    assert!(guess.probability < 0.1);
}

/// An amount decides where a payee alone does not.
#[test]
fn amounts_tell_apart() {
    let mut model = Model::new();
    let at =
        |amount| Sample { text: "TANKSTELLE", amount_minor: Some(amount), ..Sample::default() };
    for more in 0..12 {
        model.learn(&at(-6_000 - more), "fuel");
        model.learn(&at(-300 - more), "snacks");
    }
    assert_eq!(model.best(&at(-6_500)).map(|guess| guess.label), Some("fuel"));
    assert_eq!(model.best(&at(-310)).map(|guess| guess.label), Some("snacks"));
    let spoke = model.spoke(&at(-310), &"snacks", 5);
    assert!(spoke.iter().any(|it| it.feature == "amount" && it.weight > 0), "{spoke:?}");
}

/// Words speak for payees that were never seen, and are named as what spoke.
#[test]
fn words_carry_over() {
    let mut model = Model::new();
    for town in ["berg", "tal", "heim", "stadt", "dorf", "hausen"] {
        let (bakery, garage) = (format!("Bäckerei {town}"), format!("Autohaus {town}"));
        model.learn(&Sample { text: &bakery, ..Sample::default() }, "food");
        model.learn(&Sample { text: &garage, ..Sample::default() }, "car");
    }
    let unseen = Sample { text: "BÄCKEREI LINDNER", ..Sample::default() };
    assert_eq!(model.best(&unseen).map(|guess| guess.label), Some("food"));
    let spoke = model.spoke(&unseen, &"food", 20);
    assert!(spoke.iter().any(|it| it.value == "bäckerei" && it.weight > 0), "{spoke:?}");
}

/// A seeded generator: SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Where one choice in five is an error, the model is right about as often as it says.
#[test]
fn probabilities_are_true() {
    let mut state = 7;
    let mut model = Model::new();
    let mut judged = Vec::new();
    for round in 0..3_000 {
        let payee = random(&mut state) % 60;
        let text = format!(
            "{} {}",
            TEXTS[payee as usize % 8],
            ["nord", "sued", "ost"][payee as usize % 3]
        );
        let label =
            if random(&mut state).is_multiple_of(5) { random(&mut state) % 5 } else { payee % 5 };
        let truth = LABELS[label as usize];
        let it = Sample { text: &text, ..Sample::default() };
        if round < 2_000 {
            model.learn(&it, truth);
        } else {
            let guess = model.best(&it).expect("a guess");
            judged.push(Judged { truth, guess: Some(guess.label), probability: guess.probability });
        }
    }
    let found = evaluate(&judged);
    assert!(found.expected_calibration_error < 0.05, "{found:?}");
}
