//! The generated half of the Python package: the types of what goes in and comes out, and the
//! engine, its books and their nouns twice, waiting and for asyncio.
//!
//! What is written here is what ruff's formatter would leave as it is: whatever does not fit on a
//! line stands one part to a line, with a comma behind the last.

mod engine;
mod layout;
mod types;

use std::path::Path;

use super::shapes::Surface;
use super::{Files, Generator};
use crate::shell::Outcome;

const TYPES: &str = "bindings-python/python/fiscaflow/types.py";
const BLOCKING: &str = "bindings-python/python/fiscaflow/_book.py";
const ASYNC: &str = "bindings-python/python/fiscaflow/aio.py";

/// Makes the modules from the surface.
pub const GENERATOR: Generator =
    Generator { name: "Python package", owns: &[TYPES, BLOCKING, ASYNC], make };

fn make(_: &Path) -> Outcome<Files> {
    let surface = Surface::now()?;
    Ok(Files::from([
        (TYPES.to_owned(), types::module(&surface).into_bytes()),
        (BLOCKING.to_owned(), engine::module(&surface, engine::Flavour::Blocking)?.into_bytes()),
        (ASYNC.to_owned(), engine::module(&surface, engine::Flavour::Async)?.into_bytes()),
    ]))
}
