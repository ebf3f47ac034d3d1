//! Cleaner: purchases with exact money, one row for each `purchase_id`. It fills in what is missing of product,
//! quantity, price and amount.
//!
//! The amount is what was paid. Where it differs from quantity × unit price, for instance after a discount, it stays.

use smelt_sdk::prelude::*;
use smelt_sdk::{DateFlaw, DateRange};

mod figure;

use figure::{Figure, TOO_GREAT};

const MISSING_PURCHASE_ID: Rule = Rule::reject("missing_purchase_id", "The purchase has no id.");
const MISSING_CLIENT_ID: Rule = Rule::reject("missing_client_id", "The purchase has no client.");
const MISSING_PURCHASE_DATE: Rule = Rule::reject("missing_purchase_date", "The purchase date is missing.");
const INVALID_PURCHASE_DATE: Rule =
    Rule::reject("invalid_purchase_date", "The purchase date has no form of a date, or is no such day.");
const PURCHASE_DATE_OUT_OF_RANGE: Rule =
    Rule::reject("purchase_date_out_of_range", "The purchase date is before `earliest` or after `latest`.");
const INVALID_QUANTITY: Rule =
    Rule::reject("invalid_quantity", "The quantity is a number, but no whole one from 1 to `max_quantity`.");
const NEGATIVE_UNIT_PRICE: Rule = Rule::reject("negative_unit_price", "The unit price is negative.");
const NEGATIVE_AMOUNT: Rule = Rule::reject("negative_amount", "The amount is negative.");
const MISSING_AMOUNT: Rule =
    Rule::reject("missing_amount", "Both the unit price and the amount are missing or not numeric.");
const PURCHASE_DATE_FORMAT: Rule = Rule::repair(
    "purchase_date_format",
    "The purchase date is written in another form than `YYYY-MM-DD`; it becomes that day in this form.",
);
const MISSING_PRODUCT: Rule = Rule::repair("missing_product", "The product is missing; it becomes `NA`.");
const MISSING_QUANTITY: Rule =
    Rule::repair("missing_quantity", "The quantity is missing or not numeric; it becomes 1.");
const COMPUTED_AMOUNT: Rule =
    Rule::repair("computed_amount", "The amount is missing or not numeric; it becomes quantity × unit price.");
const COMPUTED_UNIT_PRICE: Rule =
    Rule::repair("computed_unit_price", "The unit price is missing or not numeric; it becomes amount ÷ quantity.");

struct CleanPurchases {
    range: DateRange,
    max_quantity: i64,
}

/// The figures of a purchase.
struct Figures {
    quantity: i64,
    unit_price: Money,
    amount: Money,
    /// The rule that repaired the quantity.
    quantity_repair: Option<&'static Rule>,
    /// The rule that computed the unit price or the amount from the other one.
    money_repair: Option<&'static Rule>,
}

impl Cleaner for CleanPurchases {
    fn describe() -> CleanerDescription {
        let parameters = DateRange::declare(Parameters::none());
        describe_cleaner(identity!())
            .parameters(parameters.integer(
                "max_quantity",
                1..=TOO_GREAT as i64 - 1,
                10_000,
                "The greatest quantity that is accepted.",
            ))
            .input(["purchase_id", "client_id", "purchase_date", "product", "quantity", "unit_price", "amount"])
            .output([
                text("purchase_id"),
                text("client_id"),
                text("product"),
                int64("quantity"),
                money("unit_price"),
                money("amount"),
                date("purchase_date"),
            ])
            .key(["purchase_id"])
            .rules([
                &MISSING_PURCHASE_ID,
                &MISSING_CLIENT_ID,
                &MISSING_PURCHASE_DATE,
                &INVALID_PURCHASE_DATE,
                &PURCHASE_DATE_OUT_OF_RANGE,
                &INVALID_QUANTITY,
                &NEGATIVE_UNIT_PRICE,
                &NEGATIVE_AMOUNT,
                &MISSING_AMOUNT,
                &PURCHASE_DATE_FORMAT,
                &MISSING_PRODUCT,
                &MISSING_QUANTITY,
                &COMPUTED_AMOUNT,
                &COMPUTED_UNIT_PRICE,
            ])
    }

