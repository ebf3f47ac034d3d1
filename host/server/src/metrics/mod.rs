//! Numbers for Prometheus: those of the newest commit that was seen, and those of the server's own answers.
//!
//! `docs/metrics.md` lists them. A number of the lake is read from the state at each scrape and counted nowhere else, so all
//! of a scrape are those of one commit. No table is read.

mod answers;
mod families;
mod lake;
#[cfg(test)]
mod tests;

pub(crate) use answers::Answers;
pub(crate) use families::{CONTENT_TYPE, text};
pub(crate) use lake::LakeNumbers;
