//! fiscaflow-core
