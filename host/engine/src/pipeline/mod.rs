//! A pipeline that is ready to run: its plugins are loaded, and everything that can be checked without data is checked.

mod lock;
mod unsupported;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arrow_schema::SchemaRef;
use serde_json::{Map, Value};

pub use lock::{Lock, Pin};

use crate::manifest::{DatasetSection, Manifest, Output, Quarantine, Schedule};
use smelt_catalog::{ErrorText, Fingerprint, PLAIN};
use smelt_common::Error;
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_common::glob::Pattern;
use smelt_common::text::guest_text;
use smelt_formats::{DecodeLimits, Format};
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{
    Cleaner, Engine, Generator, Identified, Identity, Kpi, KpiInputSpec, Limits, Object, Session, Tick, schema_text,
};

/// A pipeline ready to run.
pub struct Pipeline {
    /// The pipeline's name, for people.
    pub name: String,
    /// The times of `smelt up`.
    pub schedule: Schedule,
    /// The formats of silver and gold.
    pub output: Output,
    /// Limits on reading bronze.
    pub decode: DecodeLimits,
    /// The number of attempts after which smelt parks an object or a KPI that a plugin fails at.
    pub max_attempts: u32,
    /// How smelt keeps rejected rows.
    pub quarantine: Quarantine,
    /// How long smelt keeps rejected rows; `None` means for ever.
    pub quarantine_retention: Option<Duration>,
    /// How the catalog keeps the text of a plugin's errors.
    pub error_text: ErrorText,
    /// The id of the pseudonym key; `None` if there is no key.
    pub key_id: Option<String>,
    /// The sources, in the order of their names.
    pub sources: Vec<GeneratorStep>,
    /// The datasets, in the order of their names.
    pub datasets: Vec<DatasetStep>,
    /// The KPIs, in the order of their names.
    pub kpis: Vec<KpiStep>,
    /// The engine that runs the plugins. Calls end at their deadline only while it lives.
    _engine: Engine,
}

/// A source, ready to generate.
pub struct GeneratorStep {
    /// The name in the manifest.
    pub name: String,
    /// The number from which the source derives its randomness.
    pub seed: u64,
    /// The loaded component, with its parameters.
    pub plugin: Generator,
    /// The same component, for other parameters.
    component: Arc<Identified<Generator>>,
    /// The patterns of the objects that the source declares.
    families: Vec<Pattern>,
    /// Its parameters. Without those of the command line, they are the manifest's.
    parameters: Map<String, Value>,
}

/// A dataset, ready to be cleaned.
pub struct DatasetStep {
    /// The name in the manifest.
    pub name: String,
    /// The pattern of the bronze objects that belong to the dataset.
    pub pattern: Pattern,
    /// The format of these objects.
    pub format: Format,
    /// The loaded component, with its parameters.
    pub plugin: Cleaner,
    /// Everything that the silver depends on besides bronze.
    pub fingerprint: Fingerprint,
}

/// A KPI, ready to be computed.
pub struct KpiStep {
    /// The name in the manifest.
    pub name: String,
    /// The loaded component, with its parameters.
    pub plugin: Kpi,
    /// The plugin's inputs, with the dataset and the columns that each reads.
    pub inputs: Vec<KpiInput>,
    /// Everything that the table depends on besides silver.
    pub fingerprint: Fingerprint,
}

/// A dataset that a KPI reads.
pub struct KpiInput {
    /// The plugin's name for the input.
    pub name: String,
    /// The name of the relation in the manifest.
    pub relation: String,
    /// The columns that the KPI reads.
    pub columns: SchemaRef,
    /// The relation's whole schema as text. The meaning of its bytes depends on it.
    pub schema: String,
}

/// The most bytes of an object's name, because file systems allow no more.
const LONGEST_NAME: usize = 255;

