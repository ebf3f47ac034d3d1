//! The environment variables that smelt reads.

use std::path::PathBuf;

use smelt_common::Error;
use smelt_common::error::Result;

/// Returns the value of a variable, unless it is not set or empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Refuses a variable of smelt or MinIO that is not UTF-8. [`variable`] would take it for one that is not set.
pub(crate) fn expect_utf8() -> Result<()> {
    for (name, value) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if (name.starts_with("SMELT_") || name.starts_with("MINIO_")) && value.to_str().is_none() {
            return Err(Error::config(format!("the environment variable {name} is not UTF-8")));
        }
    }
    Ok(())
}

/// Returns the directory for compiled components: `SMELT_CACHE_DIR`, or `smelt` in the user's cache; `None` without a home.
pub(crate) fn cache_directory() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    set("SMELT_CACHE_DIR").or_else(|| cache.map(|cache| cache.join("smelt")))
}
