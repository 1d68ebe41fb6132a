//! One run beside the peers: the data is written once, then every program of a job reads it in a
//! process of its own, one after the other and round by round, so that what else the machine does
//! meets all of them alike.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::table::{self, Row};
use crate::cargo;
use crate::shell::{Cmd, Outcome};
use crate::tools::{apt, node, python};

/// What it takes to run a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Python,
    /// Python with what learns; apart, because not every machine can install it.
    Learner,
    Fasttext,
    /// `ofxdump`, which the Python script starts.
    Libofx,
    /// Another program that it starts.
    Hledger,
    Actual,
}

const OURS: &str = "fiscaflow";

/// Where a program is started, and what starts it up to the name of the job.
type Start = (PathBuf, Vec<OsString>);

/// The peers of each job.
const PEERS: [(&str, &[(&str, Kind)]); 21] = [
    (
        "parse-ofx",
        &[
            ("ofxtools tree", Kind::Python),
            ("actual", Kind::Actual),
            ("ofxtools", Kind::Python),
            ("libofx", Kind::Libofx),
            ("ofxparse", Kind::Python),
        ],
    ),
    (
        "parse-csv",
        &[
            ("polars", Kind::Python),
            ("pandas", Kind::Python),
            ("duckdb", Kind::Python),
            ("actual", Kind::Actual),
        ],
    ),
    (
        "parse-camt",
        &[
            ("lxml tree", Kind::Python),
            ("pycamt", Kind::Python),
            ("bankstatementparser", Kind::Python),
            ("actual", Kind::Actual),
        ],
    ),
    ("parse-mt940", &[("mt-940", Kind::Python)]),
    ("parse-qif", &[("quiffen", Kind::Python), ("actual", Kind::Actual)]),
    ("import", &[("actual", Kind::Actual)]),
    ("rules-10", &RULE_PEERS),
    ("rules-100", &RULE_PEERS),
    ("rules-1000", &RULE_PEERS),
    ("rules-10000", &RULE_PEERS),
    ("learn", &LEARNERS),
    ("predict", &LEARNERS),
    ("normalise", &[]),
    ("monthly-by-category", &FIGURE_PEERS),
    ("top-payees", &FIGURE_PEERS),
    ("running-balance", &FIGURE_PEERS),
    ("net-worth-by-day", &FIGURE_PEERS),
    ("budgets", &FIGURE_PEERS),
    ("dashboard", &[]),
    ("view-build", &LOAD_PEERS),
    ("view-catch-up", &[]),
];

const LOAD_PEERS: [(&str, Kind); 5] = [
    ("polars", Kind::Python),
    ("pandas", Kind::Python),
    ("duckdb", Kind::Python),
    ("sqlite", Kind::Python),
    ("beancount", Kind::Python),
];

const FIGURE_PEERS: [(&str, Kind); 6] = [
    ("polars", Kind::Python),
    ("pandas", Kind::Python),
    ("duckdb", Kind::Python),
    ("sqlite", Kind::Python),
    ("hledger", Kind::Hledger),
    ("beancount", Kind::Python),
];

const LEARNERS: [(&str, Kind); 5] = [
    ("scikit-learn characters SVC", Kind::Learner),
    ("scikit-learn characters SGD", Kind::Learner),
    ("scikit-learn words SGD", Kind::Learner),
    ("fasttext", Kind::Fasttext),
    ("smart_importer", Kind::Learner),
];

const RULE_PEERS: [(&str, Kind); 3] =
    [("polars", Kind::Python), ("polars automaton", Kind::Python), ("duckdb", Kind::Python)];

/// What a run is asked for.
#[derive(Debug)]
struct Options {
    jobs: Vec<String>,
    n: Option<u64>,
    seed: u64,
    repeat: u64,
    limit_seconds: u64,
}

