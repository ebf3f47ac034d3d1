//! What a lake consists of: the first words of its keys.

/// The layer of raw objects, as they arrived.
pub const BRONZE: &str = "bronze/";
/// The layer of clean objects.
pub const SILVER: &str = "silver/";
/// The layer of KPI tables.
pub const GOLD: &str = "gold/";
/// Rejected rows.
pub const QUARANTINE: &str = "quarantine/";
/// The catalog's own prefix.
pub const CATALOG: &str = "catalog/";

/// All layers of a lake.
pub const LAYERS: [&str; 5] = [BRONZE, SILVER, GOLD, QUARANTINE, CATALOG];
