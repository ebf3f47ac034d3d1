//! `smelt health`: tells whether a `smelt up` beside it still reaches the lake, by a file that every such tick touches.

use std::fs::{FileTimes, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;

use crate::output::print;
use smelt_common::clock::{Clock, apart};
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, files};

/// The environment variable that names the file, unless a flag does.
pub(crate) const VARIABLE: &str = "SMELT_HEARTBEAT";

#[derive(Debug, Args)]
pub(crate) struct Health {
    /// The file that `smelt up` touches after every tick that reached the lake
    #[arg(long, value_name = "FILE", env = VARIABLE, hide_env_values = true)]
    heartbeat: PathBuf,
    /// The longest time since the last such tick
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = smelt_common::text::duration)]
    within: Duration,
}

impl Health {
    pub(crate) fn run(self) -> Result<ExitCode> {
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

/// Touches the file, for `smelt health` to look at.
pub(crate) fn beat(file: &Path) -> Result<()> {
    let touch = || -> io::Result<()> {
        let times = FileTimes::new().set_modified(Clock::System.now().into());
        files::open_with(file, OpenOptions::new().create(true).append(true))?.0.set_times(times)
    };
    touch().map_err(|error| Error::new(Kind::Unavailable, format!("cannot touch `{}`: {error}", file.display())))
}
