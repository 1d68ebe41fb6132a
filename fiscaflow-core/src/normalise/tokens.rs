//! Dividing a bank's text, and what in it is noise.
//!
//! Most decisions look at one token alone; those about the beginning and the end of a text look
//! at what is left between. So whatever is left is left again when it is looked at alone, which
//! is what makes normalising idempotent.

use super::CutReason;
use super::words::{self, Lists};

/// A part of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    /// Where it begins, in bytes.
    pub(super) start: usize,
    pub(super) text: &'a str,
    pub(super) cut: Option<CutReason>,
    /// Whether a star follows, which is how processors divide their name from the payee's.
    star: bool,
    shape: Shape,
}

/// What a token consists of.
#[derive(Debug, Clone, Copy, Default)]
struct Shape {
    letters: u16,
    digits: u16,
    masks: u16,
    lower: bool,
}

/// Punctuation that is no part of a word which it stands around.
const AROUND: [char; 8] = ['.', '-', '_', '\'', '=', '~', '!', '?'];
/// The most bytes of a token that any list of words is asked about.
const WORD_BYTES: usize = 24;

/// The tokens of a text, with what is to be cut.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = split(text);
    for place in 0..tokens.len() {
        let next = tokens.get(place.saturating_add(1)).copied();
        if let Some(token) = tokens.get_mut(place)
            && token.cut.is_none()
        {
            token.cut = alone(token, next.as_ref());
        }
    }
    trim_start(&mut tokens);
    trim_end(&mut tokens);
    if tokens.iter().all(|token| token.cut.is_some()) {
        let letters = |it: &(usize, &mut Token<'_>)| (it.1.shape.letters, std::cmp::Reverse(it.0));
        let longest = tokens.iter_mut().enumerate().max_by_key(letters);
        longest.into_iter().for_each(|(_, token)| token.cut = None);
    }
    tokens
}

/// Calls with every token that stays, folded.
pub(crate) fn for_each_kept(text: &str, buffer: &mut String, mut call: impl FnMut(&str)) {
    for token in tokens(text).iter().filter(|token| token.cut.is_none()) {
        buffer.clear();
        push_folded(buffer, token.text);
        call(buffer);
    }
}

/// A token as it is compared.
pub(super) fn push_folded(key: &mut String, text: &str) {
    if text.is_ascii() {
        let from = key.len();
        key.push_str(text);
        key.get_mut(from..).into_iter().for_each(str::make_ascii_lowercase);
    } else {
        key.extend(text.chars().flat_map(char::to_lowercase));
    }
}

fn split(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::with_capacity(8);
    let mut start = None;
    let mut before = ' ';
    for (place, letter) in text.char_indices() {
        if letter.is_ascii_alphanumeric() {
            start.get_or_insert(place);
            before = letter;
            continue;
        }
        let next = || {
            let rest = text.get(place.saturating_add(letter.len_utf8())..);
            rest.and_then(|rest| rest.chars().next()).unwrap_or(' ')
        };
        let divides = match letter {
            ' ' | ';' | '|' | '\\' | '(' | ')' | '<' | '>' | '"' | '[' | ']' => true,
            '*' => before != '*' && next() != '*',
            ',' | '/' | ':' => !(before.is_ascii_digit() && next().is_ascii_digit()),
            _ => letter.is_whitespace() || letter.is_control(),
        };
        if divides {
            let star = letter == '*';
            push(&mut tokens, text, start.take(), place, star);
            if star && before.is_whitespace() {
                tokens.iter_mut().rev().take(1).for_each(|token| token.star = true);
            }
        } else {
            start.get_or_insert(place);
        }
        before = letter;
    }
    push(&mut tokens, text, start, text.len(), false);
    tokens
}

/// Adds a token without the punctuation around it.
fn push<'a>(
    tokens: &mut Vec<Token<'a>>,
    text: &'a str,
    start: Option<usize>,
    end: usize,
    star: bool,
) {
    let Some(start) = start else { return };
    let Some(whole) = text.get(start..end) else { return };
    let inner = whole.trim_start_matches(AROUND);
    let start = start.saturating_add(whole.len().saturating_sub(inner.len()));
    let inner = inner.trim_end_matches(AROUND);
    if inner.is_empty() {
        return;
    }
    push_parts(tokens, inner, start, star);
}

