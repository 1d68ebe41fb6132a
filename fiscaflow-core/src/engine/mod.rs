//! The engine: a thin async shell that loads, decides, commits and tries again.
//!
//! Decisions are pure functions in one file per noun; `run` drives them, `state` keeps books in
//! memory. `Engine::book` names a book and who acts, and the nouns hang on that.

mod accounts;
mod base64_bytes;
mod books;
mod budgets;
mod categories;
mod envelopes;
mod erasure;
mod events;
mod exports;
mod goals;
mod history;
mod imports;
mod insights;
mod layouts;
mod members;
mod merge;
mod outside;
mod past;
mod payees;
mod points;
mod progress;
mod proofs;
mod rates;
mod reports;
mod retention;
mod rules;
mod run;
mod schedules;
mod secrets;
mod state;
mod suggestions;
mod transactions;
mod transfers;
mod undo;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use accounts::Accounts;
pub use books::Books;
pub use budgets::Budgets;
pub use categories::Categories;
pub use envelopes::Envelopes;
pub use erasure::{EnteredText, ErasureReport, MemberCommit, MemberData, MemberErasure};
pub use events::{DeliveryQuery, EventDelivery, Events, Redelivery, SetAsideEvent};
pub use exports::{Export, ExportQuery, Exports, NewRestore, RestoreReport};
pub use goals::Goals;
pub use history::{History, HistoryQuery, ObjectQuery};
pub use imports::{
    Evidence, ImportPreview, ImportReport, Imports, MatchReason, NewImport, ParsedFile, ParsedRow,
    ParsedSplit, ParsedStatement, RowMatch, StatementReport, UndoReport,
};
pub use insights::Insights;
pub use layouts::Layouts;
pub use members::Members;
pub use merge::Merge;
pub use outside::OutsideReport;
pub use payees::{PayeeName, PayeeText, Payees};
pub use points::{CompareQuery, Comparison, Point};
pub use progress::{ImportPhase, ImportProgress, Observer};
pub use proofs::{
    Checkpoint, CommitProof, ConsistencyProof, ConsistencyQuery, HeldCheckpoint, ProofQuery,
    Proofs, TransactionProof,
};
pub use rates::{NewRates, RateQuery, RateReport, Rates};
pub use reports::Reports;
pub use retention::{SealReport, Sealing};
pub use rules::{ApplyReport, RuleText, Rules};
pub use schedules::{Schedules, StreamQuery};
pub use secrets::Secrets;
pub(crate) use state::most_changes;
pub use suggestions::{
    SuggestionPage, SuggestionQuery, SuggestionScope, Suggestions, SuggestionsApplied,
};
pub use transactions::{Recategorisation, TransactionPage, Transactions};
pub use transfers::{NewTransfer, Transfer, Transfers};
pub use undo::{CommitUndone, NewUndo};

use crate::env::{Clock, IdSource, Signer};
use crate::error::{Error, Result};
use crate::id::BookId;
use crate::limits::{MAX_KEY_BYTES, MAX_NOTES_BYTES};
use crate::model::{ActorId, check_optional};
use crate::query::Translator;
use crate::secrets::KeyProvider;
use crate::store::Store;
use outside::Outside;
use past::Points;
use run::Queues;
use state::Cache;

/// The engine. Cloning it is cheap: clones share the store and what is kept in memory.
///
/// ```no_run
/// # async fn example(store: std::sync::Arc<dyn fiscaflow_core::store::Store>,
/// #   clock: std::sync::Arc<dyn fiscaflow_core::Clock>,
/// #   ids: std::sync::Arc<dyn fiscaflow_core::IdSource>) -> fiscaflow_core::Result<()> {
/// use fiscaflow_core::engine::{Context, Engine};
/// use fiscaflow_core::model::{NewAccount, NewBook};
///
/// let engine = Engine::new(store, clock, ids);
/// let anna = Context::new("anna".parse()?);
/// let home = NewBook { name: "Home".into(), ..NewBook::new("EUR") };
/// let book = engine.books(anna.clone()).create(home).await?;
/// let giro = NewAccount { name: "Giro".into(), ..NewAccount::default() };
/// engine.book(book.id, anna).accounts().create(giro).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
    outside: Option<Arc<Outside>>,
    translator: Option<Arc<dyn Translator>>,
    keys: Option<Arc<dyn KeyProvider>>,
    signer: Option<Arc<dyn Signer>>,
}

#[derive(Debug)]
struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    cache: Cache,
    queues: Queues,
    points: Points,
}

