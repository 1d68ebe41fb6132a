//! Reports against a naive twin: each is what a loop over the rows comes to, whatever of the view
//! lies in its main part; and a report's sentence gives the report again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "shared/small.rs"]
mod small;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, Months, NaiveDate};
use fiscaflow_core::calendar::CalendarUnit;
use fiscaflow_core::model::{
    Condition, Direction, Feature, QuotedRate, RateSheet, Status, TextField, TextOp, Weekday,
};
use fiscaflow_core::query::{
    Report, ReportComparison, ReportDimension, ReportMeasure, ReportQuery, ReportRow, ReportSort,
    ReportSpan, parse, run,
};
use fiscaflow_core::rates::convert;
use fiscaflow_core::store::ColumnRow;
use fiscaflow_core::view::View;
use fiscaflow_core::{CategoryId, Currency, ErrorCode, Money, Plan, TransactionId};
use proptest::prelude::*;
use proptest::sample::subsequence;
use small::{account, category, day};

const CODES: [&str; 3] = ["EUR", "EUR", "USD"];

/// Three accounts, two of euros and one of dollars; categories of which the second lies below the
/// first; rates of every fifth day.
fn plan() -> Plan {
    let mut plan = small::plan(&CODES.map(|code| (0, code)));
    plan.categories.get_mut(&category(1)).unwrap().parent_id = Some(category(0));
    for number in 0..100_i64 {
        let rate = format!("1.{:03}", 50 + number * 7 % 200).parse().unwrap();
        let rates = vec![QuotedRate { quote: "USD".to_owned(), rate }];
        let date = "2022-12-13".parse::<NaiveDate>().unwrap()
            + Days::new(u64::try_from(number).unwrap() * 5);
        plan.rates.insert((date, "EUR".to_owned()), RateSheet { date, base: "EUR".into(), rates });
    }
    plan
}

fn row() -> impl Strategy<Value = ColumnRow> {
    let tags = subsequence(vec!["fun".to_owned(), "home".to_owned()], 0..=2);
    (small::row(60, 120, 3, "[abÄ]{1,2}"), tags).prop_map(|(row, tags)| ColumnRow { tags, ..row })
}

fn text(field: TextField, op: TextOp, value: &str) -> Condition {
    let values = if op == TextOp::Empty { Vec::new() } else { vec![value.to_owned()] };
    Condition::Text { field, op, values, case_sensitive: false }
}

/// Conditions on everything that figures know.
fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        "[abä]".prop_map(|value| text(TextField::Payee, TextOp::Contains, &value)),
        Just(text(TextField::Payee, TextOp::Regex, "^a.?$")),
        Just(text(TextField::Payee, TextOp::Empty, "")),
        Just(text(TextField::Tags, TextOp::Is, "FUN")),
        Just(text(TextField::Tags, TextOp::Empty, "")),
        Just(text(TextField::Account, TextOp::Ends, "2")),
        (-60_i64..60, any::<bool>()).prop_map(|(min, absolute)| Condition::Amount {
            min: Some(format!("0.{:02}", min.abs()).parse().unwrap()),
            max: None,
            above: None,
            below: None,
            absolute,
        }),
        Just(Condition::Currency { codes: vec!["USD".to_owned()] }),
        any::<bool>().prop_map(|it| Condition::Direction {
            is: if it { Direction::In } else { Direction::Out }
        }),
        (0_u64..120).prop_map(|at| Condition::Date { from: Some(day(at)), to: None }),
        (0_u64..120).prop_map(|at| Condition::DateNear { date: day(at), days: 9 }),
        Just(Condition::Weekday { is: vec![Weekday::Monday, Weekday::Sunday] }),
        Just(Condition::DayOfMonth { days: vec![1, 15], last: true }),
        (0_u128..3).prop_map(|it| Condition::Account { ids: vec![account(it)] }),
        (0_u128..3).prop_map(|it| Condition::Category { ids: vec![category(it)] }),
        Just(Condition::Status { is: vec![Status::Pending] }),
        prop::sample::select(vec![
            Feature::Category,
            Feature::Payee,
            Feature::Tags,
            Feature::Splits,
            Feature::Transfer,
        ])
        .prop_map(|what| Condition::Has { what }),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|of| Condition::All { of }),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|of| Condition::Any { of }),
            prop::collection::vec(inner, 0..3).prop_map(|of| Condition::Not { of }),
        ]
    })
}

