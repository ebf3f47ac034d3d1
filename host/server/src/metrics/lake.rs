//! The numbers of a lake as of one commit.

use std::collections::BTreeSet;
use std::fmt;

use chrono::DateTime;
use smelt_catalog::holding::Holding;
use smelt_catalog::{Failing, Gold, State, Totals, Verdict};

use super::families::Families;
use crate::lake::{Facts, RelationKind};

/// A lake, as far as its numbers depend on it.
pub(crate) struct LakeNumbers<'s> {
    /// The state after the commit.
    pub(crate) state: &'s State,
    /// Set while the lake can be reached.
    pub(crate) is_ready: bool,
    /// Returns the time of a commit in RFC 3339; `None` if the lake has that commit no longer.
    pub(crate) time_of: &'s dyn Fn(u64) -> Option<String>,
}

impl LakeNumbers<'_> {
    /// Writes all of them, by name of dataset, table and rule.
    pub(crate) fn write(&self, out: &mut Families<'_>) -> fmt::Result {
        let Self { state, is_ready, time_of } = self;
        out.gauge(
            "smelt_server_ready",
            "1 while the server can reach its lake, else 0.",
            [([], u64::from(*is_ready))],
        )?;
        let seconds = |commit: u64| time_of(commit).as_deref().and_then(seconds);
        out.gauge("smelt_commit_number", "Number of the newest commit; 0 before the first.", [([], state.sequence)])?;
        let newest = (state.sequence > 0).then(|| seconds(state.sequence)).flatten();
        out.gauge(
            "smelt_commit_timestamp_seconds",
            "Time of the newest commit, since the epoch.",
            newest.map(|newest| ([], newest)),
        )?;
        datasets(out, state)?;
        tables(out, state, &seconds)?;
        plugins(out, state)?;
        failures(out, state)?;
        checks(out, state)
    }
}

/// Returns seconds since the epoch.
fn seconds(at: &str) -> Option<f64> {
    DateTime::parse_from_rfc3339(at).ok().map(|at| at.timestamp_micros() as f64 / 1e6)
}

fn datasets(out: &mut Families<'_>, state: &State) -> fmt::Result {
    let accounts = || state.cleaned().map(|(name, dataset)| (name.as_str(), &dataset.bronze));
    let rows = accounts().flat_map(|(name, account)| {
        let totals = &account.totals;
        let outcomes =
            [("kept", totals.kept), ("rejected", totals.rejected.values().sum()), ("superseded", totals.superseded)];
        // A dataset whose objects nothing judges never holds any.
        let held = (totals.held > 0).then_some(("held", totals.held));
        outcomes.into_iter().chain(held).map(move |(outcome, rows)| ([("dataset", name), ("outcome", outcome)], rows))
    });
    out.gauge("smelt_dataset_rows", "Rows that were read from the bronze objects that there are, by outcome.", rows)?;
    let rules = accounts().flat_map(|(name, account)| {
        let Totals { rejected, repaired, .. } = &account.totals;
        let actions = [("reject", rejected), ("repair", repaired)].into_iter();
        let rules = actions.flat_map(|(action, rules)| rules.iter().map(move |rule| (action, rule)));
        rules.map(move |(action, (rule, &rows))| {
            ([("dataset", name), ("rule", rule.as_str()), ("action", action)], rows)
        })
    });
    out.gauge("smelt_rule_rows", "Rows that a rule rejected or repaired.", rules)?;
    let objects = accounts().map(|(name, account)| ([("dataset", name)], account.totals.objects));
    out.gauge("smelt_dataset_objects", "Bronze objects that were read and are there.", objects)?;
    let bytes = accounts().map(|(name, account)| ([("dataset", name)], account.pace.bytes));
    out.counter("smelt_bytes_read", "Bytes of bronze that were cleaned since the dataset was last rebuilt.", bytes)
}

