//! Finding bytes eight at a time: the runs between the marks of a tag are too short for a search
//! that has to be set up, and too many to look at each byte alone.

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
pub(super) fn find_tag(bytes: &[u8], from: usize) -> Option<usize> {
    find(bytes, from, |word| equal(word, b'<'), |byte| byte == b'<')
}

/// The place where a tag's name ends: the first `>`, `<`, `/`, blank or control character.
pub(super) fn find_name_end(bytes: &[u8], from: usize) -> Option<usize> {
    find(
        bytes,
        from,
        |word| equal(word, b'>') | equal(word, b'<') | equal(word, b'/') | below(word, b'!'),
        |byte| matches!(byte, b'>' | b'<' | b'/' | 0..b'!'),
    )
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
                        assert_eq!(find_name_end(&bytes, from), plain(b"></", true));
                    }
                }
            }
        }
        assert_eq!(find_tag(b"abc", 4), None);
    }
}
