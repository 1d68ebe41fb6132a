//! Points of a book's history: which commit one is, and what differs between two of them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::history::History;
use super::{BookHandle, Engine};
use crate::error::{Error, ErrorCode, Result};
use crate::id::BookId;
use crate::limits::{DEFAULT_PAGE, MAX_PAGE};
use crate::log::{Change, Hash, ObjectDifference, StoredCommit};
use crate::model::Role;
use crate::store::{COMMITS, Head, each_commit};

/// A point of a book's history: a commit, and with it all that came before.
///
/// On the wire it is a text: the commit's sequence number (`12`), its hash (64 hexadecimal digits),
/// or an instant (RFC 3339, `2026-03-31T22:00:00Z`), which stands for the newest commit until then.
///
/// ```
/// use fiscaflow_core::engine::Point;
///
/// assert_eq!("12".parse::<Point>()?, Point::Seq(12));
/// let noon: Point = "2026-03-31T14:00:00+02:00".parse()?;
/// assert_eq!(noon.to_string(), "2026-03-31T12:00:00Z");
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub enum Point {
    /// The commit with that sequence number.
    Seq(u64),
    /// The commit with that hash. It is looked for from the newest commit on backwards.
    Hash(Hash),
    /// The newest commit until then. It is found by halving, as if no commit had been made before
    /// the one that it follows; where clocks went back it is one that some clock would name.
    Time(DateTime<Utc>),
}

crate::api::schema::string_schema!(
    Point,
    "point",
    "A commit's sequence number or hash, or an instant (RFC 3339)."
);

impl FromStr for Point {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Ok(seq) = text.parse() {
            return Ok(Self::Seq(seq));
        }
        if let Ok(hash) = text.parse() {
            return Ok(Self::Hash(hash));
        }
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| {
            Error::invalid(
                "as_of",
                "a point is a commit's number or hash, or an instant like `2026-03-31T22:00:00Z`",
            )
        })?;
        Ok(Self::Time(time.to_utc()))
    }
}

crate::error::read_from_text!(Point);

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seq(seq) => write!(f, "{seq}"),
            Self::Hash(hash) => write!(f, "{hash}"),
            Self::Time(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        }
    }
}

impl From<Point> for String {
    fn from(point: Point) -> Self {
        point.to_string()
    }
}

impl Engine {
    /// The commit of a point, which is not after `head`.
    ///
    /// Errors: `not_found` where there is none.
    pub(super) async fn commit_at(
        &self,
        book_id: BookId,
        point: Point,
        head: Head,
    ) -> Result<StoredCommit> {
        let none = || Error::not_found("commit", point);
        match point {
            Point::Seq(seq) if (1..=head.seq).contains(&seq) => self.commit(book_id, seq).await,
            Point::Seq(_) => Err(none()),
            Point::Hash(hash) => {
                let mut end = head.seq;
                while end > 0 {
                    let after = end.saturating_sub(u64::from(COMMITS));
                    let mut found = None;
                    each_commit(&*self.inner.store, book_id, after, end, |commit| {
                        found = found.take().or(Some(commit).filter(|it| it.hash == hash));
                        Ok(())
                    })
                    .await?;
                    if let Some(found) = found {
                        return Ok(found);
                    }
                    end = after;
                }
                Err(none())
            }
            Point::Time(time) => {
                let mut found = None;
                let mut step = head.seq.checked_next_power_of_two().unwrap_or(1 << 63);
                // The commits that are asked do not depend on how many there are: what is added
                // later leaves the answer as it is.
                while step > 0 {
                    let seq =
                        found.as_ref().map_or(0, |it: &StoredCommit| it.seq).saturating_add(step);
                    step /= 2;
                    if seq > head.seq {
                        continue;
                    }
                    let commit = self.commit(book_id, seq).await?;
                    if commit.at()? <= time {
                        found = Some(commit);
                    }
                }
                found.ok_or_else(none)
            }
        }
    }

    /// The last commit that is sealed; 0 where none is. They are the first ones.
    pub(super) async fn sealed_until(&self, book_id: BookId, head: Head) -> Result<u64> {
        let (mut sealed, mut open) = (0, head.seq);
        while open.saturating_sub(sealed) > 1 {
            let middle = sealed.midpoint(open);
            if self.commit(book_id, middle).await?.is_sealed() {
                sealed = middle;
            } else {
                open = middle;
            }
        }
        Ok(sealed)
    }

