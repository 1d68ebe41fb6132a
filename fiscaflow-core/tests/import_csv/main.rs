//! Delimited statements as banks write them: what is found, what is stated, what stays open.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests read files, the library does not")]

mod collection;
mod elsewhere;
mod generated;
mod grouping;
mod layouts;
mod properties;
mod quirks;
mod settled;
#[path = "../shared/mod.rs"]
mod shared;
mod tables;
mod whole;

use fiscaflow_core::import::{
    ColumnRole, CsvColumn, CsvProfile, Format, MAX_FILE_ROWS, ParseOptions, Parsed, detect, parse,
};

/// Reads a file whose format is detected, with a profile in JSON.
fn read(bytes: &[u8], profile: Option<&str>) -> Parsed {
    let csv = profile.map(|json| serde_json::from_str::<CsvProfile>(json).unwrap());
    parse(bytes, &ParseOptions { format: None, csv, ..ParseOptions::default() }).unwrap()
}

/// How much of a random or large test is done: more in the deep tier.
fn deep_or<T>(deep: T, ordinary: T) -> T {
    if std::env::var_os("FISCAFLOW_DEEP").is_some() { deep } else { ordinary }
}
