//! Generators: plugins of the world `source`, which make bronze objects from a seed.

use std::sync::Arc;

use wasmtime::Store;

use super::code::Code;
use super::identity::Identity;
use super::loaded::{Loaded, cost, instantiated};
use super::loader::loader;
use super::world::World;
use crate::bindings::{types, v0_1_0, v0_2_0, v0_3_0};
use crate::state::{State, arm, outcome};
use crate::versions::{Earlier, Said, Versioned, earlier};
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
    code: Arc<Code<Pre>>,
    identity: Identity,
    spec: GeneratorSpec,
    params: String,
}

loader!(Generator, source, Source, SourcePre, smelt_plugin_generation, SourceDescription, GeneratorSpec);

impl Generator {
    /// Makes the objects of one tick. Times are in microseconds since the epoch.
    ///
    /// # Errors
    /// Fails if the call fails, if it makes more than 10,000 objects, or if a name is not valid.
    pub fn generate(&self, tick: types::Tick) -> Result<Vec<types::Object>> {
        Ok(self.metered(tick)?.0)
    }

    /// As [`generate`](Self::generate). Also returns what the call used.
    pub fn metered(&self, tick: types::Tick) -> Result<(Vec<types::Object>, Cost)> {
        let mut store = self.loaded.store();
        let instance = Self::instance(self.code.pre()?, &mut store)?;
        let objects = self.call(&instance, &mut store, tick)?;
        Ok((objects, cost(&store)))
    }

    /// Makes the objects of each tick, one after the other in the same instance. (A run gives every tick a new
    /// instance.)
    pub fn series(&self, ticks: &[types::Tick]) -> Result<Vec<Vec<types::Object>>> {
        let mut store = self.loaded.store();
        let instance = Self::instance(self.code.pre()?, &mut store)?;
        ticks.iter().map(|&tick| self.call(&instance, &mut store, tick)).collect()
    }

    fn call(&self, instance: &Instance, store: &mut Store<State>, tick: types::Tick) -> Result<Vec<types::Object>> {
        arm(store, &self.loaded.limits);
        let called = match instance {
            // Before 0.3.0 a source was told when its objects are stamped, and not how long a tick is.
            Versioned::Earlier(instance) => {
                let types::Tick { seed, number, starts, ends: _ } = tick;
                earlier!(instance, it => {
                    it.smelt_plugin_generation().call_generate(&mut *store, &self.params, seed, number, starts)
                })
            }
            Versioned::V0_3_0(it) => it.smelt_plugin_generation().call_generate(&mut *store, &self.params, tick),
        };
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
