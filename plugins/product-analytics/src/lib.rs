//! KPI: the products by revenue, with their shares, prices and clients.
//!
//! The groups of the first stage are small parts of a product's sales: those to a client, in a country, in a week, or at
//! nearly the same price. Of days and of prices they pass on the least and the greatest. So a new sale looks at four such
//! parts and then at its product, which has at most two rows for each country, week and step of prices. The last stage has
//! a row for each product.

use smelt_sdk::prelude::*;

#[derive(Row)]
struct Sale<'a> {
    client_id: &'a str,
    purchase_date: Date,
    country: &'a str,
    product: &'a str,
    quantity: i64,
    unit_price: Money,
    amount: Money,
}

/// Two parts may have the same text, such as a country and a client: kinds tell their rows apart.
#[derive(Row)]
#[row(group(product, part))]
#[rustfmt::skip]
enum Part<'a> {
    Client { product: &'a str, part: &'a str, #[sum] rows: i64 },
    Country {
        product: &'a str, part: &'a str,
        #[sum] quantity: i64, #[sum] revenue: Money, #[sum] prices: Money, #[sum] rows: i64,
    },
    Day { product: &'a str, part: &'a str, day: Date },
    Price { product: &'a str, part: &'a str, price: Money },
}

/// The product's clients and sums come first, then its countries, those with the most revenue first, then days and prices
/// in order.
#[derive(Row)]
#[row(group(product))]
#[rustfmt::skip]
enum OfProduct<'a> {
    Clients { product: &'a str, #[sum] repeat_clients: i64, #[sum] rows: i64 },
    Sums { product: &'a str, #[sum] quantity: i64, #[sum] revenue: Money, #[sum] prices: Money, #[sum] rows: i64 },
    Country { product: &'a str, most: Desc<Money>, country: &'a str },
    Day { product: &'a str, day: Date },
    Price { product: &'a str, price: Money },
}

/// The total comes first, then the products, those with the most revenue first.
#[derive(Row)]
#[row(group())]
#[rustfmt::skip]
enum Ranked<'a> {
    Total { #[sum] revenue: Money },
    Product {
        most: Desc<Money>, product: &'a str, min_price: Money, max_price: Money, top_country: &'a str,
        first_sale_date: Date, last_sale_date: Date,
        #[sum] quantity: i64, #[sum] prices: Money, #[sum] clients: i64, #[sum] repeat_clients: i64, #[sum] rows: i64,
    },
}

#[derive(Row)]
struct Product<'a> {
    rank: i64,
    product: &'a str,
    orders: i64,
    quantity: i64,
    revenue: Money,
    market_share: Option<Decimal<4>>,
    cumulative_share: Option<Decimal<4>>,
    abc_class: &'a str,
    average_price: Money,
    min_price: Money,
    max_price: Money,
    price_range: Money,
    revenue_per_unit: Option<Money>,
    clients: i64,
    repeat_clients: i64,
    repeat_rate: Decimal<4>,
    top_country: &'a str,
    first_sale_date: Date,
    last_sale_date: Date,
}

/// Prices that differ by less are nearly the same, in hundredths. A part then has about as many rows as that, and a product
/// has few parts.
const PRICE_STEP: i128 = 25;

/// The least and the greatest of values that come in order.
#[derive(Default, Clone, Copy)]
struct Ends<T>(Option<(T, T)>);

impl<T: Copy + Default + PartialEq> Ends<T> {
    fn take(&mut self, value: T) {
        self.0 = Some((self.0.map_or(value, |(least, _)| least), value));
    }

    /// Returns both, or one if they are equal.
    fn each(self) -> impl Iterator<Item = T> {
        self.0
            .into_iter()
            .flat_map(|(least, greatest)| [Some(least), (least != greatest).then_some(greatest)])
            .flatten()
    }

    fn both(self) -> (T, T) {
        self.0.unwrap_or_default()
    }
}

impl<T: Saved> Saved for Ends<T> {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
    }

    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        Saved::resume(bytes).map(Self)
    }
}

/// Passes on what matters of a part to its product.
fn summary(rows: &[Part], out: &mut Out<OfProduct<'static>>) -> Result<()> {
    let (mut of, mut days, mut prices) = ("", Ends::default(), Ends::default());
    for row in rows {
        match *row {
            Part::Client { product, rows, .. } => {
                out.add(OfProduct::Clients { product, repeat_clients: i64::from(rows >= 2), rows: 1 })?;
            }
            Part::Country { product, part: country, quantity, revenue, prices, rows } => {
                out.add(OfProduct::Sums { product, quantity, revenue, prices, rows })?;
                out.add(OfProduct::Country { product, most: Desc(revenue), country })?;
            }
            Part::Day { product, day, .. } => {
                of = product;
                days.take(day);
            }
            Part::Price { product, price, .. } => {
                of = product;
                prices.take(price);
            }
        }
    }
    days.each().try_for_each(|day| out.add(OfProduct::Day { product: of, day }))?;
    prices.each().try_for_each(|price| out.add(OfProduct::Price { product: of, price }))
}

