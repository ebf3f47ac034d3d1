//! Where components are found.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::config::Manifest;
use crate::error::Result;
use crate::wasm::{Binary, Limits};

/// The directories in which the manifest's plugins are looked for.
pub(crate) fn directories(manifest: &Manifest) -> Vec<PathBuf> {
    manifest.pipeline.plugins.iter().map(|path| manifest.directory.join(path)).collect()
}

/// `<plugin>.wasm` in the first directory that has it.
pub(crate) fn find(directories: &[PathBuf], plugin: &str) -> Result<PathBuf> {
    let candidates = directories.iter().map(|directory| directory.join(format!("{plugin}.wasm")));
    if let Some(path) = candidates.into_iter().find(|path| path.is_file()) {
        return Ok(path);
    }
    let known = names(directories);
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let looked: Vec<_> = directories.iter().map(|directory| directory.display().to_string()).collect();
    Err(Error::config(format!("no plugin `{plugin}` in {}; found there: {known}", looked.join(", "))))
}

/// What [`find`] finds, if it may be that large.
pub(crate) fn read(manifest: &Manifest, plugin: &str, limits: &Limits) -> Result<Binary> {
    Binary::read(&find(&directories(manifest), plugin)?, limits.component_bytes)
}

/// The plugins that can be found, sorted.
pub(crate) fn names(directories: &[PathBuf]) -> Vec<String> {
    let mut names: Vec<_> = directories.iter().flat_map(|directory| components(directory)).collect();
    names.sort();
    names.dedup();
    names
}

fn components(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        Some(entry.ok()?.file_name().to_str()?.strip_suffix(".wasm")?.to_owned())
    };
    entries.filter_map(name).collect()
}
