//! Money is exact: against integers of any size, in every currency.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking"
)]

mod shared;

use fiscaflow_core::{Amount, Currency, ErrorCode, Money};
use proptest::prelude::*;

fn eur() -> Currency {
    Currency::iso("EUR").unwrap()
}

fn any_currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(Currency::all_iso())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(2_000)))]

    /// A sum is the sum of integers, or an overflow exactly where the integers overflow; taking
    /// back what was added gives what was there.
    #[test]
    fn adding_is_adding_integers(left: i64, right: i64) {
        let (one, other) = (Money::from_minor(left, eur()), Money::from_minor(right, eur()));
        match (one.checked_add(other), left.checked_add(right)) {
            (Ok(sum), Some(minor)) => {
                prop_assert_eq!(sum.minor(), minor);
                prop_assert_eq!(sum.checked_sub(other).unwrap(), one);
            }
            (Err(error), None) => prop_assert_eq!(error.code(), ErrorCode::AmountOverflow),
            (result, minor) => prop_assert!(false, "{result:?} against {minor:?}"),
        }
    }

    /// Two currencies are never added, whatever they are.
    #[test]
    fn currencies_do_not_mix(left in any_currency(), right in any_currency(), minor: i64) {
        prop_assume!(left != right);
        let sum = Money::from_minor(minor, left).checked_add(Money::from_minor(1, right));
        prop_assert_eq!(sum.unwrap_err().code(), ErrorCode::CurrencyMismatch);
    }

    /// What is printed is read back as it was, in every currency.
    #[test]
    fn printing_and_reading_are_inverse(minor: i64, currency in any_currency()) {
        let money = Money::from_minor(minor, currency);
        let text = money.amount().to_string();
        prop_assert_eq!(Money::parse(&text, currency).unwrap(), money);
        let json = serde_json::to_string(&money).unwrap();
        prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
        let places = text.split_once('.').map_or(0, |(_, places)| places.len());
        prop_assert_eq!(places, usize::from(currency.exponent()));
    }

    /// Parts add up to the whole, have its sign, and differ from the exact share by less than one
    /// unit; the order of the others' weights does not change what a part gets by more than that.
    #[test]
    fn parts_add_up(minor: i64, weights in prop::collection::vec(any::<u32>(), 1..20)) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let whole = Money::from_minor(minor, eur());
        let parts = whole.allocate(&weights).unwrap();
        let total: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
        prop_assert_eq!(Money::sum(eur(), parts.iter().copied()).unwrap(), whole);
        for (part, weight) in parts.iter().zip(&weights) {
            let exact = i128::from(minor) * i128::from(*weight);
            let off = i128::from(part.minor()) * total - exact;
            prop_assert!(off.abs() < total, "{part} for {weight} of {total}");
            prop_assert!(part.is_zero() || part.minor().signum() == minor.signum());
        }
    }

    /// The largest remainder decides: against a twin that hands out one unit after the other.
    #[test]
    fn largest_remainder_decides(
        minor in -10_000_i64..10_000,
        weights in prop::collection::vec(0_u32..50, 1..8),
    ) {
        let total: i64 = weights.iter().map(|weight| i64::from(*weight)).sum();
        prop_assume!(total > 0);
        let mut parts: Vec<i64> =
            weights.iter().map(|weight| minor * i64::from(*weight) / total).collect();
        let lost = |place: usize| (minor * i64::from(weights[place]) % total).abs();
        let mut given = vec![false; weights.len()];
        while parts.iter().sum::<i64>() != minor {
            let next = (0..weights.len()).filter(|place| !given[*place]);
            let next = next.rev().max_by_key(|place| lost(*place)).unwrap();
            given[next] = true;
            parts[next] += minor.signum();
        }
        let allocated = Money::from_minor(minor, eur()).allocate(&weights).unwrap();
        prop_assert_eq!(allocated.iter().map(|part| part.minor()).collect::<Vec<_>>(), parts);
    }

    /// Reading never panics and never rounds: what is accepted prints as the digits that came in.
    #[test]
    fn reading_never_rounds(text in "[-+]?[0-9]{0,32}(\\.[0-9]{0,32})?|\\PC{0,20}") {
        if let Ok(amount) = text.parse::<Amount>() {
            let plain = |text: &str| {
                let negative = text.starts_with('-');
                let digits = text.trim_start_matches(['-', '+']);
                let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
                let whole = whole.trim_start_matches('0').to_owned();
                let places = places.trim_end_matches('0').to_owned();
                (negative && !(whole.is_empty() && places.is_empty()), whole, places)
            };
            prop_assert_eq!(plain(&text), plain(&amount.to_string()));
        }
    }
}

/// More cases in the deep tier.
fn cases(ordinary: u32) -> u32 {
    if std::env::var_os("FISCAFLOW_DEEP").is_some() { 1_000_000 } else { ordinary }
}

