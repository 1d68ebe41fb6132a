//! Questions in words: somebody outside puts them into the language of reports, and what runs is
//! what that says.
//!
//! The core talks to nobody. A host that wants questions in words gives the engine a
//! [`Translator`]. What it is told is decided here: the question, the day, the names of accounts
//! and categories, and the language; no amount and no transaction. What comes back can do no more
//! than ask the book a question of which the answer shows the sentence.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Report, parse};
use crate::error::{Error, ErrorCode, Result};
use crate::limits::{MAX_CHOICES, MAX_QUESTION_BYTES};
use crate::model::check_text;
use crate::plan::Plan;

/// The language of reports, for whoever has to write it.
pub const LANGUAGE: &str = r#"A report is one sentence. Its parts come in this order; all but the first may be left out.
1. What is added up: `spending`, `income`, `net` (income less spending) or `movement` (everything, transfers included).
2. `by` and one to three of: category, group, account, payee, tag, weekday, and at most one of day, week, month, quarter, year; with commas between them. A group is the topmost category above one.
3. The days: `in this month` (or day, week, year), `in last 3 months` (whole days, weeks, months or years before the present one), or `from 2026-01-01 to 2026-03-31`, of which either border may be left out.
4. `compared with span before` or `compared with year before`; it needs days with both borders.
5. `sorted by total`, `sorted by transactions` or `sorted by change` (of a comparison), the largest first; with `reversed` behind it the smallest first.
6. `first 10`: so many rows.
7. `told in "EUR"`: everything in one currency.
8. `where` and a condition. Texts stand in double quotes.
   payee contains "rewe" (also: is, starts with, ends with, matches, is empty); tags is "fun"; category is "Food" (those below it count); account is "Giro"; several values with `or` between them
   amount is from -50 to -5 (also: above, below; money that goes out is below zero); absolute amount is above 100
   money comes in; money goes out; currency is "USD"; status is pending
   date is from 2026-03-01; weekday is saturday or sunday; day of month is 1 or last
   it has a category (also: a payee, tags, parts, another side)
   Conditions are joined by `and` or by `or`, with parentheses where both meet; `not` stands before one.
Examples:
spending by category in last 3 months sorted by total first 10
spending in this month compared with year before where category is "Food" and not payee contains "rewe"
net by month from 2026-01-01 to 2026-12-31 told in "EUR"
"#;

/// What whoever translates is told.
#[derive(Clone, PartialEq, Eq)]
pub struct Asked {
    /// The question, at most 1,000 bytes. It is a person's text.
    pub question: String,
    /// The day that counts as today.
    pub today: NaiveDate,
    /// The names of accounts that a sentence can use.
    pub accounts: Vec<String>,
    /// The names of categories that a sentence can use.
    pub categories: Vec<String>,
    /// The sentence that was answered before and is none, and why.
    pub refused: Option<(String, String)>,
}
crate::model::debug_only!(Asked: today);

/// Somebody outside who puts questions into the language of reports.
///
/// It is asked at most twice for a question: the second time it is told what was wrong. It has to
/// end by itself: the engine waits for it.
///
/// ```
/// use fiscaflow_core::query::{Asked, Translator};
///
/// /// Understands one question.
/// #[derive(Debug)]
/// struct Few;
///
/// #[async_trait::async_trait]
/// impl Translator for Few {
///     async fn translate(&self, asked: &Asked) -> fiscaflow_core::Result<Option<String>> {
///         let known = asked.question == "Where did my money go?";
///         Ok(known.then(|| "spending by category in last 3 months sorted by total".to_owned()))
///     }
/// }
/// ```
#[async_trait]
pub trait Translator: fmt::Debug + Send + Sync + 'static {
    /// The sentence, in the [`LANGUAGE`] of reports; `None` where it cannot say it.
    async fn translate(&self, asked: &Asked) -> Result<Option<String>>;
}

/// A question in words.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReportQuestion {
    /// The question, at most 1,000 bytes; with the names of accounts and categories it leaves the
    /// house.
    pub question: String,
    /// The day that counts as today; today in the book's zone where absent.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub as_of: Option<NaiveDate>,
    /// How many days old a rate may be, at most 366; 7 where absent.
    pub max_age_days: Option<u32>,
    /// Whether to name the transactions that make each row.
    pub witness: bool,
}
crate::model::debug_only!(ReportQuestion: as_of, max_age_days, witness);

/// The report that a question asks for.
pub(crate) async fn translate(
    translator: &dyn Translator,
    plan: &Plan,
    question: &str,
    today: NaiveDate,
) -> Result<Report> {
    check_text("question", question, MAX_QUESTION_BYTES)?;
    if question.trim().is_empty() {
        return Err(Error::invalid("question", "there is no question"));
    }
    let mut asked = Asked {
        question: question.to_owned(),
        today,
        accounts: once(plan.accounts.values().map(|account| account.name.as_str())),
        categories: once(plan.categories.values().map(|category| category.name.as_str())),
        refused: None,
    };
    if asked.accounts.len().max(asked.categories.len()) > MAX_CHOICES {
        let text = format!("a question is put with at most {MAX_CHOICES} categories and accounts");
        return Err(Error::new(ErrorCode::LimitExceeded, text));
    }
    loop {
        let Some(sentence) = translator.translate(&asked).await? else {
            return Err(Error::invalid("question", "reports cannot answer this question"));
        };
        match parse(&sentence, Some(plan)) {
            Ok(report) => return Ok(report),
            Err(error) if asked.refused.is_some() => {
                let text = format!("the question was not put into a report: {error}");
                return Err(Error::invalid("question", text));
            }
            Err(error) => asked.refused = Some((sentence, error.to_string())),
        }
    }
}

/// The names that stand once: of others a sentence could mean either.
fn once<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut count: BTreeMap<&str, u32> = BTreeMap::new();
    names.for_each(|name| *count.entry(name).or_default() += 1);
    let once = count.into_iter().filter(|(_, count)| *count == 1);
    once.map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_told_as_it_is() {
        // Holds: its examples and every condition in it can be read, and each word that stands for
        // a dimension is in it.
        let examples = LANGUAGE.split_once("Examples:\n").unwrap().1;
        assert_eq!(examples.lines().count(), 3);
        for example in examples.lines() {
            let plain = example.replace("category is \"Food\"", "payee is \"Food\"");
            assert_eq!(parse(&plain, None).unwrap().to_string(), plain);
        }
        for (_, word) in super::super::sentence::DIMENSIONS {
            assert!(LANGUAGE.contains(word), "{word}");
        }
        for condition in [
            "tags is \"fun\"",
            "amount is from -50 to -5",
            "absolute amount is above 100",
            "money comes in",
            "currency is \"USD\"",
            "status is pending",
            "date is from 2026-03-01",
            "weekday is saturday or sunday",
            "day of month is 1 or last",
            "it has a category",
        ] {
            assert!(LANGUAGE.contains(condition), "{condition}");
            parse(&format!("net where {condition}"), None).unwrap();
        }
    }
}
