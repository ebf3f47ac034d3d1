//! `smelt lineage --row`: shows which objects a row of a KPI's table came from.

use std::process::ExitCode;

use crate::common::Common;
use crate::output::{print, print_json};
use crate::table::{render, thousands};
use smelt_common::error::Result;
use smelt_engine::inspect::{RowLineage, row_lineage};

/// The number of objects that are shown without `--all`.
const SHOWN: usize = 20;

/// Shows the objects of the row that has these cells, each written `column=value`.
pub(super) fn run(common: &Common, kpi: &str, cells: &[String], all: bool) -> Result<ExitCode> {
    let lineage = common.reproduction(|reproduction| row_lineage(reproduction, kpi, cells))?;
    match common.json {
        true => print_json(&lineage)?,
        false => print(&text(&lineage, all)),
    }
    Ok(ExitCode::SUCCESS)
}

fn text(RowLineage { kpi: _, table, columns, row, objects, from }: &RowLineage, all: bool) -> String {
    let columns: Vec<_> = columns.iter().map(String::as_str).collect();
    let mut text = format!("{table}\n{}\n", render(&columns, std::slice::from_ref(row)));
    text.push_str(&format!(
        "came from {} of {} objects; without each, the row would be:\n",
        thousands(from.len() as u64),
        thousands(*objects as u64)
    ));
    let heading = [&["bronze object"][..], &columns].concat();
    let shown = if all { usize::MAX } else { SHOWN };
    let rows = from.iter().take(shown).map(|influence| {
        let none = || columns.iter().map(|_| "-".to_owned()).collect();
        [vec![influence.bronze.clone()], influence.without.clone().unwrap_or_else(none)].concat()
    });
    text.push_str(&render(&heading, &rows.collect::<Vec<_>>()));
    if from.len() > shown {
        text.push_str(&format!("  … and {} more; --all shows them\n", thousands((from.len() - shown) as u64)));
    }
    text
}
