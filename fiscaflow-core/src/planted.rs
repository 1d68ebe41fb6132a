//! Bugs that are planted on purpose, by name, so that the simulation of the tests can show that it
//! finds them.
//!
//! Nothing of this is in a release: it takes the feature `planted`, which nothing but the tests of
//! the stores turns on, and a build with debug assertions. Elsewhere [`is`] is a constant.

#[cfg(all(feature = "planted", debug_assertions))]
mod chosen {
    use std::cell::Cell;

    thread_local! {
        static CHOSEN: Cell<Option<&'static str>> = const { Cell::new(None) };
    }

    /// Plants a bug of that name in this thread, and no other; none where absent.
    pub fn plant(bug: Option<&'static str>) {
        CHOSEN.set(bug);
    }

    pub(crate) fn is(bug: &str) -> bool {
        CHOSEN.get() == Some(bug)
    }
}

#[cfg(all(feature = "planted", debug_assertions))]
pub(crate) use chosen::is;
#[cfg(all(feature = "planted", debug_assertions))]
pub use chosen::plant;

/// Whether a bug is planted.
#[cfg(not(all(feature = "planted", debug_assertions)))]
pub(crate) const fn is(_bug: &str) -> bool {
    false
}
