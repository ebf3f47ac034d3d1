//! The tree of what an object was made from, down to bronze.

use std::collections::BTreeMap;

use serde::Serialize;

use super::layer::Layer;
use super::target::{Target, as_read, as_seen, find, table_as_read, time_of};
use smelt_catalog::Fingerprint;
use smelt_catalog::{Entry, Gold, ObjectRef, Relation, State, look};
use smelt_common::cost::Cost;
use smelt_common::error::Result;
use smelt_storage::Store;
use smelt_storage::layers::BRONZE;

/// Something in the lake, and what it was made from.
#[derive(Debug, Clone, Serialize)]
pub struct Node {
    /// The kind of thing.
    pub layer: Layer,
    /// Its key, or a dataset's name.
    pub name: String,
    /// The sha256 of its bytes; for a dataset, the sum over its objects.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// The number of its rows.
    pub rows: u64,
    /// The plugin and the commit that made it, unless the node that it is a part of has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<Origin>,
    /// The resources that the plugin used for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// The account of the bronze object's rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// The nodes that it was made from.
    pub from: Vec<Node>,
}

/// The plugin and the commit that made something.
#[derive(Debug, Clone, Serialize)]
pub struct Origin {
    /// Everything that the result depends on besides data.
    #[serde(flatten)]
    pub by: Fingerprint,
    /// The commit.
    pub commit: u64,
    /// When it was made, RFC 3339.
    pub at: String,
}

/// The rows of a bronze object by what became of them: read = kept + rejected + superseded.
#[derive(Debug, Clone, Serialize)]
pub struct Account {
    /// The rows in the object.
    pub read: u64,
    /// Rows in silver.
    pub kept: u64,
    /// Rows that were superseded by another one of the same key.
    pub superseded: u64,
    /// Rows in quarantine, by rule.
    pub rejected: BTreeMap<String, u64>,
    /// Rows in silver with a value changed, by rule.
    pub repaired: BTreeMap<String, u64>,
}

/// Returns what the KPI or the object of that name was made from.
///
/// # Errors
/// Fails if the newest commit references nothing of that name, or if what the catalog says of it does not add up.
pub fn lineage(store: &dyn Store, name: &str) -> Result<Node> {
    look(store, |state| {
        let state = &*as_seen(state, name)?;
        match find(store, state, name)? {
            Target::Gold(kpi) => of_gold(store, state, &kpi, &state.gold[&kpi]),
            Target::Object { dataset, name, entry, layer } => of_object(store, state, &dataset, &name, &entry, layer),
        }
    })
}

fn of_gold(store: &dyn Store, state: &State, name: &str, gold: &Gold) -> Result<Node> {
    let mut from = Vec::new();
    // Through relations of the host, a dataset is read by several inputs.
    let relations: BTreeMap<_, _> = gold.inputs.values().map(|input| (&input.relation, input)).collect();
    for input in relations.into_values() {
        if let Some(read) = table_as_read(state, name, gold, input)? {
            from.push(of_gold(store, state, &input.relation, read)?);
            continue;
        }
        let (held, entries) = as_read(store, state, name, gold, input)?;
        // Of an object that is held nothing was read; the records of bronze are read where they are.
        let read = entries.iter().filter(|(_, entry)| !entry.is_held());
        let read = read.map(|(name, entry)| match entry.staged {
            Some(_) => bronze(name, entry),
            None => silver(name, entry),
        });
        let silver: Vec<_> = read.collect();
        from.push(Node {
            layer: Layer::Dataset,
            name: input.relation.clone(),
            sha256: input.content.into(),
            bytes: silver.iter().map(|node| node.bytes).sum(),
            rows: input.rows,
            made: Some(made(store, &held.relation)?),
            cost: None,
            account: None,
            from: silver,
        });
    }
    let by = gold.relation.fingerprint.clone();
    Ok(Node {
        made: Some(Origin { by, commit: gold.commit, at: time_of(store, gold.commit)? }),
        cost: Some(gold.cost),
        from,
        ..node(if gold.table().is_some() { Layer::Gold } else { Layer::Table }, &gold.shown(name))
    })
}

fn of_object(store: &dyn Store, state: &State, dataset: &str, name: &str, entry: &Entry, layer: Layer) -> Result<Node> {
    let made = Some(made(store, &state.datasets[dataset].relation)?);
    Ok(match (layer, &entry.quarantine) {
        (Layer::Bronze, _) => bronze(name, entry),
        (Layer::Quarantine, Some(object)) => {
            Node { made, from: vec![bronze(name, entry)], ..node(Layer::Quarantine, object) }
        }
        _ if entry.is_held() => bronze(name, entry),
        _ => Node { made, ..silver(name, entry) },
    })
}

fn made(store: &dyn Store, held: &Relation) -> Result<Origin> {
    let Relation { fingerprint, revision, .. } = held;
    Ok(Origin { by: fingerprint.clone(), commit: *revision, at: time_of(store, *revision)? })
}

fn silver(name: &str, entry: &Entry) -> Node {
    let Entry { read, rejected, repaired, superseded, cost, .. } = entry;
    let account = Account {
        read: *read,
        kept: entry.kept(),
        superseded: superseded.len() as u64,
        rejected: rejected.clone(),
        repaired: repaired.clone(),
    };
    Node {
        cost: Some(*cost),
        account: Some(account),
        from: vec![bronze(name, entry)],
        ..node(Layer::Silver, &entry.silver)
    }
}

fn bronze(name: &str, Entry { sha256, bytes, read, .. }: &Entry) -> Node {
    let object = ObjectRef { key: format!("{BRONZE}{name}"), sha256: sha256.clone(), bytes: *bytes, rows: *read };
    node(Layer::Bronze, &object)
}

fn node(layer: Layer, ObjectRef { key, sha256, bytes, rows }: &ObjectRef) -> Node {
    Node {
        layer,
        name: key.clone(),
        sha256: sha256.clone(),
        bytes: *bytes,
        rows: *rows,
        made: None,
        cost: None,
        account: None,
        from: vec![],
    }
}
