//! JSON: finds the objects of a window, one on each line, one after the other or one in each element of an array, and stages
//! the declared members as text.

mod array;
mod balance;
mod blanks;
mod documents;
mod fail;
mod finder;
mod keys;
mod lines;
mod nested;
mod object;
mod span;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_places;
mod value;

pub(crate) use array::Array;
pub(crate) use blanks::skip_separators;
pub(crate) use documents::Documents;
pub(crate) use finder::Within;
pub(crate) use lines::Lines;
