//! Making another component of a plugin current, with all that it makes, in one commit.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{ATTEMPTS, Host};
use crate::Error;
use crate::aggregate::{Aggregation, put_stamped};
use crate::catalog::{
    Catalog, Change, Former, Gold, Promoted, Promotion, State, Stored, keep_component, kept_component,
};
use crate::clean::Cleaning;
use crate::error::{Kind, Result};
use crate::fresh::Fresh;
use crate::plan::DatasetPlan;
use crate::store::{Durability, read_verified};
use crate::wasm::{Binary, Identity};

/// The role of such commits.
const PROMOTE: &str = "promote";

/// What a promotion did.
#[derive(Debug)]
pub struct Done {
    /// What ran before.
    pub former: Former,
    /// Datasets that were made anew.
    pub datasets: BTreeSet<String>,
    /// KPIs that were computed anew.
    pub kpis: BTreeSet<String>,
    /// KPIs whose former table is current again.
    pub restored: BTreeSet<String>,
}

impl Host {
    /// Makes the component that this host has loaded for the plugin the current one, and what it makes of the lake current
    /// with it: readers see all of the old or all of the new. `own` is the sha256 of the component that the pipeline has
    /// by itself. The commit also holds what the former component made, as far as that is kept.
    ///
    /// # Errors
    /// Whatever fails with the new component: then nothing has happened.
    pub fn promote(&self, plugin: &str, own: &str) -> Result<Done> {
        self.writing(|| self.promote_into(plugin, own))
    }

    fn promote_into(&self, plugin: &str, own: &str) -> Result<Done> {
        let identity = self.pipeline.identity(plugin)?;
        let (to, version) = (identity.sha256(), identity.version.clone());
        for _ in 0..ATTEMPTS {
            let mut catalog = Catalog::load_from(self.store(), 0)?;
            let state = catalog.state();
            let former = self.former(state, plugin, own);
            if former.component == to && self.sign_anew(&identity.binary)? {
                return Ok(Done { former, datasets: [].into(), kpis: [].into(), restored: [].into() });
            }
            if former.component == to {
                return Err(Error::config(format!("plugin `{plugin}` runs component {to} already")));
            }
            let restored = state.former.get(plugin).filter(|kept| kept.component == to);
            let restored = restored.map(|kept| self.restore(state, kept)).transpose()?.unwrap_or_default();
            let mut change = self.made_anew(state, plugin, &restored.keys().cloned().collect())?;
            let kept: HashSet<&str> = sums(&former).collect();
            change.retired.retain(|key| !kept.contains(key.as_str()));
            // What was kept until now and is not brought back.
            if let Some(dropped) = state.former.get(plugin).filter(|dropped| dropped.component != to) {
                change.retired.extend(sums(dropped).map(ToOwned::to_owned));
            }
            let done = Done {
                datasets: change.datasets.keys().cloned().collect(),
                kpis: change.gold.keys().cloned().collect(),
                restored: restored.keys().cloned().collect(),
                former: former.clone(),
            };
            let promotion =
                (to != own).then(|| Promotion { from: own.to_owned(), to: to.to_owned(), version: version.clone() });
            self.keep(vec![&identity.binary], Durability::Durable, &mut change)?;
            change.promoted = Some(Promoted { plugin: plugin.to_owned(), promotion, former, restored });
            match self.commit(&mut catalog, change) {
                Err(error) if error.kind() == Kind::Conflict => continue,
                committed => committed?,
            }
            return Ok(done);
        }
        Err(Error::new(
            Kind::Conflict,
            format!("other hosts committed again and again; plugin `{plugin}` runs as before"),
        ))
    }

    /// Puts the component's signature in place of another one that the lake keeps of it; whether there was one: keys change.
    fn sign_anew(&self, binary: &Binary) -> Result<bool> {
        let kept = match kept_component(self.store(), binary.sha256()) {
            Err(error) if error.kind() == Kind::Damaged => return Ok(false),
            kept => kept?,
        };
        let other = binary.signature().is_some() && kept.signature() != binary.signature();
        if other {
            keep_component(self.store(), binary, Durability::Durable)?;
        }
        Ok(other)
    }

