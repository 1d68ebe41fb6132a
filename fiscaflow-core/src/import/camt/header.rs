//! What a file's beginning tells: whether it is one of the messages, and its charset.

use memchr::memmem;

use crate::import::encoding;

/// How much of a file is looked at: envelopes and comments may stand before the message.
const HEAD: usize = 64 * 1024;
/// How much of it may hold the XML declaration.
const DECLARATION: usize = 256;

/// Whether the file is XML and holds one of the messages, by its namespace or by its element.
pub(in crate::import) fn detect(bytes: &[u8]) -> bool {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let head = encoding::decode(head, charset(bytes).as_deref());
    if !head.trim_start().starts_with('<') {
        return false;
    }
    let head = head.as_bytes();
    let is_behind =
        |at: usize, mark: u8| at.checked_sub(1).and_then(|at| head.get(at)) == Some(&mark);
    let is_element =
        |at: usize| is_behind(at, b'<') || (is_behind(at, b':') && in_tag_name(head, at));
    let has_element = ["BkToCstmrStmt", "BkToCstmrAcctRpt", "BkToCstmrDbtCdtNtfctn"]
        .iter()
        .any(|name| memmem::find_iter(head, name).any(is_element));
    has_element
        || ["tech:xsd:camt.052.", "tech:xsd:camt.053.", "tech:xsd:camt.054."]
            .iter()
            .any(|name| memmem::find(head, name.as_bytes()).is_some())
}

/// Whether what stands before a place is a tag's beginning and a prefix.
fn in_tag_name(head: &[u8], at: usize) -> bool {
    const MAX_PREFIX: usize = 32;
    let before = head.get(at.saturating_sub(MAX_PREFIX)..at).unwrap_or_default();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b":_-.".contains(byte);
    before.iter().rev().find(|byte| !is_name(byte)) == Some(&b'<')
}

/// The charset that the XML declaration names.
pub(super) fn charset(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(bytes.get(..DECLARATION).unwrap_or(bytes));
    let (declaration, _) = head.split_once("<?xml")?.1.split_once("?>")?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    value.strip_prefix(quote)?.split_once(quote).map(|(charset, _)| charset.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_recognised_by_namespace_or_element() {
        // Holds: any version, prefix, envelope and charset; neither other messages nor prose.
        let yes = [
            "<BkToCstmrStmt>",
            "<?xml version='1.0'?>\n<!-- x -->\n<Document><BkToCstmrAcctRptV01/></Document>",
            "<ns2:Document xmlns:ns2='u'><ns2:BkToCstmrDbtCdtNtfctn>",
            "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\"/>",
            "\u{FEFF}  <BkToCstmrStmt>",
        ];
        for text in yes {
            assert!(detect(text.as_bytes()), "{text}");
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert!(detect(&wide), "{text}");
        }
        let no = [
            "",
            "<",
            "BkToCstmrStmt",
            "date,BkToCstmrStmt\n",
            "<p>the element BkToCstmrStmt of camt.053</p>",
            "<p>see:BkToCstmrStmt</p>",
            "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.03\"><CstmrCdtTrfInitn>",
            "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.056.001.01\">",
        ];
        for text in no {
            assert!(!detect(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn declared_charsets_are_found() {
        // Holds: the encoding of an XML declaration in either quotes, and nothing else.
        let table = [
            ("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>", Some("ISO-8859-1")),
            ("\n<?xml version='1.0' encoding = 'utf-8' standalone='no'?><a/>", Some("utf-8")),
            ("<?xml version='1.0'?><a encoding='x'/>", None),
            ("<a encoding='x'/>", None),
            ("<?xml encoding=", None),
        ];
        for (text, charset) in table {
            assert_eq!(super::charset(text.as_bytes()).as_deref(), charset, "{text}");
        }
    }
}
