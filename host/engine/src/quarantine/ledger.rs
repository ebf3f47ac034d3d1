//! Lists the rejected rows that the newest commit references.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use smelt_catalog::{Entries, Entry, ObjectRef, State};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::{Store, read_verified};

/// A filter for rejected rows. A row must satisfy every field that is given.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The row's dataset.
    pub dataset: Option<String>,
    /// The rule that rejected the row.
    pub rule: Option<String>,
    /// The name of the row's bronze object.
    pub object: Option<String>,
    /// The first digits of the sha256 of the component that rejected the row.
    pub component: Option<String>,
}

/// The rejected rows of one bronze object.
#[derive(Debug, Clone, Serialize)]
pub struct Held {
    /// The object's dataset.
    pub dataset: String,
    /// The bronze object's name.
    pub object: String,
    /// The sha256 of the component that rejected the rows.
    pub component: String,
    /// The number of rows in the object.
    pub read: u64,
    /// The number of rejected rows, by rule. If the filter names a rule, only that one is here.
    pub rejected: BTreeMap<String, u64>,
    /// The object with the rows; `None` if the pipeline did not keep them or no longer keeps them.
    pub quarantine: Option<ObjectRef>,
    /// The time at which the rows were written, as in [`Entry::rejected_at`](smelt_catalog::Entry::rejected_at).
    #[serde(skip)]
    pub rejected_at: Option<i64>,
}

impl Filter {
    /// Returns whether a field of the filter accepts the name.
    fn accepts(field: Option<&String>, name: &str) -> bool {
        field.is_none_or(|wanted| wanted == name)
    }
}

/// Returns the rejected rows that satisfy the filter, by bronze object and in the order of datasets and names.
///
/// # Errors
/// The lake has no dataset or object of the name that the filter gives, or the catalog cannot be read.
pub fn held(store: &dyn Store, state: &State, filter: &Filter) -> Result<Vec<Held>> {
    let Filter { dataset, rule, object, component } = filter;
    if let Some(unknown) = dataset.as_ref().filter(|name| !state.datasets.contains_key(*name)) {
        let known: Vec<_> = state.cleaned().map(|(name, _)| name.as_str()).collect();
        let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
        return Err(Error::config(format!("the lake has no dataset `{unknown}`; it has {known}")));
    }
    let mut all = Vec::new();
    let mut found = object.is_none();
    for (name, dataset) in state.cleaned().filter(|(name, _)| Filter::accepts(filter.dataset.as_ref(), name)) {
        let by = &dataset.relation.fingerprint.component;
        if component.as_ref().is_some_and(|digits| !by.starts_with(digits.as_str())) {
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
            rejected.retain(|name, _| Filter::accepts(rule.as_ref(), name));
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
            "the lake has read no bronze object `{}`; give its name in bronze, without `bronze/`",
            object.as_deref().unwrap_or_default()
        ))),
    }
}

/// Reads the rejected rows of an object from quarantine. If the filter named a rule, returns only rows of that rule.
///
/// # Errors
/// The rows cannot be read, or have changed.
pub fn rows(store: &dyn Store, held: &Held) -> Result<Vec<Map<String, Value>>> {
    let Some(quarantine) = &held.quarantine else { return Ok(vec![]) };
    let body = read_verified(store, &quarantine.key, &quarantine.sha256)?;
    let mut rows = Vec::new();
    for line in body.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let row: Map<String, Value> = serde_json::from_slice(line).map_err(|error| {
            Error::new(
                Kind::InvalidInput,
                format!("`{}` has a line that is not a JSON object: {error}", quarantine.key),
            )
        })?;
        if row.get("rule").and_then(Value::as_str).is_some_and(|rule| held.rejected.contains_key(rule)) {
            rows.push(row);
        }
    }
    Ok(rows)
}
