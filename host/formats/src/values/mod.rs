//! The values of typed tables, whatever the format: the types that a column may have, their ranges, and the text of
//! numbers, dates and timestamps, which is the same in every format that is text.

pub(crate) mod calendar;
mod error;
mod kind;
mod number;
mod range;
#[cfg(test)]
pub(crate) mod testing;
mod view;

pub use error::TypedError;
pub(crate) use kind::Kind;
pub use kind::{type_text, typed_column};
pub(crate) use number::{write_date, write_decimal, write_f64, write_i64, write_timestamp};
pub use range::check_range;
pub(crate) use view::{Values, View};
