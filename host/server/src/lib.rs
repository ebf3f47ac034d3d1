//! smelt-server shows over HTTP what a lake has committed: pages, tables, where each number comes from, and metrics.
//!
//! It reads only. It runs no component, so it starts at once, and it neither waits for a host nor stops one.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod address;
pub mod charts;
pub mod export;
pub mod frame;
mod html;
pub mod lake;
mod links;
mod markdown;
mod metrics;
pub mod pages;
pub mod query;
mod routes;
mod serve;
pub mod shell;

pub use serve::{Serving, Settings};
