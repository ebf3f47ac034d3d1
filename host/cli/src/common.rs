//! The flags that every verb takes, and the lake that they name.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::environment::variable;
use smelt_common::error::Result;
use smelt_engine::manifest::Manifest;
use smelt_storage::BucketUrl;
use smelt_storage::lake::{Lake, LakeSection};

/// The pipeline that smelt takes if no flag names one.
const PIPELINE: &str = "pipelines/ecommerce";

/// The flags of every verb.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// The pipeline: a manifest, or a directory with a smelt.toml
    #[arg(long, global = true, value_name = "PATH", default_value = PIPELINE)]
    pub(crate) pipeline: PathBuf,
    /// The lake: a directory, or s3://bucket[/prefix]. The default is SMELT_LAKE, or the manifest's lake, or ./lake
    // An empty value comes from a variable that a script did not set, so it does not mean the default.
    #[arg(long, global = true, value_name = "URL", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    lake: Option<String>,
    /// Refuse a pipeline that has no lock beside its manifest
    #[arg(long, global = true)]
    pub(crate) locked: bool,
    /// Write JSON for programs to standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Write more messages to standard error; given twice, all messages
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl Common {
    /// Returns the lake that the flags, the environment or the manifest name, in this order.
    pub(crate) fn lake(&self) -> Result<Lake> {
        let url = self.lake.clone().or_else(|| variable("SMELT_LAKE"));
        let url = url.as_deref();
        let section = match url {
            // A lake in a directory needs nothing from the manifest, so there need not be one.
            Some(url) if !BucketUrl::is_meant(url) => LakeSection::default(),
            _ => self.lake_section()?,
        };
        Lake::find(url, &section, &variable)
    }

    /// Returns the lake, once it is known to exist.
    pub(crate) fn existing_lake(&self) -> Result<Lake> {
        let lake = self.lake()?;
        lake.expect()?;
        Ok(lake)
    }

    /// Returns the manifest's `[lake]`. It is empty if no flag names a pipeline and the default one does not exist.
    fn lake_section(&self) -> Result<LakeSection> {
        match self.pipeline.exists() || self.pipeline != Path::new(PIPELINE) {
            true => Ok(Manifest::read(&self.pipeline)?.lake),
            false => Ok(LakeSection::default()),
        }
    }
}
