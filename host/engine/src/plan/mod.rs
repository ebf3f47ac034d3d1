//! What would run and why: the manifest and the listing of bronze, compared with the catalog. Changes nothing.

mod estimate;
mod young;

pub use estimate::Estimate;
pub use young::{YOUNG, hash, unsettled};

use young::Watched;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::pipeline::{DatasetStep, KpiInput, KpiStep, Pipeline};
use smelt_catalog::{
    Dataset, Entries, Entry, Failing, Failure, InputVersion, Inputs, Listed, ObjectRef, Parts, Relation, State, Young,
};
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, profile, workers};
use smelt_storage::layers::BRONZE;
use smelt_storage::{Meta, Store};

/// What would run and why.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// Every dataset of the manifest.
    pub datasets: Vec<DatasetPlan>,
    /// Every KPI of the manifest.
    pub kpis: Vec<KpiPlan>,
    /// Bronze objects that no dataset's pattern matches.
    pub unmatched: Vec<String>,
    /// The datasets and KPIs that the lake holds and the manifest lacks. They stay as they are.
    pub unlisted: Parts,
    /// Datasets of which it cannot be told, and why; they are not among `datasets`.
    #[serde(skip)]
    pub failures: Vec<(String, Error)>,
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
    /// Objects whose bytes are as before though the store's word for them changed: name and what it says now.
    #[serde(skip)]
    pub touched: Vec<(String, Meta)>,
    /// Objects that are being written: left alone until the next tick.
    #[serde(skip)]
    pub unsettled: Vec<String>,
    /// The objects that were young when they were read, and were looked at again now that they are old.
    #[serde(skip)]
    pub settled: Vec<Young>,
    /// Whether a commit has to note that young objects are old now.
    #[serde(skip)]
    pub settles: bool,
    /// Objects that the catalog knows but bronze no longer holds; their rows stay.
    pub missing: Vec<String>,
    /// Objects that are left alone, because the cleaner failed at them as often as it may.
    pub parked: Vec<Parked>,
    /// How much that would be, if anything is known of it.
    pub estimate: Option<Estimate>,
}

/// Something that is left alone until it, the component or a parameter changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parked {
    /// The bronze object, or the KPI.
    pub name: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it failed the last time.
    pub why: String,
}

/// A bronze object that would be read.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedObject {
    /// Its name in bronze.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// What the store said of it.
    #[serde(skip)]
    pub etag: String,
    /// Whether the dataset has rows of it already.
    #[serde(skip)]
    pub known: bool,
}

/// What would be done for one KPI.
#[derive(Debug, Serialize)]
pub struct KpiPlan {
    /// Its name.
    pub kpi: String,
    /// Why it would be computed; `None` if its table is current, if there is no data yet, or if it is parked.
    pub reason: Option<String>,
    /// Whether it is left alone, because its plugin failed over this silver as often as it may.
    pub parked: Option<Parked>,
    /// Its newest table.
    pub table: Option<String>,
    /// How much that would be, if anything is known of it.
    pub estimate: Option<Estimate>,
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

    /// The object because of which the dataset is not made anew though it should be: its rows would be lost.
    pub fn stuck(&self) -> Option<&Parked> {
        self.rebuild.as_ref()?;
        self.parked.iter().find(|parked| self.objects.iter().any(|object| object.known && object.name == parked.name))
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.rebuild.is_none() && self.objects.is_empty() && self.touched.is_empty() && !self.settles
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
    /// The time now, in microseconds since the epoch.
    pub now: i64,
    /// Datasets of which an object is gone or damaged, and which: they are made anew.
    pub damaged: &'p BTreeMap<String, String>,
    /// Up to how many objects a dataset is compared with bronze in full. In a larger one an object that was replaced is
    /// not noticed.
    pub in_full: u64,
    /// How often something is tried that a plugin fails at.
    pub max_attempts: u32,
    /// Whether a dataset is rebuilt if bronze no longer holds an object that it has rows of.
    pub forget_missing: bool,
}

impl<'p> Planning<'p> {
    /// Compares bronze as it is now, and then what KPIs have read, with the catalog.
    pub fn plan(&self) -> Result<Plan> {
        let mut plan = self.bronze()?;
        for dataset in &mut plan.datasets {
            dataset.estimate = self.cleaning(dataset);
        }
        let mut kpis = self.kpis(&plan.datasets);
        for (kpi, step) in kpis.iter_mut().zip(&self.pipeline.kpis).filter(|(kpi, _)| kpi.reason.is_some()) {
            kpi.estimate = self.aggregating(step, &plan.datasets);
        }
        Ok(Plan { kpis, ..plan })
    }

