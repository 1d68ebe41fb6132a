//! bindings-mobile
