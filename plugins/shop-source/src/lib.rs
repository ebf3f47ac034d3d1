//! Source: a shop that exports its new customers, orders and clicks at every tick, with the flaws of real exports.
//!
//! Tick *t* makes the customers `C<t>-<n>` and the orders `O<t>-<n>`. Its orders and clicks belong to customers of any
//! tick so far. Some of its rows correct a customer or an order of an earlier tick. An order takes about 200 bytes, a
//! click 110 and a customer 75, so an object of 64 MiB holds about 330,000 orders.

mod clicks;
mod customers;
mod flaws;
mod orders;
mod shop;

use smelt_sdk::prelude::*;

use crate::shop::Shop;

struct ShopSource;

impl Source for ShopSource {
    fn describe() -> SourceDescription {
        let most = 0..=10_000_000;
        let parameters = Parameters::none()
            .integer("customers", most.clone(), 20, "New customers a tick.")
            .integer("orders", most.clone(), 50, "New orders a tick.")
            .integer("clicks", most, 100, "Clicks a tick.");
        describe_source(identity!()).parameters(flaws::declare(parameters)).objects([
            "customers_*.csv",
            "orders_*.json",
            "clicks_*.txt",
        ])
    }

    fn generate(config: &Config, tick: Tick) -> Result<Vec<Object>> {
        let shop = Shop::open(config, tick)?;
        let stamp = tick.as_of.stamp();
        Ok(vec![
            Object::new(format!("customers_{stamp}.csv"), customers::export(&shop)),
            Object::new(format!("orders_{stamp}.json"), orders::export(&shop)),
            Object::new(format!("clicks_{stamp}.txt"), clicks::export(&shop)),
        ])
    }
}

export_source!(ShopSource);

#[cfg(test)]
mod tests;
