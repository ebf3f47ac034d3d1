//! Finds things in the lake by their names, with what they were made from.

use super::layer::Layer;
use smelt_catalog::{Dataset, Entries, Entry, Gold, InputVersion, State, entries_as_of, read_commit};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::Store;
use smelt_storage::layers::{BRONZE, GOLD, QUARANTINE, SILVER};

/// Something that the lake holds, as its name was resolved.
pub(crate) enum Target {
    /// The table of this KPI.
    Gold(String),
    /// A bronze object or what was made of it; `layer` tells which of them was meant.
    Object { dataset: String, name: String, entry: Box<Entry>, layer: Layer },
}

/// Returns what the name means: a KPI, or the key of an object that the newest commit references.
pub(crate) fn find(store: &dyn Store, state: &State, name: &str) -> Result<Target> {
    if state.gold.contains_key(name) {
        return Ok(Target::Gold(name.to_owned()));
    }
    let unknown = |why: String| Error::config(format!("`{name}`: {why}"));
    if let Some(rest) = name.strip_prefix(GOLD) {
        let kpi = rest.split('/').next().unwrap_or_default();
        return match state.gold.get(kpi) {
            Some(gold) if gold.table().key == name => Ok(Target::Gold(kpi.to_owned())),
            Some(gold) => Err(unknown(format!(
                "the newest commit does not reference it; the table of KPI `{kpi}` is `{}` now, and the lake does not keep \
                 what previous tables were made from",
                gold.table().key
            ))),
            None => Err(unknown(format!("there is no KPI `{kpi}`; there are {}", listed(state.gold.keys())))),
        };
    }
    for (layer, prefix) in [(Layer::Silver, SILVER), (Layer::Quarantine, QUARANTINE), (Layer::Bronze, BRONZE)] {
        let Some(rest) = name.strip_prefix(prefix) else { continue };
        for (dataset, held) in &state.datasets {
            // Below these layers each dataset has a directory of its own.
            if layer != Layer::Bronze && rest.split('/').next() != Some(dataset.as_str()) {
                continue;
            }
            if let Some((object, entry)) = entry_of(store, held, layer, name, rest)? {
                return Ok(Target::Object { dataset: dataset.clone(), name: object, entry: Box::new(entry), layer });
            }
        }
        return Err(unknown(
            "the newest commit references no such object; `smelt history --objects` shows those that it does".into(),
        ));
    }
    Err(unknown(format!(
        "this is neither a KPI ({}) nor an object such as `{SILVER}…` or `{BRONZE}…`",
        listed(state.gold.keys())
    )))
}

pub(crate) fn entry_of(
    store: &dyn Store,
    held: &Dataset,
    layer: Layer,
    key: &str,
    name: &str,
) -> Result<Option<(String, Entry)>> {
    let entries = Entries::of(store, held);
    if layer == Layer::Bronze {
        return Ok(entries.by_name(&[name])?.remove(0).map(|entry| (name.to_owned(), entry)));
    }
    let mut found = None;
    entries.scan(|object, entry| {
        let has = match layer {
            Layer::Quarantine => entry.quarantine.as_ref().is_some_and(|object| object.key == key),
            _ => entry.silver.key == key,
        };
        if has {
            found = Some((object.to_owned(), entry));
        }
        Ok(())
    })?;
    Ok(found)
}

pub(crate) fn listed<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let names: Vec<_> = names.map(String::as_str).collect();
    if names.is_empty() { "none yet".to_owned() } else { names.join(", ") }
}

/// Returns a dataset as a KPI's table was made from it, with the entries of its objects in the order of their names.
/// Fails if they are not what the table records.
pub(crate) fn as_read(
    store: &dyn Store,
    state: &State,
    gold: &Gold,
    input: &InputVersion,
) -> Result<(Dataset, Vec<(String, Entry)>)> {
    let InputVersion { relation: dataset, revision, content, .. } = input;
    let gone = |what: &str| {
        let table = &gold.table().key;
        Error::new(
            Kind::Damaged,
            format!(
                "`{table}` was made from dataset `{dataset}` as of commit {revision}, {what}; `smelt aggregate` rebuilds it"
            ),
        )
    };
    // The entries of its objects may have been rewritten since, though its silver is as it was.
    let is_it = |held: &&Dataset| held.relation.revision == *revision;
    let current = state.datasets.get(dataset).filter(is_it).cloned();
    let held = match current {
        Some(held) => held,
        None => {
            // The table's own commit may have come after another commit of the dataset.
            let made_it = if *revision > 0 { *revision } else { gold.commit };
            let state = read_commit(store, made_it)?.state;
            let held = state.datasets.get(dataset).filter(is_it).cloned();
            held.ok_or_else(|| gone("of which that commit says nothing"))?
        }
    };
    let entries = match Entries::of(store, &held).all() {
        // The entries were deleted when the dataset went on.
        Err(error) if error.kind() == Kind::Damaged => {
            entries_as_of(store, dataset, &held, state.datasets.get(dataset))?
        }
        entries => entries?,
    };
    let mut sum = smelt_catalog::Content::default();
    entries.iter().for_each(|(name, entry)| sum.add(name, entry));
    match sum == *content {
        true => Ok((held, entries)),
        false => Err(gone("but what the catalog says of its objects does not add up to what the table records")),
    }
}

/// Returns whether a dataset of the table has changed since the table was made. Then some of what it was made from may
/// be gone.
pub(crate) fn is_behind(state: &State, gold: &Gold) -> bool {
    let revision = |input: &InputVersion| state.datasets.get(&input.relation).map(|held| held.relation.revision);
    gold.inputs.values().any(|input| revision(input) != Some(input.revision))
}

/// Returns when the commit was made.
pub(crate) fn time_of(store: &dyn Store, sequence: u64) -> Result<String> {
    Ok(read_commit(store, sequence)?.at)
}
