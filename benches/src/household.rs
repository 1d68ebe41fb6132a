//! A household's card payments with their categories, for the jobs of the learned categoriser.
//!
//! Most payees belong in one category. Some belong in two, by the amount: who fills up at a
//! supermarket pays more than for a snack. And people err: one choice in thirty is any category.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use fiscaflow_core::learn::Sample;

use super::data::CITIES;
use super::random::Random;

/// How many categories there are.
pub const CATEGORIES: u64 = 20;
const PAYEES: u64 = 600;
/// The least amount in cents, how many amounts there are, and the least of those that are large.
const LEAST: u64 = 100;
const RANGE: u64 = 12_700;
const LARGE: u64 = 8_192;
/// One choice in so many is any category.
const ERRS: u64 = 30;
const SYLLABLES: &[&str] =
    &["BA", "KO", "MEL", "TRI", "SAN", "VO", "LU", "NER", "PI", "GAR", "DEN", "HO", "ZIM", "RA"];

/// A payment and where it belongs.
#[derive(Debug, Clone)]
pub struct Payment {
    /// The bank's text.
    pub text: String,
    /// The signed amount in minor units.
    pub amount_minor: i64,
    /// The category, below [`CATEGORIES`].
    pub category: usize,
}

impl Payment {
    /// The payment as the model sees it.
    pub fn sample(&self) -> Sample<'_> {
        let amount_minor = Some(self.amount_minor);
        Sample { text: &self.text, amount_minor, ..Sample::default() }
    }
}

/// `n` payments, in the order in which they are made.
pub fn payments(n: usize, seed: u64) -> Vec<Payment> {
    let mut random = Random::new(seed);
    let payees: Vec<Payee> = (0..PAYEES).map(|_| Payee::new(&mut random)).collect();
    (0..n).filter_map(|_| payment(&payees, &mut random)).collect()
}

/// The same as a table for other programs, with days in their order: ten years are divided evenly.
pub fn table(n: usize, seed: u64) -> Vec<u8> {
    let mut text = "date,text,amount,category\n".to_owned();
    let (first, days) = (NaiveDate::from_ymd_opt(2016, 1, 1).unwrap_or_default(), 3_650);
    for (place, it) in payments(n, seed).iter().enumerate() {
        let day = first + chrono::Days::new((place * days / n).try_into().unwrap_or_default());
        let (euros, cents) = (it.amount_minor / 100, it.amount_minor.abs() % 100);
        text += &format!("{day},{},{euros}.{cents:02},{}\n", it.text, it.category);
    }
    text.into_bytes()
}

/// The accuracy that nobody exceeds who sees name and amount alone: names are few, so that some
/// payees share one, and then the likelier of their categories is the best that can be said.
pub fn reachable(seed: u64) -> f64 {
    let mut random = Random::new(seed);
    let payees: Vec<Payee> = (0..PAYEES).map(|_| Payee::new(&mut random)).collect();
    // How often each category is meant by each name, for small and for large amounts.
    let mut meant: BTreeMap<(&str, bool), BTreeMap<usize, f64>> = BTreeMap::new();
    let below = |place: u64| ((PAYEES - place) as f64 / PAYEES as f64).powi(3);
    let small = (LARGE - LEAST) as f64 / RANGE as f64;
    for (payee, place) in payees.iter().zip(0..) {
        let met = below(place) - below(place + 1);
        for (large, share) in [(false, small), (true, 1.0 - small)] {
            let category = payee.second.filter(|_| large).unwrap_or(payee.first);
            let meant = meant.entry((&payee.name, large)).or_default();
            *meant.entry(category).or_default() += met * share;
        }
    }
    let best = |meant: &BTreeMap<usize, f64>| meant.values().copied().fold(0.0, f64::max);
    let errs = 1.0 / ERRS as f64;
    meant.values().map(best).sum::<f64>() * (1.0 - errs) + errs / CATEGORIES as f64
}

struct Payee {
    name: String,
    first: usize,
    /// Where larger amounts belong.
    second: Option<usize>,
}

impl Payee {
    fn new(random: &mut Random) -> Self {
        let syllables = 2 + random.below(2);
        let name = (0..syllables).map(|_| random.pick(SYLLABLES)).collect();
        let second = random.below(6) == 0;
        Self { name, first: category(random), second: second.then(|| category(random)) }
    }
}

fn category(random: &mut Random) -> usize {
    usize::try_from(random.below(CATEGORIES)).unwrap_or_default()
}

fn payment(payees: &[Payee], random: &mut Random) -> Option<Payment> {
    // Some payees are met far more often than others.
    let place = random.below(PAYEES).min(random.below(PAYEES)).min(random.below(PAYEES));
    let payee = payees.get(usize::try_from(place).ok()?)?;
    let (number, city) = (random.below(10_000), random.pick(CITIES));
    let cents = LEAST + random.below(RANGE);
    let larger = payee.second.filter(|_| cents >= LARGE);
    let errs = random.below(ERRS) == 0;
    Some(Payment {
        text: format!("CARD {} {number:04} {city}", payee.name),
        amount_minor: -i64::try_from(cents).ok()?,
        category: if errs { category(random) } else { larger.unwrap_or(payee.first) },
    })
}
