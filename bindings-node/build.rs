//! Tells the linker what an addon of Node.js needs on each platform.

fn main() {
    napi_build::setup();
}
