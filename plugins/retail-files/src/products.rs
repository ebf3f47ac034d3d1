//! Products: a full snapshot. A product that was updated has a price of that day, which is near its usual one.

use rand::RngExt as _;
use smelt_sdk::Date;

use crate::flaws::Flaw::*;
use crate::shop::{Dice, DiceOf, Shop, money, pick, product_id};
use crate::table::Table;

pub(crate) const COLUMNS: [&str; 7] = ["code_article", "libellé", "catégorie", "prix_ht", "tva", "stock", "date_maj"];

/// Categories, in which products lie in turn. The category of a product never changes.
const CATEGORIES: [&str; 5] = ["books", "fashion", "grocery", "home", "tech"];
const NAMES: [&str; 12] = [
    "Café moulu",
    "Thé vert",
    "Crème brûlée – set",
    "Câble USB-C",
    "Lampe « Été »",
    "Œufs bio",
    "Clé 14 mm",
    "Sac à dos",
    "Écran 27\" QHD",
    "Noël; coffret",
    "Cahier",
    "Théière",
];

/// Days after which every product has been updated at least once.
const LONGEST: u64 = 30;

/// Returns the usual price in cents. Nearly all products cost less than 1,000.
fn usual_price(shop: &Shop, product: u64) -> u64 {
    let mut dice = shop.dice(DiceOf::Product, [product, 0]);
    match product % 50 {
        49 => dice.random_range(120_000..200_000),
        _ => dice.random_range(2..300) * dice.random_range(100..300),
    }
}

/// Returns the day on which the product was updated last.
fn updated_on(shop: &Shop, product: u64) -> Date {
    let day = shop.day();
    let strikes = |&back: &u64| {
        let date = day.plus_days(-(back as i64));
        shop.dice(DiceOf::Price, [product, date.0 as u64]).random_ratio(1, 4)
    };
    let back = (0..LONGEST).find(strikes).unwrap_or(LONGEST);
    day.plus_days(-(back as i64))
}

/// Returns the price in cents on the day. It is at most 1 % off the usual one.
pub(crate) fn price(shop: &Shop, product: u64) -> u64 {
    let date = updated_on(shop, product);
    let mut dice = shop.dice(DiceOf::Price, [product, date.0 as u64]);
    let permille = dice.random_range(990..=1010);
    (usual_price(shop, product) * permille + 500) / 1000
}

/// Writes a price as the ERP does: a decimal comma, and a blank or a no-break space between groups.
fn french(cents: u64, dice: &mut Dice) -> String {
    let (whole, cents) = (cents / 100, cents % 100);
    match whole {
        1000.. => format!("{}{}{:03},{cents:02}", whole / 1000, pick(&[" ", "\u{a0}", ""], dice), whole % 1000),
        _ => format!("{whole},{cents:02}"),
    }
}

pub(crate) fn table(shop: &Shop, dice: &mut Dice) -> Table {
    let rows = (0..shop.products()).map(|product| {
        let mut of_product = shop.dice(DiceOf::Product, [product, 1]);
        let price = price(shop, product);
        let [no_category, no_price, no_vat, negative] =
            [MissingCategory, MissingPrice, MissingVat, NegativeStock].map(|flaw| shop.flaws.strike(flaw, dice));
        let category = CATEGORIES[product as usize % CATEGORIES.len()];
        let name = NAMES[product as usize % NAMES.len()];
        let vat = pick(&["5,5", "10", "20,0"], &mut of_product);
        let stock: u64 = match dice.random_range(0..8) {
            // What is dear is in stock.
            0 if price < 100_000 => 0,
            1 => dice.random_range(1..10),
            _ => dice.random_range(10..700),
        };
        let (year, month, day) = updated_on(shop, product).ymd();
        let or = |is_missing: bool, cell: &str| if is_missing { String::new() } else { cell.to_owned() };
        vec![
            product_id(product),
            format!("{name} {product}"),
            or(no_category, category),
            or(no_price, &french(price, dice)),
            or(no_vat, vat),
            if negative { format!("-{}", dice.random_range(1..50)) } else { stock.to_string() },
            format!("{day:02}/{month:02}/{year:04}"),
        ]
    });
    Table { columns: &COLUMNS, rows: rows.collect() }
}

/// Returns a price that is far off, as the ERP writes it, and as others do.
pub(crate) fn shifted(cell: &str, by: u64) -> String {
    let digits: String = cell.chars().filter(char::is_ascii_digit).collect();
    let cents = digits.parse().unwrap_or(100u64).saturating_mul(by);
    if cell.contains(',') { money(cents.min(480_000)).replace('.', ",") } else { money(cents) }
}
