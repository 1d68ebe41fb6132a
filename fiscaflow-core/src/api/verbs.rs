//! The table of verbs.

use serde_json::Value;

use super::{Call, write};
use crate::analytics::{
    Balance, BalancesQuery, CashFlow, CashFlowQuery, Dashboard, DashboardQuery, NetWorth,
    NetWorthQuery, PayeeTotal, Spending, SpendingQuery, TopPayeesQuery, Unusual, UnusualQuery,
};
use crate::budgets::{
    AutomationQuery, AutomationReport, BudgetHistoryQuery, BudgetQuery, BudgetState, EnvelopeMonth,
    EnvelopeQuery, Recommendation, RecommendationQuery,
};
use crate::categorise::{EvaluationQuery, EvaluationReport};
use crate::engine::{
    ApplyReport, Checkpoint, CommitProof, CommitUndone, CompareQuery, Comparison, ConsistencyProof,
    ConsistencyQuery, DeliveryQuery, Engine, ErasureReport, EventDelivery, Export, ExportQuery,
    HeldCheckpoint, HistoryQuery, ImportPreview, ImportReport, MemberData, MemberErasure, Merge,
    NewImport, NewRates, NewRestore, NewTransfer, NewUndo, ObjectQuery, Observer, ParsedFile,
    PayeeName, PayeeText, ProofQuery, RateQuery, RateReport, Recategorisation, Redelivery,
    RestoreReport, RuleText, SealReport, Sealing, SetAsideEvent, StreamQuery, SuggestionPage,
    SuggestionQuery, SuggestionScope, SuggestionsApplied, TransactionPage, TransactionProof,
    Transfer, UndoReport,
};
use crate::error::{Error, ErrorCode, Result};
use crate::forecast::{
    AffordQuery, Affordable, Forecast, ForecastBacktest, ForecastBacktestQuery, ForecastQuery,
};
use crate::goals::{GoalProgress, GoalQuery};
use crate::insights::{Insight, InsightQuery};
use crate::log::{Entry, Event, ObjectChange, Verification};
use crate::model::{
    Account, AccountPatch, Assignment, Book, BookPatch, Budget, BudgetPatch, Category,
    CategoryPatch, Dismissal, Envelope, Goal, GoalPatch, Import, Layout, Member, NewAccount,
    NewAssignment, NewBook, NewBudget, NewCategory, NewEnvelope, NewGoal, NewHold, NewLayout,
    NewPayee, NewRule, NewSchedule, NewSecret, NewTransaction, Payee, RateSheet, Reassignment,
    Rule, RulePatch, Schedule, SchedulePatch, SecretInfo, SecretName, SecretRotation, SecretValue,
    Transaction, TransactionPatch, TransferRefusal,
};
use crate::query::{Report, ReportAnswer, ReportQuery, ReportQuestion, ReportText};
use crate::rates::{Conversion, ConversionQuery};
use crate::recurring::Stream;
use crate::rules::{
    BacktestQuery, BacktestReport, Explanation, RuleSuggestion, RuleSuggestionQuery,
};
use crate::schedules::{Occurrence, OccurrenceQuery};
use crate::store::TransactionQuery;
use crate::transfers::{TransferQuery, TransferSuggestion};

/// The method of a verb in a REST interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads; the request's members are query parameters.
    Get,
    /// Makes or does something.
    Post,
    /// Puts something in its place.
    Put,
    /// Changes some fields.
    Patch,
    /// Takes something away.
    Delete,
}

/// The shape of a request or an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The name of its schema, the same in every language.
    pub name: &'static str,
    /// Whether it is a list of these.
    pub list: bool,
}

impl Shape {
    /// The shape of a type, which has to be there under that name.
    const fn of<T>(name: &'static str, list: bool) -> Self {
        let _: Option<std::marker::PhantomData<T>> = None;
        Self { name, list }
    }
}

/// One verb of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verb {
    /// Its name: noun and verb.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Its method in a REST interface.
    pub method: Method,
    /// Its path there; `{book_id}` and `{id}` stand for ids.
    pub path: &'static str,
    /// Whether it takes the id of an object.
    pub takes_id: bool,
    /// Its request, where it takes one.
    pub request: Option<Shape>,
    /// Its answer, where it gives one.
    pub answer: Option<Shape>,
    /// Whether an observer hears of its progress.
    pub observed: bool,
}

