//! `smelt quality`: the objects that checks judge as a whole, and decisions about them.

mod decide;
mod list;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use self::decide::{Decide, Undo};
use self::list::List;
use crate::common::Common;
use smelt_catalog::Verb as Direction;
use smelt_common::error::Result;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
An object counts only if no expectation failed, or if a person releases it. One that does not count is held: none of its rows is in \
silver, gold or quarantine, and it stays whole in bronze. A decision is bound to the object's bytes; the next run acts on it."
)]
pub(crate) struct Quality {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show what each expectation says of an object
    Show(show::Show),
    /// Let in an object that was refused
    Release(Decide),
    /// Keep an object out
    Withhold(Decide),
    /// Take back what was decided about an object
    Undo(Undo),
}

impl Quality {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        match &self.verb {
            None => self.list.run(common),
            Some(Verb::Show(show)) => show.run(common),
            Some(Verb::Release(decide)) => decide.run(common, Direction::Release),
            Some(Verb::Withhold(decide)) => decide.run(common, Direction::Withhold),
            Some(Verb::Undo(undo)) => undo.run(common),
        }
    }
}
