//! Calls of a plugin that was built natively, as a shared library. `cargo xtask bench --native` compares it with the
//! component, to measure the cost of the sandbox. `host/runtime/src/native.rs` is the other side; its `Call` must have
//! the same fields as [`Call`](call::Call).
#![doc(hidden)]

pub(crate) mod call;
mod instance;

pub use call::{Bytes, Call, Instance, call};
pub use instance::Part;
