//! The engine as an object of Python.

use std::path::PathBuf;

use fiscaflow_core::api::{self, CallText};
use fiscaflow_core::engine::{Engine, Observer};
use fiscaflow_core::store;
use fiscaflow_core::{Error, ErrorCode, Result};
use fiscaflow_store::Keys;
use pyo3::prelude::*;
use serde::Serialize;

use crate::delivery::NativeRelay;
use crate::progress::Told;
use crate::runtime::{Held, Home, Pending};

/// An engine over the store that a URL names.
#[pyclass(frozen, module = "fiscaflow._native")]
#[derive(Debug)]
pub struct Native {
    engine: Held<Engine>,
    home: Home,
}

#[pymethods]
impl Native {
    /// Opens a store: `memory:` or `sqlite:PATH`.
    #[staticmethod]
    #[pyo3(signature = (
        url: "str",
        secret_keys: "str | None" = None,
        signing_key: "str | None" = None,
    ) -> "Native")]
    fn open(
        py: Python<'_>,
        url: String,
        secret_keys: Option<String>,
        signing_key: Option<String>,
    ) -> PyResult<Self> {
        let home = Home::here()?;
        let keys = Keys { secret_keys, signing_key };
        home.wait(py, open(url, keys, home), Told::nothing())
    }

    /// Starts to open a store; `done` is called with the engine or an exception.
    #[staticmethod]
    #[pyo3(signature = (
        url: "str",
        done: "collections.abc.Callable[[Native | None, BaseException | None], object]",
        secret_keys: "str | None" = None,
        signing_key: "str | None" = None,
    ) -> "Pending")]
    fn start_open(
        py: Python<'_>,
        url: String,
        done: Py<PyAny>,
        secret_keys: Option<String>,
        signing_key: Option<String>,
    ) -> PyResult<Pending> {
        let home = Home::here()?;
        let keys = Keys { secret_keys, signing_key };
        home.start(py, open(url, keys, home), done)
    }

    /// Runs a verb and gives its answer as JSON; `hear` is called with its progress as JSON.
    #[pyo3(signature = (
        verb: "str",
        context: "str",
        book_id: "str | None" = None,
        id: "str | None" = None,
        request: "str | None" = None,
        hear: "collections.abc.Callable[[str], object] | None" = None,
    ) -> "str")]
    #[expect(clippy::too_many_arguments, reason = "they are the parts of one call")]
    fn call(
        &self,
        py: Python<'_>,
        verb: String,
        context: String,
        book_id: Option<String>,
        id: Option<String>,
        request: Option<String>,
        hear: Option<Py<PyAny>>,
    ) -> PyResult<String> {
        let call = CallText { verb, book_id, context, id, request };
        let (observer, told) = Told::to(hear);
        self.home.wait(py, run(self.engine()?, call, observer), told)
    }

    /// Starts to run a verb; `done` is called with its answer as JSON or an exception, and `hear`
    /// before that with its progress as JSON.
    #[pyo3(signature = (
        verb: "str",
        context: "str",
        book_id: "str | None",
        id: "str | None",
        request: "str | None",
        done: "collections.abc.Callable[[str | None, BaseException | None], object]",
        hear: "collections.abc.Callable[[str], object] | None" = None,
    ) -> "Pending")]
    #[expect(clippy::too_many_arguments, reason = "they are the parts of one call")]
    fn start_call(
        &self,
        py: Python<'_>,
        verb: String,
        context: String,
        book_id: Option<String>,
        id: Option<String>,
        request: Option<String>,
        done: Py<PyAny>,
        hear: Option<Py<PyAny>>,
    ) -> PyResult<Pending> {
        let call = CallText { verb, book_id, context, id, request };
        let observer = hear.map(|hear| self.home.observer(hear));
        self.home.start(py, run(self.engine()?, call, observer), done)
    }

    /// Backs up every book into a file that is not there yet, and gives what it holds as JSON.
    #[pyo3(signature = (path: "str") -> "str")]
    fn backup(&self, py: Python<'_>, path: PathBuf) -> PyResult<String> {
        self.home.wait(py, backup(self.engine()?, path), Told::nothing())
    }

    /// Starts to back up; `done` is called with what the backup holds as JSON or an exception.
    #[pyo3(signature = (
        path: "str",
        done: "collections.abc.Callable[[str | None, BaseException | None], object]",
    ) -> "Pending")]
    fn start_backup(&self, py: Python<'_>, path: PathBuf, done: Py<PyAny>) -> PyResult<Pending> {
        self.home.start(py, backup(self.engine()?, path), done)
    }

    /// Copies to another engine what it lacks of a book, and gives what came of it as JSON.
    fn copy_book(&self, py: Python<'_>, book_id: String, to: &Self) -> PyResult<String> {
        let copy = copy_book(self.engine()?, to.engine()?, book_id);
        self.home.wait(py, copy, Told::nothing())
    }

    /// Starts to copy a book; `done` is called with what came of it as JSON or an exception.
    #[pyo3(signature = (
        book_id: "str",
        to: "Native",
        done: "collections.abc.Callable[[str | None, BaseException | None], object]",
    ) -> "Pending")]
    fn start_copy_book(
        &self,
        py: Python<'_>,
        book_id: String,
        to: &Self,
        done: Py<PyAny>,
    ) -> PyResult<Pending> {
        self.home.start(py, copy_book(self.engine()?, to.engine()?, book_id), done)
    }

    /// A relay to the sink of that name, with settings as JSON.
    fn relay(&self, sink: String, settings: String) -> PyResult<NativeRelay> {
        NativeRelay::new(&self.engine()?, sink, &settings, self.home)
    }

    /// Closes the store; later calls answer `closed`.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.home.wait(py, close(self.engine()?), Told::nothing())
    }

    /// Starts to close the store; `done` is called with `None` or an exception.
    #[pyo3(signature = (
        done: "collections.abc.Callable[[None, BaseException | None], object]",
    ) -> "Pending")]
    fn start_close(&self, py: Python<'_>, done: Py<PyAny>) -> PyResult<Pending> {
        self.home.start(py, close(self.engine()?), done)
    }
}

