//! Table: sales with their calendar, gross amount, rate of discount and net revenue.

use smelt_sdk::prelude::*;

#[derive(Row)]
struct Sale<'a> {
    sale_id: &'a str,
    session_id: Option<&'a str>,
    user_id: Option<&'a str>,
    product_id: &'a str,
    quantity: i64,
    unit_price: Money,
    discount: Money,
    total: Money,
    sold_at: Timestamp,
    channel: &'a str,
    status: &'a str,
    sale_date: Date,
}

#[derive(Row)]
struct Enriched<'a> {
    sale_id: &'a str,
    session_id: Option<&'a str>,
    user_id: Option<&'a str>,
    product_id: &'a str,
    sold_at: Timestamp,
    sale_date: Date,
    month: Short,
    week: Short,
    weekday: i64,
    weekend: bool,
    hour: i64,
    channel: &'a str,
    status: &'a str,
    quantity: i64,
    unit_price: Money,
    gross: Money,
    discount: Money,
    discount_rate: Option<Decimal<4>>,
    net_revenue: Money,
}

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

fn enrich_sales(_: &Config) -> Result<Definition> {
    table(["sale_id"])
        .input::<Sale>("sales", |sale, out| {
            let Sale { sale_id, session_id, user_id, product_id, quantity, unit_price, discount, total, .. } = sale;
            let Sale { sold_at, channel, status, sale_date, .. } = sale;
            let gross: Money = (Ratio::from(unit_price) * quantity).value()?;
            let weekday = sale_date.weekday();
            out.add(Enriched {
                sale_id,
                session_id,
                user_id,
                product_id,
                sold_at,
                sale_date,
                month: sale_date.month(),
                week: sale_date.week(),
                weekday,
                weekend: weekday >= 6,
                hour: sold_at.0.div_euclid(HOUR).rem_euclid(24),
                channel,
                status,
                quantity,
                unit_price,
                gross,
                discount,
                discount_rate: (Ratio::from(discount) / gross).round()?,
                net_revenue: if status == "paid" { total } else { Money::ZERO },
            })
        })
        .define()
}

export_table!(enrich_sales);

#[cfg(test)]
mod tests;
