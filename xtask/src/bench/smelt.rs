//! The commands that are measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::paths;
use crate::process::tool;

/// The day that the plugins of [`Pipeline::Analytics`] are told.
pub(super) const AS_OF: &str = "2025-11-18";

/// A pipeline of this repository that is measured.
#[derive(Clone, Copy)]
pub(super) enum Pipeline {
    Ecommerce,
    Analytics,
}

impl Pipeline {
    /// Returns the path of the manifest's directory.
    pub(super) fn path(self) -> PathBuf {
        match self {
            Self::Ecommerce => "pipelines/ecommerce".into(),
            Self::Analytics => paths::target().join("bench-pipeline"),
        }
    }

    /// Writes the manifest of [`Pipeline::Analytics`] without its sources and sinks: a tick that writes a few rows of a large table
    /// is measured, and not the whole files that a sink would write again.
    pub(super) fn prepare() -> Result<()> {
        let own = paths::root().join("pipelines/analytics/smelt.toml");
        let text = fs::read_to_string(&own).with_context(|| format!("no {}", paths::shown(&own)))?;
        let mut is_kept = true;
        let kept = text.lines().filter(|line| {
            if line.starts_with('[') {
                is_kept = !["[source.", "[sink."].iter().any(|section| line.starts_with(section));
            }
            is_kept
        });
        let components = paths::components().display().to_string();
        let kept = kept.collect::<Vec<_>>().join("\n").replace("../../target/components", &components) + "\n";
        let directory = Self::Analytics.path();
        fs::create_dir_all(&directory)?;
        Ok(fs::write(directory.join("smelt.toml"), kept)?)
    }
}

/// Returns the command `smelt run` on that lake.
pub(super) fn run(smelt: &Path, pipeline: Pipeline, lake: &Path) -> Command {
    command(smelt, "run", pipeline, lake)
}

/// Returns a command such as `run` on that lake.
pub(super) fn command(smelt: &Path, name: &str, pipeline: Pipeline, lake: &Path) -> Command {
    let mut command = tool(smelt);
    command.args([name, "--pipeline"]).arg(pipeline.path()).arg("--lake").arg(lake);
    if let Pipeline::Analytics = pipeline {
        command.args(["--as-of", AS_OF]);
    }
    command
}
