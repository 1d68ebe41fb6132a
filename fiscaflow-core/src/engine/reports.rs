//! Figures, computed over the view.

use std::sync::Arc;

use chrono::NaiveDate;

use super::budgets::today;
use super::{Engine, noun};
use crate::analytics::{
    Balance, BalancesQuery, CashFlow, CashFlowQuery, Dashboard, DashboardQuery, NetWorth,
    NetWorthQuery, PayeeTotal, Spending, SpendingQuery, TopPayeesQuery, Unusual, UnusualQuery,
    balances, cash_flow, dashboard, net_worth, spending, top_payees, unusual,
};
use crate::error::{Error, ErrorCode, Result};
use crate::forecast::{
    AffordQuery, Affordable, Forecast, ForecastBacktest, ForecastBacktestQuery, ForecastQuery,
    afford, backtest, forecast,
};
use crate::model::Role;
use crate::plan::Plan;
use crate::query::{
    self, Report, ReportAnswer, ReportQuery, ReportQuestion, ReportText, Translator,
};
use crate::view::View;

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

impl Engine {
    /// The same engine with somebody outside who puts questions in words into reports. The
    /// questions and the names of accounts and categories then leave the house.
    #[must_use]
    pub fn with_translator(self, translator: Arc<dyn Translator>) -> Self {
        Self { translator: Some(translator), ..self }
    }
}

impl Reports<'_> {
    /// Balances by account and day.
    pub async fn balances(&self, query: BalancesQuery) -> Result<Vec<Balance>> {
        self.figure(|plan, view| balances(plan, view, &query)).await
    }

    /// Spending by month and category.
    pub async fn spending(&self, query: SpendingQuery) -> Result<Vec<Spending>> {
        self.figure(|plan, view| spending(plan, view, &query)).await
    }

    /// Income, spending, what is left of it and the savings rate, by month and currency.
    pub async fn cash_flow(&self, query: CashFlowQuery) -> Result<Vec<CashFlow>> {
        self.figure(|plan, view| cash_flow(plan, view, &query)).await
    }

    /// The payees with whom most was spent, or from whom most came.
    pub async fn top_payees(&self, query: TopPayeesQuery) -> Result<Vec<PayeeTotal>> {
        self.figure(|plan, view| top_payees(plan, view, &query)).await
    }

    /// What lies in all accounts together, by month or day and currency.
    pub async fn net_worth(&self, query: NetWorthQuery) -> Result<Vec<NetWorth>> {
        self.figure(|plan, view| net_worth(plan, view, &query)).await
    }

    /// Payments that are unlike the others, and why: see [`unusual`].
    pub async fn unusual(&self, query: UnusualQuery) -> Result<Vec<Unusual>> {
        self.figure(|plan, view| unusual(plan, view, &query)).await
    }

    /// Runs a report: see [`Report`](crate::query::Report).
    ///
    /// # Errors
    /// `invalid_input` and `limit_exceeded` name the member that is at fault, `filter` among them
    /// where a condition looks at what figures do not know; `rate_missing` names the currencies
    /// and the day.
    pub async fn run(&self, query: ReportQuery) -> Result<ReportAnswer> {
        self.book.authorised(Role::Viewer).await?;
        let (state, view) = self.book.engine.state_with_view(self.book.book_id).await?;
        let today = self.day(query.as_of, &state.plan)?;
        query::run(&state.plan, &view, &query, today)
    }

    /// Has a question in words put into a report by somebody outside, and runs it: the answer shows
    /// what ran. The question and the names of accounts and categories leave the house, so only
    /// members may ask.
    ///
    /// # Errors
    /// `suggester_refused` where the host gave nobody to ask, or who was asked refuses;
    /// `suggester_unavailable` where nobody answers; `invalid_input` for `question` where it could
    /// not be put into a report; those of [`Self::run`].
    pub async fn ask(&self, request: ReportQuestion) -> Result<ReportAnswer> {
        let state = self.book.authorised(Role::Member).await?;
        let today = self.day(request.as_of, &state.plan)?;
        let nobody = || Error::new(ErrorCode::SuggesterRefused, "nobody outside may be asked");
        let translator = self.book.engine.translator.as_deref().ok_or_else(nobody)?;
        let report = query::translate(translator, &state.plan, &request.question, today).await?;
        let ReportQuestion { max_age_days, witness, .. } = request;
        self.run(ReportQuery { report, as_of: Some(today), max_age_days, witness }).await
    }

    fn day(&self, asked: Option<NaiveDate>, plan: &Plan) -> Result<NaiveDate> {
        asked.map_or_else(|| today(plan, self.book.engine.now()), Ok)
    }

    /// A report read from its sentence; nothing runs.
    pub async fn parse(&self, request: ReportText) -> Result<Report> {
        let state = self.book.authorised(Role::Viewer).await?;
        query::parse(&request.text, Some(&state.plan))
    }

    /// A report as one sentence; nothing runs.
    pub async fn describe(&self, report: Report) -> Result<ReportText> {
        let state = self.book.authorised(Role::Viewer).await?;
        Ok(ReportText { text: query::describe(&report, &state.plan) })
    }

    /// What lies in accounts in the days to come, with an interval: see [`forecast`].
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::forecast::ForecastQuery;
    ///
    /// let forecast = book.reports().forecast(ForecastQuery::default()).await?;
    /// for day in &forecast.days {
    ///     println!("{} {} ({:?} to {:?})", day.date, day.balance, day.low, day.high);
    /// }
    /// println!("may be low on {:?}", forecast.may_be_low_on);
    /// # Ok(()) }
    /// ```
    pub async fn forecast(&self, query: ForecastQuery) -> Result<Forecast> {
        self.figure_of_today(|plan, view, day| forecast(plan, view, &query, day)).await
    }

    /// Whether an amount can be afforded on a day, and what is left: see [`afford`].
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// let sofa = serde_json::json!({"amount": "899.00", "date": "2026-12-20", "limit": "200.00"});
    /// let answer = book.reports().afford(fiscaflow_core::api::read(sofa)?).await?;
    /// let left = &answer.lowest_with;
    /// println!("{:?}: {} is left on {}", answer.verdict, left.balance, left.date);
    /// # Ok(()) }
    /// ```
    pub async fn afford(&self, query: AffordQuery) -> Result<Affordable> {
        self.figure_of_today(|plan, view, day| afford(plan, view, &query, day)).await
    }

    /// How good forecasts of this book would have been: see [`backtest`].
    pub async fn forecast_backtest(
        &self,
        query: ForecastBacktestQuery,
    ) -> Result<ForecastBacktest> {
        self.figure_of_today(|plan, view, day| backtest(plan, view, &query, day)).await
    }

    /// What a first page shows, of one moment: see [`dashboard`].
    pub async fn dashboard(&self, query: DashboardQuery) -> Result<Dashboard> {
        self.figure_of_today(|plan, view, day| dashboard(plan, view, &query, day)).await
    }

    async fn figure_of_today<T>(
        &self,
        figure: impl FnOnce(&Plan, &View, NaiveDate) -> Result<T>,
    ) -> Result<T> {
        let now = self.book.engine.now();
        self.figure(|plan, view| figure(plan, view, today(plan, now)?)).await
    }

    async fn figure<T>(&self, figure: impl FnOnce(&Plan, &View) -> Result<T>) -> Result<T> {
        self.book.authorised(Role::Viewer).await?;
        let (state, view) = self.book.engine.state_with_view(self.book.book_id).await?;
        figure(&state.plan, &view)
    }
}