impl GeneratorStep {
    fn new(
        name: &str,
        seed: u64,
        component: Arc<Identified<Generator>>,
        parameters: Map<String, Value>,
    ) -> Result<Self> {
        let plugin = component.describe(&canonical(&parameters)?)?;
        let families = plugin.spec().objects.iter().map(|glob| Pattern::parse(glob)).collect::<Result<_>>();
        let families = families.map_err(|error| error.context(format!("plugin `{}`", plugin.identity().name)))?;
        Ok(Self { name: name.to_owned(), seed, plugin, component, families, parameters })
    }

    /// Returns the source with more parameters, which replace those of the same names.
    ///
    /// # Errors
    /// The plugin does not accept them.
    pub fn with(&self, more: &Map<String, Value>) -> Result<Self> {
        let mut parameters = self.parameters.clone();
        parameters.extend(more.clone());
        Self::new(&self.name, self.seed, Arc::clone(&self.component), parameters)
    }

    /// Returns the object's name for the given attempt, in case the names of earlier attempts are taken. It matches the
    /// same pattern as `name`.
    pub fn numbered(&self, name: &str, attempt: u32) -> String {
        let family = self.families.iter().find(|family| family.matches(name));
        family.map_or_else(|| name.to_owned(), |family| family.numbered(name, attempt, LONGEST_NAME))
    }

    /// Returns the objects of a tick.
    ///
    /// # Errors
    /// The plugin fails, or the name of an object matches no pattern that the plugin declares. Such an object could get
    /// into another dataset.
    pub fn generate(&self, tick: Tick) -> Result<Vec<Object>> {
        let objects = self.plugin.generate(tick)?;
        let is_foreign = |object: &&Object| !self.families.iter().any(|family| family.matches(&object.name));
        match objects.iter().find(is_foreign) {
            None => Ok(objects),
            Some(Object { name, .. }) => {
                let plugin = &self.plugin.identity().name;
                let families = guest_text(&self.plugin.spec().objects.join(", "), 300);
                Err(Error::plugin(format!("plugin `{plugin}` made an object `{name}`; it declares {families}")))
            }
        }
    }
}

impl DatasetStep {
    /// Opens a session of the cleaner. If the cleaner asks for a time, it gets `as_of`, in microseconds since the
    /// epoch.
    pub fn open(&self, as_of: i64) -> Result<Session<'_>> {
        self.plugin.open(as_of)
    }
}

impl Pipeline {
    /// Loads every plugin that the manifest names. `find` returns the component for a plugin's name and limits. If
    /// there is a lock, it must pin each component and its limits.
    ///
    /// # Errors
    /// Something does not fit together. The message says what would have been right.
    pub fn load(
        manifest: &Manifest,
        engine: Engine,
        pseudonyms: &Pseudonyms,
        lock: Option<&Lock>,
        find: &dyn Fn(&str, &Limits) -> Result<Binary>,
    ) -> Result<Self> {
        Self::load_with(manifest, engine, pseudonyms, &|section, plugin, limits| {
            let binary = find(plugin, limits)?;
            lock.map_or(Ok(()), |lock| lock.check(plugin, &binary, section, limits))?;
            Ok(binary)
        })
    }

