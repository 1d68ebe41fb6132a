//! Each limit of the table, at its value and one above it; and the page that shows the table.
//!
//! What a limit allows may be refused for another reason: a list of ids that are not there, say.
//! What counts is that one more is refused for the limit, by its code and field, and that the
//! limit itself is not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use fiscaflow_core::api::{Call, call};
use fiscaflow_core::conformance::{FixedClock, Scribe, SequentialIds};
use fiscaflow_core::engine::{Context, Engine, NewImport, NewRestore, Point};
use fiscaflow_core::import::Format;
use fiscaflow_core::limits::{self, *};
use fiscaflow_core::log::Change;
use fiscaflow_core::model::{Document, Member, Payee, QuotedRate, RateSheet, Role};
use fiscaflow_core::query::{Asked, Translator};
use fiscaflow_core::store::Store;
use fiscaflow_core::{BookId, Error, PayeeId, Result};
use fiscaflow_store::MemoryStore;
use serde_json::{Value, json};

/// A book of Anna's.
struct Home {
    engine: Engine,
    id: BookId,
    account: String,
}

impl Home {
    async fn new() -> Self {
        let (clock, ids) = (Arc::<FixedClock>::default(), Arc::new(SequentialIds::new(1)));
        let engine = Engine::new(Arc::new(MemoryStore::new()), clock, ids);
        let mut home = Self { engine, id: BookId::new(Default::default()), account: String::new() };
        let book = home.call("books.create", json!({"name": "Home", "currency": "EUR"})).await;
        home.id = book.unwrap()["id"].as_str().unwrap().parse().unwrap();
        let account = home.call("accounts.create", json!({"name": "Giro"})).await.unwrap();
        home.account = account["id"].as_str().unwrap().to_owned();
        home
    }

    async fn call(&self, verb: &str, request: Value) -> Result<Value> {
        self.call_as(verb, request, Context::new("anna".parse().unwrap())).await
    }

    async fn call_as(&self, verb: &str, request: Value, context: Context) -> Result<Value> {
        let book_id = (verb != "books.create").then_some(self.id);
        let verb = verb.to_owned();
        call(&self.engine, Call { verb, book_id, context, id: None, request: Some(request) }).await
    }

    /// Records a transaction with these further members.
    async fn record(&self, members: Value) -> Result<Value> {
        let mut new =
            json!({"account_id": self.account, "booking_date": "2024-01-01", "amount": "-5.00"});
        for (name, value) in members.as_object().unwrap() {
            new[name] = value.clone();
        }
        self.call("transactions.create", new).await
    }

    async fn rule(&self, condition: Value, actions: Value) -> Result<Value> {
        let new = json!({"name": "r", "condition": condition, "actions": actions});
        self.call("rules.create", new).await
    }
}

/// Somebody outside who has nothing to say.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Translator for Nobody {
    async fn translate(&self, _: &Asked) -> Result<Option<String>> {
        Ok(None)
    }
}

/// Fails unless one more than the limit is refused with this code and field, and the limit is not.
#[track_caller]
fn check(limit: &str, code: &str, field: &str, at: Result<Value>, above: Result<Value>) {
    let refused = |result: &Result<Value>| {
        let error = result.as_ref().err()?;
        Some((error.code().as_str(), error.at_field().unwrap_or_default().to_owned()))
    };
    let expected = Some((code, field.to_owned()));
    assert_ne!(refused(&at), expected, "{limit}: {at:?}");
    assert_eq!(refused(&above), expected, "{limit}: {above:?}");
}

fn list(count: usize, make: impl Fn(usize) -> Value) -> Value {
    Value::Array((0..count).map(make).collect())
}

fn text(bytes: usize) -> Value {
    "x".repeat(bytes).into()
}

/// The same text in another condition, so that each counts.
fn holds(value: usize) -> Value {
    let values = [format!("shop {value}")];
    json!({"kind": "text", "field": "description", "op": "contains", "values": values})
}

fn n(limit: u32) -> usize {
    usize::try_from(limit).unwrap()
}

fn day(number: usize) -> String {
    let first: chrono::NaiveDate = "2024-01-01".parse().unwrap();
    (first + chrono::Days::new(u64::try_from(number).unwrap())).to_string()
}

