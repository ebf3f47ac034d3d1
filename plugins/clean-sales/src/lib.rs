//! Cleaner: sales with exact amounts that add up, one row for each `sale_id`, the one that was sold last.
//!
//! A number is negative if what is written is, by however little. Amounts are rounded to money before anything is computed
//! with them, so that silver adds up to the cent.

use smelt_sdk::prelude::*;
use smelt_sdk_schema::{Columns, Number, round};

const MISSING_SALE_ID: Rule = Rule::reject("missing_sale_id", "The sale has no id.");
const INVALID_SOLD_AT: Rule =
    Rule::reject("invalid_sold_at", "The instant of the sale is missing, or not written as the schema says.");
const MISSING_PRODUCT_ID: Rule = Rule::reject("missing_product_id", "The sale has no product.");
const INVALID_QUANTITY: Rule =
    Rule::reject("invalid_quantity", "The quantity is missing, no whole number, or not greater than 0.");
const INVALID_UNIT_PRICE: Rule =
    Rule::reject("invalid_unit_price", "The unit price is missing, no number, or negative.");
const MISSING_DISCOUNT: Rule = Rule::repair("missing_discount", "The discount is missing or unreadable; it becomes 0.");
const NEGATIVE_DISCOUNT: Rule = Rule::repair("negative_discount", "The discount is negative; it becomes 0.");
const EXCESSIVE_DISCOUNT: Rule =
    Rule::repair("excessive_discount", "The discount is more than quantity × unit price; it becomes that.");
const MISSING_TOTAL: Rule =
    Rule::repair("missing_total", "The total is missing or unreadable; it becomes quantity × unit price − discount.");
const INCONSISTENT_TOTAL: Rule = Rule::repair(
    "inconsistent_total",
    "The total is more than 0.01 off quantity × unit price − discount; it becomes that.",
);
const MISSING_CHANNEL: Rule = Rule::repair("missing_channel", "The channel is missing; it becomes `unknown`.");
const MISSING_STATUS: Rule = Rule::repair("missing_status", "The status is missing; it becomes `paid`.");

const SCHEMA: &str = r#"{"columns": {
  "sale_id": {"type": "text"},
  "session_id": {"type": "text"},
  "user_id": {"type": "text"},
  "product_id": {"type": "text"},
  "quantity": {"type": "integer"},
  "unit_price": {"type": "decimal"},
  "discount": {"type": "decimal"},
  "total": {"type": "decimal"},
  "sold_at": {"type": "timestamp"},
  "channel": {"type": "text"},
  "status": {"type": "text"}
}}"#;

struct CleanSales(Columns);

/// The amounts of a sale that add up, and the rules that repaired them.
struct Amounts {
    discount: Money,
    total: Money,
    repairs: [Option<&'static Rule>; 3],
}

impl Amounts {
    /// Repairs the discount first, then the total. `gross` is quantity × unit price.
    fn of(gross: Money, discount: Option<Number>, total: Option<Number>) -> Self {
        let (discount, repair) = match discount {
            None => (Money::ZERO, Some(&MISSING_DISCOUNT)),
            Some(discount) if discount.is_negative() => (Money::ZERO, Some(&NEGATIVE_DISCOUNT)),
            Some(discount) => (round(discount), None),
        };
        let (discount, excessive) =
            if discount > gross { (gross, Some(&EXCESSIVE_DISCOUNT)) } else { (discount, None) };
        let net = gross - discount;
        let is_off = |total: Money| (total.units() - net.units()).unsigned_abs() > 1;
        let (total, off) = match total.map(round) {
            None => (net, Some(&MISSING_TOTAL)),
            Some(total) if is_off(total) => (net, Some(&INCONSISTENT_TOTAL)),
            Some(total) => (total, None),
        };
        Self { discount, total, repairs: [repair, excessive, off] }
    }
}

impl Cleaner for CleanSales {
    fn describe() -> CleanerDescription {
        describe_cleaner(identity!())
            .parameters(Columns::declare(Parameters::none(), SCHEMA))
            .input([
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
            ])
            .output([
                text("sale_id"),
                nullable(text("session_id")),
                nullable(text("user_id")),
                text("product_id"),
                int64("quantity"),
                money("unit_price"),
                money("discount"),
                money("total"),
                timestamp("sold_at"),
                text("channel"),
                text("status"),
                date("sale_date"),
            ])
            .key(["sale_id"])
            .prefer(Preference::Greatest, "sold_at")
            .rules([
                &MISSING_SALE_ID,
                &INVALID_SOLD_AT,
                &MISSING_PRODUCT_ID,
                &INVALID_QUANTITY,
                &INVALID_UNIT_PRICE,
                &MISSING_DISCOUNT,
                &NEGATIVE_DISCOUNT,
                &EXCESSIVE_DISCOUNT,
                &MISSING_TOTAL,
                &INCONSISTENT_TOTAL,
                &MISSING_CHANNEL,
                &MISSING_STATUS,
            ])
    }

    fn open(config: &Config) -> Result<Self> {
        Columns::open(config, SCHEMA).map(Self)
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let cells = |name| self.0.cells(rows, name);
        let (id, session, user, product) =
            (cells("sale_id")?, cells("session_id")?, cells("user_id")?, cells("product_id")?);
        let (quantity, price) = (cells("quantity")?, cells("unit_price")?);
        let (discount, total) = (cells("discount")?, cells("total")?);
        let (sold_at, channel, status) = (cells("sold_at")?, cells("channel")?, cells("status")?);

        for row in rows.rows() {
            let Some(id) = id.text(row) else {
                out.reject(row, &MISSING_SALE_ID);
                continue;
            };
            let Some(sold_at) = sold_at.instant(row) else {
                out.reject(row, &INVALID_SOLD_AT);
                continue;
            };
            let Some(product) = product.text(row) else {
                out.reject(row, &MISSING_PRODUCT_ID);
                continue;
            };
            let Some(quantity) = quantity.integer(row).filter(|&quantity| quantity > 0) else {
                out.reject(row, &INVALID_QUANTITY);
                continue;
            };
            let Some(price) = price.number(row).filter(|price| !price.is_negative()) else {
                out.reject(row, &INVALID_UNIT_PRICE);
                continue;
            };
            let price: Money = round(price);
            // Both have at most 18 digits before the point, so the product has no more than 38 digits.
            let gross = Money::from_units(price.units() * i128::from(quantity));
            let Amounts { discount, total, repairs } = Amounts::of(gross, discount.number(row), total.number(row));
            repairs.into_iter().flatten().for_each(|rule| out.repair(rule));
            let mut or = |cell: Option<_>, rule, usual| {
                cell.unwrap_or_else(|| {
                    out.repair(rule);
                    usual
                })
            };
            let channel = or(channel.text(row), &MISSING_CHANNEL, "unknown");
            let status = or(status.text(row), &MISSING_STATUS, "paid");
            out.keep(row)
                .text(id)
                .text(session.text(row))
                .text(user.text(row))
                .text(product)
                .integer(quantity)
                .decimal(price)
                .decimal(discount)
                .decimal(total)
                .timestamp(sold_at)
                .text(channel)
                .text(status)
                .date(sold_at.date());
        }
        Ok(())
    }
}

export_cleaner!(CleanSales);

#[cfg(test)]
mod tests;
