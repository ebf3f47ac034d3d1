//! Cleaner: orders with exact money, one row for each `order_id`. It repairs missing and negative amounts.
//!
//! An amount is numeric if it is written as a number whose magnitude is below 10^20, so that 2^64 is allowed. Anything
//! else counts as missing. A total that the cleaner computes becomes 0 if it exceeds 10^30, because sums of totals must
//! fit 38 digits.

use smelt_sdk::prelude::*;

const MISSING_ORDER_ID: Rule = Rule::reject("missing_order_id", "The order has no id.");
const INVALID_ORDER_TS: Rule = Rule::reject("invalid_order_ts", "The instant is missing or is no such instant.");
const MISSING_QUANTITY: Rule =
    Rule::repair("missing_quantity", "The quantity is missing or not numeric; it becomes 0.");
const NEGATIVE_QUANTITY: Rule = Rule::repair("negative_quantity", "The quantity is negative; it becomes 0.");
const MISSING_PRICE: Rule =
    Rule::repair("missing_unit_price", "The unit price is missing or not numeric; it becomes 0.");
const NEGATIVE_PRICE: Rule = Rule::repair("negative_unit_price", "The unit price is negative; it becomes 0.");
const MISSING_TOTAL: Rule =
    Rule::repair("missing_total", "The total is missing or not numeric; it becomes quantity × unit price.");
const NEGATIVE_TOTAL: Rule = Rule::repair("negative_total", "The total is negative; it becomes quantity × unit price.");

const NUMERIC_BELOW: u128 = 10u128.pow(20);
const GREATEST_TOTAL: Money = Money::from_units(10i128.pow(32));

struct CleanOrders;

impl Cleaner for CleanOrders {
    fn describe() -> CleanerDescription {
        describe_cleaner(identity!())
            .input([
                "order_id",
                "customer_id",
                "product",
                "quantity",
                "unit_price",
                "total_amount",
                "order_ts",
                "channel",
            ])
            .output([
                text("order_id"),
                nullable(text("customer_id")),
                nullable(text("product")),
                float64("quantity"),
                money("unit_price"),
                money("total_amount"),
                timestamp("order_ts"),
                nullable(text("channel")),
                date("order_date"),
            ])
            .key(["order_id"])
            .prefer(Preference::Greatest, "order_ts")
            .rules([
                &MISSING_ORDER_ID,
                &INVALID_ORDER_TS,
                &MISSING_QUANTITY,
                &NEGATIVE_QUANTITY,
                &MISSING_PRICE,
                &NEGATIVE_PRICE,
                &MISSING_TOTAL,
                &NEGATIVE_TOTAL,
            ])
    }

    fn open(_: &Config) -> Result<Self> {
        Ok(Self)
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let (id, ts) = (rows.text("order_id")?, rows.text("order_ts")?);
        let (customer, product) = (rows.text("customer_id")?, rows.text("product")?);
        let (quantity, price) = (rows.text("quantity")?, rows.text("unit_price")?);
        let (total, channel) = (rows.text("total_amount")?, rows.text("channel")?);

        for row in rows.rows() {
            let Some(id) = id.trimmed(row) else {
                out.reject(row, &MISSING_ORDER_ID);
                continue;
            };
            let Some(ts) = ts.trimmed(row).and_then(Timestamp::parse) else {
                out.reject(row, &INVALID_ORDER_TS);
                continue;
            };
            let quantity = amount(quantity.trimmed(row), &MISSING_QUANTITY, &NEGATIVE_QUANTITY, out);
            let price = amount(price.trimmed(row), &MISSING_PRICE, &NEGATIVE_PRICE, out);
            let price = price.and_then(Number::round).unwrap_or(Money::ZERO);
            let total = amount(total.trimmed(row), &MISSING_TOTAL, &NEGATIVE_TOTAL, out)
                .and_then(Number::round)
                .or_else(|| quantity?.times(price).filter(|&total| total <= GREATEST_TOTAL))
                .unwrap_or(Money::ZERO);
            out.keep(row)
                .text(id)
                .text(customer.trimmed(row))
                .text(product.trimmed(row))
                .float(quantity.map_or(0.0, Number::to_f64))
                .decimal(price)
                .decimal(total)
                .timestamp(ts)
                .text(channel.trimmed(row))
                .date(ts.date());
        }
        Ok(())
    }
}

/// Returns the amount exactly as it was written. Counts a repair and returns `None` if the amount is missing or
/// negative; the caller then uses 0 or computes it.
fn amount(written: Option<&str>, missing: &Rule, negative: &Rule, out: &mut Cleaned) -> Option<Number> {
    let number = written.and_then(Number::parse).filter(|number| number.trunc().unsigned_abs() < NUMERIC_BELOW);
    let repair = match number {
        Some(number) if !number.is_negative() => return Some(number),
        Some(_) => negative,
        None => missing,
    };
    out.repair(repair);
    None
}

export_cleaner!(CleanOrders);

#[cfg(test)]
mod tests;
