//! The charset of a delimited file: the Central European code pages are told from the Western one
//! by what the headers say in them.

use std::borrow::Cow;

use super::lexicon;
use crate::import::encoding;

/// Charsets that are tried for bytes that are neither Unicode nor declared.
const CANDIDATES: [&str; 3] = ["windows-1252", "windows-1250", "iso-8859-2"];
/// How many bytes of the file are compared.
const SAMPLE_BYTES: usize = 8 * 1024;

/// The text of a file.
pub(super) fn decode<'a>(bytes: &'a [u8], declared: Option<&str>) -> Cow<'a, str> {
    if declared.is_some() || std::str::from_utf8(bytes).is_ok() {
        return encoding::decode(bytes, declared);
    }
    let sample = bytes.get(..SAMPLE_BYTES).unwrap_or(bytes);
    encoding::decode(bytes, Some(best(sample)))
}

/// The text of the first bytes of a file, cut at a line end where there is one.
pub(super) fn decode_start(bytes: &[u8], limit: usize) -> Cow<'_, str> {
    let Some(start) = bytes.get(..limit) else { return decode(bytes, None) };
    let end = memchr::memrchr2(b'\n', b'\r', start).map_or(limit, |end| end + 1);
    decode(bytes.get(..end).unwrap_or(start), None)
}

/// The candidate in which most headers are known and fewest letters look misread.
fn best(sample: &[u8]) -> &'static str {
    let mut best = (CANDIDATES[0], (0, 0));
    for label in CANDIDATES {
        let text = encoding::decode(sample, Some(label));
        let score = (known_headers(&text), usize::MAX - misread(&text));
        if label == CANDIDATES[0] || score > best.1 {
            best = (label, score);
        }
    }
    best.0
}

/// How many cells of the first lines are headers that are known.
fn known_headers(text: &str) -> usize {
    let lines = text.split(['\n', '\r']).filter(|line| !line.is_ascii()).take(10);
    lines
        .map(|line| {
            let cells = line.split([';', ',', '\t', '|']).take(64);
            lexicon::score(cells.map(|cell| cell.trim_matches([' ', '"', '\'']))).known
        })
        .max()
        .unwrap_or(0)
}

/// Signs that stand between letters only where the charset is wrong, such as `¹` in `p³atno¶æ`.
fn misread(text: &str) -> usize {
    let mut count = 0;
    let mut letter_before = false;
    for letter in text.chars().take(SAMPLE_BYTES) {
        let sign = matches!(letter, '\u{80}'..='\u{9F}' | '¡'..='¿' | '×' | '÷' | '\u{FFFD}')
            && !matches!(letter, '£' | '§' | '°' | '€' | '«' | '»' | '\u{A0}');
        count += usize::from(sign && letter_before);
        letter_before = letter.is_alphabetic();
    }
    count
}
