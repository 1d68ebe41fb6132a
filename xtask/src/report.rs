//! What ran, how long it took and how it ended: the rows of a check or a test run, the table
//! that closes it and the line that sums it up.

use std::fmt;
use std::time::{Duration, Instant};

use crate::shell::Outcome;

/// How many tests a runner says it ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that a runner left out, or whole parts that were left out.
    pub skipped: u64,
    /// Which of them those were and why, as far as the runner tells.
    pub reasons: Vec<String>,
    /// Which tests failed and how, as far as the runner tells.
    pub failures: Vec<String>,
}

impl Counts {
    /// Adds the counts of another runner.
    pub fn add(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.reasons.extend(other.reasons);
        self.failures.extend(other.failures);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// How one row ended.
#[derive(Debug)]
enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

/// The rows of one run, in the order in which they ran.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<(String, Verdict, Duration, Option<Counts>)>,
}

impl Report {
    /// Runs a step that has no tests to count.
    pub fn step(&mut self, name: &str, run: impl FnOnce() -> Outcome) {
        self.timed(name, || (run(), None));
    }

    /// Runs a part that counts tests; the counts are kept when the part fails, too. A failure
    /// outside any test (a build that breaks, a missing tool) counts as one failed test, so that
    /// the sum never looks clean when a part is not.
    pub fn part(&mut self, name: &str, run: impl FnOnce(&mut Counts) -> Outcome) {
        self.timed(name, || {
            let mut counts = Counts::default();
            let mut outcome = run(&mut counts);
            if outcome.is_ok() && counts.failed > 0 {
                outcome = Err(format!("{} failed", counts.failed));
            }
            if outcome.is_err() && counts.failed == 0 {
                counts.failed = 1;
            }
            (outcome, Some(counts))
        });
    }

    /// Records a part that does not run, and why; it counts as one skipped.
    pub fn skip(&mut self, name: &str, why: &str) {
        println!("\n== {name}: skipped, {why}");
        let counts = Counts { skipped: 1, ..Counts::default() };
        let verdict = Verdict::Skipped(why.to_owned());
        self.rows.push((name.to_owned(), verdict, Duration::ZERO, Some(counts)));
    }

    /// Adds the rows of another run.
    pub fn append(&mut self, mut other: Self) {
        self.rows.append(&mut other.rows);
    }

    fn timed(&mut self, name: &str, run: impl FnOnce() -> (Outcome, Option<Counts>)) {
        println!("\n== {name}");
        let start = Instant::now();
        let (outcome, counts) = run();
        let verdict = match outcome {
            Ok(()) => Verdict::Passed,
            Err(problem) => Verdict::Failed(problem),
        };
        let took = start.elapsed();
        println!("== {name}: {} in {:.1} s", verdict.word(), took.as_secs_f32());
        if let Verdict::Failed(problem) = &verdict {
            println!("{problem}");
        }
        self.rows.push((name.to_owned(), verdict, took, counts));
    }

    /// The sum over all parts.
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.rows.iter().filter_map(|(.., counts)| counts.clone()).for_each(|c| total.add(c));
        total
    }

    /// The closing table, and below it each test that was skipped and why, and each that failed
    /// and how: who reads the end of a run alone learns both.
    pub fn table(&self) -> String {
        let width = self.rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        let mut text = String::new();
        for (name, verdict, took, counts) in &self.rows {
            let seconds = took.as_secs_f32();
            text += &format!("{name:width$}  {:7}  {seconds:7.1} s", verdict.word());
            let reason = match verdict {
                Verdict::Skipped(why) => Some(shorten(why)),
                Verdict::Failed(problem) => problem.lines().next().map(shorten),
                Verdict::Passed => None,
            };
            match counts {
                Some(counts) if !matches!(verdict, Verdict::Skipped(_)) => {
                    text += &format!("  {counts}");
                }
                _ => {}
            }
            text += &reason.map(|r| format!("  ({r})")).unwrap_or_default();
            text.push('\n');
        }
        for (name, .., counts) in &self.rows {
            for reason in counts.iter().flat_map(|counts| &counts.reasons) {
                text += &format!("{name:width$}  skipped  {reason}\n");
            }
            for failure in counts.iter().flat_map(|counts| &counts.failures) {
                text += &format!("{name:width$}  FAILED   {failure}\n");
            }
        }
        text
    }

    /// `Ok` unless a row failed.
    pub fn verdict(&self) -> Outcome {
        let failed: Vec<&str> = self
            .rows
            .iter()
            .filter(|(_, verdict, ..)| matches!(verdict, Verdict::Failed(_)))
            .map(|(name, ..)| name.as_str())
            .collect();
        if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
    }
}

/// The beginning of a reason; the whole of it stands above, where the step ended.
fn shorten(reason: &str) -> String {
    const WIDTH: usize = 60;
    let end = reason.char_indices().nth(WIDTH).map(|(at, _)| at);
    end.and_then(|at| reason.get(..at)).map_or(reason.to_owned(), |head| format!("{head} ..."))
}

impl Verdict {
    fn word(&self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Failed(_) => "FAILED",
            Self::Skipped(_) => "skipped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_breaks_outside_a_test_counts_as_one_failure() {
        let mut report = Report::default();
        report.part("rust", |counts| {
            counts.passed = 7;
            Ok(())
        });
        report.part("node", |_| Err("no such file\nmore".to_owned()));
        report.skip("swift", "left out by --without");
        assert_eq!(report.total().to_string(), "7 passed, 1 failed, 1 skipped");
        assert_eq!(report.verdict().unwrap_err(), "failed: node");
        let table = report.table();
        assert!(table.contains("node") && table.contains("(no such file)"), "{table}");
        assert!(table.contains("skipped") && table.contains("(left out by --without)"), "{table}");
    }

    #[test]
    fn failing_tests_fail_their_part() {
        let mut report = Report::default();
        report.part("python", |counts| {
            *counts = Counts { passed: 1, failed: 2, ..Counts::default() };
            Ok(())
        });
        assert_eq!(report.total().failed, 2);
        report.verdict().unwrap_err();
    }

    #[test]
    fn the_table_names_each_skipped_and_each_failed_test_and_why() {
        // Holds: who reads the end of a run alone learns what was not checked and what failed.
        let mut report = Report::default();
        report.part("rust", |counts| {
            let reasons = vec!["a::b: no collection of files".to_owned()];
            let failures = vec!["c::d: one is not two".to_owned()];
            *counts = Counts { passed: 4, failed: 1, skipped: 1, reasons, failures };
            Ok(())
        });
        assert_eq!(report.total().to_string(), "4 passed, 1 failed, 1 skipped");
        let table = report.table();
        assert!(table.contains("rust  skipped  a::b: no collection of files\n"), "{table}");
        assert!(table.contains("rust  FAILED   c::d: one is not two\n"), "{table}");
    }
}
