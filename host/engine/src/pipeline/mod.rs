//! A pipeline ready to run: the manifest with its plugins loaded, and everything checked that can be before data is read.

mod lock;

use std::collections::{BTreeMap, BTreeSet};
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
    Accumulator, Cleaner, Engine, Generator, Identity, Kpi, KpiInputSpec, Limits, Object, Session, check_parameters,
    schema_text,
};

/// A pipeline ready to run.
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// How often a tick begins.
    pub schedule: Schedule,
    /// How silver and gold are written.
    pub output: Output,
    /// Limits on reading bronze.
    pub decode: DecodeLimits,
    /// How often something is tried that a plugin fails at.
    pub tries: u32,
    /// How rejected rows are kept.
    pub quarantine: Quarantine,
    /// And for how long.
    pub quarantine_for: Option<Duration>,
    /// How the catalog keeps what a plugin says when it fails.
    pub error_text: ErrorText,
    /// The id of the key that pseudonyms are made with; `None` without a key.
    pub key_id: Option<String>,
    /// In the order of their names.
    pub sources: Vec<GeneratorStep>,
    /// In the order of their names.
    pub datasets: Vec<DatasetStep>,
    /// In the order of their names.
    pub kpis: Vec<KpiStep>,
    /// Runs the plugins, and ends their calls on time for as long as it lives.
    _engine: Engine,
}

/// One source, ready to generate.
pub struct GeneratorStep {
    /// Its name in the manifest.
    pub name: String,
    /// What its randomness is derived from.
    pub seed: u64,
    /// Its component.
    pub plugin: Generator,
    /// The families of objects that it declares.
    families: Vec<Pattern>,
    /// Its parameters, before those of the command line.
    pub parameters: Map<String, Value>,
}

/// One dataset, ready to clean.
pub struct DatasetStep {
    /// Its name in the manifest.
    pub name: String,
    /// Which objects are its own.
    pub pattern: Pattern,
    /// How they are written.
    pub format: Format,
    /// Its component.
    pub plugin: Cleaner,
    /// Its parameters, as a JSON object.
    pub parameters: String,
    /// Changes whenever its silver would.
    pub fingerprint: Fingerprint,
}

/// One KPI, ready to aggregate.
pub struct KpiStep {
    /// Its name in the manifest.
    pub name: String,
    /// Its component.
    pub plugin: Kpi,
    /// Its parameters, as a JSON object.
    pub parameters: String,
    /// The dataset that each of the plugin's inputs reads, and the columns of it.
    pub inputs: Vec<KpiInput>,
    /// Changes whenever its table would, given the same silver.
    pub fingerprint: Fingerprint,
}

/// One dataset that a KPI reads.
pub struct KpiInput {
    /// What the plugin calls it.
    pub name: String,
    /// The dataset's name in the manifest.
    pub dataset: String,
    /// The columns it reads.
    pub columns: SchemaRef,
    /// The dataset's whole schema, in words: what its bytes mean depends on it.
    pub silver: String,
}

/// The longest name of an object in bytes: that of a file.
const LONGEST_NAME: usize = 255;

impl GeneratorStep {
    /// The name that the object gets where so many are taken, of the same family.
    pub fn numbered(&self, name: &str, attempt: u32) -> String {
        let family = self.families.iter().find(|family| family.matches(name));
        family.map_or_else(|| name.to_owned(), |family| family.numbered(name, attempt, LONGEST_NAME))
    }

    /// The objects of a tick, if they are of its families: bronze has other datasets than its own.
    pub fn generate(&self, params: &str, seed: u64, tick: u64, as_of: i64) -> Result<Vec<Object>> {
        let objects = self.plugin.generate(params, seed, tick, as_of)?;
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
    /// A session of its cleaner, at that time in microseconds since the epoch if the cleaner asks for one.
    pub fn open(&self, as_of: i64) -> Result<Session<'_>> {
        self.plugin.open(&self.parameters, self.plugin.identity().uses_as_of.then_some(as_of))
    }
}

impl KpiStep {
    /// An accumulator, at that time in microseconds since the epoch if the KPI asks for one.
    pub fn open(&self, as_of: i64) -> Result<Accumulator<'_>> {
        self.plugin.open(&self.parameters, self.plugin.identity().uses_as_of.then_some(as_of))
    }
}

impl Pipeline {
    /// Loads every plugin that the manifest names, from what `find` has for its name, as the lock pins them if there is one. Fails with what would have been right.
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

