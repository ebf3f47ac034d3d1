//! `smelt quarantine show`: shows rejected rows themselves.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value};

use super::held::Which;
use crate::common::Common;
use crate::output::{print, print_json};
use crate::table::{render, thousands};
use smelt_common::error::Result;
use smelt_engine::quarantine::rows;

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    which: Which,
    /// Show at most this many rows
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = smelt_common::text::number::<usize>)]
    limit: usize,
}

impl Show {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let (shown, of) = self.which.held(common, |store, held| {
            let mut shown: Vec<Map<String, Value>> = Vec::new();
            for held in &held {
                if shown.len() >= self.limit {
                    break;
                }
                shown.extend(rows(store, held)?);
            }
            shown.truncate(self.limit);
            Ok((shown, held.iter().flat_map(|held| held.rejected.values()).sum::<u64>()))
        })?;
        if common.json {
            print_json(&shown)?;
            return Ok(ExitCode::SUCCESS);
        }
        let cell = |row: &Map<String, Value>, key: &str| match row.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let row =
            |row: &Map<String, Value>| ["rule", "object", "row", "detail", "raw"].map(|key| cell(row, key)).to_vec();
        print(&render(
            &["rule", "bronze object", "row", "detail", "record"],
            &shown.iter().map(row).collect::<Vec<_>>(),
        ));
        print(&format!("\n{} of {} rejected rows\n", thousands(shown.len() as u64), thousands(of)));
        Ok(ExitCode::SUCCESS)
    }
}
