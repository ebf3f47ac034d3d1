//! Finds things in the lake by their names, with what they were made from.

use super::layer::Layer;
use crate::HostRelation;
use crate::pipeline::bronze_name;
use std::borrow::Cow;
use std::collections::BTreeMap;

use smelt_catalog::{
    BRONZE_PREFIX, Content, Dataset, Entries, Entry, Fingerprint, Gold, InputVersion, State, entries_as_of, read_commit,
};
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

/// Returns the state in which something of this name is to be looked for: a table is found as readers see it.
///
/// # Errors
/// Readers see no such table yet.
pub(crate) fn as_seen<'s>(state: &'s State, name: &str) -> Result<Cow<'s, State>> {
    let table = name.strip_prefix(GOLD).and_then(|rest| rest.split('/').next()).unwrap_or(name);
    let seen = state.seen_with(table);
    match &state.held {
        Some(held) if state.gold.contains_key(table) && !seen.gold.contains_key(table) => Err(Error::config(format!(
            "`{name}`: the table is held since commit {}, and none was published before; `smelt plan` says what holds it",
            held.since
        ))),
        _ => Ok(seen),
    }
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
            Some(gold) if gold.table().is_some_and(|table| table.key == name) => Ok(Target::Gold(kpi.to_owned())),
            Some(gold) => Err(unknown(format!(
                "the newest commit does not reference it; the table of KPI `{kpi}` is `{}` now, and the lake does not keep \
                 what previous tables were made from",
                gold.shown(kpi).key
            ))),
            None => Err(unknown(format!("there is no KPI `{kpi}`; there are {}", listed(state.gold.keys())))),
        };
    }
    for (layer, prefix) in [(Layer::Silver, SILVER), (Layer::Quarantine, QUARANTINE), (Layer::Bronze, BRONZE)] {
        let Some(rest) = name.strip_prefix(prefix) else { continue };
        for (dataset, held) in state.cleaned() {
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
    table: &str,
    gold: &Gold,
    input: &InputVersion,
) -> Result<(Dataset, Vec<(String, Entry)>)> {
    let InputVersion { relation: dataset, revision, content, .. } = input;
    let gone = |what: &str| {
        let table = gold.shown(table).key;
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

/// A dataset as a table read it: what made it, its checksum, and the entries of its objects.
type DatasetAsRead = (Fingerprint, Content, Vec<(String, Entry)>);

/// Everything that a table was made from, through all tables that it reads.
#[derive(Default)]
pub(crate) struct Origins {
    /// The datasets, by name.
    pub(crate) datasets: BTreeMap<String, DatasetAsRead>,
    /// The fingerprint of the plugin that made each table, the table itself included, by name.
    pub(crate) tables: BTreeMap<String, Fingerprint>,
}

impl Origins {
    /// Collects what the table of that name was made from.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if some of it has changed since, so that it is gone.
    pub(crate) fn of(store: &dyn Store, state: &State, table: &str) -> Result<Self> {
        let mut origins = Self::default();
        origins.add(store, state, table, &state.gold[table])?;
        Ok(origins)
    }

    fn add(&mut self, store: &dyn Store, state: &State, table: &str, gold: &Gold) -> Result<()> {
        if self.tables.insert(table.to_owned(), gold.relation.fingerprint.clone()).is_some() {
            return Ok(());
        }
        for input in gold.inputs.values() {
            if let Some(read) = table_as_read(state, table, gold, input)? {
                self.add(store, state, &input.relation, read)?;
            } else if !self.datasets.contains_key(&input.relation) {
                let (held, entries) = as_read(store, state, table, gold, input)?;
                let made = (held.relation.fingerprint, input.content, entries);
                self.datasets.insert(input.relation.clone(), made);
            }
        }
        Ok(())
    }

    /// Fails if the table depends on what checks say of objects, or on which objects are held: that is not made again from
    /// rows alone.
    pub(crate) fn expect_rows(&self, state: &State, table: &str) -> Result<()> {
        let judged = |dataset: &String| state.datasets.contains_key(&bronze_name(dataset));
        let of_host = |made: &Fingerprint| {
            let read = made.host.split(' ').filter_map(|input| Some(input.split_once('=')?.1));
            read.filter_map(HostRelation::named).any(|relation| relation != HostRelation::One)
        };
        let by_verdicts = self.datasets.keys().any(|name| name.starts_with(BRONZE_PREFIX));
        match by_verdicts || self.datasets.keys().any(judged) && self.tables.values().any(of_host) {
            false => Ok(()),
            true => Err(Error::config(format!(
                "`{table}` depends on verdicts about whole objects, and those are not made again from rows; \
                 `smelt quality show` says what they rest on"
            ))),
        }
    }

    /// Returns what made each dataset, by name.
    pub(crate) fn cleaned_by(&self) -> BTreeMap<String, Fingerprint> {
        self.datasets.iter().map(|(name, (made, ..))| (name.clone(), made.clone())).collect()
    }
}

/// Returns the table that another one reads. `None` if the input is a dataset.
///
/// # Errors
/// [`Kind::Damaged`] if the table that was read has changed since.
pub(crate) fn table_as_read<'s>(
    state: &'s State,
    table: &str,
    gold: &Gold,
    input: &InputVersion,
) -> Result<Option<&'s Gold>> {
    let InputVersion { relation, revision, .. } = input;
    match state.gold.get(relation) {
        Some(read) if !input.is_current(&read.relation) => {
            let table = gold.shown(table).key;
            let why = format!(
                "`{table}` was made from table `{relation}` as of commit {revision}, which has changed since; `smelt aggregate` \
                 brings it up to date"
            );
            Err(Error::new(Kind::Damaged, why))
        }
        read => Ok(read),
    }
}

/// Returns whether a relation that the table was made from has changed since, or one that this was made from. Then some
/// of what it was made from may be gone.
pub(crate) fn is_behind(state: &State, gold: &Gold) -> bool {
    gold.inputs.values().any(|input| {
        state.relation(&input.relation).is_none_or(|relation| !input.is_current(relation))
            || state.gold.get(&input.relation).is_some_and(|read| is_behind(state, read))
    })
}

/// Returns when the commit was made.
pub(crate) fn time_of(store: &dyn Store, sequence: u64) -> Result<String> {
    Ok(read_commit(store, sequence)?.at)
}