    /// The commit with that sequence number, which is there.
    pub(super) async fn commit(&self, book_id: BookId, seq: u64) -> Result<StoredCommit> {
        let found = self.inner.store.commits(book_id, seq.saturating_sub(1), 1).await?;
        let found = found.into_iter().next().filter(|commit| commit.seq == seq);
        found.ok_or_else(|| Error::corrupt("the history ends before its head"))
    }
}

/// Which two points to compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CompareQuery {
    /// The point that is before.
    pub from: Point,
    /// The point that is after, be it later or earlier; the present where absent.
    pub to: Option<Point>,
    /// How many objects to list at most, 1 to 500; 50 where absent.
    pub limit: Option<u32>,
    /// Where the page before ended, as its answer told.
    pub cursor: Option<String>,
}

/// What differs between two points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Comparison {
    /// The sequence number of the commit before.
    pub from_seq: u64,
    /// The sequence number of the commit after.
    pub to_seq: u64,
    /// The objects that differ, by kind and id.
    pub items: Vec<ObjectDifference>,
    /// Where the next page begins; absent = this is the last one.
    pub next_cursor: Option<String>,
}

/// What names an object among all: its kind and its id.
type Name = (String, String);

/// The first objects that differ, in their order, and no more of them than a page has.
struct Differing {
    after: Option<Name>,
    most: usize,
    found: BTreeMap<Name, Change>,
    /// Whether there was no room for some, which come later in the order.
    has_more: bool,
}

impl Differing {
    fn add(&mut self, change: Change) {
        let Some(subject) = change.subject() else { return };
        let name = (subject.kind().to_owned(), subject.key());
        if self.after.as_ref().is_some_and(|after| name <= *after) {
            return;
        }
        // What was let go for lack of room must not come back as if it were new.
        let is_last = self.found.last_key_value().is_none_or(|it| name > *it.0);
        match self.found.get_mut(&name) {
            Some(first) => first.after = change.after,
            None if self.has_more && is_last => {}
            None => drop(self.found.insert(name, change)),
        }
        if self.found.len() > self.most {
            self.found.pop_last();
            self.has_more = true;
        }
    }
}

impl History<'_> {
    /// What differs between two points, object by object and field by field. What was changed and
    /// changed back in between is not told.
    ///
    /// A page may be shorter than asked for where others follow: its cursor goes on.
    ///
    /// Errors: `not_found` for a point that is none; `invalid_cursor`.
    pub async fn compare(&self, query: CompareQuery) -> Result<Comparison> {
        let state = self.book.authorised(Role::Viewer).await?;
        let limit = query.limit.unwrap_or(DEFAULT_PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(Error::invalid("limit", format!("`limit` is from 1 to {MAX_PAGE}")));
        }
        let to = query.to.unwrap_or(Point::Seq(state.head.seq));
        let [from_seq, to_seq] = [
            self.book.seq_of("from", query.from, state.head).await?,
            self.book.seq_of("to", to, state.head).await?,
        ];
        let after = query.cursor.as_deref().map(read_cursor).transpose()?;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut differing = Differing { after, most, found: BTreeMap::new(), has_more: false };
        let (first, last) = (from_seq.min(to_seq), from_seq.max(to_seq));
        self.commits(first, |commit| {
            if commit.seq <= last {
                commit.open()?.changes.into_iter().for_each(|change| differing.add(change));
            }
            Ok(commit.seq < last)
        })
        .await?;
        let next = differing.found.last_key_value().filter(|_| differing.has_more);
        let next_cursor = next.map(|((kind, id), _)| format!("{kind}/{id}"));
        let turned = |change: Change| match from_seq <= to_seq {
            true => change,
            false => Change { before: change.after, after: change.before },
        };
        let items = differing.found.into_values().map(turned);
        let items = items.filter_map(|change| ObjectDifference::of(&change).transpose());
        Ok(Comparison { from_seq, to_seq, items: items.collect::<Result<_>>()?, next_cursor })
    }
}

impl BookHandle {
    pub(super) async fn seq_of(&self, field: &str, point: Point, head: Head) -> Result<u64> {
        let commit = self.engine.commit_at(self.book_id, point, head).await;
        Ok(commit.map_err(|error| error.or_field(field))?.seq)
    }
}

/// A cursor is `<kind>/<id>`.
fn read_cursor(text: &str) -> Result<Name> {
    let parts = text.split_once('/').ok_or_else(|| {
        Error::new(ErrorCode::InvalidCursor, "the cursor was not issued for this").field("cursor")
    })?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}
