//! What normalising a payee holds to.

#![allow(clippy::expect_used, reason = "a test panics to fail")]

use fiscaflow_core::normalise::{CutReason, normalise};
use proptest::prelude::*;

/// A text, the name in it, and why what was cut was cut.
const GOLDEN: &[(&str, &str, &str)] = &[
    ("", "", ""),
    ("   ", "", ""),
    ("Corner café", "Corner café", ""),
    ("SQ *BLUE BOTTLE 4471", "Blue Bottle", "processor terminal"),
    ("PAYPAL *SPOTIFY 35314369001", "Spotify", "processor reference"),
    ("IZ *Daily Goods London", "Daily Goods", "processor place"),
    ("TST* THE SPOTTED PIG", "THE Spotted PIG", "processor"),
    ("TESCO STORES 4838", "Tesco Stores", "terminal"),
    ("tesco pay at pump 4231", "Tesco Pay At Pump", "terminal"),
    ("ALDI 42 772", "Aldi", "terminal terminal"),
    (
        "VISA 12/03 REWE SAGT DANKE 54321//Berlin/DE",
        "Rewe Sagt Danke",
        "method date reference place place",
    ),
    ("KARTENZAHLUNG LIDL DIENSTLEISTUNG GMBH", "Lidl Dienstleistung", "method legal_form"),
    ("CARD PAYMENT TO AMAZON.CO.UK*2K4RW9G85", "Amazon", "method method method web reference"),
    ("www.britishgas.co.", "Britishgas", "web web"),
    ("amazon.co.uk2q0k74o65", "Amazon", "web"),
    ("zoom.us 888-799-9666", "Zoom", "web phone"),
    ("Netflix.com 12MAR24", "Netflix", "web date"),
    ("UBER   TRIP 14:05 HELP.UBER.COM", "Uber Trip Help.Uber", "time web"),
    ("SHELL 1234 HAMBURG DEU USD 12.50", "Shell", "terminal place place amount amount"),
    ("CARREFOUR XXXX1234 2024-03-12", "Carrefour", "card date"),
    ("7-ELEVEN 33512", "7-ELEVEN", "reference"),
    ("24 HOUR FITNESS", "24 Hour Fitness", ""),
    ("99999999", "99999999", ""),
    ("GmbH", "GmbH", ""),
    ("Ζαχαροπλαστείο", "Ζαχαροπλαστείο", ""),
];

fn why(text: &str) -> String {
    let name = |why: CutReason| serde_json::to_value(why).expect("a name");
    let whys = normalise(text).cut.into_iter().map(|cut| name(cut.why));
    whys.filter_map(|why| why.as_str().map(str::to_owned)).collect::<Vec<_>>().join(" ")
}

/// Each kind of noise is cut for its own reason, and nothing else is.
#[test]
fn golden_table() {
    let wrong: Vec<_> = GOLDEN
        .iter()
        .map(|(text, name, reasons)| (*text, (*name, *reasons), (normalise(text).name, why(text))))
        .filter(|(_, wanted, found)| *wanted != (found.0.as_str(), found.1.as_str()))
        .collect();
    assert!(wrong.is_empty(), "text, wanted, found: {wrong:#?}");
}

/// A brand's own spelling and what it sells are known; what two brands of one name sell is not.
#[test]
fn brands_are_known() {
    let lidl = normalise("LIDL 0423");
    assert_eq!((lidl.name.as_str(), lidl.category_hint.as_deref()), ("Lidl", Some("Groceries")));
    assert_eq!(normalise("Qwertzuiop").category_hint, None);
}

/// Bytes that a bank might print, noise among them.
fn statement() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[A-Za-z]{1,10}",
        2 => "[0-9]{1,8}",
        1 => "\\PC{0,8}",
        1 => "[-*/.,:#+xX0-9]{1,10}",
        1 => prop::sample::select(vec![
            "SQ *", "PAYPAL *", "VISA", "card", "London", "GB", "DE", "Ltd", "GmbH", "USD", "12.50",
            "www.a.com", "EREF+", "12/03", "12MAR", "14:05", "REWE", "bp", "Wien", "to", "co",
        ]).prop_map(str::to_owned),
    ];
    let gap = prop::sample::select(vec![" ", "  ", "*", "/", ",", "\t", "//", "."]);
    prop::collection::vec((part, gap), 0..10).prop_map(|parts| {
        parts.into_iter().flat_map(|(part, gap)| [part, gap.to_owned()]).collect()
    })
}

/// Names stay as they are where several things are cut from one word, and a word stays where a
/// reference is glued to it.
#[test]
fn words_within_words() {
    let names = [
        ("AaA'.co ", "AaA"),
        ("www.www.abcd.com", "Abcd"),
        ("AMAZON PRIMEB12CD34E5", "Amazon Prime"),
        ("www.primeb12cd34e5.com", "Prime"),
        ("PRIMETIME 4711", "Primetime"),
    ];
    for (text, name) in names {
        assert_eq!(normalise(text).name, name, "{text}");
        assert_eq!(normalise(name).name, name, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// A name that was normalised stays as it is.
    #[test]
    fn normalising_again_changes_nothing(text in statement()) {
        let once = normalise(&text).name;
        prop_assert_eq!(&normalise(&once).name, &once);
    }

    /// What was cut stands in the text where it is said to stand, in order, and never all of it.
    #[test]
    fn cuts_are_where_they_say(text in statement()) {
        let found = normalise(&text);
        let letters: Vec<char> = text.chars().collect();
        let mut end = 0;
        for cut in &found.cut {
            prop_assert!(cut.start >= end && cut.start < cut.end);
            end = cut.end;
            let (start, end) = (cut.start as usize, cut.end as usize);
            prop_assert_eq!(&letters[start..end].iter().collect::<String>(), &cut.text);
        }
        prop_assert!(!found.name.is_empty() || found.cut.is_empty());
    }
}

/// Texts made to be expensive are answered, whatever they are.
#[test]
fn hostile_texts_are_answered() {
    for part in ["a", "*", "1/", "x.", "www.", "é ", "card ", "ltd ", "1.2.3.4-", "\u{0}", "🏦 "]
    {
        let text = part.repeat(5_000);
        let found = normalise(&text);
        assert!(found.name.len() <= text.len());
    }
}