impl Native {
    /// The engine, in the process that opened it.
    fn engine(&self) -> PyResult<Engine> {
        self.engine.get()
    }
}

async fn open(url: String, keys: Keys, home: Home) -> Result<Native> {
    let engine = fiscaflow_store::open_engine(&url, keys).await?;
    Ok(Native { engine: Held::new(engine, home), home })
}

async fn run(engine: Engine, call: CallText, observer: Option<Observer>) -> Result<String> {
    Ok(api::call_watched(&engine, call.try_into()?, observer).await?.to_string())
}

async fn close(engine: Engine) -> Result<()> {
    engine.close().await;
    Ok(())
}

async fn backup(engine: Engine, path: PathBuf) -> Result<String> {
    text(&fiscaflow_store::backup(engine.store(), path).await?)
}

async fn copy_book(from: Engine, to: Engine, book_id: String) -> Result<String> {
    let book_id = book_id.parse().map_err(|error: Error| error.field("book_id"))?;
    text(&store::copy_book(&**from.store(), &**to.store(), book_id).await?)
}

async fn restore_to(backup: PathBuf, url: String) -> Result<String> {
    text(&fiscaflow_store::restore(backup, &url).await?)
}

/// Restores a backup where a URL says, and gives what it holds as JSON.
#[pyfunction]
#[pyo3(signature = (backup: "str", url: "str") -> "str")]
pub(crate) fn restore(py: Python<'_>, backup: PathBuf, url: String) -> PyResult<String> {
    Home::here()?.wait(py, restore_to(backup, url), Told::nothing())
}

/// Starts to restore a backup; `done` is called with what it holds as JSON or an exception.
#[pyfunction]
#[pyo3(signature = (
    backup: "str",
    url: "str",
    done: "collections.abc.Callable[[str | None, BaseException | None], object]",
) -> "Pending")]
pub(crate) fn start_restore(
    py: Python<'_>,
    backup: PathBuf,
    url: String,
    done: Py<PyAny>,
) -> PyResult<Pending> {
    Home::here()?.start(py, restore_to(backup, url), done)
}

/// An answer as JSON.
pub(crate) fn text(answer: &impl Serialize) -> Result<String> {
    let failed = |_| Error::new(ErrorCode::Internal, "an answer cannot be written as JSON");
    Ok(serde_json::to_value(answer).map_err(failed)?.to_string())
}
