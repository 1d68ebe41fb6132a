//! Layouts of delimited files.

use serde::Serialize;

use super::noun;
use super::run::{Command, Decision, Facts};
use crate::error::{Error, ErrorCode, Result};
use crate::id::LayoutId;
use crate::limits::MAX_DOCUMENTS;
use crate::log::Change;
use crate::model::{Layout, NewLayout, Role, check_name};

noun! {
    /// What is known of the banks' delimited files.
    Layouts
}

impl Layouts<'_> {
    /// Keeps a layout; one with the same id, or of the same account, is replaced.
    pub async fn put(&self, new: NewLayout) -> Result<Layout> {
        self.book.run(&new).await
    }

    /// All layouts, by id.
    pub async fn list(&self) -> Result<Vec<Layout>> {
        let state = self.book.authorised(Role::Viewer).await?;
        Ok(state.plan.layouts.values().cloned().collect())
    }

    /// Removes a layout. One that is not there is no error.
    pub async fn delete(&self, id: LayoutId) -> Result<()> {
        self.book.run(&DeleteLayout { id }).await
    }
}

impl Command for NewLayout {
    type Answer = Layout;
    const VERB: &'static str = "layouts.put";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Layout>> {
        if let Some(id) = self.account_id {
            facts.plan.account(id).map_err(|error| error.field("account_id"))?;
        }
        let layouts = &facts.plan.layouts;
        let of_account =
            layouts.values().find(|it| it.account_id.is_some() && it.account_id == self.account_id);
        let id = self.id.or(of_account.map(|it| it.id));
        let before = id.and_then(|id| layouts.get(&id));
        let layout = Layout {
            id: id.unwrap_or_else(|| LayoutId::new(facts.uuid())),
            name: self.name.clone(),
            account_id: self.account_id,
            csv: self.csv.clone(),
        };
        check_layout(&layout)?;
        if before == Some(&layout) {
            return Ok(Decision::unchanged(layout));
        }
        if before.is_none() && layouts.len() >= MAX_DOCUMENTS {
            return Err(Error::new(ErrorCode::LimitExceeded, "the book has too many layouts"));
        }
        let mut changes = vec![match before {
            Some(before) => Change::update(before.clone(), layout.clone()),
            None => Change::create(layout.clone()),
        }];
        let replaced = of_account.filter(|it| it.id != layout.id);
        changes.extend(replaced.cloned().map(Change::remove));
        let aggregate = ("layout", layout.id.to_string());
        let event = facts.event("imports.layout.changed", aggregate, &[]);
        Ok(Decision { changes, events: vec![event], answer: layout })
    }
}

/// Refuses a layout without a name, and one by which no file could be read.
pub(super) fn check_layout(layout: &Layout) -> Result<()> {
    check_name("name", &layout.name)?;
    layout.csv.validate()
}

#[derive(Serialize)]
struct DeleteLayout {
    id: LayoutId,
}

impl Command for DeleteLayout {
    type Answer = ();
    const VERB: &'static str = "layouts.delete";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<()>> {
        let Some(layout) = facts.plan.layouts.get(&self.id) else {
            return Ok(Decision::unchanged(()));
        };
        let aggregate = ("layout", self.id.to_string());
        let event = facts.event("imports.layout.deleted", aggregate, &[]);
        Ok(Decision::one(Change::remove(layout.clone()), event, ()))
    }
}
