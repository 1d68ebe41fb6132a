//! The engine as an object of Python.

use std::sync::Arc;

use fiscaflow_core::api::{self, CallText};
use fiscaflow_core::engine::{Engine, Observer};
use fiscaflow_core::{Error, ErrorCode, Result};
use fiscaflow_store::{RandomIds, SystemClock};
use pyo3::prelude::*;

use crate::errors::raise;
use crate::progress::Told;
use crate::runtime::{Home, Pending};

/// An engine over the store that a URL names.
#[pyclass(frozen, module = "fiscaflow._native")]
#[derive(Debug)]
pub struct Native {
    /// Present until the object is dropped.
    engine: Option<Engine>,
    home: Home,
}

#[pymethods]
impl Native {
    /// Opens a store: `memory:` or `sqlite:PATH`.
    #[staticmethod]
    fn open(py: Python<'_>, url: String) -> PyResult<Self> {
        let home = Home::here()?;
        home.wait(py, open(url, home), Told::nothing())
    }

    /// Starts to open a store; `done` is called with the engine or an exception.
    #[staticmethod]
    #[pyo3(signature = (
        url: "str",
        done: "collections.abc.Callable[[Native | None, BaseException | None], object]",
    ) -> "Pending")]
    fn start_open(py: Python<'_>, url: String, done: Py<PyAny>) -> PyResult<Pending> {
        let home = Home::here()?;
        home.start(py, open(url, home), done)
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
        self.home.check()?;
        self.engine
            .clone()
            .ok_or_else(|| raise(&Error::new(ErrorCode::Closed, "the engine is closed")))
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        let engine = self.engine.take();
        if self.home.check().is_err() {
            // The connections belong to the process that this one was forked from: SQLite must not
            // even close them here.
            std::mem::forget(engine);
            return;
        }
        let _inside = self.home.enter();
        drop(engine);
    }
}

async fn open(url: String, home: Home) -> Result<Native> {
    let store = fiscaflow_store::open(&url).await?;
    let engine = Engine::new(store, Arc::new(SystemClock), Arc::new(RandomIds::new()?));
    Ok(Native { engine: Some(engine), home })
}

async fn run(engine: Engine, call: CallText, observer: Option<Observer>) -> Result<String> {
    Ok(api::call_watched(&engine, call.try_into()?, observer).await?.to_string())
}

async fn close(engine: Engine) -> Result<()> {
    engine.close().await;
    Ok(())
}
