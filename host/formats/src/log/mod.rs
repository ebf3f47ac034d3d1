//! Logs: each line is a record that a pattern takes apart.

mod lines;
#[cfg(test)]
mod tests;

pub(crate) use lines::LogLines;
