//! Loaded plugins: what all kinds share. Each kind has a file of its own with its calls, in terms of Arrow.

mod cleaner;
mod kpi;
mod source;

use std::path::Path;
use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::Component;

pub use cleaner::{Cleaned, Cleaner, Session};
pub use kpi::{Accumulator, Kpi};
pub use source::Source;

use super::bindings::types;
use super::state::{State, arm, guest_text, outcome};
use super::{CONTRACT, Engine, Limits, native};
use crate::Error;
use crate::error::{Kind, Result};
use crate::privacy::Pseudonyms;

/// Which component this is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The name by which the manifest calls it.
    pub name: Arc<str>,
    /// The version it gives itself.
    pub version: String,
    /// The sha256 of the component.
    pub sha256: String,
    /// The JSON Schema of its parameters.
    pub parameters: String,
    /// Whether it is told the time.
    pub uses_as_of: bool,
    /// Whether it can ask for pseudonyms, so that its results depend on their key.
    pub pseudonymises: bool,
}

/// What every kind of loaded plugin has: how to make a store for it.
#[derive(Clone)]
struct Runtime {
    engine: wasmtime::Engine,
    name: Arc<str>,
    limits: Limits,
    pseudonyms: Pseudonyms,
    native: Option<native::Library>,
}

impl Runtime {
    fn store(&self) -> Store<State> {
        let state = State::new(self.name.clone(), &self.limits, self.pseudonyms.clone());
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limiter);
        store.epoch_deadline_trap();
        arm(&mut store, &self.limits);
        store
    }

    /// The session or accumulator to be called in place of the component's, in a benchmark.
    fn native(&self, params: &str, as_of: Option<i64>) -> Result<Option<native::Instance>> {
        self.native.as_ref().map(|library| library.open(params, as_of, &self.pseudonyms)).transpose()
    }

    fn load(
        engine: &Engine,
        name: &str,
        path: &Path,
        limits: &Limits,
        pseudonyms: &Pseudonyms,
    ) -> Result<(Self, Component, String)> {
        let (component, sha256) = engine.load(path)?;
        let runtime = Self {
            engine: engine.inner().clone(),
            name: name.into(),
            limits: limits.clone(),
            pseudonyms: pseudonyms.clone(),
            native: native::Library::find(name)?,
        };
        Ok((runtime, component, sha256))
    }

    fn identity(&self, sha256: String, declared: &types::Identity, imports_privacy: bool) -> Result<Identity> {
        if *declared.name != *self.name {
            let given = guest_text(&declared.name, 255);
            return Err(Error::plugin(format!("the component found as plugin `{}` calls itself `{given}`", self.name)));
        }
        Ok(Identity {
            name: self.name.clone(),
            version: guest_text(&declared.version, 64),
            sha256,
            parameters: declared.parameters.clone(),
            uses_as_of: declared.uses_as_of,
            pseudonymises: imports_privacy,
        })
    }
}

/// Refuses a component that imports what the world does not offer or exports something else.
fn check_world(
    engine: &Engine,
    component: &Component,
    name: &str,
    world: &str,
    export: &str,
    imports: &[&str],
) -> Result<()> {
    let package = |interface: &str| format!("smelt:plugin/{interface}@{CONTRACT}");
    let component_type = component.component_type();
    let allowed: Vec<_> = imports.iter().map(|interface| package(interface)).collect();
    let foreign: Vec<_> = component_type
        .imports(engine.inner())
        .map(|(import, _)| import.to_owned())
        .filter(|import| !allowed.contains(import))
        .map(|import| format!("`{import}`"))
        .collect();
    if !foreign.is_empty() {
        let (foreign, allowed) = (foreign.join(", "), allowed.join("`, `"));
        return Err(Error::plugin(format!("plugin `{name}` imports {foreign}; a {world} may import only `{allowed}`")));
    }
    let exports: Vec<_> = component_type.exports(engine.inner()).map(|(export, _)| export.to_owned()).collect();
    let wanted = package(export);
    if !exports.contains(&wanted) {
        let exports = match exports.as_slice() {
            [] => "nothing".to_owned(),
            exports => format!("`{}`", exports.join("`, `")),
        };
        return Err(Error::plugin(format!("plugin `{name}` exports {exports}; a {world} exports `{wanted}`")));
    }
    Ok(())
}

