//! What precedes the tags: whether a file is OFX at all, and which charset it declares.

use std::borrow::Cow;

use super::tags::Tag;
use super::tokens::Tokens;
use crate::import::encoding;

/// How much of a file is looked at.
const HEAD: usize = 16 * 1024;

/// Whether the file is OFX: its first tag is one of the format, and nothing but a header, comments
/// and processing instructions precede it.
pub(in crate::import) fn detect(bytes: &[u8]) -> bool {
    let head = encoding::decode(bytes.get(..HEAD).unwrap_or(bytes), None);
    let head = head.trim_start();
    let Ok(tokens) = Tokens::new(head) else { return false };
    let Some(first) = tokens.peek() else { return false };
    let is_known = first.tag.is_some_and(Tag::begins_file);
    is_known && !first.is_end && head.get(..first.at).is_some_and(is_header)
}

/// Whether the text before the first tag is a header: `KEY:VALUE` on every line, or the header of
/// OFX 1.x, which some banks write on a single line.
fn is_header(text: &str) -> bool {
    let before_markup = text.split('<').next().unwrap_or_default();
    let lower = before_markup.to_ascii_lowercase();
    if lower.contains("ofxheader") || lower.contains("ofxsgml") {
        return true;
    }
    let is_field = |line: &str| {
        let key = line.split_once([':', '=']).map(|(key, _)| key.trim());
        key.is_some_and(|key| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphabetic()))
    };
    before_markup
        .lines()
        .flat_map(|line| line.split('\r'))
        .all(|line| line.trim().is_empty() || is_field(line))
}

/// The charset that the header declares, by a name or number of its own: `CHARSET` of OFX 1.x where
/// it names one, `ENCODING` else, `encoding` of an XML declaration.
pub(super) fn charset(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let end = tags_begin(head).unwrap_or(head.len());
    let head = String::from_utf8_lossy(head.get(..end)?).to_ascii_uppercase();
    let encoding = value_of(&head, "ENCODING").filter(|value| value != "USASCII");
    let charset = value_of(&head, "CHARSET").filter(|value| value != "NONE");
    match encoding {
        Some(encoding) if encoding::lookup(&encoding).is_some() => Some(encoding.into_owned()),
        _ => charset.map(Cow::into_owned),
    }
}

/// The first `<` that begins neither an instruction nor a comment.
fn tags_begin(head: &[u8]) -> Option<usize> {
    let begins = |pair: &[u8]| matches!(pair, [b'<', next] if !matches!(next, b'?' | b'!'));
    head.windows(2).position(begins)
}

/// The value behind `key:` or `key=`; headers on a single line have no blank between the fields.
fn value_of<'a>(head: &'a str, key: &str) -> Option<Cow<'a, str>> {
    let (_, behind) = head.split_once(key)?;
    let value =
        behind.trim_start().strip_prefix([':', '='])?.trim_start_matches([' ', '\t', '"', '\'']);
    let end = value.find(|char: char| !(char.is_ascii_alphanumeric() || "-_.".contains(char)));
    let value = end.map_or(value, |end| value.get(..end).unwrap_or_default());
    let value = ["CHARSET", "COMPRESSION"]
        .iter()
        .find_map(|next| value.split_once(next))
        .map_or(value, |(value, _)| value);
    (!value.is_empty()).then_some(Cow::Borrowed(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_charsets_are_found() {
        // Holds: the header's charset is read from each of its forms, and never from the body.
        let table = [
            ("OFXHEADER:100\nENCODING:USASCII\nCHARSET:1252\n<OFX>", Some("1252")),
            ("OFXHEADER:100\nENCODING:USASCII\nCHARSET:ISO-8859-1\r\n<OFX>", Some("ISO-8859-1")),
            ("OFXHEADER:100\rENCODING: UTF-8\rCHARSET: NONE\r<OFX>", Some("UTF-8")),
            ("ENCODING:UNICODE\nCHARSET:NONE\n", Some("UNICODE")),
            ("ENCODING:USASCIICHARSET:1250COMPRESSION:NONE<OFX>", Some("1250")),
            ("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><?OFX ?><OFX>", Some("ISO-8859-1")),
            ("<?xml version='1.0' encoding='utf-8'?><OFX>", Some("UTF-8")),
            ("ENCODING:USASCII\nCHARSET:NONE\n<OFX>", None),
            ("ENCODING:\nCHARSET:\n<OFX>", None),
            ("<OFX>CHARSET:1250", None),
            ("", None),
        ];
        for (head, declared) in table {
            assert_eq!(charset(head.as_bytes()).as_deref(), declared, "{head}");
        }
    }

    #[test]
    fn ofx_is_told_from_other_formats() {
        // Holds: odd and header-less OFX is recognised, and what merely holds the letters is not.
        for yes in [
            "<OFX>",
            "\n\n<ofx>\n",
            "\u{FEFF}<OFX xmlns='x'>",
            "OFXHEADER:100\nDATA:OFXSGML\n<OFX>",
            "OFXHEADER:100 DATA:OFXSGML VERSION:102 <OFX>",
            "DATA:OFXSGML\nENCODING:UTF-8\n<OFX>",
            "<?xml version=\"1.0\"?>\n<!-- a bank -->\n<?OFX OFXHEADER=\"200\"?><OFX>",
            "<BANKMSGSRSV1><STMTTRNRS>",
            "<STMTTRN><TRNTYPE>",
        ] {
            assert!(detect(yes.as_bytes()), "{yes}");
            let wide: Vec<u8> = yes.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert!(detect(&wide), "{yes} in UTF-16");
        }
        for no in [
            "",
            "OFXHEADER:100",
            "date,description\n2024-01-01,<OFX>\n",
            "Date;Payee\n\n<OFX>",
            "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\">",
            "<html><body><OFX>",
            "<!DOCTYPE html><OFX>",
            "!Type:Bank\nD1/1/2024\nT-5\n^\n",
            ":20:STARTUMS\n:25:123/456\n",
            "{\"name\": \"<OFX>\"}",
            "<STATUS",
            "<INCOME>",
            "<Status><Code>1</Code></Status>",
            "</OFX>",
            "<NAME>x",
        ] {
            assert!(!detect(no.as_bytes()), "{no}");
        }
    }
}
