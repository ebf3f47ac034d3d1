//! `smelt quarantine`: the verbs for rejected rows, one file a verb.

mod held;
mod list;
mod purge;
mod replay;
mod show;
mod stats;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use self::held::Which;
use crate::common::Common;
use smelt_common::error::Result;

#[derive(Debug, Args)]
pub(crate) struct Quarantine {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show which bronze objects have rejected rows
    List(Which),
    /// Show the rows themselves; they may hold personal data
    Show(show::Show),
    /// Show how many rows each rule rejects
    Stats(Which),
    /// Send only the rejected rows through a component, and show which would pass now
    Replay(replay::Replay),
    /// Show, or delete, rows that were rejected long ago; they stay counted
    Purge(purge::Purge),
}

impl Quarantine {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        match &self.verb {
            Verb::List(which) => list::run(common, which),
            Verb::Show(show) => show.run(common),
            Verb::Stats(which) => stats::run(common, which),
            Verb::Replay(replay) => replay.run(common),
            Verb::Purge(purge) => purge.run(common),
        }
    }
}
