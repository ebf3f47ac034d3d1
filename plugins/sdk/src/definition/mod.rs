//! A component of world `kpi` in the contract's own parts: an accumulator for each input, and a reducer for
//! each stage. [`Kpi`](crate::Kpi) and [`table`](crate::table()) are two ways to make a [`Definition`].

mod flow;
mod kpi;
mod out;
mod parts;
mod record;
mod target;
#[cfg(test)]
mod tests;

pub use flow::{Flow, Grouped, table};
pub use kpi::OfKpi;
pub use out::Out;
pub(crate) use record::{Accumulate, Reduce};
pub use record::{Component, Definition, Gather};
