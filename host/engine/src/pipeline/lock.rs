//! `smelt.lock`: which components a pipeline runs, beside its manifest.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::manifest::Manifest;
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, files};
use smelt_runtime::Limits;

const HEAD: &str = "\
# Which components the pipeline runs. Written by `smelt plugin lock`; any other component is refused.
# `smelt plugin lock --update [NAME]` pins what is there now.
";

/// What is pinned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// In the order of their names.
    #[serde(default)]
    pub plugin: Vec<Pin>,
}

/// One plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// As in the manifest.
    pub name: String,
    /// The version it gives itself.
    pub version: String,
    /// The component's sha256.
    pub sha256: String,
    /// The contract's version.
    pub contract: String,
    /// What it imports, in full.
    pub imports: Vec<String>,
    /// What it may use, by the section that uses it (`kpi.aov`) and the limit's key.
    pub limits: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Lock {
    /// The lock of the manifest, if there is one; one that the manifest requires must be there.
    pub fn of(manifest: &Manifest) -> Result<Option<Self>> {
        match Self::read(&manifest.lock)? {
            None if manifest.pipeline.locked => Err(Error::config(format!(
                "there is no lock `{}`, which --locked or `[pipeline] locked` requires: `smelt plugin lock` writes it",
                manifest.lock.display()
            ))),
            found => Ok(found),
        }
    }

    /// The lock in the file, if there is such a file.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let shown = path.display();
        let text = match files::read_text(path, files::TEXT_BYTES) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| Error::unreadable(format!("the lock `{shown}`"), &error))?,
        };
        let lock = toml::from_str(&text);
        lock.map(Some).map_err(|error| Error::config(format!("`{shown}`: {}", error.to_string().trim_end())))
    }

    /// Writes it beside the manifest, whole or not at all.
    pub fn write(&self, manifest: &Manifest) -> Result<()> {
        let path = &manifest.lock;
        let text = toml::to_string(self).map_err(|error| Error::internal(error.to_string()))?;
        let partial = path.with_extension("lock.partial");
        let written = files::write(&partial, format!("{HEAD}\n{text}")).and_then(|()| fs::rename(&partial, path));
        written.map_err(|error| Error::new(Kind::Unavailable, format!("cannot write `{}`: {error}", path.display())))
    }

    /// What is pinned of the plugin.
    pub fn pin(&self, plugin: &str) -> Option<&Pin> {
        self.plugin.iter().find(|pin| pin.name == plugin)
    }

    /// Refuses a component that is not the pinned one, and limits that are not the pinned ones.
    pub(super) fn check(&self, plugin: &str, binary: &Binary, section: &str, limits: &Limits) -> Result<()> {
        let Some(pin) = self.pin(plugin) else {
            return Err(Error::config(format!(
                "plugin `{plugin}` is not in the lock: `smelt plugin lock --update {plugin}` pins it"
            )));
        };
        pin.expect(binary.sha256())?;
        let given: BTreeMap<_, _> = limits.list().into();
        let pinned = pin.limits.get(section);
        // A limit that the lock lacks is one that this smelt has and an earlier one had not.
        let other = pinned.into_iter().flatten().find(|(key, value)| given.get(key.as_str()) != Some(*value));
        match (pinned, other) {
            (Some(_), None) => Ok(()),
            (None, _) => Err(Error::config(format!(
                "the lock has no limits of plugin `{plugin}` for it: `smelt plugin lock --update {plugin}` pins them"
            ))),
            (_, Some((key, value))) => {
                let now = given.get(key.as_str()).map_or("no limit".to_owned(), u64::to_string);
                Err(Error::config(format!(
                    "limits of plugin `{plugin}`: {key} is {now}, and {value} in the lock: \
                     `smelt plugin lock --update {plugin}` accepts it"
                )))
            }
        }
    }
}

impl Pin {
    /// Refuses another component.
    pub fn expect(&self, sha256: &str) -> Result<()> {
        let Self { name, version, sha256: pinned, .. } = self;
        match sha256 == pinned {
            true => Ok(()),
            false => Err(Error::config(format!(
                "plugin `{name}` has sha256 {sha256}, and the lock pins {pinned} ({version}): \
                 `smelt plugin lock --update {name}` accepts it"
            ))),
        }
    }
}
