//! Payee normalisation: from what a bank printed to who was paid, saying what was cut and why.
//!
//! `tokens` divides a text and decides what is noise, `words` has the words that are, `lexicon`
//! knows brands and `mcc` what merchant category codes stand for. Everything here is a pure
//! function that is linear in the text; normalising a name that was normalised changes nothing.

mod lexicon;
mod mcc;
mod tokens;
mod words;

use serde::{Deserialize, Serialize};

pub use lexicon::{CATEGORIES, brand_category};
pub use mcc::mcc_category;
pub(crate) use tokens::for_each_kept;

/// Why a part of a text is not of the payee's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum CutReason {
    /// How it was paid, such as `VISA` or `Kartenzahlung`.
    Method,
    /// Who passed the payment on, such as `SQ *` or `PAYPAL *`.
    Processor,
    /// The number of a card, mostly masked.
    Card,
    /// A reference, or the label of one.
    Reference,
    /// The number of a shop or terminal.
    Terminal,
    /// A date.
    Date,
    /// A time of day.
    Time,
    /// A telephone number.
    Phone,
    /// An amount or a currency.
    Amount,
    /// What a web address has around its name.
    Web,
    /// A town or country.
    Place,
    /// A legal form, such as `Ltd` or `GmbH`.
    LegalForm,
}

/// A part that was cut off.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Cut {
    /// Where it begins, in characters (Unicode scalar values) from the start of the text.
    pub start: u32,
    /// Where it ends: the place after its last character.
    pub end: u32,
    /// The part itself.
    pub text: String,
    /// Why it is no part of the name.
    pub why: CutReason,
}
crate::model::debug_only!(Cut: start, end, why);

/// Who was paid, as far as the text tells.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Normalised {
    /// The name; empty for an empty text, else never.
    pub name: String,
    /// What was cut, in the order of the text.
    pub cut: Vec<Cut>,
    /// What a brand of that name sells, among [`CATEGORIES`]; absent where no brand is known or
    /// where brands of the same name sell different things.
    pub category_hint: Option<String>,
}
crate::model::debug_only!(Normalised: cut);

/// The name of the other party in a bank's text.
///
/// Where everything looks like noise, the longest part stays: some names look like that.
///
/// ```
/// use fiscaflow_core::normalise::{CutReason, normalise};
///
/// let found = normalise("SQ *BLUE BOTTLE 4471 12/03 LONDON GB");
/// assert_eq!(found.name, "Blue Bottle");
/// let why: Vec<CutReason> = found.cut.iter().map(|cut| cut.why).collect();
/// use CutReason::{Date, Place, Processor, Terminal};
/// assert_eq!(why, [Processor, Terminal, Date, Place, Place]);
/// assert_eq!(normalise("TESCO STORES 4838").name, "Tesco Stores");
/// assert_eq!(normalise(&found.name).name, found.name);
/// ```
pub fn normalise(text: &str) -> Normalised {
    normalised(text).0
}

/// [`normalise`], and whether all of the name is a brand's: a hint may come from its beginning.
pub(crate) fn normalised(text: &str) -> (Normalised, bool) {
    let mut name = String::new();
    let mut key = String::new();
    let mut cut = Vec::new();
    let mut position = Position::default();
    let tokens = tokens::tokens(text);
    let spelling = Spelling::of(tokens.iter().filter(|it| it.cut.is_none()).map(|it| it.text));
    for token in tokens {
        match token.cut {
            Some(why) => {
                let start = position.at(text, token.start);
                let end = position.at(text, token.start.saturating_add(token.text.len()));
                cut.push(Cut { start, end, text: token.text.to_owned(), why });
            }
            None => {
                if !name.is_empty() {
                    name.push(' ');
                    key.push(' ');
                }
                spelling.push(&mut name, token.text);
                tokens::push_folded(&mut key, token.text);
            }
        }
    }
    let brand = lexicon::brand(&key);
    if let Some(brand) = brand {
        brand.name.clone_into(&mut name);
    }
    let category = brand.map_or_else(|| lexicon::start_category(&key), |brand| brand.category);
    let category_hint = category.map(str::to_owned);
    (Normalised { name, cut, category_hint }, brand.is_some())
}

/// Counts characters up to places that only move on, so that all of them cost one pass.
#[derive(Default)]
struct Position {
    bytes: usize,
    characters: u32,
}

impl Position {
    fn at(&mut self, text: &str, place: usize) -> u32 {
        let between = text.get(self.bytes..place).unwrap_or_default();
        let count = u32::try_from(between.chars().count()).unwrap_or(u32::MAX);
        self.characters = self.characters.saturating_add(count);
        self.bytes = place;
        self.characters
    }
}

/// In which cases a name stands. One that shouts or whispers is written like a name; what has
/// both cases is somebody's choice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Upper,
    Lower,
    Mixed,
}

impl Spelling {
    fn of<'a>(mut words: impl Iterator<Item = &'a str> + Clone) -> Self {
        let lower = words.clone().any(|word| word.contains(char::is_lowercase));
        match (words.any(|word| word.contains(char::is_uppercase)), lower) {
            (true, false) => Self::Upper,
            (false, true) => Self::Lower,
            _ => Self::Mixed,
        }
    }

    /// Adds a word as it is spelled in a name. Of what shouts, words of up to three letters stay:
    /// they may be initials.
    fn push(self, name: &mut String, word: &str) {
        let letters = word.chars().filter(|letter| letter.is_alphabetic()).count();
        if self == Self::Mixed || self == Self::Upper && letters <= 3 {
            name.push_str(word);
            return;
        }
        let mut starts = true;
        for letter in word.chars() {
            if starts && letter.is_alphabetic() {
                push_single(name, letter, letter.to_uppercase());
            } else {
                push_single(name, letter, letter.to_lowercase());
            }
            starts = matches!(letter, '-' | '&' | '.');
        }
    }
}

/// The other case of a letter, where that is one letter, too.
fn push_single(name: &mut String, letter: char, mut other: impl Iterator<Item = char>) {
    match (other.next(), other.next()) {
        (Some(single), None) => name.push(single),
        _ => name.push(letter),
    }
}
