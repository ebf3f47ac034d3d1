//! A pipeline that is ready to run: its plugins are loaded, and everything that can be checked without data is checked.

mod graph;
mod lock;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arrow_schema::SchemaRef;
use serde::Serialize;
use serde_json::{Map, Value};

pub use lock::{Lock, Pin};

use crate::manifest::{DatasetSection, Layer, Manifest, Output, Quarantine, Schedule, TableSection};
use smelt_catalog::{ErrorText, Files, Fingerprint, Gold, PLAIN};
use smelt_common::Error;
use smelt_common::binary::Binary;
use smelt_common::digest::of_parts;
use smelt_common::error::{Kind, Result};
use smelt_common::glob::Pattern;
use smelt_common::text::guest_text;
use smelt_formats::{DecodeLimits, Format};
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{
    Accumulator, Cleaner, Engine, Generator, Identified, Identity, Kpi, KpiInputSpec, Limits, Object, Reducer, Session,
    Setting, Tick, schema_text,
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
    /// The tables and KPIs. Each comes after all that it reads, and otherwise they are in the order of their names.
    pub tables: Vec<TableStep>,
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
    /// The time that the plugin is told in place of that of the pass, in microseconds since the epoch.
    pub told: Option<i64>,
}

/// A table or KPI, ready to be made.
pub struct TableStep {
    /// The name in the manifest.
    pub name: String,
    /// The section of the manifest, such as `kpi.aov`.
    pub section: String,
    /// The layer in which it lies.
    pub layer: Layer,
    /// 0 if it reads no table, otherwise one more than the greatest level that it reads.
    pub level: usize,
    /// Set if another table reads it.
    pub is_read: bool,
    /// The loaded component.
    pub plugin: Kpi,
    /// The plugin's inputs, with the relation and the columns that each reads.
    pub inputs: Vec<TableInput>,
    /// Everything that the table depends on besides what it reads.
    pub fingerprint: Fingerprint,
    /// The time that the plugin is told in place of that of the pass, in microseconds since the epoch.
    pub told: Option<i64>,
}

/// A relation that a table reads.
pub struct TableInput {
    /// The plugin's name for the input.
    pub name: String,
    /// The name of the relation in the manifest.
    pub relation: String,
    /// The columns that the table reads.
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
        self.plugin.open(self.told.unwrap_or(as_of))
    }

    /// Returns everything that the silver depends on besides bronze, in a pass at that time.
    pub fn fingerprint_at(&self, as_of: i64) -> Fingerprint {
        self.fingerprint.at(self.told.unwrap_or(as_of))
    }
}

/// A dataset or table, and what it is made from.
#[derive(Debug, Serialize)]
pub struct Relation<'p> {
    /// `dataset`, `table` or `kpi`.
    pub kind: &'p str,
    /// The name in the manifest.
    pub name: &'p str,
    /// The plugin that makes it.
    pub plugin: &'p str,
    /// The names of the relations that it reads; of a dataset the pattern of its bronze objects.
    pub reads: Vec<String>,
}

impl TableInput {
    /// Returns the input that reads that relation, which has this schema.
    fn of(input: &KpiInputSpec, relation: &str, schema: &SchemaRef) -> Self {
        let (name, columns) = (input.name.clone(), input.columns.clone());
        Self { name, relation: relation.to_owned(), columns, schema: schema_text(schema) }
    }
}

impl TableStep {
    /// Returns the names of the relations that it reads, each once.
    pub fn reads(&self) -> BTreeSet<&str> {
        self.inputs.iter().map(|input| input.relation.as_str()).collect()
    }