#[tokio::test]
async fn texts_and_lists_of_a_transaction() {
    // Holds: what a transaction may carry.
    let home = Home::new().await;
    let tag = |number: usize| json!(format!("tag {number}"));
    let file =
        |number: usize| json!({"name": number.to_string(), "media_type": "a", "digest": "b"});
    let part = |count: usize| json!({"amount": format!("-{}.{:02}", 0, count.min(1)), "notes": ""});
    let members = |count: usize| -> Value {
        (0..count)
            .map(|number| (number.to_string(), json!("v")))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let splits = |count: usize| {
        let parts = list(count, |_| part(1));
        json!({"amount": format!("-{}.{:02}", count / 100, count % 100), "splits": parts})
    };
    for (limit, n, field, with) in [
        (
            "MAX_DESCRIPTION_BYTES",
            MAX_DESCRIPTION_BYTES,
            "description",
            &(|n| json!({"description": text(n)})) as &dyn Fn(usize) -> Value,
        ),
        ("MAX_NOTES_BYTES", MAX_NOTES_BYTES, "notes", &|n| json!({"notes": text(n)})),
        ("MAX_TAGS", MAX_TAGS, "tags", &|n| json!({"tags": list(n, tag)})),
        (
            "MAX_ATTACHMENTS",
            MAX_ATTACHMENTS,
            "attachments",
            &|n| json!({"attachments": list(n, file)}),
        ),
        ("MAX_METADATA", MAX_METADATA, "metadata", &|n| json!({"metadata": members(n)})),
        ("MAX_SPLITS", MAX_SPLITS, "splits", &splits),
    ] {
        let (at, above) = (home.record(with(n)).await, home.record(with(n + 1)).await);
        assert!(at.is_ok(), "{limit}: {at:?}");
        check(limit, "limit_exceeded", field, at, above);
    }
    let name = async |n| home.call("accounts.create", json!({"name": text(n)})).await;
    let (at, above) = (name(MAX_NAME_BYTES).await, name(MAX_NAME_BYTES + 1).await);
    check("MAX_NAME_BYTES", "limit_exceeded", "name", at, above);
}

#[tokio::test]
async fn keys_of_a_request() {
    // Holds: idempotency key, correlation id and causation id.
    let home = Home::new().await;
    for field in ["idempotency_key", "correlation_id", "causation_id"] {
        let send = async |n: usize| {
            let mut context = Context::new("anna".parse().unwrap());
            *match field {
                "idempotency_key" => &mut context.idempotency_key,
                "correlation_id" => &mut context.correlation_id,
                _ => &mut context.causation_id,
            } = Some("k".repeat(n));
            home.call_as("rules.apply", json!({}), context).await
        };
        let (at, above) = (send(MAX_KEY_BYTES).await, send(MAX_KEY_BYTES + 1).await);
        assert!(at.is_ok(), "{at:?}");
        check("MAX_KEY_BYTES", "limit_exceeded", field, at, above);
    }
}

#[tokio::test]
async fn pages_and_bulk_requests() {
    // Holds: pages of lists and of the history, the default of a page, and bulk requests.
    let home = Home::new().await;
    for _ in 0..=DEFAULT_PAGE {
        home.record(json!({})).await.unwrap();
    }
    let items = async |request| {
        home.call("transactions.list", request).await.unwrap()["items"].as_array().unwrap().len()
    };
    assert_eq!(items(json!({})).await, usize::try_from(DEFAULT_PAGE).unwrap(), "DEFAULT_PAGE");
    assert_eq!(items(json!({"limit": MAX_PAGE})).await, 51);
    for (limit, n, verb) in [
        ("MAX_PAGE", MAX_PAGE, "transactions.list"),
        ("MAX_HISTORY_PAGE", MAX_HISTORY_PAGE, "history.list"),
    ] {
        let page = async |n| home.call(verb, json!({"limit": n})).await;
        let (at, above) = (page(n).await, page(n + 1).await);
        assert!(at.is_ok(), "{limit}: {at:?}");
        check(limit, "invalid_input", "limit", at, above);
    }
    let bulk = async |n| {
        let id = "01890000-0000-7000-8000-000000000000";
        let ids = list(n, |_| json!(id));
        home.call("transactions.recategorise", json!({"ids": ids, "category_id": null})).await
    };
    let (at, above) = (bulk(MAX_BATCH).await, bulk(MAX_BATCH + 1).await);
    check("MAX_BATCH", "limit_exceeded", "ids", at, above);
}

#[tokio::test]
async fn parts_of_a_rule() {
    // Holds: conditions by nodes, levels and values, actions, and the text of a rule.
    let home = Home::new().await;
    let tags = |n| list(n, |number| json!({"kind": "add_tag", "tag": format!("t{number}")}));
    let actions = async |n| home.rule(holds(1), tags(n)).await;
    let (at, above) = (actions(MAX_ACTIONS).await, actions(MAX_ACTIONS + 1).await);
    assert!(at.is_ok(), "{at:?}");
    check("MAX_ACTIONS", "limit_exceeded", "actions", at, above);

    let nodes =
        async |n: usize| home.rule(json!({"kind": "any", "of": list(n - 1, holds)}), tags(1)).await;
    let (at, above) = (nodes(MAX_CONDITION_NODES).await, nodes(MAX_CONDITION_NODES + 1).await);
    assert!(at.is_ok(), "{at:?}");
    check("MAX_CONDITION_NODES", "limit_exceeded", "condition", at, above);

    let levels = async |n: usize| {
        let wrap = |inner: Value, _| json!({"kind": "not", "of": [inner]});
        home.rule((1..n).fold(holds(1), wrap), tags(1)).await
    };
    let (at, above) = (levels(MAX_CONDITION_DEPTH).await, levels(MAX_CONDITION_DEPTH + 1).await);
    assert!(at.is_ok(), "{at:?}");
    check("MAX_CONDITION_DEPTH", "limit_exceeded", "condition", at, above);

    let values = async |n| {
        let values = list(n, |number| json!(format!("shop {number}")));
        let condition =
            json!({"kind": "text", "field": "description", "op": "contains", "values": values});
        home.rule(condition, tags(1)).await
    };
    let (at, above) = (values(MAX_VALUES).await, values(MAX_VALUES + 1).await);
    assert!(at.is_ok(), "{at:?}");
    check("MAX_VALUES", "limit_exceeded", "condition", at, above);

    let sentence = async |n| {
        let rule = "if description contains \"x\" then add tag \"y\"";
        home.call("rules.parse", json!({"text": format!("{rule}{}", " ".repeat(n - rule.len()))}))
            .await
    };
    let (at, above) =
        (sentence(MAX_RULE_TEXT_BYTES).await, sentence(MAX_RULE_TEXT_BYTES + 1).await);
    check("MAX_RULE_TEXT_BYTES", "limit_exceeded", "text", at, above);

    let engine = home.engine.clone().with_translator(Arc::new(Nobody));
    let home = Home { engine, ..home };
    let ask = async |n| home.call("reports.ask", json!({"question": text(n)})).await;
    let (at, above) = (ask(MAX_QUESTION_BYTES).await, ask(MAX_QUESTION_BYTES + 1).await);
    check("MAX_QUESTION_BYTES", "limit_exceeded", "question", at, above);
}

#[tokio::test]
async fn classes_and_sight_of_regular_expressions() {
    // Holds: how many characters the classes of a rule may have, and how far into a text its
    // expressions see.
    let home = Home::new().await;
    let tags = json!([{"kind": "add_tag", "tag": "seen"}]);
    let regex = |pattern: String| {
        let mut condition = holds(0);
        (condition["op"], condition["values"]) = (json!("regex"), json!([pattern]));
        condition
    };
    let characters = async |n: u64| {
        let last = 0x1_0000 + n - 1;
        home.rule(regex(format!("[\\u{{10000}}-\\u{{{last:X}}}]")), tags.clone()).await
    };
    let n = MAX_PATTERN_CHARACTERS;
    let (at, above) = (characters(n).await, characters(n + 1).await);
    assert!(at.is_ok(), "{at:?}");
    let refused = above.unwrap_err();
    assert_eq!(refused.code().as_str(), "invalid_pattern", "MAX_PATTERN_CHARACTERS: {refused:?}");

    home.rule(regex("needle".to_owned()), tags).await.unwrap();
    for (ends, seen) in [(MAX_PATTERN_TEXT, true), (MAX_PATTERN_TEXT + 1, false)] {
        let description = format!("{}needle", "x".repeat(ends - "needle".len()));
        let recorded = home.record(json!({"description": description})).await.unwrap();
        assert_eq!(recorded["tags"] == json!(["seen"]), seen, "MAX_PATTERN_TEXT at {ends}");
    }
}

#[tokio::test]
async fn budgets() {
    // Holds: lists and numbers of a budget, and how many of its periods are told.
    let home = Home::new().await;
    let new = json!({"name": "Food"});
    let food = home.call("categories.create", new).await.unwrap()["id"].clone();
    let budget = async |members: Value| {
        let mut new = json!({"name": "b", "category_ids": [food], "limit": "10.00"});
        for (name, value) in members.as_object().unwrap() {
            new[name] = value.clone();
        }
        home.call("budgets.create", new).await
    };
    let thresholds = async |n| budget(json!({"thresholds": list(n, |it| json!(it + 1))})).await;
    let (at, above) = (thresholds(MAX_THRESHOLDS).await, thresholds(MAX_THRESHOLDS + 1).await);
    assert!(at.is_ok(), "{at:?}");
    check("MAX_THRESHOLDS", "limit_exceeded", "thresholds", at, above);
    let tags = async |n| budget(json!({"tags": list(n, |it| json!(format!("t{it}")))})).await;
    let (at, above) = (tags(MAX_BUDGET_TAGS).await, tags(MAX_BUDGET_TAGS + 1).await);
    check("MAX_BUDGET_TAGS", "limit_exceeded", "tags", at, above);
    let every = async |n| {
        let period = json!({"kind": "every", "count": n, "unit": "days", "anchor": "2024-01-01"});
        budget(json!({"period": period})).await
    };
    let (at, above) = (every(MAX_PERIOD_UNITS).await, every(MAX_PERIOD_UNITS + 1).await);
    assert!(at.is_ok(), "{at:?}");
    check("MAX_PERIOD_UNITS", "invalid_input", "period", at, above);

    let daily = json!({"kind": "every", "count": 1, "unit": "days", "anchor": "2024-01-01"});
    let daily = budget(json!({"period": daily})).await.unwrap()["id"].clone();
    let history = async |n| {
        let request = json!({"budget_id": daily, "from": day(0), "to": day(n - 1)});
        home.call("budgets.history", request).await
    };
    let (at, above) = (history(MAX_BUDGET_PERIODS).await, history(MAX_BUDGET_PERIODS + 1).await);
    assert_eq!(at.as_ref().unwrap().as_array().unwrap().len(), MAX_BUDGET_PERIODS);
    assert_eq!(above.unwrap_err().code().as_str(), "limit_exceeded", "MAX_BUDGET_PERIODS");
    let past = async |n| home.call("budgets.recommend", json!({"periods": n})).await;
    let (at, above) = (past(MAX_PAST_PERIODS).await, past(MAX_PAST_PERIODS + 1).await);
    assert!(at.is_ok(), "{at:?}");
    check("MAX_PAST_PERIODS", "invalid_input", "periods", at, above);
}

#[tokio::test]
async fn envelopes_and_schedules() {
    // Holds: automations and their weights, days of a recurrence.
    let home = Home::new().await;
    let new = json!({"name": "Food"});
    let food = home.call("categories.create", new).await.unwrap()["id"].clone();
    let envelope = async |automations: Value| {
        home.call("envelopes.put", json!({"category_id": food, "automations": automations})).await
    };
    let fixed = |_| json!({"rule": {"kind": "fixed", "amount": "1.00"}});
    let automations = async |n| envelope(list(n, fixed)).await;
    let (at, above) = (automations(MAX_AUTOMATIONS).await, automations(MAX_AUTOMATIONS + 1).await);
    assert!(at.is_ok(), "{at:?}");
    check("MAX_AUTOMATIONS", "limit_exceeded", "automations", at, above);
    let weight = async |n| envelope(json!([{"rule": {"kind": "remainder", "weight": n}}])).await;
    let (at, above) = (weight(MAX_WEIGHT).await, weight(MAX_WEIGHT + 1).await);
    assert!(at.is_ok(), "{at:?}");
    assert_eq!(above.unwrap_err().code().as_str(), "invalid_input", "MAX_WEIGHT");

    let schedule = async |members: Value| {
        let mut recurrence = json!({"start": "2024-01-01", "unit": "months"});
        for (name, value) in members.as_object().unwrap() {
            recurrence[name] = value.clone();
        }
        let new = json!({"name": "Rent", "account_id": home.account, "amount": "-8.00",
            "recurrence": recurrence});
        home.call("schedules.create", new).await
    };
    let on = async |n| {
        schedule(json!({"on": list(n, |it| json!({"kind": "month_day", "day": it % 31 + 1}))}))
            .await
    };
    let (at, above) = (on(MAX_RECURRENCE_DAYS).await, on(MAX_RECURRENCE_DAYS + 1).await);
    check("MAX_RECURRENCE_DAYS", "limit_exceeded", "on", at, above);
    let skip = async |n| schedule(json!({"skip": list(n, |it| json!(day(it)))})).await;
    let (at, above) = (skip(MAX_SKIPPED_DAYS).await, skip(MAX_SKIPPED_DAYS + 1).await);
    check("MAX_SKIPPED_DAYS", "limit_exceeded", "skip", at, above);
}

#[tokio::test]
async fn rates() {
    // Holds: rates of a request, of a day, and how old one may be.
    let home = Home::new().await;
    let rate = |it| json!({"date": day(it), "base": "EUR", "quote": "USD", "rate": "1.1"});
    let rates = async |n| home.call("transfers.suggest", json!({"rates": list(n, rate)})).await;
    let (at, above) = (rates(MAX_RATES).await, rates(MAX_RATES + 1).await);
    assert!(at.is_ok(), "{at:?}");
    check("MAX_RATES", "limit_exceeded", "rates", at, above);
    let quotes = async |n| {
        let rates = list(n, |_| json!({"quote": "USD", "rate": "1.1"}));
        home.call("rates.put", json!({"date": day(0), "base": "EUR", "rates": rates})).await
    };
    let (at, above) = (quotes(MAX_QUOTES).await, quotes(MAX_QUOTES + 1).await);
    check("MAX_QUOTES", "limit_exceeded", "rates", at, above);
    home.call(
        "rates.put",
        json!({"date": day(0), "base": "EUR", "rates": [{"quote": "USD", "rate": "1.1"}]}),
    )
    .await
    .unwrap();
    let age = async |n| {
        let ask =
            json!({"value": "1.00", "from": "EUR", "to": "USD", "date": day(9), "max_age_days": n});
        home.call("rates.convert", ask).await
    };
    let (at, above) = (age(MAX_RATE_AGE_DAYS).await, age(MAX_RATE_AGE_DAYS + 1).await);
    assert!(at.is_ok(), "{at:?}");
    check("MAX_RATE_AGE_DAYS", "limit_exceeded", "max_age_days", at, above);
}

/// Checks a limit whose value is asked of a verb without anything else.
async fn asked(
    home: &Home,
    (limit, n): (&str, usize),
    (code, field): (&str, &str),
    verb: &str,
    request: impl Fn(usize) -> Value,
) {
    let (at, above) = (home.call(verb, request(n)).await, home.call(verb, request(n + 1)).await);
    assert!(at.is_ok(), "{limit}: {at:?}");
    check(limit, code, field, at, above);
}

#[tokio::test]
async fn reports_and_forecasts() {
    // Holds: numbers and lists of reports, forecasts and tests.
    let home = Home::new().await;
    let (exceeded, invalid) = ("limit_exceeded", "invalid_input");
    let report = |report: Value| json!({"report": report});
    let limit = ("MAX_ROWS", MAX_ROWS);
    asked(&home, limit, (exceeded, "limit"), "reports.run", |n| report(json!({"limit": n}))).await;
    let dimensions = ["category", "account", "payee", "tag"];
    let by = |n| report(json!({"by": &dimensions[..n]}));
    asked(&home, ("MAX_DIMENSIONS", MAX_DIMENSIONS), (exceeded, "by"), "reports.run", by).await;
    let span = |n| report(json!({"span": {"kind": "last", "count": n, "unit": "days"}}));
    let limit = ("MAX_SPAN_UNITS", n(MAX_SPAN_UNITS));
    asked(&home, limit, (invalid, "span"), "reports.run", span).await;
    for (limit, code, field, verb) in [
        (("MAX_TOP_PAYEES", MAX_TOP_PAYEES), exceeded, "limit", "reports.top_payees"),
        (("MAX_FORECAST_DAYS", MAX_FORECAST_DAYS), invalid, "days", "reports.forecast"),
        (("MAX_FORECASTS", MAX_FORECASTS), invalid, "forecasts", "reports.forecast_backtest"),
        (("MAX_REPORT_LIST", MAX_REPORT_LIST), invalid, "limit", "rules.backtest"),
    ] {
        let limit = (limit.0, n(limit.1));
        asked(&home, limit, (code, field), verb, |n| json!({(field): n})).await;
    }
}

#[tokio::test]
async fn days_percents_and_currencies() {
    // Holds: what a schedule, a budget and a book may say, and occurrences in one answer.
    let home = Home::new().await;
    let food = home.call("categories.create", json!({"name": "Food"})).await.unwrap()["id"].clone();
    let (exceeded, invalid) = ("limit_exceeded", "invalid_input");
    let new = json!({"name": "Bread", "account_id": home.account, "amount": "-8.00",
        "recurrence": {"start": "2024-01-01", "unit": "days"}, "tolerance_days": 0});
    let daily = home.call("schedules.create", new).await.unwrap()["id"].clone();
    let limit = ("MAX_OCCURRENCES", MAX_OCCURRENCES);
    asked(
        &home,
        limit,
        (exceeded, "from"),
        "schedules.occurrences",
        |n| json!({"from": day(0), "to": day(n - 1), "schedule_id": daily}),
    )
    .await;
    let limit = ("MAX_TOLERANCE_DAYS", n(MAX_TOLERANCE_DAYS));
    asked(&home, limit, (invalid, "tolerance_days"), "schedules.create", |n| {
        json!({"name": "Rent", "account_id": home.account, "amount": "-8.00",
            "recurrence": {"start": "2030-01-01", "unit": "years"}, "tolerance_days": n})
    })
    .await;
    let limit = ("MAX_THRESHOLD", n(MAX_THRESHOLD));
    asked(
        &home,
        limit,
        (invalid, "thresholds"),
        "budgets.create",
        |n| json!({"name": "b", "category_ids": [food], "limit": "10.00", "thresholds": [n]}),
    )
    .await;
    let letter = |n: usize| char::from(b'A' + u8::try_from(n % 26).unwrap());
    let code =
        |n: usize| json!({"code": format!("QQ{}{}", letter(n / 26), letter(n)), "exponent": 2});
    let limit = ("MAX_CURRENCIES", MAX_CURRENCIES);
    asked(
        &home,
        limit,
        (exceeded, "currencies"),
        "books.create",
        |n| json!({"name": "b", "currency": "EUR", "currencies": list(n, code)}),
    )
    .await;
}

#[tokio::test]
async fn profiles_of_files() {
    // Holds: columns of a file, and what a profile of it may say.
    let home = Home::new().await;
    let book = home.engine.book(home.id, Context::new("anna".parse().unwrap()));
    let parse = async |content: String, profile: Value| {
        let new = NewImport {
            content: content.into_bytes(),
            csv: Some(fiscaflow_core::api::read(profile).unwrap()),
            format: Some(Format::Csv),
            ..NewImport::default()
        };
        book.imports().parse(new).await.err().map_or(Ok(Value::Null), Err)
    };
    let file = || "Date,Amount\n2024-01-31,-1.00\n".to_owned();
    let skip =
        async |n: u32| parse("x\n".repeat(n as usize) + &file(), json!({"skip_rows": n})).await;
    let (at, above) = (skip(MAX_SKIP_ROWS).await, skip(MAX_SKIP_ROWS + 1).await);
    check("MAX_SKIP_ROWS", "invalid_input", "skip_rows", at, above);
    let words = async |n| {
        let words = list(n, |it| json!(format!("word{it}")));
        parse(file(), json!({"in_words": words})).await
    };
    let (at, above) = (words(MAX_PROFILE_WORDS).await, words(MAX_PROFILE_WORDS + 1).await);
    check("MAX_PROFILE_WORDS", "limit_exceeded", "in_words", at, above);
    let columns = async |n| {
        let column = |it| json!({"role": "ignore", "index": it % MAX_COLUMNS});
        parse(file(), json!({"columns": list(n, column)})).await
    };
    let (at, above) = (columns(MAX_COLUMNS).await, columns(MAX_COLUMNS + 1).await);
    check("MAX_COLUMNS", "limit_exceeded", "columns", at, above);
    // With the quote that ends it.
    for (bytes, is_one) in [(MAX_CELL_BYTES, true), (MAX_CELL_BYTES + 1, false)] {
        let cell = format!("{}\"", "a,".repeat(bytes).get(..bytes - 1).unwrap());
        let rows = "2024-01-30,-1.00,\"x\",Shop\n".repeat(9);
        let file = format!("Date,Amount,Zzz,Description\n{rows}2024-01-31,-1.00,\"{cell},END\n");
        let csv = json!({"delimiter": "comma", "quote": "double"});
        let csv = fiscaflow_core::api::read(csv).unwrap();
        let new = NewImport { content: file.into_bytes(), csv: Some(csv), ..NewImport::default() };
        let read = serde_json::to_string(&book.imports().parse(new).await.unwrap()).unwrap();
        assert_eq!(read.contains("END"), is_one, "MAX_CELL_BYTES at {bytes}");
    }
}

#[tokio::test]
async fn files_and_exports() {
    // Holds: bytes and transactions of a file, bytes of an export that is restored.
    let home = Home::new().await;
    let book = home.engine.book(home.id, Context::new("anna".parse().unwrap()));
    let outcome = |error: Option<Error>| error.map_or(Ok(Value::Null), Err);
    let parse = async |content| {
        outcome(book.imports().parse(NewImport { content, ..NewImport::default() }).await.err())
    };
    let at = parse(vec![b' '; MAX_FILE_BYTES]).await;
    let above = parse(vec![b' '; MAX_FILE_BYTES + 1]).await;
    check("MAX_FILE_BYTES", "limit_exceeded", "content", at, above);
    let restore = async |bytes| {
        let new = NewRestore { content: " ".repeat(bytes) };
        outcome(book.exports().restore(new).await.err())
    };
    let (at, above) = (restore(MAX_RESTORE_BYTES).await, restore(MAX_RESTORE_BYTES + 1).await);
    check("MAX_RESTORE_BYTES", "limit_exceeded", "content", at, above);
    let rows = async |n: usize| {
        let row = "D2024-01-31\nT-1.00\n^\n";
        parse(format!("!Type:Bank\n{}", row.repeat(n)).into_bytes()).await
    };
    let (at, above) = (rows(MAX_FILE_ROWS).await, rows(MAX_FILE_ROWS + 1).await);
    assert!(at.is_ok(), "{at:?}");
    assert_eq!(above.unwrap_err().code().as_str(), "limit_exceeded", "MAX_FILE_ROWS");
}

/// A book that has these documents, written past the engine.
async fn filled(documents: impl Fn(&Scribe) -> Vec<Document>) -> Home {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut scribe = Scribe::new(9);
    let owner = Member { actor: "anna".parse().unwrap(), role: Role::Owner, name: None };
    let mut all = documents(&scribe);
    all.extend([scribe.book().into(), owner.into()]);
    scribe.create_documents(&*store, &all).await;
    let ids = Arc::new(SequentialIds::new(2));
    let engine = Engine::new(store, Arc::<FixedClock>::default(), ids);
    Home { engine, id: scribe.book_id, account: String::new() }
}

#[tokio::test]
async fn what_a_book_keeps() {
    // Holds: one more document of a kind, one more day of rates.
    let home = filled(|scribe| {
        let payee = |number: usize| {
            let (id, name) = (PayeeId::new(scribe.uuid()), format!("p{number}"));
            Payee { id, name, aliases: Vec::new() }.into()
        };
        (1..MAX_DOCUMENTS).map(payee).collect()
    });
    let home = home.await;
    let payee = async |name| home.call("payees.create", json!({"name": name})).await;
    assert!(payee("last").await.is_ok());
    assert_eq!(payee("more").await.unwrap_err().code().as_str(), "limit_exceeded", "MAX_DOCUMENTS");

    let home = filled(|_| {
        let rates = || vec![QuotedRate { quote: "USD".to_owned(), rate: "1.1".parse().unwrap() }];
        let sheet = |number| RateSheet {
            date: day(number).parse().unwrap(),
            base: "EUR".to_owned(),
            rates: rates(),
        };
        (1..MAX_RATE_SHEETS).map(|number| sheet(number).into()).collect()
    });
    let home = home.await;
    let put = async |base| {
        let rates = json!([{"quote": "GBP", "rate": "1.1"}]);
        home.call("rates.put", json!({"date": "2000-01-01", "base": base, "rates": rates})).await
    };
    assert!(put("USD").await.is_ok());
    let error = put("CHF").await.unwrap_err();
    assert_eq!(error.code().as_str(), "limit_exceeded", "MAX_RATE_SHEETS");
    let sheets = async |n| home.call("rates.list", json!({"from": day(1), "to": day(n)})).await;
    let (at, above) = (sheets(MAX_LISTED_SHEETS).await, sheets(MAX_LISTED_SHEETS + 1).await);
    assert_eq!(at.as_ref().unwrap().as_array().unwrap().len(), MAX_LISTED_SHEETS);
    check("MAX_LISTED_SHEETS", "limit_exceeded", "from", at, above);
}

#[tokio::test]
async fn points_of_the_past() {
    // Holds: a book of so many transactions is read as of a point, one of more is not.
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut scribe = Scribe::new(9);
    let owner = Member { actor: "anna".parse().unwrap(), role: Role::Owner, name: None };
    scribe.create_documents(&*store, &[scribe.book().into(), owner.into()]).await;
    let engine = Engine::new(
        Arc::clone(&store),
        Arc::<FixedClock>::default(),
        Arc::new(SequentialIds::new(2)),
    );
    let home = Home { engine, id: scribe.book_id, account: String::new() };
    let past = async |scribe: &Scribe| {
        let context = Context {
            as_of: Some(Point::Seq(scribe.head.unwrap().seq)),
            ..Context::new("anna".parse().unwrap())
        };
        home.call_as("members.list", json!({}), context).await
    };
    let one = |scribe: &Scribe| Change::create(scribe.transaction("2024-03-01", -1));
    let all = (0..MAX_PAST_TRANSACTIONS).map(|_| one(&scribe)).collect();
    scribe.change(&*store, all).await;
    let at = past(&scribe).await;
    let more = vec![one(&scribe)];
    scribe.change(&*store, more).await;
    let above = past(&scribe).await;
    check("MAX_PAST_TRANSACTIONS", "limit_exceeded", "as_of", at, above);
}

#[tokio::test]
async fn rules_of_a_draft() {
    // Holds: a draft may have as many rules as a book.
    let home = Home::new().await;
    let draft = async |n| {
        let rule = |number| json!({"name": "r", "condition": holds(number), "actions": []});
        home.call("rules.backtest", json!({"rules": list(n, rule)})).await
    };
    let (at, above) = (draft(MAX_RULES).await, draft(MAX_RULES + 1).await);
    check("MAX_RULES", "limit_exceeded", "rules", at, above);
}

#[tokio::test]
async fn payees_that_are_forgotten() {
    // Holds: so many payees, then no more; one that is forgotten already needs no place.
    let home = Home::new().await;
    let forget = async |n: usize| {
        let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
        let name = format!("Shop {}{}o", letter(n / 26), letter(n));
        home.call("suggestions.forget", json!({"text": name})).await
    };
    let mut forgotten = 0;
    let refused = loop {
        // Some of these names are one payee's, as the bank's texts are read.
        match forget(forgotten).await {
            Ok(book) => {
                let kept = book["learning"]["forgotten"].as_array().unwrap().len();
                assert!(kept <= MAX_FORGOTTEN, "{kept}");
                forgotten += 1;
            }
            Err(error) => break error,
        }
    };
    assert_eq!(refused.code().as_str(), "limit_exceeded", "MAX_FORGOTTEN");
    let book = forget(0).await.unwrap();
    assert_eq!(book["learning"]["forgotten"].as_array().unwrap().len(), MAX_FORGOTTEN);
}

/// Limits whose tests stand beside what they bound.
const ELSEWHERE: &[(&str, &str)] = &[
    ("MAX_PATTERN_BYTES", "fiscaflow-core/tests/patterns.rs"),
    ("MAX_PATTERNS", "fiscaflow-core/tests/patterns.rs"),
    ("MAX_PATTERN_RULES", "fiscaflow-core/tests/patterns.rs"),
    ("MAX_PATTERN_SIZE", "fiscaflow-core/tests/rules/hostile.rs"),
    ("PATTERN_UNITS", "fiscaflow-core/src/rules/evaluate.rs"),
    ("PATTERN_UNITS_PER_ROW", "fiscaflow-core/src/rules/evaluate.rs"),
    ("MAX_UNUSUAL", "fiscaflow-core/tests/unusual.rs"),
    ("MAX_ATTEMPTS", "fiscaflow-store/tests/engine/rewritten.rs"),
    ("MAX_SECRET_BYTES", "fiscaflow-store/tests/engine/secrets.rs"),
    ("MAX_REASON_BYTES", "fiscaflow-store/tests/outbox/refused.rs"),
    ("MAX_CHOICES", "fiscaflow-store/tests/engine/outside.rs"),
    ("MAX_ASKED", "fiscaflow-store/tests/engine/outside.rs"),
    ("MAX_ASKED_AT_ONCE", "fiscaflow-store/tests/engine/outside.rs"),
];

#[test]
fn each_limit_has_its_test() {
    // Holds: a limit that somebody adds to the table is tested here or where it says.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let here = include_str!("limits.rs");
    let mut missing = BTreeSet::new();
    for (limit, ..) in limits::ALL {
        let elsewhere = ELSEWHERE.iter().find(|(name, _)| name == limit);
        let (text, needle) = match elsewhere {
            Some((_, file)) => {
                (std::fs::read_to_string(root.join(file)).unwrap(), limit.to_string())
            }
            None => (here.to_owned(), format!("\"{limit}")),
        };
        if !text.contains(&needle) {
            missing.insert(*limit);
        }
    }
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn the_page_shows_the_table() {
    // Holds: `docs/limits.md` is the table, word for word.
    let mut table = String::new();
    for (limit, value, about) in limits::ALL {
        let digits = value.to_string();
        let groups = digits.as_bytes().rchunks(3).rev().map(|it| std::str::from_utf8(it).unwrap());
        let value = groups.collect::<Vec<_>>().join(",");
        writeln!(table, "| `{limit}` | {value} | {} |", about.trim()).unwrap();
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/limits.md");
    let page = std::fs::read_to_string(page).unwrap();
    let shown = page.split_once("|---|---|---|\n").unwrap().1;
    assert!(shown == table, "docs/limits.md should have\n{table}");
}
