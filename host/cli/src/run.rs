//! `smelt run`: takes in what sources have, then cleans and aggregates until nothing is left to do.

use std::process::ExitCode;

use clap::Args;

use crate::common::Common;
use crate::work::RunFlags;
use smelt_common::error::Result;

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    flags: RunFlags,
}

impl Run {
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        self.flags.run(common, |host| {
            let arrived = host.arrive()?;
            let mut report = host.run()?;
            report.after(arrived);
            report.then(host.put_away()?);
            Ok(report)
        })
    }
}
