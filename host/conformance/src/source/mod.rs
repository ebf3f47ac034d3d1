//! The tests of sources: equal arguments give equal bytes, under names that the source declared.

mod golden;
mod run;
mod series;
mod ticks;

pub(crate) use run::test;
pub(crate) use ticks::tick;
