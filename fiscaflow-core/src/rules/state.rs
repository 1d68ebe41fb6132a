//! A transaction as the rules that ran so far leave it, without copying what they do not change.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::id::{AccountId, CategoryId, GoalId, RuleId, ScheduleId};
use crate::limits::{MAX_METADATA, MAX_NOTES_BYTES, MAX_TAGS};
use crate::model::metadata::{COUNTERPARTY_ACCOUNT, MCC, REVIEW, TRANSFER_ACCOUNT_ID};
use crate::model::{Action, Source, SourceKind, Split, Status, TextField, Transaction};

use super::evaluate::is_given_by_hand;
use super::split::split;

/// A value that rules may replace, and which rule did so last.
pub(super) struct Field<T> {
    pub(super) value: T,
    pub(super) by: Option<RuleId>,
    /// Whether no rule may replace it.
    pub(super) fixed: bool,
}

impl<T> Field<T> {
    fn new(value: T, fixed: bool) -> Self {
        Self { value, by: None, fixed }
    }

    fn set(&mut self, value: T, by: RuleId) -> bool {
        if !self.fixed {
            (self.value, self.by) = (value, Some(by));
        }
        !self.fixed
    }
}

/// What of a transaction changed that later rules look up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) payee: bool,
    pub(super) notes: bool,
    pub(super) tags: bool,
    pub(super) category: bool,
}

/// The transaction and what rules put in its place.
pub(super) struct State<'a> {
    pub(super) of: &'a Transaction,
    pub(super) payee: Field<Option<&'a str>>,
    pub(super) category: Field<Option<CategoryId>>,
    pub(super) splits: Field<Cow<'a, [Split]>>,
    pub(super) tags: Field<Cow<'a, [String]>>,
    pub(super) notes: Field<Cow<'a, str>>,
    pub(super) status: Field<Status>,
    pub(super) schedule: Field<Option<ScheduleId>>,
    pub(super) goal: Field<Option<GoalId>>,
    pub(super) review: Field<Option<&'a str>>,
    pub(super) transfer: Field<Option<AccountId>>,
}

impl<'a> State<'a> {
    /// A transaction before any rule ran. What rules made of it earlier and make anew from nothing
    /// is not seen: its category, parts and notes, where a rule gave them. Nor is a category that
    /// was learned: rules come first.
    pub(super) fn new(of: &'a Transaction) -> Self {
        let kind = |source: &Option<Source>| source.as_ref().map(|source| source.kind);
        let by_user = |source| kind(source) == Some(SourceKind::User);
        let by_rule = |source| kind(source) == Some(SourceKind::Rule);
        let anew =
            by_rule(&of.category_source) || kind(&of.category_source) == Some(SourceKind::Learned);
        let notes = of.notes.as_deref().filter(|_| !by_rule(&of.notes_source)).unwrap_or_default();
        let splits: &[Split] = if anew { &[] } else { &of.splits };
        let category_fixed = by_user(&of.category_source);
        let notes_fixed =
            by_user(&of.notes_source) || of.notes.is_some() && !by_rule(&of.notes_source);
        let status_fixed = by_user(&of.status_source)
            || (is_given_by_hand(of.status) && !by_rule(&of.status_source));
        let review = of.metadata.get(REVIEW).map(String::as_str);
        let marked = of.transfer_id.is_some() || of.metadata.contains_key(TRANSFER_ACCOUNT_ID);
        // There is room for both of the members that rules write, or for none.
        let full = of.metadata.len().saturating_add(2) > MAX_METADATA;
        Self {
            of,
            payee: Field::new(of.payee.as_deref(), by_user(&of.payee_source)),
            category: Field::new(of.category_id.filter(|_| !anew), category_fixed),
            splits: Field::new(Cow::Borrowed(splits), category_fixed),
            tags: Field::new(Cow::Borrowed(&of.tags), by_user(&of.tags_source)),
            notes: Field::new(Cow::Borrowed(notes), notes_fixed),
            status: Field::new(of.status, status_fixed),
            schedule: Field::new(of.schedule_id, by_user(&of.schedule_source)),
            goal: Field::new(of.goal_id, by_user(&of.goal_source)),
            review: Field::new(review, review.is_some() || full),
            transfer: Field::new(None, marked || full),
        }
    }

