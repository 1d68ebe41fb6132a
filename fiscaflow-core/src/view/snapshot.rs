//! A view as bytes, so that a book of many transactions opens without reading them.
//!
//! The bytes are derived like the view itself. They begin with a digest over themselves and over
//! the commit that they belong to; whatever is not exactly what was written is no view, and the
//! rows are read instead. Numbers are little-endian; the layout has a number of its own and may
//! change at any time.

use std::sync::Arc;

use uuid::Uuid;

use super::numbers::Numbers;
use super::sorted::{Extras, Sorted};
use super::{Group, View};
use crate::id::{AccountId, CategoryId, GoalId, ScheduleId, TransactionId};
use crate::log::Hash;
use crate::store::Links;

/// The layout that is written; another is not read. A verification takes what cannot be read for a
/// changed one: whoever changes the layout lets stores forget the views that they keep.
const LAYOUT: &[u8] = b"fiscaflow view 1\n";
const DIGEST_BYTES: usize = 32;

impl View {
    /// The view as bytes. They hold payees' names and tags.
    ///
    /// ```
    /// use fiscaflow_core::view::View;
    ///
    /// let view = View::new();
    /// let again = View::from_bytes(view.head(), &view.to_bytes()).unwrap();
    /// assert!(again.is_empty());
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut view = self.clone();
        view.settle();
        let sorted = &*view.sorted;
        let mut body = Writer::default();
        body.0.reserve(sorted.bytes());
        body.0.extend_from_slice(&[0; DIGEST_BYTES]);
        body.count(view.groups.len());
        view.groups.values().for_each(|group| body.group(group));
        body.count(view.payees.len());
        view.payees.values().for_each(|payee| body.text(payee));
        sorted.write(&mut body);
        body.extras(&sorted.extras);
        let mut bytes = body.0;
        let digest = digest(view.head, bytes.get(DIGEST_BYTES..).unwrap_or_default());
        bytes.splice(..DIGEST_BYTES, *digest.as_bytes());
        bytes
    }

    /// The view that was written as these bytes for the commit with that hash; `None` where they
    /// are anything else.
    pub fn from_bytes(head: Hash, bytes: &[u8]) -> Option<Self> {
        let (given, body) = bytes.split_at_checked(DIGEST_BYTES)?;
        if digest(head, body).as_bytes() != given {
            return None;
        }
        let mut body = Reader(body);
        let mut groups = Numbers::default();
        for _ in 0..body.count()? {
            groups.number(&body.group()?, |group| *group);
        }
        let mut payees = Numbers::default();
        for _ in 0..body.count()? {
            payees.number(body.text()?, |payee| Arc::<str>::from(payee));
        }
        let mut sorted = Sorted::read(&mut body)?;
        sorted.extras = body.extras()?;
        groups.settle();
        payees.settle();
        let view = Self { head, groups, payees, sorted: Arc::new(sorted), ..Self::default() };
        body.0.is_empty().then_some(view)
    }
}

fn digest(head: Hash, body: &[u8]) -> Hash {
    Hash::of(&[LAYOUT, head.as_bytes(), body])
}

/// Bytes that grow.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn count(&mut self, count: usize) {
        self.u64(u64::try_from(count).unwrap_or(u64::MAX));
    }

    fn u64(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// A column: how long it is, then its values.
    pub(super) fn column<T: Copy, const N: usize>(
        &mut self,
        values: &[T],
        bytes: impl Fn(T) -> [u8; N],
    ) {
        self.count(values.len());
        self.0.extend(values.iter().flat_map(|value| bytes(*value)));
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn uuid(&mut self, id: Uuid) {
        self.0.extend_from_slice(id.as_bytes());
    }

    fn optional(&mut self, id: Option<Uuid>) {
        self.0.push(u8::from(id.is_some()));
        self.uuid(id.unwrap_or_default());
    }

    fn group(&mut self, group: &Group) {
        self.uuid(group.account_id.uuid());
        self.optional(group.category_id.map(CategoryId::uuid));
        let Group { transfer, pending, outgoing, split, tagged, linked, .. } = *group;
        let flags = [transfer, pending, outgoing, split, tagged, linked];
        self.0.extend(flags.map(u8::from));
    }

    fn extras(&mut self, extras: &Extras) {
        self.count(extras.tags.len());
        for (id, tags) in &extras.tags {
            self.uuid(id.uuid());
            self.count(tags.len());
            tags.iter().for_each(|tag| self.text(tag));
        }
        self.count(extras.links.len());
        for (id, links) in &extras.links {
            self.uuid(id.uuid());
            self.optional(links.schedule_id.map(ScheduleId::uuid));
            self.optional(links.goal_id.map(GoalId::uuid));
        }
    }
}

/// The bytes that are left to read.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    pub(super) fn count(&mut self) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(self.array()?)).ok()
    }

    pub(super) fn column<T, const N: usize>(
        &mut self,
        value: impl Fn([u8; N]) -> T,
    ) -> Option<Vec<T>> {
        let count = self.count()?;
        let bytes = self.bytes(count.checked_mul(N)?)?;
        Some(bytes.as_chunks().0.iter().map(|bytes| value(*bytes)).collect())
    }

    fn text(&mut self) -> Option<&'a str> {
        let count = self.count()?;
        std::str::from_utf8(self.bytes(count)?).ok()
    }

    fn uuid(&mut self) -> Option<Uuid> {
        Some(Uuid::from_bytes(self.array()?))
    }

    fn optional(&mut self) -> Option<Option<Uuid>> {
        let [is_there] = self.array()?;
        let id = self.uuid()?;
        Some((is_there != 0).then_some(id))
    }

    fn group(&mut self) -> Option<Group> {
        let account_id = AccountId::new(self.uuid()?);
        let category_id = self.optional()?.map(CategoryId::new);
        let [transfer, pending, outgoing, split, tagged, linked] =
            self.array::<6>()?.map(|flag| flag != 0);
        Some(Group { account_id, category_id, transfer, pending, outgoing, split, tagged, linked })
    }

    fn extras(&mut self) -> Option<Extras> {
        let mut extras = Extras::default();
        for _ in 0..self.count()? {
            let id = TransactionId::new(self.uuid()?);
            let count = self.count()?;
            let tags: Option<Vec<String>> =
                (0..count).map(|_| self.text().map(str::to_owned)).collect();
            extras.tags.insert(id, tags?.into());
        }
        for _ in 0..self.count()? {
            let id = TransactionId::new(self.uuid()?);
            let schedule_id = self.optional()?.map(ScheduleId::new);
            let goal_id = self.optional()?.map(GoalId::new);
            extras.links.insert(id, Links { schedule_id, goal_id });
        }
        Some(extras)
    }
}
