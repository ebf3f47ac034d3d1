//! The tests of cleaners: every row is accounted for, the output has the declared columns, and the outcome of a row
//! depends on that row alone.

mod batches;
mod contract;
mod cuts;
mod fates;
mod golden;
mod rules;
mod run;
mod series;
mod texts;

pub(crate) use run::test;
