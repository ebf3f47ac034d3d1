//! Cleaner: products with exact prices, one row for each `product_id`, the one that was updated last.

use smelt_sdk::prelude::*;
use smelt_sdk_schema::{Columns, Number, round};

const MISSING_PRODUCT_ID: Rule = Rule::reject("missing_product_id", "The product has no id.");
const INVALID_PRICE: Rule =
    Rule::reject("invalid_price", "The price is missing, not written as the schema says, or not greater than 0.");
const INVALID_UPDATED_ON: Rule =
    Rule::reject("invalid_updated_on", "The date of the last update is missing, or not written as the schema says.");
const MISSING_CATEGORY: Rule = Rule::repair("missing_category", "The category is missing; it becomes `unknown`.");
const MISSING_VAT_RATE: Rule =
    Rule::repair("missing_vat_rate", "The VAT rate is missing, unreadable or negative; it becomes 20 %.");
const MISSING_STOCK: Rule = Rule::repair("missing_stock", "The stock is missing or unreadable; it becomes 0.");
const NEGATIVE_STOCK: Rule = Rule::repair("negative_stock", "The stock is negative; it becomes 0.");

const SCHEMA: &str = r#"{"columns": {
  "product_id": {"type": "text"},
  "name": {"type": "text"},
  "category": {"type": "text"},
  "price": {"type": "decimal"},
  "vat": {"type": "decimal"},
  "stock": {"type": "integer"},
  "updated_on": {"type": "date"}
}}"#;

/// The VAT rate of a product that has none: 20 %.
const USUAL_RATE: Decimal<4> = Decimal::from_units(2000);

struct CleanProducts(Columns);

impl Cleaner for CleanProducts {
    fn describe() -> CleanerDescription {
        describe_cleaner(identity!())
            .parameters(Columns::declare(Parameters::none(), SCHEMA))
            .input(["product_id", "name", "category", "price", "vat", "stock", "updated_on"])
            .output([
                text("product_id"),
                nullable(text("name")),
                text("category"),
                money("price"),
                decimal("vat_rate", 4),
                int64("stock"),
                date("updated_on"),
            ])
            .key(["product_id"])
            .prefer(Preference::Greatest, "updated_on")
            .rules([
                &MISSING_PRODUCT_ID,
                &INVALID_PRICE,
                &INVALID_UPDATED_ON,
                &MISSING_CATEGORY,
                &MISSING_VAT_RATE,
                &MISSING_STOCK,
                &NEGATIVE_STOCK,
            ])
    }

    fn open(config: &Config) -> Result<Self> {
        Columns::open(config, SCHEMA).map(Self)
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let cells = |name| self.0.cells(rows, name);
        let (id, name, category) = (cells("product_id")?, cells("name")?, cells("category")?);
        let (price, vat, stock, updated) = (cells("price")?, cells("vat")?, cells("stock")?, cells("updated_on")?);

        for row in rows.rows() {
            let Some(id) = id.text(row) else {
                out.reject(row, &MISSING_PRODUCT_ID);
                continue;
            };
            let Some(price) = price.number(row).filter(|&price| price > Number::ZERO) else {
                out.reject(row, &INVALID_PRICE);
                continue;
            };
            let Some(updated) = updated.date(row) else {
                out.reject(row, &INVALID_UPDATED_ON);
                continue;
            };
            let category = category.text(row).unwrap_or_else(|| {
                out.repair(&MISSING_CATEGORY);
                "unknown"
            });
            let vat = vat.number(row).filter(|vat| !vat.is_negative());
            // Per cent with two places are a rate with four.
            let rate = vat.map(|vat| Decimal::from_units(round::<2>(vat).units())).unwrap_or_else(|| {
                out.repair(&MISSING_VAT_RATE);
                USUAL_RATE
            });
            let stock = match stock.integer(row) {
                Some(stock @ 0..) => stock,
                Some(_) => {
                    out.repair(&NEGATIVE_STOCK);
                    0
                }
                None => {
                    out.repair(&MISSING_STOCK);
                    0
                }
            };
            out.keep(row)
                .text(id)
                .text(name.text(row))
                .text(category)
                .decimal(round::<2>(price))
                .decimal(rate)
                .integer(stock)
                .date(updated);
        }
        Ok(())
    }
}

export_cleaner!(CleanProducts);

#[cfg(test)]
mod tests;
