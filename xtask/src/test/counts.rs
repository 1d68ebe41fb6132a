//! Reading how many tests ran from what a runner prints. Each parser returns zero for output
//! that it does not know, and a part in which nothing ran fails.

use crate::report::Counts;

/// `test result: ok. 5 passed; 0 failed; 2 ignored; ...`, once per test binary, and
/// `SKIPPED crate::test: why`, which a test says that returns without having checked anything:
/// cargo knows no such verdict and counts it as passed.
pub fn cargo(text: &str) -> Counts {
    let mut total = Counts::default();
    for line in text.lines().filter(|line| line.starts_with("test result:")) {
        total.add(Counts {
            passed: before(line, " passed"),
            failed: before(line, " failed"),
            skipped: before(line, " ignored"),
            ..Counts::default()
        });
    }
    let said = text.lines().filter_map(|line| line.strip_prefix("SKIPPED "));
    let said: Vec<String> = said.map(str::to_owned).collect();
    let count = u64::try_from(said.len()).unwrap_or(u64::MAX);
    total.passed = total.passed.saturating_sub(count);
    total.skipped = total.skipped.saturating_add(count);
    let ignored = text.lines().filter_map(|line| line.strip_prefix("test ")?.split_once(" ... "));
    let ignored =
        ignored.filter_map(|(test, verdict)| Some((test, verdict.strip_prefix("ignored")?)));
    // A documentation test has no place for a reason.
    let why = |rest: &str| rest.strip_prefix(", ").map(|why| format!(": {why}"));
    total.reasons =
        ignored.map(|(test, rest)| test.to_owned() + &why(rest).unwrap_or_default()).collect();
    total.reasons.extend(said);
    total.failures = panics(text);
    total
}

/// What each failed test printed, by its name: the sections `---- name stdout ----` that follow
/// the verdicts of a test binary. Of each the last lines, which name what was not as it should be.
fn panics(text: &str) -> Vec<String> {
    const LINES: usize = 16;
    let mut lines = text.lines().peekable();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let name = line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" ----"));
        let Some(name) = name else { continue };
        let mut said = Vec::new();
        let ends = |line: &str| line.starts_with("---- ") || line == "failures:";
        while let Some(line) = lines.next_if(|line| !ends(line)) {
            said.push(line);
        }
        // The frames of a stack are many and tell less than what was said before them.
        let frames = said.iter().position(|line| *line == "stack backtrace:");
        said.truncate(frames.unwrap_or(said.len()));
        let said = said.split_off(said.len().saturating_sub(LINES));
        found.push(format!("{name}\n  {}", said.join("\n  ").trim()));
    }
    found
}

/// What follows `prefix` on each line that begins with it.
fn after(text: &str, prefix: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix(prefix)).map(str::to_owned).collect()
}

/// `=== 1 failed, 3 passed, 2 skipped, 1 error in 0.12s ===`, the last line, and `FAILED test -
/// why` above it.
pub fn pytest(text: &str) -> Counts {
    let summary = |line: &&str| line.starts_with('=') && line.contains(" in ");
    let Some(line) = text.lines().rev().find(summary) else { return Counts::default() };
    Counts {
        passed: before(line, " passed") + before(line, " xfailed"),
        failed: before(line, " failed") + before(line, " error") + before(line, " xpassed"),
        skipped: before(line, " skipped"),
        failures: after(text, "FAILED ").into_iter().chain(after(text, "ERROR ")).collect(),
        ..Counts::default()
    }
}

/// `ℹ pass 3` or `# pass 3`, and the same for the other verdicts of `node --test`.
pub fn node(text: &str) -> Counts {
    let last = |verdict: &str| {
        let number = text.lines().rev().find_map(|line| {
            let line = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# "))?;
            line.strip_prefix(verdict)?.trim().parse().ok()
        });
        number.unwrap_or(0)
    };
    Counts {
        passed: last("pass "),
        failed: last("fail ") + last("cancelled "),
        skipped: last("skipped ") + last("todo "),
        failures: after(text, "✖ "),
        ..Counts::default()
    }
}

/// `12 passed, 0 failed` or `12 passed, 0 failed, 1 skipped`, alone on a line; the last one.
pub fn plain(text: &str) -> Counts {
    let number =
        |line: &str, word| line.ends_with(word).then(|| line.split(' ').next()?.parse().ok());
    let read = |line: &str| {
        let mut words = line.trim().split(", ");
        let passed = number(words.next()?, " passed")??;
        let failed = number(words.next()?, " failed")??;
        let skipped = words.next().and_then(|w| number(w, " skipped")?).unwrap_or(0);
        Some(Counts {
            passed,
            failed,
            skipped,
            failures: after(text, "FAILED "),
            ..Counts::default()
        })
    };
    text.lines().rev().find_map(read).unwrap_or_default()
}

