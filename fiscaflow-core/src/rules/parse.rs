//! Reading a rule from the sentence that `sentence` makes of it.
//!
//! The parser looks one word ahead. What it does not understand it refuses with the place, counted
//! in characters from 1, and what it expected there; a text of the caller never stands in an error.

use std::str::FromStr;

use super::sentence::{DIRECTIONS, FEATURES, FIELDS, OPS, STAGES, STATUSES, WEEKDAYS};
use super::words::{Token, Words};
use crate::error::{Error, Result};
use crate::id::{AccountId, CategoryId};
use crate::limits::{MAX_CONDITION_DEPTH, MAX_RULE_TEXT_BYTES};
use crate::model::{Action, Condition, NewRule, SplitPart, TextOp, check_text};
use crate::money::Amount;
use crate::plan::Plan;

/// Reads a rule from its sentence. With a plan, accounts and categories may stand by their names,
/// in quotes, where the book has the name once; without one they stand by their ids.
///
/// ```
/// use fiscaflow_core::rules::parse;
///
/// let text = r#""Shops": if payee is "rewe" and amount is below 0 then add tag "shop""#;
/// assert_eq!(parse(text, None)?.to_string(), text);
/// let error = parse(r#""Shops": if payee is rewe then stop"#, None).unwrap_err();
/// assert_eq!(error.to_string(), "expected a text in quotes at character 22");
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
pub fn parse(text: &str, plan: Option<&Plan>) -> Result<NewRule> {
    check_text("text", text, MAX_RULE_TEXT_BYTES)?;
    Parser::new(text, plan)?.rule()
}

impl FromStr for NewRule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text, None)
    }
}

