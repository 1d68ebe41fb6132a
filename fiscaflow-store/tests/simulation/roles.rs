//! Who may do what, said once more: the engine's answers are held to this.

use fiscaflow_core::model::Role;

/// Verbs that change nothing although they are asked for like those that do.
const READS: [&str; 25] = [
    "budgets.history",
    "budgets.recommend",
    "budgets.state",
    "envelopes.preview",
    "envelopes.state",
    "events.delivery",
    "events.list",
    "exports.create",
    "goals.progress",
    "history.list",
    "history.object",
    "history.verify",
    "insights.list",
    "members.personal_data",
    "reports.balances",
    "reports.cash_flow",
    "reports.net_worth",
    "reports.spending",
    "reports.top_payees",
    "schedules.detect",
    "schedules.occurrences",
    "suggestions.list",
    "transactions.explain",
    "transactions.get",
    "transfers.suggest",
];

/// The role that a verb takes.
pub fn role_for(verb: &str) -> Role {
    let owner = [
        "books.erase_texts",
        "books.restate",
        "books.seal",
        "books.update",
        "events.redeliver",
        "members.erase",
        "members.put",
        "members.remove",
    ];
    if owner.contains(&verb) {
        return Role::Owner;
    }
    if READS.contains(&verb) || verb.ends_with(".list") {
        return Role::Viewer;
    }
    Role::Member
}
