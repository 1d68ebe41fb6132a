//! Why a transaction's derived fields are what they are.

use serde::{Deserialize, Serialize};

use super::{Facts, RuleSet};
use crate::id::TransactionId;
use crate::limits::MAX_TAGS;
use crate::model::{Action, Source, Transaction};

/// One value that was proposed for a field.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Candidate {
    /// The field: `category`, `payee` or `tags`.
    pub field: String,
    /// The proposed value; a category by its id.
    pub value: String,
    /// Who proposes it.
    pub source: Source,
    /// Whether it is the field's value now.
    pub won: bool,
    /// Why it won or lost.
    pub why: String,
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

/// Explains a transaction as it stands, with the rules as they are now.
pub fn explain(transaction: &Transaction, rules: &RuleSet) -> Explanation {
    let outcome = rules.evaluate(Facts::from(transaction));
    let mut candidates = Vec::new();
    for step in &outcome.steps {
        for action in &step.actions {
            let (field, value) = match action {
                Action::SetCategory { category_id } => ("category", category_id.to_string()),
                Action::SetPayee { payee } => ("payee", payee.clone()),
                Action::AddTag { tag } => ("tags", tag.clone()),
            };
            candidates.push(Candidate {
                field: field.to_owned(),
                value,
                source: Source::rule(step.rule_id),
                won: false,
                why: String::new(),
            });
        }
    }
    let category = transaction.category_id.map(|id| id.to_string());
    let category_source = transaction.category_source.as_ref();
    settle(&mut candidates, "category", category.as_deref(), category_source);
    let payee_source = transaction.payee_source.as_ref();
    settle(&mut candidates, "payee", transaction.payee.as_deref(), payee_source);
    for tag in &transaction.tags {
        settle_tag(&mut candidates, tag, transaction.tags_source.as_ref());
    }
    for candidate in candidates.iter_mut().filter(|candidate| candidate.why.is_empty()) {
        let full = candidate.field == "tags" && transaction.tags.len() >= MAX_TAGS;
        candidate.why = if full {
            format!("a transaction has at most {MAX_TAGS} tags")
        } else {
            "the field was changed afterwards".to_owned()
        };
    }
    Explanation { transaction_id: transaction.id, candidates }
}

/// Marks the winner of a field and says of the others why they lost.
fn settle(
    candidates: &mut Vec<Candidate>,
    field: &str,
    value: Option<&str>,
    source: Option<&Source>,
) {
    let Some(source) = source else { return };
    let value = value.unwrap_or_default();
    let proposes = |candidate: &Candidate| {
        candidate.field == field && candidate.value == value && candidate.source == *source
    };
    let winner = match candidates.iter().rposition(proposes) {
        Some(winner) => winner,
        None => {
            candidates.push(Candidate {
                field: field.to_owned(),
                value: value.to_owned(),
                source: source.clone(),
                won: false,
                why: String::new(),
            });
            candidates.len().saturating_sub(1)
        }
    };
    for (place, candidate) in candidates.iter_mut().enumerate() {
        if candidate.field != field {
            continue;
        }
        candidate.won = place == winner;
        candidate.why = if candidate.won {
            format!("set by the {}", who(source))
        } else if candidate.source.kind < source.kind {
            format!("a {} yields to the {}", who(&candidate.source), who(source))
        } else {
            "a later rule wins".to_owned()
        };
    }
}

fn settle_tag(candidates: &mut Vec<Candidate>, tag: &str, source: Option<&Source>) {
    let Some(source) = source else { return };
    let proposed =
        candidates.iter_mut().find(|candidate| candidate.field == "tags" && candidate.value == tag);
    let why = format!("set by the {}", who(source));
    match proposed {
        Some(candidate) => {
            candidate.won = true;
            candidate.why = format!("set by the {}", who(&candidate.source));
        }
        None => candidates.push(Candidate {
            field: "tags".to_owned(),
            value: tag.to_owned(),
            source: source.clone(),
            won: true,
            why,
        }),
    }
}

fn who(source: &Source) -> &'static str {
    match source.kind {
        crate::model::SourceKind::Provider => "provider",
        crate::model::SourceKind::Learned => "learned model",
        crate::model::SourceKind::Rule => "rule",
        crate::model::SourceKind::User => "user",
    }
}
