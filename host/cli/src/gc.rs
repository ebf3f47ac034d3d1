//! `smelt gc`: shows orphans, which are objects that no commit references, and deletes them.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::common::Common;
use crate::output::{print, print_json};
use crate::table::{render, thousands};
use smelt_common::clock::Clock;
use smelt_common::error::Result;
use smelt_engine::integrity::{Garbage, collect, garbage};

#[derive(Debug, Args)]
pub(crate) struct Gc {
    /// Delete the objects; without this flag nothing changes
    #[arg(long)]
    delete: bool,
    /// Only orphans that are older than this; a host may still be about to commit a younger one
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = smelt_common::text::duration)]
    grace: Duration,
    /// Also rollback points; a rollback of such a plugin then rebuilds everything
    #[arg(long)]
    rollback_points: bool,
}

impl Gc {
    /// Reads only the lake, and needs no pipeline.
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        let Self { delete, grace, rollback_points } = self;
        let store = common.existing_lake()?.open()?;
        let (garbage, damaged) = match delete {
            true => (collect(&*store, grace, rollback_points, Clock::System.now())?, vec![]),
            false => garbage(&*store, grace, rollback_points)?,
        };
        for error in &damaged {
            tracing::error!(
                "{error}; until it is repaired, this list is as of the commit before, and gc deletes nothing"
            );
        }
        let exit = if damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        if common.json {
            print_json(&json!({"deleted": delete, "objects": garbage}))?;
            return Ok(exit);
        }
        let mut text = String::new();
        if !garbage.is_empty() {
            text.push_str(&render(&["object", "bytes", "age"], &garbage.iter().map(row).collect::<Vec<_>>()));
            text.push('\n');
        }
        let bytes = thousands(garbage.iter().map(|garbage| garbage.bytes).sum());
        let done = match (garbage.is_empty(), delete) {
            (true, _) => "nothing to delete",
            (_, true) => "deleted",
            (_, false) => "--delete deletes them",
        };
        text.push_str(&format!("{} objects with {bytes} bytes: {done}\n", thousands(garbage.len() as u64)));
        print(&text);
        Ok(exit)
    }
}

fn row(Garbage { object, bytes, age, upload }: &Garbage) -> Vec<String> {
    let age = Duration::from_secs(age.as_secs());
    let bytes = if upload.is_some() { "unfinished".to_owned() } else { thousands(*bytes) };
    vec![object.clone(), bytes, humantime::format_duration(age).to_string()]
}
