//! The sentences of the contract that failures of cleaners quote.

/// About every batch.
pub(super) const TAKES_ANY: &str = "a cleaner keeps or rejects every row of any batch of its columns, all of them \
                                    nullable text as written in bronze; a batch that it fails at fails its whole object";
/// About the output.
pub(super) const FORM: &str = "`kept` is one Arrow IPC stream with exactly the declared schema: columns, types, order, \
                               nullability; values that can be written (years 0000 to 9999, digits within a decimal's \
                               precision)";
/// About the account of rows.
pub(super) const ACCOUNT: &str = "every row of the batch is either in `kept-rows` or in `rejected`, once, both strictly \
                                  increasing; a rejection names a `reject` rule and a repair a `repair` rule of no more \
                                  rows than are kept";
/// About the outcome of a row.
pub(super) const ROW_ALONE: &str = "what `clean` returns for a row depends on that row alone, not on the batches before it, \
                                    on other rows or on where the host cut them";
