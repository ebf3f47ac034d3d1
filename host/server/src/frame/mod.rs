//! Frames: tables of a lake on this machine, in blocks of columns, in files without a name.
//!
//! A lake's own files are read from their beginning to their end. A page needs a few columns of all rows, or all columns of a
//! few rows. A frame has both at hand, and takes next to no memory: the system keeps what is read often.

mod block;
mod cell;
mod chunk;
mod make;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use block::Frame;
pub(crate) use cell::ordered;
pub use cell::{Cell, cell};
pub use chunk::BLOCK_ROWS;
pub use make::NewFrame;
