//! Bad files: how many there are, of which kind each is, and which come again, right.

use rand::RngExt as _;
use smelt_sdk::{Config, Fault, Parameters, Result};
use smelt_sdk_dice::Rates;

use crate::dataset::Dataset;
use crate::kind::{KINDS, Kind};
use crate::shop::{DiceOf, Shop};

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