    /// Compares bronze as it is now with the catalog; the plan says nothing of KPIs.
    pub fn bronze(&self) -> Result<Plan> {
        let _span = profile::span("plan", "");
        let begun = self.state.sequence > 0 && self.in_full < u64::MAX;
        let (datasets, unmatched) = match self.store.is_remote() && begun {
            // What no pattern matches is told when bronze is listed as a whole.
            true => (workers::map(self.steps(), |(step, held)| self.by_window(step, held)), vec![]),
            false => self.by_listing()?,
        };
        let (mut planned, mut failures) = (Vec::new(), Vec::new());
        for (step, plan) in self.pipeline.datasets.iter().zip(datasets) {
            match plan {
                Ok(plan) => planned.push(plan),
                Err(error) => failures.push((step.name.clone(), error)),
            }
        }
        // Now: while it was listed it may have gone.
        self.expect_bronze()?;
        // An error that concerns every dataset is the lake's.
        match planned.is_empty() && !failures.is_empty() {
            true => Err(failures.swap_remove(0).1),
            false => Ok(Plan { datasets: planned, kpis: vec![], unmatched, unlisted: self.unlisted(), failures }),
        }
    }

    /// Fails if bronze was read and is gone as a whole: that says nothing of its objects.
    fn expect_bronze(&self) -> Result<()> {
        let read: u64 = self.state.datasets.values().map(|dataset| dataset.bronze.totals.objects).sum();
        if read == 0 || self.store.has_layer(BRONZE)? {
            return Ok(());
        }
        let place = self.store.locate(BRONZE);
        Err(Error::new(
            Kind::Unavailable,
            format!(
                "`{}` is gone, of which {read} objects were read: put it back (is it mounted?), or, if all of them were \
                 withdrawn, make an empty one",
                place.trim_end_matches('/')
            ),
        ))
    }

    /// Returns the datasets and KPIs that the lake holds and the manifest lacks.
    pub fn unlisted(&self) -> Parts {
        let Self { pipeline, state, .. } = self;
        let datasets = state.datasets.keys().chain(state.failing.keys());
        let datasets = datasets.filter(|name| pipeline.dataset(name).is_none());
        let kpis = state.gold.keys().chain(state.failing_kpis.keys()).filter(|name| pipeline.kpi(name).is_none());
        Parts { datasets: datasets.cloned().collect(), kpis: kpis.cloned().collect() }
    }

    fn steps(&self) -> Vec<(&'p DatasetStep, Option<&'p Dataset>)> {
        self.pipeline.datasets.iter().map(|step| (step, self.state.datasets.get(&step.name))).collect()
    }

