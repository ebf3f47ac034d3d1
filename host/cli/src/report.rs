//! Shows what a run of the host did: as text, as JSON, and as warnings on standard error.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use crate::table::{preview, render, rules, thousands};
use smelt_catalog::holding::Holding;
use smelt_catalog::{DatasetTotals, Gold, Totals};
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_engine::plan::Parked;
use smelt_engine::run::{Host, Report};
use smelt_storage::layers::LAYERS;

/// The number of rows of each KPI in the text.
const PREVIEW: usize = 5;

/// Returns a summary, such as `3 objects cleaned, 1 table computed, 1 failed`.
pub(crate) fn done(report: &Report) -> String {
    let count = |many: usize, what: &str| format!("{many} {what}{}", if many == 1 { "" } else { "s" });
    let failed = if report.failures.is_empty() { String::new() } else { format!(", {} failed", report.failures.len()) };
    let held = if report.held.is_some() { ", held" } else { "" };
    let arrived =
        if report.arrived.is_empty() { String::new() } else { count(report.arrived.len(), "file") + " taken in, " };
    let (cleaned, made) = (count(report.cleaned, "object"), count(report.made.len(), "table"));
    format!("{arrived}{cleaned} cleaned, {made} computed{failed}{held}")
}

/// Logs warnings, parked objects and failures. Returns the exit status: 1 if something failed.
pub(crate) fn complain(report: &Report) -> ExitCode {
    for warning in &report.warnings {
        tracing::warn!("{warning}");
    }
    for name in &report.unmatched {
        tracing::warn!("bronze/{name}: no dataset's pattern matches it, so smelt did not read it");
    }
    for (source, file) in &report.unrecognised {
        tracing::warn!("source.{source}: `{file}` is nothing that a dataset takes from there, so smelt left it alone");
    }
    for Parked { name, attempts, why } in &report.parked {
        tracing::warn!(
            "{name}: parked after {attempts} attempts, until it or its plugin changes or --retry-parked is given: {why}"
        );
    }
    let failed = complain_of(&report.failures);
    if complain_of_held(report.held.as_ref()) == ExitCode::SUCCESS { failed } else { ExitCode::FAILURE }
}

/// Logs what is held, and why. Returns the exit status: 1 if anything is.
pub(crate) fn complain_of_held(held: Option<&Holding>) -> ExitCode {
    for sentence in held.iter().flat_map(|held| held.sentences()) {
        tracing::error!("{sentence}");
    }
    if held.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Brings the sinks to what is published, outside of a tick. Returns the exit status: 1 if one failed.
pub(crate) fn tell_sinks(host: &Host) -> ExitCode {
    complain_of(&host.tell_sinks().failures)
}

/// Logs failures. Returns the exit status: 1 if there are any.
pub(crate) fn complain_of(failures: &[(String, Error)]) -> ExitCode {
    for (what, error) in failures {
        tracing::error!("{what}: {error}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns failures as JSON.
pub(crate) fn failures_json(failures: &[(String, Error)]) -> Vec<Value> {
    failures.iter().map(|(what, error)| json!({"what": what, "error": error.to_string()})).collect()
}

/// Returns what concerns files of sources as JSON.
fn named(of_sources: &[(String, String)], what: &str) -> Vec<Value> {
    of_sources.iter().map(|(source, it)| json!({"source": source, what: it})).collect()
}

/// Returns the totals of every dataset as a table.
pub(crate) fn totals_table(totals: &[DatasetTotals<'_>]) -> String {
    let any_held = totals.iter().any(|it| it.totals.held > 0);
    let row = |&DatasetTotals { dataset, totals }: &DatasetTotals<'_>| {
        let Totals { objects, read, kept, superseded, held, rejected, repaired } = totals;
        let mut row = vec![
            dataset.to_owned(),
            thousands(*objects),
            thousands(*read),
            thousands(*kept),
            thousands(rejected.values().sum()),
            thousands(*superseded),
            thousands(repaired.values().sum()),
        ];
        row.extend(any_held.then(|| thousands(*held)));
        row
    };
    let mut heading = vec!["dataset", "objects", "read", "kept", "rejected", "superseded", "repaired"];
    heading.extend(any_held.then_some("held"));
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

/// Returns what a run did as text: the totals of every dataset, and the first rows of each table that was computed.
pub(crate) fn as_text(host: &Host, report: &Report, took: Duration) -> Result<String> {
    let state = host.state()?;
    let mut text = totals_table(&state.totals());
    for (kpi, table) in &report.tables {
        // Tables of silver are for other tables; `smelt show` has their rows. What is held is not shown.
        let file = state.gold.get(kpi).and_then(Gold::table);
        if let Some(file) = file.filter(|_| state.published(kpi) == state.gold.get(kpi)) {
            text.push('\n');
            text.push_str(&preview(kpi, table, file, PREVIEW)?);
        }
    }
    if !report.written.is_empty() {
        text.push_str(&format!("\nwritten: {}\n", report.written.join(", ")));
    }
    let places = LAYERS.map(|layer| host.store().locate(layer).trim_end_matches('/').to_owned()).join("  ");
    text.push_str(&format!("\n{} in {:.2} s\n{places}\n", done(report), took.as_secs_f64()));
    Ok(text)
}

/// Returns what a run did as JSON.
pub(crate) fn as_json(host: &Host, report: &Report, took: Duration) -> Result<Value> {
    let state = host.state()?;
    let kpis: Vec<_> = state
        .gold
        .keys()
        .map(|kpi| {
            let table = state.published(kpi).and_then(Gold::table);
            json!({"kpi": kpi, "table": table, "computed": report.made.contains(kpi)})
        })
        .collect();
    Ok(json!({
        "sequence": state.sequence,
        "arrived": report.arrived,
        "unrecognised": named(&report.unrecognised, "file"),
        "put_away": named(&report.put_away, "place"),
        "cleaned": report.cleaned,
        "datasets": state.totals(),
        "kpis": kpis,
        "unmatched": report.unmatched,
        "parked": report.parked,
        "warnings": report.warnings,
        "held": report.held,
        "written": report.written,
        "failures": failures_json(&report.failures),
        "seconds": took.as_secs_f64(),
    }))
}
