//! `cargo xtask test`: every test in every language. Each part installs what it lacks, builds,
//! runs and is counted; a part that fails does not stop the others. A part is left out only when
//! it is named in `--without`, and then the closing table says so.

mod counts;
mod kotlin;
mod node;
/// The throwaway server of the store's tests, for those of the packages.
#[path = "../../../fiscaflow-store/tests/shared/postgres.rs"]
mod postgres;
mod python;
mod rust;
mod swift;

use std::path::{Path, PathBuf};

use crate::cargo;
use crate::report::{Counts, Report};
use crate::shell::{Cmd, Finished, Outcome};
use crate::tools::apt;

/// What a part needs to know.
#[derive(Debug)]
pub struct Run {
    /// The root of the repository.
    pub root: PathBuf,
    /// Cargo's target directory; parts keep their artefacts in a directory of their own there.
    pub target: PathBuf,
    /// Whether the long versions of the tests run.
    pub deep: bool,
    /// The zone that the tests believe to be in; the machine's where absent.
    pub zone: Option<&'static str>,
}

/// Where everything runs once more after the long versions, and has to say the same: never on the
/// same day for long, 14 hours ahead and three and a half behind.
const ZONES: [&str; 2] = ["Pacific/Kiritimati", "America/St_Johns"];

type Part = fn(&Run, &mut Counts) -> Outcome;

const PARTS: [(&str, Part); 5] = [
    ("rust", rust::run),
    ("python", python::run),
    ("node", node::run),
    ("kotlin", kotlin::run),
    ("swift", swift::run),
];

/// Runs the parts that `args` leaves in: `[--deep] [--without NAME ...] [--only NAME ...]`.
pub fn run(root: &Path, args: &[String]) -> Outcome {
    let options = Options::parse(args)?;
    let (root, target) = (root.to_path_buf(), cargo::target(root)?);
    let mut run = Run { root, target, deep: options.deep, zone: None };
    let mut report =
        if options.deep { reported(&run, &options, &PARTS) } else { side_by_side(&run, &options) };
    if options.deep {
        run.deep = false;
        for (name, part) in PARTS.iter().filter(|(name, _)| options.leaves_out(name).is_none()) {
            let mut first = None;
            for zone in ZONES {
                run.zone = Some(zone);
                report.part(&format!("{name} in {zone}"), |counts| {
                    apt::ensure(&["tzdata"])?;
                    part(&run, counts)?;
                    same(first.get_or_insert_with(|| counts.clone()), counts)
                });
            }
        }
    }
    println!("\n{}", report.table());
    println!("{}", report.total());
    report.verdict()
}

/// Rust beside the other languages: much of what either does is waiting, for disks, servers and
/// the one thing that cannot be divided. Long versions run one after the other, for their figures.
fn side_by_side(run: &Run, options: &Options) -> Report {
    let (rust, others) = PARTS.split_at(1);
    std::thread::scope(|scope| {
        let others = scope.spawn(|| reported(run, options, others));
        let mut report = reported(run, options, rust);
        match others.join() {
            Ok(others) => report.append(others),
            Err(panic) => std::panic::resume_unwind(panic),
        }
        report
    })
}

/// Runs parts one after the other, but for those that are left out.
fn reported(run: &Run, options: &Options, parts: &[(&str, Part)]) -> Report {
    let mut report = Report::default();
    for (name, part) in parts {
        match options.leaves_out(name) {
            Some(why) => report.skip(name, why),
            None => report.part(name, |counts| part(run, counts)),
        }
    }
    report
}

/// Fails where the same tests end otherwise in another zone.
fn same(there: &Counts, here: &Counts) -> Outcome {
    let (there, here) = (there.to_string(), here.to_string());
    if there == here { Ok(()) } else { Err(format!("{there} in {}", ZONES[0])) }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    deep: bool,
    without: Vec<String>,
    only: Vec<String>,
}

