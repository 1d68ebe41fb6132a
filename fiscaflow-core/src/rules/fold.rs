//! The form in which rules compare texts: without letter case and accents.
//!
//! Each character folds by itself, so that the fold of a text contains the fold of every part of
//! it: that lets one automaton find what any rule may look for.

use unicode_normalization::char::decompose_compatible;

/// Appends the fold of a text.
pub(super) fn fold_into(text: &str, folded: &mut String) {
    if text.is_ascii() {
        let from = folded.len();
        folded.push_str(text);
        if let Some(added) = folded.get_mut(from..) {
            added.make_ascii_lowercase();
        }
        return;
    }
    text.chars().for_each(|char| fold_char(char, folded));
}

/// The fold of a text.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}

/// Appends a character in lower case, decomposed for compatibility (Unicode Standard Annex 15)
/// without the accents that come off. Korean syllables stay whole: their parts are no accents.
fn fold_char(char: char, folded: &mut String) {
    if char.is_ascii() {
        return folded.push(char.to_ascii_lowercase());
    }
    if ('\u{ac00}'..='\u{d7a3}').contains(&char) {
        return folded.push(char);
    }
    decompose_compatible(char, |part| {
        for lower in part.to_lowercase() {
            decompose_compatible(lower, |plain| fold_plain(plain, folded));
        }
    });
}

/// Appends what is left of a decomposed character: letters that do not decompose become what they
/// are commonly written as.
fn fold_plain(plain: char, folded: &mut String) {
    let plain = match plain {
        '\u{300}'..='\u{36f}' => return,
        'đ' | 'ð' => 'd',
        'ħ' => 'h',
        'ı' => 'i',
        'ł' => 'l',
        'ø' => 'o',
        'ŧ' => 't',
        'ς' => 'σ',
        'ß' => return folded.push_str("ss"),
        'æ' => return folded.push_str("ae"),
        'œ' => return folded.push_str("oe"),
        'þ' => return folded.push_str("th"),
        other => other,
    };
    folded.push(plain);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fold;

    #[test]
    fn letters_lose_case_and_accents() {
        // Holds: what people write with and without accents compares equal.
        for (text, folded) in [
            ("Café ZÜRICH", "cafe zurich"),
            ("Straße", "strasse"),
            ("ŁÓDŹ", "lodz"),
            ("İstanbul", "istanbul"),
            ("Ångström", "angstrom"),
            ("e\u{301}", "e"),
            ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
            ("ồ ữ ặ", "o u a"),
            ("東京", "東京"),
            ("가", "가"),
            ("ﬁn №", "fin no"),
        ] {
            assert_eq!(fold(text), folded);
        }
    }

    proptest! {
        /// Each character folds by itself, and a fold is folded already.
        #[test]
        fn folds_are_made_by_character(left in ".{0,8}", right in ".{0,8}") {
            let whole = fold(&format!("{left}{right}"));
            prop_assert_eq!(&whole, &format!("{}{}", fold(&left), fold(&right)));
            prop_assert_eq!(fold(&whole), whole);
        }
    }
}
