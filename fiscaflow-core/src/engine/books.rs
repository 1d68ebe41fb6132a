//! Making books, and changing a book itself.

use std::str::FromStr;

use super::past::read_only;
use super::run::{Command, Decision, Facts};
use super::{BookHandle, Context, Engine};
use crate::error::{Error, ErrorCode, Lane, Result};
use crate::id::BookId;
use crate::limits::{MAX_CURRENCIES, MAX_FORGOTTEN};
use crate::log::{Change, Draft, Hash};
use crate::model::{
    Book, BookPatch, CustomCurrency, Learning, Member, NewBook, Role, check_list, check_name,
};
use crate::money::Currency;
use crate::plan::Plan;

/// Making books.
#[derive(Debug, Clone)]
pub struct Books {
    engine: Engine,
    context: Context,
}

impl Books {
    pub(super) fn new(engine: Engine, context: Context) -> Self {
        Self { engine, context }
    }

    /// Makes a book whose owner is the actor. With an id of the caller's choice a repeat returns
    /// the book that is there; with an idempotency key, the first answer.
    pub async fn create(&self, new: NewBook) -> Result<Book> {
        self.context.check()?;
        if self.context.as_of.is_some() {
            return Err(read_only());
        }
        let now = self.engine.now();
        let digest = self.context.request_digest("books.create", &new)?;
        let fresh = || BookId::new(self.engine.inner.ids.uuid(now));
        let book = Book {
            id: new.id.or_else(|| self.id_of_key()).unwrap_or_else(fresh),
            name: new.name.clone(),
            currency: Currency::iso(&new.currency)?,
            zone: new.zone.clone().unwrap_or_else(|| "UTC".to_owned()),
            currencies: new.currencies.clone(),
            created_at: now,
            learning: Learning::default(),
        };
        check_book(&book)?;
        if self.engine.inner.store.head(book.id).await?.is_some() {
            return self.existing(&book, digest).await;
        }
        let owner = Member { actor: self.context.actor.clone(), role: Role::Owner, name: None };
        let mut plan = Plan::new(book.clone());
        plan.put(owner.clone().into());
        let facts = Facts {
            plan: &plan,
            rules: &crate::rules::RuleSet::default(),
            balances: crate::rules::Balances::default(),
            view: None,
            learner: None,
            transactions: Default::default(),
            origins: Vec::new(),
            now,
            seq: 1,
            ids: &*self.engine.inner.ids,
            keys: None,
        };
        let event = facts.event("ledger.book.created", ("book", book.id.to_string()), &[]);
        let draft = Draft {
            book_id: book.id,
            parent: None,
            info: self.context.commit_info("books.create", now),
            changes: vec![Change::create(book.clone()), Change::create(owner)],
            events: vec![event],
            idempotency: self.context.idempotency(digest, &book, &*self.engine.inner.ids)?,
        };
        match self.engine.commit_first(book.id, draft).await {
            Ok(()) => Ok(book),
            Err(error) if error.code() == ErrorCode::Conflict => self.existing(&book, digest).await,
            Err(error) => Err(error),
        }
    }

    /// Keys are found in a book, but here the book is what a repeat must not make again: so the
    /// key of its actor gives the id (UUID version 8, RFC 9562 section 5.8).
    fn id_of_key(&self) -> Option<BookId> {
        let key = self.context.idempotency_key.as_deref()?;
        let actor = self.context.actor.as_str();
        let hash = Hash::of(&[b"books.create\0", actor.as_bytes(), b"\0", key.as_bytes()]);
        let bytes = hash.as_bytes().first_chunk::<16>()?;
        Some(BookId::new(uuid::Builder::from_custom_bytes(*bytes).into_uuid()))
    }

    /// The book that is there already, where it is the one that was asked for.
    async fn existing(&self, wanted: &Book, digest: Option<Hash>) -> Result<Book> {
        let handle = self.engine.book(wanted.id, self.context.clone());
        let taken = || Error::new(ErrorCode::IdConflict, "the book id is taken").id(wanted.id);
        let state = match handle.authorised(Role::Owner).await {
            Err(error) if error.lane() == Lane::Rejected => return Err(taken()),
            found => found?,
        };
        if let Some(answer) = handle.earlier_answer(digest).await? {
            return Ok(answer);
        }
        let book = state.plan.book.clone();
        let same = Book { created_at: book.created_at, ..wanted.clone() } == book;
        if same { Ok(book) } else { Err(taken()) }
    }
}

impl BookHandle {
    /// The book itself.
    pub async fn get(&self) -> Result<Book> {
        Ok(self.authorised(Role::Viewer).await?.plan.book.clone())
    }

    /// Changes the book itself.
    pub async fn update(&self, patch: BookPatch) -> Result<Book> {
        self.run(&patch).await
    }
}

impl NewBook {
    /// A book in a currency, without a name yet.
    pub fn new(currency: &str) -> Self {
        Self {
            id: None,
            name: String::new(),
            currency: currency.to_owned(),
            zone: None,
            currencies: Vec::new(),
        }
    }
}

impl Command for BookPatch {
    type Answer = Book;
    const VERB: &'static str = "books.update";
    const ROLE: Role = Role::Owner;

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Book>> {
        let before = facts.plan.book.clone();
        let mut book = before.clone();
        if let Some(name) = &self.name {
            book.name.clone_from(name);
        }
        if let Some(zone) = &self.zone {
            book.zone.clone_from(zone);
        }
        for currency in &self.add_currencies {
            if !book.currencies.contains(currency) {
                book.currencies.push(currency.clone());
            }
        }
        book.learning.enabled = self.learn.unwrap_or(book.learning.enabled);
        book.learning.threshold = self.learn_threshold.unwrap_or(book.learning.threshold);
        check_book(&book)?;
        if book == before {
            return Ok(Decision::unchanged(book));
        }
        let event = facts.event("ledger.book.updated", ("book", book.id.to_string()), &[]);
        Ok(Decision::one(Change::update(before, book.clone()), event, book))
    }
}

pub(super) fn check_book(book: &Book) -> Result<()> {
    check_name("name", &book.name)?;
    chrono_tz::Tz::from_str(&book.zone)
        .map_err(|_| Error::invalid("zone", "the zone is not in the IANA time zone database"))?;
    check_list("currencies", &book.currencies, MAX_CURRENCIES)?;
    for (place, CustomCurrency { code, exponent }) in book.currencies.iter().enumerate() {
        Currency::custom(code, *exponent).map_err(|error| error.field("currencies"))?;
        if book.currencies.iter().skip(place + 1).any(|other| other.code == *code) {
            return Err(Error::invalid("currencies", format!("`{code}` is registered twice")));
        }
    }
    let Learning { threshold, forgotten, .. } = &book.learning;
    if !(1..=100).contains(threshold) {
        return Err(Error::invalid("learn_threshold", "a threshold is from 1 to 100 percent"));
    }
    check_list("forgotten", forgotten, MAX_FORGOTTEN)?;
    forgotten.iter().try_for_each(|payee| check_name("forgotten", payee))
}
