//! What a step comes to.

use std::collections::BTreeMap;

use smelt_common::Error;
use smelt_common::error::{Kind, Result};

/// Fails with the first dataset that is damaged, or of what failed, by name, if there is any. What reads a damaged dataset fails
/// for that.
pub(crate) fn first(
    failures: impl IntoIterator<Item = (String, Error)>,
    damaged: &BTreeMap<String, String>,
) -> Result<()> {
    if let Some((dataset, why)) = damaged.first_key_value() {
        return Err(Error::new(Kind::Damaged, format!("dataset `{dataset}`: {why}; `smelt run` makes it anew")));
    }
    match failures.into_iter().next() {
        Some((what, error)) => Err(error.context(what)),
        None => Ok(()),
    }
}