/// Adds a token; what a web address has around its name, and a reference that is glued to a word,
/// become tokens of their own.
fn push_parts<'a>(tokens: &mut Vec<Token<'a>>, text: &'a str, start: usize, star: bool) {
    let mut add = |text: &'a str, place: usize, cut: Option<CutReason>, star: bool| {
        let start = start.saturating_add(place);
        if !text.is_empty() {
            tokens.push(Token { start, text, cut, star, shape: Shape::of(text) });
        }
    };
    let mut host = text;
    while let Some((www, rest)) = host.split_at_checked(4)
        && www.eq_ignore_ascii_case("www.")
        && !rest.is_empty()
    {
        host = rest.trim_start_matches(AROUND);
    }
    let (www, host) =
        text.split_at_checked(text.len().saturating_sub(host.len())).unwrap_or(("", text));
    add(www, 0, Some(CutReason::Web), false);
    let mut points = host.match_indices('.').map(|(place, _)| place).take(4);
    let ends = points.find(|place| {
        let ending = host.get(place.saturating_add(1)..).unwrap_or_default();
        let named = host.get(..*place).is_some_and(|name| Shape::of(name).letters >= 3);
        named && words::is_web_ending(ending)
    });
    let (host, ending) = ends.and_then(|place| host.split_at_checked(place)).unwrap_or((host, ""));
    let name = host.trim_end_matches(AROUND);
    let (word, reference) = words::split_glued(name).unwrap_or((name, ""));
    add(word, www.len(), None, star);
    add(reference, www.len().saturating_add(word.len()), Some(CutReason::Reference), false);
    add(ending, www.len().saturating_add(host.len()), Some(CutReason::Web), false);
}

impl Shape {
    fn of(text: &str) -> Self {
        let mut shape = Self::default();
        if text.is_ascii() {
            // Beyond the most that is counted nothing is decided by counts.
            for byte in text.bytes().take(usize::from(u16::MAX)) {
                match byte {
                    b'0'..=b'9' => shape.digits = shape.digits.wrapping_add(1),
                    b'x' | b'X' => {
                        shape.letters = shape.letters.wrapping_add(1);
                        shape.masks = shape.masks.wrapping_add(1);
                    }
                    b'a'..=b'z' | b'A'..=b'Z' => shape.letters = shape.letters.wrapping_add(1),
                    b'*' | b'#' => shape.masks = shape.masks.wrapping_add(1),
                    _ => {}
                }
                shape.lower |= byte.is_ascii_lowercase();
            }
            return shape;
        }
        for letter in text.chars() {
            if letter.is_numeric() {
                shape.digits = shape.digits.saturating_add(1);
            } else if letter.is_alphabetic() {
                shape.letters = shape.letters.saturating_add(1);
                shape.lower |= letter.is_lowercase();
                shape.masks = shape.masks.saturating_add(u16::from(matches!(letter, 'x' | 'X')));
            } else if matches!(letter, '*' | '#' | '•') {
                shape.masks = shape.masks.saturating_add(1);
            }
        }
        shape
    }
}

/// What a token is whatever stands around it; only a currency looks at what follows.
fn alone(token: &Token<'_>, next: Option<&Token<'_>>) -> Option<CutReason> {
    let Shape { letters, digits, masks, .. } = token.shape;
    if digits == 0 {
        let label = token.text.ends_with('+') && letters == 4;
        if label || masks >= 3 && letters <= masks {
            return Some(if label { CutReason::Reference } else { CutReason::Card });
        }
        let amount = |next: &Token<'_>| next.shape.digits > 0 && is_amount(next.text);
        return (next.is_some_and(amount) && lists(token.text).has(Lists::CURRENCY))
            .then_some(CutReason::Amount);
    }
    if masks >= 2 && letters <= masks {
        return Some(CutReason::Card);
    }
    if letters == 0 {
        return if is_date(token.text) {
            Some(CutReason::Date)
        } else if is_time(token.text) {
            Some(CutReason::Time)
        } else if is_amount(token.text) {
            Some(CutReason::Amount)
        } else if is_phone(token.text) {
            Some(CutReason::Phone)
        } else if digits >= 5 || token.text.starts_with('#') {
            Some(CutReason::Reference)
        } else {
            None
        };
    }
    if is_named_date(token.text) {
        return Some(CutReason::Date);
    }
    let dense = digits >= 4 || digits >= 2 && letters.saturating_add(digits) >= 9;
    (dense && !token.text.contains('.')).then_some(CutReason::Reference)
}

