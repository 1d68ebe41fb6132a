//! Names and comments as Rust, Kotlin and Swift write them.

use std::fmt::Write as _;

/// The width to which comments are wrapped.
const WIDTH: usize = 100;

/// Writes a line; a `String` takes whatever it is given.
macro_rules! line {
    ($text:expr) => { $text.push('\n') };
    ($text:expr, $($arg:tt)*) => {{
        use std::fmt::Write as _;
        let _ = writeln!($text, $($arg)*);
    }};
}
pub(super) use line;

/// `credit_card` as `CreditCard`.
pub fn upper_camel(name: &str) -> String {
    name.split('_').map(capital).collect()
}

/// `credit_card` as `creditCard`.
pub fn lower_camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    first + &words.map(capital).collect::<String>()
}

/// `credit_card` as `CREDIT_CARD`.
pub fn shouting(name: &str) -> String {
    name.to_ascii_uppercase()
}

/// A name as Swift takes it where a keyword would be read as one.
pub fn swift_name(name: &str) -> String {
    const KEYWORDS: [&str; 12] = [
        "as", "case", "default", "for", "in", "init", "is", "operator", "protocol", "repeat",
        "self", "where",
    ];
    if KEYWORDS.contains(&name) { format!("`{name}`") } else { name.to_owned() }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// A comment of lines that begin with `mark`, such as `///`.
pub fn comment(indent: &str, mark: &str, about: &str) -> String {
    let mut text = String::new();
    for (place, paragraph) in about.split("\n\n").enumerate() {
        if place > 0 {
            line!(text, "{indent}{mark}");
        }
        let mut row = format!("{indent}{mark}");
        for word in paragraph.split_whitespace() {
            if row.chars().count() + 1 + word.chars().count() > WIDTH {
                line!(text, "{row}");
                row = format!("{indent}{mark}");
            }
            let _ = write!(row, " {word}");
        }
        line!(text, "{row}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_words() {
        assert_eq!(upper_camel("set_category"), "SetCategory");
        assert_eq!(lower_camel("next_cursor"), "nextCursor");
        assert_eq!(lower_camel("is"), "is");
        assert_eq!(shouting("bank_id"), "BANK_ID");
        assert_eq!((swift_name("in"), swift_name("inside")), ("`in`".into(), "inside".into()));
    }

    #[test]
    fn comments_are_wrapped_and_keep_their_paragraphs() {
        assert_eq!(comment("  ", "///", "One.\n\nTwo."), "  /// One.\n  ///\n  /// Two.\n");
        let wide = comment("", "//", &"word ".repeat(30));
        assert!(wide.lines().count() == 2 && wide.lines().all(|line| line.len() <= WIDTH));
    }
}