fn unit() -> impl Strategy<Value = CalendarUnit> {
    use CalendarUnit::{Days, Months, Weeks, Years};
    prop::sample::select(vec![Days, Weeks, Months, Years])
}

fn span() -> impl Strategy<Value = Option<ReportSpan>> {
    prop_oneof![
        Just(None),
        (0_u64..60, 0_u64..60).prop_map(|(from, length)| Some(ReportSpan::Days {
            from: Some(day(from)),
            to: Some(day(from + length)),
        })),
        (0_u64..120).prop_map(|to| Some(ReportSpan::Days { from: None, to: Some(day(to)) })),
        (0_u64..120).prop_map(|from| Some(ReportSpan::Days { from: Some(day(from)), to: None })),
        unit().prop_map(|unit| Some(ReportSpan::This { unit })),
        (1_u32..4, unit()).prop_map(|(count, unit)| Some(ReportSpan::Last { count, unit })),
    ]
}

fn report() -> impl Strategy<Value = Report> {
    use ReportDimension::{
        Account, Category, Day, Group, Month, Payee, Quarter, Tag, Week, Weekday, Year,
    };
    use ReportMeasure::{Income, Movement, Net, Spending};
    let time = prop::sample::select(vec![Day, Week, Month, Quarter, Year]);
    let others = subsequence(vec![Category, Group, Account, Payee, Tag, Weekday], 0..=2);
    let by = (others, prop::option::of(time))
        .prop_map(|(by, time)| by.into_iter().chain(time).collect::<Vec<ReportDimension>>());
    let compare = prop::option::of(prop::sample::select(vec![
        ReportComparison::SpanBefore,
        ReportComparison::YearBefore,
    ]));
    let sort = prop::sample::select(vec![
        ReportSort::Key,
        ReportSort::Total,
        ReportSort::Transactions,
        ReportSort::Change,
    ]);
    let measure = prop::sample::select(vec![Spending, Income, Net, Movement]);
    let filter = prop::option::of(condition());
    let order = (sort, any::<bool>(), prop::option::of(1_u32..9));
    (measure, by, span(), compare, order, prop::option::of(Just("USD")), filter).prop_map(
        |(measure, by, span, compare, (sort, reversed, limit), currency, filter)| {
            let bounded = match span {
                None => false,
                Some(ReportSpan::Days { from, to }) => from.is_some() && to.is_some(),
                Some(_) => true,
            };
            let compare = compare.filter(|_| bounded);
            let sort = if compare.is_none() && sort == ReportSort::Change {
                ReportSort::Total
            } else {
                sort
            };
            let currency = currency.map(str::to_owned);
            Report { measure, by, span, compare, sort, reversed, limit, currency, filter }
        },
    )
}

/// One line of a row.
struct Line<'a> {
    row: &'a ColumnRow,
    category: Option<CategoryId>,
    minor: i64,
}

