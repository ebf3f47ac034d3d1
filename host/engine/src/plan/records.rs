//! What a plan says.

use super::estimate::Estimate;

use serde::Serialize;

use smelt_catalog::{Failure, Parts, Young};
use smelt_common::Error;
use smelt_common::error::Kind;
use smelt_storage::Meta;
use smelt_storage::layers::BRONZE;

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

impl Parked {
    pub(super) fn new(name: &str, Failure { version: _, attempts, why }: &Failure) -> Self {
        Self { name: name.to_owned(), attempts: *attempts, why: why.clone() }
    }
}

pub(super) fn name_of(meta: &Meta) -> &str {
    &meta.key[BRONZE.len()..]
}

pub(super) fn planned(meta: &Meta, known: bool) -> PlannedObject {
    PlannedObject { name: name_of(meta).to_owned(), bytes: meta.bytes, etag: meta.etag.clone(), known }
}
