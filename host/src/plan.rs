//! What would run and why: the manifest and the listing of bronze, compared with the catalog. Changes nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::{BRONZE, Dataset, Entries, Entry, GoldInput, Listed, State, Stored};
use crate::digest::HashingReader;
use crate::error::{Kind, Result};
use crate::pipeline::{DatasetStep, KpiInput, KpiStep, Pipeline};
use crate::store::{Meta, Store, unavailable};
use crate::{Error, profile};

/// What would run and why.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// Every dataset of the manifest.
    pub datasets: Vec<DatasetPlan>,
    /// Every KPI of the manifest.
    pub kpis: Vec<KpiPlan>,
    /// Bronze objects that no dataset's pattern matches.
    pub unmatched: Vec<String>,
}

/// What would be done for one dataset.
#[derive(Debug, Serialize)]
pub struct DatasetPlan {
    /// Its name.
    pub dataset: String,
    /// Why it would be made anew from all of its bronze objects; `None` if only what is new is read.
    pub rebuild: Option<String>,
    /// The objects that would be read.
    pub objects: Vec<PlannedObject>,
    /// Objects whose bytes are as before though the store's word for them changed: name and that word.
    #[serde(skip)]
    pub touched: Vec<(String, String)>,
    /// Objects that the catalog knows but bronze no longer holds; their rows stay.
    pub missing: Vec<String>,
}

/// A bronze object that would be read.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedObject {
    /// Its name in bronze.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Whether the dataset has rows of it already.
    #[serde(skip)]
    pub known: bool,
}

/// What would be done for one KPI.
#[derive(Debug, Serialize)]
pub struct KpiPlan {
    /// Its name.
    pub kpi: String,
    /// Why it would be computed; `None` if its table is current, or if there is no data yet.
    pub reason: Option<String>,
    /// Its newest table.
    pub table: Option<String>,
}

impl DatasetPlan {
    /// Why it cannot be made anew though it should be: rows would be lost.
    pub fn blocked(&self) -> Option<Error> {
        let (why, name) = (self.rebuild.as_ref()?, self.missing.first()?);
        let (dataset, more) = (&self.dataset, self.missing.len() - 1);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Some(Error::new(
            Kind::InvalidInput,
            format!(
                "dataset `{dataset}` must be made anew ({why}), but bronze no longer holds `{name}`{more}: put it back, or \
                 give up its rows with --forget-missing; until then the dataset stays as it is"
            ),
        ))
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.rebuild.is_none() && self.objects.is_empty() && self.touched.is_empty()
    }
}

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct Planning<'p> {
    /// The lake.
    pub store: &'p dyn Store,
    /// The pipeline.
    pub pipeline: &'p Pipeline,
    /// What the lake holds.
    pub state: &'p State,
    /// The time that plugins are told, in microseconds since the epoch.
    pub as_of: i64,
    /// Datasets of which an object is gone or damaged, and which: they are made anew.
    pub damaged: &'p BTreeMap<String, String>,
    /// Up to how many objects a dataset is compared with bronze in full. In a larger one an object that was replaced is
    /// not noticed.
    pub in_full: u64,
}

