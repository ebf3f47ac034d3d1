//! `smelt run`: cleans and aggregates until nothing is left to do.

use std::process::ExitCode;

use clap::Args;

use crate::common::Common;
use crate::work::RunFlags;
use smelt_common::error::Result;
use smelt_engine::run::Host;

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    flags: RunFlags,
}

impl Run {
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        self.flags.run(common, Host::run)
    }
}
