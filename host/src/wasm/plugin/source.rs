//! Sources: bronze objects from a seed.

use wasmtime::component::{HasSelf, Linker};

use super::{Identity, Runtime, instantiated, loader};
use crate::Error;
use crate::error::Result;
use crate::wasm::SourceSpec;
use crate::wasm::bindings::{source, types};
use crate::wasm::state::{State, arm, guest_text, outcome};

/// A loaded source.
pub struct Source {
    runtime: Runtime,
    pre: source::SourcePre<State>,
    identity: Identity,
    spec: SourceSpec,
}

loader!(Source, source, Source, SourcePre, generation, smelt_plugin_generation, SourceSpec, &["types", "log"]);

impl Source {
    /// The objects of one tick. `as_of` is in microseconds since the epoch.
    pub fn generate(&self, params: &str, seed: u64, tick: u64, as_of: i64) -> Result<Vec<types::Object>> {
        let limits = &self.runtime.limits;
        let mut store = self.runtime.store();
        let made = self.pre.instantiate(&mut store);
        let instance = instantiated(&mut store, limits, made)?;
        arm(&mut store, limits);
        let called = instance.smelt_plugin_generation().call_generate(&mut store, params, seed, tick, as_of);
        let objects = outcome(&mut store, limits, "generate", called)?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        for types::Object { name, .. } in &objects {
            if name.is_empty() || name.len() > 255 || name.starts_with('.') || !name.bytes().all(fits) {
                let name = guest_text(name, 300);
                let wanted = "1 to 255 letters, digits, `.`, `_` and `-`, not beginning with `.`";
                return Err(Error::plugin(format!(
                    "plugin `{}` made an object `{name}`; a name is {wanted}",
                    self.runtime.name
                )));
            }
        }
        Ok(objects)
    }
}
