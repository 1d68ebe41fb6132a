//! Sharing an amount over weights so that the parts add up to the whole.

use super::{Money, overflow};
use crate::error::{Error, Result};

impl Money {
    /// Shares the amount in proportion to `weights` by the method of the largest remainder
    /// (Hamilton's): each part is first cut towards zero, and the units left over go one each to
    /// the parts that lost most, the earlier part first where two lost the same.
    ///
    /// The parts always add up to the whole. Weights must not all be zero.
    ///
    /// ```
    /// use fiscaflow_core::{Currency, Money};
    ///
    /// let bill = Money::parse("-10.00", Currency::iso("EUR")?)?;
    /// let parts: Vec<i64> = bill.allocate(&[1, 1, 1])?.iter().map(|part| part.minor()).collect();
    /// assert_eq!(parts, [-334, -333, -333]);
    /// # Ok::<(), fiscaflow_core::Error>(())
    /// ```
    pub fn allocate(self, weights: &[u32]) -> Result<Vec<Self>> {
        let total_weight: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
        if total_weight == 0 {
            return Err(Error::invalid("weights", "at least one weight must be above zero"));
        }
        let mut parts = Vec::with_capacity(weights.len());
        let mut losses = Vec::with_capacity(weights.len());
        let mut left_over = i128::from(self.minor);
        for (index, weight) in weights.iter().enumerate() {
            let share =
                i128::from(self.minor).checked_mul(i128::from(*weight)).ok_or_else(overflow)?;
            let part = share / total_weight;
            losses.push(((share % total_weight).abs(), index));
            left_over -= part;
            parts.push(part);
        }
        losses.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(&right.1)));
        let unit = left_over.signum();
        for (_, index) in losses {
            if left_over == 0 {
                break;
            }
            if let Some(part) = parts.get_mut(index) {
                *part += unit;
                left_over -= unit;
            }
        }
        parts.into_iter().map(|part| Self::from_wide(part, self.currency)).collect()
    }
}
