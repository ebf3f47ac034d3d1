//! Where the catalog keeps what, and the roles that it knows.

/// What is known of each bronze object, by dataset.
pub const ENTRIES: &str = "catalog/entries/";
/// Indexes of keys, by dataset.
pub const INDEX: &str = "catalog/index/";
/// What each commit changed, by dataset.
pub const CHANGES: &str = "catalog/changes/";
/// Sums, by KPI.
pub const SUMS: &str = "catalog/sums/";

/// Components, by their sha256.
pub const COMPONENTS: &str = "catalog/components/";

/// The commits.
pub const COMMITS: &str = "catalog/commits/";

/// The role that removes what is left over.
pub const GC: &str = "gc";

/// Where the commit of that number lies.
pub fn commit_key(sequence: u64) -> String {
    format!("{COMMITS}{sequence:020}.json")
}
