//! The part of a loaded plugin that is the same for all kinds: it makes stores and checks identities.

use std::sync::Arc;

use wasmtime::{Store, UpdateDeadline};

use super::identity::Identity;
use crate::bindings::types;
use crate::meter::Ticks;
use crate::privacy::Pseudonyms;
use crate::state::{State, arm_to_describe, arm_to_start, outcome};
use crate::{Contract, Engine, Limits, native};
use smelt_common::Error;
use smelt_common::binary::Binary;
use smelt_common::cost::Cost;
use smelt_common::error::Result;
use smelt_common::text::guest_text;

/// Returns what the instance in the store has used.
pub(super) fn cost(store: &Store<State>) -> Cost {
    let fuel = store.get_fuel().map_or(0, |left| u64::MAX - left);
    let State { limiter, spent, .. } = store.data();
    Cost::new(*spent, limiter.memory_bytes() as u64, fuel)
}

/// A loaded plugin of any kind.
#[derive(Clone)]
pub(super) struct Loaded {
    engine: wasmtime::Engine,
    ticks: Ticks,
    pub(super) name: Arc<str>,
    pub(super) limits: Limits,
    pseudonyms: Pseudonyms,
    native: Option<native::Library>,
}

impl Loaded {
    /// Returns a store for a new instance, which may start.
    pub(super) fn store(&self) -> Store<State> {
        let state = State::new(self.name.clone(), &self.limits, self.pseudonyms.clone(), self.ticks.clone());
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limiter);
        store.epoch_deadline_callback(|store| store.data().on_time().map(|()| UpdateDeadline::Continue(1)));
        // Fuel is counted, and never runs out. This fails only if the engine does not count, and ours does.
        let _ = store.set_fuel(u64::MAX);
        store.set_max_component_handles(self.limits.handles);
        arm_to_start(&mut store, &self.limits);
        store
    }

    /// As [`store`](Self::store), for an instance that describes itself for parameters.
    pub(super) fn store_to_describe(&self) -> Store<State> {
        let mut store = self.store();
        arm_to_describe(&mut store, &self.limits);
        store
    }

    /// Returns the native instance that a benchmark calls in place of the component's. `part` says of what it is, if its
    /// plugin has several parts.
    pub(super) fn native(
        &self,
        part: Option<native::Part>,
        params: &str,
        as_of: Option<i64>,
    ) -> Result<Option<native::Instance>> {
        self.native.as_ref().map(|library| library.open(part, params, as_of, &self.pseudonyms)).transpose()
    }

    pub(super) fn new(engine: &Engine, name: &str, limits: &Limits, pseudonyms: &Pseudonyms) -> Result<Self> {
        Ok(Self {
            engine: engine.inner().clone(),
            ticks: engine.ticks(),
            name: name.into(),
            limits: limits.clone(),
            pseudonyms: pseudonyms.clone(),
            native: native::Library::find(name)?,
        })
    }

    pub(super) fn identity(
        &self,
        binary: Binary,
        contract: Contract,
        declared: types::Identity,
        imports_privacy: bool,
    ) -> Result<Identity> {
        let types::Identity { name, version, summary, parameters } = declared;
        if *name != *self.name {
            let given = guest_text(&name, 255);
            return Err(Error::plugin(format!("the component found as plugin `{}` calls itself `{given}`", self.name)));
        }
        Ok(Identity {
            name: self.name.clone(),
            version: guest_text(&version, 64),
            binary,
            contract,
            summary,
            parameters,
            pseudonymises: imports_privacy,
        })
    }
}

pub(super) fn no_link(name: &str, contract: Contract, error: &wasmtime::Error) -> Error {
    Error::plugin(format!("plugin `{name}` does not fit contract {}: {error:#}", contract.version()))
}

/// Returns the new instance, or the error if it could not be made within its limits.
pub(super) fn instantiated<T>(store: &mut Store<State>, made: wasmtime::Result<T>) -> Result<T> {
    outcome(store, "start", made.map(Ok))
}
