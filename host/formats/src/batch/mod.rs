//! The types that every parser of raw objects works with, and the batches that all of them produce.
//!
//! A parser takes a [`Window`] of an object, stages each record as [`Cell`]s, and hands it to a [`BatchBuilder`]. It
//! returns a [`Stop`], which says why it needs a new window or a new batch.

mod builder;
mod cell;
mod column;
mod comments;
mod decoded;
mod escapes;
pub mod rule;
mod skip;
mod stop;
mod utf8;
mod warning;
mod window;

pub(crate) use builder::BatchBuilder;
pub(crate) use cell::{Cell, CellKind};
pub(crate) use column::Column;
pub(crate) use comments::{Comments, Passed};
pub use decoded::{DecodedBatch, Malformed, RecordSpan};
pub(crate) use escapes::unescape;
pub(crate) use skip::Skip;
pub(crate) use stop::{Stop, Unended};
pub(crate) use utf8::{NOT_UTF8, Utf8Check};
pub use warning::Warning;
pub(crate) use window::Window;
