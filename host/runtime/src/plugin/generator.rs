//! Generators: plugins of the world `source`, which make bronze objects from a seed.

use wasmtime::Store;

use super::identity::Identity;
use super::loaded::{Loaded, cost, instantiated};
use super::loader::loader;
use super::world::World;
use crate::bindings::{types, v0_1_0, v0_2_0};
use crate::state::{State, arm, outcome};
use crate::versions::{Versioned, whichever};
use crate::{Contract, GeneratorSpec};
use smelt_common::Error;
use smelt_common::cost::Cost;
use smelt_common::error::{Breach, Kind, Result};
use smelt_common::text::guest_text;

/// How many objects a tick may make. Each one is a request to the store.
const OBJECTS: usize = 10_000;

/// A loaded generator.
pub struct Generator {
    loaded: Loaded,
    pre: Pre,
    identity: Identity,
    spec: GeneratorSpec,
}

loader!(Generator, source, Source, SourcePre, smelt_plugin_generation, SourceDescription, GeneratorSpec);

impl Generator {
    /// Makes the objects of one tick. `as_of` is in microseconds since the epoch.
    ///
    /// # Errors
    /// Fails if the call fails, if it makes more than 10,000 objects, or if a name is not valid.
    pub fn generate(&self, params: &str, seed: u64, tick: u64, as_of: i64) -> Result<Vec<types::Object>> {
        Ok(self.metered(params, seed, tick, as_of)?.0)
    }

    /// As [`generate`](Self::generate). Also returns what the call used.
    pub fn metered(&self, params: &str, seed: u64, tick: u64, as_of: i64) -> Result<(Vec<types::Object>, Cost)> {
        let mut store = self.loaded.store();
        let instance = Self::instance(&self.pre, &mut store)?;
        let objects = self.call(&instance, &mut store, params, (seed, tick, as_of))?;
        Ok((objects, cost(&store)))
    }

    /// Makes the objects for each seed, tick and time, one after the other in the same instance. (A run gives every
    /// tick a new instance.)
    pub fn series(&self, params: &str, arguments: &[(u64, u64, i64)]) -> Result<Vec<Vec<types::Object>>> {
        let mut store = self.loaded.store();
        let instance = Self::instance(&self.pre, &mut store)?;
        arguments.iter().map(|&arguments| self.call(&instance, &mut store, params, arguments)).collect()
    }

    fn call(
        &self,
        instance: &Instance,
        store: &mut Store<State>,
        params: &str,
        (seed, tick, as_of): (u64, u64, i64),
    ) -> Result<Vec<types::Object>> {
        arm(store, &self.loaded.limits);
        let called = whichever!(instance, it => it
            .smelt_plugin_generation()
            .call_generate(&mut *store, params, seed, tick, as_of));
        let objects = outcome(store, "generate", called)?;
        if objects.len() > OBJECTS {
            let (plugin, many) = (&self.loaded.name, objects.len());
            let told = format!("plugin `{plugin}` made {many} objects in a tick; at most {OBJECTS} are accepted");
            return Err(Error::new(Kind::LimitExceeded, told));
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        for types::Object { name, .. } in &objects {
            if name.is_empty() || name.len() > 255 || name.starts_with('.') || !name.bytes().all(fits) {
                let name = guest_text(name, 300);
                let wanted = "1 to 255 letters, digits, `.`, `_` and `-`, not beginning with `.`";
                let plugin = &self.loaded.name;
                return Err(Error::breach(
                    Breach::Form,
                    format!("plugin `{plugin}` made an object `{name}`; a name is {wanted}"),
                ));
            }
        }
        Ok(objects)
    }
}
