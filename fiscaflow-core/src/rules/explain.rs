//! Why a transaction's derived fields are what they are.

use serde::{Deserialize, Serialize};

use super::evaluate::is_given_by_hand;
use super::{Facts, Outcome, RuleSet, Run};
use crate::error::Result;
use crate::id::TransactionId;
use crate::learn::Spoke;
use crate::limits::MAX_TAGS;
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
    for tag in &transaction.tags {
        all.settle_tag(tag, transaction.tags_source.as_ref());
    }
    // What has no source came with the transaction: from the bank, or from who recorded it.
    let came = if transaction.origins.is_empty() { Source::user() } else { Source::provider() };
    let payee = transaction.payee.as_deref();
    for (field, value) in [(field, value.as_deref()), ("payee", payee), ("status", Some(status))] {
        all.settle_rest(field, value, &came);
    }
    all.settle_member("review", transaction.metadata.get(REVIEW));
    all.settle_member("transfer", transaction.metadata.get(TRANSFER_ACCOUNT_ID));
    all.finish(transaction);
    Ok(Explanation { transaction_id: transaction.id, candidates: all.all })
}

/// What each rule that applied proposes.
fn proposals(transaction: &Transaction, outcome: &Outcome<'_>) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for step in &outcome.steps {
        for action in step.actions {
            let (field, value) = match action {
                Action::SetCategory { category_id } => ("category", category_id.to_string()),
                Action::SetPayee { payee } => ("payee", payee.clone()),
                Action::AddTag { tag } => ("tags", tag.clone()),
                Action::SetTags { tags } => {
                    let tag = |tag: &String| candidate("tags", tag.clone(), step.rule_id);
                    candidates.extend(tags.iter().map(tag));
                    continue;
                }
                Action::RemoveTag { .. } => continue,
                Action::SetNotes { .. }
                | Action::AppendNotes { .. }
                | Action::PrependNotes { .. } => {
                    let by = outcome.state.notes.by == Some(step.rule_id);
                    (
                        "notes",
                        if by { outcome.state.notes.value.to_string() } else { String::new() },
                    )
                }
                Action::SetStatus { status } => ("status", status_name(*status).to_owned()),
                Action::Split { parts } => {
                    let parts = super::split::split(transaction.amount, parts);
                    ("splits", parts.map(|parts| amounts(&parts)).unwrap_or_default())
                }
                Action::MarkTransfer { account_id } => ("transfer", account_id.to_string()),
                Action::LinkSchedule { schedule_id } => ("schedule", schedule_id.to_string()),
                Action::LinkGoal { goal_id } => ("goal", goal_id.to_string()),
                Action::Flag { reason } => ("review", reason.clone()),
            };
            candidates.push(candidate(field, value, step.rule_id));
        }
    }
    candidates
}

fn candidate(field: &str, value: String, rule: crate::id::RuleId) -> Candidate {
    let source = Source::rule(rule);
    Candidate {
        field: field.to_owned(),
        value,
        source,
        won: false,
        why: String::new(),
        evidence: Vec::new(),
    }
}

fn amounts(splits: &[Split]) -> String {
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

/// Why a rule has no say though it would come first.
const NOT_APPLIED: &str = "the rules have not been applied since";

struct Candidates {
    all: Vec<Candidate>,
}

impl Candidates {
    /// Marks the winner of a field and says of the others why they lost.
    fn settle(&mut self, field: &str, value: Option<&str>, source: Option<&Source>) {
        let Some(source) = source else { return };
        let value = value.unwrap_or_default();
        let proposes = |it: &Candidate| it.field == field && it.value == value;
        let by = |it: &Candidate| proposes(it) && it.source == *source;
        let winner = self.all.iter().rposition(by).unwrap_or_else(|| {
            self.add(field, value, source);
            self.all.len().saturating_sub(1)
        });
        for (place, candidate) in self.all.iter_mut().enumerate() {
            if candidate.field != field {
                continue;
            }
            candidate.won = place == winner;
            candidate.why = if candidate.won {
                format!("set by the {}", who(source))
            } else if candidate.source.kind == SourceKind::Learned
                && source.kind <= SourceKind::Learned
            {
                // It says itself why it has not been set.
                continue;
            } else if candidate.source.kind < source.kind {
                format!("a {} yields to the {}", who(&candidate.source), who(source))
            } else if candidate.source.kind == source.kind {
                "a later rule wins".to_owned()
            } else {
                NOT_APPLIED.to_owned()
            };
        }
    }

    /// Marks the value of a field of which no source is recorded as the winner.
    fn settle_rest(&mut self, field: &str, value: Option<&str>, source: &Source) {
        let Some(value) = value else { return };
        if self.all.iter().any(|candidate| candidate.field == field && candidate.won) {
            return;
        }
        self.add(field, value, source);
        if let Some(candidate) = self.all.last_mut() {
            candidate.won = true;
            candidate.why = format!("it came so from the {}", who(source));
        }
    }

    fn add(&mut self, field: &str, value: &str, source: &Source) {
        self.all.push(Candidate {
            field: field.to_owned(),
            value: value.to_owned(),
            source: source.clone(),
            won: false,
            why: String::new(),
            evidence: Vec::new(),
        });
    }

    fn settle_tag(&mut self, tag: &str, source: Option<&Source>) {
        let Some(source) = source else { return };
        let proposed = |it: &Candidate| it.field == "tags" && it.value == tag;
        if !self.all.iter().any(proposed) {
            self.add("tags", tag, source);
        }
        if let Some(candidate) = self.all.iter_mut().find(|it| proposed(it)) {
            candidate.won = true;
            candidate.why = format!("set by the {}", who(&candidate.source));
        }
    }

    /// Marks who wrote a member of the metadata, which stays until a person changes it.
    fn settle_member(&mut self, field: &str, value: Option<&String>) {
        let Some(value) = value else { return };
        let mut winner = false;
        for candidate in self.all.iter_mut().filter(|candidate| candidate.field == field) {
            candidate.won = !winner && candidate.value == *value;
            winner |= candidate.won;
            candidate.why = if candidate.won {
                "set by the rule".to_owned()
            } else {
                "what stands there stays until a person changes it".to_owned()
            };
        }
    }

    fn finish(&mut self, transaction: &Transaction) {
        for candidate in self.all.iter_mut().filter(|candidate| candidate.why.is_empty()) {
            let full = candidate.field == "tags" && transaction.tags.len() >= MAX_TAGS;
            let by_person =
                transaction.tags_source.as_ref().is_some_and(|it| it.kind == SourceKind::User);
            candidate.why = match candidate.field.as_str() {
                "tags" if by_person => "a rule yields to the user".to_owned(),
                _ if full => format!("a transaction has at most {MAX_TAGS} tags"),
                "category" if !transaction.splits.is_empty() => {
                    "the transaction is split: its parts have the categories".to_owned()
                }
                "splits" if transaction.category_id.is_some() => {
                    "the transaction is in one category as a whole".to_owned()
                }
                "status" if is_given_by_hand(transaction.status) => {
                    "a status that a person gave stays".to_owned()
                }
                "status" => NOT_APPLIED.to_owned(),
                "notes" => "a person's notes stay".to_owned(),
                _ => "the field was changed afterwards".to_owned(),
            };
        }
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
