//! Looks for input that breaks `any_input::checkpoints`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fiscaflow_fuzz::any_input::checkpoints(bytes));