/// Cuts how it was paid and who passed it on, from the beginning.
fn trim_start(tokens: &mut [Token<'_>]) {
    let kept = |tokens: &[Token<'_>], from: usize| {
        let rest = tokens.iter().enumerate().skip(from);
        let mut rest = rest.filter(|(_, token)| token.cut.is_none());
        rest.next().map(|(place, token)| (place, lists(token.text)))
    };
    let mut after_method = false;
    let Some((mut place, mut here)) = kept(tokens, 0) else { return };
    while let Some((next, there)) = kept(tokens, place.saturating_add(1)) {
        let Some(token) = tokens.get_mut(place) else { return };
        let beside = there.has(Lists::METHOD) || there.has(Lists::WEAK_METHOD);
        let method =
            here.has(Lists::METHOD) || here.has(Lists::WEAK_METHOD) && (after_method || beside);
        token.cut = if token.star && here.has(Lists::PROCESSOR) {
            Some(CutReason::Processor)
        } else if method {
            Some(CutReason::Method)
        } else {
            return;
        };
        after_method = token.cut == Some(CutReason::Method);
        (place, here) = (next, there);
    }
}

/// Cuts numbers of shops, places and legal forms, from the end, down to the first token.
fn trim_end(tokens: &mut [Token<'_>]) {
    let mut left = tokens.iter().filter(|token| token.cut.is_none()).count();
    for token in tokens.iter_mut().rev() {
        if token.cut.is_some() {
            continue;
        }
        if left <= 1 {
            return;
        }
        let shape = token.shape;
        let why = if shape.letters == 0 && shape.digits > 0 {
            Some(CutReason::Terminal)
        } else {
            let lists = lists(token.text);
            if !shape.lower && lists.has(Lists::COUNTRY) || lists.has(Lists::TOWN) {
                Some(CutReason::Place)
            } else if lists.has(Lists::LEGAL_FORM) {
                Some(CutReason::LegalForm)
            } else {
                lists.has(Lists::CURRENCY).then_some(CutReason::Amount)
            }
        };
        let Some(why) = why else { return };
        token.cut = Some(why);
        left = left.saturating_sub(1);
    }
}

/// The lists that a word is in; long ones are in none.
fn lists(text: &str) -> Lists {
    if text.len() > WORD_BYTES { Lists::default() } else { Lists::of(text) }
}

/// Digits in two or three groups that can be a day: `12/03`, `12.03.2024`, `2024-03-12`.
fn is_date(text: &str) -> bool {
    let sign = match text.find(['/', '-', '.']) {
        Some(place) => text.get(place..).and_then(|rest| rest.chars().next()).unwrap_or('/'),
        None => return false,
    };
    let mut groups = text.split(sign);
    let (first, second, third, more) = (groups.next(), groups.next(), groups.next(), groups.next());
    let number = |group: Option<&str>| group.and_then(|group| group.parse::<u16>().ok());
    let (Some(first), Some(second)) = (number(first), number(second)) else { return false };
    let small = |number: u16| (1..=31).contains(&number);
    match third {
        _ if more.is_some() => false,
        // Two groups with a point may as well be an amount.
        None => sign != '.' && small(first) && small(second) && first.min(second) <= 12,
        Some(_) => {
            let Some(third) = number(third) else { return false };
            let year = |number: u16| number <= 99 || (1900..=2199).contains(&number);
            second <= 31 && (small(first) && year(third) || year(first) && small(third))
        }
    }
}

/// A day with the name of its month: `12MAR`, `12MAR24`, `03-Mar-2024`.
fn is_named_date(text: &str) -> bool {
    let plain = |letter: char| !matches!(letter, '-' | '.' | '/');
    let mut letters = text.chars().filter(|letter| plain(*letter)).peekable();
    let mut count = |wanted: fn(&char) -> bool, most: usize| {
        let mut found = String::new();
        while found.len() < most
            && let Some(letter) = letters.next_if(wanted)
        {
            found.push(letter.to_ascii_lowercase());
        }
        found
    };
    let digit: fn(&char) -> bool = |letter| letter.is_ascii_digit();
    let day = count(digit, 2);
    let month = count(|letter| letter.is_ascii_alphabetic(), 3);
    let year = count(digit, 4);
    !day.is_empty()
        && matches!(year.len(), 0 | 2 | 4)
        && letters.next().is_none()
        && words::MONTHS.contains(&month.as_str())
}

/// `14:05` or `14:05:59`.
fn is_time(text: &str) -> bool {
    let mut groups = text.split(':');
    let hour = groups.next().and_then(|group| group.parse::<u8>().ok());
    let minute = groups.next().filter(|group| group.len() == 2);
    hour.is_some_and(|hour| hour < 24)
        && minute.and_then(|group| group.parse::<u8>().ok()).is_some_and(|minute| minute < 60)
}

/// Digits with two places after a point or comma.
fn is_amount(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-', '€', '$', '£', '@']);
    let Some(place) = digits.rfind(['.', ',']) else { return false };
    let (Some(whole), Some(rest)) = (digits.get(..place), digits.get(place..)) else {
        return false;
    };
    rest.len() == 3
        && rest.bytes().skip(1).all(|byte| byte.is_ascii_digit())
        && !whole.is_empty()
        && whole.bytes().all(|byte| byte.is_ascii_digit() || byte == b',' || byte == b'.')
}

/// At least seven digits with dashes, points or a plus.
fn is_phone(text: &str) -> bool {
    let signs = text.bytes().filter(|byte| matches!(byte, b'-' | b'.' | b'+')).count();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    signs > 0 && digits >= 7 && signs.saturating_add(digits) == text.len()
}
