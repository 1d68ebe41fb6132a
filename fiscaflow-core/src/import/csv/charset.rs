//! The charset of a delimited file that is not Unicode: the one in which most headers are known.
//!
//! The bytes of `částka` in windows-1250 are `èástka` in windows-1252: both are text, and only one
//! is a word. Where no header tells, it is the charset in which fewest letters look misread.

use std::borrow::Cow;
use std::cmp::Reverse;

use encoding_rs::{Encoding, WINDOWS_1252};

use super::lexicon;
use crate::import::encoding;

/// Charsets that are tried for bytes that are neither Unicode nor declared, most common first.
const CANDIDATES: &[&str] = &[
    "windows-1252",
    "windows-1250",
    "iso-8859-2",
    "windows-1251",
    "windows-1257",
    "windows-1254",
    "windows-1253",
    "windows-1255",
    "ibm866",
    "koi8-r",
    "gb18030",
    "shift_jis",
    "big5",
    "euc-kr",
];
/// How many bytes of the file are compared.
const SAMPLE_BYTES: usize = 8 * 1024;

/// The text of a file, and its charset.
pub(super) fn decode<'a>(
    bytes: &'a [u8],
    declared: Option<&str>,
) -> (Cow<'a, str>, &'static Encoding) {
    encoding::decode_or(bytes, declared, || {
        // The lines from the first one that is not ASCII tell.
        let other = bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or(0);
        let before = bytes.get(..other).unwrap_or_default();
        let start = memchr::memrchr2(b'\n', b'\r', before).map_or(0, |end| end + 1);
        let rest = bytes.get(start..).unwrap_or_default();
        best(rest.get(..SAMPLE_BYTES).unwrap_or(rest))
    })
}

/// The text of the first bytes of a file, cut at a line end where there is one.
pub(super) fn decode_start(bytes: &[u8], limit: usize) -> Cow<'_, str> {
    let Some(start) = bytes.get(..limit) else { return decode(bytes, None).0 };
    let end = memchr::memrchr2(b'\n', b'\r', start).map_or(limit, |end| end + 1);
    decode(bytes.get(..end).unwrap_or(start), None).0
}

/// The candidate in which most headers are known, and among equals the one in which fewest letters
/// look misread.
fn best(sample: &[u8]) -> &'static Encoding {
    let candidates = CANDIDATES.iter().filter_map(|label| encoding::lookup(label));
    let scored = candidates.map(|encoding| {
        let text = encoding.decode_without_bom_handling(sample).0;
        ((known_headers(&text), Reverse(misread(&text))), encoding)
    });
    // The first of equals.
    let best = scored.reduce(|best, other| if other.0 > best.0 { other } else { best });
    best.map_or(WINDOWS_1252, |best| best.1)
}

/// How many cells of the first lines are headers that are known.
fn known_headers(text: &str) -> usize {
    let lines = text.split(['\n', '\r']).filter(|line| !line.is_ascii()).take(10);
    lines
        .map(|line| {
            let cells = line.split([';', ',', '\t', '|']).take(64);
            let plain = |cell: &str| !cell.is_empty() && !cell.is_ascii();
            let cells = cells.map(|cell| cell.trim_matches([' ', '"', '\''])).filter(|c| plain(c));
            lexicon::score(cells).known
        })
        .max()
        .unwrap_or(0)
}

/// Signs that stand beside letters only where the charset is wrong, such as `¹` in `p³atno¶æ`, and
/// scripts that do not mix in one word.
fn misread(text: &str) -> usize {
    let mut count = 0;
    let mut before = Script::None;
    for letter in text.chars().take(SAMPLE_BYTES) {
        let script = Script::of(letter);
        let mixed = match (before, script) {
            (Script::Latin, Script::Cyrillic) | (Script::Cyrillic, Script::Latin) => true,
            (Script::Latin | Script::Cyrillic, Script::Sign) => true,
            // Few words of these scripts stand among Latin ones by chance.
            (_, Script::Other) => true,
            _ => letter == '\u{FFFD}' || ('\u{80}'..='\u{9F}').contains(&letter),
        };
        count += usize::from(mixed);
        before = script;
    }
    count
}

/// The script of a letter, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    None,
    Latin,
    Cyrillic,
    Other,
    Sign,
}

impl Script {
    fn of(letter: char) -> Self {
        match letter {
            'a'..='z' | 'A'..='Z' | '\u{C0}'..='\u{24F}' if !matches!(letter, '×' | '÷') => {
                Self::Latin
            }
            '\u{400}'..='\u{4FF}' => Self::Cyrillic,
            '£' | '§' | '°' | '€' | '«' | '»' | '\u{A0}' => Self::None,
            '¡'..='¿' | '×' | '÷' | '‚'..='…' | '\u{2500}'..='\u{25FF}' => Self::Sign,
            letter if letter.is_alphabetic() => Self::Other,
            _ => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_pages_are_told_by_the_headers() {
        // Holds: a header in Czech, Polish, Russian, Greek, German or Japanese names its charset.
        let table = [
            ("windows-1250", "Datum provedení;Zaúčtovaná částka;Měna účtu;Zpráva"),
            ("iso-8859-2", "Data księgowania;Tytuł operacji;Szczegóły;Kwota"),
            ("windows-1251", "Дата;Сумма;Валюта;Описание операции"),
            ("koi8-r", "Дата;Сумма;Валюта;Описание операции"),
            ("windows-1252", "Buchungstag;Begünstigter;Währung;Betrag"),
            ("windows-1257", "Sąskaitos Nr.;Data;Gavėjas;Paaiškinimai;Suma;Valiuta"),
            ("shift_jis", "日付,お取引内容,お引出し,お預入れ,残高"),
        ];
        for (label, header) in table {
            let encoding = encoding::lookup(label).unwrap();
            let text = format!("{header}\n1;2;3;4\n");
            let bytes = encoding.encode(&text).0;
            assert_eq!(decode(&bytes, None).0, text, "{label}");
        }
    }

    #[test]
    fn western_text_without_a_known_header_stays_western() {
        // Holds: a few accented letters in the rows do not turn the file to another charset.
        for text in ["01.02.2024;Kontoführung;-5,00\n", "a;Café Müller, Zürich;1\n", "x;Señor;1\n"]
        {
            let bytes = encoding::lookup("windows-1252").unwrap().encode(text).0;
            assert_eq!(decode(&bytes, None).0, text);
        }
    }
}
