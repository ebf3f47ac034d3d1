//! Opens the sources of a manifest that other systems have, and the directories that plugins of sources write to.

use std::collections::BTreeMap;

use crate::manifest::Manifest;
use smelt_common::error::Result;
use smelt_connectors::{Directory, DirectorySource, Source, SourceKind, Surroundings};

/// The places from which raw files come, and those that get what plugins make.
#[derive(Default)]
pub struct Sources {
    /// The sources that other systems have.
    pub connected: Vec<Box<dyn Source>>,
    /// The directories that get what plugins of sources make, by source. Bronze gets what others make.
    pub doors: BTreeMap<String, Directory>,
}

/// Opens the sources that the manifest names. Nothing is read or written yet.
///
/// # Errors
/// A section is wrong.
pub fn open(manifest: &Manifest, around: Surroundings<'_>) -> Result<Sources> {
    let mut sources = Sources::default();
    for (name, keys) in manifest.connectors() {
        let source = match keys.kind {
            SourceKind::Directory => {
                DirectorySource::open(name, &keys.from, keys.files.as_deref(), keys.rules.clone(), around)
            }
        };
        sources.connected.push(Box::new(source.map_err(|error| error.context(format!("[source.{name}]")))?));
    }
    for (name, section) in manifest.generators() {
        if let Some(to) = &section.own.to {
            let door = Directory::find(to, around);
            let door = door.map_err(|error| error.context(format!("[source.{name}]: to = \"{to}\"")))?;
            sources.doors.insert(name.clone(), door);
        }
    }
    Ok(sources)
}
