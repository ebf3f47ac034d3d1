//! The records of a plan.

use super::estimate::Estimate;
use smelt_catalog::holding::Holding;

use std::collections::BTreeMap;

use serde::Serialize;

use smelt_catalog::{Failure, Parts, Status, Young};
use smelt_common::Error;
use smelt_common::error::Kind;
use smelt_storage::Meta;
use smelt_storage::layers::BRONZE;

/// The steps that would run, each with the reason.
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
    /// The tables that are made and not published, if there are any.
    pub held: Option<Holding>,
    /// The datasets that cannot be planned, each with the error. They are not among `datasets`.
    #[serde(skip)]
    pub failures: Vec<(String, Error)>,
}

/// The work that would be done for one dataset.
#[derive(Debug, Serialize)]
pub struct DatasetPlan {
    /// The dataset's name.
    pub dataset: String,
    /// Why the dataset would be rebuilt from all of its bronze objects; `None` if only what is new is read.
    pub rebuild: Option<String>,
    /// The objects that would be read.
    pub objects: Vec<PlannedObject>,
    /// Objects whose bytes are as before, though the store describes them otherwise now: each name with the new
    /// description.
    #[serde(skip)]
    pub touched: Vec<(String, Meta)>,
    /// Objects that are being written. They are left alone until the next tick.
    #[serde(skip)]
    pub unsettled: Vec<String>,
    /// The objects that were young when they were read, and were looked at again now that they are old.
    #[serde(skip)]
    pub settled: Vec<Young>,
    /// Set if a commit has to note that young objects are old now.
    #[serde(skip)]
    pub settles: bool,
    /// Objects that the catalog knows but bronze no longer holds; their rows stay.
    pub missing: Vec<String>,
    /// Objects that are left alone, because the cleaner failed at them as often as it may.
    pub parked: Vec<Parked>,
    /// What checks and people decided about the objects, if checks judge them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<GatePlan>,
    /// An estimate of that work, if there can be one.
    pub estimate: Option<Estimate>,
}

/// What is to be done about objects that checks judge as a whole.
#[derive(Debug, Default, Serialize)]
pub struct GatePlan {
    /// The objects that are new to the dataset and do not count, each with its status.
    pub held: Vec<(String, Status)>,
    /// The objects whose status changes though none of their rows comes or leaves.
    pub restated: Vec<(String, Status)>,
    /// The objects that wait to be judged, and why.
    pub waiting: Option<String>,
    /// The revisions of the relations from which the statuses follow, if the catalog has others.
    #[serde(skip)]
    pub judged: Option<BTreeMap<String, u64>>,
}

/// Something that is left alone until it, the component or a parameter changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parked {
    /// The bronze object, or the KPI.
    pub name: String,
    /// The number of attempts so far.
    pub attempts: u32,
    /// The error of the last attempt.
    pub why: String,
}

/// A bronze object that would be read.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedObject {
    /// Its name in bronze.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// The version of the object that the store reported.
    #[serde(skip)]
    pub etag: String,
    /// Set if the dataset has rows of the object already.
    #[serde(skip)]
    pub known: bool,
    /// The status of the object, if checks judge it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Set if the object was held before, so that the catalog has an entry of it.
    #[serde(skip)]
    pub was_held: bool,
}

/// The work that would be done for one KPI.
#[derive(Debug, Serialize)]
pub struct KpiPlan {
    /// The KPI's name.
    pub kpi: String,
    /// Why it would be computed; `None` if its table is current, if there is no data yet, or if it is parked.
    pub reason: Option<String>,
    /// The failure for which smelt leaves the KPI alone: its plugin failed over this silver as often as it may.
    pub parked: Option<Parked>,
    /// A table that it reads and that is left alone, for which it waits.
    pub waits_for: Option<String>,
    /// Its newest table.
    pub table: Option<String>,
    /// An estimate of that work, if there can be one.
    pub estimate: Option<Estimate>,
}

impl DatasetPlan {
    /// Returns why the dataset cannot be rebuilt though it should be, if rows would be lost.
    pub fn blocked(&self) -> Option<Error> {
        let (why, name) = (self.rebuild.as_ref()?, self.missing.first()?);
        let (dataset, more) = (&self.dataset, self.missing.len() - 1);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Some(Error::new(
            Kind::InvalidInput,
            format!(
                "dataset `{dataset}` must be rebuilt ({why}), but bronze no longer holds `{name}`{more}: put it back, or \
                 give up its rows with --forget-missing; until then the dataset stays as it is"
            ),
        ))
    }

    /// Returns the parked object because of which the dataset is not rebuilt though it should be: its rows would be
    /// lost.
    pub fn stuck(&self) -> Option<&Parked> {
        self.rebuild.as_ref()?;
        self.parked.iter().find(|parked| self.objects.iter().any(|object| object.known && object.name == parked.name))
    }

    /// Returns whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        let is_judged = self.gate.as_ref().is_none_or(GatePlan::is_empty);
        self.rebuild.is_none() && self.objects.is_empty() && self.touched.is_empty() && !self.settles && is_judged
    }
}

impl KpiPlan {
    /// Returns whether the table is there and up to date with what it reads.
    pub fn is_current(&self) -> bool {
        self.reason.is_none() && self.parked.is_none() && self.waits_for.is_none()
    }
}

impl GatePlan {
    fn is_empty(&self) -> bool {
        self.held.is_empty() && self.restated.is_empty() && self.judged.is_none()
    }
}

impl Parked {
    pub(super) fn new(name: &str, Failure { version: _, attempts, why }: &Failure) -> Self {
        Self { name: name.to_owned(), attempts: *attempts, why: why.clone() }
    }
}

pub(super) fn name_of(meta: &Meta) -> &str {
    &meta.key[BRONZE.len()..]
}

pub(super) fn planned(meta: &Meta, known: bool) -> PlannedObject {
    PlannedObject {
        name: name_of(meta).to_owned(),
        bytes: meta.bytes,
        etag: meta.etag.clone(),
        known,
        status: None,
        was_held: false,
    }
}
