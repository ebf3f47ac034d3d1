//! Making another component of a plugin current, with all that it makes, in one commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use super::{ATTEMPTS, Host};
use crate::clean::Cleaning;
use crate::plan::DatasetPlan;
use crate::tables::Aggregation;
use crate::tables::partial::PartialAggregates;
use smelt_catalog::{
    Catalog, Change, Parts, Promoted, Promotion, RollbackPoint, State, keep_component, kept_component,
};
use smelt_common::Error;
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_runtime::Identity;
use smelt_storage::Durability;

/// The role of such commits.
const PROMOTE: &str = "promote";

/// How another component becomes current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// With what it makes of the lake as it is now.
    Forward,
    /// It ran before: with what it had made then, as far as that is kept. What came since is taken in by the next run.
    Back,
}

/// What a promotion did.
#[derive(Debug)]
pub struct Done {
    /// What ran before.
    pub former: RollbackPoint,
    /// What was made anew.
    pub anew: Parts,
    /// What had been kept and is current again.
    pub restored: Parts,
    /// The parts that are as they were then, and not what the component makes of the lake as it is now. The next run brings
    /// them up to date.
    pub behind: Parts,
}

impl Host {
    /// Makes the component that this host has loaded for the plugin the current one, and what it makes of the lake current
    /// with it: readers see all of the old or all of the new. `own` is the sha256 of the component that the pipeline has
    /// by itself. The commit also holds what the former component made, as far as that is kept.
    ///
    /// # Errors
    /// Whatever fails with the new component: then nothing has happened.
    pub fn promote(&self, plugin: &str, own: &str, way: Way) -> Result<Done> {
        self.writing(|| self.promote_into(plugin, own, way))
    }

    fn promote_into(&self, plugin: &str, own: &str, way: Way) -> Result<Done> {
        let identity = self.pipeline.identity(plugin)?;
        for _ in 0..ATTEMPTS {
            let mut catalog = Catalog::load(self.store())?;
            self.expect_others(catalog.state(), plugin)?;
            self.expect_key(catalog.state())?;
            let former = self.previous(catalog.state(), plugin, own);
            if former.component == identity.sha256() {
                return match self.sign_again(&identity.binary)? {
                    true => Ok(Done {
                        former,
                        anew: Parts::default(),
                        restored: Parts::default(),
                        behind: Parts::default(),
                    }),
                    false => {
                        let to = identity.sha256();
                        Err(Error::config(format!("plugin `{plugin}` runs component {to} already")))
                    }
                };
            }
            let (change, done) = match self.promotion(catalog.state(), identity, own, former, way) {
                Err(error) => {
                    self.anew_after(&mut catalog, error)?;
                    continue;
                }
                made => made?,
            };
            match self.commit(&mut catalog, change) {
                Err(error) if error.kind() == Kind::Conflict => self.insist()?,
                committed => return committed.map(|()| done),
            }
        }
        Err(Error::new(
            Kind::Conflict,
            format!("other hosts committed again and again; plugin `{plugin}` runs as before"),
        ))
    }

    /// Fails with [`Kind::Stale`] if a component of another plugin was promoted since the pipeline was loaded: what is made
    /// must be made with it.
    fn expect_others(&self, state: &State, plugin: &str) -> Result<()> {
        let others = |of: &BTreeMap<String, Promotion>| {
            let others = of.iter().filter(|(name, _)| *name != plugin);
            others.map(|(name, to)| (name.clone(), to.clone())).collect::<BTreeMap<_, _>>()
        };
        match others(&state.promoted) == others(&self.promoted) {
            true => Ok(()),
            false => Err(Error::new(Kind::Stale, "a component of another plugin was promoted meanwhile")),
        }
    }

