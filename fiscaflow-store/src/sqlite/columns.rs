//! What figures are computed from, many rows at a time: joined to one value ([`Packed`]), and what
//! few rows have to another.

use std::collections::HashMap;

use fiscaflow_core::model::Status;
use fiscaflow_core::store::{ColumnRow, Links};
use fiscaflow_core::{AccountId, BookId, CategoryId, GoalId, Result, ScheduleId, TransactionId};
use sqlx::{QueryBuilder, Row, Sqlite};
use uuid::Uuid;

use super::SqliteStore;
use super::error::{damaged, failed};
use super::rows::{blob, packed};
use crate::packed::Packed;
use crate::rows::{self, Cells};

/// A row as [`read`] reads it, without a sign between rows; and of those that have splits, tags
/// or links, what these are, as [`Rare`] reads it; 0 in the place of what is not as it should be.
const PACKED: &str = "group_concat(concat(id, account_id, category_id IS NOT NULL, category_id, \
     transfer_id IS NOT NULL, deleted, booking_day, ',', amount_minor, ',', status, ',', \
     octet_length(payee), ',', payee), ''), \
     json_group_array(json_array(hex(id), \
     json(CASE WHEN splits IS NULL THEN '[]' WHEN json_valid(splits) THEN (\
         SELECT json_group_array(json(CASE WHEN type = 'object' \
             THEN json_array(value ->> 'minor', value ->> 'category') ELSE '0' END)) \
         FROM json_each(splits)) ELSE '0' END), \
     json(CASE WHEN tags IS NULL THEN 'null' WHEN json_valid(tags) THEN tags ELSE '0' END), \
     CASE WHEN schedule_id IS NULL THEN NULL ELSE hex(schedule_id) END, \
     CASE WHEN goal_id IS NULL THEN NULL ELSE hex(goal_id) END)) \
     FILTER (WHERE coalesce(splits, tags, schedule_id, goal_id) IS NOT NULL)";

/// What few transactions have: id, parts without their notes, tags, schedule, goal.
type Rare = (Uuid, Vec<Part>, Option<Vec<String>>, Option<Uuid>, Option<Uuid>);

/// A part: minor units and category.
type Part = (i64, Option<CategoryId>);

pub(super) async fn columns(
    store: &SqliteStore,
    book_id: BookId,
    after: Option<TransactionId>,
    limit: u32,
) -> Result<Vec<ColumnRow>> {
    let mut select = QueryBuilder::<Sqlite>::new("SELECT ");
    select.push(PACKED).push(" FROM (SELECT * FROM transactions WHERE book_id = ");
    select.push_bind(blob(book_id.uuid()));
    if let Some(after) = after {
        select.push(" AND id > ").push_bind(blob(after.uuid()));
    }
    select.push(" ORDER BY id LIMIT ").push(limit).push(")");
    let row = store.row(select.build()).await?;
    let row = row.ok_or_else(|| damaged("rows cannot be joined"))?;
    let rare: Vec<Rare> = rows::from_json(row.try_get(1).map_err(failed)?)?;
    let mut rare: HashMap<Uuid, Rare> = rare.into_iter().map(|it| (it.0, it)).collect();
    packed(&row, 0)?.all(|packed| read(packed, &mut rare))
}

fn read(packed: &mut Packed<'_>, rare: &mut HashMap<Uuid, Rare>) -> Result<ColumnRow> {
    let id = packed.id()?;
    let account_id = AccountId::new(packed.id()?);
    let category_id = packed.optional_id()?.map(CategoryId::new);
    let (transfer, deleted) = (packed.flag()?, packed.flag()?);
    let booking_date = rows::date(packed.number()?)?;
    let amount_minor = packed.number()?;
    let status = rows::status(packed.field()?)?;
    let mut row = ColumnRow {
        id: TransactionId::new(id),
        account_id,
        booking_date,
        amount_minor,
        category_id,
        payee: packed.optional_text()?.map(str::to_owned),
        transfer,
        pending: status == Status::Pending,
        counts: !deleted && status != Status::Void,
        splits: Vec::new(),
        tags: Vec::new(),
        links: Links::default(),
    };
    if let Some((_, splits, tags, schedule, goal)) = rare.remove(&id) {
        row.splits = splits.into_iter().map(|(minor, category)| (category, minor)).collect();
        row.tags = tags.unwrap_or_default();
        row.links.schedule_id = schedule.map(ScheduleId::new);
        row.links.goal_id = goal.map(GoalId::new);
    }
    Ok(row)
}
