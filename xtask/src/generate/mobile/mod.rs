//! The Kotlin and Swift sources, as uniffi makes them from the metadata in the built library.
//!
//! The library is the debug build: stripping one takes the metadata away. What it is built from
//! follows from the core too, see [`rust`]; so do the parts of the tests that run the scenarios.

pub mod kotlin;
pub mod rust;
pub mod swift;
pub mod words;

use std::collections::BTreeMap;
use std::path::Path;

use super::shapes::{Kind, Shape, Surface};
use super::{Files, Generator, read_tree};
use crate::cargo;
use crate::shell::{Cmd, Outcome};
use words::line;

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
            let bytes = if path.ends_with(".kt") { mend(bytes)? } else { bytes };
            files.insert(format!("{place}{path}"), bytes);
        }
    }
    files.insert(format!("{SWIFT_C}module.modulemap"), MODULE_MAP.into());
    Ok(files)
}

/// Gives the exceptions the text of the error as their message. uniffi makes a message of all
/// members instead, which clashes with a member of that name.
fn mend(kotlin: Vec<u8>) -> Outcome<Vec<u8>> {
    let text = String::from_utf8(kotlin).map_err(|e| e.to_string())?;
    let (mut mended, mut fields, mut getters) = (String::new(), 0, 0);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let code = line.trim();
        if code == "override val message" {
            let getter = lines.next().filter(|line| line.trim().starts_with("get() = "));
            getter.ok_or("an exception's message is made in another way than before")?;
            getters += 1;
        } else if code.trim_end_matches(',') == "val `message`: kotlin.String"
            && after_exception(&mended)
        {
            line!(mended, "        override {code}");
            fields += 1;
        } else {
            line!(mended, "{line}");
        }
    }
    if fields != getters || fields == 0 {
        return Err(format!("{fields} texts of exceptions, but {getters} messages"));
    }
    Ok(mended.into_bytes())
}

/// Whether the text has come to the exceptions.
fn after_exception(text: &str) -> bool {
    text.contains("sealed class FiscaFlowException")
}

/// All shapes, the requests among them, by name.
fn all_shapes(surface: &Surface) -> BTreeMap<&str, &Shape> {
    let both = surface.requests.iter().chain(&surface.shapes);
    both.map(|(name, shape)| (name.as_str(), shape)).collect()
}

/// Whether a shape is a string with a name.
fn is_text(surface: &Surface, name: &str) -> bool {
    surface.shapes.get(name).is_some_and(|shape| matches!(shape.kind, Kind::Text(_)))
}

/// The name of a verb's request among its parameters.
fn parameter(request: &str) -> &'static str {
    match request {
        _ if request.starts_with("New") => "new",
        _ if request.ends_with("Patch") => "patch",
        _ if request.ends_with("Query") => "query",
        "Member" => "member",
        _ => "request",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_says_its_text() {
        let made = "val `message`: kotlin.String, \nsealed class FiscaFlowException\n    class A(\n\
            val `message`: kotlin.String, \n) : FiscaFlowException() {\n\
            override val message\n    get() = \"message=\"\n}\n\
            class B(\nval `message`: kotlin.String\n) {\n\
            override val message\n    get() = \"message=\"\n}\n";
        let mended = String::from_utf8(mend(made.into()).unwrap()).unwrap();
        let expected = "val `message`: kotlin.String, \nsealed class FiscaFlowException\n    class A(\n\
            \x20       override val `message`: kotlin.String,\n) : FiscaFlowException() {\n}\n\
            class B(\n        override val `message`: kotlin.String\n) {\n}\n";
        assert_eq!(mended, expected);
        mend("nothing to mend".into()).unwrap_err();
    }

    #[test]
    fn requests_are_called_by_what_they_are() {
        let names = ["NewRule", "RulePatch", "HistoryQuery", "Member", "Recategorisation"];
        assert_eq!(names.map(parameter), ["new", "patch", "query", "member", "request"]);
    }
}
