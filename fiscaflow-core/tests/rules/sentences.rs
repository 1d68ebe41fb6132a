//! A rule told and read back.

use fiscaflow_core::model::{NewRule, Rule};
use fiscaflow_core::rules::{describe, parse};
use proptest::prelude::*;

use super::any;

/// What arbitrary rules are told with, beside texts that try the quotes.
fn odd_name() -> impl Strategy<Value = String> {
    "[a-z\"\\\\\n\t\u{7f}\u{1f600} ]{1,8}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        if std::env::var_os("FISCAFLOW_DEEP").is_some() { 500_000 } else { 4_000 }
    ))]

    /// Reading what was told gives the rule again, with names in the place of ids or without.
    #[test]
    fn reading_undoes_telling(rule in any::rule(7), name in odd_name()) {
        let rule = Rule { name, ..rule };
        let new = NewRule::from(&rule);
        let told = rule.to_string();
        prop_assert!(told.parse::<NewRule>().unwrap() == new, "{told}");
        let plan = any::plan();
        let named = describe(&new, &plan);
        prop_assert!(parse(&named, Some(&plan)).unwrap() == new, "{named}");
        prop_assert!(parse(&told, Some(&plan)).unwrap() == new, "{told}");
    }

    /// Whatever is read, it is a rule or an error that names the place and quotes nothing.
    #[test]
    fn anything_can_be_read(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "\"a\"", ":", "if", "then", "not", "and", "or", "(", ")", "all of", "amount is",
                "from", "5", "stop", ";", "\"", "\\", "payee is", "secret", "date is", "2026-01-01",
            ]),
            0..12,
        ),
    ) {
        if let Err(error) = words.join(" ").parse::<NewRule>() {
            let text = error.to_string();
            prop_assert!(text.starts_with("expected ") && text.contains(" at character "));
            prop_assert!(!text.contains("secret"));
        }
    }
}

#[test]
fn a_sentence_reads_as_people_write() {
    // Holds: the words of the language, each once, and the shorter forms that are read, too.
    let plan = any::plan();
    let same = |text: &str| {
        let rule = parse(text, Some(&plan)).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(describe(&rule, &plan), text);
    };
    same(r#""a": if description contains "rewe" or "edeka" then set category to "rewe"; stop"#);
    same(r#""a" (stage pre, priority -5, off): if it has a category then add tag "x""#);
    same(concat!(
        r#""a": if payee is "x" as written and (amount is above 5 below 7.50 or money goes out) "#,
        r#"and not balance is from 0 then set payee to "y"; clear tags"#,
    ));
    same(concat!(
        r#""a": if date is about 2026-03-01 within 3 days or weekday is monday or friday or day of "#,
        r#"month is 1 or last then split into 5.00 for "Fun" noting "n", 20 %, rest"#,
    ));
    same(concat!(
        r#""a": if account is "Giro" and category is "Home" and account name starts with "Ca" and "#,
        r#"notes is empty then append "card $1" to notes; flag for review because "odd""#,
    ));
    same(concat!(
        r#""a": if none of (status is pending or void, absolute amount is about 100 within 5 %, "#,
        r#"currency is "EUR") then set status to disputed"#,
    ));
    let short = |short: &str, long: &str| {
        let read = |condition: &str| {
            parse(&format!(r#""a": if {condition} then stop"#), Some(&plan)).unwrap()
        };
        assert!(read(short) == read(long), "{short}");
    };
    short("amount is 5", "amount is from 5 to 5");
    short("date is 2026-03-01", "date is from 2026-03-01 to 2026-03-01");
    short("date is before 2026-03-01", "date is to 2026-02-28");
    short("date is after 2026-02-28", "date is from 2026-03-01");
    short("date is from 2026-03-01 after 2026-03-05", "date is from 2026-03-06");
    short(
        "date is from 2026-03-05 to 2026-03-07 after 2026-03-01 before 2026-03-07",
        "date is from 2026-03-05 to 2026-03-06",
    );
    short("(money comes in)", "money comes in");
    short(r#"payee is "\u{41}\u{00007A}""#, r#"payee is "Az""#);
}

#[test]
fn errors_name_the_place() {
    // Holds: where reading stops, and what would have been read there.
    let plan = any::plan();
    for (text, error) in [
        ("", "expected a text in quotes at character 1"),
        (r#""é": if"#, "expected a condition at character 8"),
        (r#""a": if money then stop"#, "expected `comes in` or `goes out` at character 15"),
        (r#""a": if money comes in then dance"#, "expected an action at character 29"),
        (
            r#""a": if payee is "x then stop"#,
            "expected the `\"` that ends the text that begins at character 18",
        ),
        (
            r#""a": if payee is "\u{0000041}" then stop"#,
            r#"expected `\"`, `\\`, `\n`, `\t` or `\u{..}` at character 19"#,
        ),
        (
            r#""a": if payee is "\u{+41}" then stop"#,
            r#"expected `\"`, `\\`, `\n`, `\t` or `\u{..}` at character 19"#,
        ),
        (
            r#""a": if account is "Nobody" then stop"#,
            "expected an account of this book by a name that it has once at character 20",
        ),
        (
            r#""a": if money comes in and it has tags or it has notes then stop"#,
            "expected `then` at character 40",
        ),
    ] {
        assert_eq!(parse(text, Some(&plan)).unwrap_err().to_string(), error);
    }
}