/// A product so far.
#[derive(Default, Saved)]
struct Walk {
    product: String,
    clients: i64,
    repeat_clients: i64,
    orders: i64,
    quantity: i64,
    revenue: Money,
    prices: Money,
    top_country: Option<String>,
    days: Ends<Date>,
    price_ends: Ends<Money>,
}

impl Walk {
    fn take(&mut self, row: OfProduct) {
        match row {
            OfProduct::Clients { repeat_clients, rows: clients, .. } => {
                (self.clients, self.repeat_clients) = (clients, repeat_clients);
            }
            OfProduct::Sums { product, quantity, revenue, prices, rows: orders } => {
                self.product = product.to_owned();
                (self.orders, self.quantity, self.revenue, self.prices) = (orders, quantity, revenue, prices);
            }
            OfProduct::Country { country, .. } => {
                self.top_country.get_or_insert_with(|| country.to_owned());
            }
            OfProduct::Day { day, .. } => self.days.take(day),
            OfProduct::Price { price, .. } => self.price_ends.take(price),
        }
    }

    fn write(&self, out: &mut Out<Ranked<'static>>) -> Result<()> {
        let Self { ref product, clients, repeat_clients, orders, quantity, revenue, prices, .. } = *self;
        if orders == 0 || clients == 0 {
            // Whatever is sold is sold to someone, so this leaves out no product.
            return Ok(());
        }
        let ((min_price, max_price), (first_sale_date, last_sale_date)) = (self.price_ends.both(), self.days.both());
        out.add(Ranked::Total { revenue })?;
        out.add(Ranked::Product {
            most: Desc(revenue),
            product,
            min_price,
            max_price,
            top_country: self.top_country.as_deref().unwrap_or_default(),
            first_sale_date,
            last_sale_date,
            quantity,
            prices,
            clients,
            repeat_clients,
            rows: orders,
        })
    }
}

/// The revenue of all products, and the number and the revenue of those that were written.
#[derive(Default, Saved)]
struct Ranking {
    total: Money,
    rank: i64,
    before: Money,
}

impl Ranking {
    /// Returns the class by the share of the total that the products before have.
    fn class(&self) -> &'static str {
        let percent = |amount: Money, percent: i64| Exact::from(amount.units()) * percent.into();
        let below = |limit| percent(self.before, 100) < percent(self.total, limit);
        match self.total {
            Money::ZERO => "C",
            _ if below(80) => "A",
            _ if below(95) => "B",
            _ => "C",
        }
    }
}

fn product_analytics(_: &Config) -> Result<Definition> {
    table(["product"])
        .input::<Sale>("sales", |sale, out| {
            let Sale { client_id, purchase_date: day, country, product, quantity, unit_price: price, amount } = sale;
            let (week, step) = (day.week(), Short::of(price.units() / PRICE_STEP));
            out.add(Part::Client { product, part: client_id, rows: 1 })?;
            let (part, revenue, prices) = (country, amount, price);
            out.add(Part::Country { product, part, quantity, revenue, prices, rows: 1 })?;
            out.add(Part::Day { product, part: &week, day })?;
            out.add(Part::Price { product, part: &step, price })
        })
        .stage::<Part>()
        .group(summary)
        .stage::<OfProduct>()
        .walk_to_end(
            |walk: &mut Walk, row, _| {
                walk.take(row);
                Ok(())
            },
            |walk, out| walk.write(out),
        )
        .stage::<Ranked>()
        .walk(|ranking: &mut Ranking, row, out| match row {
            Ranked::Total { revenue } => ranking.total.increase(revenue),
            Ranked::Product {
                most: Desc(revenue),
                product,
                min_price,
                max_price,
                top_country,
                first_sale_date,
                last_sale_date,
                quantity,
                prices,
                clients,
                repeat_clients,
                rows: orders,
            } => {
                let abc_class = ranking.class();
                ranking.rank += 1;
                ranking.before.increase(revenue)?;
                out.add(Product {
                    rank: ranking.rank,
                    product,
                    orders,
                    quantity,
                    revenue,
                    market_share: (Ratio::from(revenue) / ranking.total).round()?,
                    cumulative_share: (Ratio::from(ranking.before) / ranking.total).round()?,
                    abc_class,
                    average_price: (Ratio::from(prices) / orders).value()?,
                    min_price,
                    max_price,
                    price_range: (Ratio::from(max_price) - min_price).value()?,
                    revenue_per_unit: (Ratio::from(revenue) / quantity).round()?,
                    clients,
                    repeat_clients,
                    repeat_rate: (Ratio::from(repeat_clients) / clients).value()?,
                    top_country,
                    first_sale_date,
                    last_sale_date,
                })
            }
        })
        .define()
}

export_table!(product_analytics);

#[cfg(test)]
mod tests;
