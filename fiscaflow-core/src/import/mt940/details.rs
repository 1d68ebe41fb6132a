//! The information to the account owner, `:86:`: description, other party and references, in the
//! dialects that banks write it in.

use memchr::{memchr_iter, memmem};

use super::entry::is_iban;
use crate::import::bytes::{find_byte, has_control};
use crate::import::text::{LineByLine, trim, trim_end, trim_start};

/// What may stand before the two digits of a sub-field; German banks write `?`, others do not.
const SEPARATORS: &[u8] = b"?>~<^|";
/// The width of a sub-field of German banks: a word goes on behind a full one.
const SUB_FIELD: usize = 27;
/// The width of a line, at which text is wrapped anywhere.
const LINE: usize = 65;
/// From this width on a line of `/CODE/` text was wrapped, for its blanks at the end may be lost.
const ALMOST_LINE: usize = 60;
/// The codes of `/CODE/value` that end the value before them.
const CODES: [&str; 24] = [
    "ACCW", "ADDR", "BBAN", "BENM", "BIC", "CNTP", "CREF", "CSID", "EREF", "IBAN", "IREF", "ISDT",
    "KREF", "MARF", "NAME", "ORDP", "PREF", "PURP", "REMI", "RTRN", "SVCL", "TRTP", "ULTC", "ULTD",
];
/// The codes of which one at least is in every text of that dialect.
const TELLING: [&str; 11] =
    ["ACCW", "BBAN", "CNTP", "CSID", "EREF", "IBAN", "MARF", "NAME", "PREF", "REMI", "TRTP"];

/// What was read of the texts of one entry; the buffers are used again for the next one.
#[derive(Debug, Default)]
pub(super) struct Details {
    /// The text, with its line breaks taken out.
    joined: String,
    pub(super) description: String,
    pub(super) payee: String,
    pub(super) account: String,
    pub(super) reference: String,
}

impl Details {
    /// Begins with the next entry.
    pub(super) fn clear(&mut self) {
        self.description.clear();
        self.payee.clear();
        self.account.clear();
        self.reference.clear();
    }

    /// Reads a `:86:`. A further one goes on with the description.
    pub(super) fn read(&mut self, body: &str) {
        if let Some(separator) = separator_of(body) {
            self.join(body, 0);
            self.read_sub_fields(separator);
        } else if has_codes(body) {
            self.join(body, ALMOST_LINE);
            self.read_codes();
        } else {
            self.join(body, LINE);
            append(&mut self.description, &self.joined);
        }
    }

    /// Reads numbered lines (`:NS:`): 01 to 14 are text, 15 and 16 the other party, 34 its account.
    pub(super) fn read_own(&mut self, body: &str) {
        let mut lines = LineByLine::new(body);
        while let Some(line) = lines.next() {
            let Some((code, text)) = two_digits(line) else { continue };
            match code {
                1..=14 => append(&mut self.description, text),
                15 | 16 => append(&mut self.payee, text),
                34 if self.account.is_empty() => {
                    append(&mut self.account, text.trim_start_matches('0'));
                }
                _ => {}
            }
        }
    }

    /// Adds what stands below the `:61:`, unless it was said already.
    pub(super) fn add_supplement(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.join(text, LINE);
        let text = trim(&self.joined);
        if text.eq_ignore_ascii_case(&self.payee) {
            return;
        }
        if memmem::find(self.description.as_bytes(), text.as_bytes()).is_none() {
            append(&mut self.description, text);
        }
    }

    /// Takes the line breaks out. From a width of `full` on a line was wrapped and goes on; else a
    /// blank stands for the break.
    fn join(&mut self, body: &str, full: usize) {
        let Self { joined, .. } = self;
        joined.clear();
        let mut lines = LineByLine::new(body);
        let mut goes_on = true;
        while let Some(line) = lines.next() {
            let text = trim(line);
            if text.is_empty() {
                goes_on &= line.is_empty();
                continue;
            }
            if goes_on {
                joined.push_str(line);
            } else {
                joined.truncate(trim_end(joined).len());
                joined.push(' ');
                joined.push_str(text);
            }
            goes_on = is_at_least(line, full);
        }
    }

    fn read_sub_fields(&mut self, separator: u8) {
        let Self { joined, description, payee, account, .. } = self;
        let mut heading = "";
        let mut other_account = "";
        let (mut description_goes_on, mut payee_goes_on) = (false, false);
        for (code, text) in SubFields::new(joined, separator) {
            match code {
                0 => heading = text,
                20..=29 | 60..=65 => {
                    description_goes_on = add_part(description, text, description_goes_on);
                }
                32 | 33 => payee_goes_on = add_part(payee, text, payee_goes_on),
                31 if other_account.is_empty() => other_account = trim(text),
                38 if is_iban(trim(text)) => other_account = trim(text),
                _ => {}
            }
        }
        for text in [&mut *description, &mut *payee] {
            text.truncate(trim_end(text).len());
        }
        if description.is_empty() {
            append(description, heading);
        }
        if account.is_empty() {
            append(account, other_account);
        }
    }