fn imports_privacy(engine: &Engine, component: &Component) -> bool {
    let privacy = format!("smelt:plugin/privacy@{CONTRACT}");
    component.component_type().get_import(engine.inner(), &privacy).is_some()
}

fn no_link(name: &str, error: &wasmtime::Error) -> Error {
    Error::plugin(format!("plugin `{name}` does not fit contract {CONTRACT}: {error:#}"))
}

/// A component cannot be instantiated without memory, tables and instances within its limits.
fn instantiated<T>(store: &mut Store<State>, limits: &Limits, made: wasmtime::Result<T>) -> Result<T> {
    outcome(store, limits, "start", made.map(Ok))
}

/// `load`, `identity` and `spec` of one kind of plugin: the generated bindings of a world have no trait in common.
macro_rules! loader {
    ($plugin:ident, $module:ident, $world:ident, $pre:ident, $interface:ident, $call:ident, $spec:ty, $imports:expr) => {
        impl $plugin {
            /// Loads the component, checks it against its world, and asks it what it is.
            pub fn load(
                engine: &$crate::wasm::Engine,
                name: &str,
                path: &std::path::Path,
                limits: &$crate::wasm::Limits,
                pseudonyms: &$crate::privacy::Pseudonyms,
            ) -> Result<Self> {
                let _span = $crate::profile::span("load", name);
                let (runtime, component, sha256) = super::Runtime::load(engine, name, path, limits, pseudonyms)?;
                super::check_world(engine, &component, name, stringify!($module), stringify!($interface), $imports)?;
                let imports_privacy = super::imports_privacy(engine, &component);
                let mut linker = Linker::new(engine.inner());
                let pre = $module::$world::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)
                    .and_then(|()| linker.instantiate_pre(&component))
                    .and_then($module::$pre::new)
                    .map_err(|error| super::no_link(name, &error))?;
                let mut store = runtime.store();
                let made = pre.instantiate(&mut store);
                let instance = instantiated(&mut store, limits, made)?;
                let described = instance.$call().call_describe(&mut store);
                let described = outcome(&mut store, limits, "describe itself", described.map(Ok))?;
                let spec = <$spec>::try_from(described).map_err(|error| error.context(format!("plugin `{name}`")))?;
                let identity = runtime.identity(sha256, &spec.identity, imports_privacy)?;
                Ok(Self { runtime, pre, identity, spec })
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

/// Checks a parameter object against the plugin's JSON Schema.
pub(crate) fn check_parameters(identity: &Identity, params: &serde_json::Value) -> Result<()> {
    let name = &identity.name;
    let schema = serde_json::from_str(&identity.parameters)
        .map_err(|error| Error::plugin(format!("plugin `{name}`: its parameter schema is not JSON: {error}")))?;
    let validator = jsonschema::validator_for(&schema)
        .map_err(|error| Error::plugin(format!("plugin `{name}`: its parameter schema is not JSON Schema: {error}")))?;
    match validator.validate(params) {
        Ok(()) => Ok(()),
        Err(error) => {
            let known = schema["properties"].as_object().map(|all| all.keys().cloned().collect::<Vec<_>>().join(", "));
            let known = known.filter(|known| !known.is_empty()).unwrap_or_else(|| "none".into());
            // A JSON Pointer: empty where the object as a whole is wrong, as with an unknown parameter.
            let which = match error.instance_path().as_str().strip_prefix('/') {
                Some(parameter) => format!("parameter `{parameter}`"),
                None => "parameters".to_owned(),
            };
            Err(Error::new(Kind::InvalidConfig, format!("plugin `{name}`: {which}: {error}; it takes: {known}")))
        }
    }
}
