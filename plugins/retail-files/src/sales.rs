//! Sales of the day. Each day sells the same baskets, so their sum moves with prices alone; users and times are others.

use rand::RngExt as _;
use smelt_sdk::Timestamp;

use crate::basket::Basket;
use crate::flaws::Flaw::*;
use crate::products::price;
use crate::sessions;
use crate::shop::{Dice, Shop, money, pick, product_id, sale_id, session_id, user_id};
use crate::table::Table;

pub(crate) const COLUMNS: [&str; 11] = [
    "sale_id",
    "session_id",
    "user_id",
    "product_id",
    "quantity",
    "unit_price",
    "discount",
    "total",
    "sold_at",
    "channel",
    "status",
];

/// Writes an instant in one of the forms of RFC 3339 that tills use.
fn instant(time: Timestamp, dice: &mut Dice) -> String {
    let text = time.to_string();
    match dice.random_range(0..4) {
        0 => text.replace('Z', "+00:00"),
        1 => text.replace('Z', ".250Z"),
        _ => text,
    }
}

pub(crate) fn table(shop: &Shop, dice: &mut Dice) -> Table {
    let mut rows = Vec::new();
    for index in 0..shop.sales() {
        let Basket { product, quantity, is_reduced, channel, status, session } = Basket::of(shop, index);
        let price = price(shop, product);
        let gross = quantity * price;
        let discount = if is_reduced { (gross + 5) / 10 } else { 0 };
        let total = gross - discount;
        let anonymous = shop.flaws.strike_scaled(Anonymous, (1, 10), dice);
        let [wrong, no_total, no_discount, bad_quantity, orphan, repeated] =
            [WrongTotal, MissingTotal, MissingDiscount, InvalidQuantity, OrphanProduct, RepeatedSale]
                .map(|flaw| shop.flaws.strike(flaw, dice));
        let user = match session {
            Some(session) => sessions::user(shop, session),
            None => shop.any_user(dice),
        };
        let quantity = match bad_quantity {
            true => pick(&["0", "-1", "1.5", "two"], dice).to_owned(),
            false => quantity.to_string(),
        };
        let row = vec![
            sale_id(shop, index),
            session.map(|session| session_id(shop, session)).unwrap_or_default(),
            if anonymous { String::new() } else { user_id(user) },
            product_id(if orphan { 99_000 + dice.random_range(0..1000) } else { product }),
            quantity,
            money(price),
            if no_discount { String::new() } else { money(discount) },
            match (no_total, wrong) {
                (true, _) => String::new(),
                (_, true) => money(total + dice.random_range(2..5000)),
                _ => money(total),
            },
            instant(shop.any_time(dice), dice),
            channel.to_owned(),
            status.to_owned(),
        ];
        if repeated {
            rows.push(row.clone());
        }
        rows.push(row);
    }
    Table { columns: &COLUMNS, rows }
}
