//! Finds the owner of an object in the lake by the object's key.

use std::time::Duration;

use crate::manifest::OutputFormat;
use smelt_catalog::{ARRIVALS, CHANGES, COMPONENTS, ENTRIES, HELD, INDEX, ROLLBACK_POINTS, ROLLBACK_QUARANTINE, SUMS};
use smelt_storage::PROOFS;
use smelt_storage::layers::{GOLD, QUARANTINE, SILVER};

/// The folders that may hold only objects that a commit references or is about to reference.
pub(super) const OURS: [&str; 12] =
    [SILVER, GOLD, QUARANTINE, CHANGES, ENTRIES, INDEX, SUMS, HELD, ROLLBACK_POINTS, ARRIVALS, COMPONENTS, PROOFS];

/// The age at which an object that no commit references counts as an orphan, if a host may be about to commit it.
pub const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns the dataset, KPI or source that owns the object, if its key is of the kind that a host writes. Any other object in
/// the lake belongs to someone else.
pub(crate) fn owner<'k>(layer: &str, key: &'k str) -> Option<&'k str> {
    if layer == PROOFS || layer == COMPONENTS {
        return key.starts_with(layer).then_some("");
    }
    if layer == ROLLBACK_POINTS {
        return owner(SILVER, key.strip_prefix(ROLLBACK_POINTS)?);
    }
    let rest = if layer == QUARANTINE { key.strip_prefix(ROLLBACK_QUARANTINE) } else { None };
    let (owner, file) = rest.or_else(|| key.strip_prefix(layer))?.split_once('/')?;
    let rest = file.strip_prefix(owner);
    let ours = match layer {
        SILVER => rest.is_some_and(|rest| rest.starts_with("_clean_")),
        QUARANTINE => rest.is_some_and(|rest| rest.starts_with("_rejected_")),
        GOLD => {
            let extension = OutputFormat::of_key(key).extension();
            rest.and_then(|rest| rest.strip_prefix('_')?.strip_suffix(extension)).is_some_and(is_stamp)
        }
        _ => true,
    };
    ours.then_some(owner)
}

/// Returns whether the text has the form `YYYYMMDDTHHMMSS`.
fn is_stamp(text: &str) -> bool {
    text.len() == 15
        && text.bytes().enumerate().all(|(at, byte)| if at == 8 { byte == b'T' } else { byte.is_ascii_digit() })
}
