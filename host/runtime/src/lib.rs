//! smelt-runtime loads components, calls them within limits, checks what they return, and adds up what KPIs return.
//!
//! `plugin` is the entry: it has a type for each kind of plugin, whose calls take and return Arrow batches. `engine`
//! compiles components. `state`, `meter` and `limiter` hold each call to its `limits`. `ipc` and `convert` check all
//! that a guest returns. `sums` holds the tables of sums.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod bindings;
mod bulk_memory;
mod cache;
mod convert;
mod engine;
#[cfg(test)]
mod fuzz;
mod imports;
mod ipc;
mod limiter;
mod limits;
mod machine;
mod meter;
mod native;
mod plugin;
pub mod privacy;
mod shape;
mod spec;
mod state;
pub mod sums;
#[cfg(any(test, feature = "testing"))]
mod testing;
mod versions;

pub use bindings::types::{FaultKind, Object, Preference, Rejection, Repair, Rule, RuleAction, Tick};
pub use engine::Engine;
pub use ipc::{decode as decode_ipc, encode as encode_ipc};
pub use limits::{Limits, STACK_BYTES};
pub use plugin::{
    Accumulator, Cleaned, Cleaner, EarlierAccumulator, Generator, Identified, Identity, Inspection, Kpi, Reduced,
    Reducer, Session, World, check_parameters, plugin_of,
};
pub use spec::{CleanerSpec, GeneratorSpec, KpiInputSpec, KpiSpec, OrderSpec, Setting, StageSpec, schema_text};
#[cfg(any(test, feature = "testing"))]
pub use testing::setting;
pub use versions::Contract;
