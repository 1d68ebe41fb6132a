//! Civil dates: every shape on the wire takes the one form `YYYY-MM-DD`, and months `YYYY-MM`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use fiscaflow_core::analytics::{Balance, BalancesQuery};
use fiscaflow_core::api::read;
use fiscaflow_core::model::DatedRate;
use fiscaflow_core::model::{Condition, NewTransaction, Origin, Transaction, TransactionPatch};
use fiscaflow_core::store::TransactionQuery;
use fiscaflow_core::transfers::TransferQuery;
use fiscaflow_core::{ErrorCode, Month, Result, parse_date};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const ID: &str = "018f0000-0000-7000-8000-000000000001";

/// What the calendar library alone would take, and its neighbours.
const ODD: [&str; 20] = [
    "+12026-03-01",
    "-0001-03-01",
    "2026-3-1",
    " 2026-03-01",
    "2026-03-01 ",
    "2026 -3-01",
    "+2026-3-01",
    "-2024-1-01",
    " 2024-1-01",
    "+024-01-01",
    "2024-01- 1",
    "2024-+1-01",
    "0000-01-01",
    "2023-02-29",
    "2024-13-01",
    "2024/01/01",
    "２０２６-03-01",
    "2026-03-01T00:00:00",
    "20260301",
    "",
];

/// Each place on the wire where a date stands, filled with this one and read.
fn readings(date: &str) -> Vec<(&'static str, Result<()>)> {
    fn reading<T: DeserializeOwned>(value: Value) -> Result<()> {
        read::<T>(value).map(drop)
    }
    let euro = json!({"value": "1.00", "currency": "EUR"});
    let origin = json!({"import_id": ID, "account_id": ID, "booking_date": date, "amount": euro,
        "pending": false, "bank_id": null, "fingerprint": ""});
    let new = |member: &str| {
        let mut new = json!({"account_id": ID, "booking_date": "2026-03-01", "amount": "1"});
        new[member] = json!(date);
        new
    };
    let full = |member: &str| {
        let mut full = json!({"id": ID, "account_id": ID, "booking_date": "2026-03-01",
            "amount": {"value": "1.00", "currency": "EUR"}, "status": "posted", "description": "",
            "tags": [], "splits": [], "attachments": [], "metadata": {}, "origins": [],
            "deleted": false, "revision": 1});
        full[member] = json!(date);
        full
    };
    let balance = json!({"account_id": ID, "date": date,
        "balance": {"value": "1.00", "currency": "EUR"}});
    let rate = json!({"date": date, "base": "EUR", "quote": "USD", "rate": "1.1"});
    vec![
        ("NewTransaction.booking_date", reading::<NewTransaction>(new("booking_date"))),
        ("NewTransaction.value_date", reading::<NewTransaction>(new("value_date"))),
        ("Patch.booking_date", reading::<TransactionPatch>(json!({"booking_date": date}))),
        ("Patch.value_date", reading::<TransactionPatch>(json!({"value_date": date}))),
        ("Transaction.booking_date", reading::<Transaction>(full("booking_date"))),
        ("Transaction.value_date", reading::<Transaction>(full("value_date"))),
        ("Origin.booking_date", reading::<Origin>(origin)),
        ("Condition.from", reading::<Condition>(json!({"kind": "date", "from": date}))),
        ("Condition.to", reading::<Condition>(json!({"kind": "date", "to": date}))),
        ("TransactionQuery.from", reading::<TransactionQuery>(json!({"from": date}))),
        ("TransactionQuery.to", reading::<TransactionQuery>(json!({"to": date}))),
        ("BalancesQuery.from", reading::<BalancesQuery>(json!({"from": date}))),
        ("BalancesQuery.to", reading::<BalancesQuery>(json!({"to": date}))),
        ("Balance.date", reading::<Balance>(balance)),
        ("TransferQuery.from", reading::<TransferQuery>(json!({"from": date}))),
        ("TransferQuery.to", reading::<TransferQuery>(json!({"to": date}))),
        ("DatedRate.date", reading::<DatedRate>(rate)),
        ("parse_date", parse_date(date).map(drop)),
    ]
}

/// Whether a text is a date, as the documentation puts it.
fn is_date(text: &str) -> bool {
    let form = text.len() == 10
        && text.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let exists = || text.parse::<chrono::NaiveDate>().is_ok();
    form && !text.starts_with("0000") && exists()
}

fn all_agree(text: &str) {
    for (place, read) in readings(text) {
        match read {
            Ok(()) => assert!(is_date(text), "{place} takes {text:?}"),
            Err(error) => {
                assert!(!is_date(text), "{place} refuses {text:?}: {error:?}");
                assert_eq!(error.code(), ErrorCode::InvalidDate, "{place}, {text:?}");
            }
        }
    }
}

#[test]
fn odd_dates_are_refused_wherever_a_date_stands() {
    // Holds: signs, blanks, single digits, long years and year 0 are `invalid_date` in every shape,
    // while the first and the last day that can be written are taken.
    for odd in ODD {
        assert!(!is_date(odd), "{odd:?}");
        all_agree(odd);
    }
    for day in ["0001-01-01", "2024-02-29", "9999-12-31"] {
        assert!(is_date(day));
        all_agree(day);
    }
}

#[test]
fn odd_months_are_refused() {
    // Holds: a month is four digits, a hyphen and two digits of a month that exists.
    for odd in [" 202-01", "+202-01", "-202-01", "2024- 1", "2024-+1", "0000-01", "2024-13", "2024"]
    {
        let error = odd.parse::<Month>().unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidDate, "{odd:?}");
    }
    for month in ["0001-01", "2024-02", "9999-12"] {
        assert_eq!(month.parse::<Month>().unwrap().to_string(), month);
    }
}

proptest! {
    #[test]
    fn every_shape_takes_exactly_the_written_form(
        text in prop_oneof![
            "[-+ 0-9]{0,5}[- ][-+ 0-9]{0,3}[-/][-+ 0-9]{0,3}",
            "[0-9]{4}-[01][0-9]-[0-3][0-9]",
            "[+-]?[0-9]{4,6}-[01]?[0-9]-[0-3]?[0-9][ TZ]?",
            ".{0,12}",
        ],
    ) {
        // Holds: whatever the text, all places where a date stands agree with the documentation.
        all_agree(&text);
    }

    #[test]
    fn a_month_reads_what_it_writes(text in "[-+ 0-9]{0,5}-[-+ 0-9]{0,3}") {
        // Holds: a text that reads as a month is what that month writes.
        if let Ok(month) = text.parse::<Month>() {
            prop_assert_eq!(month.to_string(), text);
        }
    }
}
