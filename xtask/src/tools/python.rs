//! Python and maturin. The build tools live in a virtual environment in the cache, the tests in
//! one that is made anew for every run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::cache;
use crate::shell::{Cmd, Outcome};
use crate::tools::apt;

const MATURIN: &str = "maturin==1.16.0";
const BEANCOUNT: &str = "beancount==3.2.3";

/// The interpreter, with `venv` and `pip` behind it.
pub fn interpreter() -> Outcome<&'static str> {
    if !is_usable() {
        apt::ensure(&["python3", "python3-venv"])?;
    }
    if is_usable() { Ok("python3") } else { Err("no Python 3.10 or later with `venv`".to_owned()) }
}

fn is_usable() -> bool {
    let probe = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
    Cmd::new("python3").args(["-c", probe]).capture().is_ok()
}

/// The directory with the binaries of the build tools.
pub fn builder() -> Outcome<PathBuf> {
    environment(MATURIN)
}

/// A Python that has beancount, which tests compare balances with.
pub fn beancount() -> Outcome<PathBuf> {
    Ok(environment(BEANCOUNT)?.join("python"))
}

/// The directory with the binaries of an environment that has what a file of requirements names.
pub fn with_requirements(name: &str, list: &Path) -> Outcome<PathBuf> {
    let text = std::fs::read_to_string(list).map_err(|e| format!("{}: {e}", list.display()))?;
    made(name, &text, &["--requirement".as_ref(), list.as_os_str()])
}

/// The directory with the binaries of an environment in the cache that has a package.
fn environment(package: &str) -> Outcome<PathBuf> {
    // The name carries the version, so there is nothing to tell one environment from another.
    made(&package.replace("==", "-"), "", &[package.as_ref()])
}

/// The binaries of the environment of that name, made anew unless it is whole and of that content.
fn made(name: &str, content: &str, install: &[&OsStr]) -> Outcome<PathBuf> {
    let python = interpreter()?;
    let cache = cache::dir()?;
    // A virtual environment holds absolute paths, so it is not renamed: a mark tells it is whole.
    let home = cache.join(name);
    let mark = home.join("whole");
    let _lock = cache::lock(&cache, name)?;
    if std::fs::read_to_string(&mark).ok().as_deref() != Some(content)
        || Cmd::new(home.join("bin/python")).arg("-V").capture().is_err()
    {
        cache::remove(&home)?;
        venv(python, &home)?;
        pip(&home).args(["install", "--quiet"]).args(install).run()?;
        std::fs::write(&mark, content).map_err(|e| e.to_string())?;
    }
    Ok(home.join("bin"))
}

/// Makes an empty virtual environment at `home`.
pub fn venv(python: &str, home: &Path) -> Outcome {
    Cmd::new(python).args(["-m", "venv"]).arg(home).run()
}

/// `pip` of the environment at `home`.
pub fn pip(home: &Path) -> Cmd {
    Cmd::new(home.join("bin/python")).args(["-m", "pip"]).env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
}
