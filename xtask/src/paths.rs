//! Where things lie in the repository.

use std::path::{Path, PathBuf};

/// The root of the workspace; every command runs in it.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// The host's target directory.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// The finished components.
pub(crate) fn components() -> PathBuf {
    target().join("components")
}

/// Programs that were built for the tests.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

/// The Python environment with clients that are not ours.
pub(crate) fn clients() -> PathBuf {
    tools().join("clients")
}

/// The host's binary, as `process::cargo` builds it in release.
pub(crate) fn smelt() -> PathBuf {
    target().join("release").join(format!("smelt{}", std::env::consts::EXE_SUFFIX))
}

/// As people want to read it: relative to the root where it lies within.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
