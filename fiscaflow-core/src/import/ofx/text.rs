//! What stands in a file as text: entities and descriptions.

use std::borrow::Cow;

use memchr::memchr;

/// Expands the entities of the specification (section 2.3.2.1): the five of XML, `&nbsp;` and
/// numeric references. An `&` that begins none of them is text, as banks forget to escape it.
///
/// An entity escaped twice (`&amp;lt;`) is taken for what was meant: no bank writes `&lt;` on a
/// statement.
pub(super) fn expand(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = split_at_ampersand(rest) {
        text.push_str(before);
        let (character, behind) = match entity(after) {
            Some(('&', behind)) => entity(behind).unwrap_or(('&', behind)),
            Some(found) => found,
            None => ('&', after),
        };
        text.push(character);
        rest = behind;
    }
    text.push_str(rest);
    text
}

fn split_at_ampersand(text: &str) -> Option<(&str, &str)> {
    let (before, after) = text.split_at_checked(memchr(b'&', text.as_bytes())?)?;
    Some((before, after.strip_prefix('&')?))
}

/// The character whose entity, without its `&`, begins the text, and what follows it.
fn entity(text: &str) -> Option<(char, &str)> {
    const NAMED: [(&str, char); 6] = [
        ("lt;", '<'),
        ("gt;", '>'),
        ("amp;", '&'),
        ("quot;", '"'),
        ("apos;", '\''),
        ("nbsp;", ' '),
    ];
    const MAX_DIGITS: usize = 8;
    let Some(number) = text.strip_prefix('#') else {
        return NAMED.iter().find_map(|(name, char)| {
            let (start, rest) = text.split_at_checked(name.len())?;
            start.eq_ignore_ascii_case(name).then_some((*char, rest))
        });
    };
    let end = number.bytes().take(MAX_DIGITS).position(|byte| byte == b';')?;
    let (digits, rest) = number.split_at_checked(end)?;
    let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    if digits.starts_with('+') {
        return None;
    }
    let char = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    let is_text = char >= ' ' || matches!(char, '\t' | '\n' | '\r');
    is_text.then_some((char, rest.strip_prefix(';')?))
}

/// Joins the parts of a description by one blank. A part that only repeats or goes on where
/// another was cut (`NAME` holds 32 characters, `MEMO` the whole) does not appear twice.
pub(super) fn join(parts: [&str; 3]) -> Cow<'_, str> {
    let mut kept = [""; 3];
    for part in parts {
        if part.is_empty() || kept.iter().any(|other| begins(other, part)) {
            continue;
        }
        let shorter = kept.iter().position(|other| other.is_empty() || begins(part, other));
        if let Some(slot) = shorter.and_then(|index| kept.get_mut(index)) {
            *slot = part;
        }
    }
    match kept {
        [only, "", _] => Cow::Borrowed(only),
        [first, second, ""] => Cow::Owned([first, " ", second].concat()),
        all => Cow::Owned(all.join(" ")),
    }
}

/// Whether `text` begins with `start`, capitals and white space aside.
fn begins(text: &str, start: &str) -> bool {
    let mut text = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    start
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .all(|wanted| text.next().is_some_and(|byte| byte.eq_ignore_ascii_case(&wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_expanded_once_and_only_the_known_ones() {
        // Holds: the named and numeric entities become characters, everything else stays as it is.
        let table = [
            ("AT&amp;T", "AT&T"),
            ("AT&AMP;T &Lt;", "AT&T <"),
            ("a &lt;b&gt; &quot;c&quot; &apos;d&apos;&nbsp;e", "a <b> \"c\" 'd' e"),
            ("caf&#233; &#xE9;&#XE9;", "café éé"),
            ("TPAY &amp;lt;X&amp;gt;", "TPAY <X>"),
            ("a &amp;amp; b &amp;#39;", "a & b '"),
            ("&amp;amp;lt;", "&lt;"),
            ("A & B &; &x; &amp &lt &", "A & B &; &x; &amp &lt &"),
            (
                "&#0; &#xD800; &#1114112; &#; &#x; &#+65; &#12",
                "&#0; &#xD800; &#1114112; &#; &#x; &#+65; &#12",
            ),
            ("&#99999999999999;", "&#99999999999999;"),
        ];
        for (raw, text) in table {
            assert_eq!(expand(raw), text);
        }
    }

    #[test]
    fn descriptions_say_nothing_twice() {
        // Holds: what repeats or continues another part appears once, in its longer form.
        let table = [
            (["NAME", "", "memo"], "NAME memo"),
            (["", "", "memo"], "memo"),
            (["NAME", "", ""], "NAME"),
            (["", "", ""], ""),
            (["Shop", "", "SHOP"], "Shop"),
            (
                ["SHOP HANDYWAY ALDI", "", "SHOP  HANDYWAY ALDI STORE 12"],
                "SHOP  HANDYWAY ALDI STORE 12",
            ),
            (["SHOP STORE 12", "", "SHOP"], "SHOP STORE 12"),
            (["SHOP ST", "SHOP STORE 12", "ref 5"], "SHOP STORE 12 ref 5"),
            (["a", "b", "c"], "a b c"),
            (["a", "b", "b c"], "a b c"),
            (["ab", "c", "a"], "ab c"),
        ];
        for (parts, description) in table {
            assert_eq!(join(parts), description, "{parts:?}");
        }
    }
}
