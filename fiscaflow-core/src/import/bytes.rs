//! Finding bytes eight at a time: the runs between the marks of XML and JSON are too short for a
//! search that has to be set up, and too many to look at each byte alone.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte that equals `wanted`. Above the lowest match there may be false
/// ones, so only the lowest counts (Hacker's Delight, section 6-1).
const fn equal(word: u64, wanted: u8) -> u64 {
    let differs = word ^ (ONES * wanted as u64);
    differs.wrapping_sub(ONES) & !differs & HIGHS
}

/// The high bit of each byte below `limit`, which is at most 128; again only the lowest counts.
const fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * limit as u64) & !word & HIGHS
}

/// The place of the first `<` from a place on.
#[inline]
pub(in crate::import) fn find_tag(bytes: &[u8], from: usize) -> Option<usize> {
    // Tags often stand side by side; to guess that is faster than to wait for the search.
    if bytes.get(from) == Some(&b'<') {
        return Some(from);
    }
    find(bytes, from, |word| equal(word, b'<'), |byte| byte == b'<')
}

/// The place of the first `<` or `&` from a place on.
#[inline]
pub(in crate::import) fn find_tag_or_entity(bytes: &[u8], from: usize) -> Option<usize> {
    find(
        bytes,
        from,
        |word| equal(word, b'<') | equal(word, b'&'),
        |byte| matches!(byte, b'<' | b'&'),
    )
}

/// The place of the first byte of that value from a place on.
pub(in crate::import) fn find_byte(bytes: &[u8], from: usize, wanted: u8) -> Option<usize> {
    find(bytes, from, |word| equal(word, wanted), |byte| byte == wanted)
}

/// The place where a tag's name ends: the first `>`, `<`, `/`, blank or control character.
#[inline]
pub(in crate::import) fn find_name_end(bytes: &[u8], from: usize) -> Option<usize> {
    let at = find_odd(bytes, from)?;
    // Of the others, hyphens and points may stand in names, but hardly ever do.
    match bytes.get(at) {
        Some(b'-' | b'.' | b'!'..=b',') => find_later_end(bytes, at),
        _ => Some(at),
    }
}

#[cold]
fn find_later_end(bytes: &[u8], from: usize) -> Option<usize> {
    let is_end = |byte: &u8| matches!(byte, b'>' | b'<' | b'/' | 0..b'!');
    let passed = bytes.get(from..)?.iter().position(is_end)?;
    Some(from.saturating_add(passed))
}

/// The place of the first byte that is below the digits, `<` or `>`; the last two differ in one
/// bit.
#[inline]
fn find_odd(bytes: &[u8], from: usize) -> Option<usize> {
    const BIT: u8 = b'<' ^ b'>';
    find(
        bytes,
        from,
        |word| equal(word | (ONES * BIT as u64), b'>') | below(word, b'0'),
        |byte| byte | BIT == b'>' || byte < b'0',
    )
}

/// The place of the first quotation mark or backslash from a place on.
pub(in crate::import) fn find_string_end(bytes: &[u8], from: usize) -> Option<usize> {
    find(
        bytes,
        from,
        |word| equal(word, b'"') | equal(word, b'\\'),
        |byte| matches!(byte, b'"' | b'\\'),
    )
}

/// The place of the first quotation mark, brace or bracket from a place on.
pub(in crate::import) fn find_nesting(bytes: &[u8], from: usize) -> Option<usize> {
    // Braces and brackets differ in one bit.
    const BIT: u8 = b'[' ^ b'{';
    find(
        bytes,
        from,
        |word| {
            let brace = word | (ONES * BIT as u64);
            equal(word, b'"') | equal(brace, b'{') | equal(brace, b'}')
        },
        |byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'),
    )
}

/// Whether there is a control character of ASCII.
#[inline]
pub(in crate::import) fn has_control(bytes: &[u8]) -> bool {
    let is_in = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        below(word, b' ') | equal(word, 0x7F) != 0
    };
    match bytes.last_chunk() {
        // The last eight bytes may overlap those before: cheaper than to look at each of the rest.
        Some(last) => bytes.as_chunks().0.iter().any(is_in) || is_in(last),
        None => bytes.iter().any(u8::is_ascii_control),
    }
}

#[inline(always)]
fn find(
    bytes: &[u8],
    from: usize,
    in_word: impl Fn(u64) -> u64,
    is_wanted: impl Fn(u8) -> bool,
) -> Option<usize> {
    let mut rest = bytes.get(from..)?;
    let mut at = from;
    while let Some((chunk, behind)) = rest.split_first_chunk::<8>() {
        let found = in_word(u64::from_le_bytes(*chunk));
        if found != 0 {
            return Some(at.wrapping_add((found.trailing_zeros() / 8) as usize));
        }
        at = at.wrapping_add(8);
        rest = behind;
    }
    let found = rest.iter().position(|byte| is_wanted(*byte))?;
    Some(at.wrapping_add(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_equal_those_of_a_plain_search() {
        // Holds: all byte values, at all places in a word and across words, are told apart.
        for byte in 0..=u8::MAX {
            for place in 0..20 {
                for around in [b'a', 0xFF, b'?', b'=', 0x80] {
                    let mut bytes = [around; 24];
                    bytes[place] = byte;
                    for from in [0, 3, place, place + 1] {
                        let plain = |wanted: &[u8], also_blank: bool| {
                            let is_it = |it: &u8| wanted.contains(it) || also_blank && *it <= b' ';
                            bytes[from..].iter().position(is_it).map(|found| found + from)
                        };
                        assert_eq!(find_tag(&bytes, from), plain(b"<", false));
                        assert_eq!(find_tag_or_entity(&bytes, from), plain(b"<&", false));
                        assert_eq!(find_byte(&bytes, from, byte), plain(&[byte], false));
                        assert_eq!(find_name_end(&bytes, from), plain(b"></", true));
                        assert_eq!(find_string_end(&bytes, from), plain(b"\"\\", false));
                        assert_eq!(find_nesting(&bytes, from), plain(b"\"{}[]", false));
                    }
                }
            }
        }
        assert_eq!(find_tag(b"abc", 4), None);
    }

    #[test]
    fn control_characters_are_found_anywhere() {
        // Holds: every byte value, at every place of texts of any length, is judged as by itself.
        for byte in 0..=u8::MAX {
            for length in 1..20 {
                for place in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = byte;
                    assert_eq!(has_control(&bytes), byte.is_ascii_control(), "{byte} {bytes:?}");
                }
            }
        }
        assert!(!has_control(b""));
    }
}