    /// Where a listing is cheap: one of everything. Plans, and what no pattern matches.
    fn by_listing(&self) -> Result<(Vec<Result<DatasetPlan>>, Vec<String>)> {
        let names =
            |held: Option<&'p Dataset>| held.map(|held| (&held.bronze.names.all, held.bronze.names.greatest.as_str()));
        let steps = self.steps().into_iter();
        let listed = steps.map(|(step, held)| (step, held, RefCell::new(Listed::new(names(held)))));
        // What is parked is not among the names that are held.
        let listed: Vec<_> = listed.map(|(step, held, listed)| (step, held, listed, self.parked_names(step))).collect();
        // Of those that are not compared in full anyway.
        let watched = listed.iter().map(|(_, held, ..)| Watched::of(self.store, held.filter(|_| self.is_large(*held))));
        let watched: Vec<_> = watched.collect();
        let known = |key: &str| {
            let name = &key[BRONZE.len()..];
            let (mut any, mut all) = (false, true);
            let of = listed.iter().zip(&watched).filter(|((step, ..), _)| step.pattern.matches(name));
            for ((_, _, listed, parked), watched) in of {
                any = true;
                watched.iter().flatten().for_each(|watched| watched.add(name));
                // Another version of what is parked is another try.
                all &= !parked.contains(name) && listed.borrow_mut().add(name);
            }
            any && all
        };
        let new = self.store.list_new(BRONZE, "", &known)?;
        let mut everything = None;
        let mut plans = Vec::new();
        for ((step, held, listed, _), watched) in listed.iter().zip(watched) {
            let mut rebuild = self.reason(step, *held);
            if rebuild.is_none() && listed.borrow().is_same() && self.is_large(*held) {
                match watched.and_then(|watched| self.but_for_young(step, *held, watched.as_ref(), &new)) {
                    Ok(Some(plan)) if plan.rebuild.is_none() => {
                        plans.push(Ok(plan));
                        continue;
                    }
                    Ok(Some(plan)) => rebuild = plan.rebuild,
                    Ok(None) => {}
                    Err(error) => {
                        plans.push(Err(error));
                        continue;
                    }
                }
            }
            let listing = match &everything {
                Some(listing) => listing,
                None => everything.insert(self.store.list(BRONZE, "")?),
            };
            plans.push(self.in_full(step, *held, listing, rebuild));
        }
        let unmatched = new.iter().map(name_of);
        let unmatched = unmatched.filter(|name| !listed.iter().any(|(step, ..)| step.pattern.matches(name)));
        Ok((plans, unmatched.map(str::to_owned).collect()))
    }

    /// Where a listing takes long: of each dataset the greatest names, among which new ones are to be expected.
    fn by_window(&self, step: &DatasetStep, held: Option<&Dataset>) -> Result<DatasetPlan> {
        let rebuild = self.reason(step, held);
        let prefix = format!("{BRONZE}{}", step.pattern.prefix());
        let all = |rebuild| self.in_full(step, held, &self.store.list(&prefix, "")?, rebuild);
        let (Some(dataset), None, true) = (held, &rebuild, self.is_large(held)) else { return all(rebuild) };
        let window = dataset.bronze.names.window();
        let after = if window.after().is_empty() { String::new() } else { format!("{BRONZE}{}", window.after()) };
        let listed = RefCell::new(Listed::new(Some((window, &dataset.bronze.names.greatest))));
        let parked = self.parked_names(step);
        let known = |key: &str| {
            let name = &key[BRONZE.len()..];
            step.pattern.matches(name) && (parked.contains(name) || listed.borrow_mut().add(name))
        };
        let new = self.store.list_new(&prefix, &after, &known)?;
        if listed.borrow().is_same() {
            return Ok(self.incremental(step, held, &new));
        }
        let listing = self.store.list(&prefix, &after)?;
        let names: Vec<_> = listing.iter().map(name_of).filter(|name| step.pattern.matches(name)).collect();
        let plan = match Entries::of(self.store, dataset).by_name(&names) {
            Err(error) if error.kind() == Kind::Damaged => return all(Some(error.to_string())),
            entries => {
                let entries = names.iter().zip(entries?);
                let known = entries.filter_map(|(name, entry)| Some(((*name).to_owned(), entry?)));
                self.compare(step, &listing, known.collect(), None)
            }
        };
        if plan.rebuild.is_some() { all(plan.rebuild) } else { Ok(plan) }
    }

    /// Why the dataset would be made anew, as far as bronze does not matter.
    fn reason(&self, step: &DatasetStep, held: Option<&Dataset>) -> Option<String> {
        let changed = held?.relation.fingerprint.difference(&step.fingerprint.at(self.as_of));
        changed.or_else(|| self.damaged.get(&step.name).cloned())
    }

    /// The objects of the dataset that are left alone, as they were.
    fn parked(&self, step: &DatasetStep) -> impl Iterator<Item = (&'p String, &'p Failure)> + use<'p> {
        Failing::parked(self.state.failing.get(&step.name), &step.fingerprint.at(self.as_of), self.max_attempts)
    }