impl Options {
    fn read(args: &[String]) -> Outcome<Self> {
        let mut options =
            Self { jobs: Vec::new(), n: None, seed: 1, repeat: 3, limit_seconds: 120 };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if !arg.starts_with("--") {
                options.jobs.push(arg.clone());
                continue;
            }
            let value = args.next().and_then(|value| value.parse::<u64>().ok());
            let value = value.ok_or_else(|| format!("`{arg}` needs a number"))?;
            match arg.as_str() {
                "--n" => options.n = Some(value),
                "--seed" => options.seed = value,
                "--repeat" => options.repeat = value.max(1),
                "--limit" => options.limit_seconds = value,
                _ => return Err(format!("no option `{arg}`: --n --seed --repeat --limit")),
            }
        }
        let known = PEERS.map(|(job, _)| job);
        if let Some(job) = options.jobs.iter().find(|job| !known.contains(&job.as_str())) {
            return Err(format!("no peers for `{job}`; there are some for {}", known.join(", ")));
        }
        if options.jobs.is_empty() {
            options.jobs = known.map(str::to_owned).to_vec();
        }
        Ok(options)
    }

    /// How many transactions a job has: fewer for the one that stores them.
    fn n(&self, job: &str) -> u64 {
        self.n.unwrap_or(if job == "import" { 10_000 } else { 100_000 })
    }
}

/// A program that takes part in a job.
#[derive(Debug)]
struct Entrant {
    name: &'static str,
    /// Or why it cannot be started, or is not started again.
    start: Outcome<Start>,
    lines: Vec<Value>,
}

/// Runs the jobs beside their peers and prints the lines and the tables.
pub fn run(root: &Path, args: &[String]) -> Outcome {
    let options = Options::read(args)?;
    let shop = cargo::workshop(root, "bench")?;
    cargo::command(root).args(["build", "--release", "--package", "fiscaflow-benches"]).run()?;
    // A copy: a build beside a long run must not change what is measured.
    let ours = shop.join("fiscaflow-benches");
    let built = cargo::target(root)?.join("release/fiscaflow-benches");
    std::fs::copy(&built, &ours).map_err(|e| format!("{}: {e}", built.display()))?;

    let mut made: BTreeMap<Kind, Outcome<Start>> = BTreeMap::new();
    let mut tables = String::new();
    for job in &options.jobs {
        let data = write_data(&ours, &shop, options.n(job), options.seed)?;
        let start = Ok((shop.clone(), vec![ours.clone().into_os_string()]));
        let mut entrants = vec![Entrant { name: OURS, start, lines: Vec::new() }];
        for (name, kind) in PEERS.iter().filter(|(name, _)| name == job).flat_map(|(_, it)| *it) {
            let start = made.entry(*kind).or_insert_with(|| ready(root, *kind)).clone();
            entrants.push(Entrant { name, start, lines: Vec::new() });
        }
        println!("\n== {job}");
        let rows = rounds(job, entrants, &data, &options);
        tables += &table::markdown(job, &rows);
        if let Some(Row { line: Err(problem), .. }) = rows.first() {
            return Err(format!("{job}: our own runner: {problem}"));
        }
    }
    println!("\n{tables}");
    Ok(())
}

/// Makes ready what a kind of peers needs.
fn ready(root: &Path, kind: Kind) -> Outcome<Start> {
    let folder = root.join("benches/peers");
    match kind {
        Kind::Python | Kind::Learner | Kind::Fasttext | Kind::Libofx | Kind::Hledger => {
            match kind {
                Kind::Libofx => apt::ensure(&["ofx"])?,
                Kind::Hledger => apt::ensure(&["hledger"])?,
                _ => {}
            }
            let (name, list) = match kind {
                Kind::Learner => ("bench-learners", "learners.txt"),
                Kind::Fasttext => ("bench-fasttext", "fasttext.txt"),
                _ => ("bench-peers", "requirements.txt"),
            };
            let python = python::with_requirements(name, &folder.join(list))?.join("python");
            let script = folder.join("peers.py");
            Ok((folder, vec![python.into_os_string(), script.into_os_string()]))
        }
        Kind::Actual => {
            let node = node::ready()?;
            let project = node::project(&node, "bench-actual", &folder.join("package.json"))?;
            let script = folder.join("actual.mjs");
            Ok((project, vec![node.program("node").into_os_string(), script.into_os_string()]))
        }
    }
}

/// The folder with the data of that size, written when it is not there yet.
fn write_data(ours: &Path, shop: &Path, n: u64, seed: u64) -> Outcome<PathBuf> {
    let data = shop.join(format!("data-{n}-{seed}"));
    // What an earlier version wrote lacks what is read now.
    if !data.join("payments.csv").exists() {
        let (n, seed) = (n.to_string(), seed.to_string());
        Cmd::new(ours).args(["data", "--n", &n, "--seed", &seed, "--out"]).arg(&data).run()?;
    }
    Ok(data)
}

