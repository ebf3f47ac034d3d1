//! The tests of KPIs: states add up however rows are cut, groups fold alike alone and together, and the table has the
//! declared columns.

mod batches;
mod calls;
mod contract;
mod differ;
mod evaluation;
mod fed;
mod golden;
mod known;
mod laws;
mod many;
mod opened;
mod resumed;
mod rows;
mod run;
mod series;
mod values;
mod worker;

pub(crate) use run::test;
