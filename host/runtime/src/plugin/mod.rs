//! Loaded plugins: what all kinds share. Each kind has a file of its own with its calls, in terms of Arrow.

mod cleaner;
mod kpi;
mod parameters;
mod source;
mod world;

use std::sync::Arc;

use wasmtime::component::Component;
use wasmtime::{Store, UpdateDeadline};

pub use cleaner::{Cleaned, Cleaner, Session};
pub use kpi::{Accumulator, Kpi};
pub use parameters::check_parameters;
pub use source::Source;
pub use world::{Inspection, World};

use super::bindings::types;
use super::machine::Ticks;
use super::state::{State, arm_to_start, guest_text, outcome};
use super::{Contract, Engine, Limits, native};
use crate::privacy::Pseudonyms;
use smelt_common::Error;
use smelt_common::binary::Binary;
use smelt_common::cost::Cost;
use smelt_common::error::Result;

/// Which component this is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The name by which the manifest calls it.
    pub name: Arc<str>,
    /// The version it gives itself.
    pub version: String,
    /// The component.
    pub binary: Binary,
    /// The version of the contract that it is of.
    pub contract: Contract,
    /// The JSON Schema of its parameters.
    pub parameters: String,
    /// Whether it is told the time.
    pub uses_as_of: bool,
    /// Whether it can ask for pseudonyms, so that its results depend on their key.
    pub pseudonymises: bool,
}

impl Identity {
    /// The sha256 of the component.
    pub fn sha256(&self) -> &str {
        self.binary.sha256()
    }
}

/// What the instance in the store has used.
fn cost(store: &Store<State>) -> Cost {
    let fuel = store.get_fuel().map_or(0, |left| u64::MAX - left);
    let State { limiter, spent, .. } = store.data();
    Cost::new(*spent, limiter.memory_bytes() as u64, fuel)
}

/// What every kind of loaded plugin has: how to make a store for it.
#[derive(Clone)]
struct Runtime {
    engine: wasmtime::Engine,
    ticks: Ticks,
    name: Arc<str>,
    limits: Limits,
    pseudonyms: Pseudonyms,
    native: Option<native::Library>,
}

impl Runtime {
    fn store(&self) -> Store<State> {
        let state = State::new(self.name.clone(), &self.limits, self.pseudonyms.clone(), self.ticks.clone());
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limiter);
        store.epoch_deadline_callback(|store| store.data().on_time().map(|()| UpdateDeadline::Continue(1)));
        // It is counted, never exhausted; this fails where the engine does not count, which ours does.
        let _ = store.set_fuel(u64::MAX);
        store.set_max_component_handles(self.limits.handles);
        arm_to_start(&mut store, &self.limits);
        store
    }

    /// The session or accumulator to be called in place of the component's, in a benchmark.
    fn native(&self, params: &str, as_of: Option<i64>) -> Result<Option<native::Instance>> {
        self.native.as_ref().map(|library| library.open(params, as_of, &self.pseudonyms)).transpose()
    }

    fn load(
        engine: &Engine,
        name: &str,
        binary: &Binary,
        limits: &Limits,
        pseudonyms: &Pseudonyms,
    ) -> Result<(Self, Component)> {
        let component = engine.load(binary, limits)?;
        let runtime = Self {
            engine: engine.inner().clone(),
            ticks: engine.ticks(),
            name: name.into(),
            limits: limits.clone(),
            pseudonyms: pseudonyms.clone(),
            native: native::Library::find(name)?,
        };
        Ok((runtime, component))
    }

    fn identity(
        &self,
        binary: Binary,
        contract: Contract,
        declared: &types::Identity,
        imports_privacy: bool,
    ) -> Result<Identity> {
        if *declared.name != *self.name {
            let given = guest_text(&declared.name, 255);
            return Err(Error::plugin(format!("the component found as plugin `{}` calls itself `{given}`", self.name)));
        }
        Ok(Identity {
            name: self.name.clone(),
            version: guest_text(&declared.version, 64),
            binary,
            contract,
            parameters: declared.parameters.clone(),
            uses_as_of: declared.uses_as_of,
            pseudonymises: imports_privacy,
        })
    }
}

