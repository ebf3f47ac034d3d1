//! `smelt clean`: turns new bronze objects into silver.

use std::process::ExitCode;

use clap::Args;

use crate::common::Common;
use crate::work::RunFlags;
use smelt_common::error::Result;
use smelt_engine::run::Host;

#[derive(Debug, Args)]
pub(crate) struct Clean {
    #[command(flatten)]
    flags: RunFlags,
}

impl Clean {
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        self.flags.run(common, Host::clean)
    }
}