    /// A text as set so far; empty where absent, and for tags, which are several.
    pub(super) fn text(&self, field: TextField) -> &str {
        let metadata = |name| self.of.metadata.get(name).map_or("", String::as_str);
        match field {
            TextField::Description => &self.of.description,
            TextField::Payee => self.payee.value.unwrap_or_default(),
            TextField::Notes => &self.notes.value,
            TextField::Reference => self.of.reference.as_deref().unwrap_or_default(),
            TextField::CounterpartyAccount => metadata(COUNTERPARTY_ACCOUNT),
            TextField::Mcc => metadata(MCC),
            TextField::Tags | TextField::Account | TextField::Category => "",
        }
    }

    pub(super) fn tags(&self) -> &[String] {
        &self.tags.value
    }

    pub(super) fn category(&self) -> Option<CategoryId> {
        self.category.value
    }

    pub(super) fn is_split(&self) -> bool {
        !self.splits.value.is_empty()
    }

    pub(super) fn status(&self) -> Status {
        self.status.value
    }

    /// Does what a rule does. `notes` is the text of an action on notes, filled in.
    pub(super) fn act(
        &mut self,
        action: &'a Action,
        notes: Option<Cow<'a, str>>,
        by: RuleId,
        changed: &mut Changed,
    ) {
        match action {
            Action::SetCategory { category_id } => {
                // What the file or a person split keeps its parts.
                let whole = self.splits.value.is_empty() || self.splits.by.is_some();
                if whole && self.category.set(Some(*category_id), by) {
                    self.splits = Field::new(Cow::Borrowed(&[]), self.splits.fixed);
                    changed.category = true;
                }
            }
            Action::SetPayee { payee } => changed.payee |= self.payee.set(Some(payee), by),
            Action::AddTag { .. } | Action::RemoveTag { .. } | Action::SetTags { .. } => {
                changed.tags |= self.change_tags(action, by);
            }
            Action::SetNotes { .. } | Action::AppendNotes { .. } | Action::PrependNotes { .. } => {
                if let Some(text) = notes {
                    changed.notes |= self.change_notes(action, text, by);
                }
            }
            Action::SetStatus { status } => {
                if *status != Status::Void || self.of.transfer_id.is_none() {
                    self.status.set(*status, by);
                }
            }
            Action::Split { parts } => {
                let parts = if self.of.transfer_id.is_none() && self.of.counts() {
                    split(self.of.amount, parts)
                } else {
                    None
                };
                let whole = self.splits.value.is_empty() || self.splits.by.is_some();
                if let Some(parts) = parts.filter(|_| whole)
                    && self.splits.set(Cow::Owned(parts), by)
                {
                    self.category = Field::new(None, self.category.fixed);
                    changed.category = true;
                }
            }
            Action::MarkTransfer { account_id } => {
                if *account_id != self.of.account_id {
                    self.transfer.set(Some(*account_id), by);
                }
            }
            Action::LinkSchedule { schedule_id } => {
                self.schedule.set(Some(*schedule_id), by);
            }
            Action::LinkGoal { goal_id } => {
                self.goal.set(Some(*goal_id), by);
            }
            Action::Flag { reason } => {
                if self.review.value.is_none() {
                    self.review.set(Some(reason), by);
                }
            }
        }
    }

    fn change_tags(&mut self, action: &Action, by: RuleId) -> bool {
        let known = &self.tags.value;
        let tags: Vec<String> = match action {
            _ if self.tags.fixed => return false,
            Action::AddTag { tag } if known.len() < MAX_TAGS && !known.contains(tag) => {
                known.iter().chain([tag]).cloned().collect()
            }
            Action::RemoveTag { tag } if known.contains(tag) => {
                known.iter().filter(|known| *known != tag).cloned().collect()
            }
            Action::SetTags { tags } => tags.clone(),
            _ => return false,
        };
        let mut tags = tags;
        tags.sort();
        tags.dedup();
        *tags != **known && self.tags.set(Cow::Owned(tags), by)
    }

