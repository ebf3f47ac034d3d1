//! Reproduces something from bronze, with the components and the parameters that made it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use serde::Serialize;
use serde_json::{Map, Value};

use super::layer::Layer;
use super::target::{Origins, Target, as_seen, find};
use crate::host_relation::HostRelation;
use crate::manifest::{Manifest, OutputFormat, Quarantine};
use crate::pipeline::{DatasetStep, Pipeline};
use crate::run::Host;
use crate::silver;
use crate::tables::rows_of;
use smelt_catalog::{Entries, Entry, Gold, State, kept_component, look};
use smelt_catalog::{Fingerprint, PLAIN};
use smelt_common::binary::Binary;
use smelt_common::clock::Clock;
use smelt_common::cost::Cost;
use smelt_common::error::{Kind, Result};
use smelt_common::progress::Progress;
use smelt_common::{Error, digest};
use smelt_formats::{Formulas, TableOptions, table_bytes};
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Engine, Limits};
use smelt_storage::lake::Lake;
use smelt_storage::layers::{BRONZE, QUARANTINE};
use smelt_storage::{Overlay, Store};

/// The most objects that a result lists where many differ.
const MOST_LISTED: usize = 10;

/// Everything that reproducing something needs.
pub struct Reproduction<'r> {
    /// The lake that has the original.
    pub lake: &'r Lake,
    /// The manifest, which tells how bronze is read. Components and parameters are the recorded ones.
    pub manifest: &'r Manifest,
    /// Loads the component that the pipeline has of a plugin, with at most so many bytes. It serves a dataset that was
    /// read and held nothing yet, so that no component made it.
    pub own: &'r dyn Fn(&str, u64) -> Result<Binary>,
    /// The engine that runs the plugins.
    pub engine: &'r Engine,
    /// The pseudonyms; they must have the original key.
    pub pseudonyms: &'r Pseudonyms,
    /// Receives the progress of reading.
    pub progress: &'r Arc<dyn Progress>,
}

/// The result of reproducing an object.
#[derive(Debug, Serialize)]
pub struct Reproduced {
    /// The object.
    pub object: String,
    /// The number of bronze objects that it was reproduced from.
    pub bronze: usize,
    /// The recorded values beside the reproduced ones.
    pub compared: Vec<Compared>,
    /// The resources that all plugins together used.
    pub cost: Cost,
}

/// One value, as recorded and as found.
#[derive(Debug, Serialize)]
pub struct Compared {
    /// The name of the compared thing.
    pub what: String,
    /// The value that the catalog records.
    pub recorded: String,
    /// The value that the reproduction has.
    pub found: String,
}

impl Reproduced {
    /// Returns whether everything is as recorded.
    pub fn is_same(&self) -> bool {
        self.compared.iter().all(|Compared { what: _, recorded, found }| recorded == found)
    }

    fn compare(&mut self, what: impl Into<String>, recorded: impl ToString, found: impl ToString) {
        let (recorded, found) = (recorded.to_string(), found.to_string());
        self.compared.push(Compared { what: what.into(), recorded, found });
    }
}

