//! The corpus of the fuzz targets, read again on the stable toolchain: small samples, and every
//! input that once broke something.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests read files, the library does not")]

#[path = "shared/any_input.rs"]
mod any_input;

use std::path::{Path, PathBuf};

/// The entries of a folder, in the order of their names.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = read.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_input_of_the_corpus_holds_what_any_input_must() {
    // Holds: nothing panics, the same bytes are read the same way, lines lie within the file, no
    // digit of an amount and no day is made up; for all inputs of all targets.
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (name, check) in any_input::TARGETS {
        let inputs = entries(&corpus.join(name));
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for input in inputs {
            // Shown when the check fails.
            eprintln!("{}", input.display());
            check(&std::fs::read(&input).unwrap());
        }
    }
    let folders = entries(&corpus).len();
    assert_eq!(folders, any_input::TARGETS.len(), "a folder of the corpus has no target");
}

#[test]
fn every_check_is_a_target() {
    // Holds: each check has a target of its name, so that none is replayed only.
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
    let names: Vec<String> = entries(&targets)
        .iter()
        .map(|it| it.file_stem().unwrap().to_string_lossy().into())
        .collect();
    let mut wanted = any_input::TARGETS.map(|(name, _)| name);
    wanted.sort_unstable();
    assert_eq!(names, wanted);
}

#[test]
fn inputs_that_are_changed_a_little_hold_it_too() {
    // Holds: the same for the corpus with bytes changed, doubled and cut away: 8 changes of each
    // input, 2,000 in the deep tier. No coverage leads it, so it is no substitute for the targets.
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let rounds = if std::env::var_os("FISCAFLOW_DEEP").is_some() { 2_000 } else { 8 };
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % (below.max(1) as u64)).unwrap()
    };
    for (name, check) in any_input::TARGETS {
        // These become long files.
        let rounds = if name == "repeated" { rounds / 8 } else { rounds };
        for input in entries(&corpus.join(name)) {
            let bytes = std::fs::read(&input).unwrap();
            for _ in 0..rounds {
                let mut changed = bytes.clone();
                for _ in 0..=draw(4) {
                    let at = draw(changed.len() + 1);
                    let end = (at + 1 + draw(12)).min(changed.len());
                    match draw(4) {
                        0 => changed.truncate(at),
                        1 => drop(changed.drain(at..end.max(at))),
                        2 => changed.extend_from_within(at.min(end)..end),
                        _ => changed.splice(at..end, [draw(256) as u8]).for_each(drop),
                    }
                }
                let held = std::panic::catch_unwind(|| check(&changed));
                assert!(held.is_ok(), "{name}: {}", changed.escape_ascii());
            }
        }
    }
}
