//! Source: a retailer that exports its new clients and purchases at every tick, with the flaws of real exports.
//!
//! Tick *t* makes the clients `C<t>-<n>` and the purchases `P<t>-<n>`, of clients of any tick so far. Some of its rows
//! correct a client or a purchase of an earlier tick. A source remembers nothing, so clients and purchases are
//! functions of the seed and their ids: any tick can compute again what an earlier one made.
//!
//! A purchase takes about 75 bytes and a client 80, so an object of 64 MiB holds about 850,000 purchases.

mod clients;
mod dates;
mod flaws;
mod lines;
mod purchases;
mod shop;

use smelt_sdk::prelude::*;

use crate::shop::Shop;

struct RetailSource;

impl Source for RetailSource {
    fn describe() -> SourceDescription {
        let most = 0..=10_000_000;
        let parameters = Parameters::none()
            .integer("clients", most.clone(), 50, "New clients a tick.")
            .integer("purchases", most, 500, "New purchases a tick.")
            .integer("days", 1..=36_500, 365, "Dates lie in so many days, of which the last is the day of the tick.");
        describe_source(identity!())
            .parameters(flaws::declare(parameters))
            .objects(["clients_*.csv", "purchases_*.csv"])
    }

    fn generate(config: &Config, tick: Tick) -> Result<Vec<Object>> {
        let shop = Shop::open(config, tick)?;
        let stamp = tick.as_of.stamp();
        Ok(vec![
            Object::new(format!("clients_{stamp}.csv"), clients::export(&shop)),
            Object::new(format!("purchases_{stamp}.csv"), purchases::export(&shop)),
        ])
    }
}

export_source!(RetailSource);

#[cfg(test)]
mod tests;
