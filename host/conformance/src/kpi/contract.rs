//! The sentences of the contract that failures of KPIs quote.

/// About every batch.
pub(super) const TAKES_ANY: &str = "a KPI takes rows of its declared columns, and gives their state and a table";
/// About the state of no rows.
pub(super) const NO_ROWS: &str = "the state of no rows adds nothing: rows whose sums are all zero do not exist";
/// About the states of parts.
pub(super) const PARTS: &str =
    "the states of rows split over any number of accumulators, in any order, add up to the state of all in one";
/// About subtracting rows.
pub(super) const REMOVAL: &str =
    "subtracting what rows added leaves the sums that there would be if they had never been added";
/// About other instances and engines.
pub(super) const SAME: &str = "the same component, parameters and rows give the same bytes, on every machine";
/// About where batches are cut.
pub(super) const CUTS: &str = "what a group gives does not depend on where the host cuts batches, and rows that come after \
                               `enough` change nothing";

/// About what reducers save.
pub(super) const SAVED: &str = "a reducer that is opened with what another one saved in the middle of a group gives for \
                                the rest of it what that one would, and equal memories have equal bytes";

/// Sentences that contract 0.3.0 changed, and the names of the tests that quote them.
pub(super) struct Sentences {
    /// About the output.
    pub(super) form: &'static str,
    /// About asking for a state twice.
    pub(super) again: &'static str,
    /// About groups, and the test of them.
    pub(super) groups: &'static str,
    pub(super) groups_test: &'static str,
    /// About the table, and the test of it.
    pub(super) table: &'static str,
    pub(super) table_test: &'static str,
    /// The call that gives the table.
    pub(super) table_call: &'static str,
}

impl Sentences {
    /// Before 0.3.0.
    pub(super) const EARLIER: Self = Self {
        form: "`state`, `fold` and `evaluate` give one Arrow IPC stream with exactly the declared schema, and \
               the table has values that can be written (years 0000 to 9999, digits within a decimal's \
               precision), and the key that it may declare tells its rows apart",
        again: "`state` says what the rows taken in add; asking does not change it",
        groups: "groups fold to the same sums together as each alone, whatever rows were taken in",
        groups_test: "fold",
        table: "`evaluate` depends on the sums alone: not on the rows taken in, nor on calls before it",
        table_test: "evaluate",
        table_call: "evaluate",
    };
    /// Since 0.3.0.
    pub(super) const CURRENT: Self = Self {
        form: "`state` and `reduce` give one Arrow IPC stream with exactly the declared schema, and \
               the table has values that can be written (years 0000 to 9999, digits within a decimal's \
               precision), and the key that it may declare tells its rows apart",
        again: "`state` says what the rows add that were taken in since the last call, and forgets them",
        groups: "what a group gives depends on it alone: not on the groups before it, nor on which groups come",
        groups_test: "groups",
        table: "what a reducer gives depends on the rows of the group alone: not on calls before it",
        table_test: "table",
        table_call: "reduce",
    };
}
