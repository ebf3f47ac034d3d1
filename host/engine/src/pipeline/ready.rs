//! The pipeline itself: how it is loaded, and what it has.

use std::collections::BTreeSet;
use std::time::Duration;

use arrow_schema::SchemaRef;
use serde_json::{Map, Value};

use super::bronze::{bronze_name, bronze_spec};
use super::check::expect_columns;
use super::connect::{Loaded, check_mapping, connected};
use super::dataset::{DatasetStep, Maker, ObjectKind};
use super::lock::Lock;
use super::section::{canonical, fingerprint, of_host, refused};
use super::source::GeneratorStep;
use super::table::TableStep;
use crate::manifest::{ColumnNames, Files, Manifest, OutputFormat, Quarantine, Schedule, TableSection};
use smelt_catalog::{ErrorText, State};
use smelt_common::Error;
use smelt_common::binary::Binary;
use smelt_common::error::Result;
use smelt_common::globs::Globs;
use smelt_formats::{DecodeLimits, Renamed};
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Cleaner, Engine, Generator, Identity, Kpi, Limits};

/// A pipeline ready to run.
pub struct Pipeline {
    /// The pipeline's name, for people.
    pub name: String,
    /// The times of `smelt up`.
    pub schedule: Schedule,
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
    /// The tables, KPIs and checks. Each comes after all that it reads, and otherwise they are in the order of their names.
    pub tables: Vec<TableStep>,
    /// The engine that runs the plugins. Calls end at their deadline only while it lives.
    _engine: Engine,
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
        Self::load_with(manifest, engine, pseudonyms, None, &|section, plugin, limits| {
            let binary = find(plugin, limits)?;
            lock.map_or(Ok(()), |lock| lock.check(plugin, &binary, section, limits))?;
            Ok(binary)
        })
    }

    /// Loads every plugin that the manifest names, without a lock. `find` returns the component for a section
    /// (`kpi.aov`), a plugin's name and its limits. If the manifest is a part of another one, it may lack the relations in
    /// `absent`: they have no rows, and whatever columns are read of them. It may also name columns that nobody reads.
    pub fn load_with(
        manifest: &Manifest,
        engine: Engine,
        pseudonyms: &Pseudonyms,
        absent: Option<&BTreeSet<String>>,
        find: &dyn Fn(&str, &str, &Limits) -> Result<Binary>,
    ) -> Result<Self> {
        let find = |section: &str, plugin: &str, own: &Map<String, Value>| -> Result<(Binary, Limits)> {
            let limits = manifest.limits.of_plugin(own)?;
            Ok((find(section, plugin, &limits)?, limits))
        };

        let mut sources = Vec::new();
        for (name, section) in manifest.generators() {
            let load = || {
                let (binary, limits) = find(&format!("source.{name}"), &section.plugin, &section.limits)?;
                let component = Generator::identify(&engine, &section.plugin, &binary, &limits, pseudonyms)?;
                GeneratorStep::new(name, section.own.seed, component.into(), section.parameters.clone())
            };
            sources.push(load().map_err(|error| refused(error, &format!("[source.{name}]")))?);
        }
        let load_table = |section: &str, name: &str, keys, layer, on: Option<&String>| {
            let keys: &TableSection = keys;
            let load = || {
                let (binary, limits) = find(section, &keys.plugin, &keys.limits)?;
                let mut parameters = keys.parameters.clone();
                parameters.extend(on.map(|dataset| ("dataset".to_owned(), Value::String(dataset.clone()))));
                let parameters = canonical(&parameters)?;
                let plugin = Kpi::load(&engine, &keys.plugin, &binary, &limits, pseudonyms, &parameters)?;
                check_mapping(&plugin, &keys.own.inputs)?;
                if manifest.check.contains_key(name) {
                    expect_columns(&keys.plugin, &plugin.spec().output, on.is_some())?;
                }
                let name = on.map_or_else(|| name.to_owned(), |dataset| format!("{name}.{dataset}"));
                Ok(Loaded { section: section.to_owned(), name, keys, layer, plugin, on: on.cloned(), parameters })
            };
            load().map_err(|error| refused(error, &format!("[{section}]")))
        };
        // Checks of objects come first, since they say which columns of bronze they read.
        let mut loaded = Vec::new();
        for (section, name, keys, layer) in manifest.tables() {
            for dataset in &keys.own.on {
                if !manifest.dataset.contains_key(dataset) {
                    let known = manifest.dataset.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                    let why = format!("[{section}]: on: there is no dataset `{dataset}`; there are {known}");
                    return Err(Error::config(why));
                }
                loaded.push(load_table(&section, name, keys, layer, Some(dataset))?);
            }
        }
        let mut datasets = Vec::new();
        for (name, section) in &manifest.dataset {
            let judges = || loaded.iter().filter(|it| it.on.as_ref() == Some(name));
            let asked: BTreeSet<String> = judges().flat_map(|it| it.asked_of(name)).collect();
            let load = || {
                let (binary, limits) = find(&format!("dataset.{name}"), &section.plugin, &section.limits)?;
                let parameters = canonical(&section.parameters)?;
                let plugin = Cleaner::load(&engine, &section.plugin, &binary, &limits, pseudonyms, &parameters)?;
                plugin.check_rules()?;
                let files = section.own.files()?;
                let host = settings(&files, manifest);
                let uses_as_of = plugin.spec().session.uses_as_of;
                let kinds = |input: &[String]| {
                    let kind = |files| object_kind(files, &section.plugin, input, absent.is_none().then_some(&asked));
                    files.iter().map(kind).collect::<Result<_>>()
                };
                let pattern = || Globs::new(files.iter().map(|files| files.objects.clone()).collect());
                let of_bronze = asked.iter().cloned().collect::<Vec<_>>();
                let of_bronze = judges().next().is_some().then(|| -> Result<DatasetStep> {
                    Ok(DatasetStep {
                        name: bronze_name(name),
                        kinds: kinds(&of_bronze)?,
                        pattern: pattern(),
                        output: OutputFormat::default(),
                        fingerprint: of_host(host.clone()),
                        told: None,
                        judged_by: vec![],
                        plugin: Maker::Bronze(bronze_spec(of_bronze)),
                    })
                });
                let mut step = DatasetStep {
                    name: name.clone(),
                    kinds: kinds(&plugin.spec().input)?,
                    pattern: pattern(),
                    output: OutputFormat::default(),
                    fingerprint: fingerprint(plugin.identity(), parameters, uses_as_of, host, pseudonyms),
                    told: None,
                    judged_by: judges().map(|it| it.name.clone()).collect(),
                    plugin: Maker::Plugin(Box::new(plugin)),
                };
                step.write_as(manifest.output.silver);
                Ok((step, of_bronze.transpose()?))
            };
            let (step, of_bronze) = load().map_err(|error| refused(error, &format!("[dataset.{name}]")))?;
            datasets.extend([step].into_iter().chain(of_bronze));
        }
        datasets.sort_by(|a, b| a.name.cmp(&b.name));
        for (section, name, keys, layer) in manifest.tables().filter(|(_, _, keys, _)| keys.own.on.is_empty()) {
            loaded.push(load_table(&section, name, keys, layer, None)?);
        }
        let tables =
            connected(loaded, &datasets, absent.unwrap_or(&BTreeSet::new()), pseudonyms, manifest.output.gold)?;
        Ok(Self {
            name: manifest.pipeline.name.clone(),
            schedule: manifest.schedule,
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

    /// Makes the plugins of all datasets and tables be told that time in place of that of a pass, in microseconds since
    /// the epoch.
    pub fn tell(&mut self, told: i64) {
        self.datasets.iter_mut().for_each(|step| step.told = Some(told));
        self.tables.iter_mut().for_each(|step| step.told = Some(told));
    }

    /// Returns the identity of the plugin of every section. A plugin appears once for each section that uses it.
    pub fn identities(&self) -> impl Iterator<Item = &Identity> {
        let sources = self.sources.iter().map(|step| step.plugin.identity());
        let datasets = self.datasets.iter().filter_map(|step| step.plugin.identity());
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
        let datasets = self.datasets.iter().filter_map(|step| step.plugin.identity());
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

    /// Returns the checks of tables, each after all that it reads.
    pub fn checks(&self) -> impl Iterator<Item = &TableStep> {
        self.tables.iter().filter(|step| step.is_check())
    }

    /// Returns whether people see tables only once checks have judged them: those of this pipeline, or others that the lake
    /// has.
    pub fn is_audited(&self, state: &State) -> bool {
        self.checks().next().is_some() || !state.checks.is_empty()
    }

    /// Returns the columns of the dataset or table of that name.
    pub fn schema(&self, name: &str) -> Result<&SchemaRef> {
        let dataset = self.dataset(name).map(|step| &step.plugin.spec().output);
        let schema = dataset.or_else(|| self.table(name).map(|step| &step.plugin.spec().output));
        schema.ok_or_else(|| Error::internal(format!("the pipeline lacks `{name}`, which a table reads")))
    }
}

/// Returns the settings of the host that the silver of a dataset depends on. A setting that has its default is not among
/// them, unless it always was, so that a new one rebuilds no dataset.
fn settings(files: &[Files], manifest: &Manifest) -> String {
    let DecodeLimits { batch_rows: _, batch_bytes: _, record_bytes, depth } = manifest.limits.decode;
    let mut text = String::new();
    for (at, Files { objects, dialect, columns }) in files.iter().enumerate() {
        let columns = columns.iter().map(|(name, theirs)| format!(" {name}={:?}", theirs.names())).collect::<String>();
        let limits = format!(" record_bytes={record_bytes} depth={depth}");
        let (before, limits) = if at == 0 { ("", limits.as_str()) } else { (" from ", "") };
        let (format, dialect) = (dialect.format.name(), dialect.settings());
        text.push_str(&format!("{before}objects={objects} format={format}{limits}{columns}{dialect}"));
    }
    text
}

/// Returns how objects of one kind give the columns that the plugin reads. `asked` are those that checks of the objects read;
/// without it, the manifest may name columns that nobody reads.
///
/// # Errors
/// The columns of the manifest do not fit together with those that are read.
fn object_kind(files: &Files, plugin: &str, input: &[String], asked: Option<&BTreeSet<String>>) -> Result<ObjectKind> {
    let Files { objects: _, dialect, columns } = files;
    if let Some(unknown) =
        columns.keys().find(|name| !input.contains(name) && asked.is_some_and(|asked| !asked.contains(*name)))
    {
        let known = input.join(", ");
        return Err(Error::config(format!("columns: `{unknown}` is read by nobody; plugin `{plugin}` reads {known}")));
    }
    if let Some((name, _)) = columns.iter().find(|(_, theirs)| theirs.names().is_empty()) {
        return Err(Error::config(format!("columns: `{name}`: expected at least one name")));
    }
    let theirs = |name: &'_ String| columns.get(name).map(ColumnNames::names);
    let named = || input.iter().map(|name| (name.as_str(), theirs(name).unwrap_or(std::slice::from_ref(name))));
    if let Some(names) = &dialect.header
        && let Some(absent) = input.iter().find(|name| !names.contains(name))
    {
        return Err(Error::config(format!("`columns` lacks `{absent}`, which plugin `{plugin}` reads")));
    }
    if let Some(pattern) = &dialect.pattern {
        let groups: Vec<_> = pattern.groups().collect();
        if let Some(absent) = named().flat_map(|(_, theirs)| theirs).find(|name| !groups.contains(&name.as_str())) {
            let known = groups.join(", ");
            let wrong = format!("pattern has no group `{absent}`, which plugin `{plugin}` reads; it has {known}");
            return Err(Error::config(wrong));
        }
    }
    Ok(ObjectKind { dialect: dialect.clone(), renamed: (!columns.is_empty()).then(|| Renamed::new(named())) })
}
