//! The charset of a file that is not Unicode: Windows, ISO or the code pages of DOS, in which some
//! banks' programs still write.
//!
//! The bytes `M\x9ALLER` are `MÜLLER` in code page 850 and `MšLLER` in windows-1252. Nothing in a
//! file names its charset, so it is the one in which fewest letters look misread. Amounts, dates
//! and references are ASCII in all of them.

use std::borrow::Cow;

use super::encoding;

/// How many bytes are looked at to recognise UTF-16.
const HEAD: usize = 4 * 1024;
/// How many bytes of the file are compared.
const SAMPLE_BYTES: usize = 64 * 1024;

/// The upper half of code page 850, Western Europe.
const CP850: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ\
    áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
    └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀\
    ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{AD}±‗¾¶§÷¸°¨·¹³²■\u{A0}";
/// The upper half of code page 852, Central Europe.
const CP852: &str = "\
    ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×č\
    áíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐\
    └┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀\
    ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{AD}˝˛ˇ˘§÷¸°¨˙űŘř■\u{A0}";

/// A charset that is tried.
#[derive(Debug, Clone, Copy)]
enum Charset {
    /// One that `encoding_rs` knows by this label.
    Known(&'static str),
    /// One of DOS, by its upper half.
    Dos(&'static str),
}

/// Those that are tried, most common first.
const CANDIDATES: [Charset; 5] = [
    Charset::Known("windows-1252"),
    Charset::Dos(CP850),
    Charset::Known("windows-1250"),
    Charset::Known("iso-8859-2"),
    Charset::Dos(CP852),
];

impl Charset {
    fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Known(label) => encoding::decode(bytes, Some(label)),
            Self::Dos(upper_half) => {
                let upper: Vec<char> = upper_half.chars().collect();
                let letter = |byte: &u8| match byte.checked_sub(0x80) {
                    None => char::from(*byte),
                    Some(place) => upper.get(usize::from(place)).copied().unwrap_or('\u{FFFD}'),
                };
                Cow::Owned(bytes.iter().map(letter).collect())
            }
        }
    }
}

/// The text of a file.
pub(in crate::import) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let is_wide =
        head.contains(&0) || head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF");
    if is_wide {
        return encoding::decode(bytes, None);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text.strip_prefix('\u{FEFF}').unwrap_or(text));
    }
    let start = bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or_default();
    let sample = bytes.get(start.saturating_sub(1)..).unwrap_or(bytes);
    let sample = sample.get(..SAMPLE_BYTES).unwrap_or(sample);
    // A charset that makes no difference says that the bytes are Unicode with a few broken ones.
    if encoding::decode(sample, Some("windows-1252")) == encoding::decode(sample, Some("koi8-r")) {
        return encoding::decode(bytes, None);
    }
    let best = CANDIDATES.iter().min_by_key(|charset| misread(&charset.decode(sample)));
    best.map_or_else(|| encoding::decode(bytes, None), |charset| charset.decode(bytes))
}

/// How many letters look misread: signs beside letters, and letters of another case than those
/// around them.
fn misread(text: &str) -> usize {
    let mut count = 0_usize;
    let (mut before, mut letter) = (' ', ' ');
    for after in text.chars().chain([' ']) {
        let is_wrong = match letter {
            '\u{80}'..='\u{9F}' | '\u{FFFD}' => true,
            // A blank and a hyphen of their own kind stand between words; ß has no capital.
            '\u{A0}' | '\u{AD}' | 'ß' => false,
            _ if letter.is_ascii() => false,
            _ if letter.is_lowercase() => after.is_uppercase(),
            _ if letter.is_uppercase() => before.is_lowercase(),
            _ => before.is_alphabetic() || after.is_alphabetic(),
        };
        count = count.saturating_add(usize::from(is_wrong));
        (before, letter) = (letter, after);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_pages_are_told_by_their_letters() {
        // Holds: German, Polish, Czech and Hungarian text is read in the charset it was written in.
        let table: [(&[u8], &str); 9] = [
            (b"M\x9ALLER, GRETEL", "MÜLLER, GRETEL"),
            (b"\x9Aberweisungsgutschr. f\x81r B\x84cker", "Überweisungsgutschr. für Bäcker"),
            (b"M\xFCller Stra\xDFe \xDCberweisung", "Müller Straße Überweisung"),
            (b"\xA0tutal\xA0s, \x94sszevont ut\xA0nv\x82t", "átutalás, összevont utánvét"),
            (b"Ma\x9Aek, \x8Eelezn\xE1", "Mašek, Železná"),
            (b"Wp\xB3ata ksi\xB1\xBFki", "Wpłata książki"),
            (b"Wp\xB3ata ksi\xB9\xBFki", "Wpłata książki"),
            (b"10\xAD06\xAD2010 Caf\xE9", "10\u{AD}06\u{AD}2010 Café"),
            (b"20 \xB0C, \xA7 5, 100\xA0EUR, 5\x80", "20 °C, § 5, 100\u{A0}EUR, 5€"),
        ];
        for (bytes, text) in table {
            assert_eq!(decode(bytes), text);
        }
    }

    #[test]
    fn unicode_is_left_alone() {
        // Holds: UTF-8 is borrowed, and UTF-16 is not tried as anything else.
        assert!(matches!(decode("Müller".as_bytes()), Cow::Borrowed("Müller")));
        let wide: Vec<u8> =
            "\u{FEFF}:20:Müller".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&wide), ":20:Müller");
        assert_eq!(decode(&wide[2..]), ":20:Müller");
        let broken = [":20:Müller Käse Öl".as_bytes(), b"\xC3"].concat();
        assert_eq!(decode(&broken), ":20:Müller Käse Öl\u{FFFD}");
    }
}