/// What verbs hang on: a part of a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noun {
    /// Its name: what stands before the point in the names of its verbs.
    pub name: &'static str,
    /// What it holds, in one sentence.
    pub summary: &'static str,
}

/// Every noun, in the order in which [`VERBS`] has them.
pub const NOUNS: &[Noun] = &[
    Noun { name: "books", summary: "The book itself." },
    Noun { name: "members", summary: "Who may reach the book." },
    Noun { name: "accounts", summary: "Where its money lies." },
    Noun { name: "categories", summary: "What its money is for." },
    Noun { name: "payees", summary: "The other parties." },
    Noun { name: "transactions", summary: "Its movements of money." },
    Noun { name: "transfers", summary: "Movements between its own accounts." },
    Noun { name: "rules", summary: "What categorises by itself." },
    Noun { name: "suggestions", summary: "What its own past says of categories." },
    Noun { name: "budgets", summary: "What may be spent." },
    Noun { name: "envelopes", summary: "What came in, and what it is for." },
    Noun { name: "schedules", summary: "What is expected again and again." },
    Noun { name: "goals", summary: "What is saved for." },
    Noun { name: "rates", summary: "What currencies were worth." },
    Noun { name: "imports", summary: "Statements from banks." },
    Noun { name: "layouts", summary: "What is known of the banks' delimited files." },
    Noun { name: "secrets", summary: "What the host keeps sealed." },
    Noun { name: "exports", summary: "The book for other programs." },
    Noun { name: "reports", summary: "Figures." },
    Noun { name: "insights", summary: "What a person should look at." },
    Noun { name: "history", summary: "What happened, and the proof of it." },
    Noun { name: "proofs", summary: "The history for whoever holds a checkpoint of it." },
    Noun { name: "events", summary: "What others are told." },
];

/// The verb of that name.
///
/// ```
/// use fiscaflow_core::api::verb;
///
/// assert!(verb("accounts.create").is_some_and(|verb| !verb.takes_id));
/// ```
pub fn verb(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name == name)
}

macro_rules! shape {
    () => {
        None
    };
    ([$shape:ident]) => {
        Some(Shape::of::<$shape>(stringify!($shape), true))
    };
    ($shape:ident) => {
        Some(Shape::of::<$shape>(stringify!($shape), false))
    };
}

#[cfg(feature = "schema")]
macro_rules! collect {
    ($found:ident,) => {};
    ($found:ident, [$shape:ident]) => {
        super::schema::collect::<$shape>($found)
    };
    ($found:ident, $shape:ident) => {
        super::schema::collect::<$shape>($found)
    };
}

macro_rules! run {
    ($engine:ident, $call:ident, $observer:ident, $noun:ident.$verb:ident, id) => {
        write(&$call.book($engine, $observer)?.$noun().$verb($call.id()?).await?)
    };
    ($engine:ident, $call:ident, $observer:ident, $noun:ident.$verb:ident, id, request) => {{
        let request = $call.request()?;
        write(&$call.book($engine, $observer)?.$noun().$verb($call.id()?, request).await?)
    }};
    ($engine:ident, $call:ident, $observer:ident, $noun:ident.$verb:ident, request) => {{
        let request = $call.request()?;
        write(&$call.book($engine, $observer)?.$noun().$verb(request).await?)
    }};
    ($engine:ident, $call:ident, $observer:ident, $noun:ident.$verb:ident,) => {
        write(&$call.book($engine, $observer)?.$noun().$verb().await?)
    };
}

macro_rules! takes_id {
    (id $($rest:tt)*) => {
        true
    };
    ($($rest:tt)*) => {
        false
    };
}

macro_rules! observed {
    (observed) => {
        true
    };
    () => {
        false
    };
}

