//! The report on a component: a list of tests, for people and for programs.

mod junit;
mod people;
mod record;
mod run;
mod verdict;

pub use record::{About, Cost, Failure, Outcome, Report, Test};
pub(crate) use verdict::{Verdict, failed, failure, passed};