/// Reads sentences word by word.
pub(crate) struct Parser<'a> {
    pub(crate) words: Words,
    plan: Option<&'a Plan>,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &str, plan: Option<&'a Plan>) -> Result<Self> {
        Ok(Self { words: Words::new(text)?, plan })
    }

    fn rule(&mut self) -> Result<NewRule> {
        let name = self.words.text()?;
        let mut rule = NewRule::new(name, Condition::All { of: Vec::new() }, Vec::new());
        if self.words.take(&Token::Open) {
            loop {
                self.about(&mut rule)?;
                if !self.words.take(&Token::Comma) {
                    break;
                }
            }
            self.words.need(&Token::Close)?;
        }
        self.words.need(&Token::Colon)?;
        self.words.need_word("if")?;
        rule.condition = self.condition(1)?;
        self.words.need_word("then")?;
        if self.words.take_words("do nothing") {
            self.words.end()?;
            return Ok(rule);
        }
        loop {
            if self.words.take_words("stop") {
                rule.stop = true;
                break;
            }
            rule.actions.push(self.action()?);
            if !self.words.take(&Token::Semicolon) {
                break;
            }
        }
        self.words.end()?;
        Ok(rule)
    }

    fn about(&mut self, rule: &mut NewRule) -> Result<()> {
        if self.words.take_words("id") {
            rule.id = Some(self.words.value("the id of a rule")?);
        } else if self.words.take_words("stage") {
            rule.stage = Some(self.words.of(STAGES, "`pre`, `default` or `post`")?);
        } else if self.words.take_words("priority") {
            rule.priority = Some(self.words.value("a whole number")?);
        } else if self.words.take_words("on") {
            rule.enabled = Some(true);
        } else if self.words.take_words("off") {
            rule.enabled = Some(false);
        } else {
            return Err(self.words.expected("`id`, `stage`, `priority`, `on` or `off`"));
        }
        Ok(())
    }

    /// A condition; `depth` counts its levels from 1.
    pub(crate) fn condition(&mut self, depth: usize) -> Result<Condition> {
        let first = self.term(depth)?;
        for (by, all) in [("and", true), ("or", false)] {
            if !self.words.take_words(by) {
                continue;
            }
            let mut of = vec![first, self.term(depth)?];
            while self.words.take_words(by) {
                of.push(self.term(depth)?);
            }
            return Ok(if all { Condition::All { of } } else { Condition::Any { of } });
        }
        Ok(first)
    }

    fn term(&mut self, depth: usize) -> Result<Condition> {
        if depth > MAX_CONDITION_DEPTH {
            return Err(self.words.expected(&format!("at most {MAX_CONDITION_DEPTH} levels")));
        }
        if self.words.take(&Token::Open) {
            let inner = self.condition(depth + 1)?;
            self.words.need(&Token::Close)?;
            return Ok(inner);
        }
        if self.words.take_words("not") {
            return Ok(Condition::Not { of: vec![self.term(depth + 1)?] });
        }
        if self.words.take_words("all of") {
            return Ok(Condition::All { of: self.listed(depth)? });
        }
        if self.words.take_words("any of") {
            return Ok(Condition::Any { of: self.listed(depth)? });
        }
        if self.words.take_words("none of") {
            return Ok(Condition::Not { of: self.listed(depth)? });
        }
        self.leaf()
    }

    fn listed(&mut self, depth: usize) -> Result<Vec<Condition>> {
        self.words.need(&Token::Open)?;
        let mut of = Vec::new();
        if self.words.take(&Token::Close) {
            return Ok(of);
        }
        loop {
            of.push(self.condition(depth + 1)?);
            if !self.words.take(&Token::Comma) {
                break;
            }
        }
        self.words.need(&Token::Close)?;
        Ok(of)
    }

    fn leaf(&mut self) -> Result<Condition> {
        if let Some(field) = self.words.take_of(FIELDS) {
            let op =
                self.words.of(OPS, "`is`, `contains`, `starts with`, `ends with` or `matches`")?;
            let values = if op == TextOp::Empty {
                Vec::new()
            } else {
                self.or("a text in quotes", |parser| parser.words.take_text().map(Ok))?
            };
            let case_sensitive = self.words.take_words("as written");
            return Ok(Condition::Text { field, op, values, case_sensitive });
        }
        if self.words.take_words("absolute amount is") {
            return self.amount(true);
        }
        if self.words.take_words("amount is") {
            return self.amount(false);
        }
        if self.words.take_words("balance is") {
            let [min, max] = self.bounds(["from", "to"], "an amount such as `-12.34`")?;
            return Ok(Condition::Balance { min, max });
        }
        if self.words.take_words("currency is") {
            let codes = self.or("a text in quotes", |parser| parser.words.take_text().map(Ok))?;
            return Ok(Condition::Currency { codes });
        }
        if self.words.take_words("money") {
            let is = self.words.of(DIRECTIONS, "`comes in` or `goes out`")?;
            return Ok(Condition::Direction { is });
        }
        if self.words.take_words("date is") {
            return self.date();
        }
        if self.words.take_words("weekday is") {
            let is =
                self.or("a day of the week", |parser| parser.words.take_of(WEEKDAYS).map(Ok))?;
            return Ok(Condition::Weekday { is });
        }
        if self.words.take_words("day of month is") {
            let day = |parser: &mut Self| match parser.words.take_words("last") {
                true => Some(Ok(0)),
                false => parser.words.take_value().map(Ok),
            };
            let mut days: Vec<u32> = self.or("a day of the month or `last`", day)?;
            let all = days.len();
            days.retain(|day| *day != 0);
            return Ok(Condition::DayOfMonth { last: days.len() < all, days });
        }
        if self.words.take_words("account is") {
            let ids = self.or("an account", |parser| parser.account().transpose())?;
            return Ok(Condition::Account { ids });
        }
        if self.words.take_words("category is") {
            let ids = self.or("a category", |parser| parser.category().transpose())?;
            return Ok(Condition::Category { ids });
        }
        if self.words.take_words("status is") {
            let is = self.or("a status", |parser| parser.words.take_of(STATUSES).map(Ok))?;
            return Ok(Condition::Status { is });
        }
        if self.words.take_words("it has") {
            let what = self.words.of(FEATURES, "what it has, such as `a category` or `parts`")?;
            return Ok(Condition::Has { what });
        }
        Err(self.words.expected("a condition"))
    }

    /// Values with `or` between them; `nothing` stands for none.
    fn or<T>(
        &mut self,
        what: &str,
        mut one: impl FnMut(&mut Self) -> Option<Result<T>>,
    ) -> Result<Vec<T>> {
        if self.words.take_words("nothing") {
            return Ok(Vec::new());
        }
        let first = one(self).ok_or_else(|| self.words.expected(what))??;
        let mut values = vec![first];
        loop {
            let before = self.words.place();
            if !self.words.take_words("or") {
                return Ok(values);
            }
            // An `or` before something else joins conditions.
            match one(self) {
                Some(value) => values.push(value?),
                None => {
                    self.words.back_to(before);
                    return Ok(values);
                }
            }
        }
    }

    /// Named bounds in any order; `any` stands for none.
    fn bounds<T: FromStr + Copy, const N: usize>(
        &mut self,
        names: [&str; N],
        what: &str,
    ) -> Result<[Option<T>; N]> {
        let mut bounds = [None; N];
        if self.words.take_words("any") {
            return Ok(bounds);
        }
        let mut found = false;
        loop {
            let mut taken = false;
            for (name, bound) in names.iter().zip(&mut bounds) {
                if bound.is_none() && self.words.take_words(name) {
                    *bound = Some(self.words.value(what)?);
                    taken = true;
                }
            }
            if !taken {
                break;
            }
            found = true;
        }
        if found {
            Ok(bounds)
        } else {
            Err(self.words.expected(&names.map(|it| format!("`{it}`")).join(" or ")))
        }
    }

    fn amount(&mut self, absolute: bool) -> Result<Condition> {
        let what = "an amount such as `-12.34`";
        if let Some(exactly) = self.words.take_value::<Amount>() {
            let (min, max) = (Some(exactly), Some(exactly));
            return Ok(Condition::Amount { min, max, above: None, below: None, absolute });
        }
        if !self.words.take_words("about") {
            let [min, max, above, below] = self.bounds(["from", "to", "above", "below"], what)?;
            return Ok(Condition::Amount { min, max, above, below, absolute });
        }
        let value = self.words.value(what)?;
        let (mut within, mut percent) = (None, None);
        while percent.is_none() && self.words.take_words("within") {
            let off: Amount = self.words.value(what)?;
            if self.words.take_words("%") {
                percent = Some(off);
            } else if within.is_none() {
                within = Some(off);
            } else {
                return Err(self.words.expected("`%`"));
            }
        }
        Ok(Condition::AmountNear { value, within, percent, absolute })
    }

    fn date(&mut self) -> Result<Condition> {
        let what = "a date such as `2026-03-31`";
        if let Some(Day(date)) = self.words.take_value() {
            return Ok(Condition::Date { from: Some(date), to: Some(date) });
        }
        if self.words.take_words("about") {
            let Day(date) = self.words.value(what)?;
            self.words.need_word("within")?;
            let days = self.words.value("a number of days")?;
            self.words.need_word("days")?;
            return Ok(Condition::DateNear { date, days });
        }
        let [from, to, after, before] = self.bounds(["from", "to", "after", "before"], what)?;
        // Of two bounds of one side the narrower one counts: `None` is before every day.
        let from = from.map(|Day(day)| day).max(after.and_then(|Day(day)| day.succ_opt()));
        let before = before.and_then(|Day(day)| day.pred_opt());
        let to = to.map(|Day(day)| day).into_iter().chain(before).min();
        Ok(Condition::Date { from, to })
    }

    fn action(&mut self) -> Result<Action> {
        if self.words.take_words("set category to") {
            let category = self.category()?;
            let category_id = category.ok_or_else(|| self.words.expected("a category"))?;
            return Ok(Action::SetCategory { category_id });
        }
        if self.words.take_words("set payee to") {
            return Ok(Action::SetPayee { payee: self.words.text()? });
        }
        if self.words.take_words("add tag") {
            return Ok(Action::AddTag { tag: self.words.text()? });
        }
        if self.words.take_words("remove tag") {
            return Ok(Action::RemoveTag { tag: self.words.text()? });
        }
        if self.words.take_words("clear tags") {
            return Ok(Action::SetTags { tags: Vec::new() });
        }
        if self.words.take_words("set tags to") {
            let mut tags = vec![self.words.text()?];
            while self.words.take(&Token::Comma) {
                tags.push(self.words.text()?);
            }
            return Ok(Action::SetTags { tags });
        }
        if self.words.take_words("set notes to") {
            return Ok(Action::SetNotes { notes: self.words.text()? });
        }
        for (by, appends) in [("append", true), ("prepend", false)] {
            if self.words.take_words(by) {
                let notes = self.words.text()?;
                self.words.need_word("to")?;
                self.words.need_word("notes")?;
                return Ok(if appends {
                    Action::AppendNotes { notes }
                } else {
                    Action::PrependNotes { notes }
                });
            }
        }
        if self.words.take_words("set status to") {
            return Ok(Action::SetStatus { status: self.words.of(STATUSES, "a status")? });
        }
        if self.words.take_words("split into nothing") {
            return Ok(Action::Split { parts: Vec::new() });
        }
        if self.words.take_words("split into") {
            let mut parts = vec![self.part()?];
            while self.words.take(&Token::Comma) {
                parts.push(self.part()?);
            }
            return Ok(Action::Split { parts });
        }
        if self.words.take_words("mark as transfer with") {
            let account = self.account()?;
            let account_id = account.ok_or_else(|| self.words.expected("an account"))?;
            return Ok(Action::MarkTransfer { account_id });
        }
        if self.words.take_words("link to") {
            return self.link();
        }
        if self.words.take_words("flag for review because") {
            return Ok(Action::Flag { reason: self.words.text()? });
        }
        Err(self.words.expected("an action"))
    }

    fn link(&mut self) -> Result<Action> {
        if self.words.take_words("goal") {
            let goals = self.plan.into_iter().flat_map(|plan| plan.goals.values());
            let named = goals.map(|goal| (goal.id, goal.name.as_str()));
            let what = "a goal of this book by a name that it has once";
            let goal_id = reference(&mut self.words, named, what)?;
            let goal_id = goal_id.ok_or_else(|| self.words.expected("a goal"))?;
            return Ok(Action::LinkGoal { goal_id });
        }
        self.words.need_word("schedule")?;
        let schedules = self.plan.into_iter().flat_map(|plan| plan.schedules.values());
        let named = schedules.map(|schedule| (schedule.id, schedule.name.as_str()));
        let what = "a schedule of this book by a name that it has once";
        let schedule_id = reference(&mut self.words, named, what)?;
        let schedule_id = schedule_id.ok_or_else(|| self.words.expected("a schedule"))?;
        Ok(Action::LinkSchedule { schedule_id })
    }

    fn part(&mut self) -> Result<SplitPart> {
        let mut part = SplitPart::default();
        if !self.words.take_words("rest") {
            let first: Amount = self.words.value("an amount, a percentage or `rest`")?;
            if self.words.take_words("%") {
                part.percent = Some(first);
            } else {
                part.amount = Some(first);
            }
        }
        if self.words.take_words("for") {
            let category = self.category()?;
            part.category_id = Some(category.ok_or_else(|| self.words.expected("a category"))?);
        }
        if self.words.take_words("noting") {
            part.notes = Some(self.words.text()?);
        }
        Ok(part)
    }

    /// An account by its name in quotes or its id; `None` where neither stands there.
    fn account(&mut self) -> Result<Option<AccountId>> {
        let accounts = self.plan.into_iter().flat_map(|plan| plan.accounts.values());
        let named = accounts.map(|account| (account.id, account.name.as_str()));
        reference(&mut self.words, named, "an account of this book by a name that it has once")
    }

    /// A category by its name in quotes or its id; `None` where neither stands there.
    fn category(&mut self) -> Result<Option<CategoryId>> {
        let categories = self.plan.into_iter().flat_map(|plan| plan.categories.values());
        let named = categories.map(|category| (category.id, category.name.as_str()));
        reference(&mut self.words, named, "a category of this book by a name that it has once")
    }
}

fn reference<'n, T: FromStr>(
    words: &mut Words,
    named: impl Iterator<Item = (T, &'n str)>,
    what: &str,
) -> Result<Option<T>> {
    let before = words.place();
    let Some(name) = words.take_text() else { return Ok(words.take_value()) };
    let mut meant = named.filter(|(_, known)| *known == name);
    match (meant.next(), meant.next()) {
        (Some((id, _)), None) => Ok(Some(id)),
        _ => {
            words.back_to(before);
            Err(words.expected(what))
        }
    }
}

/// A date in its one form.
#[derive(Clone, Copy)]
pub(crate) struct Day(pub(crate) chrono::NaiveDate);

impl FromStr for Day {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        crate::period::parse_date(text).map(Self)
    }
}
