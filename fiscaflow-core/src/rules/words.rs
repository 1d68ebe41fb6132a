//! The words of a sentence: texts in quotes, punctuation, and everything else.

use std::str::FromStr;

use crate::error::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Open,
    Close,
    Comma,
    Semicolon,
    Colon,
    Text(String),
    Word(String),
}

impl Token {
    fn name(&self) -> &'static str {
        match self {
            Self::Open => "`(`",
            Self::Close => "`)`",
            Self::Comma => "`,`",
            Self::Semicolon => "`;`",
            Self::Colon => "`:`",
            Self::Text(_) => "a text in quotes",
            Self::Word(_) => "a word",
        }
    }
}

/// The words, and how far they were read.
pub(crate) struct Words {
    /// Each with the place of its first character, counted from 1.
    tokens: Vec<(usize, Token)>,
    end: usize,
    next: usize,
}

impl Words {
    pub(crate) fn new(text: &str) -> Result<Self> {
        let mut tokens = Vec::new();
        let mut chars = (1_usize..).zip(text.chars()).peekable();
        while let Some((place, char)) = chars.next() {
            let token = match char {
                char if char.is_whitespace() => continue,
                '(' => Token::Open,
                ')' => Token::Close,
                ',' => Token::Comma,
                ';' => Token::Semicolon,
                ':' => Token::Colon,
                '"' => Token::Text(quoted(place, &mut chars)?),
                first => {
                    let mut word = String::from(first);
                    let goes_on =
                        |it: &(usize, char)| !it.1.is_whitespace() && !"(),;:\"".contains(it.1);
                    while let Some((_, char)) = chars.next_if(goes_on) {
                        word.push(char);
                    }
                    Token::Word(word)
                }
            };
            tokens.push((place, token));
        }
        Ok(Self { tokens, end: text.chars().count().saturating_add(1), next: 0 })
    }

    /// What was expected where reading stands.
    pub(crate) fn expected(&self, what: &str) -> Error {
        expected(what, self.tokens.get(self.next).map_or(self.end, |(place, _)| *place))
    }

    pub(crate) fn place(&self) -> usize {
        self.next
    }

    pub(crate) fn back_to(&mut self, place: usize) {
        self.next = place;
    }

    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.next.saturating_add(ahead)).map(|(_, token)| token)
    }

    pub(crate) fn take(&mut self, token: &Token) -> bool {
        let there = self.peek(0) == Some(token);
        self.next += usize::from(there);
        there
    }

    pub(crate) fn need(&mut self, token: &Token) -> Result<()> {
        if self.take(token) { Ok(()) } else { Err(self.expected(token.name())) }
    }

    /// Takes these words, which stand one blank apart, if all of them come next.
    pub(crate) fn take_words(&mut self, words: &str) -> bool {
        let mut count = 0;
        for word in words.split(' ') {
            if !matches!(self.peek(count), Some(Token::Word(next)) if next == word) {
                return false;
            }
            count += 1;
        }
        self.next += count;
        true
    }

    pub(crate) fn need_word(&mut self, word: &str) -> Result<()> {
        if self.take_words(word) { Ok(()) } else { Err(self.expected(&format!("`{word}`"))) }
    }

    /// Takes the words of one value of a table.
    pub(crate) fn take_of<T: Copy>(&mut self, table: &[(T, &str)]) -> Option<T> {
        table.iter().find(|(_, words)| self.take_words(words)).map(|(value, _)| *value)
    }

    pub(crate) fn of<T: Copy>(&mut self, table: &[(T, &str)], what: &str) -> Result<T> {
        self.take_of(table).ok_or_else(|| self.expected(what))
    }

    pub(crate) fn take_text(&mut self) -> Option<String> {
        let Some(Token::Text(text)) = self.peek(0) else { return None };
        let text = text.clone();
        self.next += 1;
        Some(text)
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        self.take_text().ok_or_else(|| self.expected("a text in quotes"))
    }

    /// Takes a word that is such a value.
    pub(crate) fn take_value<T: FromStr>(&mut self) -> Option<T> {
        let Some(Token::Word(word)) = self.peek(0) else { return None };
        let value = word.parse().ok()?;
        self.next += 1;
        Some(value)
    }

    pub(crate) fn value<T: FromStr>(&mut self, what: &str) -> Result<T> {
        self.take_value().ok_or_else(|| self.expected(what))
    }

    pub(crate) fn end(&self) -> Result<()> {
        if self.peek(0).is_none() { Ok(()) } else { Err(self.expected("the end or `;`")) }
    }
}

fn expected(what: &str, place: usize) -> Error {
    Error::invalid("text", format!("expected {what} at character {place}"))
}

/// The rest of a text in quotes that began at a place.
fn quoted(place: usize, chars: &mut impl Iterator<Item = (usize, char)>) -> Result<String> {
    let mut text = String::new();
    loop {
        match chars.next() {
            Some((_, '"')) => return Ok(text),
            Some((at, '\\')) => text.push(escaped(at, chars)?),
            Some((_, char)) => text.push(char),
            None => return Err(expected("the `\"` that ends the text that begins", place)),
        }
    }
}

fn escaped(place: usize, chars: &mut impl Iterator<Item = (usize, char)>) -> Result<char> {
    let wrong = || expected("`\\\"`, `\\\\`, `\\n`, `\\t` or `\\u{..}`", place);
    match chars.next().ok_or_else(wrong)?.1 {
        'n' => Ok('\n'),
        't' => Ok('\t'),
        plain @ ('"' | '\\') => Ok(plain),
        'u' if chars.next().map(|it| it.1) == Some('{') => {
            let mut number = 0_u32;
            for (count, digit) in chars.map(|it| it.1).enumerate() {
                match digit.to_digit(16) {
                    Some(digit) if count < 6 => number = (number << 4) | digit,
                    None if digit == '}' && count > 0 => {
                        return char::from_u32(number).ok_or_else(wrong);
                    }
                    _ => break,
                }
            }
            Err(wrong())
        }
        _ => Err(wrong()),
    }
}