impl Reproduction<'_> {
    /// Reproduces the table or the object of that name beside the lake, and compares. With `told`, plugins are told that
    /// time, in microseconds since the epoch, and not the recorded one: this shows what the table was on another day.
    ///
    /// # Errors
    /// Fails if it could not be reproduced. Then nothing is known of it.
    pub fn reproduce(&self, name: &str, told: Option<i64>) -> Result<Reproduced> {
        let store = self.lake.open()?;
        look(&*store, |state| {
            let state = &*as_seen(state, name)?;
            match find(&*store, state, name)? {
                Target::Gold(kpi) => self.gold(&*store, state, &kpi, told),
                Target::Object { layer: Layer::Bronze, .. } => Err(Error::config(format!(
                    "`{name}` was not made from anything else, so it cannot be reproduced; `smelt verify` tells whether it was \
                     changed"
                ))),
                Target::Object { dataset, name, entry, layer } => {
                    self.object(&*store, state, &dataset, &name, &entry, layer)
                }
            }
        })
    }

    /// Returns the rows of the table of that name as readers see it, with the component and the parameters that made it.
    ///
    /// # Errors
    /// There are no such rows, or they are gone or damaged; or the manifest has the table no longer, or with other inputs.
    pub fn rows(&self, name: &str) -> Result<RecordBatch> {
        let store = self.lake.open()?;
        look(&*store, |state| {
            let gold = state.shown(name);
            let gold = gold.ok_or_else(|| Error::config(format!("no rows of `{name}` are published")))?;
            let made = BTreeMap::from([(name.to_owned(), gold.relation.fingerprint.clone())]);
            let pipeline = self.recorded(&*store, &BTreeMap::new(), &made, None)?;
            let step = pipeline.table(name).ok_or_else(|| Error::internal("a pipeline without its table"))?;
            rows_of(&*store, step, gold)
        })
    }

    fn gold(&self, store: &dyn Store, state: &State, kpi: &str, told: Option<i64>) -> Result<Reproduced> {
        let gold = &state.gold[kpi];
        let origins = Origins::of(store, state, kpi)?;
        origins.expect_rows(state, kpi)?;
        let Origins { datasets, tables } = &origins;
        let mut pipeline = self.recorded(store, &origins.cleaned_by(), tables, told)?;
        for step in &mut pipeline.tables {
            let file = state.gold.get(&step.name).and_then(Gold::table);
            step.output = file.map_or(step.output, |file| OutputFormat::of_key(&file.key));
        }
        // Objects that are held are not among those that it was made from.
        let counting = datasets.values().flat_map(|(.., entries)| entries).filter(|(_, entry)| !entry.is_held());
        let names = counting.map(|(name, _)| format!("{BRONZE}{name}"));
        let host = self.host(names.collect(), pipeline)?;
        let mut reproduced = Reproduced {
            object: gold.shown(kpi).key,
            bronze: datasets.values().map(|(.., entries)| entries.len()).sum(),
            compared: vec![],
            cost: Cost::default(),
        };
        host.run()?.complete()?;
        let outer = state;
        let state = host.state()?;
        for (name, (_, content, entries)) in datasets {
            let Some(held) = state.datasets.get(name) else { continue };
            let again = Entries::of(host.store(), held).all()?;
            again.iter().for_each(|(_, entry)| reproduced.cost.merge(entry.cost));
            reproduced.compare(format!("dataset {name}"), String::from(*content), String::from(held.relation.content));
            let again: BTreeMap<_, _> = again.into_iter().collect();
            let differ = entries.iter().filter_map(|(name, was)| Some((was, again.get(name)?, name)));
            let differ =
                differ.filter(|(was, is, _)| (&was.sha256, &was.silver.sha256) != (&is.sha256, &is.silver.sha256));
            for (was, is, name) in differ.take(MOST_LISTED) {
                reproduced.compare(format!("{BRONZE}{name}"), &was.sha256, &is.sha256);
                reproduced.compare(&was.silver.key, &was.silver.sha256, &is.silver.sha256);
            }
        }
        // A table comes after all that it reads, so the first difference shows where it began.
        for name in tables.keys().filter(|name| *name != kpi).chain([&kpi.to_owned()]) {
            let again = state.gold.get(name).ok_or_else(|| Error::internal(format!("`{name}` was not computed")))?;
            reproduced.cost.merge(again.cost);
            let recorded = outer.gold[name].shown(name);
            reproduced.compare(recorded.key, recorded.sha256, again.shown(name).sha256);
        }
        Ok(reproduced)
    }

    fn object(
        &self,
        store: &dyn Store,
        state: &State,
        dataset: &str,
        name: &str,
        entry: &Entry,
        layer: Layer,
    ) -> Result<Reproduced> {
        if entry.is_held() {
            return Err(Error::config(format!(
                "`{name}` is held, so nothing was made of it; `smelt quality show` says why"
            )));
        }
        let fingerprint = &state.datasets[dataset].relation.fingerprint;
        let recorded = BTreeMap::from([(dataset.to_owned(), fingerprint.clone())]);
        let pipeline = self.recorded(store, &recorded, &BTreeMap::new(), None)?;
        let key = format!("{BRONZE}{name}");
        let host = self.host(BTreeSet::from([key.clone()]), pipeline)?;
        host.clean()?.complete()?;
        let state = host.state()?;
        let held = state.datasets.get(dataset).ok_or_else(|| Error::internal(format!("`{key}` was not cleaned")))?;
        let again = Entries::of(host.store(), held).by_name(&[name])?.remove(0);
        let again = again.ok_or_else(|| Error::internal(format!("`{key}` was not cleaned")))?;
        let mut reproduced =
            Reproduced { object: entry.silver.key.clone(), bronze: 1, compared: vec![], cost: again.cost };
        reproduced.compare(&key, &entry.sha256, &again.sha256);
        let rejected = |entry: &Entry| format!("{:?}", entry.rejected);
        reproduced.compare("rejected rows", rejected(entry), rejected(&again));
        match (layer, &entry.quarantine) {
            (Layer::Quarantine, Some(quarantine)) => {
                let found = again.quarantine.as_ref().map_or("nothing", |object| object.sha256.as_str());
                reproduced.compare(&quarantine.key, &quarantine.sha256, found);
                reproduced.object.clone_from(&quarantine.key);
            }
            _ => {
                let found = without_superseded(&host, dataset, entry, &again)?;
                reproduced.compare(&entry.silver.key, &entry.silver.sha256, found);
            }
        }
        Ok(reproduced)
    }

    /// Loads the pipeline as it was: these datasets and tables, with the components and parameters that are recorded of
    /// them. Each plugin is told the time that is recorded, or `told`: after `--select` they may be told different ones.
    pub(super) fn recorded(
        &self,
        store: &dyn Store,
        datasets: &BTreeMap<String, Fingerprint>,
        tables: &BTreeMap<String, Fingerprint>,
        told: Option<i64>,
    ) -> Result<Pipeline> {
        let mut manifest = self.manifest.clone();
        manifest.source.clear();
        if manifest.privacy.quarantine == Quarantine::Off {
            manifest.privacy.quarantine = Quarantine::Raw;
        }
        // The fingerprint of a table holds the names of what it reads.
        let inputs = tables.values().flat_map(|fingerprint| fingerprint.host.split(' '));
        let read: BTreeSet<&str> = inputs.filter_map(|input| Some(input.split_once('=')?.1)).collect();
        // A table that was read and held nothing yet is left out, so that nothing is made of it now.
        let is_absent = |name: &&&str| {
            !tables.contains_key(**name)
                && !manifest.dataset.contains_key(**name)
                && HostRelation::named(name).is_none()
        };
        let absent: BTreeSet<String> = read.iter().filter(is_absent).map(|name| (*name).to_owned()).collect();
        manifest.dataset.retain(|name, _| datasets.contains_key(name) || read.contains(name.as_str()));
        manifest.table.retain(|name, _| tables.contains_key(name));
        manifest.kpi.retain(|name, _| tables.contains_key(name));
        manifest.check.retain(|name, _| tables.contains_key(name));
        let lacks =
            |section: &str| Error::config(format!("the manifest lacks [{section}], which it had when that was made"));
        let mut components = BTreeMap::new();
        for (name, fingerprint) in datasets {
            expect_key(name, fingerprint, self.pseudonyms)?;
            let section = manifest.dataset.get_mut(name).ok_or_else(|| lacks(&format!("dataset.{name}")))?;
            section.plugin.clone_from(&fingerprint.plugin);
            section.parameters = parameters(fingerprint)?;
            components.insert(format!("dataset.{name}"), &fingerprint.component);
        }
        for (name, fingerprint) in tables {
            let kinds = [("table", &mut manifest.table), ("kpi", &mut manifest.kpi), ("check", &mut manifest.check)];
            let section = kinds.into_iter().find_map(|(kind, of)| Some((kind, of.get_mut(name)?)));
            let (kind, section) = section.ok_or_else(|| lacks(&format!("table.{name}")))?;
            section.plugin.clone_from(&fingerprint.plugin);
            section.parameters = parameters(fingerprint)?;
            components.insert(format!("{kind}.{name}"), &fingerprint.component);
        }
        let find = |section: &str, plugin: &str, limits: &Limits| match components.get(section) {
            Some(sha256) => kept_component(store, sha256),
            None => (self.own)(plugin, limits.component_bytes),
        };
        let mut pipeline = Pipeline::load_with(&manifest, self.engine.clone(), self.pseudonyms, Some(&absent), &find)?;
        for step in &mut pipeline.datasets {
            let was = datasets.get(&step.name);
            was.into_iter().for_each(|was| step.write_as(DatasetStep::written_as(was)));
        }
        let as_it_was = |section: String, was: &Fingerprint, now: &Fingerprint| match was
            .difference(&now.at(was.as_of.unwrap_or_default()))
        {
            None => Ok(()),
            Some(why) => {
                Err(Error::config(format!("[{section}] of the manifest is not what it was at that time: {why}")))
            }
        };
        for (step, was) in pipeline.datasets.iter().filter_map(|step| Some((step, datasets.get(&step.name)?))) {
            as_it_was(format!("dataset.{}", step.name), was, &step.fingerprint)?;
        }
        for (step, was) in pipeline.tables.iter().filter_map(|step| Some((step, tables.get(&step.name)?))) {
            as_it_was(step.section.clone(), was, &step.fingerprint)?;
        }
        for step in &mut pipeline.datasets {
            step.told = datasets.get(&step.name).and_then(|made| made.as_of);
        }
        for step in &mut pipeline.tables {
            step.told = tables.get(&step.name).and_then(|made| made.as_of);
        }
        if let Some(told) = told {
            pipeline.tell(told);
        }
        Ok(pipeline)
    }

    /// Returns a host on a lake of its own over these bronze objects.
    fn host(&self, bronze: BTreeSet<String>, pipeline: Pipeline) -> Result<Host> {
        // Rejected rows are raw personal data and may lie nowhere but in quarantine. Here only their sha256 is wanted.
        let overlay = Overlay::new(self.lake.open()?, move |key| bronze.contains(key), QUARANTINE)?;
        Ok(Host::new(Box::new(overlay), pipeline, Clock::System, self.progress.clone()))
    }
}

