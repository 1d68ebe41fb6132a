//! server-example
fn main() {}
