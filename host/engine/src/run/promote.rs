//! Makes another component of a plugin current, with everything that it makes, in one commit.

use std::collections::{BTreeMap, BTreeSet};

use super::host::Host;
use crate::attempt::Attempts;
use crate::host_relation::HostRelation;
use crate::outcome::Outcome;
use crate::pipeline::TableInput;
use crate::plan::DatasetPlan;
use crate::tables::partial::PartialAggregates;
use smelt_catalog::holding::Holding;
use smelt_catalog::{Change, Parts, Promoted, Promotion, RollbackPoint, State, keep_component, kept_component};
use smelt_common::Error;
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_runtime::Identity;
use smelt_storage::Durability;

/// The role of such commits.
const PROMOTE: &str = "promote";

/// The direction of a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The component becomes current with what it makes of the lake as it is now.
    Forward,
    /// The component ran before. It becomes current with what it had made then, as far as that is kept. The next run
    /// takes in the data that came since.
    Back,
}

/// The changes that a promotion made.
#[derive(Debug, Default)]
pub struct PromotionReport {
    /// The component that ran before, with what is kept of it.
    pub previous: RollbackPoint,
    /// The parts that were rebuilt.
    pub rebuilt: Parts,
    /// The parts that had been kept and are current again.
    pub restored: Parts,
    /// The parts that are as they were then, which differs from what the component makes of the lake as it is now. The
    /// next run brings them up to date.
    pub behind: Parts,
    /// The tables that are held, if any are.
    pub held: Option<Holding>,
}

impl Host {
    /// Makes the component that this host has loaded for the plugin the current one. Also makes current what that
    /// component makes of the lake: readers see all of the old or all of the new. `own` is the sha256 of the component
    /// that the pipeline has by itself, and `from` is the sha256 of the one that ran when the caller decided. The
    /// commit also keeps what the previous component made, as far as that is possible.
    ///
    /// # Errors
    /// Returns the error of whatever fails with the new component, and [`Kind::InvalidInput`] if another component than
    /// `from` runs by now. Nothing has changed then.
    pub fn promote(&self, plugin: &str, own: &str, from: &str, way: Way) -> Result<PromotionReport> {
        self.writing(|| self.promote_into(plugin, own, from, way))
    }

    fn promote_into(&self, plugin: &str, own: &str, from: &str, way: Way) -> Result<PromotionReport> {
        let identity = self.pipeline.identity(plugin)?;
        let outcome = Attempts::default().at(self, |attempt| {
            attempt.catalog.check_gaps()?;
            let state = attempt.state();
            self.expect_key(state)?;
            self.expect_names(state)?;
            let runs = running(state, plugin, own);
            if runs != from {
                let why = format!(
                    "plugin `{plugin}` runs component {runs} by now, which another command made current after this one began \
                     with {from}; nothing was changed, and `smelt plugin diff` shows how they differ"
                );
                return Err(Error::new(Kind::InvalidInput, why));
            }
            let point = state.rollback_points.get(plugin).map(|point| point.component.as_str());
            if way == Way::Back && point != Some(identity.sha256()) {
                let (point, to) = (point.unwrap_or("none"), identity.sha256());
                let why = format!(
                    "the component before the current one of plugin `{plugin}` is {point} by now, and not {to}; nothing was \
                     changed"
                );
                return Err(Error::new(Kind::InvalidInput, why));
            }
            let previous = self.previous(state, plugin, own);
            if previous.component != identity.sha256() {
                return self.promotion(state, identity, own, previous, way);
            }
            match self.sign_again(&identity.binary)? {
                true => Ok(Outcome::new(Change::default(), PromotionReport { previous, ..PromotionReport::default() })),
                false => {
                    let to = identity.sha256();
                    Err(Error::config(format!("plugin `{plugin}` runs component {to} already")))
                }
            }
        })?;
        Ok(outcome.made)
    }

