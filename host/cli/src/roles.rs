//! `smelt clean`, `smelt aggregate` and `smelt run`, and how what they did is shown.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::profile;
use super::profile::Profile;
use super::table::{preview, render, rules, thousands};
use super::{Common, print, print_json};
use smelt_catalog::{DatasetTotals, Totals};
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_engine::plan::Parked;
use smelt_engine::run::{Host, Report};
use smelt_storage::layers::LAYERS;

/// How many rows of each KPI are shown.
const PREVIEW: usize = 5;

/// How to go about it.
#[derive(Debug, Args)]
pub(super) struct Roles {
    /// Give up the rows of bronze objects that are gone: looks for them, and makes their datasets anew without them
    #[arg(long)]
    forget_missing: bool,
    /// Make a lake anew from bronze that has lost its catalog: silver, gold and quarantine of this pipeline are removed first
    #[arg(long)]
    rebuild: bool,
    /// Compare all of bronze with the catalog, and so find objects that were replaced; otherwise done once an hour
    #[arg(long)]
    reconcile: bool,
    /// Try again what was left alone because its plugin failed at it several times
    #[arg(long)]
    retry_parked: bool,
    /// Go on with another pseudonym key than the lake was written with: datasets with pseudonyms are made anew
    #[arg(long)]
    new_key: bool,
    #[command(flatten)]
    profile: Profile,
}

impl From<Profile> for Roles {
    fn from(profile: Profile) -> Self {
        Self { forget_missing: false, rebuild: false, reconcile: false, retry_parked: false, new_key: false, profile }
    }
}

impl Roles {
    pub(super) fn run(self, common: &Common, role: impl Fn(&Host) -> Result<Report>) -> Result<ExitCode> {
        let began = Instant::now();
        self.profile.start();
        common.with_host(|host| {
            host.forget_missing = self.forget_missing;
            host.rebuild = self.rebuild;
            host.reconcile = self.reconcile;
            host.retry_parked = self.retry_parked;
            host.new_key = self.new_key;
            tell(common, host, &role(host)?, began)
        })
    }
}

/// Runs the pipeline for a command that is done with something else.
pub(super) fn apply(common: &Common, host: &Host) -> Result<ExitCode> {
    let began = Instant::now();
    tell(common, host, &host.run()?, began)
}

fn tell(common: &Common, host: &Host, report: &Report, began: Instant) -> Result<ExitCode> {
    let took = began.elapsed();
    if common.json {
        let mut json = as_json(host, report, took)?;
        profile::add_to(&mut json);
        print_json(&json)?;
    } else {
        print(&as_text(host, report, took)?);
        print(&profile::as_text());
    }
    Ok(complain(report))
}

/// `3 objects cleaned, 1 KPI computed, 1 failed`.
pub(super) fn done(report: &Report) -> String {
    let count = |many: usize, what: &str| format!("{many} {what}{}", if many == 1 { "" } else { "s" });
    let failed = if report.failures.is_empty() { String::new() } else { format!(", {} failed", report.failures.len()) };
    format!("{} cleaned, {} computed{failed}", count(report.cleaned, "object"), count(report.tables.len(), "KPI"))
}

/// Says on standard error what went wrong and what to look at; the exit code that follows from it.
pub(super) fn complain(report: &Report) -> ExitCode {
    for warning in &report.warnings {
        tracing::warn!("{warning}");
    }
    for name in &report.unmatched {
        tracing::warn!("bronze/{name}: no dataset's pattern matches it; it was left alone");
    }
    for Parked { name, tries, why } in &report.parked {
        tracing::warn!("{name}: parked after {tries} tries, until it or its plugin changes, or --retry-parked: {why}");
    }
    complain_of(&report.failures)
}

/// Says on standard error what failed; the exit code that follows from it.
pub(super) fn complain_of(failures: &[(String, Error)]) -> ExitCode {
    for (what, error) in failures {
        tracing::error!("{what}: {error}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What failed, for programs.
pub(super) fn failures_json(failures: &[(String, Error)]) -> Vec<Value> {
    failures.iter().map(|(what, error)| json!({"what": what, "error": error.to_string()})).collect()
}

/// The totals of every dataset.
pub(super) fn totals_table(totals: &[DatasetTotals<'_>]) -> String {
    let row = |&DatasetTotals { dataset, totals }: &DatasetTotals<'_>| {
        let Totals { objects, read, kept, superseded, rejected, repaired, .. } = totals;
        vec![
            dataset.to_owned(),
            thousands(*objects),
            thousands(*read),
            thousands(*kept),
            thousands(rejected.values().sum()),
            thousands(*superseded),
            thousands(repaired.values().sum()),
        ]
    };
    let heading = ["dataset", "objects", "read", "kept", "rejected", "superseded", "repaired"];
    let mut text = render(&heading, &totals.iter().map(row).collect::<Vec<_>>());
    for DatasetTotals { dataset, totals: Totals { rejected, repaired, .. } } in totals {
        if !rejected.is_empty() {
            text.push_str(&format!("  {dataset} rejected: {}\n", rules(rejected)));
        }
        if !repaired.is_empty() {
            text.push_str(&format!("  {dataset} repaired: {}\n", rules(repaired)));
        }
    }
    text
}

fn as_text(host: &Host, report: &Report, took: Duration) -> Result<String> {
    let state = host.state()?;
    let mut text = totals_table(&state.totals());
    for (kpi, table) in &report.tables {
        if let Some(gold) = state.gold.get(kpi) {
            text.push('\n');
            text.push_str(&preview(kpi, table, &gold.table(), PREVIEW)?);
        }
    }
    let places = LAYERS.map(|layer| host.store().locate(layer).trim_end_matches('/').to_owned()).join("  ");
    text.push_str(&format!("\n{} in {:.2} s\n{places}\n", done(report), took.as_secs_f64()));
    Ok(text)
}

/// What a run did, for programs.
pub(super) fn as_json(host: &Host, report: &Report, took: Duration) -> Result<Value> {
    let state = host.state()?;
    let kpis: Vec<_> = state
        .gold
        .iter()
        .map(|(kpi, gold)| json!({"kpi": kpi, "table": gold.table(), "computed": report.tables.contains_key(kpi)}))
        .collect();
    Ok(json!({
        "sequence": state.sequence,
        "cleaned": report.cleaned,
        "datasets": state.totals(),
        "kpis": kpis,
        "unmatched": report.unmatched,
        "parked": report.parked,
        "warnings": report.warnings,
        "failures": failures_json(&report.failures),
        "seconds": took.as_secs_f64(),
    }))
}