    fn parked_names(&self, step: &DatasetStep) -> HashSet<&'p str> {
        self.parked(step).map(|(name, _)| name.as_str()).collect()
    }

    fn dataset_plan(&self, step: &DatasetStep, rebuild: Option<String>) -> DatasetPlan {
        let parked = self.parked(step).map(|(name, failure)| Parked::new(name, failure)).collect();
        let dataset = step.name.clone();
        DatasetPlan {
            dataset,
            rebuild,
            objects: vec![],
            touched: vec![],
            unsettled: vec![],
            settled: vec![],
            settles: false,
            missing: vec![],
            parked,
            estimate: None,
        }
    }

    /// Reads what is new, where everything else is known to be there.
    fn incremental(&self, step: &DatasetStep, held: Option<&Dataset>, new: &[Meta]) -> DatasetPlan {
        let greatest = held.map_or("", |held| &held.bronze.names.greatest);
        let unread = |meta: &&Meta| step.pattern.matches(name_of(meta)) && name_of(meta) > greatest;
        let objects = new.iter().filter(unread).map(|meta| planned(meta, false)).collect();
        DatasetPlan { objects, ..self.dataset_plan(step, None) }
    }

    /// Whether it has more objects than are compared with bronze in full at every tick.
    fn is_large(&self, held: Option<&Dataset>) -> bool {
        held.is_none_or(|held| held.bronze.totals.objects > self.in_full)
    }

    /// The part of the plan that concerns KPIs; without datasets, given silver as it is.
    pub fn kpis(&self, datasets: &[DatasetPlan]) -> Vec<KpiPlan> {
        let plan = |step: &KpiStep| {
            let (reason, parked) = self.kpi(step, datasets);
            let table = self.state.gold.get(&step.name).map(|gold| gold.table().key.clone());
            KpiPlan { kpi: step.name.clone(), reason, parked, table, estimate: None }
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
                return Ok(DatasetPlan { objects, ..self.dataset_plan(step, Some(error.to_string())) });
            }
            entries => entries.transpose()?.unwrap_or_default(),
        };
        let entries = entries.into_iter().collect();
        let mut plan = self.compare(step, listing, entries, rebuild);
        if plan.unsettled.is_empty() {
            plan.settled = held.map_or_else(Vec::new, |held| self.old(held));
            plan.settles = self.is_large(held) && !plan.settled.is_empty();
        }
        Ok(plan)
    }

    /// Compares the objects of a listing with what the catalog knows of them.
    fn compare(
        &self,
        step: &DatasetStep,
        listing: &[Meta],
        mut entries: BTreeMap<String, Entry>,
        rebuild: Option<String>,
    ) -> DatasetPlan {
        let mut plan = self.dataset_plan(step, rebuild);
        let parked: BTreeMap<_, _> = self.parked(step).collect();
        // Another version of it is another try.
        plan.parked
            .retain(|it| listing.iter().any(|meta| name_of(meta) == it.name && meta.etag == parked[&it.name].version));
        let mut all = Vec::new();
        for meta in listing.iter().filter(|meta| step.pattern.matches(name_of(meta))) {
            let entry = entries.remove(name_of(meta));
            let object = planned(meta, entry.is_some());
            if entry.is_none() && plan.parked.iter().any(|parked| parked.name == object.name) {
                continue;
            }
            match entry {
                None => plan.objects.push(object.clone()),
                Some(entry) if entry.etag == meta.etag => {}
                // Touched or replaced: only the bytes tell.
                Some(entry) if plan.rebuild.is_none() => match hash(self.store, &meta.key) {
                    Ok((found, sha256)) if sha256 == entry.sha256 => plan.touched.push((object.name.clone(), found)),
                    Err(error) if error.kind() == Kind::Unsettled => plan.unsettled.push(object.name.clone()),
                    // If it cannot be read it may have been: making the dataset anew will say what is wrong with it.
                    _ => plan.rebuild = Some(format!("bronze object `{}` was replaced after it was read", object.name)),
                },
                Some(_) => {}
            }
            all.push(object);
        }
        plan.missing = entries.into_keys().collect();
        if self.forget_missing && plan.rebuild.is_none() {
            plan.rebuild = match &plan.missing[..] {
                [] => None,
                [name] => Some(format!("bronze object `{name}` is gone, and its rows are given up")),
                [name, more @ ..] => Some(format!(
                    "bronze object `{name}` and {} more are gone, and their rows are given up",
                    more.len()
                )),
            };
        }
        if plan.rebuild.is_some() {
            plan.objects = all;
            plan.touched.clear();
            plan.unsettled.clear();
        }
        plan
    }

    /// Why the KPI would be computed, or why it is not.
    fn kpi(&self, step: &KpiStep, datasets: &[DatasetPlan]) -> (Option<String>, Option<Parked>) {
        let changes = |plan: &DatasetPlan| plan.rebuild.is_some() || !plan.objects.is_empty();
        let changed = |dataset: &str| datasets.iter().any(|plan| plan.dataset == dataset && changes(plan));
        let changed: Vec<_> = step
            .inputs
            .iter()
            .filter(|input| changed(&input.relation))
            .map(|input| format!("`{}`", input.relation))
            .collect();
        let data = (!changed.is_empty()).then(|| format!("new data in {}", changed.join(", ")));
        let Some(gold) = self.state.gold.get(&step.name) else {
            let any = step.inputs.iter().any(|input| self.state.datasets.contains_key(&input.relation));
            let reason = (any || data.is_some()).then(|| "no table yet".to_owned());
            return self.unless_parked(step, reason, data.is_some());
        };
        let lost =
            || (!is_whole(self.store, &gold.table())).then(|| format!("`{}` is gone or damaged", gold.table().key));
        let silver = || (gold.inputs != inputs(step, self.state)).then(|| "new silver".to_owned());
        let is_new = data.is_some();
        let reason = gold.relation.fingerprint.difference(&step.fingerprint.at(self.as_of)).or(data);
        self.unless_parked(step, reason.or_else(silver).or_else(lost), is_new)
    }

    fn unless_parked(
        &self,
        step: &KpiStep,
        reason: Option<String>,
        new_data: bool,
    ) -> (Option<String>, Option<Parked>) {
        if reason.is_none() || new_data {
            return (reason, None);
        }
        let failing = self.state.failing_kpis.get(&step.name);
        let version = silver_version(step, self.state);
        let mut parked = Failing::parked(failing, &step.fingerprint.at(self.as_of), self.max_attempts);
        match parked.find(|(_, failure)| failure.version == version) {
            Some((name, failure)) => (None, Some(Parked::new(name, failure))),
            None => (reason, None),
        }
    }
}

