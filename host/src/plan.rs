//! What would run and why: the manifest and the listing of bronze, compared with the catalog. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::Error;
use crate::catalog::{BRONZE, Dataset, State};
use crate::digest::{HashingReader, of_parts};
use crate::error::{Kind, Result};
use crate::pipeline::{DatasetStep, KpiStep, Pipeline};
use crate::store::{Meta, Store, unavailable};

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

impl Plan {
    /// Compares bronze as it is now with the catalog. `as_of` is in microseconds since the epoch.
    /// Datasets named in `damaged` are made anew.
    pub fn make(
        store: &dyn Store,
        pipeline: &Pipeline,
        state: &State,
        as_of: i64,
        damaged: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let listing = store.list(BRONZE, "")?;
        let name = |meta: &Meta| meta.key[BRONZE.len()..].to_owned();
        let matches =
            |meta: &Meta| pipeline.datasets.iter().any(|step| step.pattern.is_match(&meta.key[BRONZE.len()..]));
        let unmatched = listing.iter().filter(|meta| !matches(meta)).map(name).collect();
        let datasets = pipeline
            .datasets
            .iter()
            .map(|step| {
                let held = state.datasets.get(&step.name);
                dataset(store, step, held, &listing, as_of, held.and(damaged.get(&step.name)))
            })
            .collect::<Result<Vec<_>>>()?;
        let kpis = kpis(pipeline, state, &datasets, as_of);
        Ok(Self { datasets, kpis, unmatched })
    }

    /// The part of the plan that concerns KPIs, given silver as it is.
    pub fn make_kpis(pipeline: &Pipeline, state: &State, as_of: i64) -> Vec<KpiPlan> {
        kpis(pipeline, state, &[], as_of)
    }
}

fn dataset(
    store: &dyn Store,
    step: &DatasetStep,
    held: Option<&Dataset>,
    listing: &[Meta],
    as_of: i64,
    damaged: Option<&String>,
) -> Result<DatasetPlan> {
    let mut plan =
        DatasetPlan { dataset: step.name.clone(), rebuild: None, objects: vec![], touched: vec![], missing: vec![] };
    if let Some(held) = held {
        plan.rebuild = held.fingerprint.difference(&step.fingerprint.at(as_of)).or(damaged.cloned());
    }
    let mut all = Vec::new();
    let mut present = BTreeSet::new();
    for meta in listing {
        let name = &meta.key[BRONZE.len()..];
        if !step.pattern.is_match(name) {
            continue;
        }
        present.insert(name);
        let object = PlannedObject {
            name: name.to_owned(),
            bytes: meta.bytes,
            known: held.is_some_and(|held| held.objects.contains_key(name)),
        };
        match held.and_then(|held| held.objects.get(name)) {
            None => plan.objects.push(object.clone()),
            Some(entry) if entry.etag == meta.etag => {}
            // Touched or replaced: only the bytes tell.
            Some(entry) if plan.rebuild.is_none() => {
                match hash(store, &meta.key) {
                    Ok((found, sha256)) if sha256 == entry.sha256 => plan.touched.push((name.to_owned(), found.etag)),
                    // If it cannot be read it may have been: making the dataset anew will say what is wrong with it.
                    _ => plan.rebuild = Some(format!("bronze object `{name}` was replaced after it was read")),
                }
            }
            Some(_) => {}
        }
        all.push(object);
    }
    if plan.rebuild.is_some() {
        plan.objects = all;
        plan.touched.clear();
    }
    let known = held.into_iter().flat_map(|held| held.objects.keys());
    plan.missing = known.filter(|name| !present.contains(name.as_str())).cloned().collect();
    Ok(plan)
}

fn hash(store: &dyn Store, key: &str) -> Result<(Meta, String)> {
    let (meta, file) = store.open(key)?;
    let mut reader = HashingReader::new(file);
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(|error| unavailable("read", key, &error))?;
    Ok((meta, reader.finish().1))
}

fn kpis(pipeline: &Pipeline, state: &State, datasets: &[DatasetPlan], as_of: i64) -> Vec<KpiPlan> {
    let plan = |step: &KpiStep| KpiPlan {
        kpi: step.name.clone(),
        reason: kpi(step, state, datasets, as_of),
        table: state.gold.get(&step.name).map(|gold| gold.table.key.clone()),
    };
    pipeline.kpis.iter().map(plan).collect()
}

/// Why the KPI would be computed.
fn kpi(step: &KpiStep, state: &State, datasets: &[DatasetPlan], as_of: i64) -> Option<String> {
    let changed: Vec<_> = step
        .inputs
        .iter()
        .filter(|input| {
            datasets
                .iter()
                .any(|plan| plan.dataset == input.dataset && (plan.rebuild.is_some() || !plan.objects.is_empty()))
        })
        .map(|input| format!("`{}`", input.dataset))
        .collect();
    let data = (!changed.is_empty()).then(|| format!("new data in {}", changed.join(", ")));
    let Some(gold) = state.gold.get(&step.name) else {
        let any = step.inputs.iter().any(|input| state.datasets.contains_key(&input.dataset));
        return (any || data.is_some()).then(|| "no table yet".to_owned());
    };
    let inputs = || (gold.inputs != inputs_digest(step, state)).then(|| "new silver".to_owned());
    gold.fingerprint.difference(&step.fingerprint.at(as_of)).or(data).or_else(inputs)
}

/// Changes whenever the silver that the KPI reads does.
pub fn inputs_digest(step: &KpiStep, state: &State) -> String {
    let mut parts = Vec::new();
    for input in &step.inputs {
        parts.extend([input.name.as_str(), input.dataset.as_str(), input.silver.as_str()]);
        if let Some(dataset) = state.datasets.get(&input.dataset) {
            parts.extend(dataset.objects.values().map(|entry| entry.silver.sha256.as_str()));
        }
    }
    of_parts(parts)
}