fn no_link(name: &str, contract: Contract, error: &wasmtime::Error) -> Error {
    Error::plugin(format!("plugin `{name}` does not fit contract {}: {error:#}", contract.version()))
}

/// A component cannot be instantiated without memory, tables and instances within its limits.
fn instantiated<T>(store: &mut Store<State>, made: wasmtime::Result<T>) -> Result<T> {
    outcome(store, "start", made.map(Ok))
}

/// `load`, `identity` and `spec` of one kind of plugin: the generated bindings of a world have no trait in common.
macro_rules! loader {
    ($plugin:ident, $module:ident, $world:ident, $pre:ident, $call:ident, $description:ident, $spec:ty) => {
        type Pre = Versioned<v0_1_0::$module::$pre<State>, v0_2_0::$module::$pre<State>>;
        type Instance = Versioned<v0_1_0::$module::$world, v0_2_0::$module::$world>;

        impl $plugin {
            /// Compiles the component, checks it against its world, and asks it what it is.
            pub fn load(
                engine: &$crate::Engine,
                name: &str,
                binary: &smelt_common::binary::Binary,
                limits: &$crate::Limits,
                pseudonyms: &$crate::privacy::Pseudonyms,
            ) -> Result<Self> {
                let _span = smelt_common::profile::span("load", name);
                let (runtime, component) = super::Runtime::load(engine, name, binary, limits, pseudonyms)?;
                let inspection = super::Inspection::of(engine, &component);
                let contract = inspection.check(name, World::$world)?;
                let linked = $crate::imports::linker(engine.inner(), World::$world, contract);
                let linked = linked.and_then(|linker| linker.instantiate_pre(&component));
                let pre = match contract {
                    Contract::V0_1_0 => linked.and_then(v0_1_0::$module::$pre::new).map(Versioned::V0_1_0),
                    Contract::V0_2_0 => linked.and_then(v0_2_0::$module::$pre::new).map(Versioned::V0_2_0),
                };
                let pre = pre.map_err(|error| super::no_link(name, contract, &error))?;
                let mut store = runtime.store();
                let described = Self::describe(&Self::instance(&pre, &mut store)?, &mut store)?;
                let spec = <$spec>::try_from(described).map_err(|error| error.context(format!("plugin `{name}`")))?;
                let imports_privacy = inspection.imports_privacy(contract);
                let identity = runtime.identity(binary.clone(), contract, &spec.identity, imports_privacy)?;
                Ok(Self { runtime, pre, identity, spec })
            }

            fn instance(pre: &Pre, store: &mut Store<State>) -> Result<Instance> {
                let made = match pre {
                    Versioned::V0_1_0(pre) => pre.instantiate(&mut *store).map(Versioned::V0_1_0),
                    Versioned::V0_2_0(pre) => pre.instantiate(&mut *store).map(Versioned::V0_2_0),
                };
                instantiated(store, made)
            }

            fn describe(instance: &Instance, store: &mut Store<State>) -> Result<types::$description> {
                let described =
                    whichever!(instance, it => it.$call().call_describe(&mut *store).map(types::$description::from));
                outcome(store, "describe itself", described.map(Ok))
            }

            /// What it says of itself, in no particular form, so many times over in a new instance.
            pub fn describe_again(&self, times: usize) -> Result<Vec<String>> {
                let limits = &self.runtime.limits;
                let mut store = self.runtime.store();
                let instance = Self::instance(&self.pre, &mut store)?;
                let mut describe = || {
                    $crate::state::arm_to_start(&mut store, limits);
                    Self::describe(&instance, &mut store).map(|what| format!("{what:?}"))
                };
                (0..times).map(|_| describe()).collect()
            }

            /// Which component this is.
            pub fn identity(&self) -> &Identity {
                &self.identity
            }

            /// What it says of itself.
            pub fn spec(&self) -> &$spec {
                &self.spec
            }
        }
    };
}
use loader;