    /// Returns the change with which the component becomes current in place of the previous one.
    fn promotion(
        &self,
        state: &State,
        identity: &Identity,
        own: &str,
        previous: RollbackPoint,
        way: Way,
    ) -> Result<Outcome<PromotionReport>> {
        let (plugin, to) = (&*identity.name, identity.sha256());
        let mut change = Change::new(PROMOTE);
        let kept = state.rollback_points.get(plugin);
        let tables = kept.filter(|kept| kept.component == to);
        let tables = tables.map(|kept| self.bring_back(state, kept, way, &mut change)).transpose()?;
        let (tables, behind) = tables.unwrap_or_default();
        let restored = Parts { datasets: names(&change.datasets), kpis: names(&tables) };
        let promotion = Promotion { from: own.to_owned(), to: to.to_owned(), version: identity.version.clone() };
        change.promoted = Some(Promoted {
            plugin: plugin.to_owned(),
            promotion: (to != own).then_some(promotion),
            previous: previous.clone(),
            restored: tables,
        });
        let given_up = self.rebuild_all(state, plugin, &restored, &mut change)?;
        let datasets = names(&change.datasets).difference(&restored.datasets).cloned().collect();
        let rebuilt = Parts { datasets, kpis: names(&change.gold) };
        let previous = self.keep_previous(state, previous.without(&given_up), &mut change)?;
        self.keep(vec![&identity.binary], Durability::Durable, &mut change)?;
        // The plugin's previous rollback point is current now, or it is discarded.
        let all = kept.map_or(Ok(true), |kept| kept.objects(self.store(), &mut change.retired))?;
        if let Some(promoted) = &mut change.promoted {
            promoted.previous.clone_from(&previous);
        }
        self.audit(state, &mut change, BTreeMap::new())?;
        let after = change.applied_to(state);
        let sums = after.sums();
        change.retired.retain(|key| !change.referenced.contains(key) && !sums.contains(key.as_str()));
        let held = Holding::of(&after);
        let mut outcome = Outcome::new(change, PromotionReport { previous, rebuilt, restored, behind, held });
        outcome.orphans = !all;
        Ok(outcome)
    }

    /// Replaces the signature that the lake keeps of the component, if it is another one; returns whether it was. Keys
    /// change, so a component may be signed again.
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

    /// Adds to the change, which restores the `restored` parts, what else follows from the plugin's new component: its
    /// other parts, and all that is made of a part that changes. Returns the datasets of which rows are given up.
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
            .filter(|step| step.plugin.identity().is_some_and(uses) && state.datasets.contains_key(&step.name))
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
        // The state as the KPIs will find it.
        let state = State { sequence: state.sequence, ..change.applied_to(state) };
        let mut affected: BTreeSet<&str> = BTreeSet::new();
        // A table comes after all that it reads.
        for step in &self.pipeline.tables {
            let changes = |name: &String| {
                change.datasets.contains_key(name) || restored.kpis.contains(name) || affected.contains(name.as_str())
            };
            let of_datasets = |name: &str| {
                HostRelation::named(name).is_some_and(HostRelation::reads_datasets) && !change.datasets.is_empty()
            };
            let reads = |input: &TableInput| of_datasets(&input.relation) || input.made_from().any(changes);
            if !restored.kpis.contains(&step.name) && (uses(step.plugin.identity()) || step.inputs.iter().any(reads)) {
                affected.insert(&step.name);
            }
        }
        let damaged = BTreeMap::new();
        let plan = |state: &State, level| {
            let mut plans = self.planning(state, &damaged).kpis_at(level);
            plans.retain(|plan| affected.contains(plan.kpi.as_str()));
            plans
        };
        let outcome = self.aggregation(&state, &PartialAggregates::default(), &damaged).run(&plan)?.complete()?;
        change.gold = outcome.change.gold;
        change.rows = outcome.change.rows;
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
        let outcome = self.cleaning(state, None).run(&plans)?.complete()?;
        let given_up = plans.iter().filter(|plan| !plan.missing.is_empty()).map(|plan| plan.dataset.clone());
        Ok((outcome.change, given_up.collect()))
    }
}

/// Returns the sha256 of the component that runs for the plugin. `own` is the one that the pipeline has by itself.
pub fn running<'s>(state: &'s State, plugin: &str, own: &'s str) -> &'s str {
    promotion_of(state, plugin, own).map_or(own, |promotion| &promotion.to)
}

/// Returns the promotion that is in force for the plugin. If the pipeline has another component than `own` by now, none is.
pub(super) fn promotion_of<'s>(state: &'s State, plugin: &str, own: &str) -> Option<&'s Promotion> {
    state.promoted.get(plugin).filter(|promotion| promotion.from == own)
}

fn names<T>(of: &BTreeMap<String, T>) -> BTreeSet<String> {
    of.keys().cloned().collect()
}
