//! `smelt quarantine stats`: shows how many rows each rule rejects.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde::Serialize;

use super::held::Which;
use crate::common::Common;
use crate::output::{print, print_json};
use crate::table::{render, thousands};
use smelt_common::error::Result;
use smelt_engine::quarantine::Held;

/// The rows of one dataset that one rule rejects.
#[derive(Serialize)]
struct Stat<'h> {
    dataset: &'h str,
    rule: &'h str,
    rows: u64,
    /// The number of bronze objects with such rows.
    objects: u64,
}

pub(super) fn run(common: &Common, which: &Which) -> Result<ExitCode> {
    let held = which.held(common, |_, held| Ok(held))?;
    let mut by_rule: BTreeMap<(&str, &str), Stat<'_>> = BTreeMap::new();
    for Held { dataset, rejected, .. } in &held {
        for (rule, rows) in rejected {
            let stat = by_rule.entry((dataset, rule)).or_insert(Stat { dataset, rule, rows: 0, objects: 0 });
            stat.rows += rows;
            stat.objects += 1;
        }
    }
    let stats: Vec<_> = by_rule.into_values().collect();
    if common.json {
        print_json(&stats)?;
        return Ok(ExitCode::SUCCESS);
    }
    let row = |stat: &Stat<'_>| {
        vec![stat.dataset.to_owned(), stat.rule.to_owned(), thousands(stat.rows), thousands(stat.objects)]
    };
    print(&render(&["dataset", "rule", "rows", "objects"], &stats.iter().map(row).collect::<Vec<_>>()));
    Ok(ExitCode::SUCCESS)
}
