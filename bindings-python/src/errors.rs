//! How an error reaches Python: as the exception of its lane, defined in `errors.py`.

use fiscaflow_core::{Error, Lane};
use pyo3::prelude::*;

mod classes {
    pyo3::import_exception!(fiscaflow.errors, CorruptError);
    pyo3::import_exception!(fiscaflow.errors, RejectedError);
    pyo3::import_exception!(fiscaflow.errors, UnavailableError);
}

/// The exception that says what this error says.
pub(crate) fn raise(error: &Error) -> PyErr {
    let args = (
        error.message().to_owned(),
        error.code().as_str(),
        error.at_field().map(str::to_owned),
        error.at_line(),
        error.of_id().map(str::to_owned),
    );
    match error.lane() {
        Lane::Rejected => classes::RejectedError::new_err(args),
        Lane::Unavailable => classes::UnavailableError::new_err(args),
        Lane::Corrupt => classes::CorruptError::new_err(args),
    }
}
