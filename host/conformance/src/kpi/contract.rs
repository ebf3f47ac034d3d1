//! The sentences of the contract that failures of KPIs quote.

/// About every batch.
pub(super) const TAKES_ANY: &str = "a KPI takes rows of its declared columns, and gives their state and a table";
/// About the output.
pub(super) const FORM: &str = "`state`, `fold` and `evaluate` give one Arrow IPC stream with exactly the declared schema, and \
                               the table has values that can be written (years 0000 to 9999, digits within a decimal's \
                               precision), and the key that it may declare tells its rows apart";
/// About the state of no rows.
pub(super) const NO_ROWS: &str = "the state of no rows adds nothing: rows whose sums are all zero do not exist";
/// About the states of parts.
pub(super) const PARTS: &str =
    "the states of rows split over any number of accumulators, in any order, add up to the state of all in one";
/// About asking for a state twice.
pub(super) const AGAIN: &str = "`state` says what the rows taken in add; asking does not change it";
/// About subtracting rows.
pub(super) const REMOVAL: &str =
    "subtracting what rows added leaves the sums that there would be if they had never been added";
/// About folding groups.
pub(super) const FOLD: &str = "groups fold to the same sums together as each alone, whatever rows were taken in";
/// About evaluating sums.
pub(super) const EVALUATE: &str =
    "`evaluate` depends on the sums alone: not on the rows taken in, nor on calls before it";
/// About other instances and engines.
pub(super) const SAME: &str = "the same component, parameters and rows give the same bytes, on every machine";
