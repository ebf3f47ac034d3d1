//! KPI: views, sales, refunds and the cover of the stock of each product, and of whatever else was sold.
//!
//! The first stage has the days of each product, of which the first and the last matter to the second. There the days of all
//! products sort first, so the length of the period is known when the products come.

use smelt_sdk::prelude::*;

fn parameters() -> Parameters {
    let summary = "How many products to list, those with the most revenue; all if not set.";
    Parameters::none().optional_integer("limit", 1..=1_000_000, summary)
}

#[derive(Row)]
struct Product<'a> {
    product_id: &'a str,
    name: Option<&'a str>,
    category: &'a str,
    stock: i64,
}

#[derive(Row)]
struct Sale<'a> {
    product_id: &'a str,
    sale_date: Date,
    status: &'a str,
    quantity: i64,
    net_revenue: Money,
}

#[derive(Row)]
struct Request<'a> {
    method: Option<&'a str>,
    product_id: Option<&'a str>,
    status: i64,
}

#[derive(Row)]
#[row(group(product_id))]
#[rustfmt::skip]
enum OfProduct<'a> {
    Product { product_id: &'a str, name: Option<&'a str>, category: &'a str, #[sum] stock: i64 },
    Views { product_id: &'a str, #[sum] rows: i64 },
    Sales {
        product_id: &'a str,
        #[sum] sales: i64, #[sum] refunded: i64, #[sum] units: i64, #[sum] net_revenue: Money, #[sum] rows: i64,
    },
    Day { product_id: &'a str, day: Date },
}

/// The days on which anything was sold come first, then the products, those with the most revenue first.
#[derive(Row)]
#[row(group())]
#[rustfmt::skip]
enum Ranked<'a> {
    Day { day: Date },
    Product {
        most: Desc<Money>, product_id: &'a str, name: Option<&'a str>, category: &'a str, stock: Option<i64>,
        #[sum] views: i64, #[sum] sales: i64, #[sum] refunded: i64, #[sum] units: i64,
    },
}

#[derive(Row)]
struct Performance<'a> {
    product_id: &'a str,
    product: Option<&'a str>,
    category: &'a str,
    views: i64,
    sales: i64,
    units: i64,
    net_revenue: Money,
    sales_per_view: Option<Decimal<4>>,
    refund_rate: Option<Decimal<4>>,
    stock: Option<i64>,
    cover_days: Option<Decimal<2>>,
}

/// A product of the list.
#[derive(Saved)]
struct Listed {
    name: Option<String>,
    category: String,
    stock: i64,
}

/// A product so far.
#[derive(Default, Saved)]
struct Walk {
    product_id: String,
    listed: Option<Listed>,
    views: i64,
    sales: i64,
    refunded: i64,
    units: i64,
    net_revenue: Money,
    is_sold: bool,
    days: Option<(Date, Date)>,
}

/// The text of what is not known.
const UNKNOWN: &str = "unknown";

impl Walk {
    fn take(&mut self, row: OfProduct) {
        match row {
            OfProduct::Product { product_id, name, category, stock } => {
                self.product_id = product_id.to_owned();
                self.listed = Some(Listed { name: name.map(str::to_owned), category: category.to_owned(), stock });
            }
            OfProduct::Views { rows, .. } => self.views = rows,
            OfProduct::Sales { product_id, sales, refunded, units, net_revenue, .. } => {
                self.product_id = product_id.to_owned();
                (self.sales, self.refunded, self.units) = (sales, refunded, units);
                (self.net_revenue, self.is_sold) = (net_revenue, true);
            }
            OfProduct::Day { day, .. } => self.days = Some((self.days.map_or(day, |(first, _)| first), day)),
        }
    }

    fn write(&self, out: &mut Out<Ranked<'static>>) -> Result<()> {
        let Self { ref product_id, views, sales, refunded, units, net_revenue, .. } = *self;
        if let Some((first, last)) = self.days {
            out.add(Ranked::Day { day: first })?;
            out.add(Ranked::Day { day: last })?;
        }
        let (name, category, stock) = match &self.listed {
            Some(Listed { name, category, stock }) => (name.as_deref(), category.as_str(), Some(*stock)),
            None if self.is_sold => (Some(UNKNOWN), UNKNOWN, None),
            None => return Ok(()),
        };
        out.add(Ranked::Product {
            most: Desc(net_revenue),
            product_id,
            name,
            category,
            stock,
            views,
            sales,
            refunded,
            units,
        })
    }
}

/// The days of all products, the first and the last, and the number of products that were written.
#[derive(Default, Saved)]
struct Ranking {
    days: Option<(Date, Date)>,
    products: i64,
}

fn product_performance(config: &Config) -> Result<Definition> {
    let limit = config.find_integer("limit")?;
    table(["product_id"])
        .input::<Product>("products", |Product { product_id, name, category, stock }, out| {
            out.add(OfProduct::Product { product_id, name, category, stock })
        })
        .setting([])
        .input::<Sale>("sales", |Sale { product_id, sale_date: day, status, quantity, net_revenue }, out| {
            let paid = status == "paid";
            out.add(OfProduct::Sales {
                product_id,
                sales: i64::from(paid),
                refunded: i64::from(status == "refunded"),
                units: if paid { quantity } else { 0 },
                net_revenue: if paid { net_revenue } else { Money::ZERO },
                rows: 1,
            })?;
            out.add(OfProduct::Day { product_id, day })
        })
        .setting([])
        .input::<Request>("requests", |request, out| match request {
            Request { method: Some("GET"), product_id: Some(product_id), status: 200..=299 } => {
                out.add(OfProduct::Views { product_id, rows: 1 })
            }
            _ => Ok(()),
        })
        .setting([])
        .stage::<OfProduct>()
        .walk_to_end(
            |walk: &mut Walk, row, _| {
                walk.take(row);
                Ok(())
            },
            |walk, out| walk.write(out),
        )
        .setting([])
        .stage::<Ranked>()
        .walk(move |ranking: &mut Ranking, row, out| match row {
            Ranked::Day { day } => {
                ranking.days = Some((ranking.days.map_or(day, |(first, _)| first), day));
                Ok(())
            }
            Ranked::Product {
                most: Desc(net_revenue),
                product_id,
                name,
                category,
                stock,
                views,
                sales,
                refunded,
                units,
            } => {
                ranking.products += 1;
                if limit == Some(ranking.products) {
                    out.enough();
                }
                let days = ranking.days.map_or(0, |(first, last)| last.days_since(first) + 1);
                out.add(Performance {
                    product_id,
                    product: name,
                    category,
                    views,
                    sales,
                    units,
                    net_revenue,
                    sales_per_view: (Ratio::from(sales) / views).round()?,
                    refund_rate: (Ratio::from(refunded) / (Ratio::from(sales) + refunded)).round()?,
                    stock,
                    cover_days: match stock {
                        Some(stock) => (Ratio::from(stock) * days / units).round()?,
                        None => None,
                    },
                })
            }
        })
        .define()
}

export_table!(product_performance, parameters);

#[cfg(test)]
mod tests;