fn tables(out: &mut Families<'_>, state: &State, seconds: &dyn Fn(u64) -> Option<f64>) -> fmt::Result {
    let shown: Vec<_> = Facts::all(state).filter(|facts| facts.kind != RelationKind::Dataset).collect();
    let rows = shown.iter().map(|facts| ([("table", facts.name)], facts.relation.rows));
    out.gauge("smelt_table_rows", "Rows of a table as readers see it.", rows)?;
    let made = shown.iter().filter_map(|facts| Some(([("table", facts.name)], seconds(facts.commit())?)));
    out.gauge(
        "smelt_table_commit_timestamp_seconds",
        "Time of the commit that made the table that readers see, since the epoch.",
        made,
    )
}

fn plugins(out: &mut Families<'_>, state: &State) -> fmt::Result {
    let of_datasets = state.cleaned().map(|(name, dataset)| (name, dataset.bronze.pace.micros));
    let of_tables = state.gold.iter().map(|(name, gold)| (name, gold.micros));
    let spent = of_datasets.chain(of_tables).map(|(name, micros)| ([("section", name.as_str())], micros as f64 / 1e6));
    out.counter(
        "smelt_plugin_seconds",
        "Time in calls of the plugin since the dataset or table was last rebuilt, of all workers together.",
        spent,
    )?;
    let last = |of: fn(&Gold) -> u64| state.gold.iter().map(move |(name, gold)| ([("table", name.as_str())], of(gold)));
    let seconds = last(|gold| gold.cost.micros).map(|(labels, micros)| (labels, micros as f64 / 1e6));
    out.gauge("smelt_table_plugin_seconds", "Time in calls of the plugin for the newest version of a table.", seconds)?;
    out.gauge(
        "smelt_table_plugin_instructions",
        "Instructions, about, in calls of the plugin for the newest version of a table.",
        last(|gold| gold.cost.fuel),
    )?;
    out.gauge(
        "smelt_table_plugin_memory_bytes",
        "Most memory of an instance of the plugin for the newest version of a table.",
        last(|gold| gold.cost.memory_bytes),
    )
}

fn failures(out: &mut Families<'_>, state: &State) -> fmt::Result {
    let failing = state.failing.keys().chain(state.failing_kpis.keys());
    // A section that never succeeded has failures and nothing else.
    let all: BTreeSet<&String> = state.datasets.keys().chain(state.gold.keys()).chain(failing).collect();
    let attempts = all.into_iter().map(|section| {
        let records = [state.failing.get(section), state.failing_kpis.get(section)];
        let items = records.into_iter().flatten().flat_map(|record: &Failing| record.items.values());
        ([("section", section.as_str())], items.map(|failure| failure.attempts).max().unwrap_or_default())
    });
    out.gauge("smelt_failed_attempts", "Most attempts in a row that failed at the table or at an object.", attempts)?;
    let datasets: BTreeSet<&String> = state.datasets.keys().chain(state.failing.keys()).collect();
    let objects = datasets.into_iter().map(|dataset| {
        let failing = state.failing.get(dataset).map_or(0, |record| record.items.len());
        ([("dataset", dataset.as_str())], failing)
    });
    out.gauge("smelt_objects_failing", "Bronze objects that the cleaner failed at when it last tried.", objects)
}

fn checks(out: &mut Families<'_>, state: &State) -> fmt::Result {
    let judged = || state.checks.iter().map(|(check, judgement)| ([("check", check.as_str())], &judgement.failed));
    out.gauge(
        "smelt_check_passed",
        "1 if the check judged and no expectation of severity fail is unmet, else 0.",
        judged().map(|(labels, failed)| (labels, u64::from(failed.is_empty()))),
    )?;
    let unmet = |failed: &Vec<Verdict>| -> u64 {
        let count = |verdict: &Verdict| match verdict {
            Verdict::Failed { .. } => 1,
            Verdict::More { rows, .. } => *rows,
            Verdict::Missing { .. } => 0,
        };
        failed.iter().map(count).sum()
    };
    out.gauge(
        "smelt_check_failed_expectations",
        "Expectations of severity fail that are unmet.",
        judged().map(|(labels, failed)| (labels, unmet(failed))),
    )?;
    let held = Holding::of(state).map_or(0, |holding| holding.tables.len());
    out.gauge("smelt_tables_held", "Tables whose newest version a check holds back.", [([], held)])
}
