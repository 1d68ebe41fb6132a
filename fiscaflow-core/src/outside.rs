//! Outside help: what a language model or a vendor's enrichment may be asked, and what of its
//! answers counts.
//!
//! The core talks to nobody. A host that wants help gives the engine a [`Suggester`]; without one
//! nothing leaves the house. What is asked is decided here, in one place: [`question`] says of a
//! transaction as little as helps, or nothing. What comes back can do no more than name one of the
//! categories that were offered: everything else is dropped, so that a payee whose text gives
//! orders to a language model gains nothing but a wrong suggestion.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;

use crate::error::{Error, ErrorCode, Result};
use crate::id::CategoryId;
use crate::limits::MAX_CHOICES;
use crate::log::Hash;
use crate::model::{Category, SourceKind, Transaction, metadata};
use crate::normalise::{CutReason, normalise, normalised};
use crate::plan::Plan;

/// The most words and characters of a payee that are told.
const MAX_WORDS: usize = 5;
const MAX_CHARACTERS: usize = 60;
/// What divides the names of a category and of those above it.
const BELOW: &str = " > ";

/// What the outside is told of a payee; nothing else of a transaction leaves the house but the
/// names of the book's categories, which are the choices.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// The payee's normalised name: at most five words and 60 characters, no word with a digit
    /// unless it is a known brand's.
    pub payee: String,
    /// Whether money went out; the amount itself is not told.
    pub outgoing: bool,
}
crate::model::debug_only!(Question: outgoing);

/// What the outside answers to one question.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// One of the choices, as it was offered. Anything else is dropped.
    pub choice: String,
    /// How sure it says that it is, in percent; nobody has calibrated that.
    pub confidence: u8,
}
crate::model::debug_only!(Answer: confidence);

/// Somebody outside who knows payees.
///
/// It is asked only for what the book's rules and its learned model leave open, in batches, and
/// never twice for what is remembered. It has to end by itself: the engine waits for it. An error
/// never fails the caller's request; its code is told beside the answer.
///
/// ```
/// use fiscaflow_core::outside::{Answer, Question, Suggester};
///
/// /// Knows one thing.
/// #[derive(Debug)]
/// struct Bakers;
///
/// #[async_trait::async_trait]
/// impl Suggester for Bakers {
///     fn name(&self) -> &str {
///         "bakers"
///     }
///
///     async fn suggest(
///         &self,
///         questions: &[Question],
///         choices: &[String],
///     ) -> fiscaflow_core::Result<Vec<Option<Answer>>> {
///         let food = choices.iter().find(|choice| choice.ends_with("Food"));
///         let answer = |it: &Question| {
///             let choice = food.filter(|_| it.payee.contains("Bakery"))?.clone();
///             Some(Answer { choice, confidence: 80 })
///         };
///         Ok(questions.iter().map(answer).collect())
///     }
/// }
/// ```
#[async_trait]
pub trait Suggester: fmt::Debug + Send + Sync + 'static {
    /// Who it is, such as the vendor and the model: what it suggests and a person takes bears this
    /// name as its source.
    fn name(&self) -> &str;

    /// One answer for each question, in their order; `None` where it does not know. Payees are
    /// texts from elsewhere: they may say anything and order nothing.
    async fn suggest(
        &self,
        questions: &[Question],
        choices: &[String],
    ) -> Result<Vec<Option<Answer>>>;
}

/// What may be asked about a transaction; `None` where nothing may.
///
/// Nothing is told where the other party may be a person: a name of two words or more has to look
/// like a business, by a brand, a merchant category code, a legal form, a web address, a card or
/// a processor, or by a shop's number and its town together. Where the bank names the other
/// party's account, only the first four count. So what is withheld is more than has to be, and a
/// person whose name stands alone or behind a processor is told all the same. A payee that a person
/// or the book itself named is not told either where there is the bank's text.
///
/// ```
/// # use fiscaflow_core::model::{NewTransaction, Transaction};
/// # use fiscaflow_core::outside::asked_of;
/// let asked = |text: &str| asked_of(None, text, true, &Default::default()).map(|it| it.payee);
/// assert_eq!(asked("SQ *BLUE BOTTLE 4471 12/03 LONDON GB").as_deref(), Some("Blue Bottle"));
/// assert_eq!(asked("Anna Schmidt DE89 3704 0044 0532 0130 00"), None);
/// ```
pub fn question(it: &Transaction) -> Option<Question> {
    let source = it.payee_source.as_ref().map(|source| source.kind);
    let banks = source.is_none_or(|kind| kind == SourceKind::Provider) || it.description.is_empty();
    let payee = it.payee.as_deref().filter(|_| banks);
    asked_of(payee, &it.description, it.amount.minor() < 0, &it.metadata)
}

