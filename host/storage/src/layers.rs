//! The layers of a lake, as the prefixes of its keys, and the keys that the stores themselves use.

/// The layer of raw objects, as they arrived.
pub const BRONZE: &str = "bronze/";
/// The layer of clean objects.
pub const SILVER: &str = "silver/";
/// The layer of KPI tables.
pub const GOLD: &str = "gold/";
/// The layer of rejected rows.
pub const QUARANTINE: &str = "quarantine/";
/// The prefix of the catalog's own objects.
pub const CATALOG: &str = "catalog/";

/// All layers of a lake.
pub const LAYERS: [&str; 5] = [BRONZE, SILVER, GOLD, QUARANTINE, CATALOG];

/// The prefix of objects that exist only while a store proves that its conditional writes work.
pub const PROOFS: &str = "catalog/proof-";

/// The key of the file that the writers of a directory lake lock.
pub const WRITERS: &str = "catalog/writers.lock";

/// Returns the layer of a key, without the slash. Profiles sum up reads and writes under it.
pub(crate) fn layer_of(key: &str) -> &str {
    key.split('/').next().unwrap_or_default()
}
