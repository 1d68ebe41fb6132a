//! From bytes to text: byte order marks, UTF-8, UTF-16 and the single-byte code pages.
//!
//! What a file declares about its own charset is unreliable: banks send UTF-8 under `CHARSET:1252`
//! and windows-1252 under `ISO-8859-1`. So the bytes are asked first, and a declaration decides
//! only what they leave open.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How many bytes are looked at to recognise UTF-16 that has no byte order mark.
const UTF_16_SAMPLE: usize = 4096;

/// The text of a file; it never fails, and valid UTF-8 is borrowed rather than copied.
///
/// In this order: a byte order mark; UTF-16 recognised by the zero bytes of its ASCII part; valid
/// UTF-8; the declared charset, where it is known; windows-1252. UTF-8 with a few broken characters
/// (a field cut at a number of bytes) stays UTF-8, and each of them becomes U+FFFD. ISO-8859-1
/// means windows-1252, as in the WHATWG Encoding Standard.
pub(crate) fn decode<'a>(bytes: &'a [u8], declared: Option<&str>) -> Cow<'a, str> {
    decode_or(bytes, declared, || WINDOWS_1252).0
}

/// The same with another way to choose a charset where nothing is declared, and which it was.
pub(crate) fn decode_or<'a>(
    bytes: &'a [u8],
    declared: Option<&str>,
    otherwise: impl FnOnce() -> &'static Encoding,
) -> (Cow<'a, str>, &'static Encoding) {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let text = bytes.get(mark..).unwrap_or_default();
        return (encoding.decode_without_bom_handling(text).0, encoding);
    }
    if let Some(encoding) = utf_16_without_mark(bytes) {
        return (encoding.decode_without_bom_handling(bytes).0, encoding);
    }
    if let Some(text) = UTF_8.decode_without_bom_handling_and_without_replacement(bytes) {
        return (text, UTF_8);
    }
    let declared = declared.and_then(lookup).filter(|encoding| *encoding != UTF_8);
    if declared.is_none_or(Encoding::is_single_byte) && is_damaged_utf_8(bytes) {
        return (String::from_utf8_lossy(bytes), UTF_8);
    }
    let encoding = declared.unwrap_or_else(otherwise);
    (encoding.decode_without_bom_handling(bytes).0, encoding)
}

/// The charset of that name: the labels of the WHATWG Encoding Standard, and the bare numbers that
/// OFX headers and users write (`1252`, `8859-1`).
pub(crate) fn lookup(label: &str) -> Option<&'static Encoding> {
    let label = label.trim();
    let lower = label.to_ascii_lowercase();
    let spelled = match lower.as_str() {
        "usascii" => Cow::Borrowed("us-ascii"),
        "unicode" => Cow::Borrowed("utf-16"),
        number if number.starts_with("125") => Cow::Owned(format!("windows-{number}")),
        number if number.starts_with("8859-") => Cow::Owned(format!("iso-{number}")),
        other => Cow::Borrowed(other),
    };
    Encoding::for_label(spelled.as_bytes())
}