macro_rules! verbs {
    ($(
        $name:literal $summary:literal
        $method:ident $path:literal, ($($request:tt)?) -> ($($answer:tt)?),
        $noun:ident.$verb:ident($($input:tt),*) $($observed:ident)?;
    )*) => {
        /// Every verb of the engine.
        pub const VERBS: &[Verb] = &[
            Verb {
                name: "books.create",
                summary: "Make a book whose owner is the actor.",
                method: Method::Post,
                path: "/books",
                takes_id: false,
                request: shape!(NewBook),
                answer: shape!(Book),
                observed: false,
            },
            Verb {
                name: "books.get",
                summary: "The book itself.",
                method: Method::Get,
                path: "/books/{book_id}",
                takes_id: false,
                request: None,
                answer: shape!(Book),
                observed: false,
            },
            Verb {
                name: "books.update",
                summary: "Change the book itself.",
                method: Method::Patch,
                path: "/books/{book_id}",
                takes_id: false,
                request: shape!(BookPatch),
                answer: shape!(Book),
                observed: false,
            },
            Verb {
                name: "books.erase_texts",
                summary: "Erase every personal text of the book, in all its history.",
                method: Method::Post,
                path: "/books/{book_id}/erasure",
                takes_id: false,
                request: None,
                answer: shape!(ErasureReport),
                observed: false,
            },
            Verb {
                name: "books.seal",
                summary: "Drop what old commits changed, for good; every proof stands.",
                method: Method::Post,
                path: "/books/{book_id}/seal",
                takes_id: false,
                request: shape!(Sealing),
                answer: shape!(SealReport),
                observed: false,
            },
            $(Verb {
                name: $name,
                summary: $summary,
                method: Method::$method,
                path: concat!("/books/{book_id}", $path),
                takes_id: takes_id!($($input)*),
                request: shape!($($request)?),
                answer: shape!($($answer)?),
                observed: observed!($($observed)?),
            },)*
        ];

        /// The schemas of everything that the verbs name.
        #[cfg(feature = "schema")]
        pub(super) fn collect_schemas(found: &mut super::schema::Schemas) {
            collect!(found, NewBook);
            collect!(found, Book);
            collect!(found, BookPatch);
            collect!(found, ErasureReport);
            collect!(found, Sealing);
            collect!(found, SealReport);
            $(
                collect!(found, $($request)?);
                collect!(found, $($answer)?);
            )*
        }

        pub(super) async fn dispatch(
            engine: &Engine,
            mut call: Call,
            observer: Option<Observer>,
        ) -> Result<Value> {
            let verb = call.verb.clone();
            match verb.as_str() {
                "books.create" => {
                    let new = call.request()?;
                    write(&engine.books(call.context).create(new).await?)
                }
                "books.get" => write(&call.book(engine, None)?.get().await?),
                "books.update" => {
                    let patch = call.request()?;
                    write(&call.book(engine, None)?.update(patch).await?)
                }
                "books.erase_texts" => write(&call.book(engine, None)?.erase_texts().await?),
                "books.seal" => {
                    let how = call.request()?;
                    write(&call.book(engine, None)?.seal(how).await?)
                }
                $($name => run!(engine, call, observer, $noun.$verb, $($input),*),)*
                _ => Err(Error::new(ErrorCode::UnknownVerb, "the engine has no such verb")
                    .field("verb")),
            }
        }
    };
}

