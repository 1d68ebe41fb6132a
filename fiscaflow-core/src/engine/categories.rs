//! Categories.

use serde::Serialize;

use super::noun;
use super::run::{Command, Decision, Facts};
use crate::error::{Error, ErrorCode, Result};
use crate::id::CategoryId;
use crate::limits::MAX_DOCUMENTS;
use crate::log::Change;
use crate::model::{Category, CategoryPatch, NewCategory, Role, check_name};
use crate::plan::Plan;

noun! {
    /// What money is for.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::model::NewCategory;
    ///
    /// let food = NewCategory { name: "Food".into(), ..NewCategory::default() };
    /// let food = book.categories().create(food).await?;
    /// // A child is of its parent's kind, and counts where its parent does.
    /// let cafes = NewCategory {
    ///     name: "Cafés".into(),
    ///     parent_id: Some(food.id),
    ///     ..NewCategory::default()
    /// };
    /// book.categories().create(cafes).await?;
    /// # Ok(()) }
    /// ```
    Categories
}

impl Categories<'_> {
    /// Makes a category. A repeat with the same id and content returns the one that is there.
    pub async fn create(&self, new: NewCategory) -> Result<Category> {
        self.book.run(&new).await
    }

    /// All categories, by id.
    pub async fn list(&self) -> Result<Vec<Category>> {
        let state = self.book.authorised(Role::Viewer).await?;
        Ok(state.plan.categories.values().cloned().collect())
    }

    /// Renames or moves a category. Budgets count it where it lies then, and announce what they
    /// reach by that.
    pub async fn update(&self, id: CategoryId, patch: CategoryPatch) -> Result<Category> {
        self.book.run(&UpdateCategory { id, patch }).await
    }
}

impl Command for NewCategory {
    type Answer = Category;
    const VERB: &'static str = "categories.create";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Category>> {
        let parent = self.parent_id.map(|id| facts.plan.category(id)).transpose();
        let parent = parent.map_err(|error| error.field("parent_id"))?;
        let inherited = parent.map(|parent| parent.kind);
        let category = Category {
            id: self.id.unwrap_or_else(|| CategoryId::new(facts.uuid())),
            name: self.name.clone(),
            kind: self.kind.or(inherited).unwrap_or_default(),
            parent_id: self.parent_id,
        };
        if let Some(existing) = facts.plan.categories.get(&category.id) {
            if *existing == category {
                return Ok(Decision::unchanged(category));
            }
            let text = "the category id is taken";
            return Err(Error::new(ErrorCode::IdConflict, text).field("id").id(category.id));
        }
        if facts.plan.categories.len() >= MAX_DOCUMENTS {
            return Err(Error::new(ErrorCode::LimitExceeded, "the book has too many categories"));
        }
        check_category(&category, facts.plan)?;
        let aggregate = ("category", category.id.to_string());
        let event = facts.event("ledger.category.created", aggregate, &[]);
        Ok(Decision::one(Change::create(category.clone()), event, category))
    }
}

#[derive(Serialize)]
struct UpdateCategory {
    id: CategoryId,
    patch: CategoryPatch,
}

impl Command for UpdateCategory {
    type Answer = Category;
    const VERB: &'static str = "categories.update";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Category>> {
        let before = facts.plan.category(self.id)?.clone();
        let mut category = before.clone();
        if let Some(name) = &self.patch.name {
            category.name.clone_from(name);
        }
        match (self.patch.parent_id, self.patch.to_top) {
            (Some(_), true) => {
                return Err(Error::invalid("to_top", "`parent_id` and `to_top` contradict"));
            }
            (Some(parent), false) => category.parent_id = Some(parent),
            (None, true) => category.parent_id = None,
            (None, false) => {}
        }
        if category == before {
            return Ok(Decision::unchanged(category));
        }
        check_category(&category, facts.plan)?;
        let aggregate = ("category", category.id.to_string());
        let event = facts.event("ledger.category.updated", aggregate, &[]);
        Ok(Decision::one(Change::update(before, category.clone()), event, category))
    }
}

pub(super) fn check_category(category: &Category, plan: &Plan) -> Result<()> {
    check_name("name", &category.name)?;
    if let Some(parent_id) = category.parent_id {
        let parent = plan.category(parent_id).map_err(|error| error.field("parent_id"))?;
        if plan.is_within(parent_id, category.id) {
            let text = "a category cannot lie below itself";
            return Err(Error::new(ErrorCode::CategoryCycle, text).field("parent_id"));
        }
        if parent.kind != category.kind {
            return Err(Error::invalid("kind", "a category is of its parent's kind"));
        }
    }
    let mut siblings = plan
        .categories
        .values()
        .filter(|other| other.id != category.id && other.parent_id == category.parent_id);
    if siblings.any(|sibling| sibling.name == category.name) {
        return Err(Error::new(ErrorCode::NameTaken, "a sibling has that name").field("name"));
    }
    Ok(())
}
