//! The Python part: builds the wheel, installs it into an empty virtual environment and runs the
//! tests and the type checker against what was installed, never against the source tree.

use super::{Run, add, counts};
use crate::files;
use crate::report::Counts;
use crate::shell::{self, Cmd, Outcome};
use crate::tools::{apt, python};

/// What the tests need beside the package itself; `tests/requirements.txt` may name more.
const TEST_TOOLS: [&str; 3] = ["pytest==9.2.0", "mypy==2.4.1", "pandas>=2.3"];

/// Builds, installs, tests and type-checks.
pub fn run(run: &Run, sum: &mut Counts) -> Outcome {
    let package = run.need("bindings-python/pyproject.toml")?;
    let tests = run.need("bindings-python/tests")?;
    // Whose figures are compared with ours.
    apt::ensure(&["hledger"])?;
    let tools = python::builder()?;
    let shop = run.workshop("python")?;

    let wheels = shop.join("wheels");
    run.tell(Cmd::new(tools.join("maturin")))
        .dir(package.parent().unwrap_or(&run.root))
        .args(["build", "--profile", "dev", "--locked", "--features", "postgres"])
        .args(["--interpreter", "python3", "--out"])
        .arg(&wheels)
        .env("PATH", shell::path_with(&tools)?)
        .env("CARGO_TARGET_DIR", &run.target)
        .run()?;
    let [wheel] =
        files::below(&wheels, &[".whl"]).try_into().map_err(|w| format!("wheels: {w:?}"))?;

    let home = shop.join("venv");
    python::venv(python::interpreter()?, &home)?;
    let python = home.join("bin/python");
    // First the wheel alone: it must not lean on anything that the tests bring.
    python::pip(&home).args(["install", "--quiet", "--no-index"]).arg(&wheel).run()?;
    Cmd::new(&python).dir(&shop).args(["-c", "import fiscaflow"]).run()?;
    let mut install = python::pip(&home).args(["install", "--quiet"]).args(TEST_TOOLS);
    let more = tests.join("requirements.txt");
    if more.exists() {
        install = install.arg("--requirement").arg(&more);
    }
    install.run()?;

    let done = run
        .with_database(run.tell(Cmd::new(&python).dir(&shop)))?
        .args(["-m", "pytest", "-p", "no:cacheprovider"])
        .arg(&tests)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .tee()?;
    let tested = add(sum, counts::pytest(&done.text), &done);
    let typed = Cmd::new(&python)
        .dir(&shop)
        .args(["-m", "mypy", "--strict", "--cache-dir=mypy-cache"])
        .arg(&tests)
        .run();
    tested.and(typed)
}
