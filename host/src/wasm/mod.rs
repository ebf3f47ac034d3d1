//! Running components: the engine, what each call may use, and the checks that everything a guest returns must pass.

mod binary;
mod bindings;
mod cache;
mod convert;
mod engine;
mod imports;
mod ipc;
mod limits;
mod machine;
mod native;
mod pieces;
mod plugin;
mod shape;
mod state;
mod versions;

pub use binary::Binary;
pub use bindings::types::{FaultKind, Object, Preference, Rejection, Repair, Rule, RuleAction};
pub use convert::{CleanerSpec, KpiInputSpec, KpiSpec, OrderSpec, SourceSpec, StageSpec, schema_text};
pub use engine::Engine;
pub(crate) use ipc::{decode as decode_ipc, encode as encode_ipc};
pub use limits::{Limits, STACK_BYTES};
pub(crate) use plugin::check_parameters;
pub use plugin::{Accumulator, Cleaned, Cleaner, Identity, Inspection, Kpi, Session, Source, Usage, World};
pub(crate) use state::guest_text;
pub use versions::Contract;

/// What a plugin of that name might say of itself, for unit tests.
#[cfg(test)]
pub(crate) fn described(name: &str) -> bindings::types::Identity {
    bindings::types::Identity {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        summary: String::new(),
        parameters: "{}".to_owned(),
        uses_as_of: false,
    }
}