    fn open(config: &Config) -> Result<Self> {
        Ok(Self { range: DateRange::open(config)?, max_quantity: config.integer("max_quantity")? })
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let (id, client) = (rows.text("purchase_id")?, rows.text("client_id")?);
        let (date, product) = (rows.text("purchase_date")?, rows.text("product")?);
        let (quantity, price) = (rows.text("quantity")?, rows.text("unit_price")?);
        let amount = rows.text("amount")?;

        for row in rows.rows() {
            let Some(id) = id.trimmed(row) else {
                out.reject(row, &MISSING_PURCHASE_ID);
                continue;
            };
            let Some(client) = client.trimmed(row) else {
                out.reject(row, &MISSING_CLIENT_ID);
                continue;
            };
            let (date, reformatted) = match self.range.read(date.trimmed(row)) {
                Ok(read) => read,
                Err(flaw) => {
                    out.reject(row, rule_of(flaw));
                    continue;
                }
            };
            let read = |cell: Option<_>| cell.and_then(Figure::read);
            let (quantity, price) = (read(quantity.trimmed(row)), read(price.trimmed(row)));
            let figures = match self.figures(quantity, price, read(amount.trimmed(row))) {
                Ok(figures) => figures,
                Err(rule) => {
                    out.reject(row, rule);
                    continue;
                }
            };

            let product = product.trimmed(row);
            let repairs = [
                reformatted.then_some(&PURCHASE_DATE_FORMAT),
                product.is_none().then_some(&MISSING_PRODUCT),
                figures.quantity_repair,
                figures.money_repair,
            ];
            repairs.into_iter().flatten().for_each(|rule| out.repair(rule));
            out.keep(row)
                .text(id)
                .text(client)
                .text(product.unwrap_or("NA"))
                .integer(figures.quantity)
                .decimal(figures.unit_price)
                .decimal(figures.amount)
                .date(date);
        }
        Ok(())
    }
}

impl CleanPurchases {
    /// Judges and completes the figures of a purchase. Returns the rule that rejects them if they are wrong.
    fn figures(
        &self,
        quantity: Option<Figure>,
        unit_price: Option<Figure>,
        amount: Option<Figure>,
    ) -> Result<Figures, &'static Rule> {
        let (quantity, quantity_repair) = match quantity {
            Some(figure) => {
                let whole = figure.whole().filter(|quantity| (1..=self.max_quantity).contains(quantity));
                (whole.ok_or(&INVALID_QUANTITY)?, None)
            }
            None => (1, Some(&MISSING_QUANTITY)),
        };
        if unit_price.is_some_and(Figure::is_negative) {
            return Err(&NEGATIVE_UNIT_PRICE);
        }
        if amount.is_some_and(Figure::is_negative) {
            return Err(&NEGATIVE_AMOUNT);
        }
        let (unit_price, amount, money_repair) = match (unit_price.map(Figure::money), amount.map(Figure::money)) {
            (Some(unit_price), Some(amount)) => (unit_price, amount, None),
            (Some(unit_price), None) => {
                // Both factors are at most 10^9, so the product has far fewer than 38 digits.
                let amount = Money::from_units(unit_price.units() * i128::from(quantity));
                (unit_price, amount, Some(&COMPUTED_AMOUNT))
            }
            (None, Some(amount)) => {
                let unit_price = amount.divide(quantity).ok_or(&INVALID_QUANTITY)?;
                (unit_price, amount, Some(&COMPUTED_UNIT_PRICE))
            }
            (None, None) => return Err(&MISSING_AMOUNT),
        };
        Ok(Figures { quantity, unit_price, amount, quantity_repair, money_repair })
    }
}

/// Returns the rule that rejects a purchase with that flaw of its date.
fn rule_of(flaw: DateFlaw) -> &'static Rule {
    match flaw {
        DateFlaw::Missing => &MISSING_PURCHASE_DATE,
        DateFlaw::Invalid => &INVALID_PURCHASE_DATE,
        DateFlaw::OutOfRange => &PURCHASE_DATE_OUT_OF_RANGE,
    }
}

export_cleaner!(CleanPurchases);

#[cfg(test)]
mod tests;
