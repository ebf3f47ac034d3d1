//! Sources: bronze objects from a seed.

use wasmtime::Store;

use super::{Identity, Runtime, World, cost, instantiated, loader};
use crate::bindings::{types, v0_1_0, v0_2_0};
use crate::state::{State, arm, guest_text, outcome};
use crate::versions::{Versioned, whichever};
use crate::{Contract, SourceSpec};
use smelt_common::Error;
use smelt_common::cost::Cost;
use smelt_common::error::{Breach, Kind, Result};

/// How many objects a tick may make: each is a request to the store.
const OBJECTS: usize = 10_000;

/// A loaded source.
pub struct Source {
    runtime: Runtime,
    pre: Pre,
    identity: Identity,
    spec: SourceSpec,
}

loader!(Source, source, Source, SourcePre, smelt_plugin_generation, SourceDescription, SourceSpec);

impl Source {
    /// The objects of one tick. `as_of` is in microseconds since the epoch.
    pub fn generate(&self, params: &str, seed: u64, tick: u64, as_of: i64) -> Result<Vec<types::Object>> {
        Ok(self.metered(params, seed, tick, as_of)?.0)
    }

    /// The same, and what it used.
    pub fn metered(&self, params: &str, seed: u64, tick: u64, as_of: i64) -> Result<(Vec<types::Object>, Cost)> {
        let mut store = self.runtime.store();
        let instance = Self::instance(&self.pre, &mut store)?;
        let objects = self.call(&instance, &mut store, params, (seed, tick, as_of))?;
        Ok((objects, cost(&store)))
    }

    /// The objects of each of these seeds, ticks and times, one after the other in one instance. A run gives every tick an
    /// instance of its own.
    pub fn series(&self, params: &str, arguments: &[(u64, u64, i64)]) -> Result<Vec<Vec<types::Object>>> {
        let mut store = self.runtime.store();
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
        arm(store, &self.runtime.limits);
        let called = whichever!(instance, it => it
            .smelt_plugin_generation()
            .call_generate(&mut *store, params, seed, tick, as_of));
        let objects = outcome(store, "generate", called)?;
        if objects.len() > OBJECTS {
            let (plugin, many) = (&self.runtime.name, objects.len());
            let told = format!("plugin `{plugin}` made {many} objects in a tick; at most {OBJECTS} are accepted");
            return Err(Error::new(Kind::LimitExceeded, told));
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        for types::Object { name, .. } in &objects {
            if name.is_empty() || name.len() > 255 || name.starts_with('.') || !name.bytes().all(fits) {
                let name = guest_text(name, 300);
                let wanted = "1 to 255 letters, digits, `.`, `_` and `-`, not beginning with `.`";
                let plugin = &self.runtime.name;
                return Err(Error::breach(
                    Breach::Form,
                    format!("plugin `{plugin}` made an object `{name}`; a name is {wanted}"),
                ));
            }
        }
        Ok(objects)
    }
}
