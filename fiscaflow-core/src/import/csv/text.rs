//! Text as headers and flags are compared: lower case, without accents and punctuation.

/// Lower case and without accents; `ß` becomes `ss` and `æ` becomes `ae`. Letters of other
/// alphabets stay as they are.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii() {
            folded.push(letter.to_ascii_lowercase());
        } else {
            fold_letter(letter, &mut folded);
        }
    }
    folded
}

fn fold_letter(letter: char, folded: &mut String) {
    for lower in letter.to_lowercase() {
        let plain = match lower {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
            'ç' | 'ć' | 'č' | 'ĉ' | 'ċ' => "c",
            'ď' | 'đ' | 'ð' => "d",
            'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
            'ğ' | 'ģ' | 'ĝ' => "g",
            'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' => "i",
            'ķ' => "k",
            'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
            'ñ' | 'ń' | 'ņ' | 'ň' => "n",
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => "o",
            'ŕ' | 'ř' => "r",
            'ś' | 'š' | 'ş' | 'ș' => "s",
            'ţ' | 'ť' | 'ț' => "t",
            'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' | 'ų' => "u",
            'ý' | 'ÿ' => "y",
            'ź' | 'ż' | 'ž' => "z",
            'æ' => "ae",
            'œ' => "oe",
            'ß' => "ss",
            '\u{300}'..='\u{36F}' | '\u{AD}' | '\u{200B}' | '\u{FEFF}' => "",
            '\u{A0}' | '\u{2007}' | '\u{2009}' | '\u{202F}' => " ",
            other => {
                folded.push(other);
                continue;
            }
        };
        folded.push_str(plain);
    }
}

/// A header or label as words joined by one blank: folded, punctuation dropped, `camelCase` parted.
pub(super) fn words(text: &str) -> String {
    if text.is_ascii() { ascii_words(text) } else { unicode_words(text) }
}

fn ascii_words(text: &str) -> String {
    let mut joined = String::with_capacity(text.len() + 4);
    let (mut parted, mut after_lower) = (false, false);
    for byte in text.bytes() {
        if !byte.is_ascii_alphanumeric() {
            (parted, after_lower) = (true, false);
            continue;
        }
        parted |= after_lower && byte.is_ascii_uppercase();
        if parted && !joined.is_empty() {
            joined.push(' ');
        }
        joined.push(char::from(byte.to_ascii_lowercase()));
        (parted, after_lower) = (false, byte.is_ascii_lowercase());
    }
    joined
}

fn unicode_words(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len() + 4);
    let mut after_lower = false;
    for letter in text.chars() {
        if letter.is_alphanumeric() || is_mark(letter) {
            if letter.is_uppercase() && after_lower {
                spaced.push(' ');
            }
            spaced.push(letter);
            after_lower = letter.is_lowercase();
        } else {
            spaced.push(' ');
            after_lower = false;
        }
    }
    let folded = fold(&spaced);
    let mut joined = String::with_capacity(folded.len());
    for word in folded.split_whitespace() {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    joined
}

/// Combining accents belong to the letter before them.
fn is_mark(letter: char) -> bool {
    ('\u{300}'..='\u{36F}').contains(&letter)
}

/// Whether a blank, of any width.
pub(super) fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\u{200B}' | '\u{FEFF}' | '\u{2060}')
}

/// A cell without white space at its ends, and without the `="..."` that guards it from
/// spreadsheets.
pub(super) fn clean(cell: &str) -> &str {
    let plain = |byte: Option<&u8>| byte.is_none_or(|byte| byte.is_ascii() && *byte > b' ');
    let bytes = cell.as_bytes();
    let cell = if plain(bytes.first()) && plain(bytes.last()) {
        cell
    } else {
        cell.trim_matches(is_blank)
    };
    if !cell.starts_with('=') {
        return cell;
    }
    cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(cell)
}

/// Whether a cell holds nothing: empty, a lone dash or one of the words programs write for that.
pub(super) fn is_void(cell: &str) -> bool {
    match cell.len() {
        0 => true,
        1..=4 => {
            matches!(cell, "-" | "--" | "–" | "—" | "n/a" | "N/A" | "NA" | "null" | "NULL" | "None")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_compared_as_plain_words() {
        // Holds: case, accents, punctuation and camel case make no difference to a header.
        let table = [
            ("Date d'opération", "date d operation"),
            ("Buchungswährung", "buchungswahrung"),
            ("dateOp", "date op"),
            ("RunningBalance", "running balance"),
            ("Bevétel/Kiadás", "bevetel kiadas"),
            ("Kwota_operacji", "kwota operacji"),
            ("  F. VALOR ", "f valor"),
            ("Zau\u{301}c\u{30C}tova\u{301}no", "zauctovano"),
            ("IBAN", "iban"),
            ("日期", "日期"),
        ];
        for (written, expected) in table {
            assert_eq!(words(written), expected);
            assert_eq!(unicode_words(written), expected);
        }
    }

    #[test]
    fn cells_lose_blanks_and_spreadsheet_guards() {
        // Holds: white space of any width and the `="..."` guard are no part of a cell.
        assert_eq!(clean(" \u{A0}12,50\u{202F}"), "12,50");
        assert_eq!(clean("=\"0042\""), "0042");
        assert_eq!(clean("=1+2"), "=1+2");
        assert_eq!(clean(""), "");
        assert!(is_void("-") && is_void("") && !is_void("0"));
    }
}
