//! Sums by payee: what moved with each payee in each group over all days, for totals by payee. They
//! are made of the main part when first asked for and live as long as it does; where they are not
//! far fewer than its lines, there are none.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::View;
use super::numbers::NONE;
use super::scan::{index, span};
use super::sorted::{Part, Run, Sorted};

/// So many lines stand behind a sum on average, at least.
const LINES_A_SUM: usize = 4;

/// What moved with a payee in a group; what no 64 bits hold comes in several.
pub(super) struct PayeeSum {
    payee: u32,
    group: u32,
    lines: u32,
    minor: i64,
}

/// A piece of what moved with a payee in a group.
#[derive(Clone, Copy)]
pub(crate) struct Piece {
    /// The number of the payee.
    pub(crate) payee: usize,
    /// The number of the group.
    pub(crate) group: usize,
    /// How many lines; below zero where they are to be taken off again.
    pub(crate) lines: i64,
    /// What they add, in minor units.
    pub(crate) minor: i128,
}

impl Piece {
    /// A line that comes or, where `times` is -1, goes; `None` where it has no payee.
    fn of(part: Part, times: i64) -> Option<Self> {
        let minor = i128::from(part.minor) * i128::from(times);
        let (payee, group) = (index(part.payee), index(part.group));
        (part.payee != NONE).then_some(Self { payee, group, lines: times, minor })
    }
}

impl View {
    /// Calls with pieces whose sums by payee and group are those of the lines that
    /// [`View::scan`] tells and that have a payee.
    ///
    /// Where more lines are asked for than not, it begins with the sums over all days and takes
    /// off what is not asked for.
    pub(crate) fn scan_payees(
        &self,
        first: Option<NaiveDate>,
        last: Option<NaiveDate>,
        mut see: impl FnMut(Piece),
    ) {
        let span = span(first, last);
        let (main, none) = (&*self.sorted, BTreeSet::new());
        let mut see_run = |run: Run<'_>, times| {
            run.parts().filter_map(|part| Piece::of(part, times)).for_each(&mut see);
        };
        let is_long = main.lines_in(span.clone()) * 2 > main.lines();
        let sums = is_long.then(|| main.by_payee.get_or_init(|| by_payee(main)).as_deref());
        if let Some(sums) = sums.flatten() {
            let outside = [i32::MIN..span.start, span.end..i32::MAX];
            let outside = outside.into_iter().flat_map(|span| main.runs(span, &none));
            outside.for_each(|run| see_run(run, -1));
            let gone = self.beside.gone.iter().map(|line| *line..*line + 1);
            let within =
                gone.filter(|line| main.day_of(line.start).is_some_and(|it| span.contains(&it)));
            within.for_each(|line| see_run(main.run(line), -1));
            for sum in sums {
                see(Piece {
                    payee: index(sum.payee),
                    group: index(sum.group),
                    lines: sum.lines.into(),
                    minor: sum.minor.into(),
                });
            }
        } else {
            main.runs(span.clone(), &self.beside.gone).for_each(|run| see_run(run, 1));
        }
        let beside = self.beside.rows_in(span).flat_map(|(_, parts)| parts);
        beside.filter_map(|part| Piece::of(*part, 1)).for_each(see);
    }
}

/// The sums of all lines that have a payee; `None` where they are too many.
fn by_payee(main: &Sorted) -> Option<Vec<PayeeSum>> {
    let mut lines: Vec<Part> = main.all().parts().filter(|part| part.payee != NONE).collect();
    lines.sort_unstable_by_key(|part| (part.payee, part.group));
    let mut sums = Vec::<PayeeSum>::new();
    for Part { payee, group, minor } in lines {
        let last = sums.last_mut().filter(|sum| (sum.payee, sum.group) == (payee, group));
        let sum = last.and_then(|sum| Some((sum.minor.checked_add(minor)?, sum)));
        match sum {
            Some((total, sum)) => {
                sum.minor = total;
                sum.lines += 1;
            }
            None => sums.push(PayeeSum { payee, group, lines: 1, minor }),
        }
    }
    sums.shrink_to_fit();
    (sums.len() * LINES_A_SUM <= main.lines()).then_some(sums)
}
