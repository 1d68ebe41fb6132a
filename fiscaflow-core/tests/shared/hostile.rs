//! Regular expressions that mean harm, for the tests that rules are refused or bounded. Each test
//! crate takes this file in by its path.

use proptest::prelude::*;
use proptest::sample::select;

/// Nested repeats, wide classes and alternatives, as those that hang other engines.
fn nested() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "a",
        "\\w",
        ".",
        "[^x]",
        "(a|aa)",
        "\\pL",
        "(?:\\d|\\w)",
        "x*",
        "(.*,)",
        "é",
        "(?i)k",
        "\\b",
    ])
    .prop_map(str::to_owned);
    piece.prop_recursive(6, 24, 4, |inner| {
        let repeat = select(vec!["*", "+", "?", "{1,50}", "{100}", "{0,1000}", "{7,}"]);
        prop_oneof![
            (inner.clone(), repeat).prop_map(|(inner, repeat)| format!("({inner}){repeat}")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one}|{other})")),
            prop::collection::vec(inner, 1..4).prop_map(|parts| parts.concat()),
        ]
    })
}

/// As much as fits of what is dear to prepare: classes of many characters, and names of them.
fn wide() -> impl Strategy<Value = String> {
    let class = select(vec![
        "\\w",
        "\\W",
        "\\pL",
        "\\PL",
        "[^\\pL\\pN]",
        "[\\w&&[^a-z]]",
        "[\\w--\\d]",
        "[\\w~~\\pL]",
        "\\p{Greek}",
        "\\p{scx=Arab}",
        "\\p{Alphabetic}",
        "[\\x{80}-\\x{10ffff}]",
        "[^é]",
        "\\S",
        "(?-i:\\w)",
        "\\b{start}",
        "\\B",
    ]);
    let ends = select(vec!["", "|", "?", "+", "*?", "{2}", "{0,3}"]);
    prop::collection::vec((class, ends), 1..200).prop_map(|parts| {
        let mut pattern = String::new();
        for (class, end) in parts {
            if pattern.len() + class.len() + end.len() <= 512 {
                pattern.extend([class, end]);
            }
        }
        pattern
    })
}

/// Anything that is written with the signs of the syntax, mostly no expression at all.
fn soup() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9(){}\\[\\]|*+?.^$\\\\,:<>=!&~-]{1,512}"
}

/// Many alternatives of letters, which fold in many ways.
fn words() -> impl Strategy<Value = String> {
    prop::collection::vec("[a-zß-ÿſK]{1,12}", 1..60).prop_map(|words| {
        let mut pattern = words.join("|");
        pattern.truncate(pattern.floor_char_boundary(512));
        pattern
    })
}

/// One such expression.
pub fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![4 => nested(), 3 => wide(), 1 => soup(), 1 => words()]
}
