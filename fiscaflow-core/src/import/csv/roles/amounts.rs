//! The columns of the amount and of its direction.

use super::super::guess;
use super::super::numbers;
use super::super::profile::ColumnRole;
use super::super::shape::Column;
use super::super::words::Direction;
use super::{AmountColumns, DirectionColumn, Draft, Unclear};

impl Draft<'_, '_> {
    /// The columns of the amount; the balance's place may come from the same look at the cells.
    pub fn amounts(
        &mut self,
        balance: Option<usize>,
    ) -> Result<(AmountColumns, Option<usize>), Unclear> {
        let found = if let Some(amounts) = self.stated_amounts()? {
            (amounts, balance.or_else(|| guess::balance(self, amounts)))
        } else if let Some(amounts) = self.named_amounts() {
            (amounts, balance)
        } else {
            let found = guess::amounts(self, balance)?;
            (found.amounts, found.balance)
        };
        for place in found.0.places().chain(found.1) {
            self.take(place);
        }
        Ok(found)
    }

    /// As the profile states it; where it states one side of two only, the other is looked for.
    fn stated_amounts(&self) -> Result<Option<AmountColumns>, Unclear> {
        if let Some(place) = self.stated(ColumnRole::Amount) {
            return Ok(Some(AmountColumns::Single(place)));
        }
        let (debit, credit) = (self.stated(ColumnRole::Debit), self.stated(ColumnRole::Credit));
        let other = |role, stated: usize| match self.named_side(role) {
            Some(place) => Ok(Some(place)),
            None => guess::other_side(self, stated),
        };
        let (debit, credit) = match (debit, credit) {
            (None, None) => return Ok(None),
            (Some(debit), None) => (Some(debit), other(ColumnRole::Credit, debit)?),
            (None, Some(credit)) => (other(ColumnRole::Debit, credit)?, Some(credit)),
            both => both,
        };
        Ok(Some(AmountColumns::Pair { debit, credit }))
    }

    fn named_amounts(&self) -> Option<AmountColumns> {
        let amount = self.named_amount();
        let debit = self.named_side(ColumnRole::Debit);
        let credit = self.named_side(ColumnRole::Credit);
        let has_cells = |place: Option<usize>| {
            place.and_then(|place| self.columns.get(place)).is_some_and(|column| column.numbers > 0)
        };
        let whole = debit.is_some() && credit.is_some() && self.is_complementary(debit, credit);
        if whole && (has_cells(debit) || has_cells(credit)) {
            return Some(AmountColumns::Pair { debit, credit });
        }
        if let Some(place) = amount {
            return Some(AmountColumns::Single(place));
        }
        let has_minus = |place: &usize| self.columns.get(*place).is_some_and(|it| it.negative > 0);
        match (debit, credit) {
            (None, None) => {}
            // Less than nothing came in: money went out, however the column is meant.
            (None, Some(credit)) if has_minus(&credit) => {
                return Some(AmountColumns::Single(credit));
            }
            _ => return Some(AmountColumns::Pair { debit, credit }),
        }
        if self.rows.is_empty() {
            let means = |place: &usize| self.means(*place, ColumnRole::Amount);
            return (0..self.columns.len()).find(means).map(AmountColumns::Single);
        }
        None
    }

    /// The amount column by its header; one whose header names the currency goes first.
    fn named_amount(&self) -> Option<usize> {
        self.named(ColumnRole::Amount).min_by_key(|place| {
            let plain = self.title(*place).is_none_or(|title| title.currency.is_none());
            let empty = self.columns.get(*place).is_none_or(|column| column.money == 0);
            (plain, self.rank(*place, ColumnRole::Amount), empty, *place)
        })
    }

    fn named_side(&self, role: ColumnRole) -> Option<usize> {
        self.named(role).min_by_key(|place| (self.rank(*place, role), *place))
    }

    /// Whether all but a few rows fill at most one of the columns.
    fn is_complementary(&self, debit: Option<usize>, credit: Option<usize>) -> bool {
        let (Some(debit), Some(credit)) = (debit, credit) else { return false };
        let filled = |cell: &str| {
            numbers::scan(cell)
                .is_some_and(|found| found.digits.bytes().any(|byte| (b'1'..=b'9').contains(&byte)))
        };
        let both =
            self.rows.iter().filter(|row| filled(row.cell(debit)) && filled(row.cell(credit)));
        both.count() * 10 <= self.rows.len()
    }

    /// The column that tells the direction of a single amount, where the sign does not.
    pub fn direction(&mut self, amounts: AmountColumns) -> Option<DirectionColumn> {
        let stated = self.stated(ColumnRole::Direction);
        let place = stated.or_else(|| {
            let AmountColumns::Single(amount) = amounts else { return None };
            let free = self.free().map(|(place, _)| place);
            let best = free
                .filter(|place| self.could_direct(*place))
                .min_by_key(|place| (!self.means(*place, ColumnRole::Direction), *place))?;
            let decides = !self.sign_agrees(amount, best) && !self.is_type(amount, best);
            decides.then_some(best)
        })?;
        let column = self.columns.get(place)?;
        let one_sided = column.ins == 0 || column.outs == 0;
        let partly = column.directions() < self.rows.len();
        let blank = match (one_sided && partly, column.ins > 0, column.outs > 0) {
            (true, true, _) => Some(Direction::Out),
            (true, _, true) => Some(Direction::In),
            _ => None,
        };
        Some(DirectionColumn { column: self.take(place), blank })
    }

    pub fn could_direct(&self, place: usize) -> bool {
        let Some(column) = self.columns.get(place) else { return false };
        if column.directions() == 0 || column.is_number() {
            return false;
        }
        if self.means(place, ColumnRole::Direction) || !self.has_title(place) {
            return column.directions() * 5 >= column.filled * 4;
        }
        let worded = column.bytes > column.filled;
        !self.is_known(place) && column.directions() == column.filled && worded
    }

    /// Whether a column beside signed amounts only tells their kind: it has words that are no
    /// direction as well (`CHECK` beside `DEBIT`), and no header that says more.
    fn is_type(&self, amount: usize, place: usize) -> bool {
        let is_signed = self.columns.get(amount).is_some_and(|column| column.negative > 0);
        let has_others =
            self.columns.get(place).is_some_and(|column| column.directions() < column.filled);
        is_signed && has_others && !self.means(place, ColumnRole::Direction)
    }

    /// Whether the signs of the amounts say the same as the directions in every row.
    fn sign_agrees(&self, amount: usize, direction: usize) -> bool {
        let mut negative = false;
        let agrees = self.rows.iter().all(|row| {
            let Some(scanned) = numbers::scan(row.cell(amount)) else { return true };
            negative |= scanned.negative;
            match Direction::of(row.cell(direction)) {
                Some(Direction::Out) => scanned.negative,
                Some(Direction::In) => !scanned.negative,
                None => true,
            }
        });
        agrees && negative
    }

    /// Whether no row fills both columns.
    pub fn never_both(&self, left: usize, right: usize) -> bool {
        self.columns.get(left).is_some_and(Column::is_number)
            && self.columns.get(right).is_some_and(Column::is_number)
            && self.is_complementary(Some(left), Some(right))
    }
}
