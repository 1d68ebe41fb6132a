//! How a book itself calls payees, and which of them it does not learn from.

use std::collections::{HashMap, HashSet};

use crate::id::PayeeId;
use crate::model::Payee;
use crate::normalise::normalise;
use crate::plan::Plan;
use crate::store::fold;

/// A book's own names of payees.
#[derive(Clone, Default)]
pub(crate) struct Names {
    /// Payees by their folded spellings, as they stand and without noise.
    known: HashMap<String, (PayeeId, String)>,
    /// The folded names that are not learned from.
    forgotten: HashSet<String>,
}
crate::model::debug_only!(Names:);

impl Names {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut known = HashMap::new();
        let spellings = |payee: &Payee| {
            std::iter::once(&payee.name).chain(&payee.aliases).cloned().collect::<Vec<String>>()
        };
        let all = || {
            plan.payees.values().flat_map(|payee| {
                spellings(payee).into_iter().map(move |it| (it, (payee.id, payee.name.clone())))
            })
        };
        // A spelling as it stands comes before what is left of another one.
        for (spelling, payee) in all() {
            known.entry(fold(spelling.trim())).or_insert(payee);
        }
        for (spelling, payee) in all() {
            known.entry(fold(&normalise(&spelling).name)).or_insert(payee);
        }
        let mut names = Self { known, forgotten: HashSet::new() };
        let forgotten = plan.book.learning.forgotten.iter().map(|text| fold(&names.name(text)));
        names.forgotten = forgotten.collect();
        names
    }

    /// The payee of the book that a text means: by its spelling, else by what is left of it when
    /// noise is cut.
    pub(crate) fn known(&self, text: &str) -> Option<&(PayeeId, String)> {
        if self.known.is_empty() {
            return None;
        }
        let spelled = self.known.get(&fold(text.trim()));
        spelled.or_else(|| self.known.get(&fold(&normalise(text).name)))
    }

    /// The payee's name: the book's own, else what is left when noise is cut.
    pub(crate) fn name(&self, text: &str) -> String {
        self.known(text).map_or_else(|| normalise(text).name, |(_, name)| name.clone())
    }

    /// Whether nothing is learned from the payee.
    pub(crate) fn forgets(&self, text: &str) -> bool {
        !self.forgotten.is_empty() && self.forgotten.contains(&fold(&self.name(text)))
    }
}