impl Options {
    /// Reads the arguments; `--without` and `--only` take all names up to the next option.
    fn parse(args: &[String]) -> Outcome<Self> {
        let mut options = Self::default();
        let mut option = "";
        for arg in args {
            let is_part = PARTS.iter().any(|(part, _)| part == arg);
            match (arg.as_str(), option) {
                ("--deep", _) => (options.deep, option) = (true, ""),
                ("--without" | "--only", _) => option = arg,
                (name, "--without") if is_part => options.without.push(name.to_owned()),
                (name, "--only") if is_part => options.only.push(name.to_owned()),
                (other, _) => {
                    let parts = PARTS.map(|(name, _)| name).join(" ");
                    return Err(format!("`{other}` is no option and no part; parts: {parts}"));
                }
            }
        }
        Ok(options)
    }

    /// Why a part does not run, if it does not.
    fn leaves_out(&self, part: &str) -> Option<&'static str> {
        let names = |list: &[String]| list.iter().any(|name| name == part);
        if names(&self.without) {
            return Some("left out by --without");
        }
        (!self.only.is_empty() && !names(&self.only)).then_some("not named in --only")
    }
}

impl Run {
    /// An empty directory of a part among cargo's artefacts.
    fn workshop(&self, part: &str) -> Outcome<PathBuf> {
        cargo::workshop(&self.root, part)
    }

    /// Tells a test where the repository is: tests of a package run outside of it.
    fn tell(&self, cmd: Cmd) -> Cmd {
        self.tier(cmd.env("FISCAFLOW_ROOT", &self.root))
    }

    /// Tells a test whether it is to be long, and where it is.
    fn tier(&self, cmd: Cmd) -> Cmd {
        let cmd = if self.deep { cmd.env("FISCAFLOW_DEEP", "1") } else { cmd };
        match self.zone {
            Some(zone) => cmd.env("TZ", zone),
            None => cmd,
        }
    }

    /// Gives a test of a package a fresh database in PostgreSQL, with which every package is built
    /// here.
    fn with_database(&self, cmd: Cmd) -> Outcome<Cmd> {
        apt::ensure(&["postgresql"])?;
        Ok(cmd.env("FISCAFLOW_TEST_DATABASE", postgres::database().url))
    }

    /// `cargo` at the root of the repository.
    fn cargo(&self) -> Cmd {
        self.tell(cargo::command(&self.root))
    }

    /// Fails unless a file or directory that a part cannot do without is there.
    fn need(&self, path: &str) -> Outcome<PathBuf> {
        let whole = self.root.join(path);
        if whole.exists() { Ok(whole) } else { Err(format!("{path} is missing")) }
    }

    /// Builds the library for Kotlin and Swift and returns the directory that it is in.
    fn mobile_library(&self) -> Outcome<PathBuf> {
        let build = self.cargo().args(["build", "--package", "fiscaflow-mobile", "--lib"]);
        build.args(["--features", "postgres", "--locked"]).run()?;
        Ok(self.target.join("debug"))
    }
}

/// Adds what a runner counted; fails when it failed, or when it ran nothing at all.
fn add(counts: &mut Counts, found: Counts, finished: &Finished) -> Outcome {
    let ran = found != Counts::default();
    counts.add(found);
    if !finished.ok {
        return Err("the test runner failed".to_owned());
    }
    if ran { Ok(()) } else { Err("no test ran".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Outcome<Options> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn other_counts_in_another_zone_are_told() {
        // Holds: what passes in one zone and not in the other fails, whichever runner says it.
        let counts = |passed| Counts { passed, ..Counts::default() };
        same(&counts(3), &counts(3)).unwrap();
        let said = same(&counts(4), &counts(3)).unwrap_err();
        assert_eq!(said, "4 passed, 0 failed, 0 skipped in Pacific/Kiritimati");
    }

    #[test]
    fn options_name_the_parts_to_leave_out() {
        let options = parse("--without swift kotlin --deep").unwrap();
        assert!(options.deep);
        assert_eq!(options.leaves_out("kotlin"), Some("left out by --without"));
        assert_eq!(options.leaves_out("rust"), None);
        assert_eq!(parse("").unwrap(), Options::default());
        assert_eq!(parse("--without swift --without node").unwrap().without, ["swift", "node"]);
        let options = parse("--only node rust --without rust").unwrap();
        assert_eq!(options.leaves_out("node"), None);
        assert_eq!(options.leaves_out("rust"), Some("left out by --without"));
        assert_eq!(options.leaves_out("swift"), Some("not named in --only"));
        parse("--without cobol").unwrap_err();
        parse("swift").unwrap_err();
        parse("--without swift --deep node").unwrap_err();
    }
}
