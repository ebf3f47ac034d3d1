//! Source: the files that a shop delivers each day, with the flaws that real deliveries have: rows are spoiled at named rates,
//! and now and then a whole file is.
//!
//! A tick is a day. What a file says is a function of the seed and its day, so a tick can deliver yesterday's file again, right.
//! Each day sells the same baskets at prices that hardly move, to other users: without flaws no number is out of the ordinary.

mod bad;
mod basket;
mod dataset;
mod file;
mod flaws;
mod kind;
mod layout;
mod pack;
mod products;
mod requests;
mod sales;
mod sessions;
mod shop;
mod spoil;
mod table;
mod users;

use smelt_sdk::prelude::*;

use crate::bad::Bad;
use crate::dataset::Dataset;
use crate::shop::Shop;

struct RetailFiles;

impl Source for RetailFiles {
    fn describe() -> SourceDescription {
        let parameters =
            Parameters::none().integer("rows", 1..=50_000, 100, "Sales a day. All other rows are in proportion.");
        describe_source(identity!()).parameters(bad::declare(flaws::declare(parameters))).objects([
            "products_*.csv",
            "users_*.csv.gz",
            "sessions_*.jsonl",
            "sessions_*.jsonl.gz",
            "sessions_*.jsonl.zst",
            "api_*.log",
            "api_*.log.gz",
            "sales_*.txt",
            "sales_*.txt.gz",
        ])
    }

    fn generate(config: &Config, tick: Tick) -> Result<Vec<Object>> {
        let (shop, bad) = (Shop::open(config, tick)?, Bad::open(config)?);
        let mut objects = Vec::new();
        for dataset in Dataset::ALL {
            // A file comes again under its name, so the one of yesterday comes first.
            if let Some(yesterday) = shop.yesterday()
                && bad.is_corrected(&yesterday, dataset)
            {
                objects.push(file::right(&yesterday, dataset));
            }
            objects.push(match bad.kind_of(&shop, dataset) {
                Some(kind) => file::bad(&shop, dataset, kind),
                None => file::right(&shop, dataset),
            });
        }
        Ok(objects)
    }
}

export_source!(RetailFiles);

#[cfg(test)]
mod tests;
