//! fiscaflow-store
