//! `smelt quality show`: shows what checks say of one object.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};

use super::list::status;
use crate::common::Common;
use crate::output::{print, print_json};
use crate::table::render;
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_engine::cells::cells;
use smelt_formats::Formulas;

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The object's name in bronze
    object: String,
    /// Show the expectations that passed or were skipped too
    #[arg(long)]
    all: bool,
}

impl Show {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let host = common.host_on_lake()?;
        let objects: Vec<_> = host.judged_objects()?.into_iter().filter(|it| it.object == self.object).collect();
        if objects.is_empty() {
            return Err(Error::config(format!(
                "no check judges an object `{}`; `smelt quality` lists those that checks judge",
                self.object
            )));
        }
        let mut rows: Vec<Map<String, Value>> = Vec::new();
        let mut text = String::new();
        for (check, table) in host.judgement_of(&self.object)? {
            let names: Vec<&str> = table.schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
            let at = |name: &str| names.iter().position(|column| *column == name);
            let is_shown = |row: &Vec<String>| {
                let cell = |name: &str| at(name).map_or("", |at| row[at].as_str());
                !cell("expectation").is_empty() && (self.all || cell("passed") != "true")
            };
            let shown: Vec<_> = cells(&table, Formulas::Keep)?.into_iter().filter(is_shown).collect();
            // Columns that say nothing of these rows would hide those that do.
            let said = |at: usize| names[at] != "object" && shown.iter().any(|row| !row[at].is_empty());
            let columns: Vec<usize> = (0..names.len()).filter(|&at| said(at)).collect();
            let heading: Vec<&str> = columns.iter().map(|&at| names[at]).collect();
            let body: Vec<Vec<String>> =
                shown.iter().map(|row| columns.iter().map(|&at| row[at].clone()).collect()).collect();
            if !body.is_empty() {
                text.push_str(&format!("\n{check}\n{}", render(&heading, &body)));
            }
            rows.extend(shown.into_iter().map(|row| {
                let cells = names.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), Value::String(cell)));
                std::iter::once(("check".to_owned(), Value::String(check.clone()))).chain(cells).collect()
            }));
        }
        if common.json {
            print_json(&json!({"objects": objects, "verdicts": rows}))?;
            return Ok(ExitCode::SUCCESS);
        }
        for object in &objects {
            let decided = object.decision.as_ref();
            let decided = decided.map(|it| format!(", by {}: {}", it.who, it.why)).unwrap_or_default();
            let unreadable = object.unreadable.as_ref().map(|why| format!(", unreadable: {why}")).unwrap_or_default();
            print(&format!(
                "{} ({}): {}{unreadable}{decided}\n",
                smelt_common::text::one_line(&object.object),
                object.dataset,
                status(object)
            ));
        }
        print(if text.is_empty() { "\nnothing failed or warned; --all shows all expectations\n" } else { &text });
        Ok(ExitCode::SUCCESS)
    }
}