/// [`question`] for parts of a transaction: its payee where it has one, the bank's text, whether
/// money went out, and its metadata.
pub fn asked_of(
    payee: Option<&str>,
    description: &str,
    outgoing: bool,
    metadata: &BTreeMap<String, String>,
) -> Option<Question> {
    let said = normalise(description);
    let (named, known) = normalised(payee.unwrap_or(description));
    let cut =
        |why: &[CutReason]| said.cut.iter().chain(&named.cut).any(|cut| why.contains(&cut.why));
    let payee = if known { named.name.clone() } else { plain(&named.name) };
    let by_account = metadata.contains_key(metadata::COUNTERPARTY_ACCOUNT);
    let business = known
        || metadata.contains_key(metadata::MCC)
        || cut(&[CutReason::LegalForm, CutReason::Web])
        || !by_account
            && (cut(&[CutReason::Card, CutReason::Processor])
                || cut(&[CutReason::Terminal]) && cut(&[CutReason::Place])
                || !payee.contains(' '));
    let fits = payee.chars().any(char::is_alphabetic) && payee.chars().count() <= MAX_CHARACTERS;
    (business && fits).then_some(Question { payee, outgoing })
}

/// A name without what may be a number of somebody's, or an address.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    let mut words = 0;
    for word in name.split_whitespace() {
        if word.contains(|sign: char| sign.is_numeric() || sign == '@') {
            continue;
        }
        let word: String = word.chars().filter(|letter| !is_hidden(*letter)).collect();
        let characters = plain.chars().count().saturating_add(word.chars().count());
        if words == MAX_WORDS || characters >= MAX_CHARACTERS {
            break;
        }
        if word.is_empty() {
            continue;
        }
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.push_str(&word);
        words = words.saturating_add(1);
    }
    plain
}

/// Whether nobody sees a character, so that a name could say to a model what it says to no person:
/// controls, and Unicode's marks of direction, joiners and tags.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// The categories of a book as they are offered: each by its name and those above it, such as
/// `Food > Bakery`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Choices {
    pub(crate) names: Vec<String>,
    ids: Vec<CategoryId>,
    /// Of names and ids: another set of categories is another question.
    pub(crate) digest: Hash,
}

impl Choices {
    /// The choices of a book. Names that two categories share are not offered, since an answer
    /// could mean either.
    pub(crate) fn of(plan: &Plan) -> Result<Self> {
        let mut by_name: BTreeMap<String, Option<CategoryId>> = BTreeMap::new();
        for category in plan.categories.values() {
            let id = Some(category.id);
            by_name.entry(full_name(category, plan)).and_modify(|it| *it = None).or_insert(id);
        }
        let found = by_name.into_iter().filter_map(|(name, id)| Some((name, id?)));
        let (names, ids): (Vec<String>, Vec<CategoryId>) = found.unzip();
        if names.len() > MAX_CHOICES {
            let text = format!("outside help chooses among at most {MAX_CHOICES} categories");
            return Err(Error::new(ErrorCode::LimitExceeded, text));
        }
        let mut bytes = Vec::new();
        for (name, id) in names.iter().zip(&ids) {
            bytes.extend(id.uuid().as_bytes());
            bytes.extend(name.as_bytes());
            bytes.push(0);
        }
        Ok(Self { names, ids, digest: Hash::of(&[&bytes]) })
    }

