//! What is in quarantine, as the newest commit names it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use smelt_catalog::{Entries, Entry, ObjectRef, State};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::{Store, read_verified};

/// Which rejected rows are meant: those that fit all that is given.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this dataset.
    pub dataset: Option<String>,
    /// Rejected by this rule.
    pub rule: Option<String>,
    /// Of the bronze object of this name.
    pub object: Option<String>,
    /// By the component whose sha256 begins so.
    pub component: Option<String>,
}

/// The rejected rows of one bronze object.
#[derive(Debug, Clone, Serialize)]
pub struct Held {
    /// Its dataset.
    pub dataset: String,
    /// The bronze object.
    pub object: String,
    /// The component that rejected them, by its sha256.
    pub component: String,
    /// How many rows the object has.
    pub read: u64,
    /// How many were rejected, by rule; of the rule that is meant, if one is.
    pub rejected: BTreeMap<String, u64>,
    /// Where the rows are, unless they were not kept or are no longer.
    pub quarantine: Option<ObjectRef>,
    /// As in [`Entry::rejected_at`](smelt_catalog::Entry::rejected_at).
    #[serde(skip)]
    pub rejected_at: Option<i64>,
}

impl Filter {
    fn has(meant: Option<&String>, name: &str) -> bool {
        meant.is_none_or(|meant| meant == name)
    }
}

/// The rejected rows that are meant, by bronze object, in the order of datasets and names.
///
/// # Errors
/// There is no such dataset or object, or the catalog cannot be read.
pub fn held(store: &dyn Store, state: &State, filter: &Filter) -> Result<Vec<Held>> {
    let Filter { dataset, rule, object, component } = filter;
    if let Some(unknown) = dataset.as_ref().filter(|name| !state.datasets.contains_key(*name)) {
        let known: Vec<_> = state.datasets.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
        return Err(Error::config(format!("the lake has no dataset `{unknown}`; it has {known}")));
    }
    let mut all = Vec::new();
    let mut found = object.is_none();
    for (name, dataset) in state.datasets.iter().filter(|(name, _)| Filter::has(filter.dataset.as_ref(), name)) {
        let by = &dataset.relation.fingerprint.component;
        if component.as_ref().is_some_and(|meant| !by.starts_with(meant.as_str())) {
            continue;
        }
        let entries = match object {
            Some(object) => {
                let entry = Entries::of(store, dataset).by_name(&[object])?.remove(0);
                entry.map(|entry| (object.clone(), entry)).into_iter().collect()
            }
            None => Entries::of(store, dataset).all()?,
        };
        found |= !entries.is_empty();
        for (object, entry) in entries {
            let mut rejected = entry.rejected;
            rejected.retain(|name, _| Filter::has(rule.as_ref(), name));
            if !rejected.is_empty() {
                let (dataset, component) = (name.clone(), by.clone());
                let Entry { read, quarantine, rejected_at, .. } = entry;
                all.push(Held { dataset, object, component, read, rejected, quarantine, rejected_at });
            }
        }
    }
    match found {
        true => Ok(all),
        false => Err(Error::config(format!(
            "the lake has read no bronze object `{}`; its name in bronze, without a directory, would be right",
            object.as_deref().unwrap_or_default()
        ))),
    }
}

/// The rows themselves, as they were written down; of the rule that is meant, if one is.
pub fn rows(store: &dyn Store, held: &Held) -> Result<Vec<Map<String, Value>>> {
    let Some(stored) = &held.quarantine else { return Ok(vec![]) };
    let body = read_verified(store, &stored.key, &stored.sha256)?;
    let mut rows = Vec::new();
    for line in body.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let row: Map<String, Value> = serde_json::from_slice(line).map_err(|error| {
            Error::new(Kind::InvalidInput, format!("`{}` has a line that is no object: {error}", stored.key))
        })?;
        if row.get("rule").and_then(Value::as_str).is_some_and(|rule| held.rejected.contains_key(rule)) {
            rows.push(row);
        }
    }
    Ok(rows)
}