/// `Test Case 'Suite.name' passed (0.1 seconds)`, one line per test of XCTest.
pub fn xctest(text: &str) -> Counts {
    let mut total = Counts::default();
    for line in text.lines().filter(|line| line.starts_with("Test Case '")) {
        let Some((case, verdict)) = line.rsplit_once("' ") else { continue };
        match verdict.split(' ').next() {
            Some("passed") => total.passed += 1,
            Some("failed") => {
                total.failed += 1;
                total.failures.extend(after(case, "Test Case '"));
            }
            Some("skipped") => total.skipped += 1,
            _ => {}
        }
    }
    total
}

/// The number in front of `word`, or zero.
fn before(line: &str, word: &str) -> u64 {
    let end = line.match_indices(word).find_map(|(at, _)| {
        let head = line.get(..at)?;
        head.rsplit(|c: char| !c.is_ascii_digit()).next().filter(|digits| !digits.is_empty())
    });
    end.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts { passed, failed, skipped, ..Counts::default() }
    }

    #[test]
    fn cargo_sums_over_binaries() {
        let text = "test a ... ok\n\
            test result: ok. 5 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out\n\
            test result: FAILED. 10 passed; 1 failed; 0 ignored; 0 measured; 3 filtered out\n";
        assert_eq!(cargo(text), counts(15, 1, 2));
    }

    #[test]
    fn cargo_counts_what_checked_nothing_as_skipped() {
        // Holds: a test that returns early is no passed one, and every skipped one has a reason.
        let text = "running 4 tests\n\
            SKIPPED import_csv::collection::facts: no collection of files at /x\n\
            test collection::facts ... ok\n\
            test b ... ok\n\
            test c ... ignored, takes a day\n\
            test src/lib.rs - d (line 3) ... ignored\n\
            test result: ok. 2 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out\n";
        let found = cargo(text);
        assert_eq!((found.passed, found.failed, found.skipped), (1, 0, 3));
        let said = "import_csv::collection::facts: no collection of files at /x";
        assert_eq!(found.reasons, ["c: takes a day", "src/lib.rs - d (line 3)", said]);
    }

    #[test]
    fn cargo_tells_what_each_failed_test_said() {
        // Holds: the end of a run is enough to see which test failed and how.
        let text = "test a ... FAILED\n\nfailures:\n\n---- a stdout ----\n\
            thread 'a' panicked at tests/a.rs:1:2:\none is not two\nstack backtrace:\n   0: f\n\n\
            ---- b stdout ----\nlost\n\nfailures:\n    a\n    b\n\n\
            test result: FAILED. 0 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        let said = [
            "a stdout\n  thread 'a' panicked at tests/a.rs:1:2:\n  one is not two",
            "b stdout\n  lost",
        ];
        assert_eq!(cargo(text).failures, said);
    }

    #[test]
    fn every_runner_names_what_failed() {
        // Holds: no runner's failures are a number alone.
        assert_eq!(pytest("FAILED a.py::b - x\n= 1 failed in 1s =\n").failures, ["a.py::b - x"]);
        assert_eq!(node("✖ adds (1.2ms)\nℹ fail 1\n").failures, ["adds (1.2ms)"]);
        assert_eq!(plain("FAILED adds\n0 passed, 1 failed\n").failures, ["adds"]);
        let swift = "Test Case 'A.testY' failed (0.0 seconds)\n";
        assert_eq!(xctest(swift).failures, ["A.testY"]);
    }

    #[test]
    fn pytest_has_one_summary() {
        assert_eq!(pytest("===== 3 passed in 0.12s =====\n"), counts(3, 0, 0));
        let text = "== short test summary info ==\n\
            == 1 failed, 30 passed, 2 skipped, 1 xfailed, 1 error in 1.00s ==\n";
        assert_eq!(pytest(text), counts(31, 2, 2));
        assert_eq!(pytest("==== no tests ran in 0.01s ====\n"), counts(0, 0, 0));
    }

    #[test]
    fn node_has_a_line_per_verdict() {
        let text =
            "ℹ tests 6\nℹ suites 0\nℹ pass 4\nℹ fail 1\nℹ cancelled 0\nℹ skipped 1\nℹ todo 0\n";
        assert_eq!(node(text), counts(4, 1, 1));
        assert_eq!(node("# tests 1\n# pass 1\n# fail 0\n"), counts(1, 0, 0));
    }

    #[test]
    fn plain_takes_the_last_line_that_fits() {
        assert_eq!(plain("1 passed, 1 failed\nx\n12 passed, 0 failed\nbye\n"), counts(12, 0, 0));
        assert_eq!(plain("12 passed, 3 failed, 4 skipped\n"), counts(12, 3, 4));
        assert_eq!(plain("nothing passed, 3 failed\n"), counts(0, 0, 0));
    }

    #[test]
    fn xctest_has_a_line_per_test() {
        let text = "Test Case 'A.testX' started at 2026-01-01 00:00:00.000\n\
            Test Case 'A.testX' passed (0.01 seconds)\n\
            Test Case 'A.testY' failed (0.0 seconds)\n\
            Test Case 'A.testZ' skipped (0.0 seconds)\n\
            Executed 3 tests, with 1 test skipped and 2 failures (0 unexpected) in 0.0 seconds\n";
        let found = xctest(text);
        assert_eq!((found.passed, found.failed, found.skipped), (1, 1, 1));
    }
}