verbs! {
    "members.list" "The members, by actor."
        Get "/members", () -> ([Member]), members.list();
    "members.put" "Add a member or change one."
        Put "/members", (Member) -> (Member), members.put(request);
    "members.remove" "Remove a member."
        Delete "/members/{id}", () -> (), members.remove(id);
    "members.erase" "Erase a member's name and reasons and, if wanted, what the member entered."
        Post "/members/{id}/erasure", (MemberErasure) -> (ErasureReport),
        members.erase(id, request);
    "members.personal_data" "All that the book knows of a member."
        Get "/members/{id}/personal-data", () -> (MemberData), members.personal_data(id);

    "accounts.create" "Make an account."
        Post "/accounts", (NewAccount) -> (Account), accounts.create(request);
    "accounts.get" "One account."
        Get "/accounts/{id}", () -> (Account), accounts.get(id);
    "accounts.list" "All accounts."
        Get "/accounts", () -> ([Account]), accounts.list();
    "accounts.update" "Change an account."
        Patch "/accounts/{id}", (AccountPatch) -> (Account), accounts.update(id, request);

    "categories.create" "Make a category."
        Post "/categories", (NewCategory) -> (Category), categories.create(request);
    "categories.list" "All categories."
        Get "/categories", () -> ([Category]), categories.list();
    "categories.update" "Rename or move a category."
        Patch "/categories/{id}", (CategoryPatch) -> (Category), categories.update(id, request);

    "payees.create" "Make a payee with its spellings."
        Post "/payees", (NewPayee) -> (Payee), payees.create(request);
    "payees.list" "All payees."
        Get "/payees", () -> ([Payee]), payees.list();
    "payees.normalise" "Who was paid, by a bank's text; nothing is written."
        Post "/payees/normalise", (PayeeText) -> (PayeeName), payees.normalise(request);

    "transactions.create" "Record a transaction."
        Post "/transactions", (NewTransaction) -> (Transaction), transactions.create(request);
    "transactions.get" "One transaction."
        Get "/transactions/{id}", () -> (Transaction), transactions.get(id);
    "transactions.list" "Transactions, newest first, filtered, by pages."
        Get "/transactions", (TransactionQuery) -> (TransactionPage), transactions.list(request);
    "transactions.update" "Change a transaction; what is set here is the user's."
        Patch "/transactions/{id}", (TransactionPatch) -> (Transaction),
        transactions.update(id, request);
    "transactions.recategorise" "Put several transactions in a category."
        Post "/transactions/recategorise", (Recategorisation) -> ([Transaction]),
        transactions.recategorise(request);
    "transactions.merge" "Make two transactions one."
        Post "/transactions/{id}/merge", (Merge) -> (Transaction), transactions.merge(id, request);
    "transactions.delete" "Delete a transaction."
        Delete "/transactions/{id}", () -> (), transactions.delete(id);
    "transactions.explain" "Why category, parts, payee, tags, notes and status are what they are."
        Get "/transactions/{id}/explanation", () -> (Explanation), transactions.explain(id);

    "transfers.create" "Make two transactions the two sides of a transfer."
        Post "/transfers", (NewTransfer) -> (Transfer), transfers.create(request);
    "transfers.suggest" "What are probably transfers, surest first."
        Post "/transfers/suggestions", (TransferQuery) -> ([TransferSuggestion]),
        transfers.suggest(request);
    "transfers.link" "Make every suggestion of at least 90 percent, or as asked, a transfer."
        Post "/transfers/link", (TransferQuery) -> ([TransferSuggestion]), transfers.link(request);
    "transfers.refuse" "Say of two transactions that they are no transfer."
        Post "/transfers/refusals", (NewTransfer) -> (TransferRefusal), transfers.refuse(request);
    "transfers.remove" "Make the two sides of a transfer independent again."
        Delete "/transfers/{id}", () -> (), transfers.remove(id);

    "rules.create" "Make a rule."
        Post "/rules", (NewRule) -> (Rule), rules.create(request);
    "rules.list" "All rules, in the order in which they run."
        Get "/rules", () -> ([Rule]), rules.list();
    "rules.update" "Change a rule."
        Patch "/rules/{id}", (RulePatch) -> (Rule), rules.update(id, request);
    "rules.delete" "Remove a rule; what it set stays."
        Delete "/rules/{id}", () -> (), rules.delete(id);
    "rules.parse" "A rule read from its sentence; nothing is written."
        Post "/rules/parse", (RuleText) -> (NewRule), rules.parse(request);
    "rules.describe" "A rule as one sentence."
        Get "/rules/{id}/text", () -> (RuleText), rules.describe(id);
    "rules.backtest" "What a draft of rules would do to the history; nothing is written."
        Post "/rules/backtest", (BacktestQuery) -> (BacktestReport), rules.backtest(request);
    "rules.suggest" "Rules that a person's own choices suggest."
        Get "/rules/suggestions", (RuleSuggestionQuery) -> ([RuleSuggestion]),
        rules.suggest(request);
    "rules.apply" "Run all rules over every transaction."
        Post "/rules/apply", () -> (ApplyReport), rules.apply();

    "suggestions.list" "What the book's own past says of categories, and why."
        Post "/suggestions", (SuggestionQuery) -> (SuggestionPage), suggestions.list(request);
    "suggestions.apply" "Give transactions the category that was learned, where it is sure enough."
        Post "/suggestions/apply", (SuggestionScope) -> (SuggestionsApplied),
        suggestions.apply(request);
    "suggestions.forget" "Learn nothing of a payee any more."
        Post "/suggestions/forget", (PayeeText) -> (Book), suggestions.forget(request);
    "suggestions.remember" "Learn of a payee again."
        Post "/suggestions/remember", (PayeeText) -> (Book), suggestions.remember(request);
    "suggestions.evaluate" "How good learning is on the book's own past; nothing is written."
        Get "/suggestions/evaluation", (EvaluationQuery) -> (EvaluationReport),
        suggestions.evaluate(request);

    "budgets.create" "Make a budget."
        Post "/budgets", (NewBudget) -> (Budget), budgets.create(request);
    "budgets.list" "All budgets."
        Get "/budgets", () -> ([Budget]), budgets.list();
    "budgets.update" "Change a budget."
        Patch "/budgets/{id}", (BudgetPatch) -> (Budget), budgets.update(id, request);
    "budgets.delete" "Remove a budget."
        Delete "/budgets/{id}", () -> (), budgets.delete(id);
    "budgets.state" "How budgets stand in the period of a day."
        Get "/budgets/state", (BudgetQuery) -> ([BudgetState]), budgets.state(request);
    "budgets.history" "How a budget stands in each of its periods."
        Get "/budgets/history", (BudgetHistoryQuery) -> ([BudgetState]), budgets.history(request);
    "budgets.recommend" "What categories usually take, told from their past."
        Post "/budgets/recommendations", (RecommendationQuery) -> ([Recommendation]),
        budgets.recommend(request);

    "envelopes.state" "How all envelopes stand at the end of a month."
        Get "/envelopes/state", (EnvelopeQuery) -> (EnvelopeMonth), envelopes.state(request);
    "envelopes.assign" "Assign money to envelopes in a month."
        Post "/envelopes/assignments", (NewAssignment) -> (Assignment), envelopes.assign(request);
    "envelopes.reassign" "Move money between envelopes in a month."
        Post "/envelopes/moves", (Reassignment) -> (Assignment), envelopes.reassign(request);
    "envelopes.hold" "Hold money back in a month for the one after."
        Post "/envelopes/holds", (NewHold) -> (Assignment), envelopes.hold(request);
    "envelopes.list" "How envelopes are kept, by category."
        Get "/envelopes", () -> ([Envelope]), envelopes.list();
    "envelopes.put" "Say how an envelope is kept."
        Put "/envelopes", (NewEnvelope) -> (Envelope), envelopes.put(request);
    "envelopes.preview" "What automations would assign in a month; nothing is written."
        Post "/envelopes/preview", (AutomationQuery) -> (AutomationReport),
        envelopes.preview(request);
    "envelopes.apply" "Assign in a month what automations propose."
        Post "/envelopes/apply", (AutomationQuery) -> (AutomationReport), envelopes.apply(request);

    "schedules.create" "Make a schedule."
        Post "/schedules", (NewSchedule) -> (Schedule), schedules.create(request);
    "schedules.list" "All schedules."
        Get "/schedules", () -> ([Schedule]), schedules.list();
    "schedules.update" "Change a schedule."
        Patch "/schedules/{id}", (SchedulePatch) -> (Schedule), schedules.update(id, request);
    "schedules.delete" "Remove a schedule."
        Delete "/schedules/{id}", () -> (), schedules.delete(id);
    "schedules.detect" "Payments that recur, with their cadence and what comes next."
        Get "/schedules/streams", (StreamQuery) -> ([Stream]), schedules.detect(request);
    "schedules.accept" "Make a schedule of the stream to which a transaction belongs."
        Post "/schedules/streams/{id}/accept", () -> (Schedule), schedules.accept(id);
    "schedules.ignore" "Say of the stream to which a transaction belongs that it is none to expect."
        Post "/schedules/streams/{id}/ignore", () -> (Schedule), schedules.ignore(id);
    "schedules.occurrences" "What is expected when, and the transactions that pay it."
        Get "/schedules/occurrences", (OccurrenceQuery) -> ([Occurrence]),
        schedules.occurrences(request);

    "goals.create" "Make a goal."
        Post "/goals", (NewGoal) -> (Goal), goals.create(request);
    "goals.list" "All goals."
        Get "/goals", () -> ([Goal]), goals.list();
    "goals.update" "Change a goal."
        Patch "/goals/{id}", (GoalPatch) -> (Goal), goals.update(id, request);
    "goals.delete" "Remove a goal."
        Delete "/goals/{id}", () -> (), goals.delete(id);
    "goals.progress" "How goals stand: what is saved, planned, missing and to be expected."
        Get "/goals/progress", (GoalQuery) -> ([GoalProgress]), goals.progress(request);

    "rates.put" "Keep the rates of a day; a sheet without rates takes the day away."
        Put "/rates", (RateSheet) -> (RateSheet), rates.put(request);
    "rates.list" "The rates, oldest first."
        Get "/rates", (RateQuery) -> ([RateSheet]), rates.list(request);
    "rates.load" "Keep the rates of a file of the European Central Bank."
        Post "/rates/load", (NewRates) -> (RateReport), rates.load(request);
    "rates.convert" "An amount in another currency, and the rates used; nothing is written."
        Get "/rates/conversion", (ConversionQuery) -> (Conversion), rates.convert(request);

    "imports.create" "Import a bank's file."
        Post "/imports", (NewImport) -> (ImportReport), imports.create(request) observed;
    "imports.parse" "What a bank's file says; nothing is written."
        Post "/imports/parse", (NewImport) -> (ParsedFile), imports.parse(request);
    "imports.preview" "What importing a bank's file would do; nothing is written."
        Post "/imports/preview", (NewImport) -> (ImportPreview), imports.preview(request) observed;
    "imports.list" "All imports that brought something."
        Get "/imports", () -> ([Import]), imports.list();
    "imports.undo" "Take back a whole import."
        Delete "/imports/{id}", () -> (UndoReport), imports.undo(id);

    "layouts.put" "Keep the layout of a bank's delimited files."
        Put "/layouts", (NewLayout) -> (Layout), layouts.put(request);
    "layouts.list" "All layouts of delimited files."
        Get "/layouts", () -> ([Layout]), layouts.list();
    "layouts.delete" "Remove a layout."
        Delete "/layouts/{id}", () -> (), layouts.delete(id);

    "secrets.put" "Seal a value of the host's and keep it."
        Put "/secrets", (NewSecret) -> (SecretInfo), secrets.put(request);
    "secrets.list" "What the host keeps sealed, without its values."
        Get "/secrets", () -> ([SecretInfo]), secrets.list();
    "secrets.reveal" "Open a secret."
        Post "/secrets/reveal", (SecretName) -> (SecretValue), secrets.reveal(request);
    "secrets.delete" "Remove a secret."
        Post "/secrets/delete", (SecretName) -> (), secrets.delete(request);
    "secrets.rotate" "Move every secret to the current master key."
        Post "/secrets/rotate", () -> (SecretRotation), secrets.rotate();

    "exports.create" "The book as another program reads it."
        Get "/exports", (ExportQuery) -> (Export), exports.create(request);
    "exports.restore" "Put a JSON export into a book that holds nothing yet."
        Post "/exports/restore", (NewRestore) -> (RestoreReport), exports.restore(request);

    "reports.balances" "Balances by account and day."
        Get "/reports/balances", (BalancesQuery) -> ([Balance]), reports.balances(request);
    "reports.spending" "Spending by month and category."
        Get "/reports/spending", (SpendingQuery) -> ([Spending]), reports.spending(request);
    "reports.cash_flow" "Income, spending and what is left of it, by month."
        Get "/reports/cash-flow", (CashFlowQuery) -> ([CashFlow]), reports.cash_flow(request);
    "reports.run" "What a report comes to: any measure by any dimension, compared or not."
        Post "/reports/run", (ReportQuery) -> (ReportAnswer), reports.run(request);
    "reports.ask" "What a question in words comes to, put into a report by somebody outside."
        Post "/reports/ask", (ReportQuestion) -> (ReportAnswer), reports.ask(request);
    "reports.parse" "A report read from its sentence; nothing runs."
        Post "/reports/parse", (ReportText) -> (Report), reports.parse(request);
    "reports.describe" "A report as one sentence; nothing runs."
        Post "/reports/describe", (Report) -> (ReportText), reports.describe(request);
    "reports.top_payees" "With whom most was spent, or from whom most came."
        Get "/reports/top-payees", (TopPayeesQuery) -> ([PayeeTotal]), reports.top_payees(request);
    "reports.net_worth" "What lies in all accounts together, by month or day."
        Get "/reports/net-worth", (NetWorthQuery) -> ([NetWorth]), reports.net_worth(request);
    "reports.unusual" "Payments that are unlike the others, and why."
        Get "/reports/unusual", (UnusualQuery) -> ([Unusual]), reports.unusual(request);
    "reports.forecast" "What lies in accounts in the days to come, with an interval."
        Post "/reports/forecast", (ForecastQuery) -> (Forecast), reports.forecast(request);
    "reports.afford" "Whether an amount can be afforded on a day, and what is left."
        Post "/reports/affordable", (AffordQuery) -> (Affordable), reports.afford(request);
    "reports.forecast_backtest" "How good forecasts of this book would have been."
        Post "/reports/forecast/backtest", (ForecastBacktestQuery) -> (ForecastBacktest),
        reports.forecast_backtest(request);

    "reports.dashboard" "What a first page shows, in one call."
        Get "/reports/dashboard", (DashboardQuery) -> (Dashboard), reports.dashboard(request);

    "insights.list" "What a person should look at, what matters most first."
        Get "/insights", (InsightQuery) -> ([Insight]), insights.list(request);
    "insights.dismiss" "Dismiss a finding."
        Post "/insights/{id}/dismiss", () -> (Dismissal), insights.dismiss(id);
    "insights.restore" "Let a dismissed finding be told again."
        Post "/insights/{id}/restore", () -> (), insights.restore(id);

    "history.list" "The commits, oldest first."
        Get "/history", (HistoryQuery) -> ([Entry]), history.list(request);
    "history.object" "What happened to one object."
        Get "/history/objects/{id}", (ObjectQuery) -> ([ObjectChange]),
        history.object(id, request);
    "history.compare" "What differs between two points, object by object."
        Get "/history/comparison", (CompareQuery) -> (Comparison), history.compare(request);
    "history.undo" "Take back what a commit did."
        Post "/history/{id}/undo", (NewUndo) -> (CommitUndone), history.undo(id, request);
    "history.verify" "Check the whole history against its hashes."
        Get "/history/verification", () -> (Verification), history.verify();

    "proofs.checkpoint" "The history as it is now, in a few bytes to be kept elsewhere."
        Get "/proofs/checkpoint", () -> (Checkpoint), proofs.checkpoint();
    "proofs.inclusion" "That a commit is in the history."
        Get "/proofs/commits/{id}", (ProofQuery) -> (CommitProof), proofs.inclusion(id, request);
    "proofs.transaction" "What a transaction is, and that the history says so."
        Get "/proofs/transactions/{id}", (ProofQuery) -> (TransactionProof),
        proofs.transaction(id, request);
    "proofs.consistency" "That the history of a checkpoint begins with that of an earlier one."
        Get "/proofs/consistency", (ConsistencyQuery) -> (ConsistencyProof),
        proofs.consistency(request);
    "proofs.check" "That the history begins with that of a checkpoint that somebody holds."
        Post "/proofs/check", (HeldCheckpoint) -> (ConsistencyProof), proofs.check(request);

    "events.list" "Domain events, oldest first."
        Get "/events", (HistoryQuery) -> ([Event]), events.list(request);
    "events.delivery" "How far events have come to a sink, and what it refused too often."
        Get "/events/delivery", (DeliveryQuery) -> (EventDelivery), events.delivery(request);
    "events.redeliver" "Have an event delivered again that was set aside."
        Post "/events/redelivery", (Redelivery) -> (SetAsideEvent), events.redeliver(request);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_are_those_of_the_verbs_in_their_order() {
        let mut nouns: Vec<&str> =
            VERBS.iter().filter_map(|verb| verb.name.split('.').next()).collect();
        nouns.dedup();
        assert_eq!(nouns, NOUNS.iter().map(|noun| noun.name).collect::<Vec<_>>());
    }
}