impl Line<'_> {
    fn holds(&self, condition: &Condition) -> bool {
        let (row, date) = (self.row, self.row.booking_date);
        match condition {
            Condition::All { of } => of.iter().all(|part| self.holds(part)),
            Condition::Any { of } => of.iter().any(|part| self.holds(part)),
            Condition::Not { of } => !of.iter().any(|part| self.holds(part)),
            Condition::Text { field: TextField::Payee, op, values, .. } => {
                let payee = row.payee.clone().unwrap_or_default().to_lowercase().replace('ä', "a");
                match op {
                    TextOp::Contains => payee.contains(&values[0].replace('ä', "a")),
                    // In a regular expression accents count.
                    TextOp::Regex => {
                        let raw: Vec<char> =
                            row.payee.as_deref().unwrap_or_default().chars().collect();
                        raw.first() == Some(&'a') && raw.len() <= 2
                    }
                    _ => payee.is_empty(),
                }
            }
            Condition::Text { field: TextField::Tags, op: TextOp::Is, .. } => {
                row.tags.iter().any(|tag| tag == "fun")
            }
            Condition::Text { field: TextField::Tags, .. } => row.tags.is_empty(),
            Condition::Text { .. } => row.account_id == account(2),
            Condition::Amount { min, absolute, .. } => {
                let minor = if *absolute { self.minor.abs() } else { self.minor };
                let least = min.unwrap().decimal() * rust_decimal::Decimal::ONE_HUNDRED;
                rust_decimal::Decimal::from(minor) >= least
            }
            Condition::Currency { .. } => code(row) == "USD",
            Condition::Direction { is: Direction::Out } => row.amount_minor < 0,
            Condition::Direction { is: Direction::In } => row.amount_minor >= 0 && self.minor != 0,
            Condition::Date { from, .. } => date >= from.unwrap(),
            Condition::DateNear { date: about, days } => {
                (date - *about).num_days().abs() <= i64::from(*days)
            }
            Condition::Weekday { .. } => [0, 6].contains(&date.weekday().num_days_from_monday()),
            Condition::DayOfMonth { .. } => {
                [1, 15].contains(&date.day()) || (date + Days::new(1)).day() == 1
            }
            Condition::Account { ids } => ids.contains(&row.account_id),
            Condition::Category { ids } => self.category.is_some_and(|id| {
                ids.contains(&id) || (id == category(1) && ids.contains(&category(0)))
            }),
            Condition::Status { .. } => row.pending,
            Condition::Has { what } => match what {
                Feature::Category => self.category.is_some(),
                Feature::Payee => row.payee.is_some(),
                Feature::Tags => !row.tags.is_empty(),
                Feature::Splits => !row.splits.is_empty(),
                _ => row.transfer,
            },
            _ => panic!("not drawn"),
        }
    }
}

fn code(row: &ColumnRow) -> &'static str {
    CODES[usize::try_from(row.account_id.uuid().as_u128()).unwrap()]
}

/// What a row of an answer is of, as text.
fn key_of(row: &ReportRow) -> Vec<String> {
    let told = |of: Option<String>| of.unwrap_or_default();
    vec![
        told(row.category_id.map(|id| id.to_string())),
        told(row.group_id.map(|id| id.to_string())),
        told(row.account_id.map(|id| id.to_string())),
        told(row.payee.clone()),
        told(row.tag.clone()),
        told(row.date.map(|day| day.to_string())),
        told(row.weekday.map(|day| format!("{day:?}"))),
    ]
}

/// Total, how many, total before, and the transactions.
type Twin = BTreeMap<(String, Vec<String>), (i64, u64, i64, BTreeSet<TransactionId>)>;

fn unit_start(by: ReportDimension, day: NaiveDate) -> NaiveDate {
    let first = |month: u32| NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap();
    match by {
        ReportDimension::Week => day - Days::new(day.weekday().num_days_from_monday().into()),
        ReportDimension::Month => first(day.month()),
        ReportDimension::Quarter => first((day.month() - 1) / 3 * 3 + 1),
        ReportDimension::Year => first(1),
        _ => day,
    }
}

/// First and last day of the report, and of what it is compared with.
type Bounds = [(Option<NaiveDate>, Option<NaiveDate>); 2];

/// The day of the report beside which a day before it stands.
fn shown(report: &Report, bounds: Bounds, date: NaiveDate) -> NaiveDate {
    let [(from, to), (before, _)] = bounds;
    let (from, to, before) = (from.unwrap(), to.unwrap(), before.unwrap());
    let whole = from.day() == 1 && to.succ_opt().unwrap().day() == 1;
    let months = (0..).map(Months::new).find(|months| before + *months >= from).unwrap();
    let moved = match report.compare {
        Some(ReportComparison::YearBefore) => date + Months::new(12),
        _ if whole => date + months,
        _ => date + (from - before),
    };
    moved.clamp(from, to)
}

/// With which sign a line counts, if at all.
fn sign(report: &Report, line: &Line<'_>) -> Option<i64> {
    match (report.measure, small::is_spending(line.row, line.category)) {
        (ReportMeasure::Movement, _) => Some(1),
        (_, None) => None,
        (ReportMeasure::Net, _) => Some(1),
        (ReportMeasure::Spending, Some(spending)) => spending.then_some(-1),
        (ReportMeasure::Income, Some(spending)) => (!spending).then_some(1),
    }
}

