//! `smelt aggregate`: brings every table and KPI up to date with silver.

use std::process::ExitCode;

use clap::Args;

use crate::common::Common;
use crate::profile::Profile;
use crate::scope::Scope;
use crate::work::RunFlags;
use smelt_common::error::Result;
use smelt_engine::run::Host;

#[derive(Debug, Args)]
pub(crate) struct Aggregate {
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    profile: Profile,
}

impl Aggregate {
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        RunFlags::only(self.scope, self.profile).run(common, Host::aggregate)
    }
}
