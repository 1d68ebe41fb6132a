//! What holds the parts of FiscaFlow to one meaning: helpers for the tests of stores, bindings and
//! servers. Built only with the feature `testing`.

pub mod scenarios;