    /// Loads every plugin that the manifest names, without a lock. `find` returns the component for a section
    /// (`kpi.aov`), a plugin's name and its limits.
    pub fn load_with(
        manifest: &Manifest,
        engine: Engine,
        pseudonyms: &Pseudonyms,
        find: &dyn Fn(&str, &str, &Limits) -> Result<Binary>,
    ) -> Result<Self> {
        let find = |section: &str, plugin: &str, own: &Map<String, Value>| -> Result<(Binary, Limits)> {
            let limits = manifest.limits.of_plugin(own)?;
            Ok((find(section, plugin, &limits)?, limits))
        };

        let mut sources = Vec::new();
        for (name, section) in &manifest.source {
            let load = || {
                let (binary, limits) = find(&format!("source.{name}"), &section.plugin, &section.limits)?;
                let component = Generator::identify(&engine, &section.plugin, &binary, &limits, pseudonyms)?;
                GeneratorStep::new(name, section.own.seed, component.into(), section.parameters.clone())
            };
            sources.push(load().map_err(|error| refused(error, &format!("[source.{name}]")))?);
        }
        let mut datasets = Vec::new();
        for (name, section) in &manifest.dataset {
            let load = || {
                let (binary, limits) = find(&format!("dataset.{name}"), &section.plugin, &section.limits)?;
                let parameters = canonical(&section.parameters)?;
                let plugin = Cleaner::load(&engine, &section.plugin, &binary, &limits, pseudonyms, &parameters)?;
                plugin.check_rules()?;
                let host = settings(section, manifest);
                let uses_as_of = plugin.spec().session.uses_as_of;
                Ok(DatasetStep {
                    name: name.clone(),
                    pattern: Pattern::parse(&section.own.objects)?,
                    format: section.own.format,
                    fingerprint: fingerprint(plugin.identity(), parameters, uses_as_of, host, pseudonyms),
                    plugin,
                })
            };
            datasets.push(load().map_err(|error| refused(error, &format!("[dataset.{name}]")))?);
        }
        let mut kpis = Vec::new();
        for (name, section) in &manifest.kpi {
            let load = || {
                let (binary, limits) = find(&format!("kpi.{name}"), &section.plugin, &section.limits)?;
                let parameters = canonical(&section.parameters)?;
                let plugin = Kpi::load(&engine, &section.plugin, &binary, &limits, pseudonyms, &parameters)?;
                unsupported::check(&plugin)?;
                let inputs = inputs(&plugin, &section.own.inputs, &datasets)?;
                let mapped: Vec<_> = inputs.iter().map(|input| format!("{}={}", input.name, input.relation)).collect();
                let (host, uses_as_of) = (mapped.join(" "), plugin.spec().uses_as_of());
                let fingerprint = fingerprint(plugin.identity(), parameters, uses_as_of, host, pseudonyms);
                Ok(KpiStep { name: name.clone(), plugin, inputs, fingerprint })
            };
            kpis.push(load().map_err(|error| refused(error, &format!("[kpi.{name}]")))?);
        }
        Ok(Self {
            name: manifest.pipeline.name.clone(),
            schedule: manifest.schedule,
            output: manifest.output,
            decode: manifest.limits.decode,
            max_attempts: manifest.limits.max_attempts,
            quarantine: manifest.privacy.quarantine,
            quarantine_retention: manifest.privacy.quarantine_retention,
            error_text: manifest.privacy.error_text,
            key_id: pseudonyms.key_id().map(ToOwned::to_owned),
            sources,
            datasets,
            kpis,
            _engine: engine,
        })
    }

    /// Returns the identity of the plugin of every section. A plugin appears once for each section that uses it.
    pub fn identities(&self) -> impl Iterator<Item = &Identity> {
        let sources = self.sources.iter().map(|step| step.plugin.identity());
        let datasets = self.datasets.iter().map(|step| step.plugin.identity());
        sources.chain(datasets).chain(self.kpis.iter().map(|step| step.plugin.identity()))
    }

    /// Returns the identity of the plugin of that name. Fails if no section uses it.
    pub fn identity(&self, plugin: &str) -> Result<&Identity> {
        self.identities().find(|identity| &*identity.name == plugin).ok_or_else(|| {
            let known: BTreeSet<&str> = self.identities().map(|identity| &*identity.name).collect();
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            Error::config(format!("the pipeline uses no plugin `{plugin}`; it uses {known}"))
        })
    }

    /// Returns whether a cleaner or KPI of the pipeline makes pseudonyms.
    pub fn pseudonymises(&self) -> bool {
        self.identities().any(|identity| identity.pseudonymises)
    }

    /// Returns the components of the cleaners and KPIs.
    pub fn binaries(&self) -> impl Iterator<Item = &Binary> {
        let datasets = self.datasets.iter().map(|step| step.plugin.identity());
        datasets.chain(self.kpis.iter().map(|step| step.plugin.identity())).map(|identity| &identity.binary)
    }

    /// Returns the dataset of that name.
    pub fn dataset(&self, name: &str) -> Option<&DatasetStep> {
        self.datasets.iter().find(|step| step.name == name)
    }

