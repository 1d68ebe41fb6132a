//! The engine as an object of Python.

use std::sync::Arc;

use fiscaflow_core::api::{self, CallText};
use fiscaflow_core::engine::Engine;
use fiscaflow_core::{Error, ErrorCode, Result};
use fiscaflow_store::{RandomIds, SystemClock};
use pyo3::prelude::*;

use crate::errors::raise;
use crate::runtime::Home;

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
        home.wait(py, open(url, home))
    }

    /// Opens a store without blocking.
    #[staticmethod]
    #[pyo3(signature = (url: "str") -> "typing.Awaitable[Native]")]
    fn open_async(py: Python<'_>, url: String) -> PyResult<Bound<'_, PyAny>> {
        let home = Home::here()?;
        home.awaitable(py, open(url, home))
    }

    /// Runs a verb and gives its answer as JSON.
    #[pyo3(signature = (verb, context, book_id=None, id=None, request=None))]
    fn call(
        &self,
        py: Python<'_>,
        verb: String,
        context: String,
        book_id: Option<String>,
        id: Option<String>,
        request: Option<String>,
    ) -> PyResult<String> {
        let call = CallText { verb, book_id, context, id, request };
        self.home.wait(py, run(self.engine()?, call))
    }

    /// Runs a verb without blocking.
    #[pyo3(signature = (
        verb: "str",
        context: "str",
        book_id: "str | None" = None,
        id: "str | None" = None,
        request: "str | None" = None,
    ) -> "typing.Awaitable[str]")]
    fn call_async<'py>(
        &self,
        py: Python<'py>,
        verb: String,
        context: String,
        book_id: Option<String>,
        id: Option<String>,
        request: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = CallText { verb, book_id, context, id, request };
        self.home.awaitable(py, run(self.engine()?, call))
    }

    /// Closes the store; later calls answer `closed`.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.home.wait(py, close(self.engine()?))
    }

    /// Closes the store without blocking.
    #[pyo3(signature = () -> "typing.Awaitable[None]")]
    fn close_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.home.awaitable(py, close(self.engine()?))
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

async fn run(engine: Engine, call: CallText) -> Result<String> {
    Ok(api::call(&engine, call.try_into()?).await?.to_string())
}

async fn close(engine: Engine) -> Result<()> {
    engine.close().await;
    Ok(())
}
