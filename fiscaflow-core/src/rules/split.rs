//! Splitting an amount by a rule, so that the parts add up to it exactly.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::model::{Split, SplitPart};
use crate::money::Money;

/// The parts of an amount; `None` where fixed amounts do not fit into it or its currency.
///
/// Percentages are of the whole amount. The exact shares are cut to whole minor units, and the
/// units left over go one each to the shares that lost most, the earlier first. What is left after
/// amounts and percentages is one such share, divided equally among the parts without either.
pub(super) fn split(amount: Money, parts: &[SplitPart]) -> Option<Vec<Split>> {
    let currency = amount.currency();
    let whole = Decimal::from(amount.minor()).abs();
    let share = |part: &SplitPart| match (part.amount, part.percent) {
        (Some(fixed), _) => Money::from_amount(fixed, currency).ok().map(|it| it.minor().into()),
        (None, Some(percent)) => {
            whole.checked_mul(percent.decimal()).map(|it| it / Decimal::ONE_HUNDRED)
        }
        (None, None) => Some(Decimal::ZERO),
    };
    let shares = parts.iter().map(share).collect::<Option<Vec<Decimal>>>()?;
    let taken: Decimal = shares.iter().try_fold(Decimal::ZERO, |sum, it| sum.checked_add(*it))?;
    let rest = whole.checked_sub(taken)?;
    if amount.is_zero() || rest.is_sign_negative() && !rest.is_zero() {
        return None;
    }
    let mut minors = largest_remainder(whole, shares.iter().copied().chain([rest]))?;
    let rest = minors.pop()?;
    let takers = parts.iter().filter(|it| it.amount.is_none() && it.percent.is_none()).count();
    if takers == 0 && rest != 0 {
        return None;
    }
    let equal = vec![1; takers];
    let mut equal = if takers == 0 {
        Vec::new().into_iter()
    } else {
        Money::from_minor(rest, currency).allocate(&equal).ok()?.into_iter()
    };
    let out = amount.minor() < 0;
    let part = |(part, minor): (&SplitPart, i64)| {
        let takes = part.amount.is_none() && part.percent.is_none();
        let amount = if takes { equal.next()? } else { Money::from_minor(minor, currency) };
        Some(Split {
            amount: if out { amount.checked_neg().ok()? } else { amount },
            category_id: part.category_id,
            notes: part.notes.clone(),
        })
    };
    parts.iter().zip(minors).map(part).collect()
}

/// Exact shares as whole numbers that add up to the whole.
fn largest_remainder(whole: Decimal, shares: impl Iterator<Item = Decimal>) -> Option<Vec<i64>> {
    let shares: Vec<Decimal> = shares.collect();
    let mut minors = shares.iter().map(|it| it.floor().to_i64()).collect::<Option<Vec<i64>>>()?;
    let cut: i64 = minors.iter().try_fold(0_i64, |sum, it| sum.checked_add(*it))?;
    let mut left = whole.to_i64()?.checked_sub(cut)?;
    let mut order: Vec<usize> = (0..shares.len()).collect();
    let lost = |place: &usize| shares.get(*place).map(|share| share.fract());
    order.sort_by_key(|place| std::cmp::Reverse(lost(place)));
    for place in order {
        if left == 0 {
            break;
        }
        if let Some(minor) = minors.get_mut(place) {
            *minor = minor.checked_add(1)?;
            left -= 1;
        }
    }
    (left == 0).then_some(minors)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::{Amount, Currency};

    fn part(amount: Option<&str>, percent: Option<&str>) -> SplitPart {
        let read = |text: Option<&str>| text.and_then(|text| text.parse::<Amount>().ok());
        SplitPart { amount: read(amount), percent: read(percent), ..SplitPart::default() }
    }

    fn minors(minor: i64, parts: &[SplitPart]) -> Option<Vec<i64>> {
        let amount = Money::from_minor(minor, Currency::iso("EUR").ok()?);
        Some(split(amount, parts)?.iter().map(|it| it.amount.minor()).collect())
    }

    #[test]
    fn shares_are_what_they_say() {
        // Holds: fixed amounts stay, percentages are of the whole, the rest is shared equally, and
        // what does not fit is not split.
        let rest = part(None, None);
        let fixed = part(Some("30.00"), None);
        let third = part(None, Some("33.3333"));
        assert_eq!(minors(-10_000, &[fixed.clone(), rest.clone()]), Some(vec![-3_000, -7_000]));
        assert_eq!(minors(100, &[third.clone(), third, rest.clone()]), Some(vec![33, 33, 34]));
        let thirds = [rest.clone(), rest.clone(), rest.clone()];
        assert_eq!(minors(-100, &thirds), Some(vec![-34, -33, -33]));
        assert_eq!(minors(2_999, &[fixed.clone(), rest.clone()]), None);
        assert_eq!(minors(3_000, &[fixed, rest.clone()]), Some(vec![3_000, 0]));
        assert_eq!(minors(5_000, &[part(Some("0.001"), None), rest]), None);
        let halves = [part(None, Some("50")), part(None, Some("50"))];
        assert_eq!(minors(-1, &halves), Some(vec![-1, 0]));
    }

    proptest! {
        /// Parts add up to the whole, whatever they are.
        #[test]
        fn parts_add_up(
            minor in -100_000_i64..100_000,
            fixed in prop::collection::vec(1_i64..9_999, 0..3),
            percents in prop::collection::vec(1_i64..330_000, 0..3),
            rests in 1_usize..3,
        ) {
            let text = |value: i64, scale| Some(Amount::new(Decimal::new(value, scale)));
            let fixed = fixed.iter()
                .map(|it| SplitPart { amount: text(*it, 2), ..part(None, None) });
            let percents = percents.iter()
                .map(|it| SplitPart { percent: text(*it, 4), ..part(None, None) });
            let rest = (0..rests).map(|_| part(None, None));
            let parts: Vec<SplitPart> = fixed.chain(percents).chain(rest).collect();
            if let Some(minors) = minors(minor, &parts) {
                prop_assert_eq!(minors.iter().sum::<i64>(), minor);
                prop_assert!(minors.iter().all(|it| it.signum() * minor.signum() >= 0));
            }
        }
    }
}