    /// Opens an accumulator of an input. If its setting asks for a time, it gets `as_of`, in microseconds since the
    /// epoch.
    pub fn accumulator(&self, input: usize, as_of: i64) -> Result<Accumulator<'_>> {
        self.plugin.accumulator(input, self.told.unwrap_or(as_of))
    }

    /// Opens a reducer of a stage. If its setting asks for a time, it gets `as_of`, in microseconds since the epoch.
    pub fn reducer(&self, stage: usize, as_of: i64) -> Result<Reducer<'_>> {
        self.plugin.reducer(stage, self.told.unwrap_or(as_of))
    }

    /// Returns everything that the table depends on besides what it reads, in a pass at that time.
    pub fn fingerprint_at(&self, as_of: i64) -> Fingerprint {
        self.fingerprint.at(self.told.unwrap_or(as_of))
    }

    /// Returns the index of the stage that the rows of an input are added to. Where there is no stage, they are rows of
    /// the table, which come after all stages.
    pub fn target(&self, input: usize) -> usize {
        let spec = self.plugin.spec();
        spec.inputs[input].stage.min(spec.stages.len())
    }

    /// Returns whether the table is made from all rows of the last stage at once.
    pub fn is_whole(&self) -> bool {
        self.plugin.spec().stages.last().is_some_and(|stage| stage.group == 0)
    }

    /// Returns whether the rows of the table are kept by key, so that others can read what changes.
    pub fn keeps_rows(&self) -> bool {
        !self.is_whole() || self.is_read || self.layer == Layer::Silver
    }

    /// Returns whether the catalog holds the table in the form in which it is to be kept.
    pub fn lies_as(&self, gold: &Gold) -> bool {
        self.has_rows_as(gold) && gold.table().is_some() == (self.layer == Layer::Gold)
    }

    /// Returns whether the catalog holds the table's rows by key if they are to be kept so, and not otherwise.
    pub fn has_rows_as(&self, gold: &Gold) -> bool {
        matches!(gold.relation.files, Files::Rows(_)) == self.keeps_rows()
    }

    /// Returns a digest of all that each part of the work depends on besides rows: the accumulators of each input, then
    /// the reducer of each stage.
    pub fn parts(&self, as_of: i64) -> Vec<String> {
        let Fingerprint { component, contract, host, .. } = &self.fingerprint;
        let part = |setting: &Setting| {
            let as_of = setting.as_of(self.told.unwrap_or(as_of)).map(|as_of| as_of.to_string()).unwrap_or_default();
            of_parts([component.as_str(), contract, host, &setting.params, &as_of])
        };
        self.plugin.spec().settings().map(part).collect()
    }

    /// Returns whether what is kept of the table still holds, so that it can be added to. The reducer of all rows runs in
    /// any case, so it does not matter whether its setting is another one.
    pub fn goes_on_from(&self, gold: &Gold, as_of: i64) -> bool {
        let now = self.parts(as_of);
        let kept = now.len() - usize::from(self.is_whole());
        self.has_rows_as(gold) && now.len() == gold.parts.len() && now[..kept] == gold.parts[..kept]
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
        Self::load_lacking(manifest, engine, pseudonyms, &BTreeSet::new(), find)
    }

    /// Does what [`Pipeline::load_with`] does. The manifest may lack the relations in `absent`: they have no rows, and
    /// whatever columns are read of them.
    pub fn load_lacking(
        manifest: &Manifest,
        engine: Engine,
        pseudonyms: &Pseudonyms,
        absent: &BTreeSet<String>,
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
                    told: None,
                    plugin,
                })
            };
            datasets.push(load().map_err(|error| refused(error, &format!("[dataset.{name}]")))?);
        }
        let mut loaded = Vec::new();
        for (section, name, own, layer) in manifest.tables() {
            let load = || {
                let (binary, limits) = find(&section, &own.plugin, &own.limits)?;
                let parameters = canonical(&own.parameters)?;
                let plugin = Kpi::load(&engine, &own.plugin, &binary, &limits, pseudonyms, &parameters)?;
                check_mapping(&plugin, &own.own.inputs)?;
                Ok(plugin)
            };
            let plugin = load().map_err(|error| refused(error, &format!("[{section}]")))?;
            loaded.push((section, name, own, layer, plugin));
        }
        let tables = tables(loaded, &datasets, absent, pseudonyms)?;
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
            tables,
            _engine: engine,
        })
    }

    /// Returns the identity of the plugin of every section. A plugin appears once for each section that uses it.
    pub fn identities(&self) -> impl Iterator<Item = &Identity> {
        let sources = self.sources.iter().map(|step| step.plugin.identity());
        let datasets = self.datasets.iter().map(|step| step.plugin.identity());
        sources.chain(datasets).chain(self.tables.iter().map(|step| step.plugin.identity()))
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
        datasets.chain(self.tables.iter().map(|step| step.plugin.identity())).map(|identity| &identity.binary)
    }

    /// Returns the dataset of that name.
    pub fn dataset(&self, name: &str) -> Option<&DatasetStep> {
        self.datasets.iter().find(|step| step.name == name)
    }

    /// Returns the table or KPI of that name.
    pub fn table(&self, name: &str) -> Option<&TableStep> {
        self.tables.iter().find(|step| step.name == name)
    }

    /// Returns the datasets, then the tables in the order in which they are made.
    pub fn relations(&self) -> Vec<Relation<'_>> {
        let datasets = self.datasets.iter().map(|step| Relation {
            kind: "dataset",
            name: &step.name,
            plugin: &step.plugin.identity().name,
            reads: vec![step.pattern.to_string()],
        });
        let tables = self.tables.iter().map(|step| Relation {
            kind: step.section.split('.').next().unwrap_or_default(),
            name: &step.name,
            plugin: &step.plugin.identity().name,
            reads: step.reads().into_iter().map(ToOwned::to_owned).collect(),
        });
        datasets.chain(tables).collect()
    }

    /// Returns the datasets and tables that the text names, as in dbt: names separated by commas, `+a` for a and all that
    /// it is made from, `a+` for a and all that is made of it.
    ///
    /// # Errors
    /// A name is that of no dataset and no table.
    pub fn select(&self, text: &str) -> Result<BTreeSet<String>> {
        let reads: graph::Reads<'_> =
            self.tables.iter().map(|step| (step.name.as_str(), step.reads().into_iter().collect())).collect();
        let mut selected = BTreeSet::new();
        for item in text.split(',').map(str::trim) {
            let (before, rest) = item.strip_prefix('+').map_or((false, item), |rest| (true, rest));
            let (after, name) = rest.strip_suffix('+').map_or((false, rest), |rest| (true, rest));
            if self.dataset(name).is_none() && self.table(name).is_none() {
                let datasets = self.datasets.iter().map(|step| step.name.as_str());
                let known = datasets.chain(self.tables.iter().map(|step| step.name.as_str())).collect::<Vec<_>>();
                return Err(Error::config(format!(
                    "`{item}` selects nothing: there is no dataset or table `{name}`; there are {}",
                    known.join(", ")
                )));
            }
            selected.insert(name.to_owned());
            if before {
                selected.extend(graph::made_from(name, &reads));
            }
            if after {
                selected.extend(graph::made_of(name, &reads));
            }
        }
        Ok(selected)
    }

    /// Returns the columns of the relation of that name.
    pub fn schema(&self, name: &str) -> Result<&SchemaRef> {
        let dataset = self.dataset(name).map(|step| &step.plugin.spec().output);
        let schema = dataset.or_else(|| self.table(name).map(|step| &step.plugin.spec().output));
        schema.ok_or_else(|| Error::internal(format!("the pipeline lacks `{name}`, which a table reads")))
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

/// A table whose plugin is loaded: the section, the name, the section's keys and the layer.
type Loaded<'m> = (String, &'m str, &'m TableSection, Layer, Kpi);

/// Connects the tables with what they read, and returns them in an order in which each comes after all that it reads.
fn tables(
    loaded: Vec<Loaded<'_>>,
    datasets: &[DatasetStep],
    absent: &BTreeSet<String>,
    pseudonyms: &Pseudonyms,
) -> Result<Vec<TableStep>> {
    let mut schemas: BTreeMap<&str, SchemaRef> = BTreeMap::new();
    schemas.extend(datasets.iter().map(|step| (step.name.as_str(), step.plugin.spec().output.clone())));
    schemas.extend(loaded.iter().map(|(_, name, .., plugin)| (*name, plugin.spec().output.clone())));
    let mut reads = graph::Reads::new();
    let mut connected = BTreeMap::new();
    for (section, name, own, _, plugin) in &loaded {
        let resolve = |input: &KpiInputSpec| {
            let relation = own.own.inputs.get(&input.name).unwrap_or(&input.name);
            match absent.contains(relation) {
                true => Ok(TableInput::of(input, relation, &input.columns)),
                false => resolve(plugin, input, relation, datasets, &schemas),
            }
        };
        let inputs = plugin.spec().inputs.iter().map(resolve).collect::<Result<Vec<_>>>();
        let inputs = inputs.map_err(|error| refused(error, &format!("[{section}]")))?;
        let tables = inputs.iter().filter_map(|input| schemas.get_key_value(input.relation.as_str()));
        let is_table = |table: &&str| datasets.iter().all(|step| step.name != **table);
        reads.insert(name, tables.map(|(table, _)| *table).filter(is_table).collect());
        connected.insert(*name, inputs);
    }
    let levels = graph::levels(&reads)?;
    let mut steps = Vec::with_capacity(loaded.len());
    for (section, name, own, layer, plugin) in loaded {
        let inputs = connected.remove(name).unwrap_or_default();
        let parameters = canonical(&own.parameters)?;
        let mapped: BTreeSet<_> = inputs.iter().map(|input| format!("{}={}", input.name, input.relation)).collect();
        let mapped = mapped.into_iter().collect::<Vec<_>>().join(" ");
        let uses_as_of = plugin.spec().uses_as_of();
        let fingerprint = fingerprint(plugin.identity(), parameters, uses_as_of, mapped, pseudonyms);
        let (level, is_read) = (levels[name], reads.values().flatten().any(|read| *read == name));
        let (name, told) = (name.to_owned(), None);
        steps.push(TableStep { name, section, layer, level, is_read, plugin, inputs, fingerprint, told });
    }
    steps.sort_by(|a, b| (a.level, &a.name).cmp(&(b.level, &b.name)));
    Ok(steps)
}

/// Fails if the manifest names an input that the plugin does not have.
fn check_mapping(plugin: &Kpi, mapping: &BTreeMap<String, String>) -> Result<()> {
    let declared = &plugin.spec().inputs;
    let Some(unknown) = mapping.keys().find(|name| !declared.iter().any(|input| input.name == **name)) else {
        return Ok(());
    };
    let known: BTreeSet<_> = declared.iter().map(|input| input.name.as_str()).collect();
    let known = known.into_iter().collect::<Vec<_>>().join(", ");
    let plugin = &plugin.identity().name;
    Err(Error::config(format!("plugin `{plugin}` has no input `{unknown}`; it has {known}")))
}

/// Returns an input of the table. Fails if the relation does not have its columns.
fn resolve(
    plugin: &Kpi,
    input: &KpiInputSpec,
    relation: &str,
    datasets: &[DatasetStep],
    schemas: &BTreeMap<&str, SchemaRef>,
) -> Result<TableInput> {
    let name = &plugin.identity().name;
    let Some(schema) = schemas.get(relation) else {
        let known = schemas.keys().copied().collect::<Vec<_>>().join(", ");
        return Err(Error::config(format!(
            "plugin `{name}` reads `{relation}`, which the manifest lacks; it has {known}"
        )));
    };
    for wanted in input.columns.fields() {
        let fits = schema.field_with_name(wanted.name()).is_ok_and(|found| {
            found.data_type() == wanted.data_type() && (wanted.is_nullable() || !found.is_nullable())
        });
        if !fits {
            let wanted = schema_text(&arrow_schema::Schema::new(vec![wanted.clone()]));
            let has = match datasets.iter().find(|step| step.name == relation) {
                Some(step) => format!(
                    "dataset `{relation}`, whose cleaner `{}` writes ({})",
                    step.plugin.identity().name,
                    schema_text(schema)
                ),
                None => format!("table `{relation}`, which has ({})", schema_text(schema)),
            };
            return Err(Error::config(format!("plugin `{name}` reads column ({wanted}) of {has}")));
        }
    }
    Ok(TableInput::of(input, relation, schema))
}