/// UTF-16 text holds ASCII (digits, separators, tags), whose other byte is zero on one side.
fn utf_16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = bytes.get(..UTF_16_SAMPLE).unwrap_or(bytes);
    memchr::memchr(0, sample)?;
    let (mut first, mut second) = (0_usize, 0_usize);
    for pair in sample.chunks_exact(2) {
        match pair {
            [0, 0] => return None,
            [0, _] => first += 1,
            [_, 0] => second += 1,
            _ => {}
        }
    }
    let enough = sample.len() / 16;
    if second > enough && first <= second / 16 {
        Some(UTF_16LE)
    } else if first > enough && second <= first / 16 {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Whether bytes that are not valid UTF-8 are still more likely UTF-8 than a single-byte charset:
/// they hold more characters of several bytes than bytes that fit nowhere. A few hundred decide.
fn is_damaged_utf_8(bytes: &[u8]) -> bool {
    const ENOUGH: usize = 500;
    let (mut whole, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        let continued = chunk.valid().bytes().filter(|byte| *byte >= 0xC0).count();
        whole = whole.saturating_add(continued);
        broken = broken.saturating_add(usize::from(!chunk.invalid().is_empty()));
        if whole.saturating_add(broken) > ENOUGH {
            break;
        }
    }
    whole > broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16(text: &str, big_endian: bool) -> Vec<u8> {
        let unit = |unit: u16| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn utf_8_wins_over_a_declared_single_byte_charset() {
        // Holds: bytes that are valid UTF-8 are UTF-8, whatever a header says, and are not copied.
        for declared in [None, Some("1252"), Some("ISO-8859-1"), Some("windows-1250"), Some("x")] {
            let text = decode("Müller 5 €".as_bytes(), declared);
            assert_eq!(text, "Müller 5 €");
            assert!(matches!(text, Cow::Borrowed(_)));
        }
    }

    #[test]
    fn marks_decide_and_are_removed() {
        // Holds: a byte order mark decides alone and is no part of the text.
        let text = "Größe;1,50\r\n";
        assert_eq!(decode(&[b"\xEF\xBB\xBF", text.as_bytes()].concat(), Some("1252")), text);
        assert_eq!(decode(&[b"\xFF\xFE".to_vec(), utf_16(text, false)].concat(), None), text);
        assert_eq!(decode(&[b"\xFE\xFF".to_vec(), utf_16(text, true)].concat(), None), text);
    }

    #[test]
    fn utf_16_is_recognised_without_a_mark() {
        // Holds: UTF-16 of either byte order is read, also where most letters are not ASCII.
        for text in ["Datum;Betrag\n2024-01-01;5,00\n", "Дата;Сумма\n01.02.2024;5,00\n"] {
            for big_endian in [false, true] {
                assert_eq!(decode(&utf_16(text, big_endian), None), text);
                assert_eq!(decode(&utf_16(text, big_endian), Some("utf-8")), text);
            }
        }
        assert_eq!(decode(b"a,b\nsome text with a stray \0 in it\n", None).len(), 35);
    }

    #[test]
    fn single_byte_text_follows_the_declaration() {
        // Holds: windows-1252 unless another known charset is declared; ISO-8859-1 has the euro.
        assert_eq!(decode(b"M\xFCller 5 \x80", None), "Müller 5 €");
        assert_eq!(decode(b"M\xFCller 5 \x80", Some("8859-1")), "Müller 5 €");
        assert_eq!(decode(b"M\xFCller", Some("NONE")), "Müller");
        assert_eq!(decode(b"M\xFCller", Some("utf-8")), "Müller");
        assert_eq!(decode(b"\xE8\xE9", Some("1250")), "čé");
        assert_eq!(decode(b"\xE8\xE9", Some(" ISO-8859-2 ")), "čé");
        assert_eq!(decode(b"\xE8\xE9", None), "èé");
        assert_eq!(decode(b"\x93\xFA\x96\x7B", Some("Shift_JIS")), "日本");
    }

    #[test]
    fn broken_characters_do_not_turn_the_file() {
        // Holds: one character cut in half leaves the rest of a UTF-8 file as it is.
        let bytes = [("é".repeat(20) + "caf").as_bytes(), b"\xC3</NAME>"].concat();
        for declared in [None, Some("1252"), Some("utf-8")] {
            let text = decode(&bytes, declared);
            assert!(text.starts_with("éé") && text.ends_with("caf\u{FFFD}</NAME>"), "{text}");
        }
    }

    #[test]
    fn labels_are_found_as_files_write_them() {
        // Holds: the spellings of OFX headers, XML declarations and users name the right charset.
        let table = [
            ("1252", "windows-1252"),
            ("8859-1", "windows-1252"),
            ("ISO-8859-15", "ISO-8859-15"),
            ("USASCII", "windows-1252"),
            ("UNICODE", "UTF-16LE"),
            ("utf8", "UTF-8"),
            ("cp1250", "windows-1250"),
        ];
        for (label, name) in table {
            assert_eq!(lookup(label).map(Encoding::name), Some(name), "{label}");
        }
        for unknown in ["", "NONE", "125", "8859-99", "\u{0}"] {
            assert_eq!(lookup(unknown), None, "{unknown}");
        }
    }
}