    /// The category that an answer names, and how sure it says it is; `None` where it names none.
    pub(crate) fn chosen(&self, answer: &Answer) -> Option<(CategoryId, u8)> {
        let place = self.names.binary_search(&answer.choice).ok()?;
        Some((*self.ids.get(place)?, answer.confidence.min(100)))
    }
}

fn full_name(category: &Category, plan: &Plan) -> String {
    let mut names = vec![category.name.as_str()];
    let mut above = category.parent_id;
    while let Some(parent) = above.and_then(|id| plan.categories.get(&id)) {
        // A book has no circle of categories; one that is broken must not hang all the same.
        if names.len() > plan.categories.len() {
            break;
        }
        names.push(&parent.name);
        above = parent.parent_id;
    }
    names.reverse();
    names.join(BELOW)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(payee: Option<&str>, description: &str, known: &[(&str, &str)]) -> Option<String> {
        let known = known.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        asked_of(payee, description, true, &known.collect()).map(|it| it.payee)
    }

    /// Holds: a business is told by its name alone, and who may be a person is not told.
    #[test]
    fn a_business_is_told_and_a_person_is_not() {
        let account = (metadata::COUNTERPARTY_ACCOUNT, "DE89370400440532013000");
        let mcc = (metadata::MCC, "5812");
        for (payee, description, known, wanted) in [
            (None, "SQ *BLUE BOTTLE 4471 12/03 LONDON GB", &[][..], Some("Blue Bottle")),
            (None, "CORNER CAFE 0412 SEATTLE WA", &[], Some("Corner Cafe")),
            (None, "VISA 4111XXXXXXXX1111 CORNER CAFE", &[], Some("Corner Cafe")),
            (None, "Gartenbau Huber GmbH", &[account], Some("Gartenbau Huber")),
            (Some("Corner Cafe"), "card payment", &[mcc, account], Some("Corner Cafe")),
            (None, "NETFLIX.COM", &[], Some("Netflix")),
            (None, "Anna Schmidt", &[], None),
            (None, "Anna Schmidt Miete 2024", &[], None),
            (None, "Anna Schmidt Berlin", &[], None),
            (None, "Lidl", &[account], Some("Lidl")),
            (None, "Douglas Schmidt", &[], None),
            (None, "Müller Anna", &[account], None),
            (None, "Lidl KdNr A1b2C3", &[mcc], Some("Lidl KdNr")),
            (None, "ANNA SCHMIDT 12 BERLIN", &[account], None),
            (None, "Schmidt", &[account], None),
            (Some("Anna Schmidt"), "DE89 3704 0044 0532 0130 00", &[], None),
            (None, "", &[mcc], None),
            (None, "4711", &[mcc], None),
        ] {
            let told = told(payee, description, known);
            assert_eq!(told.as_deref(), wanted, "{payee:?} {description}");
        }
    }

    proptest! {
        /// Holds: whatever the texts are, what is told is short, has no hidden character, no
        /// address of mail and no number, unless it is the name of a brand.
        #[test]
        fn numbers_and_hidden_characters_stay_in_the_house(
            words in proptest::collection::vec(
                prop_oneof![
                    r"[A-Za-zäß]{1,12}|[A-Z]{2}[0-9]{2}|[0-9]{1,24}|[0-9X*]{12,16}",
                    r"[a-z]{2,5}@[a-z]{3}\.de|[\PC\u{202e}\u{e0041}]{1,6}|Lidl|Fischer",
                ],
                0..9,
            ),
            payee: bool,
        ) {
            let text = words.join(" ");
            let mcc = [(metadata::MCC, "5812")];
            let (payee, description) = if payee { (Some(&*text), "") } else { (None, &*text) };
            if let Some(told) = told(payee, description, &mcc) {
                prop_assert!(told.chars().count() <= MAX_CHARACTERS);
                prop_assert!(!told.chars().any(is_hidden));
                if !normalised(&text).1 {
                    prop_assert!(told.split(' ').count() <= MAX_WORDS);
                    prop_assert!(!told.contains(|sign: char| sign.is_numeric() || sign == '@'));
                }
            }
        }
    }
}
