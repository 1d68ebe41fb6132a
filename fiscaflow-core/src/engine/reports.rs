//! Figures, computed over the view.

use super::noun;
use crate::analytics::{Balance, BalancesQuery, Spending, SpendingQuery, balances, spending};
use crate::error::Result;
use crate::model::Role;

noun! {
    /// Figures.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::analytics::{BalancesQuery, SpendingQuery};
    ///
    /// let from = Some("2026-01".parse()?);
    /// let this_year = SpendingQuery { from, ..SpendingQuery::default() };
    /// for row in book.reports().spending(this_year).await? {
    ///     println!("{} {:?} {}", row.month, row.category_id, row.spent);
    /// }
    /// for row in book.reports().balances(BalancesQuery::default()).await? {
    ///     println!("{} {}", row.account_id, row.balance);
    /// }
    /// # Ok(()) }
    /// ```
    Reports
}

impl Reports<'_> {
    /// Balances by account and day.
    pub async fn balances(&self, query: BalancesQuery) -> Result<Vec<Balance>> {
        self.book.authorised(Role::Viewer).await?;
        let (state, view) = self.book.engine.state_with_view(self.book.book_id).await?;
        balances(&state.plan, &view, &query)
    }

    /// Spending by month and category.
    pub async fn spending(&self, query: SpendingQuery) -> Result<Vec<Spending>> {
        self.book.authorised(Role::Viewer).await?;
        let (state, view) = self.book.engine.state_with_view(self.book.book_id).await?;
        spending(&state.plan, &view, &query)
    }
}
