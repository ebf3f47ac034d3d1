//! Integrity: whether the lake holds what its catalog says, and what it holds beside that.

mod gc;
mod owner;
mod reached;
#[cfg(test)]
mod tests;
mod verify;

pub use gc::{Garbage, collect, garbage};
pub use owner::GRACE;
pub(crate) use owner::owner;
pub use verify::{Defect, Problem, Verified, verify};
