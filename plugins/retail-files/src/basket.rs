//! Baskets, which sales are of and sessions lead to.

use rand::RngExt as _;

use crate::shop::{DiceOf, Shop};

/// The contents of a sale, the same on each day.
pub(crate) struct Basket {
    pub(crate) product: u64,
    pub(crate) quantity: u64,
    pub(crate) is_reduced: bool,
    pub(crate) channel: &'static str,
    pub(crate) status: &'static str,
    /// The session in which it is sold, unless it is sold in a store.
    pub(crate) session: Option<u64>,
}

impl Basket {
    pub(crate) fn of(shop: &Shop, index: u64) -> Self {
        let mut dice = shop.dice(DiceOf::Basket, [index, 0]);
        let product = shop.any_product(&mut dice).min(shop.any_product(&mut dice));
        let channel =
            ["web", "web", "mobile", "web", "store", "mobile", "web", "store", "web", "mobile"][index as usize % 10];
        Self {
            product,
            quantity: dice.random_range(1..5),
            is_reduced: dice.random_ratio(1, 4),
            channel,
            status: match index % 20 {
                7 => "refunded",
                13 => "cancelled",
                _ => "paid",
            },
            session: (channel != "store").then(|| index % shop.sessions()),
        }
    }
}