    /// The change that makes the component current, in place of what is former then.
    fn promotion(
        &self,
        state: &State,
        identity: &Identity,
        own: &str,
        former: RollbackPoint,
        way: Way,
    ) -> Result<(Change, Done)> {
        let (plugin, to) = (&*identity.name, identity.sha256());
        let mut change = Change::new(PROMOTE);
        let kept = state.rollback_points.get(plugin);
        let tables = kept.filter(|kept| kept.component == to);
        let tables = tables.map(|kept| self.bring_back(state, kept, way, &mut change)).transpose()?;
        let (tables, behind) = tables.unwrap_or_default();
        let restored = Parts { datasets: names(&change.datasets), kpis: names(&tables) };
        let given_up = self.rebuild_all(state, plugin, &restored, &mut change)?;
        let datasets = names(&change.datasets).difference(&restored.datasets).cloned().collect();
        let anew = Parts { datasets, kpis: names(&change.gold) };
        let former = self.keep_former(state, former.without(&given_up), &mut change)?;
        self.keep(vec![&identity.binary], Durability::Durable, &mut change)?;
        // What was kept until now is current, or let go of.
        let all = kept.map_or(Ok(true), |kept| kept.objects(self.store(), &mut change.retired))?;
        self.orphaned.fetch_or(!all, Ordering::Relaxed);
        let promotion = Promotion { from: own.to_owned(), to: to.to_owned(), version: identity.version.clone() };
        change.promoted = Some(Promoted {
            plugin: plugin.to_owned(),
            promotion: (to != own).then_some(promotion),
            former: former.clone(),
            restored: tables,
        });
        let after = change.applied_to(state);
        let sums = after.sums();
        change.retired.retain(|key| !change.referenced.contains(key) && !sums.contains(key.as_str()));
        Ok((change, Done { former, anew, restored, behind }))
    }

    /// Puts the component's signature in place of another one that the lake keeps of it; whether there was one: keys change.
    fn sign_again(&self, binary: &Binary) -> Result<bool> {
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

    /// Adds to the change what follows from the plugin's new component, but for what was brought back: its datasets and the
    /// KPIs that read them, or its KPIs. Returns the datasets of which rows are given up.
    fn rebuild_all(
        &self,
        state: &State,
        plugin: &str,
        restored: &Parts,
        change: &mut Change,
    ) -> Result<BTreeSet<String>> {
        let uses = |identity: &Identity| &*identity.name == plugin;
        let datasets: BTreeSet<&str> = self
            .pipeline
            .datasets
            .iter()
            .filter(|step| uses(step.plugin.identity()) && state.datasets.contains_key(&step.name))
            .map(|step| step.name.as_str())
            .filter(|name| !restored.datasets.contains(*name))
            .collect();
        let mut given_up = BTreeSet::new();
        if !datasets.is_empty() {
            let cleaned;
            (cleaned, given_up) = self.rebuild_datasets(state, &datasets)?;
            change.datasets.extend(cleaned.datasets);
            change.retired.extend(cleaned.retired);
            change.referenced.extend(cleaned.referenced);
        }
        // As the KPIs will find it.
        let state = State { sequence: state.sequence, ..change.applied_to(state) };
        let affected: BTreeSet<&str> = self
            .pipeline
            .kpis
            .iter()
            .filter(|step| {
                let reads = step.inputs.iter().any(|input| change.datasets.contains_key(&input.dataset));
                !restored.kpis.contains(&step.name) && (uses(step.plugin.identity()) || reads)
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
            fresh: &PartialAggregates::default(),
            progress: &*self.progress,
        };
        let outcome = aggregation.run(&plans)?.complete()?;
        change.gold = outcome.change.gold;
        change.retired.extend(outcome.change.retired);
        change.referenced.extend(outcome.change.referenced);
        Ok(given_up)
    }

    fn rebuild_datasets(&self, state: &State, datasets: &BTreeSet<&str>) -> Result<(Change, BTreeSet<String>)> {
        let damaged = BTreeMap::new();
        let plan = self.planning(state, &damaged).bronze()?;
        if let Some((_, error)) = plan.failures.into_iter().find(|(dataset, _)| datasets.contains(dataset.as_str())) {
            return Err(error);
        }
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
            now: self.now(),
            fresh: None,
            progress: &*self.progress,
        };
        let outcome = cleaning.run(&plans)?.complete()?;
        let given_up = plans.iter().filter(|plan| !plan.missing.is_empty()).map(|plan| plan.dataset.clone());
        Ok((outcome.change, given_up.collect()))
    }
}

fn names<T>(of: &BTreeMap<String, T>) -> BTreeSet<String> {
    of.keys().cloned().collect()
}