    /// What runs now, and the tables that it made.
    fn former(&self, state: &State, plugin: &str, own: &str) -> Former {
        let promotion = state.promoted.get(plugin).filter(|promotion| promotion.from == own);
        let component = promotion.map_or(own, |promotion| &promotion.to).to_owned();
        let is_own = |gold: &&Gold| gold.fingerprint.component == component;
        let tables = self.pipeline.kpis.iter().filter(|step| &*step.plugin.identity().name == plugin);
        let gold: BTreeMap<_, _> = tables
            .filter_map(|step| Some((step.name.clone(), state.gold.get(&step.name).filter(is_own)?.clone())))
            .collect();
        let made = state.datasets.values().map(|dataset| &dataset.fingerprint);
        let mut made = made.chain(gold.values().map(|gold| &gold.fingerprint));
        let version = made.find(|made| made.component == component).map(|made| made.version.clone());
        let version = version.or_else(|| promotion.map(|promotion| promotion.version.clone())).unwrap_or_default();
        Former { component, version, gold }
    }

    /// The tables that were kept, under names that sort last, as those of current tables do. One that is gone is computed.
    fn restore(&self, state: &State, kept: &Former) -> Result<BTreeMap<String, Gold>> {
        let mut restored = BTreeMap::new();
        for (kpi, gold) in &kept.gold {
            let body = match read_verified(self.store(), &gold.table.key, &gold.table.sha256) {
                Err(error) if error.kind() == Kind::Damaged => continue,
                read => read?,
            };
            let newest = state.gold.get(kpi).map(|gold| gold.table.key.as_str());
            let key = put_stamped(self.store(), self.clock.now(), kpi, newest, &body)?;
            restored.insert(kpi.clone(), Gold { table: Stored { key, ..gold.table.clone() }, ..gold.clone() });
        }
        Ok(restored)
    }

    /// What follows from the plugin's new component: its datasets and the KPIs that read them, or its KPIs.
    fn made_anew(&self, state: &State, plugin: &str, restored: &BTreeSet<String>) -> Result<Change> {
        let uses = |identity: &Identity| &*identity.name == plugin;
        let datasets: BTreeSet<&str> = self
            .pipeline
            .datasets
            .iter()
            .filter(|step| uses(step.plugin.identity()) && state.datasets.contains_key(&step.name))
            .map(|step| step.name.as_str())
            .collect();
        let mut change = Change::new(PROMOTE);
        let mut state = state.clone();
        if !datasets.is_empty() {
            change = self.clean_anew(&state, &datasets)?;
            // As the KPIs will find it.
            let sequence = state.sequence;
            state = State { sequence, ..change.applied_to(&state) };
        }
        let affected: BTreeSet<&str> = self
            .pipeline
            .kpis
            .iter()
            .filter(|step| {
                let reads = step.inputs.iter().any(|input| datasets.contains(input.dataset.as_str()));
                !restored.contains(&step.name) && (uses(step.plugin.identity()) || reads)
            })
            .map(|step| step.name.as_str())
            .collect();
        let damaged = BTreeMap::new();
        let mut plans = self.planning(&state, &damaged).kpis(&[]);
        plans.retain(|plan| affected.contains(plan.kpi.as_str()) && plan.reason.is_some());
        let aggregation = Aggregation {
            store: self.store(),
            pipeline: &self.pipeline,
            state: &state,
            now: self.clock.now(),
            as_of: self.as_of(),
            fresh: &Fresh::default(),
            progress: &self.progress,
        };
        let outcome = aggregation.run(&plans)?.complete()?;
        change.gold = outcome.change.gold;
        change.retired.extend(outcome.change.retired);
        change.named.extend(outcome.change.named);
        Ok(change)
    }

    fn clean_anew(&self, state: &State, datasets: &BTreeSet<&str>) -> Result<Change> {
        let damaged = BTreeMap::new();
        let plan = self.planning(state, &damaged).bronze()?;
        let plans: Vec<DatasetPlan> =
            plan.datasets.into_iter().filter(|plan| datasets.contains(plan.dataset.as_str())).collect();
        if let Some(blocked) = plans.iter().find_map(DatasetPlan::blocked).filter(|_| !self.forget_missing) {
            return Err(blocked);
        }
        let cleaning = Cleaning {
            store: self.store(),
            pipeline: &self.pipeline,
            state,
            as_of: self.as_of(),
            fresh: None,
            progress: &self.progress,
        };
        let outcome = cleaning.run(&plans)?.complete()?;
        Ok(Change { role: PROMOTE, ..outcome.change })
    }
}

/// The keys of the sums that its tables are made from.
fn sums(former: &Former) -> impl Iterator<Item = &str> {
    let stages = former.gold.values().flat_map(|gold| &gold.stages);
    stages.flat_map(|stage| stage.runs()).map(|run| run.key.as_str())
}
