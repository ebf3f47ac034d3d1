//! `smelt plugin`: the verbs that make, test, compare, promote and pin plugins, one file a verb.

mod component;
mod diff;
mod inspect;
mod list;
mod lock;
mod new;
mod promote;
mod rollback;
mod test;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::common::Common;
use smelt_common::error::Result;

#[derive(Debug, Args)]
pub(crate) struct Plugin {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a small project that builds to a component
    New(new::New),
    /// Test whether a component keeps the contract, and show what it costs
    Test(test::Test),
    /// Show what a component is, what it says of itself and what it may use
    Inspect(inspect::Inspect),
    /// Show the plugins that the pipeline could use, and which sections use them
    List(list::List),
    /// Show what another component of a plugin would change; changes nothing
    Diff(diff::Compare),
    /// Make another component of a plugin current, with all that it makes, in one commit
    Promote(promote::Promote),
    /// Go back to the component that ran before the last promotion, and to what it had made
    Rollback(rollback::Rollback),
    /// Pin the components that the pipeline uses, in a lock beside its manifest
    Lock(lock::Pinning),
}

impl Plugin {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        match &self.verb {
            Verb::New(new) => new.run(common),
            Verb::Test(test) => test.run(common),
            Verb::Inspect(inspect) => inspect.run(common),
            Verb::List(list) => list.run(common),
            Verb::Diff(compare) => compare.run(common),
            Verb::Promote(promote) => promote.run(common),
            Verb::Rollback(rollback) => rollback.run(common),
            Verb::Lock(pinning) => pinning.run(common),
        }
    }
}
