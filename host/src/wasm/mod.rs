//! Running components: the engine, what each call may use, and the checks that everything a guest returns must pass.

mod bindings;
mod convert;
mod engine;
mod ipc;
mod limits;
mod plugin;
mod state;

pub use bindings::types::{FaultKind, Object, Preference, Repair, Rule, RuleAction};
pub use convert::{CleanerSpec, KpiInputSpec, KpiSpec, OrderSpec, SourceSpec, schema_text};
pub use engine::Engine;
pub(crate) use ipc::{decode as decode_ipc, encode as encode_ipc};
pub use limits::Limits;
pub(crate) use plugin::check_parameters;
pub use plugin::{Accumulator, Cleaned, Cleaner, Identity, Kpi, Session, Source};

/// The version of the contract in `wit/` that this host speaks.
pub const CONTRACT: &str = "0.1.0";