/// Currencies that ISO 4217 took up after the collection's list was published.
const NEWER: [(&str, u8); 2] = [("XAD", 2), ("XCG", 2)];

/// Currencies that the list had left out already, and that old bank files name.
const WITHDRAWN: [(u8, &[&str]); 2] = [
    (0, &["BEF", "BYR", "ESP", "ITL", "LUF", "PTE", "TRL"]),
    (
        2,
        &[
            "ATS", "AZM", "BGL", "CSD", "CYP", "DEM", "EEK", "FIM", "FRF", "GHC", "GRD", "HRK",
            "IEP", "LTL", "LVL", "MRO", "MTL", "MZM", "NLG", "ROL", "RUR", "SIT", "SKK", "SLL",
            "STD", "VEB", "VEF", "YUM", "ZMK", "ZWL",
        ],
    ),
];

/// Currencies that came after that list are known, and those that went can still be read: what is
/// withdrawn stays in books and old statements.
#[test]
fn newer_and_withdrawn_currencies_are_known() {
    let withdrawn = WITHDRAWN
        .into_iter()
        .flat_map(|(exponent, codes)| codes.iter().map(move |code| (*code, exponent)));
    let late = [("ANG", 2), ("BGN", 2), ("CUC", 2)];
    for (code, exponent) in NEWER.into_iter().chain(late).chain(withdrawn) {
        assert_eq!(Currency::iso(code).unwrap().exponent(), exponent, "{code}");
    }
    let guilders = Money::parse("12.34", Currency::iso("XCG").unwrap()).unwrap();
    assert_eq!((guilders.minor(), guilders.amount().to_string()), (1234, "12.34".to_owned()));
}

/// Every ISO 4217 currency with a minor unit has the exponent that the standard gives, and a code
/// without a minor unit is refused: against the list in the collection, where it is there.
#[test]
fn iso_4217_is_complete() {
    assert_eq!(Currency::all_iso().len(), 205);
    for (code, exponent) in [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("UYI", 0), ("UYW", 4)]
    {
        assert_eq!(Currency::iso(code).unwrap().exponent(), exponent, "{code}");
    }
    for code in ["XAU", "XXX", "EURO", "eur", "", "E€R", "AAA"] {
        assert_eq!(Currency::iso(code).unwrap_err().code(), ErrorCode::UnknownCurrency, "{code}");
    }
    let Some(fixtures) = shared::fixtures() else { return };
    let list = std::fs::read_to_string(fixtures.join("reference/iso-4217.csv")).unwrap();
    let mut listed = 0;
    for line in list.lines().skip(1) {
        let mut fields = line.split(',');
        let (code, units) = (fields.next().unwrap(), fields.nth(1).unwrap());
        match units.parse::<u8>() {
            Ok(exponent) => {
                assert_eq!(Currency::iso(code).unwrap().exponent(), exponent, "{code}");
                listed += 1;
            }
            Err(_) => assert!(Currency::iso(code).is_err(), "{code}"),
        }
    }
    let withdrawn = WITHDRAWN.iter().flat_map(|(_, codes)| *codes).copied();
    let unlisted: Vec<&str> = NEWER.iter().map(|(code, _)| *code).chain(withdrawn).collect();
    for code in &unlisted {
        assert!(!list.lines().any(|line| line.starts_with(code)), "{code} is listed now");
    }
    assert_eq!(listed + unlisted.len(), Currency::all_iso().len());
}

/// Registered currencies: which codes and exponents are taken.
#[test]
fn custom_currencies() {
    assert_eq!(Currency::custom("BTC", 8).unwrap().stored(), "BTC:8");
    assert_eq!(Currency::from_stored("BTC:8").unwrap(), Currency::custom("BTC", 8).unwrap());
    assert_eq!(Currency::from_stored("EUR").unwrap(), eur());
    for (code, exponent) in [("BT", 2), ("TOOLONGCODE", 2), ("btc", 2), ("BTC", 9), ("EUR", 2)] {
        assert!(Currency::custom(code, exponent).is_err(), "{code} {exponent}");
    }
    for stored in ["", ":", "BTC", "BTC:", "BTC:x", "EUR:2", "EUR:3", "BTC:9"] {
        assert!(Currency::from_stored(stored).is_err(), "{stored}");
    }
}

#[test]
fn an_unknown_currency_is_named_only_if_it_looks_like_one() {
    // Holds: the error repeats three letters and no other text.
    for (code, named) in
        [("XXY", true), ("eur", true), ("Anna", false), ("12", false), ("ÄÖ", false)]
    {
        let error = Currency::iso(code).unwrap_err();
        assert_eq!(error.message().contains(code), named, "{error}");
    }
}
