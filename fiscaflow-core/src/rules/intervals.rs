//! Which of many intervals hold a value, in a time that follows the answer's length.

/// Intervals, both ends included, each with the number of a rule.
#[derive(Debug)]
pub(super) struct Intervals<T> {
    /// Sorted by their start.
    sorted: Vec<(T, T, u32)>,
    /// A balanced tree over `sorted`, root at 1: the largest end below each node.
    ends: Vec<T>,
}

impl<T> Default for Intervals<T> {
    fn default() -> Self {
        Self { sorted: Vec::new(), ends: Vec::new() }
    }
}

impl<T: Ord + Copy> Intervals<T> {
    pub(super) fn new(mut intervals: Vec<(T, T, u32)>) -> Self {
        intervals.retain(|(start, end, _)| start <= end);
        intervals.sort_unstable_by_key(|(start, _, rule)| (*start, *rule));
        let Some(lowest) = intervals.first().map(|(start, _, _)| *start) else {
            return Self::default();
        };
        let leaves = intervals.len().next_power_of_two();
        let mut ends = vec![lowest; leaves * 2];
        for ((_, end, _), leaf) in intervals.iter().zip(ends.iter_mut().skip(leaves)) {
            *leaf = *end;
        }
        for node in (1..leaves).rev() {
            let below = ends.get(node * 2).max(ends.get(node * 2 + 1)).copied();
            if let (Some(end), Some(below)) = (ends.get_mut(node), below) {
                *end = below;
            }
        }
        Self { sorted: intervals, ends }
    }

    /// The rules of the intervals that hold the value.
    pub(super) fn holding(&self, value: T, found: &mut Vec<u32>) {
        let started = self.sorted.partition_point(|(start, _, _)| *start <= value);
        if started > 0 {
            self.descend(1, 0, self.ends.len() / 2, (value, started), found);
        }
    }

    /// Looks below a node that stands for `width` intervals from `first` on.
    fn descend(
        &self,
        node: usize,
        first: usize,
        width: usize,
        (value, started): (T, usize),
        found: &mut Vec<u32>,
    ) {
        if first >= started || self.ends.get(node).is_none_or(|end| *end < value) {
            return;
        }
        if width == 1 {
            found.extend(self.sorted.get(first).map(|(_, _, rule)| *rule));
            return;
        }
        let half = width / 2;
        self.descend(node * 2, first, half, (value, started), found);
        self.descend(node * 2 + 1, first + half, half, (value, started), found);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Intervals;

    proptest! {
        /// The tree finds exactly what looking at every interval finds.
        #[test]
        fn finds_what_a_scan_finds(
            intervals in prop::collection::vec((-9_i32..9, -9_i32..9), 0..20),
            value in -10_i32..10,
        ) {
            let number = |((start, end), rule): (&(i32, i32), u32)| (*start, *end, rule);
            let numbered: Vec<(i32, i32, u32)> = intervals.iter().zip(0..).map(number).collect();
            let holds = |(start, end, _): &&(i32, i32, u32)| (*start..=*end).contains(&value);
            let scanned: Vec<u32> = numbered.iter().filter(holds).map(|it| it.2).collect();
            let mut found = Vec::new();
            Intervals::new(numbered).holding(value, &mut found);
            found.sort_unstable();
            prop_assert_eq!(found, scanned);
        }
    }
}
