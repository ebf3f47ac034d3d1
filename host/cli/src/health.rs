//! `smelt health`: whether a `smelt up` beside it still does its work; and the sign of life that this looks at.

use std::fs::{FileTimes, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;

use super::print;
use smelt_common::clock::{Clock, apart};
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, files};

/// The environment variable that may name the file.
pub(super) const VARIABLE: &str = "SMELT_HEARTBEAT";

/// What to look at.
#[derive(Debug, Args)]
pub(super) struct Health {
    /// The file that `smelt up` touches
    #[arg(long, value_name = "FILE", env = VARIABLE, hide_env_values = true)]
    heartbeat: PathBuf,
    /// How long ago the last tick that reached the lake may have ended
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = smelt_common::text::duration)]
    within: Duration,
}

impl Health {
    pub(super) fn run(self) -> Result<ExitCode> {
        let Self { heartbeat, within } = self;
        let unhealthy = |why: String| Error::new(Kind::Unavailable, format!("unhealthy: {why}"));
        let touched = heartbeat.metadata().and_then(|metadata| match files::no_file(metadata.file_type()) {
            None => metadata.modified(),
            Some(error) => Err(error),
        });
        let touched = touched.map_err(|error| unhealthy(format!("`{}`: {error}", heartbeat.display())))?;
        let (now, touched) = (Clock::System.now(), DateTime::<Utc>::from(touched));
        let seconds = Duration::from_secs(apart(now.timestamp_micros(), touched.timestamp_micros()).as_secs());
        let ago = humantime::format_duration(seconds);
        if seconds > within {
            let most = humantime::format_duration(within);
            return Err(unhealthy(match touched > now {
                true => {
                    format!("the last tick that reached the lake ended {ago} ahead of this clock, more than {most}")
                }
                false => format!("the last tick that reached the lake ended {ago} ago, more than {most}"),
            }));
        }
        print(&format!("healthy: the last tick that reached the lake ended {ago} ago\n"));
        Ok(ExitCode::SUCCESS)
    }
}

/// Gives a sign of life.
pub(super) fn beat(file: &Path) -> Result<()> {
    let touch = || -> io::Result<()> {
        let times = FileTimes::new().set_modified(Clock::System.now().into());
        files::open_with(file, OpenOptions::new().create(true).append(true))?.0.set_times(times)
    };
    touch().map_err(|error| Error::new(Kind::Unavailable, format!("cannot touch `{}`: {error}", file.display())))
}
