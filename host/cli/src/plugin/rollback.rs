//! `smelt plugin rollback`: goes back to the component that ran before the last promotion, and to what it had made.

use std::process::ExitCode;

use clap::Args;

use crate::common::Common;
use crate::current::Current;
use crate::promotion::Candidate;
use smelt_catalog::{Catalog, kept_component};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_engine::manifest::Manifest;
use smelt_engine::run::Way;

#[derive(Debug, Args)]
#[command(after_help = "\
What the previous component had made is the rollback point, which the lake keeps until the next promotion. It becomes current \
again as it was; smelt reads no bronze and calls no plugin. The next run takes in what came since. A second rollback undoes the \
first. smelt rebuilds what was made with other parameters, and everything if the rollback point was deleted \
(`smelt gc --rollback-points`).")]
pub(super) struct Rollback {
    /// The plugin's name
    plugin: String,
    /// Rebuild datasets even if bronze no longer holds all that they were made from, without the rows that are gone
    #[arg(long)]
    forget_missing: bool,
}

impl Rollback {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let Self { plugin, forget_missing } = self;
        let store = common.existing_lake()?.open()?;
        let catalog = Catalog::load(&*store)?;
        let previous = catalog.state().rollback_points.get(plugin).ok_or_else(|| {
            Error::config(format!("there is nothing to roll back: no component of plugin `{plugin}` was promoted"))
        })?;
        let binary = match kept_component(&*store, &previous.component) {
            // The lake does not keep a component that has made nothing yet. The pipeline may still have it.
            Err(error) if error.kind() == Kind::Damaged => {
                let own = Current::of(common, &Manifest::read(&common.pipeline)?)?.own(plugin, u64::MAX)?;
                if own.sha256() == previous.component { own } else { return Err(error) }
            }
            kept => kept?,
        };
        Candidate { plugin, binary: &binary, forget_missing: *forget_missing, way: Way::Back }.make_current(common)
    }
}
