//! The Kotlin part: compiles the generated sources with the tests and runs them on the JVM
//! against the library that was just built. A checksum in the generated code makes it refuse a
//! library that it does not fit.

use super::{Run, add, counts};
use crate::files;
use crate::report::Counts;
use crate::shell::{Cmd, Outcome};
use crate::tools::kotlin;

/// Builds, compiles and runs.
pub fn run(run: &Run, sum: &mut Counts) -> Outcome {
    run.need("bindings-mobile/kotlin/generated")?;
    let main = run.need("bindings-mobile/kotlin/tests/Main.kt")?;
    let kotlin = kotlin::ready()?;
    let library = run.mobile_library()?;
    let shop = run.workshop("kotlin")?;

    let jar = shop.join("tests.jar");
    Cmd::new(kotlin.compiler())
        .args(["-jvm-target", "17", "-cp", &kotlin.class_path(), "-d"])
        .arg(&jar)
        .args(files::below(&run.root.join("bindings-mobile/kotlin"), &[".kt"]))
        .arg(run.need("verifiers/kotlin/Verifier.kt")?)
        .run()?;
    let text = std::fs::read_to_string(&main).map_err(|e| e.to_string())?;
    let done = run
        .with_database(run.tell(Cmd::new("java").dir(&shop)))?
        .arg(format!("-Djna.library.path={}", library.display()))
        .args(["-cp", &format!("{}:{}", jar.display(), kotlin.class_path())])
        .arg(main_class(&text))
        .tee()?;
    add(sum, counts::plain(&done.text), &done)
}

/// The class that Kotlin makes of the top-level functions in `Main.kt`.
fn main_class(text: &str) -> String {
    let package = text.lines().find_map(|line| line.trim().strip_prefix("package "));
    package.map_or("MainKt".to_owned(), |package| format!("{}.MainKt", package.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_class_lies_in_its_package() {
        assert_eq!(main_class("import a.b\nfun main() {}\n"), "MainKt");
        assert_eq!(main_class("// x\npackage dev.fiscaflow.tests\n"), "dev.fiscaflow.tests.MainKt");
    }
}
