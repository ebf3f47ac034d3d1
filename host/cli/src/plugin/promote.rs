//! `smelt plugin promote`: makes another component of a plugin current, with all that it makes.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::common::Common;
use crate::components::read_file;
use crate::promotion::Candidate;
use smelt_common::error::Result;
use smelt_engine::run::Way;
use smelt_runtime::plugin_of;

#[derive(Debug, Args)]
#[command(after_help = "\
The lake keeps the component, which runs from now on in place of the one that the pipeline has. smelt first computes what the \
component makes of the lake. Both become current in the same commit; if anything fails, nothing has happened. A running \
`smelt up` follows at its next tick. `smelt plugin diff` shows beforehand what would change.")]
pub(super) struct Promote {
    /// The component; the name of its file is the name of the plugin
    component: PathBuf,
    /// Rebuild datasets even if bronze no longer holds all that they were made from, without the rows that are gone
    #[arg(long)]
    forget_missing: bool,
}

impl Promote {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        common.existing_lake()?;
        let binary = read_file(&self.component, u64::MAX)?;
        let plugin = plugin_of(&self.component);
        let Self { component: _, forget_missing } = *self;
        Candidate { plugin: &plugin, binary: &binary, forget_missing, way: Way::Forward }.make_current(common)
    }
}
