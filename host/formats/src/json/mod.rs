//! JSON: finds the objects of a window, one on each line or one in each element of an array, and stages the declared
//! members as text.

mod array;
mod balance;
mod blanks;
mod fail;
mod keys;
mod lines;
mod object;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use array::Array;
pub(crate) use blanks::skip_blanks;
pub(crate) use lines::Lines;