/// Refuses to reproduce a dataset's pseudonyms with another key, because they would come out as others.
fn expect_key(dataset: &str, fingerprint: &Fingerprint, pseudonyms: &Pseudonyms) -> Result<()> {
    let (own, made) = (pseudonyms.key_id().unwrap_or(PLAIN), fingerprint.key.as_deref());
    let with = |key: &str| if key == PLAIN { "without a key".to_owned() } else { format!("with key `{key}`") };
    match made.filter(|made| *made != own) {
        None => Ok(()),
        Some(made) => Err(Error::config(format!(
            "the pseudonyms of dataset `{dataset}` were made {}, and would now be made {}, so they cannot be reproduced",
            with(made),
            with(own)
        ))),
    }
}

fn parameters(fingerprint: &Fingerprint) -> Result<Map<String, Value>> {
    serde_json::from_str(&fingerprint.parameters).map_err(|error| {
        Error::new(Kind::InvalidInput, format!("the catalog has parameters that are no object: {error}"))
    })
}

/// Returns the sha256 of the silver that was made of one object by itself, without the rows that were superseded by
/// rows of other objects.
fn without_superseded(host: &Host, dataset: &str, recorded: &Entry, again: &Entry) -> Result<String> {
    let step = host.pipeline().dataset(dataset).ok_or_else(|| Error::internal("a pipeline without its dataset"))?;
    let schema = &step.plugin.spec().output;
    let gone: BTreeSet<u32> = again.superseded.iter().copied().collect();
    let lost: BTreeSet<u32> = recorded.superseded.iter().copied().collect();
    let mut places = (0..).filter(|place| !gone.contains(place));
    let mut kept = Vec::new();
    for batch in silver::read(host.store(), &again.silver, schema, schema)? {
        let stays: BooleanArray =
            places.by_ref().take(batch.num_rows()).map(|place| Some(!lost.contains(&place))).collect();
        kept.push(filter_record_batch(&batch, &stays).map_err(|error| Error::internal(error.to_string()))?);
    }
    let options = TableOptions { formulas: Formulas::Keep, ..TableOptions::default() };
    Ok(digest::hex(table_bytes(OutputFormat::of_key(&again.silver.key).of_table(), schema, &kept, &options)?))
}