impl Parked {
    fn new(name: &str, Failure { version: _, attempts, why }: &Failure) -> Self {
        Self { name: name.to_owned(), attempts: *attempts, why: why.clone() }
    }
}

fn name_of(meta: &Meta) -> &str {
    &meta.key[BRONZE.len()..]
}

fn planned(meta: &Meta, known: bool) -> PlannedObject {
    PlannedObject { name: name_of(meta).to_owned(), bytes: meta.bytes, etag: meta.etag.clone(), known }
}

/// Whether the object is there, as long as it should be: a power failure may cut off what was just written.
pub fn is_whole(store: &dyn Store, stored: &ObjectRef) -> bool {
    store.open(&stored.key).is_ok_and(|(meta, _)| meta.bytes == stored.bytes)
}

/// The silver that the KPI reads, as it is.
pub fn inputs(step: &KpiStep, state: &State) -> Inputs {
    let read = |input: &KpiInput| {
        let (relation, schema) = (input.relation.clone(), input.schema.clone());
        let Relation { since, revision, content, rows, .. } = *state.relation(&relation)?;
        Some((input.name.clone(), InputVersion { relation, schema, since, revision, content, rows }))
    };
    step.inputs.iter().filter_map(read).collect()
}

/// Which version of its silver the KPI would read.
pub fn silver_version(step: &KpiStep, state: &State) -> String {
    let version = |input: &InputVersion| format!("{} {}.{}", input.relation, input.since, input.revision);
    inputs(step, state).values().map(version).collect::<Vec<_>>().join(", ")
}
