//! Turns the bytes of an object into those of its text: inflates them, and makes UTF-8 of other encodings.

mod failure;
mod inflate;
mod raw;
mod reader;
#[cfg(test)]
mod tests;
mod transcode;

pub(crate) use failure::Failure;
pub(crate) use reader::Input;