    /// A text that does not fit or is empty changes nothing, nor do lines that are there.
    fn change_notes(&mut self, action: &Action, text: Cow<'a, str>, by: RuleId) -> bool {
        let empty = self.notes.value.is_empty();
        let notes: Cow<'a, str> = match action {
            _ if text.trim().is_empty() => return false,
            // A person's notes are added to and never replaced; emptied, they stay empty.
            Action::SetNotes { .. } if self.notes.fixed => return false,
            Action::SetNotes { .. } => text,
            _ if has_lines(&self.notes.value, &text) => return false,
            _ if empty && self.notes.fixed => return false,
            _ if empty => text,
            Action::PrependNotes { .. } => Cow::Owned(format!("{text}\n{}", self.notes.value)),
            _ => Cow::Owned(format!("{}\n{text}", self.notes.value)),
        };
        if notes.len() > MAX_NOTES_BYTES || notes.contains('\0') {
            return false;
        }
        (self.notes.value, self.notes.by) = (notes, Some(by));
        true
    }

    /// The rule that has the last word on what an action is about. Category and parts are one: who
    /// gives one takes the other away.
    pub(super) fn by(&self, action: &Action) -> Option<RuleId> {
        match action {
            Action::SetCategory { .. } | Action::Split { .. } => {
                self.category.by.or(self.splits.by)
            }
            Action::SetPayee { .. } => self.payee.by,
            Action::AddTag { .. } | Action::RemoveTag { .. } | Action::SetTags { .. } => {
                self.tags.by
            }
            Action::SetNotes { .. } | Action::AppendNotes { .. } | Action::PrependNotes { .. } => {
                self.notes.by
            }
            Action::SetStatus { .. } => self.status.by,
            Action::MarkTransfer { .. } => self.transfer.by,
            Action::LinkSchedule { .. } => self.schedule.by,
            Action::LinkGoal { .. } => self.goal.by,
            Action::Flag { .. } => self.review.by,
        }
    }

    /// The rules that have the last word on a field, each once.
    pub(super) fn winners(&self) -> BTreeSet<RuleId> {
        let bys = [
            self.payee.by,
            self.category.by,
            self.splits.by,
            self.tags.by,
            self.notes.by,
            self.status.by,
            self.schedule.by,
            self.goal.by,
            self.review.by,
            self.transfer.by,
        ];
        bys.into_iter().flatten().collect()
    }

    /// The transaction as the rules leave it; `None` where they change nothing.
    pub(super) fn after(&self) -> Option<Transaction> {
        if self.winners().is_empty() {
            return None;
        }
        let mut after = self.of.clone();
        if let Some(by) = self.payee.by {
            after.payee = self.payee.value.map(str::to_owned);
            after.payee_source = Some(Source::rule(by));
        }
        if let Some(by) = self.category.by.or(self.splits.by) {
            after.category_id = self.category.value;
            after.splits = self.splits.value.to_vec();
            after.category_source = Some(Source::rule(by));
        }
        if let Some(by) = self.tags.by
            && *self.of.tags != *self.tags.value
        {
            after.tags = self.tags.value.to_vec();
            after.tags_source = Some(Source::rule(by));
        }
        if let Some(by) = self.notes.by {
            after.notes = Some(self.notes.value.to_string());
            if !self.notes.fixed {
                after.notes_source = Some(Source::rule(by));
            }
        }
        if let Some(by) = self.status.by
            && self.status.value != self.of.status
        {
            after.status = self.status.value;
            after.status_source = Some(Source::rule(by));
        }
        if let Some(by) = self.schedule.by {
            after.schedule_id = self.schedule.value;
            after.schedule_source = Some(Source::rule(by));
        }
        if let Some(by) = self.goal.by {
            after.goal_id = self.goal.value;
            after.goal_source = Some(Source::rule(by));
        }
        if let (Some(reason), Some(_)) = (self.review.value, self.review.by) {
            after.metadata.insert(REVIEW.to_owned(), reason.to_owned());
        }
        if let Some(account) = self.transfer.value {
            after.metadata.insert(TRANSFER_ACCOUNT_ID.to_owned(), account.to_string());
        }
        (after != *self.of).then_some(after)
    }
}

/// Whether the notes have that text as lines of their own, whatever ends a line.
pub(super) fn has_lines(notes: &str, text: &str) -> bool {
    let framed = |text: &str| format!("\n{}\n", text.replace('\r', ""));
    framed(notes).contains(&framed(text))
}
