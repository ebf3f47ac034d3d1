//! What the catalog says of a relation.

use std::collections::{BTreeMap, BTreeSet};

use smelt_catalog::{BRONZE_PREFIX, Fingerprint, Gold, Relation, State, Totals};

/// The kind of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RelationKind {
    /// The clean rows of bronze objects.
    Dataset,
    /// A table of silver.
    Table,
    /// A table of gold.
    Kpi,
    /// A table of verdicts.
    Check,
}

impl RelationKind {
    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::Table => "table",
            Self::Kpi => "KPI",
            Self::Check => "check",
        }
    }
}

fn is_of_bronze(relation: &str) -> bool {
    relation.starts_with(BRONZE_PREFIX)
}

/// A relation as its readers see it.
#[derive(Clone, Copy)]
pub struct Facts<'s> {
    /// The name in the manifest.
    pub name: &'s str,
    /// The kind.
    pub kind: RelationKind,
    /// The part that readers need.
    pub relation: &'s Relation,
    /// The table, unless it is a dataset.
    pub gold: Option<&'s Gold>,
    /// The account of a dataset's rows.
    pub totals: Option<&'s Totals>,
}

impl<'s> Facts<'s> {
    /// Returns what the state says of the relation of that name; `None` if readers see none.
    pub fn of(state: &'s State, name: &str) -> Option<Self> {
        // Nobody reads records of bronze here: they are raw, and only what is made of them is shown.
        if let Some((name, dataset)) = state.datasets.get_key_value(name).filter(|_| !is_of_bronze(name)) {
            let totals = Some(&dataset.bronze.totals);
            return Some(Self { name, kind: RelationKind::Dataset, relation: &dataset.relation, gold: None, totals });
        }
        let gold = state.shown(name)?;
        let (name, _) = state.gold.get_key_value(name)?;
        let kind = match (state.checks.contains_key(name), gold.table()) {
            (true, _) => RelationKind::Check,
            (false, Some(_)) => RelationKind::Kpi,
            (false, None) => RelationKind::Table,
        };
        Some(Self { name, kind, relation: &gold.relation, gold: Some(gold), totals: None })
    }

    /// Returns all relations that readers see: datasets, then tables, both by name.
    pub fn all(state: &'s State) -> impl Iterator<Item = Self> {
        state.cleaned().map(|(name, _)| name).chain(state.gold.keys()).filter_map(|name| Self::of(state, name))
    }

    /// Returns the names of the relations that it was made from, each once.
    pub fn reads(&self) -> BTreeSet<&'s str> {
        self.gold.into_iter().flat_map(|gold| gold.inputs.values()).map(|input| input.relation.as_str()).collect()
    }

    /// Returns the plugin that made it.
    pub fn by(&self) -> &'s Fingerprint {
        &self.relation.fingerprint
    }

    /// Returns the commit that made it what it is.
    pub fn commit(&self) -> u64 {
        self.gold.map_or(self.relation.revision, |gold| gold.commit)
    }

    /// Returns whether a relation that it was made from has changed since.
    pub fn is_behind(&self, state: &State) -> bool {
        let mut inputs = self.gold.into_iter().flat_map(|gold| gold.inputs.values());
        // A check judges the newest tables, which others may not see yet.
        let read = |name: &str| match self.kind {
            _ if is_of_bronze(name) => state.relation(name),
            RelationKind::Check => state.relation(name),
            _ => Facts::of(state, name).map(|facts| facts.relation),
        };
        inputs.any(|input| read(&input.relation).is_none_or(|read| !input.is_current(read)))
    }

    /// Returns the number of failed attempts at it or at its objects, and the last error.
    pub fn failing(&self, state: &'s State) -> Option<(u32, &'s str)> {
        let records: &BTreeMap<_, _> =
            if self.kind == RelationKind::Dataset { &state.failing } else { &state.failing_kpis };
        let items = records.get(self.name)?.items.values();
        items.max_by_key(|failure| failure.attempts).map(|failure| (failure.attempts, failure.why.as_str()))
    }

    /// Returns a text that is another one whenever the rows or their order may be others.
    pub fn version(&self) -> String {
        let relation = self.relation;
        let made = serde_json::to_string(&(&relation.fingerprint, &relation.content, relation.revision, relation.rows));
        let file = self.gold.and_then(Gold::table).map(|file| file.key.as_str()).unwrap_or_default();
        let commit = self.gold.map_or(0, |gold| gold.commit);
        format!("{} {file} {commit} {}", self.name, made.unwrap_or_default())
    }
}