/// What the rows are of under which a line counts.
fn keys(report: &Report, line: &Line<'_>, shown: NaiveDate) -> Vec<Vec<String>> {
    let by_tag = report.by.contains(&ReportDimension::Tag);
    let tags = if by_tag && !line.row.tags.is_empty() {
        line.row.tags.clone()
    } else {
        vec![String::new()]
    };
    let key = |tag: String| {
        let mut key = vec![String::new(); 7];
        for by in &report.by {
            let top = |id| if id == category(1) { category(0) } else { id };
            let (place, text) = match by {
                ReportDimension::Category => (0, line.category.map(|it| it.to_string())),
                ReportDimension::Group => (1, line.category.map(|it| top(it).to_string())),
                ReportDimension::Account => (2, Some(line.row.account_id.to_string())),
                ReportDimension::Payee => (3, line.row.payee.clone()),
                ReportDimension::Tag => (4, Some(tag.clone())),
                ReportDimension::Weekday => {
                    let number = line.row.booking_date.weekday().num_days_from_monday();
                    let day = Weekday::ALL[usize::try_from(number).unwrap()];
                    (6, Some(format!("{day:?}")))
                }
                by => (5, Some(unit_start(*by, shown).to_string())),
            };
            key[place] = text.unwrap_or_default();
        }
        key
    };
    tags.into_iter().map(key).collect()
}

/// The twin counts line by line; the bounds are those that the answer told, held by a table.
fn twin(plan: &Plan, rows: &[ColumnRow], report: &Report, bounds: Bounds) -> Twin {
    let mut found = Twin::new();
    let lines = rows.iter().flat_map(|row| {
        small::parts(row).into_iter().map(move |(category, minor)| Line { row, category, minor })
    });
    for line in lines {
        let Some(sign) = sign(report, &line) else { continue };
        if report.filter.as_ref().is_some_and(|it| !line.holds(it)) {
            continue;
        }
        let date = line.row.booking_date;
        let own = Money::from_minor(line.minor * sign, Currency::iso(code(line.row)).unwrap());
        let to = Currency::iso(report.currency.as_deref().unwrap_or(code(line.row))).unwrap();
        for (before, (from, to_day)) in [false, true].into_iter().zip(bounds) {
            let outside = from.is_some_and(|it| date < it) || to_day.is_some_and(|it| date > it);
            if outside || before && report.compare.is_none() {
                continue;
            }
            let told = convert(plan, own, to, date, 7).unwrap().amount;
            let shown = if before { shown(report, bounds, date) } else { date };
            for key in keys(report, &line, shown) {
                let sums = found.entry((told.currency().to_string(), key)).or_default();
                if before {
                    sums.2 += told.minor();
                } else {
                    sums.0 += told.minor();
                    sums.1 += 1;
                    sums.3.insert(line.row.id);
                }
            }
        }
    }
    found
}

proptest! {
    #[test]
    fn a_report_is_what_a_loop_over_the_rows_comes_to(
        rows in prop::collection::vec(row(), 0..60),
        settled in 0_usize..60,
        report in report(),
        today in 0_u64..150,
    ) {
        // Holds: rows, totals and witness equal the twin's, in any order of the view's parts.
        let plan = plan();
        let (view, kept) = small::view(&rows, settled);
        let query = ReportQuery {
            report: Report { limit: None, ..report.clone() },
            witness: true,
            ..ReportQuery::default()
        };
        let answer = run(&plan, &view, &query, day(today)).unwrap();
        let bounds = [(answer.from, answer.to), (answer.before_from, answer.before_to)];
        let twin = twin(&plan, &kept, &report, bounds);
        let mut found = Twin::new();
        for row in &answer.rows {
            let key = (row.total.currency().to_string(), key_of(row));
            let witness = row.witness.clone().unwrap().ids.into_iter().collect();
            let before = row.before.map_or(0, |it| it.minor());
            prop_assert_eq!(row.change.is_some(), report.compare.is_some());
            if let Some(change) = row.change {
                prop_assert_eq!(change.minor(), row.total.minor() - before);
            }
            let sums = (row.total.minor(), row.transactions, before, witness);
            prop_assert!(found.insert(key, sums).is_none(), "a row comes twice");
        }
        prop_assert_eq!(&found, &twin, "{}", report);
        if !report.by.contains(&ReportDimension::Tag) {
            let total: i64 = answer.totals.iter().map(|total| total.total.minor()).sum();
            prop_assert_eq!(total, found.values().map(|sums| sums.0).sum::<i64>());
        }
        // The order holds within each currency, and a limit leaves out what stands behind.
        for pair in answer.rows.windows(2) {
            let [left, right] = pair else { continue };
            if left.total.currency() != right.total.currency() {
                continue;
            }
            let size = |row: &ReportRow| match report.sort {
                ReportSort::Key => 0,
                ReportSort::Total => row.total.minor(),
                ReportSort::Transactions => i64::try_from(row.transactions).unwrap(),
                ReportSort::Change => row.change.unwrap().minor().abs(),
            };
            let (first, second) = if report.reversed { (right, left) } else { (left, right) };
            prop_assert!(size(first) >= size(second), "{}", report);
        }
        if let Some(limit) = report.limit {
            let query = ReportQuery { report: report.clone(), ..query };
            let some = run(&plan, &view, &query, day(today)).unwrap();
            let mut count: BTreeMap<String, u32> = BTreeMap::new();
            let mut all = answer.rows.clone();
            all.retain(|row| {
                let place = count.entry(row.total.currency().to_string()).or_default();
                *place += 1;
                *place <= limit
            });
            prop_assert_eq!(&some.rows, &all);
            prop_assert_eq!(&some.totals, &answer.totals);
        }
    }

    #[test]
    fn a_sentence_gives_its_report_again(report in report()) {
        // Holds: telling and reading is the identity, and so is JSON.
        let text = report.to_string();
        prop_assert_eq!(parse(&text, None).unwrap(), report.clone(), "{}", text);
        let json = serde_json::to_string(&report).unwrap();
        prop_assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    }
}

