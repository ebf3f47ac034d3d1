//! Purchases and their export: new ones, some of them twice, and some of earlier ticks that were corrected.

use rand::RngExt as _;
use smelt_sdk::Date;

use crate::clients::Habits;
use crate::dates::{DateFlaws, any_day};
use crate::flaws::Flaw::*;
use crate::lines::Lines;
use crate::shop::{Dice, DiceOf, Id, Shop, pick};

const COLUMNS: [&str; 7] = ["purchase_id", "client_id", "purchase_date", "product", "quantity", "unit_price", "amount"];

const DATE_FLAWS: DateFlaws = DateFlaws {
    missing: MissingPurchaseDate,
    invalid: InvalidPurchaseDate,
    out_of_range: PurchaseOutOfRange,
    format: PurchaseDateFormat,
};

/// Products and their usual prices in cents, by department. The products that sell best come first.
const PRODUCTS: [[(&str, u64); 4]; 3] = [
    [("Coffee mug", 1290), ("Tea towels, set of 3", 1950), ("Frying pan", 3890), ("Chef’s knife", 7490)],
    [("Notebook A5", 450), ("Desk lamp", 3450), ("Fountain pen \"Élan\"", 2400), ("Office chair", 18900)],
    [("Water bottle", 1800), ("Backpack", 6490), ("Catalogue", 0), ("Rain jacket", 8900)],
];

/// The number of attempts to find a client who buys on a certain day. Early days of a small shop may have none.
const TRIES: u32 = 128;

/// Returns the object of a tick's purchases.
pub(crate) fn export(shop: &Shop) -> Vec<u8> {
    let mut dice = shop.dice_of_object(DiceOf::PurchasesObject);
    let mut lines = Lines::begin(shop, &COLUMNS, shop.purchases, 80, &mut dice);
    for index in 0..shop.purchases {
        let purchase = Purchase::of(shop, Id { tick: shop.tick.number, index });
        lines.put(&cells(shop, &purchase, &mut dice), &mut dice);
        if shop.flaws.strike(DuplicatePurchase, &mut dice) {
            lines.repeat();
        }
        if shop.flaws.strike(CorrectedPurchase, &mut dice) && shop.tick.number > 0 {
            let purchase = corrected(shop, &mut dice);
            lines.put(&cells(shop, &purchase, &mut dice), &mut dice);
        }
    }
    lines.finish()
}

/// A purchase, a function of the seed and the id.
struct Purchase {
    id: Id,
    /// `None` if the shop has no clients.
    client: Option<Habits>,
    date: Date,
    product: &'static str,
    quantity: u64,
    /// The price of one in cents.
    price: u64,
}

impl Purchase {
    fn of(shop: &Shop, id: Id) -> Self {
        let mut dice = shop.dice(DiceOf::Purchase, id);
        let (client, date) = match shop.clients {
            0 => {
                let (first, last) = shop.window(id.tick);
                (None, any_day(first, last, &mut dice))
            }
            _ => {
                let (client, date) = occasion(shop, id.tick, &mut dice);
                (Some(client), date)
            }
        };
        let department = match client {
            Some(client) if dice.random_ratio(2, 3) => client.department,
            _ => dice.random_range(0..PRODUCTS.len()),
        };
        let products = &PRODUCTS[department];
        let rank = dice.random_range(0..products.len()).min(dice.random_range(0..products.len()));
        let (product, usual) = products[rank];
        let price = usual * dice.random_range(92..=108) / 100;
        let quantity = 1 + u64::from(dice.random::<u32>().trailing_zeros().min(4));
        Self { id, client, date, product, quantity, price }
    }
}

/// Returns a client of the ticks up to that one, and one of its days on which the client buys.
fn occasion(shop: &Shop, tick: u64, dice: &mut Dice) -> (Habits, Date) {
    let (first, last) = shop.window(tick);
    // The day comes first, so that it is the season and not the number of clients that decides how much is sold.
    let date = any_day(first, last, dice);
    let mut found = None;
    for _ in 0..TRIES {
        let client = Habits::of(shop, shop.any_client(tick, dice));
        if client.buys(dice) {
            if client.is_active(date) {
                return (client, date);
            }
            found = Some(client);
        }
    }
    let client = found.unwrap_or_else(|| Habits::of(shop, shop.any_client(tick, dice)));
    (client, any_day(client.signup.max(first), last, dice))
}

