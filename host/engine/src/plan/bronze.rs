//! The part of a plan that concerns datasets: compares bronze as it is now with the catalog.

use super::planning::Planning;
use super::records::{DatasetPlan, Plan, name_of, planned};
use super::young::{Watched, hash};

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};

use crate::pipeline::DatasetStep;
use smelt_catalog::holding::Holding;
use smelt_catalog::{Dataset, Entries, Entry, Listed};
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, profile, workers};
use smelt_storage::Meta;
use smelt_storage::layers::BRONZE;

impl<'p> Planning<'p> {
    /// Compares bronze as it is now with the catalog. The plan has no KPIs.
    pub fn bronze(&self) -> Result<Plan> {
        let _span = profile::span("plan", "");
        let begun = self.state.sequence > 0 && self.in_full < u64::MAX;
        let (datasets, unmatched) = match self.store.is_remote() && begun {
            // Objects that no pattern matches are reported when bronze is listed as a whole.
            true => (workers::map(self.steps(), |(step, held)| self.by_window(step, held)), vec![]),
            false => self.by_listing()?,
        };
        let (mut planned, mut failures) = (Vec::new(), Vec::new());
        let mut listed =
            self.steps().into_iter().zip(datasets).map(|((step, _), plan)| (step, plan)).collect::<Vec<_>>();
        let judged = self.pipeline.datasets.iter().filter(|step| !step.judged_by.is_empty());
        listed.extend(judged.map(|step| (step, self.judged(step))));
        listed.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        for (step, plan) in listed {
            match plan {
                _ if !self.is_selected(&step.name) => {}
                Ok(plan) => planned.push(plan),
                Err(error) => failures.push((step.name.clone(), error)),
            }
        }
        // This comes after the listing, since bronze may have gone meanwhile.
        self.expect_bronze()?;
        // An error that concerns every dataset is an error of the lake.
        match planned.is_empty() && !failures.is_empty() {
            true => Err(failures.swap_remove(0).1),
            false => {
                let (unlisted, held) = (self.unlisted(), Holding::of(self.state));
                Ok(Plan { datasets: planned, kpis: vec![], unmatched, unlisted, held, failures })
            }
        }
    }

    /// Fails if bronze was read and is gone as a whole. That tells nothing about its objects.
    fn expect_bronze(&self) -> Result<()> {
        let read: u64 = self.state.datasets.values().map(|dataset| dataset.bronze.totals.objects).sum();
        if read == 0 || self.store.has_layer(BRONZE)? {
            return Ok(());
        }
        let place = self.store.locate(BRONZE);
        Err(Error::new(
            Kind::Unavailable,
            format!(
                "`{}` is gone, and {read} objects were read from it: put it back (is it mounted?), or, if all of them were \
                 withdrawn, make an empty one",
                place.trim_end_matches('/')
            ),
        ))
    }

    /// Returns the datasets that are compared with bronze: all but those whose objects are judged, which follow the records
    /// of these.
    fn steps(&self) -> Vec<(&'p DatasetStep, Option<&'p Dataset>)> {
        let steps = self.pipeline.datasets.iter().filter(|step| step.judged_by.is_empty());
        steps.map(|step| (step, self.state.datasets.get(&step.name))).collect()
    }

    /// Plans with one listing of everything, where that is cheap. Returns the plans, and the objects that no pattern
    /// matches.
    fn by_listing(&self) -> Result<(Vec<Result<DatasetPlan>>, Vec<String>)> {
        let names =
            |held: Option<&'p Dataset>| held.map(|held| (&held.bronze.names.all, held.bronze.names.greatest.as_str()));
        let steps = self.steps().into_iter();
        let listed = steps.map(|(step, held)| (step, held, RefCell::new(Listed::new(names(held)))));
        // Names of parked objects are not among the names that the catalog holds.
        let listed: Vec<_> = listed.map(|(step, held, listed)| (step, held, listed, self.parked_names(step))).collect();
        // Only datasets that are not compared in full need to watch young objects.
        let watched = listed.iter().map(|(_, held, ..)| Watched::of(self.store, held.filter(|_| self.is_large(*held))));
        let watched: Vec<_> = watched.collect();
        let known = |key: &str| {
            let name = &key[BRONZE.len()..];
            let (mut any, mut all) = (false, true);
            let of = listed.iter().zip(&watched).filter(|((step, ..), _)| step.pattern.matches(name));
            for ((_, _, listed, parked), watched) in of {
                any = true;
                watched.iter().flatten().for_each(|watched| watched.add(name));
                // Another version of a parked object is tried again.
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

    /// Plans one dataset with a listing of its greatest names only, where a full listing takes long. New names are
    /// expected there.
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

    /// Plans to read what is new, when everything else is known to be there.
    pub(super) fn incremental(&self, step: &DatasetStep, held: Option<&Dataset>, new: &[Meta]) -> DatasetPlan {
        let greatest = held.map_or("", |held| &held.bronze.names.greatest);
        let unread = |meta: &&Meta| step.pattern.matches(name_of(meta)) && name_of(meta) > greatest;
        let objects = new.iter().filter(unread).map(|meta| planned(meta, false)).collect();
        DatasetPlan { objects, ..self.dataset_plan(step, None) }
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
            // A damaged catalog means that the dataset is rebuilt from what there is.
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
    pub(super) fn compare(
        &self,
        step: &DatasetStep,
        listing: &[Meta],
        mut entries: BTreeMap<String, Entry>,
        rebuild: Option<String>,
    ) -> DatasetPlan {
        let mut plan = self.dataset_plan(step, rebuild);
        let parked: BTreeMap<_, _> = self.parked(step).collect();
        // Another version of a parked object is tried again.
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
                // The object was touched or replaced; only its bytes tell which.
                Some(entry) if plan.rebuild.is_none() => match hash(self.store, &meta.key) {
                    Ok((found, sha256)) if sha256 == entry.sha256 => plan.touched.push((object.name.clone(), found)),
                    Err(error) if error.kind() == Kind::Unsettled => plan.unsettled.push(object.name.clone()),
                    // An object that cannot be read may have been replaced. The rebuild reports what is wrong with it.
                    _ => plan.rebuild = Some(format!("bronze object `{}` was replaced after it was read", object.name)),
                },
                Some(_) => {}
            }
            all.push(object);
        }
        plan.missing = entries.into_keys().collect();
        // An object that bronze still has, but that the dataset's patterns no longer match, is not missed: the manifest gives
        // its rows up, and takes them back with the former pattern.
        if plan.missing.iter().any(|name| !step.pattern.matches(name)) {
            let listed: HashSet<&str> = listing.iter().map(name_of).collect();
            plan.missing.retain(|name| step.pattern.matches(name) || !listed.contains(name.as_str()));
        }
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
}
