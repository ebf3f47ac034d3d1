//! The prefixes of the catalog's keys, and the role that it treats specially.

/// The entries of bronze objects, by dataset.
pub const ENTRIES: &str = "catalog/entries/";
/// The maps from keys to the rows that hold them, by dataset.
pub const INDEX: &str = "catalog/index/";
/// The logs of changes and the removed rows of each commit, by dataset.
pub const CHANGES: &str = "catalog/changes/";
/// The sums of each stage, by KPI.
pub const SUMS: &str = "catalog/sums/";

/// The files of tables that are not published, by KPI. People may read the directory of gold without the catalog, so
/// what readers must not see yet does not lie there.
pub const HELD: &str = "catalog/held/";

/// The maps of files that were taken, by source.
pub const ARRIVALS: &str = "catalog/arrivals/";

/// The components, by their sha256.
pub const COMPONENTS: &str = "catalog/components/";

/// The commits.
pub const COMMITS: &str = "catalog/commits/";

/// The role that collects orphans.
pub const GC: &str = "gc";

/// Returns the key of the commit with this number.
pub fn commit_key(sequence: u64) -> String {
    format!("{COMMITS}{sequence:020}.json")
}