impl Planning<'_> {
    /// Compares bronze as it is now with the catalog.
    pub fn plan(&self) -> Result<Plan> {
        let _span = profile::span("plan", "");
        let steps = &self.pipeline.datasets;
        let held: Vec<_> = steps.iter().map(|step| self.state.datasets.get(&step.name)).collect();
        let listed = held.iter().map(|held| RefCell::new(Listed::new(held.map(|held| &held.names))));
        let listed: Vec<_> = steps.iter().zip(listed).collect();
        let known = |key: &str| {
            let name = &key[BRONZE.len()..];
            let (mut any, mut all) = (false, true);
            for (_, listed) in listed.iter().filter(|(step, _)| step.pattern.matches(name)) {
                any = true;
                all &= listed.borrow_mut().add(name);
            }
            any && all
        };
        let new = self.store.list_new(BRONZE, "", &known)?;
        let mut everything = None;
        let mut datasets = Vec::new();
        for ((step, listed), held) in listed.iter().zip(&held) {
            let rebuild = held.and_then(|held| {
                let changed = held.fingerprint.difference(&step.fingerprint.at(self.as_of));
                changed.or_else(|| self.damaged.get(&step.name).cloned())
            });
            let same = listed.borrow().is_same();
            let large = held.is_none_or(|held| held.totals.objects > self.in_full);
            if rebuild.is_none() && same && large {
                datasets.push(incremental(step, *held, &new));
                continue;
            }
            let listing = match &everything {
                Some(listing) => listing,
                None => everything.insert(self.store.list(BRONZE, "")?),
            };
            datasets.push(self.in_full(step, *held, listing, rebuild)?);
        }
        let unmatched = new.iter().map(|meta| &meta.key[BRONZE.len()..]);
        let unmatched = unmatched.filter(|name| !steps.iter().any(|step| step.pattern.matches(name)));
        let unmatched = unmatched.map(str::to_owned).collect();
        let kpis = self.kpis(&datasets);
        Ok(Plan { datasets, kpis, unmatched })
    }

    /// The part of the plan that concerns KPIs; without datasets, given silver as it is.
    pub fn kpis(&self, datasets: &[DatasetPlan]) -> Vec<KpiPlan> {
        let plan = |step: &KpiStep| KpiPlan {
            kpi: step.name.clone(),
            reason: self.kpi(step, datasets),
            table: self.state.gold.get(&step.name).map(|gold| gold.table.key.clone()),
        };
        self.pipeline.kpis.iter().map(plan).collect()
    }

    /// Compares every object with what the catalog knows of it.
    fn in_full(
        &self,
        step: &DatasetStep,
        held: Option<&Dataset>,
        listing: &[Meta],
        rebuild: Option<String>,
    ) -> Result<DatasetPlan> {
        let entries = match held.map(|held| Entries::of(self.store, held).all()) {
            // Then the dataset is made anew from what there is.
            Some(Err(error)) if error.kind() == Kind::Damaged => {
                let objects = listing.iter().filter(|meta| step.pattern.matches(name_of(meta)));
                let objects = objects.map(|meta| planned(meta, false)).collect();
                return Ok(DatasetPlan { objects, ..DatasetPlan::new(step, Some(error.to_string())) });
            }
            entries => entries.transpose()?.unwrap_or_default(),
        };
        let mut entries: BTreeMap<String, Entry> = entries.into_iter().collect();
        let mut plan = DatasetPlan::new(step, rebuild);
        let mut all = Vec::new();
        for meta in listing.iter().filter(|meta| step.pattern.matches(name_of(meta))) {
            let entry = entries.remove(name_of(meta));
            let object = planned(meta, entry.is_some());
            match entry {
                None => plan.objects.push(object.clone()),
                Some(entry) if entry.etag == meta.etag => {}
                // Touched or replaced: only the bytes tell.
                Some(entry) if plan.rebuild.is_none() => match hash(self.store, &meta.key) {
                    Ok((found, sha256)) if sha256 == entry.sha256 => {
                        plan.touched.push((object.name.clone(), found.etag));
                    }
                    // If it cannot be read it may have been: making the dataset anew will say what is wrong with it.
                    _ => plan.rebuild = Some(format!("bronze object `{}` was replaced after it was read", object.name)),
                },
                Some(_) => {}
            }
            all.push(object);
        }
        if plan.rebuild.is_some() {
            plan.objects = all;
            plan.touched.clear();
        }
        plan.missing = entries.into_keys().collect();
        Ok(plan)
    }

    /// Why the KPI would be computed.
    fn kpi(&self, step: &KpiStep, datasets: &[DatasetPlan]) -> Option<String> {
        let changes = |plan: &DatasetPlan| plan.rebuild.is_some() || !plan.objects.is_empty();
        let changed = |dataset: &str| datasets.iter().any(|plan| plan.dataset == dataset && changes(plan));
        let changed: Vec<_> = step
            .inputs
            .iter()
            .filter(|input| changed(&input.dataset))
            .map(|input| format!("`{}`", input.dataset))
            .collect();
        let data = (!changed.is_empty()).then(|| format!("new data in {}", changed.join(", ")));
        let Some(gold) = self.state.gold.get(&step.name) else {
            let any = step.inputs.iter().any(|input| self.state.datasets.contains_key(&input.dataset));
            return (any || data.is_some()).then(|| "no table yet".to_owned());
        };
        let lost = || (!is_whole(self.store, &gold.table)).then(|| format!("`{}` is gone or damaged", gold.table.key));
        let silver = || (gold.inputs != inputs(step, self.state)).then(|| "new silver".to_owned());
        gold.fingerprint.difference(&step.fingerprint.at(self.as_of)).or(data).or_else(silver).or_else(lost)
    }
}

impl DatasetPlan {
    fn new(step: &DatasetStep, rebuild: Option<String>) -> Self {
        Self { dataset: step.name.clone(), rebuild, objects: vec![], touched: vec![], missing: vec![] }
    }
}

/// Reads what is new, where everything else is known to be there.
fn incremental(step: &DatasetStep, held: Option<&Dataset>, new: &[Meta]) -> DatasetPlan {
    let greatest = held.map_or("", |held| &held.names.greatest);
    let unread = |meta: &&Meta| step.pattern.matches(name_of(meta)) && name_of(meta) > greatest;
    let objects = new.iter().filter(unread).map(|meta| planned(meta, false)).collect();
    DatasetPlan { objects, ..DatasetPlan::new(step, None) }
}

fn name_of(meta: &Meta) -> &str {
    &meta.key[BRONZE.len()..]
}

fn planned(meta: &Meta, known: bool) -> PlannedObject {
    PlannedObject { name: name_of(meta).to_owned(), bytes: meta.bytes, known }
}

fn hash(store: &dyn Store, key: &str) -> Result<(Meta, String)> {
    let (meta, file) = store.open(key)?;
    let mut reader = HashingReader::new(file);
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(|error| unavailable("read", key, &error))?;
    Ok((meta, reader.finish().1))
}

/// Whether the object is there, as long as it should be: a power failure may cut off what was just written.
pub fn is_whole(store: &dyn Store, stored: &Stored) -> bool {
    store.open(&stored.key).is_ok_and(|(meta, _)| meta.bytes == stored.bytes)
}

/// The silver that the KPI reads, as it is.
pub fn inputs(step: &KpiStep, state: &State) -> BTreeMap<String, GoldInput> {
    let read = |input: &KpiInput| {
        let held = state.datasets.get(&input.dataset)?;
        let (dataset, silver) = (input.dataset.clone(), input.silver.clone());
        Some((input.name.clone(), GoldInput { dataset, silver, since: held.since, revision: held.revision }))
    };
    step.inputs.iter().filter_map(read).collect()
}
