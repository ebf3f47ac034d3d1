//! Bad files: how many there are, of which kind each is, and which come again, right.

use rand::RngExt as _;
use smelt_sdk::{Config, Fault, Parameters, Result};
use smelt_sdk_dice::Rates;

use crate::file::Dataset;
use crate::pack::Packing;
use crate::shop::{DiceOf, Shop};

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
const KINDS: [(Kind, &str); 23] = [
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
    fn is_possible(self, shop: &Shop, dataset: Dataset) -> bool {
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

/// The shares of bad files, and of those that come again.
const SHARES: [(&str, f64, &str); 2] = [
    ("bad_file", 0.1, "Share of files that are bad as a whole."),
    ("corrected", 0.5, "Share of bad files that the next tick delivers again, right, under the same name."),
];

/// Declares the parameters of bad files.
pub(crate) fn declare(parameters: Parameters) -> Parameters {
    let names = KINDS.map(|(_, name)| name).join(", ");
    let summary = "The kinds of bad files, separated by commas.";
    smelt_sdk_dice::declare(parameters, SHARES).text("kinds", &names, summary)
}

/// The rates of bad files, and their kinds.
pub(crate) struct Bad {
    rates: Rates<{ SHARES.len() }>,
    kinds: Vec<Kind>,
}

impl Bad {
    /// Reads the parameters of bad files.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        let names = config.text("kinds")?.split(',').map(str::trim).filter(|name| !name.is_empty());
        let kinds = names.map(|name| {
            let known = KINDS.iter().find(|(_, known)| *known == name);
            known.map(|&(kind, _)| kind).ok_or_else(|| {
                let known = KINDS.map(|(_, name)| name).join(", ");
                Fault::invalid_parameters(format!("parameter `kinds`: no kind `{name}`; there are {known}"))
            })
        });
        let rates = Rates::open(config, (0..).zip(SHARES.map(|(name, ..)| name)))?;
        Ok(Self { rates, kinds: kinds.collect::<Result<_>>()? })
    }

    /// Decides of which kind a dataset's file of the day is, if it is bad.
    pub(crate) fn kind_of(&self, shop: &Shop, dataset: Dataset) -> Option<Kind> {
        self.decide(shop, dataset).map(|(kind, _)| kind)
    }

    /// Decides whether a dataset's file of the day is bad, and comes again on the next.
    pub(crate) fn is_corrected(&self, shop: &Shop, dataset: Dataset) -> bool {
        self.decide(shop, dataset).is_some_and(|(_, corrected)| corrected)
    }

    fn decide(&self, shop: &Shop, dataset: Dataset) -> Option<(Kind, bool)> {
        let mut dice = shop.dice(DiceOf::BadFile, [dataset as u64, shop.tick.number]);
        let [is_bad, corrected] = [0, 1].map(|share| self.rates.strike(share, &mut dice));
        let possible: Vec<_> = self.kinds.iter().filter(|kind| kind.is_possible(shop, dataset)).collect();
        if !is_bad || possible.is_empty() {
            return None;
        }
        Some((*possible[dice.random_range(0..possible.len())], corrected))
    }
}
