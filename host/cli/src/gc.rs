//! `smelt gc`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::table::{render, thousands};
use super::{Common, print, print_json};
use smelt_common::clock::Clock;
use smelt_common::error::Result;
use smelt_engine::integrity::{Garbage, collect, garbage};

/// What to delete.
#[derive(Debug, Args)]
pub(super) struct Gc {
    /// Delete it; without this nothing is changed
    #[arg(long)]
    delete: bool,
    /// Only what was written longer ago than this: a host may still be about to commit it
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = smelt_common::text::duration)]
    grace: Duration,
    /// Also what is kept for rollbacks: what ran before a promotion can still be brought back, by making it anew
    #[arg(long)]
    former: bool,
}

impl Gc {
    /// Needs the lake alone, not the pipeline.
    pub(super) fn run(self, common: &Common) -> Result<ExitCode> {
        let lake = common.lake()?;
        lake.expect()?;
        let store = lake.open()?;
        let (garbage, damaged) = match self.delete {
            true => (collect(&*store, self.grace, self.former, Clock::System.now())?, vec![]),
            false => garbage(&*store, self.grace, self.former)?,
        };
        for error in &damaged {
            tracing::error!("{error}; until then this is as of the commit before, and nothing can be deleted");
        }
        let exit = if damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        if common.json {
            print_json(&json!({"deleted": self.delete, "objects": garbage}))?;
            return Ok(exit);
        }
        let mut text = String::new();
        if !garbage.is_empty() {
            text.push_str(&render(&["object", "bytes", "age"], &garbage.iter().map(row).collect::<Vec<_>>()));
            text.push('\n');
        }
        let bytes = thousands(garbage.iter().map(|garbage| garbage.bytes).sum());
        let done = match (garbage.is_empty(), self.delete) {
            (true, _) => "nothing is left over",
            (_, true) => "deleted",
            (_, false) => "left over; --delete deletes them",
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
