//! Looks for input that breaks `any_input::proofs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fiscaflow_fuzz::any_input::proofs(bytes));