    /// The same with the components that `find` has for a section (`kpi.aov`), the plugin's name and what it may use.
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
                let plugin = Generator::load(&engine, &section.plugin, &binary, &limits, pseudonyms)?;
                check_parameters(plugin.identity(), &section.parameters.clone().into())?;
                let parameters = section.parameters.clone();
                let families = plugin.spec().objects.iter().map(|glob| Pattern::parse(glob)).collect::<Result<_>>();
                let families = families.map_err(|error| error.context(format!("plugin `{}`", section.plugin)))?;
                Ok(GeneratorStep { name: name.clone(), seed: section.seed, plugin, families, parameters })
            };
            sources.push(load().map_err(|error| refused(error, &format!("[source.{name}]")))?);
        }
        let mut datasets = Vec::new();
        for (name, section) in &manifest.dataset {
            let load = || {
                let (binary, limits) = find(&format!("dataset.{name}"), &section.plugin, &section.limits)?;
                let plugin = Cleaner::load(&engine, &section.plugin, &binary, &limits, pseudonyms)?;
                let parameters = parameters(plugin.identity(), &section.parameters)?;
                plugin.check_rules()?;
                let host = settings(section, manifest);
                let key = plugin.identity().pseudonymises.then(|| pseudonyms.key_id().unwrap_or(PLAIN).to_owned());
                Ok(DatasetStep {
                    name: name.clone(),
                    pattern: Pattern::parse(&section.objects)?,
                    format: section.format,
                    fingerprint: Fingerprint { key, ..fingerprint(plugin.identity(), &parameters, host) },
                    plugin,
                    parameters,
                })
            };
            datasets.push(load().map_err(|error| refused(error, &format!("[dataset.{name}]")))?);
        }
        let mut kpis = Vec::new();
        for (name, section) in &manifest.kpi {
            let load = || {
                let (binary, limits) = find(&format!("kpi.{name}"), &section.plugin, &section.limits)?;
                let plugin = Kpi::load(&engine, &section.plugin, &binary, &limits, pseudonyms)?;
                let parameters = parameters(plugin.identity(), &section.parameters)?;
                let inputs = inputs(&plugin, &section.inputs, &datasets)?;
                let mapped: Vec<_> = inputs.iter().map(|input| format!("{}={}", input.name, input.dataset)).collect();
                let fingerprint = fingerprint(plugin.identity(), &parameters, mapped.join(" "));
                Ok(KpiStep { name: name.clone(), plugin, parameters, inputs, fingerprint })
            };
            kpis.push(load().map_err(|error| refused(error, &format!("[kpi.{name}]")))?);
        }
        Ok(Self {
            name: manifest.pipeline.name.clone(),
            schedule: manifest.schedule,
            output: manifest.output,
            decode: manifest.limits.decode,
            tries: manifest.limits.tries,
            quarantine: manifest.privacy.quarantine,
            quarantine_for: manifest.privacy.quarantine_for,
            error_text: manifest.privacy.error_text,
            key_id: pseudonyms.key_id().map(ToOwned::to_owned),
            sources,
            datasets,
            kpis,
            _engine: engine,
        })
    }

    /// What all its steps run, each once for every section that uses it.
    pub fn identities(&self) -> impl Iterator<Item = &Identity> {
        let sources = self.sources.iter().map(|step| step.plugin.identity());
        let datasets = self.datasets.iter().map(|step| step.plugin.identity());
        sources.chain(datasets).chain(self.kpis.iter().map(|step| step.plugin.identity()))
    }

    /// The plugin of that name, which some section uses.
    pub fn identity(&self, plugin: &str) -> Result<&Identity> {
        self.identities().find(|identity| &*identity.name == plugin).ok_or_else(|| {
            let known: BTreeSet<&str> = self.identities().map(|identity| &*identity.name).collect();
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            Error::config(format!("the pipeline uses no plugin `{plugin}`; it uses {known}"))
        })
    }

    /// Returns whether one of its cleaners makes pseudonyms.
    pub fn pseudonymises(&self) -> bool {
        self.datasets.iter().any(|step| step.plugin.identity().pseudonymises)
    }

    /// The components of its cleaners and KPIs.
    pub fn binaries(&self) -> impl Iterator<Item = &Binary> {
        let datasets = self.datasets.iter().map(|step| step.plugin.identity());
        datasets.chain(self.kpis.iter().map(|step| step.plugin.identity())).map(|identity| &identity.binary)
    }

    /// The dataset of that name.
    pub fn dataset(&self, name: &str) -> Option<&DatasetStep> {
        self.datasets.iter().find(|step| step.name == name)
    }

    /// The KPI of that name.
    pub fn kpi(&self, name: &str) -> Option<&KpiStep> {
        self.kpis.iter().find(|step| step.name == name)
    }
}

/// What the host does to a dataset besides calling the plugin, as far as results depend on it.
fn settings(section: &DatasetSection, manifest: &Manifest) -> String {
    let DecodeLimits { batch_rows: _, batch_bytes: _, record_bytes, depth } = manifest.limits.decode;
    let format = section.format.name();
    format!("objects={} format={format} record_bytes={record_bytes} depth={depth}", section.objects)
}

/// What results of the plugin depend on, for any time and without a key.
fn fingerprint(identity: &Identity, parameters: &str, host: String) -> Fingerprint {
    Fingerprint {
        plugin: identity.name.to_string(),
        version: identity.version.clone(),
        component: identity.sha256().to_owned(),
        contract: identity.contract.version().to_owned(),
        parameters: parameters.to_owned(),
        host,
        key: None,
        as_of: identity.uses_as_of.then_some(0),
    }
}

/// What is wrong with a plugin before any data is read is for whoever runs the pipeline to change, like its manifest.
fn refused(error: Error, section: &str) -> Error {
    match error.kind() {
        Kind::Plugin | Kind::LimitExceeded => Error::config(error.to_string()).context(section),
        _ => error.context(section),
    }
}

/// The parameters as canonical JSON (keys in order), once the plugin's schema accepts them.
fn parameters(identity: &Identity, parameters: &Map<String, Value>) -> Result<String> {
    let sorted: BTreeMap<_, _> = parameters.iter().collect();
    check_parameters(identity, &parameters.clone().into())?;
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

/// The input, once the dataset is known to have its columns.
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
    Ok(KpiInput { name, dataset: dataset.to_owned(), columns, silver: schema_text(silver) })
}
