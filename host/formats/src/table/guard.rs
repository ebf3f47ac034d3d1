//! Keeps panics of libraries from the host.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a piece of a library that panics where it should fail. Returns `None` if it did, and whatever it worked on is
/// then useless.
pub(super) fn guarded<T>(piece: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(piece)).ok()
}
