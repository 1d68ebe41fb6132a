//! The Kotlin and Swift sources, as uniffi makes them from the metadata in the built library.
//!
//! The library is the debug build: stripping one takes the metadata away.

use std::path::Path;

use super::{Files, Generator, read_tree};
use crate::cargo;
use crate::shell::{Cmd, Outcome};

const KOTLIN: &str = "bindings-mobile/kotlin/generated/";
const SWIFT: &str = "bindings-mobile/swift/Sources/FiscaFlow/Generated/";
const SWIFT_C: &str = "bindings-mobile/swift/Sources/FiscaFlowFFI/";

/// Says to Swift's package manager how the C half of the package is called and what to link. What
/// uniffi writes instead is for Apple's frameworks and names Darwin's own modules.
const MODULE_MAP: &str = "\
module FiscaFlowFFI {
    header \"FiscaFlowFFI.h\"
    link \"fiscaflow\"
    export *
}
";

/// Makes both from one build.
pub const GENERATOR: Generator =
    Generator { name: "Kotlin and Swift sources", owns: &[KOTLIN, SWIFT, SWIFT_C], make };

fn make(root: &Path) -> Outcome<Files> {
    if !root.join("bindings-mobile/src/bin/uniffi-bindgen.rs").exists() {
        return Ok(Files::new());
    }
    cargo::command(root)
        .args(["build", "--package", "fiscaflow-mobile", "--features", "cli", "--locked"])
        .run()?;
    let debug = cargo::target(root)?.join("debug");
    let shop = cargo::workshop(root, "generate-mobile")?;
    let mut files = Files::new();
    for language in ["kotlin", "swift"] {
        let out = shop.join(language);
        Cmd::new(debug.join("uniffi-bindgen"))
            .dir(root)
            .args(["generate", "--no-format", "--language", language])
            .arg(debug.join("libfiscaflow.so"))
            .arg("--out-dir")
            .arg(&out)
            .run()?;
        for (path, bytes) in read_tree(&out)? {
            let place = match path.rsplit_once('.') {
                Some((_, "kt")) => KOTLIN,
                Some((_, "swift")) => SWIFT,
                Some((_, "h")) => SWIFT_C,
                _ => continue,
            };
            files.insert(format!("{place}{path}"), bytes);
        }
    }
    files.insert(format!("{SWIFT_C}module.modulemap"), MODULE_MAP.into());
    Ok(files)
}