    fn read_codes(&mut self) {
        let Self { joined, description, payee, account, reference } = self;
        let mut remittance = "";
        let mut rest = &**joined;
        while let Some((code, behind)) = next_code(rest) {
            let end = find_code(behind).map_or(behind.len(), |(at, _)| at);
            let (value, next) = behind.split_at_checked(end).unwrap_or((behind, ""));
            let value = trim(value);
            match code {
                "NAME" if payee.is_empty() => append(payee, strip(value)),
                "IBAN" | "BBAN" if account.is_empty() => append(account, strip(value)),
                "ACCW" if account.is_empty() => {
                    append(account, value.split(',').next().unwrap_or_default());
                }
                "CNTP" => {
                    let mut parts = value.split('/').map(str::trim);
                    let (number, name) = (parts.next(), parts.nth(1));
                    if account.is_empty() {
                        append(account, number.unwrap_or_default());
                    }
                    if payee.is_empty() {
                        append(payee, name.unwrap_or_default());
                    }
                }
                "REMI" if remittance.is_empty() => {
                    let value = value.strip_prefix("USTD//").unwrap_or(value);
                    remittance = value.trim_end_matches('/').trim();
                }
                "EREF" if reference.is_empty() && strip(value) != "NOTPROVIDED" => {
                    append(reference, strip(value));
                }
                _ => {}
            }
            rest = next;
        }
        append(description, if remittance.is_empty() { joined } else { remittance });
    }
}

fn strip(value: &str) -> &str {
    value.trim_matches(['/', ' '])
}

/// Adds a text behind one blank, with no blanks around it; control characters become blanks.
fn append(to: &mut String, text: &str) {
    let text = trim(text);
    if text.is_empty() {
        return;
    }
    if !to.is_empty() {
        to.push(' ');
    }
    push_clean(to, text);
}

fn push_clean(to: &mut String, text: &str) {
    if has_control(text.as_bytes()) {
        to.extend(text.chars().map(|letter| if letter.is_ascii_control() { ' ' } else { letter }));
    } else {
        to.push_str(text);
    }
}

/// Adds a part, directly where the part before it was full and this one does not begin with a
/// keyword such as `SVWZ+`; says whether this one is full.
fn add_part(to: &mut String, text: &str, goes_on: bool) -> bool {
    let keyword = text.as_bytes().first_chunk::<5>();
    let begins = keyword
        .is_some_and(|[name @ .., plus]| *plus == b'+' && name.iter().all(u8::is_ascii_uppercase));
    if goes_on && !begins {
        push_clean(to, text);
    } else {
        to.truncate(trim_end(to).len());
        append_raw_end(to, text);
    }
    is_at_least(text, SUB_FIELD) && !is_at_least(text, SUB_FIELD + 1)
}

/// Whether a text has at least so many characters.
fn is_at_least(text: &str, width: usize) -> bool {
    text.len() >= width && (text.is_ascii() || text.chars().count() >= width)
}

/// Adds a text behind one blank; blanks at its end stay, as the next part may go on behind them.
fn append_raw_end(to: &mut String, text: &str) {
    let text = trim_start(text);
    if !to.is_empty() && !text.is_empty() {
        to.push(' ');
    }
    push_clean(to, text);
}

fn two_digits(text: &str) -> Option<(u8, &str)> {
    let &[tens, ones] = text.as_bytes().first_chunk::<2>()?;
    if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
        return None;
    }
    let code = tens.wrapping_sub(b'0').wrapping_mul(10).wrapping_add(ones.wrapping_sub(b'0'));
    Some((code, text.get(2..)?))
}

/// The separator of a text in sub-fields, which has nothing but three digits (the kind of
/// transaction) before the first one.
fn separator_of(body: &str) -> Option<u8> {
    let body = trim_start(body);
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    let (_, rest) = body.split_at_checked(digits)?;
    let separator = *rest.as_bytes().first()?;
    let fits = matches!(digits, 0 | 3) && SEPARATORS.contains(&separator);
    (fits && two_digits(rest.get(1..)?).is_some()).then_some(separator)
}

/// The sub-fields of a text: code and value.
struct SubFields<'a> {
    rest: Option<&'a str>,
    separator: u8,
}

impl<'a> SubFields<'a> {
    fn new(text: &'a str, separator: u8) -> Self {
        // The separator is left at the end where the code behind it was cut off.
        let text = trim_end(text);
        let text = text.strip_suffix(char::from(separator)).unwrap_or(text);
        let start = find_byte(text.as_bytes(), 0, separator);
        Self { rest: start.and_then(|start| text.get(start..)), separator }
    }
}

impl<'a> Iterator for SubFields<'a> {
    type Item = (u8, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (code, text) = two_digits(self.rest?.get(1..)?)?;
        let mut from = 0;
        loop {
            let Some(at) = find_byte(text.as_bytes(), from, self.separator) else {
                self.rest = None;
                return Some((code, text));
            };
            let behind = text.get(at..)?;
            if behind.get(1..).and_then(two_digits).is_some() {
                self.rest = Some(behind);
                return Some((code, text.get(..at)?));
            }
            from = at.saturating_add(1);
        }
    }
}

/// Whether a text is written in `/CODE/` parts.
fn has_codes(text: &str) -> bool {
    let mut rest = text;
    while let Some((code, behind)) = next_code(rest) {
        if TELLING.contains(&code) {
            return true;
        }
        rest = behind;
    }
    false
}

/// The first known code of a text and what follows it.
fn next_code(text: &str) -> Option<(&str, &str)> {
    let (at, length) = find_code(text)?;
    let (_, code) = text.split_at_checked(at.checked_add(1)?)?;
    let (code, behind) = code.split_at_checked(length)?;
    Some((code, behind.strip_prefix('/')?))
}

/// Where the first known code begins with its slash, and how long it is.
fn find_code(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    memchr_iter(b'/', bytes).find_map(|at| {
        let behind = bytes.get(at.checked_add(1)?..)?;
        let length = behind.iter().take(5).position(|byte| *byte == b'/')?;
        let code = behind.get(..length).filter(|code| matches!(code.len(), 3 | 4))?;
        CODES.iter().any(|known| known.as_bytes() == code).then_some((at, length))
    })
}
