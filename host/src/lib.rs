//! smelt: a lakehouse host that runs every cleaning rule and every KPI as a sandboxed WebAssembly component.
//!
//! The host moves bytes, schedules, commits, limits and accounts. It knows no dataset, no column and no KPI: those are
//! named by the manifest and by the plugins.
//!
//! Imports point one way: `text · error · clock · files · profile · digest · privacy · ordered · store · segments · codec · wasm · config ·
//! pipeline · catalog · lake · components · keys · silver · spool · plan · aggregate · fresh · clean · integrity · run · provenance · diff ·
//! schedule · check · cli`.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

pub mod aggregate;
pub mod catalog;
pub mod check;
pub mod clean;
pub mod cli;
pub mod clock;
pub mod codec;
pub mod components;
pub mod config;
#[cfg(test)]
mod damage;
pub mod diff;
pub mod digest;
pub mod error;
pub mod files;
pub mod fresh;
pub mod integrity;
pub mod keys;
pub mod lake;
pub mod ordered;
pub mod pipeline;
pub mod plan;
pub mod privacy;
pub mod profile;
pub mod progress;
pub mod provenance;
pub mod quarantine;
pub mod run;
pub mod schedule;
pub mod segments;
pub mod silver;
pub mod spool;
pub mod store;
pub mod table;
pub mod text;
pub mod wasm;
pub mod workers;

pub use error::{Error, Result};

/// Random bits, for names that must not clash. Nothing that is computed depends on them.
fn random() -> u64 {
    getrandom::u64().expect("the system has randomness")
}
