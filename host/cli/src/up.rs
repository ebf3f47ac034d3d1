//! `smelt up`: generates, cleans and aggregates in ticks, until a signal.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::common::Common;
use crate::follow::Following;
use crate::health;
use crate::output::{is_unread, print, print_json_lines};
use crate::profile;
use crate::profile::Profile;
use crate::report::{as_json, complain, done};
use crate::schedule::{Roles, Tick, signal, up};
#[cfg(feature = "server")]
use crate::serve::{Address, Beside};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::lake::Lake;

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// The time from the beginning of one tick to the next, such as 5s; by default the manifest's
    #[arg(long, value_parser = smelt_common::text::duration)]
    every: Option<Duration>,
    /// The part of the work that this process does, beside others that share the lake; by default all that the pipeline has
    #[arg(long, value_enum, value_name = "ROLE")]
    role: Vec<Role>,
    /// Only clean and aggregate what others put into bronze
    #[arg(long, conflicts_with = "role")]
    no_generate: bool,
    /// A file to touch after every tick that reached the lake, which `smelt health` looks at
    #[arg(long, value_name = "FILE", env = health::VARIABLE, hide_env_values = true)]
    heartbeat: Option<PathBuf>,
    /// Also show the lake in a browser, as `smelt serve` does
    #[cfg(feature = "server")]
    #[arg(long)]
    serve: bool,
    #[cfg(feature = "server")]
    #[command(flatten)]
    address: Address,
    #[command(flatten)]
    profile: Profile,
}

/// A part of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Bring raw files to bronze: those that other systems have, and test data
    Generate,
    /// Turn new bronze into silver
    Clean,
    /// Bring gold up to date with silver
    Aggregate,
}

impl Up {
    /// Returns the roles that the flags choose, of those that the pipeline has.
    fn roles(&self, has_sources: bool) -> Result<Roles> {
        let takes = |role| self.role.is_empty() || self.role.contains(&role);
        if self.role.contains(&Role::Generate) && !has_sources {
            return Err(Error::config("nothing to generate: the pipeline has no [source.<name>]"));
        }
        Ok(Roles {
            generate: takes(Role::Generate) && !self.no_generate && has_sources,
            clean: takes(Role::Clean),
            aggregate: takes(Role::Aggregate),
        })
    }

    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        self.profile.start();
        // A host that generates may make a lake. One that only cleans or aggregates needs a lake to begin with.
        let generates = !self.no_generate && (self.role.is_empty() || self.role.contains(&Role::Generate));
        if let (false, lake @ Lake::Directory(_)) = (generates, common.lake()?) {
            lake.expect()?;
        }
        let following = Arc::new(Following::begin(common)?);
        let host = following.host();
        let every = self.every.unwrap_or(host.pipeline().schedule.every);
        if every.is_zero() {
            return Err(Error::config("the time between ticks must not be zero"));
        }
        let roles = self.roles(!host.pipeline().sources.is_empty() || !host.sources.connected.is_empty())?;
        if roles.clean
            && let Err(error) = host.state().and_then(|state| host.expect_key(&state))
            && error.kind() == Kind::InvalidConfig
        {
            return Err(error);
        }
        #[cfg(feature = "server")]
        let beside = self.serve.then(|| Beside::begin(common, &self.address)).transpose()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::new(Kind::Unavailable, format!("cannot start tokio: {error}")))?;
        // A warning about bronze is logged once, not at every tick.
        let mut said = HashSet::new();
        let unread = tokio::sync::Notify::new();
        let show = |tick: Result<Tick>| match tick {
            Ok(mut tick) => {
                if let Some(file) = &self.heartbeat
                    && let Err(error) = health::beat(file)
                {
                    tracing::error!("{error}");
                }
                show(common, &following.host(), &tick);
                tick.report.warnings.retain(|warning| said.insert(warning.clone()));
                tick.report.unmatched.retain(|name| said.insert(name.clone()));
                tick.report.unrecognised.retain(|(source, file)| said.insert(format!("source.{source}: {file}")));
                // The tables stay held for the same reason, tick after tick.
                let held = tick.report.held.take_if(|held| held.sentences().into_iter().all(|it| said.contains(&it)));
                said.extend(held.iter().chain(&tick.report.held).flat_map(|held| held.sentences()));
                tick.report.parked.retain(|parked| said.insert(format!("{}: {}", parked.name, parked.why)));
                complain(&tick.report);
                // Without a reader, as after `smelt up | head`, the command ends.
                if is_unread() {
                    unread.notify_one();
                }
            }
            Err(error) => tracing::error!("{error}; trying again at the next tick"),
        };
        let shutdown = async {
            tokio::select! {
                signalled = signal() => signalled.unwrap_or_else(|error| tracing::error!("{error}")),
                () = unread.notified() => {}
            }
        };
        let follower = Arc::clone(&following);
        runtime.block_on(up(every, move |number| follower.tick(number, roles), shutdown, show))?;
        #[cfg(feature = "server")]
        if let Some(beside) = beside {
            beside.end()?;
        }
        if common.json && self.profile.is_wanted() {
            let mut json = json!({});
            profile::add_to(&mut json);
            print_json_lines(&format!("{json}\n"));
        } else {
            print(&profile::as_text());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes one line for the tick.
fn show(common: &Common, host: &smelt_engine::run::Host, tick: &Tick) {
    let Tick { number, generated, report, took } = tick;
    if common.json {
        if let Ok(json) = as_json(host, report, *took) {
            print_json_lines(&format!("{json}\n"));
        }
        return;
    }
    print(&format!("tick {number}: {generated} generated, {} in {:.2} s\n", done(report), took.as_secs_f64(),));
}
