//! The tools beside Rust that the checks and the tests of the bindings need: each file knows how
//! to find one, and how to make one that is missing. On Debian as root a missing tool is
//! installed; otherwise the command that would install it is named and the step fails.

pub mod apt;
pub mod cargo_deny;
pub mod kotlin;
pub mod node;
pub mod python;
pub mod swift;

use crate::shell::Outcome;

type Tool = (&'static str, fn() -> Outcome);

/// Makes the named tools ready without running anything with them; all of them without names.
pub fn setup(names: &[String]) -> Outcome {
    let all: [Tool; 5] = [
        ("cargo-deny", || cargo_deny::binary().map(drop)),
        ("python", || python::builder().map(drop)),
        ("node", || node::ready().map(drop)),
        ("kotlin", || kotlin::ready().map(drop)),
        ("swift", || swift::root().map(drop)),
    ];
    if let Some(name) = names.iter().find(|n| all.iter().all(|(known, _)| known != n)) {
        return Err(format!("no tool `{name}`; there are {}", all.map(|(n, _)| n).join(", ")));
    }
    let mut problems = Vec::new();
    for (name, make) in all.iter().filter(|(n, _)| names.is_empty() || names.iter().any(|w| w == n))
    {
        match make() {
            Ok(()) => println!("{name}: ready"),
            Err(problem) => problems.push(format!("{name}: {problem}")),
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}
