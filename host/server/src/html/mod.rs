//! What all pages share: the frame around them, and how facts are written.

mod layout;
mod words;

pub(crate) use layout::{Around, Place, assets, halves};
pub(crate) use words::{account, ago, bytes, digest, duration, time, whole};
