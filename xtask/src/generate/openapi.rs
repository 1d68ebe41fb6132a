//! The OpenAPI document of the server, as the server prints it.

use std::path::Path;

use super::{Files, Generator};
use crate::cargo;
use crate::shell::Outcome;

const DOCUMENT: &str = "server-example/openapi.json";

/// Asks the program, so that what is committed is what is served.
pub const GENERATOR: Generator = Generator { name: "OpenAPI document", owns: &[DOCUMENT], make };

fn make(root: &Path) -> Outcome<Files> {
    let run = ["run", "--quiet", "--locked", "--package", "fiscaflow-server", "--", "openapi"];
    let text = cargo::command(root).args(run).capture()?;
    Ok(Files::from([(DOCUMENT.to_owned(), text.into_bytes())]))
}
