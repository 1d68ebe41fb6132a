//! Why a transaction's derived fields are what they are.

use serde::{Deserialize, Serialize};

use super::lost::{Proposal, THERE};
use super::{Facts, Outcome, RuleSet, Run};
use crate::error::Result;
use crate::id::{RuleId, TransactionId};
use crate::learn::Spoke;
use crate::model::metadata::{REVIEW, TRANSFER_ACCOUNT_ID};
use crate::model::{Action, Source, SourceKind, Split, Status, Transaction};

/// One value that was proposed for a field.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Candidate {
    /// The field: `category`, `payee`, `tags`, `notes`, `status`, `splits`, `schedule`, `goal`,
    /// `review` or `transfer`.
    pub field: String,
    /// The proposed value; a category, schedule or goal by its id, parts by their amounts.
    pub value: String,
    /// Who proposes it.
    pub source: Source,
    /// Whether it is the field's value now.
    pub won: bool,
    /// Why it won or lost.
    pub why: String,
    /// What speaks for it now, loudest first, where it was learned.
    #[serde(default)]
    pub evidence: Vec<Spoke>,
}
crate::model::debug_only!(Candidate: field, source, won);

/// Every derived field of a transaction: what it is and who proposed what, in the order in which
/// the proposals were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Explanation {
    /// The transaction.
    pub transaction_id: TransactionId,
    /// The proposals. Each field that has a value has exactly one winner, each tag likewise.
    pub candidates: Vec<Candidate>,
}

/// Explains a transaction as it stands, with the rules as they are now and what was learned.
pub fn explain(facts: Facts<'_>, rules: &RuleSet, learned: Vec<Candidate>) -> Result<Explanation> {
    let transaction = facts.transaction();
    let outcome = rules.evaluate(facts, &mut Run::over(1))?;
    let mut all = Candidates { all: proposals(transaction, &outcome) };
    all.all.extend(learned);
    let category = transaction.category_id.map(|id| id.to_string());
    let split = !transaction.splits.is_empty();
    let (field, value) =
        if split { ("splits", Some(amounts(&transaction.splits))) } else { ("category", category) };
    all.settle(field, value.as_deref(), transaction.category_source.as_ref());
    all.settle("payee", transaction.payee.as_deref(), transaction.payee_source.as_ref());
    let user = transaction.notes.is_some().then(Source::user);
    let by = transaction.notes_source.as_ref().or(user.as_ref());
    all.settle("notes", transaction.notes.as_deref(), by);
    let status = status_name(transaction.status);
    all.settle("status", Some(status), transaction.status_source.as_ref());
    let schedule = transaction.schedule_id.map(|id| id.to_string());
    all.settle("schedule", schedule.as_deref(), transaction.schedule_source.as_ref());
    let goal = transaction.goal_id.map(|id| id.to_string());
    all.settle("goal", goal.as_deref(), transaction.goal_source.as_ref());
    // What has no source came with the transaction: from the bank, or from who recorded it.
    let came = if transaction.origins.is_empty() { Source::user() } else { Source::provider() };
    for tag in &transaction.tags {
        all.settle_tag(tag, transaction.tags_source.as_ref(), &came);
    }
    let payee = transaction.payee.as_deref();
    for (field, value) in [(field, value.as_deref()), ("payee", payee), ("status", Some(status))] {
        all.settle_rest(field, value, &came);
    }
    all.settle_member("review", transaction.metadata.get(REVIEW));
    all.settle_member("transfer", transaction.metadata.get(TRANSFER_ACCOUNT_ID));
    Ok(Explanation { transaction_id: transaction.id, candidates: all.all })
}

/// What each rule that applied proposes, and why that is not there, where it is not.
fn proposals(transaction: &Transaction, outcome: &Outcome<'_>) -> Vec<Candidate> {
    let state = &outcome.state;
    let on_notes = |(rule, action, _): &(RuleId, &Action, &str)| {
        action.notes().is_some() && state.notes.by == Some(*rule)
    };
    let last_on_notes = outcome.acts().filter(on_notes).count();
    let (mut candidates, mut seen) = (Vec::new(), 0);
    for (rule, action, text) in outcome.acts() {
        seen += usize::from(on_notes(&(rule, action, text)));
        let is_last = seen == last_on_notes && on_notes(&(rule, action, text));
        let mut add = |field: &str, value: String| {
            let proposal = Proposal { rule, action, value: &value, is_last };
            let why = proposal.lost(transaction, state);
            candidates.push(candidate(field, value, Source::rule(rule), why));
        };
        match action {
            Action::SetCategory { category_id } => add("category", category_id.to_string()),
            Action::SetPayee { payee } => add("payee", payee.clone()),
            Action::AddTag { tag } => add("tags", tag.clone()),
            Action::SetTags { tags } => tags.iter().for_each(|tag| add("tags", tag.clone())),
            Action::RemoveTag { .. } => {}
            Action::SetNotes { .. } | Action::AppendNotes { .. } | Action::PrependNotes { .. } => {
                add("notes", if is_last { state.notes.value.to_string() } else { text.to_owned() });
            }
            Action::SetStatus { status } => add("status", status_name(*status).to_owned()),
            Action::Split { parts } => {
                let parts = super::split::split(transaction.amount, parts);
                add("splits", parts.map(|parts| amounts(&parts)).unwrap_or_default());
            }
            Action::MarkTransfer { account_id } => add("transfer", account_id.to_string()),
            Action::LinkSchedule { schedule_id } => add("schedule", schedule_id.to_string()),
            Action::LinkGoal { goal_id } => add("goal", goal_id.to_string()),
            Action::Flag { reason } => add("review", reason.clone()),
        }
    }
    candidates
}