/// Returns a client of the ticks so far, and a day before the sign-up: one of this tick's days, if there is one.
fn premature(shop: &Shop, dice: &mut Dice) -> (Habits, Date) {
    let (first, _) = shop.window_now();
    let mut any = || Habits::of(shop, shop.any_client(shop.tick.number, dice));
    let mut client = any();
    for _ in 0..TRIES {
        if first < client.signup {
            break;
        }
        client = any();
    }
    let eve = client.signup.plus_days(-1);
    (client, any_day(first.min(eve), eve, dice))
}

/// Returns a purchase of an earlier tick with another date or another quantity. Its date is one of this tick's.
fn corrected(shop: &Shop, dice: &mut Dice) -> Purchase {
    let id = Id { tick: shop.earlier_tick(dice), index: dice.random_range(0..shop.purchases) };
    let mut purchase = Purchase::of(shop, id);
    let (first, last) = shop.window_now();
    let earliest = purchase.client.map_or(first, |client| client.signup.max(first));
    if earliest < last && dice.random() {
        let before = purchase.date;
        while purchase.date == before {
            purchase.date = any_day(earliest, last, dice);
        }
    } else {
        purchase.date = purchase.date.max(first);
        purchase.quantity = (purchase.quantity + dice.random_range(0..4)) % 5 + 1;
    }
    purchase
}

/// Returns the cells of a purchase, with the flaws that the dice decide for.
fn cells(shop: &Shop, purchase: &Purchase, dice: &mut Dice) -> [String; COLUMNS.len()] {
    let mut strike = |flaw| shop.flaws.strike(flaw, dice);
    let [no_id, anonymous, unknown, early] =
        [MissingPurchaseId, AnonymousClient, UnknownClient, BeforeSignup].map(&mut strike);
    let [no_product, bad_quantity, no_quantity] = [MissingProduct, InvalidQuantity, MissingQuantity].map(&mut strike);
    let [no_amounts, negative_price, no_price] = [NoAmounts, NegativePrice, MissingPrice].map(&mut strike);
    let [negative_amount, no_amount, discounted] = [NegativeAmount, MissingAmount, Discounted].map(&mut strike);

    let blank = ["", "", " "];
    let id = if no_id { pick(&blank, dice).to_owned() } else { format!("P{}", purchase.id) };
    let (client, date) = match purchase.client {
        Some(_) if early && !unknown => {
            let (client, date) = premature(shop, dice);
            (client.id, date)
        }
        Some(client) if !unknown => (client.id, purchase.date),
        _ => (shop.no_client(dice), purchase.date),
    };
    let client = if anonymous { pick(&blank, dice).to_owned() } else { format!("C{client}") };
    let date = DATE_FLAWS.write(date, &shop.flaws, dice);
    let product = if no_product { pick(&blank, dice) } else { purchase.product }.to_owned();
    let quantity = if bad_quantity {
        pick(&["-3", "0", "2.5"], dice).to_owned()
    } else if no_quantity {
        pick(&["", " ", "two"], dice).to_owned()
    } else {
        purchase.quantity.to_string()
    };

    let full = purchase.quantity * purchase.price;
    let amount = if discounted { (full * 9 + 5) / 10 } else { full };
    let mut money = |cents: u64, missing, negative| {
        if no_amounts || missing {
            pick(&["", " ", "free"], dice).to_owned()
        } else if negative {
            // Minus zero is not below zero.
            let cents = cents.max(1);
            format!("-{}.{:02}", cents / 100, cents % 100)
        } else {
            format!("{}.{:02}", cents / 100, cents % 100)
        }
    };
    let price = money(purchase.price, no_price, negative_price);
    let amount = money(amount, no_amount, negative_amount);
    [id, client, date, product, quantity, price, amount]
}
