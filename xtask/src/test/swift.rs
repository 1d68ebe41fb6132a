//! The Swift part: copies the tree and the library that was just built into the Debian root that
//! has a Swift compiler, and runs `swift test` there. Copied, not mounted: see `tools/swift.rs`.

use std::fs;
use std::path::Path;

use super::{Run, add, counts};
use crate::cache;
use crate::report::Counts;
use crate::shell::{Cmd, Outcome};
use crate::tools::swift;

/// Where the copy lies, seen from inside the root.
const INSIDE: &str = "build/fiscaflow";

/// Builds, copies and tests.
pub fn run(run: &Run, sum: &mut Counts) -> Outcome {
    run.need("bindings-mobile/swift/Package.swift")?;
    let root = swift::root()?;
    let library = run.mobile_library()?.join("libfiscaflow.so");
    // The copy is one place for all clones.
    let _lock = cache::lock(&cache::dir()?, "swift-test")?;
    let copy = root.join(INSIDE);
    cache::remove(&copy)?;
    copy_tree(&run.root, &copy)?;
    fs::create_dir_all(copy.join("lib")).map_err(|e| e.to_string())?;
    fs::copy(&library, copy.join("lib/libfiscaflow.so")).map_err(|e| e.to_string())?;

    // The verifier is a package of its own, which needs no library. For the other one the compiler
    // has to be told where the library is twice: to link, and to run.
    let mut test = |package: &str, scratch: &str, link: &str| {
        let test =
            format!("cd /{INSIDE}/{package} && swift test --scratch-path /build/{scratch} {link}");
        let test = swift::enter(&root, &test)
            .env("LD_LIBRARY_PATH", format!("/{INSIDE}/lib"))
            .env("FISCAFLOW_ROOT", format!("/{INSIDE}"));
        let done = run.with_database(run.tier(test))?.tee()?;
        add(sum, counts::xctest(&done.text), &done)
    };
    // Without optimisation its digests would take most of the time of this part.
    test("verifiers/swift", "scratch-verifier", "-c release")?;
    test("bindings-mobile/swift", "scratch", &format!("-Xlinker -L/{INSIDE}/lib"))
}

/// Copies what git tracks or would add.
fn copy_tree(from: &Path, to: &Path) -> Outcome {
    let git = Cmd::new("git").dir(from).args(["ls-files", "-z", "--cached", "--others"]);
    let listed = git.arg("--exclude-standard").capture()?;
    for path in listed.split_terminator('\0').filter(|path| from.join(path).is_file()) {
        let target = to.join(path);
        let dir = target.parent().unwrap_or(to);
        fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        fs::copy(from.join(path), &target).map_err(|e| format!("{path}: {e}"))?;
    }
    Ok(())
}