#[test]
fn what_cannot_be_asked_is_named() {
    // Holds: each report that makes no sense is refused with a code and the member at fault.
    let (plan, view) = (plan(), View::new());
    let of = |text: &str| parse(text, Some(&plan)).unwrap();
    let table = [
        (of("net by day, month"), ErrorCode::InvalidInput, "by"),
        (of("net by tag, tag"), ErrorCode::InvalidInput, "by"),
        (of("net by tag, payee, account, month"), ErrorCode::LimitExceeded, "by"),
        (of("net sorted by change"), ErrorCode::InvalidInput, "sort"),
        (of("net compared with span before"), ErrorCode::InvalidInput, "compare"),
        (of("net from 2024-01-01 compared with year before"), ErrorCode::InvalidInput, "compare"),
        (of("net from 2024-01-02 to 2024-01-01"), ErrorCode::InvalidInput, "span"),
        (of("net in last 0 months"), ErrorCode::InvalidInput, "span"),
        (of("net in last 1001 days"), ErrorCode::InvalidInput, "span"),
        (of("net first 0"), ErrorCode::LimitExceeded, "limit"),
        (of("net first 100001"), ErrorCode::LimitExceeded, "limit"),
        (of(r#"net told in "XYZ""#), ErrorCode::UnknownCurrency, "currency"),
        (of(r#"net where notes contains "a""#), ErrorCode::InvalidInput, "filter"),
        (of("net where it has attachments"), ErrorCode::InvalidInput, "filter"),
        (of("net where status is void"), ErrorCode::InvalidInput, "filter"),
        (of("net where balance is from 0"), ErrorCode::InvalidInput, "filter"),
        (of(r#"net where payee matches "(""#), ErrorCode::InvalidPattern, "filter"),
    ];
    for (report, code, field) in table {
        let text = report.to_string();
        let query = ReportQuery { report, ..ReportQuery::default() };
        let error = run(&plan, &view, &query, day(0)).unwrap_err();
        assert_eq!((error.code(), error.at_field()), (code, Some(field)), "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    // Holds: an error says where reading stopped and what is expected there, and repeats no text.
    for (text, place) in [
        ("", 1),
        ("wages", 1),
        ("spending by", 12),
        ("spending by category in this decade", 30),
        ("spending in last many months", 18),
        ("spending from yesterday", 15),
        ("spending sorted by colour", 20),
        ("spending first ten", 16),
        ("spending told in EUR", 18),
        ("spending where", 15),
        ("spending first 3 in this month", 18),
    ] {
        let error = parse(text, None).unwrap_err();
        assert!(error.to_string().ends_with(&format!("at character {place}")), "{text}: {error}");
    }
}
