//! Table: products with the price including VAT, a band of prices, and what the stock is and is worth.

use smelt_sdk::prelude::*;

fn parameters() -> Parameters {
    Parameters::none()
        .text("mid_from", "20", "The least price of the band `mid`; lesser ones are `low`.")
        .text("high_from", "100", "The least price of the band `high`.")
        .integer(
            "low_stock",
            1..=1_000_000_000,
            10,
            "The least stock that is `ok`; lesser ones are `low`, and 0 is `out`.",
        )
}

#[derive(Row)]
struct Product<'a> {
    product_id: &'a str,
    name: Option<&'a str>,
    category: &'a str,
    price: Money,
    vat_rate: Decimal<4>,
    stock: i64,
    updated_on: Date,
}

#[derive(Row)]
struct Enriched<'a> {
    product_id: &'a str,
    name: Option<&'a str>,
    category: &'a str,
    price: Money,
    vat_rate: Decimal<4>,
    price_incl_vat: Money,
    price_band: &'a str,
    stock: i64,
    stock_status: &'a str,
    stock_value: Money,
    updated_on: Date,
}

/// Returns a price that a parameter gives.
fn price(config: &Config, name: &str) -> Result<Money> {
    let text = config.text(name)?;
    let wrong =
        || Fault::invalid_parameters(format!("parameter `{name}` must be a price such as `19.99`, is `{text}`"));
    Number::parse(text).and_then(Number::round).ok_or_else(wrong)
}

fn enrich_products(config: &Config) -> Result<Definition> {
    let (mid_from, high_from) = (price(config, "mid_from")?, price(config, "high_from")?);
    if high_from < mid_from {
        let message = format!("parameter `high_from` must be at least `mid_from`, {mid_from}, is {high_from}");
        return Err(Fault::invalid_parameters(message));
    }
    let low_stock = config.integer("low_stock")?;
    table(["product_id"])
        .input::<Product>("products", move |product, out| {
            let Product { product_id, name, category, price, vat_rate, stock, updated_on } = product;
            out.add(Enriched {
                product_id,
                name,
                category,
                price,
                vat_rate,
                price_incl_vat: (Ratio::from(price) * (Ratio::from(1) + vat_rate)).value()?,
                price_band: match price {
                    _ if price < mid_from => "low",
                    _ if price < high_from => "mid",
                    _ => "high",
                },
                stock,
                stock_status: match stock {
                    ..=0 => "out",
                    _ if stock < low_stock => "low",
                    _ => "ok",
                },
                stock_value: (Ratio::from(price) * stock).value()?,
                updated_on,
            })
        })
        .define()
}

export_table!(enrich_products, parameters);

#[cfg(test)]
mod tests;
