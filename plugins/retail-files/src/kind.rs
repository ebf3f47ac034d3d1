//! The kinds of bad files, and the datasets whose files can be of them.

use crate::dataset::Dataset;
use crate::pack::Packing;
use crate::shop::Shop;

/// The kinds of bad files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The compressed stream is cut off.
    Truncated,
    /// There are no bytes.
    Empty,
    /// There are no rows.
    HeaderOnly,
    /// An error page.
    Html,
    /// Another delimiter.
    WrongDelimiter,
    /// Another encoding.
    WrongEncoding,
    /// A column is not there.
    MissingColumn,
    /// There is a column too many.
    ExtraColumn,
    /// Another order of columns, which does no harm.
    Reordered,
    /// A byte order mark, which does no harm.
    Bom,
    /// Many lines are cut off.
    Malformed,
    /// Yesterday's file.
    Copy,
    /// Cells that are required are blank.
    Blank,
    /// Cells are not of their type.
    Garble,
    /// Numbers and dates are out of range.
    Outrange,
    /// Values are outside of sets and patterns.
    Strange,
    /// Columns contradict each other.
    Inconsistent,
    /// Rows refer to what is not there.
    Orphans,
    /// Rows come twice.
    Repeats,
    /// Ids of sales are those of an earlier file.
    Resold,
    /// Most rows are missing.
    Few,
    /// Prices, totals and latencies are far off; there are only errors; there are no users.
    Shift,
    /// Everything is of one category, device or channel.
    Drifted,
}

use Kind::*;

/// Each kind with its name.
pub(crate) const KINDS: [(Kind, &str); 23] = [
    (Truncated, "truncated"),
    (Empty, "empty"),
    (HeaderOnly, "header_only"),
    (Html, "html"),
    (WrongDelimiter, "wrong_delimiter"),
    (WrongEncoding, "wrong_encoding"),
    (MissingColumn, "missing_column"),
    (ExtraColumn, "extra_column"),
    (Reordered, "reordered"),
    (Bom, "bom"),
    (Malformed, "malformed"),
    (Copy, "copy"),
    (Blank, "blank"),
    (Garble, "garble"),
    (Outrange, "outrange"),
    (Strange, "strange"),
    (Inconsistent, "inconsistent"),
    (Orphans, "orphans"),
    (Repeats, "repeats"),
    (Resold, "resold"),
    (Few, "few"),
    (Shift, "shift"),
    (Drifted, "drifted"),
];

impl Kind {
    /// Returns whether a dataset's file of the day can be bad in that way.
    pub(crate) fn is_possible(self, shop: &Shop, dataset: Dataset) -> bool {
        use Dataset::{Products, Requests, Sales, Sessions, Users};
        match self {
            Truncated => dataset.packing(shop) != Packing::None,
            HeaderOnly => matches!(dataset, Products | Users),
            WrongDelimiter | ExtraColumn => matches!(dataset, Products | Users | Sales),
            Reordered => matches!(dataset, Products | Users | Sessions),
            // Where text is not UTF-8, a mark is no mark.
            Bom => dataset != Products,
            Orphans => matches!(dataset, Sessions | Requests | Sales),
            Repeats => dataset != Requests,
            Copy => shop.tick.number > 0,
            Resold => dataset == Sales && shop.tick.number > 0,
            Shift => dataset != Users,
            Drifted => matches!(dataset, Products | Sessions | Sales),
            Empty | Html | WrongEncoding | MissingColumn | Malformed | Blank | Garble | Outrange | Strange
            | Inconsistent | Few => true,
        }
    }
}
