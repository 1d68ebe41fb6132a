//! What a text and an amount look like to the model.

use super::counts::Money;
use super::trades;
use crate::normalise;

/// The shortest and longest groups of letters.
const GROUPS: std::ops::RangeInclusive<usize> = 2..=5;
/// How much a word counts beside a group of letters.
const WORD: f32 = 1.5;
/// How much a part of a word that tells a trade counts.
const TRADE: f32 = 2.5;
/// The most letters of a text that groups are made of: a line of a statement is shorter.
const MAX_LETTERS: usize = 120;

/// A payee as the model tells it from others: the folded words that stay when noise is cut,
/// without bare numbers.
pub(super) struct Text<'a> {
    /// The digest of the key.
    pub(super) hash: u64,
    raw: &'a str,
}

/// One feature of a text. Groups of letters follow the word that they are of.
pub(super) enum Feature<'f> {
    Word(&'f str),
    Pair(&'f str, &'f str),
    Letters,
}

impl<'a> Text<'a> {
    pub(super) fn new(raw: &'a str) -> Self {
        let mut hash = Hasher::new(0);
        each_word(raw, |word| {
            hash.add(word.as_bytes());
            hash.add(b" ");
        });
        Self { hash: hash.done(), raw }
    }

    /// The key itself.
    pub(super) fn key(&self) -> String {
        let mut key = String::new();
        each_word(self.raw, |word| {
            if !key.is_empty() {
                key.push(' ');
            }
            key.push_str(word);
        });
        key
    }

    /// Calls with every feature, its digest, and how much it counts before rareness.
    pub(super) fn each(&self, mut call: impl FnMut(Feature<'_>, u64, f32)) {
        let mut before = String::new();
        let mut letters: Vec<char> = Vec::new();
        let mut left = MAX_LETTERS;
        each_word(self.raw, |word| {
            let parts = word.split(|letter: char| !letter.is_alphanumeric());
            for word in parts.filter(|part| !part.is_empty()) {
                call(Feature::Word(word), digest(1, word.as_bytes()), WORD);
                if !before.is_empty() {
                    let mut hash = Hasher::new(2);
                    hash.add(before.as_bytes());
                    hash.add(b" ");
                    hash.add(word.as_bytes());
                    call(Feature::Pair(&before, word), hash.done(), 1.0);
                }
                before.clear();
                before.push_str(word);
                letters.clear();
                letters.push(' ');
                letters.extend(word.chars().take(left));
                left = left.saturating_sub(letters.len());
                letters.push(' ');
                each_group(&letters, &mut call);
                let inner = letters.get(1..letters.len().saturating_sub(1)).unwrap_or_default();
                trades::each(inner, |trade, whole| {
                    call(Feature::Letters, digest(5, &[trade]), TRADE);
                    if whole {
                        call(Feature::Letters, digest(6, &[trade]), TRADE);
                    }
                });
            }
        });
    }
}

/// Calls with the groups of letters of a word, which has a space before and after.
fn each_group(letters: &[char], call: &mut impl FnMut(Feature<'_>, u64, f32)) {
    for size in GROUPS {
        for group in letters.windows(size) {
            let mut hash = Hasher::new(3);
            for letter in group {
                hash.letter(*letter);
            }
            call(Feature::Letters, hash.done(), 1.0);
        }
    }
}

/// Calls with every word of a text's key. Where all of it is a number, the number is the key.
fn each_word(raw: &str, mut call: impl FnMut(&str)) {
    let mut word = String::new();
    let mut any = false;
    normalise::for_each_kept(raw, &mut word, |word| {
        if word.contains(char::is_alphabetic) {
            any = true;
            call(word);
        }
    });
    if !any {
        normalise::for_each_kept(raw, &mut word, call);
    }
}

/// The size of an amount: its sign, and how many bits it needs, so that each size reaches to
/// twice the amounts of the one before. It is neither 0 nor the highest.
fn size(amount_minor: i64) -> u8 {
    let bits = 64_u32.saturating_sub(amount_minor.unsigned_abs().leading_zeros());
    let bits = u8::try_from(bits.max(1)).unwrap_or(64);
    if amount_minor < 0 { bits | 0x80 } else { bits }
}

/// An amount as far as it tells choices apart.
pub(super) fn amount(amount_minor: i64) -> Money {
    let exact = digest(4, &amount_minor.to_le_bytes()) >> 48;
    Money { size: size(amount_minor), exact: u16::try_from(exact).unwrap_or_default().max(1) }
}

/// A size in words, in minor units.
pub(super) fn size_text(size: u8) -> String {
    let sign = if size & 0x80 == 0 { "in" } else { "out" };
    let most = 1_u128 << (size & 0x7f).min(64);
    format!("{sign}, below {most} minor units")
}

/// FNV-1a with a final mix, so that the highest digits can be used alone.
pub(super) struct Hasher(u64);

impl Hasher {
    pub(super) fn new(kind: u64) -> Self {
        Self(0xcbf2_9ce4_8422_2325 ^ kind.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn letter(&mut self, letter: char) {
        self.0 = (self.0 ^ u64::from(u32::from(letter))).wrapping_mul(0x0000_0100_0000_01b3);
    }

    pub(super) fn done(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    }
}

pub(super) fn digest(kind: u64, bytes: &[u8]) -> u64 {
    let mut hash = Hasher::new(kind);
    hash.add(bytes);
    hash.done()
}