/// Who acts, why, and how a repeat is recognised.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Context {
    /// Who acts; the host has made sure of it.
    pub actor: ActorId,
    /// The reason, in words, for the history.
    pub reason: Option<String>,
    /// The id that ties together what belongs to one request.
    pub correlation_id: Option<String>,
    /// The id of what caused the request.
    pub causation_id: Option<String>,
    /// A write with a key that was used before returns the first answer and does nothing.
    pub idempotency_key: Option<String>,
    /// The point of the book's history as of which it is read, see [`BookHandle::at`]; the present
    /// where absent. Writing then answers `read_only`.
    #[serde(default)]
    pub as_of: Option<Point>,
}

crate::model::debug_only!(Context: actor, correlation_id, causation_id, idempotency_key);

impl Context {
    /// An actor and nothing else.
    pub fn new(actor: ActorId) -> Self {
        Self {
            actor,
            reason: None,
            correlation_id: None,
            causation_id: None,
            idempotency_key: None,
            as_of: None,
        }
    }

    fn check(&self) -> Result<()> {
        check_optional("reason", self.reason.as_deref(), MAX_NOTES_BYTES)?;
        check_optional("correlation_id", self.correlation_id.as_deref(), MAX_KEY_BYTES)?;
        check_optional("causation_id", self.causation_id.as_deref(), MAX_KEY_BYTES)?;
        if self.idempotency_key.as_deref() == Some("") {
            return Err(Error::invalid("idempotency_key", "an idempotency key must not be empty"));
        }
        check_optional("idempotency_key", self.idempotency_key.as_deref(), MAX_KEY_BYTES)
    }
}

/// A book and who acts on it: what all nouns hang on.
#[derive(Debug, Clone)]
pub struct BookHandle {
    engine: Engine,
    book_id: BookId,
    context: Context,
    observer: Option<Observer>,
    /// The engine for which the book is as it is now, where this one shows it as of a point.
    present: Option<Engine>,
}

impl Engine {
    /// An engine over a store. Time and ids come from the caller, so that a test decides them.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                clock,
                ids,
                cache: Cache::default(),
                queues: Queues::default(),
                points: Points::default(),
            }),
            outside: None,
            translator: None,
            keys: None,
            signer: None,
        }
    }

    /// Making books.
    pub fn books(&self, context: Context) -> Books {
        Books::new(self.clone(), context)
    }

    /// One book. Nothing is read yet; a book that is not there, or not the actor's, answers
    /// `book_not_found` to whatever is asked.
    pub fn book(&self, book_id: BookId, context: Context) -> BookHandle {
        let (engine, present) = match context.as_of {
            Some(point) => (self.past(book_id, point), Some(self.clone())),
            None => (self.clone(), None),
        };
        BookHandle { engine, book_id, context, observer: None, present }
    }

    /// The store beneath, for what no actor asks for: copies, backups and relays.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// Forgets what is kept of a book in memory, and what was asked outside.
    fn forget(&self, book_id: BookId) {
        self.inner.cache.forget(book_id);
        self.inner.points.forget(book_id);
        if let Some(outside) = &self.outside {
            outside.forget();
        }
    }

    /// Closes the store; later calls answer `closed`.
    pub async fn close(&self) {
        self.inner.store.close().await;
    }
}

macro_rules! nouns {
    ($($(#[$doc:meta])* $method:ident: $noun:ident;)*) => {
        impl BookHandle { $(
            $(#[$doc])*
            pub fn $method(&self) -> $noun<'_> {
                $noun::new(self)
            }
        )* }
    };
}

nouns! {
    /// Who may reach the book.
    members: Members;
    /// Where its money lies.
    accounts: Accounts;
    /// What its money is for.
    categories: Categories;
    /// The other parties.
    payees: Payees;
    /// Its movements of money.
    transactions: Transactions;
    /// Movements between its own accounts.
    transfers: Transfers;
    /// What categorises by itself.
    rules: Rules;
    /// What its own past says of categories.
    suggestions: Suggestions;
    /// What may be spent.
    budgets: Budgets;
    /// What came in, and what it is for.
    envelopes: Envelopes;
    /// What is expected again and again.
    schedules: Schedules;
    /// What is saved for.
    goals: Goals;
    /// What currencies were worth.
    rates: Rates;
    /// Statements from banks.
    imports: Imports;
    /// What is known of the banks' delimited files.
    layouts: Layouts;
    /// What the host keeps sealed.
    secrets: Secrets;
    /// The book for other programs.
    exports: Exports;
    /// Figures.
    reports: Reports;
    /// What a person should look at.
    insights: Insights;
    /// What happened, and the proof of it.
    history: History;
    /// The history for whoever holds a checkpoint of it.
    proofs: Proofs;
    /// What others are told.
    events: Events;
}

/// A noun's handle: it borrows the book.
macro_rules! noun {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name<'a> {
            pub(super) book: &'a super::BookHandle,
        }

        impl<'a> $name<'a> {
            pub(super) fn new(book: &'a super::BookHandle) -> Self {
                Self { book }
            }
        }
    };
}
use noun;
