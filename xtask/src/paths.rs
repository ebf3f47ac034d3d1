//! The paths of the repository.

use std::path::{Path, PathBuf};

/// Returns the root of the workspace, in which every command runs.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// Returns the host's target directory.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// Returns the directory of the finished components.
pub(crate) fn components() -> PathBuf {
    target().join("components")
}

/// Returns the directory of programs that were built for the tests.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

/// Returns the directory of the Python environment with other people's clients.
pub(crate) fn clients() -> PathBuf {
    tools().join("clients")
}

/// Returns the path of the host's binary, as `process::cargo` builds it in release.
pub(crate) fn smelt() -> PathBuf {
    target().join("release").join(format!("smelt{}", std::env::consts::EXE_SUFFIX))
}

/// Returns the path of the host's binary, as the demo builds it.
pub(crate) fn demo_smelt() -> PathBuf {
    target().join("demo").join(format!("smelt{}", std::env::consts::EXE_SUFFIX))
}

/// Returns the path for people to read: relative to the root if it lies below the root.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
