//! Loaded plugins of each kind, and calls to them in terms of Arrow.

use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use wasmtime::Store;
use wasmtime::component::{Component, HasSelf, Linker, ResourceAny};

use super::bindings::{cleaner, kpi, source, types};
use super::convert::{CleanerSpec, KpiSpec, SourceSpec};
use super::state::{State, arm, outcome};
use super::{CONTRACT, Engine, Limits, ipc};
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
}

/// What every kind of loaded plugin has: how to make a store for it.
#[derive(Clone)]
struct Runtime {
    engine: wasmtime::Engine,
    name: Arc<str>,
    limits: Limits,
    pseudonyms: Pseudonyms,
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
        };
        Ok((runtime, component, sha256))
    }

    fn identity(&self, sha256: String, declared: &types::Identity) -> Result<Identity> {
        if *declared.name != *self.name {
            let given = super::state::guest_text(&declared.name, 255);
            return Err(Error::plugin(format!("the component found as plugin `{}` calls itself `{given}`", self.name)));
        }
        Ok(Identity {
            name: self.name.clone(),
            version: super::state::guest_text(&declared.version, 64),
            sha256,
            parameters: declared.parameters.clone(),
            uses_as_of: declared.uses_as_of,
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

fn no_link(name: &str, error: &wasmtime::Error) -> Error {
    Error::plugin(format!("plugin `{name}` does not fit contract {CONTRACT}: {error:#}"))
}

/// A component cannot be instantiated without memory, tables and instances within its limits.
fn instantiated<T>(store: &mut Store<State>, limits: &Limits, made: wasmtime::Result<T>) -> Result<T> {
    outcome(store, limits, "start", made.map(Ok))
}

macro_rules! loader {
    ($plugin:ident, $module:ident, $world:ident, $pre:ident, $interface:ident, $call:ident, $spec:ty, $imports:expr) => {
        impl $plugin {
            /// Loads the component, checks it against its world, and asks it what it is.
            pub fn load(
                engine: &Engine,
                name: &str,
                path: &Path,
                limits: &Limits,
                pseudonyms: &Pseudonyms,
            ) -> Result<Self> {
                let (runtime, component, sha256) = Runtime::load(engine, name, path, limits, pseudonyms)?;
                check_world(engine, &component, name, stringify!($module), stringify!($interface), $imports)?;
                let mut linker = Linker::new(engine.inner());
                let pre = $module::$world::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)
                    .and_then(|()| linker.instantiate_pre(&component))
                    .and_then($module::$pre::new)
                    .map_err(|error| no_link(name, &error))?;
                let mut store = runtime.store();
                let made = pre.instantiate(&mut store);
                let instance = instantiated(&mut store, limits, made)?;
                let described = instance.$call().call_describe(&mut store);
                let described = outcome(&mut store, limits, "describe itself", described.map(Ok))?;
                let spec = <$spec>::try_from(described).map_err(|error| error.context(format!("plugin `{name}`")))?;
                let identity = runtime.identity(sha256, &spec.identity)?;
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

/// A loaded source.
pub struct Source {
    runtime: Runtime,
    pre: source::SourcePre<State>,
    identity: Identity,
    spec: SourceSpec,
}

/// A loaded cleaner.
pub struct Cleaner {
    runtime: Runtime,
    pre: cleaner::CleanerPre<State>,
    identity: Identity,
    spec: CleanerSpec,
}

/// A loaded KPI.
pub struct Kpi {
    runtime: Runtime,
    pre: kpi::KpiPre<State>,
    identity: Identity,
    spec: KpiSpec,
}

loader!(Source, source, Source, SourcePre, generation, smelt_plugin_generation, SourceSpec, &["types", "log"]);
loader!(
    Cleaner,
    cleaner,
    Cleaner,
    CleanerPre,
    cleaning,
    smelt_plugin_cleaning,
    CleanerSpec,
    &["types", "log", "privacy"]
);
loader!(Kpi, kpi, Kpi, KpiPre, aggregation, smelt_plugin_aggregation, KpiSpec, &["types", "log"]);

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
                let name = super::state::guest_text(name, 300);
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

/// A cleaner at work on one object.
pub struct Session<'p> {
    plugin: &'p Cleaner,
    store: Store<State>,
    instance: cleaner::Cleaner,
    session: ResourceAny,
}

/// What became of one batch; checked to account for each of its rows once.
#[derive(Debug)]
pub struct Cleaned {
    /// The kept rows, in the order of the batch.
    pub kept: RecordBatch,
    /// For each kept row its index in the batch.
    pub kept_rows: Vec<u32>,
    /// The rejected rows: index in the batch, index of the rule.
    pub rejected: Vec<types::Rejection>,
    /// How many kept rows each rule changed.
    pub repaired: Vec<types::Repair>,
}

impl Cleaner {
    /// A session in a store of its own.
    pub fn open(&self, params: &str, as_of: Option<i64>) -> Result<Session<'_>> {
        let limits = &self.runtime.limits;
        let mut store = self.runtime.store();
        let made = self.pre.instantiate(&mut store);
        let instance = instantiated(&mut store, limits, made)?;
        arm(&mut store, limits);
        let called = instance.smelt_plugin_cleaning().session().call_open(&mut store, params, as_of);
        let session = outcome(&mut store, limits, "open", called)?;
        Ok(Session { plugin: self, store, instance, session })
    }
}

impl Session<'_> {
    /// Cleans one batch of the declared input columns.
    pub fn clean(&mut self, batch: &RecordBatch) -> Result<Cleaned> {
        let Self { plugin, store, instance, session } = self;
        let limits = &plugin.runtime.limits;
        let stream = ipc::encode(batch)?;
        arm(store, limits);
        let called = instance.smelt_plugin_cleaning().session().call_clean(&mut *store, *session, &stream);
        drop(stream);
        let types::Cleaned { kept, kept_rows, rejected, repaired } = outcome(store, limits, "clean a batch", called)?;
        let broken = |what: String| {
            Error::plugin(format!("plugin `{}` broke the contract in `clean`: {what}", plugin.runtime.name))
        };
        let kept = ipc::decode(kept, &plugin.spec.output).map_err(|error| broken(format!("`kept`: {error}")))?;
        let cleaned = Cleaned { kept, kept_rows, rejected, repaired };
        cleaned.check(batch.num_rows(), &plugin.spec.rules).map_err(broken)?;
        Ok(cleaned)
    }
}

impl Cleaned {
    /// Every row of the batch is kept or rejected, once, and the rules exist.
    fn check(&self, rows: usize, rules: &[types::Rule]) -> Result<(), String> {
        let Self { kept, kept_rows, rejected, repaired } = self;
        if kept.num_rows() != kept_rows.len() {
            return Err(format!("`kept` has {} rows, `kept-rows` {}", kept.num_rows(), kept_rows.len()));
        }
        let (mut keeps, mut rejects) = (kept_rows.iter().peekable(), rejected.iter().peekable());
        for row in 0..rows as u32 {
            if keeps.next_if(|&&kept| kept == row).is_none()
                && rejects.next_if(|rejection| rejection.row == row).is_none()
            {
                return Err(format!("row {row} of {rows} is neither kept nor rejected, or out of order"));
            }
        }
        if keeps.next().is_some() || rejects.next().is_some() {
            return Err(format!("rows are kept or rejected twice, or are not among the {rows} of the batch"));
        }
        let is = |rule: u32, action| rules.get(rule as usize).is_some_and(|rule| rule.action == action);
        if let Some(rejection) = rejected.iter().find(|rejection| !is(rejection.rule, types::RuleAction::Reject)) {
            return Err(format!("rule {} is not one of its {} rules, or does not reject", rejection.rule, rules.len()));
        }
        for types::Repair { rule, rows } in repaired {
            if !is(*rule, types::RuleAction::Repair) || *rows as usize > kept_rows.len() {
                return Err(format!("rule {rule} does not repair, or claims {rows} of {} kept rows", kept_rows.len()));
            }
        }
        Ok(())
    }
}

/// A partial aggregate in a store of its own.
pub struct Accumulator<'p> {
    plugin: &'p Kpi,
    store: Store<State>,
    instance: kpi::Kpi,
    accumulator: ResourceAny,
}

impl Kpi {
    /// An accumulator that has seen no row.
    pub fn open(&self, params: &str, as_of: Option<i64>) -> Result<Accumulator<'_>> {
        let limits = &self.runtime.limits;
        let mut store = self.runtime.store();
        let made = self.pre.instantiate(&mut store);
        let instance = instantiated(&mut store, limits, made)?;
        arm(&mut store, limits);
        let called = instance.smelt_plugin_aggregation().accumulator().call_open(&mut store, params, as_of);
        let accumulator = outcome(&mut store, limits, "open", called)?;
        Ok(Accumulator { plugin: self, store, instance, accumulator })
    }
}

impl Accumulator<'_> {
    /// Takes in rows of the named input, which has exactly the columns declared for it.
    pub fn update(&mut self, input: &str, batch: &RecordBatch) -> Result<()> {
        let stream = ipc::encode(batch)?;
        let Self { plugin, store, instance, accumulator } = self;
        arm(store, &plugin.runtime.limits);
        let guest = instance.smelt_plugin_aggregation().accumulator();
        let called = guest.call_update_batch(&mut *store, *accumulator, input, &stream);
        outcome(store, &plugin.runtime.limits, "take in a batch", called)
    }

    /// Takes in the state of another accumulator.
    pub fn merge(&mut self, state: &RecordBatch) -> Result<()> {
        let stream = ipc::encode(state)?;
        let Self { plugin, store, instance, accumulator } = self;
        arm(store, &plugin.runtime.limits);
        let called =
            instance.smelt_plugin_aggregation().accumulator().call_merge_batch(&mut *store, *accumulator, &stream);
        outcome(store, &plugin.runtime.limits, "merge a state", called)
    }

    /// The state, of the declared state schema.
    pub fn state(&mut self) -> Result<RecordBatch> {
        let Self { plugin, store, instance, accumulator } = self;
        arm(store, &plugin.runtime.limits);
        let called = instance.smelt_plugin_aggregation().accumulator().call_state(&mut *store, *accumulator);
        let stream = outcome(store, &plugin.runtime.limits, "give its state", called)?;
        plugin.decode("state", stream, &plugin.spec.state)
    }

    /// The KPI's table.
    pub fn evaluate(&mut self) -> Result<RecordBatch> {
        let Self { plugin, store, instance, accumulator } = self;
        arm(store, &plugin.runtime.limits);
        let called = instance.smelt_plugin_aggregation().accumulator().call_evaluate(&mut *store, *accumulator);
        let stream = outcome(store, &plugin.runtime.limits, "evaluate", called)?;
        plugin.decode("evaluate", stream, &plugin.spec.output)
    }
}

impl Kpi {
    fn decode(&self, call: &str, stream: Vec<u8>, schema: &arrow_schema::SchemaRef) -> Result<RecordBatch> {
        ipc::decode(stream, schema).map_err(|error| {
            Error::plugin(format!("plugin `{}` broke the contract in `{call}`: {error}", self.runtime.name))
        })
    }
}

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
            Err(Error::new(Kind::InvalidConfig, format!("plugin `{name}`: parameters: {error}; it takes: {known}")))
        }
    }
}
