//! Runs a role of the host once, for `smelt clean`, `aggregate`, `run` and `quarantine replay --apply`.

use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use crate::common::Common;
use crate::output::{print, print_json};
use crate::profile;
use crate::profile::Profile;
use crate::report::{as_json, as_text, complain};
use crate::scope::Scope;
use smelt_common::error::Result;
use smelt_engine::run::{Host, Report};

/// The flags of the verbs that read bronze.
#[derive(Debug, Default, Args)]
pub(crate) struct RunFlags {
    /// Look for bronze objects that are gone, and rebuild their datasets without the rows of these objects
    #[arg(long)]
    forget_missing: bool,
    /// If the lake has lost its catalog: remove silver, gold and quarantine of this pipeline, and rebuild them from bronze
    #[arg(long)]
    rebuild: bool,
    /// Compare all of bronze with the catalog, which finds objects that were replaced; otherwise smelt does so once an hour
    #[arg(long)]
    reconcile: bool,
    /// Try again what is parked because its plugin failed at it several times
    #[arg(long)]
    retry_parked: bool,
    /// Accept another pseudonym key than the lake was written with, and rebuild the datasets that have pseudonyms
    #[arg(long)]
    new_key: bool,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    profile: Profile,
}

impl RunFlags {
    /// Returns flags of which only these may be set.
    pub(crate) fn only(scope: Scope, profile: Profile) -> Self {
        Self { scope, profile, ..Self::default() }
    }

    /// Runs the role, shows what it did, and returns the exit status.
    pub(crate) fn run(self, common: &Common, role: impl Fn(&Host) -> Result<Report>) -> Result<ExitCode> {
        let began = Instant::now();
        self.profile.start();
        common.with_host(|host| {
            host.forget_missing = self.forget_missing;
            host.rebuild = self.rebuild;
            host.reconcile = self.reconcile;
            host.retry_parked = self.retry_parked;
            host.new_key = self.new_key;
            self.scope.apply_to(host)?;
            show(common, host, &role(host)?, began)
        })
    }
}

/// Cleans and aggregates with a host that is loaded already, shows what that did, and returns the exit status.
pub(crate) fn clean_and_aggregate(common: &Common, host: &Host) -> Result<ExitCode> {
    let began = Instant::now();
    show(common, host, &host.run()?, began)
}

fn show(common: &Common, host: &Host, report: &Report, began: Instant) -> Result<ExitCode> {
    let took = began.elapsed();
    if common.json {
        let mut json = as_json(host, report, took)?;
        profile::add_to(&mut json);
        print_json(&json)?;
    } else {
        print(&as_text(host, report, took)?);
        print(&profile::as_text());
    }
    Ok(complain(report))
}
