//! The only way of Arrow data between host and guests. A stream from a guest is checked by `gate` before arrow-rs reads
//! it.

#[cfg(test)]
mod fuzz;
mod gate;
mod stream;

pub(crate) use stream::encode_into;
pub use stream::{decode, encode};
