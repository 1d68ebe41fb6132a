//! The best one-to-one assignment: every row at most one candidate, every candidate at most one
//! row, and the sum of the scores as high as can be.
//!
//! The Hungarian method in its form with potentials (Kuhn 1955, Munkres 1957). It is cubic in the
//! number of rows: callers keep to [`MAX_ASSIGNED`].

/// How many rows or candidates may be assigned at a time.
pub(crate) const MAX_ASSIGNED: usize = 64;

/// For each row the candidate it gets, if any. `score(row, candidate)` is above zero where the two
/// may be joined; equal sums go to the earlier candidates.
pub(crate) fn assign(
    rows: usize,
    candidates: usize,
    score: impl Fn(usize, usize) -> i64,
) -> Vec<Option<usize>> {
    if rows == 0 || candidates == 0 {
        return vec![None; rows];
    }
    // Each row has a place of its own where it stays alone, at no score.
    let columns = candidates.saturating_add(rows);
    let cost = |row: usize, column: usize| {
        if column < candidates { score(row, column).max(0).saturating_neg() } else { 0 }
    };
    let taken = cheapest(rows, columns, cost);
    let mut found = vec![None; rows];
    for (column, row) in taken.into_iter().enumerate().take(candidates) {
        if let Some(row) = row
            && score(row, column) > 0
            && let Some(place) = found.get_mut(row)
        {
            *place = Some(column);
        }
    }
    found
}

/// For each column the row that has it, so that the sum of costs is least. Rows and columns count
/// from 1 inside; 0 is the row that is being placed.
fn cheapest(rows: usize, columns: usize, cost: impl Fn(usize, usize) -> i64) -> Vec<Option<usize>> {
    let at = |list: &[i64], place: usize| list.get(place).copied().unwrap_or_default();
    let add = |list: &mut [i64], place: usize, by: i64| {
        if let Some(value) = list.get_mut(place) {
            *value = value.saturating_add(by);
        }
    };
    let (mut of_row, mut of_column) = (vec![0; rows + 1], vec![0; columns + 1]);
    let mut row_of: Vec<usize> = vec![0; columns + 1];
    for row in 1..=rows {
        let mut column = 0;
        put(&mut row_of, 0, row);
        let mut least = vec![i64::MAX; columns + 1];
        let mut way = vec![0; columns + 1];
        let mut done = vec![false; columns + 1];
        loop {
            put(&mut done, column, true);
            let placed = row_of.get(column).copied().unwrap_or_default();
            let (mut delta, mut next) = (i64::MAX, 0);
            for other in 1..=columns {
                if done.get(other) == Some(&true) {
                    continue;
                }
                let reduced = cost(placed - 1, other - 1)
                    .saturating_sub(at(&of_row, placed))
                    .saturating_sub(at(&of_column, other));
                if reduced < at(&least, other) {
                    put(&mut least, other, reduced);
                    put(&mut way, other, column);
                }
                if at(&least, other) < delta {
                    (delta, next) = (at(&least, other), other);
                }
            }
            for other in 0..=columns {
                if done.get(other) == Some(&true) {
                    add(&mut of_row, row_of.get(other).copied().unwrap_or_default(), delta);
                    add(&mut of_column, other, delta.saturating_neg());
                } else {
                    add(&mut least, other, delta.saturating_neg());
                }
            }
            column = next;
            if row_of.get(column) == Some(&0) {
                break;
            }
        }
        while column != 0 {
            let before = way.get(column).copied().unwrap_or_default();
            let moved = row_of.get(before).copied().unwrap_or_default();
            put(&mut row_of, column, moved);
            column = before;
        }
    }
    row_of.into_iter().skip(1).map(|row| row.checked_sub(1)).collect()
}

fn put<T>(list: &mut [T], place: usize, value: T) {
    if let Some(slot) = list.get_mut(place) {
        *slot = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The best sum over all assignments, one by one.
    fn best(scores: &[Vec<i64>], used: &mut Vec<bool>) -> i64 {
        let Some((row, rest)) = scores.split_first() else { return 0 };
        let mut found = best(rest, used);
        for (column, score) in row.iter().enumerate() {
            if *score > 0 && !used[column] {
                used[column] = true;
                found = found.max(score + best(rest, used));
                used[column] = false;
            }
        }
        found
    }

    proptest! {
        #[test]
        fn the_sum_is_the_best_of_all(
            scores in (1_usize..5).prop_flat_map(|columns| {
                prop::collection::vec(prop::collection::vec(-3_i64..9, columns), 0..5)
            }),
        ) {
            // Holds: one to one, only pairs above zero, and no assignment has a higher sum.
            let columns = scores.first().map_or(0, Vec::len);
            let found = assign(scores.len(), columns, |row, column| scores[row][column]);
            let pairs: Vec<(usize, usize)> =
                found.iter().enumerate().filter_map(|(row, at)| Some((row, (*at)?))).collect();
            let mut taken: Vec<usize> = pairs.iter().map(|(_, column)| *column).collect();
            taken.sort_unstable();
            taken.dedup();
            prop_assert_eq!(taken.len(), pairs.len());
            prop_assert!(pairs.iter().all(|(row, column)| scores[*row][*column] > 0));
            let sum: i64 = pairs.iter().map(|(row, column)| scores[*row][*column]).sum();
            prop_assert_eq!(sum, best(&scores, &mut vec![false; columns]));
        }
    }
}
