//! The commands that are measured.

use std::path::Path;
use std::process::Command;

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
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Ecommerce => "pipelines/ecommerce",
            Self::Analytics => "pipelines/analytics",
        }
    }
}

/// Returns the command `smelt run` on that lake.
pub(super) fn run(smelt: &Path, pipeline: Pipeline, lake: &Path) -> Command {
    command(smelt, "run", pipeline, lake)
}

/// Returns a command such as `run` on that lake.
pub(super) fn command(smelt: &Path, name: &str, pipeline: Pipeline, lake: &Path) -> Command {
    let mut command = tool(smelt);
    command.args([name, "--pipeline", pipeline.path(), "--lake"]).arg(lake);
    if let Pipeline::Analytics = pipeline {
        command.args(["--as-of", AS_OF]);
    }
    command
}
