//! Whose an object of the lake is, going by its name.

use std::time::Duration;

use smelt_catalog::{CHANGES, COMPONENTS, ENTRIES, INDEX, ROLLBACK_POINTS, ROLLBACK_QUARANTINE, SUMS};
use smelt_storage::PROOFS;
use smelt_storage::layers::{GOLD, QUARANTINE, SILVER};

/// Where only objects lie that some commit names, or is about to.
pub(super) const OURS: [&str; 10] =
    [SILVER, GOLD, QUARANTINE, CHANGES, ENTRIES, INDEX, SUMS, ROLLBACK_POINTS, COMPONENTS, PROOFS];

/// How old what no commit names must be before it is taken for left over, where a host may be about to commit it.
pub const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// Whose the object is, if it is named as a host names what it writes; anything else in the lake is someone else's.
pub(crate) fn owner<'k>(layer: &str, key: &'k str) -> Option<&'k str> {
    if layer == PROOFS || layer == COMPONENTS {
        return key.starts_with(layer).then_some("");
    }
    if layer == ROLLBACK_POINTS {
        return owner(SILVER, key.strip_prefix(ROLLBACK_POINTS)?);
    }
    let former = if layer == QUARANTINE { key.strip_prefix(ROLLBACK_QUARANTINE) } else { None };
    let (owner, file) = former.or_else(|| key.strip_prefix(layer))?.split_once('/')?;
    let rest = file.strip_prefix(owner);
    let ours = match layer {
        SILVER => rest.is_some_and(|rest| rest.starts_with("_clean_")),
        QUARANTINE => rest.is_some_and(|rest| rest.starts_with("_rejected_")),
        GOLD => rest.and_then(|rest| rest.strip_prefix('_')?.strip_suffix(".csv")).is_some_and(is_stamp),
        _ => true,
    };
    ours.then_some(owner)
}

/// `YYYYMMDDTHHMMSS`
fn is_stamp(text: &str) -> bool {
    text.len() == 15
        && text.bytes().enumerate().all(|(at, byte)| if at == 8 { byte == b'T' } else { byte.is_ascii_digit() })
}