    /// Returns the KPI of that name.
    pub fn kpi(&self, name: &str) -> Option<&KpiStep> {
        self.kpis.iter().find(|step| step.name == name)
    }
}

/// Returns the settings of the host that the silver of a dataset depends on.
fn settings(section: &DatasetSection, manifest: &Manifest) -> String {
    let DecodeLimits { batch_rows: _, batch_bytes: _, record_bytes, depth } = manifest.limits.decode;
    let format = section.own.format.name();
    format!("objects={} format={format} record_bytes={record_bytes} depth={depth}", section.own.objects)
}

/// Returns everything that the plugin's results depend on besides data, without a time.
fn fingerprint(
    identity: &Identity,
    parameters: String,
    uses_as_of: bool,
    host: String,
    pseudonyms: &Pseudonyms,
) -> Fingerprint {
    Fingerprint {
        plugin: identity.name.to_string(),
        version: identity.version.clone(),
        component: identity.sha256().to_owned(),
        contract: identity.contract.version().to_owned(),
        parameters,
        host,
        key: identity.pseudonymises.then(|| pseudonyms.key_id().unwrap_or(PLAIN).to_owned()),
        as_of: uses_as_of.then_some(0),
    }
}

/// Adds the section to an error. A plugin's error becomes an error of the configuration: no data is read yet, so only
/// another component or another manifest can avoid it.
fn refused(error: Error, section: &str) -> Error {
    match error.kind() {
        Kind::Plugin | Kind::LimitExceeded => Error::config(error.to_string()).context(section),
        _ => error.context(section),
    }
}

/// Returns the parameters as canonical JSON, with keys in order.
fn canonical(parameters: &Map<String, Value>) -> Result<String> {
    let sorted: BTreeMap<_, _> = parameters.iter().collect();
    serde_json::to_string(&sorted).map_err(|error| Error::internal(error.to_string()))
}

fn inputs(plugin: &Kpi, mapping: &BTreeMap<String, String>, datasets: &[DatasetStep]) -> Result<Vec<KpiInput>> {
    let declared = &plugin.spec().inputs;
    if let Some(unknown) = mapping.keys().find(|name| !declared.iter().any(|input| input.name == **name)) {
        let known: Vec<_> = declared.iter().map(|input| input.name.as_str()).collect();
        let plugin = &plugin.identity().name;
        return Err(Error::config(format!("plugin `{plugin}` has no input `{unknown}`; it has {}", known.join(", "))));
    }
    declared
        .iter()
        .map(|input| resolve(plugin, input, mapping.get(&input.name).unwrap_or(&input.name), datasets))
        .collect()
}

/// Returns an input of the KPI. Fails if the dataset does not have its columns.
fn resolve(plugin: &Kpi, input: &KpiInputSpec, dataset: &str, datasets: &[DatasetStep]) -> Result<KpiInput> {
    let name = &plugin.identity().name;
    let Some(step) = datasets.iter().find(|step| step.name == dataset) else {
        let known: Vec<_> = datasets.iter().map(|step| step.name.as_str()).collect();
        let known = known.join(", ");
        return Err(Error::config(format!(
            "plugin `{name}` reads dataset `{dataset}`, which the manifest lacks; it has {known}"
        )));
    };
    let silver = &step.plugin.spec().output;
    for wanted in input.columns.fields() {
        let fits = silver.field_with_name(wanted.name()).is_ok_and(|found| {
            found.data_type() == wanted.data_type() && (wanted.is_nullable() || !found.is_nullable())
        });
        if !fits {
            let wanted = schema_text(&arrow_schema::Schema::new(vec![wanted.clone()]));
            return Err(Error::config(format!(
                "plugin `{name}` reads column ({wanted}) of dataset `{dataset}`, whose cleaner `{}` writes ({})",
                step.plugin.identity().name,
                schema_text(silver),
            )));
        }
    }
    let (name, columns) = (input.name.clone(), input.columns.clone());
    Ok(KpiInput { name, relation: dataset.to_owned(), columns, schema: schema_text(silver) })
}
