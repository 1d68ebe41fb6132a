//! Values that stand in a column by number.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// What a column holds where there is no value.
pub(super) const NONE: u32 = u32::MAX;

/// Values by number, in the order in which they came. A number never changes its meaning.
#[derive(Clone)]
struct Table<T> {
    values: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { values: Vec::new(), numbers: HashMap::new() }
    }
}

/// A table of which the larger, older part is shared by the views that hold it.
#[derive(Clone)]
pub(super) struct Numbers<T> {
    kept: Arc<Table<T>>,
    fresh: Table<T>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self { kept: Arc::default(), fresh: Table::default() }
    }
}

impl<T: Clone + Eq + Hash> Numbers<T> {
    /// The number of a value, which is given one where it has none.
    pub(super) fn number<Q>(&mut self, value: &Q, own: impl FnOnce(&Q) -> T) -> u32
    where
        T: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(number) = self.kept.numbers.get(value).or(self.fresh.numbers.get(value)) {
            return *number;
        }
        let number = u32::try_from(self.len()).unwrap_or(NONE);
        let value = own(value);
        self.fresh.values.push(value.clone());
        self.fresh.numbers.insert(value, number);
        number
    }

    pub(super) fn value(&self, number: u32) -> Option<&T> {
        let index = usize::try_from(number).ok()?;
        match index.checked_sub(self.kept.values.len()) {
            None => self.kept.values.get(index),
            Some(index) => self.fresh.values.get(index),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.kept.values.len() + self.fresh.values.len()
    }

    /// Every value in the order of numbers.
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.kept.values.iter().chain(&self.fresh.values)
    }

    /// Makes what came since the last time part of what is shared.
    pub(super) fn settle(&mut self) {
        let fresh = std::mem::take(&mut self.fresh);
        if fresh.values.is_empty() {
            return;
        }
        if self.kept.values.is_empty() {
            self.kept = Arc::new(fresh);
            return;
        }
        let kept = Arc::make_mut(&mut self.kept);
        for value in fresh.values {
            let number = u32::try_from(kept.values.len()).unwrap_or(NONE);
            kept.values.push(value.clone());
            kept.numbers.insert(value, number);
        }
    }
}
