//! `smelt quarantine purge`: shows, or deletes, rows that were rejected long ago.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::held::{Which, table};
use crate::common::Common;
use crate::output::{print, print_json};
use crate::table::thousands;
use smelt_catalog::look;
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_engine::quarantine::held;

#[derive(Debug, Args)]
pub(super) struct Purge {
    #[command(flatten)]
    which: Which,
    /// Only rows that were rejected longer ago than this; by default the manifest's `privacy.quarantine_retention`
    #[arg(long, value_name = "TIME", value_parser = smelt_common::text::duration)]
    older_than: Option<Duration>,
    /// Delete the rows; without this flag nothing changes
    #[arg(long)]
    delete: bool,
}

impl Purge {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let host = common.host_on_lake()?;
        let age = self.older_than.or(host.pipeline().quarantine_retention).ok_or_else(|| {
            Error::config(
                "no age of rows to purge; `--older-than 30d`, or `quarantine_retention = \"30d\"` in [privacy], would be right",
            )
        })?;
        if self.which.rule.is_some() {
            return Err(Error::config(
                "the rejected rows of a bronze object lie in one object, so the rows of one rule cannot be purged; \
                 --dataset, --object or --component would be right",
            ));
        }
        let filter = self.which.filter();
        let (old, rollback_points) = look(host.store(), |state| {
            let old = host.older_than(held(host.store(), state, &filter)?, age)?;
            // A rollback point is deleted as a whole: a rollback must bring back its rejected rows, too.
            Ok((old, host.rollback_points_older_than(state, &filter, age)?))
        })?;
        if self.delete {
            host.purge(&old, &rollback_points)?;
        }
        if common.json {
            print_json(&json!({"deleted": self.delete, "objects": old, "rollback_points": rollback_points}))?;
            return Ok(ExitCode::SUCCESS);
        }
        let rows: u64 = old.iter().flat_map(|held| held.rejected.values()).sum();
        let done = match (old.is_empty() && rollback_points.is_empty(), self.delete) {
            (true, _) => "nothing is that old",
            (_, true) => "deleted; they stay counted, and bronze has them",
            (_, false) => "--delete deletes them",
        };
        let mut text = if old.is_empty() { String::new() } else { table(&old) + "\n" };
        for plugin in &rollback_points {
            text.push_str(&format!("the rollback point of {plugin}, with its rejected rows\n"));
        }
        text.push_str(&format!("{} rows of {} objects: {done}\n", thousands(rows), thousands(old.len() as u64)));
        print(&text);
        Ok(ExitCode::SUCCESS)
    }
}