/// Runs every entrant as often as asked for; who fails once is not run again.
fn rounds(job: &str, mut entrants: Vec<Entrant>, data: &Path, options: &Options) -> Vec<Row> {
    for _ in 0..options.repeat {
        for entrant in &mut entrants {
            let Ok((dir, start)) = &entrant.start else { continue };
            match once(job, entrant.name, dir, start, data, options) {
                Ok(line) => entrant.lines.push(line),
                Err(problem) => {
                    println!("   {}: {problem}", entrant.name);
                    entrant.start = Err(problem);
                }
            }
        }
    }
    let row = |entrant: Entrant| {
        let line = entrant.start.and_then(|_| table::median(entrant.lines));
        if let Ok(line) = &line {
            println!("{line}");
        }
        Row { peer: entrant.name, line }
    };
    entrants.into_iter().map(row).collect()
}

fn once(
    job: &str,
    name: &str,
    dir: &Path,
    start: &[OsString],
    data: &Path,
    options: &Options,
) -> Outcome<Value> {
    let limit = options.limit_seconds.to_string();
    let numbers = [("--n", options.n(job)), ("--seed", options.seed)];
    let numbers = numbers.map(|(name, value)| [name.to_owned(), value.to_string()]);
    let cmd = Cmd::new("timeout").arg(&limit).args(start).arg(job).dir(dir);
    let cmd = if name == OURS { cmd.args(["--repeat", "1"]) } else { cmd.arg(name) };
    let said = cmd.arg("--data").arg(data).args(numbers.as_flattened()).capture();
    let said = said.map_err(|problem| {
        if problem.contains("ended with exit status: 124") {
            return format!("not within {limit} s");
        }
        problem.lines().rfind(|line| !line.trim().is_empty()).unwrap_or(&problem).to_owned()
    })?;
    serde_json::from_str(said.trim()).map_err(|_| "printed no line of JSON".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Holds: without a job every job with peers runs, and what is not understood is refused.
    #[test]
    fn the_command_line_is_read() {
        let all = Options::read(&[]).unwrap();
        assert_eq!((all.jobs.len(), all.n("parse-ofx"), all.n("import")), (21, 100_000, 10_000));
        let some = Options::read(&words("parse-qif --n 500 --repeat 0")).unwrap();
        assert_eq!((some.jobs, some.repeat), (words("parse-qif"), 1));
        Options::read(&words("parse-pdf")).unwrap_err();
        Options::read(&words("--n many")).unwrap_err();
        Options::read(&words("--speed 5")).unwrap_err();
    }

    /// Holds: each peer that Python has to reach is known to the script, by the same name.
    #[test]
    fn the_script_knows_its_peers() {
        let script = concat!(
            include_str!("../../../benches/peers/peers.py"),
            include_str!("../../../benches/peers/learners.py")
        );
        for (name, kind) in PEERS.iter().flat_map(|(_, peers)| *peers) {
            let known = script.contains(&format!("    \"{name}\": ("));
            assert_eq!(known, *kind != Kind::Actual, "{name}");
        }
    }

    /// Holds: a peer that is slow or broken becomes a row with its reason, and is not run again.
    #[test]
    fn who_fails_is_named_with_the_reason() {
        let dir = std::env::temp_dir();
        let shell = |script: &str| Ok((dir.clone(), ["sh", "-c", script].map(Into::into).to_vec()));
        let entrant = |name, start| Entrant { name, start, lines: Vec::new() };
        let entrants = vec![
            entrant("good", shell("echo '{\"seconds\": 2.0}'")),
            entrant("slow", shell("sleep 30")),
            entrant("broken", shell("echo why >&2; exit 3")),
            entrant("absent", Err("no such package".to_owned())),
        ];
        let options = Options::read(&words("parse-qif --repeat 2 --limit 1")).unwrap();
        let rows = rounds("parse-qif", entrants, &dir, &options);
        let said: Vec<_> = rows.into_iter().map(|row| row.line.err().unwrap_or_default()).collect();
        assert_eq!(said[0], "");
        assert_eq!(said[1], "not within 1 s");
        assert!(said[2].ends_with("why"), "{}", said[2]);
        assert_eq!(said[3], "no such package");
    }
}
