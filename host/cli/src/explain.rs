//! `smelt explain`.

use std::process::ExitCode;

use clap::Args;

use super::table::{render, thousands};
use super::{Common, print, print_json};
use smelt_common::error::Result;
use smelt_engine::inspect::{Explained, explain};

/// How many objects are shown to people.
const SHOWN: usize = 20;

/// Which row to explain.
#[derive(Debug, Args)]
#[command(
    after_help = "A row came from an object if, without the object, the row would be another one or there would be none."
)]
pub(super) struct Explain {
    /// The KPI
    kpi: String,
    /// Cells that tell the row from others: column=value
    cells: Vec<String>,
    /// Show all objects, however many
    #[arg(long)]
    all: bool,
}

impl Explain {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let explained = common.reproduction(|reproduction| explain(reproduction, &self.kpi, &self.cells))?;
        match common.json {
            true => print_json(&explained)?,
            false => print(&self.text(&explained)),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn text(&self, Explained { kpi: _, table, columns, row, objects, from }: &Explained) -> String {
        let columns: Vec<_> = columns.iter().map(String::as_str).collect();
        let mut text = format!("{table}\n{}\n", render(&columns, std::slice::from_ref(row)));
        text.push_str(&format!(
            "came from {} of {} objects; without each, the row would be:\n",
            thousands(from.len() as u64),
            thousands(*objects as u64)
        ));
        let heading = [&["bronze object"][..], &columns].concat();
        let shown = if self.all { usize::MAX } else { SHOWN };
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
}
