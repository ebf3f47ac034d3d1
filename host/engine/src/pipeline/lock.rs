//! The lock, `smelt.lock`: the components that a pipeline may run, in a file beside its manifest.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::manifest::Manifest;
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, files};
use smelt_runtime::Limits;

/// The comment at the beginning of the file.
const HEAD: &str = "\
# `smelt plugin lock` wrote this file. smelt refuses every component that it does not pin.
# `smelt plugin lock --update [NAME]` pins the components that run now.
";

/// The components that are pinned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The pins, in the order of the plugins' names.
    #[serde(default)]
    pub plugin: Vec<Pin>,
}

/// The pinned component of one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The plugin's name, as in the manifest.
    pub name: String,
    /// The version that the component gives itself.
    pub version: String,
    /// The component's sha256.
    pub sha256: String,
    /// The version of the contract that the component keeps.
    pub contract: String,
    /// The component's imports, with their versions.
    pub imports: Vec<String>,
    /// The plugin's limits, by the section that uses it (`kpi.aov`) and by the limit's key.
    pub limits: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Lock {
    /// Reads the lock of the manifest, if there is one. Fails if the manifest requires a lock and there is none.
    pub fn of(manifest: &Manifest) -> Result<Option<Self>> {
        match Self::read(&manifest.lock)? {
            None if manifest.pipeline.locked => Err(Error::config(format!(
                "there is no lock `{}`, which --locked or `[pipeline] locked` requires: `smelt plugin lock` writes it",
                manifest.lock.display()
            ))),
            found => Ok(found),
        }
    }

    /// Reads the lock in a file; `None` if there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let shown = path.display();
        let text = match files::read_text(path, files::TEXT_BYTES) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| Error::unreadable(format!("the lock `{shown}`"), &error))?,
        };
        let lock = toml::from_str(&text);
        lock.map(Some).map_err(|error| Error::config(format!("`{shown}`: {}", error.to_string().trim_end())))
    }

    /// Writes the lock beside the manifest. Readers see the previous lock or this one, never a part.
    pub fn write(&self, manifest: &Manifest) -> Result<()> {
        let path = &manifest.lock;
        let text = toml::to_string(self).map_err(|error| Error::internal(error.to_string()))?;
        let partial = path.with_extension("lock.partial");
        let written = files::write(&partial, format!("{HEAD}\n{text}")).and_then(|()| fs::rename(&partial, path));
        written.map_err(|error| Error::new(Kind::Unavailable, format!("cannot write `{}`: {error}", path.display())))
    }

    /// Returns the pin of the plugin.
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
        // The lock may lack a limit that the smelt which wrote it did not have yet.
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
    /// Refuses a component that has another sha256 than the pinned one.
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
