//! Running components: the engine, what each call may use, and the checks that everything a guest returns must pass.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

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
pub mod privacy;
mod shape;
mod state;
pub mod sums;
mod versions;

pub use bindings::types::{FaultKind, Object, Preference, Rejection, Repair, Rule, RuleAction};
pub use convert::{CleanerSpec, KpiInputSpec, KpiSpec, OrderSpec, SourceSpec, StageSpec, schema_text};
pub use engine::Engine;
pub use ipc::{decode as decode_ipc, encode as encode_ipc};
pub use limits::{Limits, STACK_BYTES};
pub use plugin::check_parameters;
pub use plugin::{Accumulator, Cleaned, Cleaner, Identity, Inspection, Kpi, Session, Source, World};
pub use state::guest_text;
pub use versions::Contract;

use std::path::Path;

/// The plugin whose component is in such a file. A crate's file has `_` where its name has `-`, and a plugin's name has no `_`.
pub fn plugin_of(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-")
}

/// What a plugin of that name might say of itself, for unit tests.
#[cfg(any(test, feature = "testing"))]
pub fn described(name: &str) -> bindings::types::Identity {
    bindings::types::Identity {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        summary: String::new(),
        parameters: "{}".to_owned(),
        uses_as_of: false,
    }
}
