//! What a book is made of.
//!
//! *Documents* (book, members, accounts, categories, payees, rules, budgets, envelopes, goals,
//! schedules, imports, alerts) are few and load whole; *transactions* are many and are rows. Every
//! type here is also the shape that crosses a language boundary: ids and amounts are strings there,
//! dates ISO 8601.

/// Shows only the named fields, so that no personal text reaches a log by way of `Debug`.
macro_rules! debug_only {
    ($name:ident: $($field:ident),*) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &self.$field))*
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use debug_only;

mod account;
mod action;
mod book;
mod budget;
mod category;
mod condition;
mod dismissal;
mod document;
mod envelope;
mod goal;
mod import;
mod layout;
pub mod metadata;
mod payee;
mod rate;
mod rule;
mod schedule;
mod secret;
mod text;
mod transaction;
mod transfer;

pub use account::{Account, AccountKind, AccountPatch, NewAccount};
pub use action::{Action, SplitPart};
pub use book::{ActorId, Book, BookPatch, CustomCurrency, Learning, Member, NewBook, Role};
pub use budget::{Alert, Budget, BudgetPatch, Carry, NewBudget, Rollover};
pub use category::{Category, CategoryKind, CategoryPatch, NewCategory};
pub use condition::{Condition, Direction, Feature, TextField, TextOp, Weekday};
pub use dismissal::Dismissal;
pub use document::{Document, DocumentKind};
pub use envelope::{
    Assigned, Assignment, Automation, AutomationRule, Envelope, NewAssigned, NewAssignment,
    NewEnvelope, NewHold, Reassignment,
};
pub use goal::{Goal, GoalFunding, GoalPatch, GoalState, Milestone, NewGoal};
pub use import::Import;
pub use layout::{Layout, NewLayout};
pub use payee::{NewPayee, Payee};
pub use rate::{DatedRate, QuotedRate, RateSheet};
pub use rule::{NewRule, Rule, RulePatch, Stage};
pub use schedule::{NewSchedule, Schedule, SchedulePatch};
pub use secret::{NewSecret, Secret, SecretInfo, SecretName, SecretRotation, SecretValue};
pub(crate) use text::{check_list, check_name, check_optional, check_text};
pub use transaction::{
    Attachment, ClearField, NewSplit, NewTransaction, Origin, Source, SourceKind, Split, Status,
    Transaction, TransactionPatch,
};
pub use transfer::TransferRefusal;