fn candidate(field: &str, value: String, source: Source, why: String) -> Candidate {
    Candidate { field: field.to_owned(), value, source, won: false, why, evidence: Vec::new() }
}

pub(super) fn amounts(splits: &[Split]) -> String {
    let amounts: Vec<String> = splits.iter().map(|it| it.amount.amount().to_string()).collect();
    amounts.join(" ")
}

pub(super) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::Posted => "posted",
        Status::Reconciled => "reconciled",
        Status::Void => "void",
        Status::Disputed => "disputed",
    }
}

struct Candidates {
    all: Vec<Candidate>,
}

impl Candidates {
    /// Marks the winner of a field. A rule that lost says itself why, and so does what was learned
    /// but has not been set.
    fn settle(&mut self, field: &str, value: Option<&str>, source: Option<&Source>) {
        let Some(source) = source else { return };
        let value = value.unwrap_or_default();
        let by = |it: &Candidate| it.field == field && it.value == value && it.source == *source;
        if !self.all.iter().any(by) {
            self.add(field, value, source);
        }
        let mut won = false;
        for candidate in self.all.iter_mut().rev().filter(|it| it.field == field) {
            let kind = candidate.source.kind;
            if by(candidate) {
                candidate.won = !won;
                candidate.why =
                    if won { THERE.to_owned() } else { format!("set by the {}", who(source)) };
                won = true;
            } else if kind == SourceKind::Learned && kind < source.kind {
                candidate.why =
                    format!("a {} yields to the {}", who(&candidate.source), who(source));
            }
        }
    }

    /// Marks the value of a field of which no source is recorded as the winner.
    fn settle_rest(&mut self, field: &str, value: Option<&str>, source: &Source) {
        let Some(value) = value else { return };
        if !self.all.iter().any(|candidate| candidate.field == field && candidate.won) {
            self.win(field, value, source, format!("it came so from the {}", who(source)));
        }
    }

    /// Marks who gave a tag. Of several rules that give it nobody knows which one did.
    fn settle_tag(&mut self, tag: &str, source: Option<&Source>, came: &Source) {
        let Some(source) = source else {
            return self.win("tags", tag, came, format!("it came so from the {}", who(came)));
        };
        let by_rule = source.kind == SourceKind::Rule;
        let given = |it: &&mut Candidate| by_rule && it.field == "tags" && it.value == tag;
        if let Some(candidate) = self.all.iter_mut().find(given) {
            candidate.won = true;
            let known = candidate.source == *source;
            candidate.why = if known { "set by the rule" } else { "the rule gives it" }.to_owned();
        } else if by_rule {
            self.win("tags", tag, source, "the rule set the tags last".to_owned());
        } else {
            self.win("tags", tag, source, format!("set by the {}", who(source)));
        }
    }

    /// Marks the value of a member of the metadata as the winner. It stays until a person changes
    /// it, and who wrote it is not recorded.
    fn settle_member(&mut self, field: &str, value: Option<&String>) {
        let Some(value) = value else { return };
        let said = |it: &&mut Candidate| it.field == field && it.value == *value;
        if let Some(candidate) = self.all.iter_mut().find(said) {
            candidate.won = true;
            candidate.why = "it is as the rule says; who wrote it is not recorded".to_owned();
            return;
        }
        let why = if value.is_empty() {
            "emptied by the user"
        } else {
            "written by the user, or by a rule that no longer says so; which is not recorded"
        };
        self.win(field, value, &Source::user(), why.to_owned());
    }

    fn add(&mut self, field: &str, value: &str, source: &Source) {
        self.all.push(candidate(field, value.to_owned(), source.clone(), String::new()));
    }

    fn win(&mut self, field: &str, value: &str, source: &Source, why: String) {
        let winner = candidate(field, value.to_owned(), source.clone(), why);
        self.all.push(Candidate { won: true, ..winner });
    }
}

fn who(source: &Source) -> &'static str {
    match source.kind {
        SourceKind::Provider => "provider",
        SourceKind::Learned => "learned model",
        SourceKind::Rule => "rule",
        SourceKind::User => "user",
    }
}
