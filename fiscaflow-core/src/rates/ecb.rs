//! Reference rates of the European Central Bank, as it publishes them.
//!
//! Three forms are read: `eurofxref.csv` (the day, `27 November 2026`), `eurofxref-hist.csv` (all
//! days, `2026-11-27`), both with a column for each currency and `N/A` where there is no rate; and
//! the CSV of its data portal (SDMX-CSV 1.0) with a row for each day and currency, of which the
//! daily series of spot rates against the euro are taken. All are quoted as so much for one euro.
//!
//! See <https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/>.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::is_rate;
use crate::error::{Error, ErrorCode, Result};
use crate::money::Amount;
use crate::period::parse_date;

/// The rates of each day, by the currency's code.
pub(crate) type Days = BTreeMap<NaiveDate, BTreeMap<String, Amount>>;

/// Where the columns of the data portal stand.
struct Portal {
    frequency: usize,
    currency: usize,
    denominator: usize,
    kind: usize,
    date: usize,
    value: usize,
}

/// Reads a file; `malformed_file` names the line that is no part of one.
pub(crate) fn read(bytes: &[u8]) -> Result<Days> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let mut records = reader.records();
    let mut next = || records.next().transpose().map_err(|_| malformed(None));
    let Some(header) = next()? else { return Err(unknown()) };
    let header: Vec<String> = header.iter().map(|name| name.replace('\u{feff}', "")).collect();
    let mut days = Days::new();
    if header.first().is_some_and(|name| name == "Date") {
        while let Some(record) = next()? {
            wide(&header, &record, &mut days)?;
        }
        return Ok(days);
    }
    let portal = Portal::find(&header).ok_or_else(unknown)?;
    while let Some(record) = next()? {
        portal.row(&record, &mut days)?;
    }
    Ok(days)
}

fn wide(header: &[String], record: &csv::StringRecord, days: &mut Days) -> Result<()> {
    let wrong = || malformed(record.position().map(csv::Position::line));
    let date = record.get(0).and_then(day).ok_or_else(wrong)?;
    let rates = days.entry(date).or_default();
    for (code, cell) in header.iter().zip(record).skip(1) {
        if code.is_empty() && cell.is_empty() || cell == "N/A" {
            continue;
        }
        if rates.insert(code.clone(), rate(cell).ok_or_else(wrong)?).is_some() {
            return Err(wrong());
        }
    }
    Ok(())
}

impl Portal {
    fn find(header: &[String]) -> Option<Self> {
        let at = |name: &str| header.iter().position(|found| found == name);
        Some(Self {
            frequency: at("FREQ")?,
            currency: at("CURRENCY")?,
            denominator: at("CURRENCY_DENOM")?,
            kind: at("EXR_TYPE")?,
            date: at("TIME_PERIOD")?,
            value: at("OBS_VALUE")?,
        })
    }

    fn row(&self, record: &csv::StringRecord, days: &mut Days) -> Result<()> {
        let wrong = || malformed(record.position().map(csv::Position::line));
        let cell = |at: usize| record.get(at).ok_or_else(wrong);
        let series = (cell(self.frequency)?, cell(self.denominator)?, cell(self.kind)?);
        let value = cell(self.value)?;
        if series != ("D", "EUR", "SP00") || value.is_empty() || value == "NaN" {
            return Ok(());
        }
        let date = day(cell(self.date)?).ok_or_else(wrong)?;
        let code = cell(self.currency)?.to_owned();
        let rates = days.entry(date).or_default();
        if rates.insert(code, rate(value).ok_or_else(wrong)?).is_some() {
            return Err(wrong());
        }
        Ok(())
    }
}

/// A day as the files write it.
fn day(text: &str) -> Option<NaiveDate> {
    let spoken = || NaiveDate::parse_from_str(text, "%d %B %Y").ok();
    parse_date(text).ok().or_else(spoken)
}

fn rate(cell: &str) -> Option<Amount> {
    cell.parse().ok().filter(|rate| is_rate(*rate))
}

fn unknown() -> Error {
    let text = "this is no file of reference rates of the European Central Bank";
    Error::new(ErrorCode::UnknownFormat, text).field("content")
}

fn malformed(line: Option<u64>) -> Error {
    let error = Error::new(ErrorCode::MalformedFile, "a row has no day, or a rate that is none");
    match line {
        Some(line) => error.field("content").line(line),
        None => error.field("content"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let days = read(text.as_bytes()).unwrap();
        let rate = |day: NaiveDate| move |(code, rate)| format!("{day} {code} {rate}");
        days.into_iter().flat_map(|(day, rates)| rates.into_iter().map(rate(day))).collect()
    }

    #[test]
    fn the_three_forms_are_read() {
        // Holds: the day's file, the history and the data portal say the same.
        let expected = ["2024-01-31 JPY 160.19", "2024-01-31 USD 1.0837"];
        let day = "Date, USD, JPY, RUB, \n31 January 2024, 1.0837, 160.19, N/A, \n";
        assert_eq!(told(day), expected);
        let history = "Date,USD,JPY,RUB,\n2024-01-31,1.0837,160.19,N/A,\n";
        assert_eq!(told(history), expected);
        let portal = "KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE\n\
            EXR.D.JPY.EUR.SP00.A,D,JPY,EUR,SP00,A,2024-01-31,160.19\n\
            EXR.D.USD.EUR.SP00.A,D,USD,EUR,SP00,A,2024-01-31,1.0837\n\
            EXR.M.USD.EUR.SP00.A,M,USD,EUR,SP00,A,2024-01,1.09\n\
            EXR.D.RUB.EUR.SP00.A,D,RUB,EUR,SP00,A,2024-01-31,\n";
        assert_eq!(told(portal), expected);
    }

    #[test]
    fn what_is_no_rate_is_refused_with_its_line() {
        // Holds: nothing of a broken file is taken, and the line is named.
        for (text, line) in [
            ("Date,USD\n2024-01-31,0\n", Some(2)),
            ("Date,USD\n2024-01-31,1.1\n2024-02-30,1.1\n", Some(3)),
            ("Date,USD\n2024-01-31,1e3\n", Some(2)),
            ("Date,USD\n2024-01-31,1.1234567890123\n", Some(2)),
            ("Date,USD,USD\n2024-01-31,1.1,1.2\n", Some(2)),
            ("Date,USD\n2024-01-31,1.1\n2024-01-31,1.2\n", Some(3)),
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            assert_eq!((error.code(), error.at_line()), (ErrorCode::MalformedFile, line), "{text}");
        }
        for text in ["", "Day,USD\n", "FREQ,CURRENCY\n"] {
            assert_eq!(read(text.as_bytes()).unwrap_err().code(), ErrorCode::UnknownFormat);
        }
    }
}
