//! The crates of the workspace, as their manifests describe them.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::paths;
use crate::process::{cargo, output};

/// The crates of the workspace, from `cargo metadata`.
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
}

pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, relative to the root.
    pub(crate) dir: PathBuf,
    /// The root files of its library and its programs, the library's first.
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) dependencies: Vec<Dependency>,
}

pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Set if only tests and benchmarks need it.
    pub(crate) is_dev: bool,
}

impl Workspace {
    pub(crate) fn read() -> Result<Self> {
        let metadata = output(cargo().args(["metadata", "--no-deps", "--format-version", "1", "--locked"]))?;
        let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata wrote no JSON")?;
        let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
        let mut packages: Vec<_> = packages
            .iter()
            .map(Package::read)
            .collect::<Option<_>>()
            .context("cargo metadata describes a package in a form that xtask does not know")?;
        packages.sort_by(|a, b| a.dir.cmp(&b.dir));
        Ok(Self { packages })
    }

    /// Returns the crates below `host/`, or the one crate that is all of it.
    pub(crate) fn host(&self) -> Vec<&Package> {
        self.packages.iter().filter(|package| package.dir.starts_with("host")).collect()
    }
}

impl Package {
    fn read(package: &Value) -> Option<Self> {
        let dir = PathBuf::from(package["manifest_path"].as_str()?);
        let dir = dir.parent()?.strip_prefix(paths::root()).ok()?.to_owned();
        let mut roots = Vec::new();
        for target in package["targets"].as_array()? {
            let kinds: Vec<_> = target["kind"].as_array()?.iter().filter_map(Value::as_str).collect();
            let is_code = kinds.iter().any(|kind| *kind == "bin" || kind.ends_with("lib") || *kind == "proc-macro");
            if is_code {
                roots.push((kinds.contains(&"bin"), PathBuf::from(target["src_path"].as_str()?)));
            }
        }
        roots.sort();
        let dependencies = package["dependencies"].as_array()?.iter().map(|dependency| {
            let name = dependency["name"].as_str()?.to_owned();
            Some(Dependency { name, is_dev: dependency["kind"] == "dev" })
        });
        Some(Self {
            name: package["name"].as_str()?.to_owned(),
            dir,
            roots: roots.into_iter().map(|(_, root)| root).collect(),
            dependencies: dependencies.collect::<Option<_>>()?,
        })
    }
}
