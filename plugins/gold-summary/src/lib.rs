//! KPI: one row with the figures of all sales and clients. It is there even if there are none.
//!
//! All that is added up is one group, of which only the last reducer knows the day: a new one reads a row for each day,
//! product and country, and none for a sale.

use smelt_sdk::prelude::*;

#[derive(Row)]
struct Sale<'a> {
    purchase_date: Date,
    country: &'a str,
    product: &'a str,
    quantity: i64,
    amount: Money,
    days_since_previous: Option<i64>,
}

#[derive(Row)]
struct Client<'a> {
    client_id: &'a str,
    orders: i64,
    total_spent: Money,
    churn_probability: Option<Decimal<4>>,
    predicted_value: Option<Money>,
    status: &'a str,
    high_value: bool,
}

/// The same three sums have another meaning in each kind of row, so that no row carries many that are 0. `rows` counts
/// sales or clients.
#[derive(Row)]
#[row(group())]
#[rustfmt::skip]
enum Figure<'a> {
    /// `count` is the quantity.
    Day { date: Date, #[sum] count: i64, #[sum] amount: Money, #[sum] rows: i64 },
    /// `count` is by how many the number of clients with a purchase in the last 30 days changes on that day.
    Recent { recent_date: Date, #[sum] count: i64 },
    Product { product: &'a str, #[sum] amount: Money },
    Country { country: &'a str, #[sum] amount: Money },
    /// `amount` was spent.
    Clients { status: &'a str, high_value: bool, repeats: bool, #[sum] amount: Money, #[sum] rows: i64 },
    /// `amount` is the sum of the churn probabilities, in percent.
    Churn { #[sum] amount: Money },
    Predicted { #[sum] amount: Money },
    /// Comes last, the greatest first: there is enough once the first one has come.
    Spender { spent: Desc<Money>, client_id: &'a str },
}

#[derive(Row, Default, Clone, Saved)]
struct Summary {
    as_of: Date,
    first_purchase_date: Option<Date>,
    last_purchase_date: Option<Date>,
    revenue: Money,
    orders: i64,
    quantity: i64,
    average_order_value: Option<Money>,
    clients: i64,
    buyers: i64,
    active_clients: i64,
    inactive_clients: i64,
    prospects: i64,
    high_value_clients: i64,
    at_risk_clients: i64,
    at_risk_revenue: Money,
    repeat_clients: i64,
    repeat_rate: Option<Decimal<4>>,
    revenue_per_buyer: Option<Money>,
    orders_per_buyer: Option<Decimal<4>>,
    products: i64,
    countries: i64,
    top_product: Option<String>,
    top_product_revenue: Option<Money>,
    top_country: Option<String>,
    top_country_revenue: Option<Money>,
    top_client: Option<String>,
    top_client_revenue: Option<Money>,
    best_day: Option<Date>,
    best_day_revenue: Option<Money>,
    orders_30d: i64,
    revenue_30d: Money,
    buyers_30d: i64,
    revenue_prior_30d: Money,
    growth_30d: Option<Decimal<4>>,
    average_churn_probability: Option<Decimal<4>>,
    predicted_value: Money,
}

/// The figures so far.
#[derive(Default, Saved)]
struct Walk {
    summary: Summary,
    churn: Money,
}

/// Keeps the name with the greatest amount. Names come in ascending order, so the first one wins a tie.
fn keep_greatest(top: (&mut Option<String>, &mut Option<Money>), name: &str, amount: Money) {
    if top.1.is_none_or(|most| most < amount) {
        (*top.0, *top.1) = (Some(name.to_owned()), Some(amount));
    }
}

impl Walk {
    fn take(&mut self, row: &Figure, today: Date) -> Result<()> {
        let all = &mut self.summary;
        match *row {
            Figure::Day { date, count, amount, rows } => {
                all.first_purchase_date.get_or_insert(date);
                all.last_purchase_date = Some(date);
                all.revenue.increase(amount)?;
                all.orders.increase(rows)?;
                all.quantity.increase(count)?;
                if all.best_day_revenue.is_none_or(|most| most < amount) {
                    (all.best_day, all.best_day_revenue) = (Some(date), Some(amount));
                }
                match today.days_since(date) {
                    0..30 => {
                        all.orders_30d.increase(rows)?;
                        all.revenue_30d.increase(amount)
                    }
                    30..60 => all.revenue_prior_30d.increase(amount),
                    _ => Ok(()),
                }
            }
            Figure::Recent { recent_date, count } if recent_date <= today => all.buyers_30d.increase(count),
            Figure::Product { product, amount } => {
                keep_greatest((&mut all.top_product, &mut all.top_product_revenue), product, amount);
                all.products.increase(1)
            }
            Figure::Country { country, amount } => {
                keep_greatest((&mut all.top_country, &mut all.top_country_revenue), country, amount);
                all.countries.increase(1)
            }
            Figure::Clients { status, high_value, repeats, amount, rows } => {
                let of_status = match status {
                    "active" => &mut all.active_clients,
                    "inactive" => &mut all.inactive_clients,
                    _ => &mut all.prospects,
                };
                of_status.increase(rows)?;
                all.clients.increase(rows)?;
                all.buyers.increase(if status == "prospect" { 0 } else { rows })?;
                all.high_value_clients.increase(if high_value { rows } else { 0 })?;
                all.repeat_clients.increase(if repeats { rows } else { 0 })?;
                if high_value && status == "inactive" {
                    all.at_risk_clients.increase(rows)?;
                    all.at_risk_revenue.increase(amount)?;
                }
                Ok(())
            }
            Figure::Churn { amount } => self.churn.increase(amount),
            Figure::Predicted { amount } => all.predicted_value.increase(amount),
            Figure::Recent { .. } | Figure::Spender { .. } => Ok(()),
        }
    }

    fn write(&self, top_client: Option<(&str, Money)>, out: &mut Out<Summary>) -> Result<()> {
        let Self { summary: all, churn } = self;
        let (revenue, buyers) = (Ratio::from(all.revenue), all.buyers);
        out.add(Summary {
            as_of: out.day()?,
            average_order_value: (revenue / all.orders).round()?,
            repeat_rate: (Ratio::from(all.repeat_clients) / buyers).round()?,
            revenue_per_buyer: (revenue / buyers).round()?,
            orders_per_buyer: (Ratio::from(all.orders) / buyers).round()?,
            top_client: top_client.map(|(client, _)| client.to_owned()),
            top_client_revenue: top_client.map(|(_, spent)| spent),
            growth_30d: ((Ratio::from(all.revenue_30d) - all.revenue_prior_30d) / all.revenue_prior_30d).round()?,
            average_churn_probability: (Ratio::from(*churn) / 100 / buyers).round()?,
            ..all.clone()
        })
    }
}

fn gold_summary(_: &Config) -> Result<Definition> {
    table([])
        .input::<Sale>("sales", |sale, out| {
            let Sale { purchase_date: date, country, product, quantity: count, amount, days_since_previous } = sale;
            out.add(Figure::Day { date, count, amount, rows: 1 })?;
            out.add(Figure::Product { product, amount })?;
            out.add(Figure::Country { country, amount })?;
            // A client counts from a purchase on for 30 days, less those for which the one before counts already.
            let counts_already = days_since_previous.map_or(0, |days| 30i64.saturating_sub(days).max(0));
            if counts_already < 30 {
                out.add(Figure::Recent { recent_date: date.plus_days(counts_already), count: 1 })?;
                out.add(Figure::Recent { recent_date: date.plus_days(30), count: -1 })?;
            }
            Ok(())
        })
        .input::<Client>("clients", |client, out| {
            let Client { client_id, orders, total_spent: amount, status, high_value, .. } = client;
            out.add(Figure::Clients { status, high_value, repeats: orders >= 2, amount, rows: 1 })?;
            let churn = client.churn_probability.unwrap_or_default();
            out.add(Figure::Churn { amount: Money::from_units(churn.units()) })?;
            out.add(Figure::Predicted { amount: client.predicted_value.unwrap_or_default() })?;
            if orders > 0 {
                out.add(Figure::Spender { spent: Desc(amount), client_id })?;
            }
            Ok(())
        })
        .stage::<Figure>()
        .walk_to_end(
            |walk: &mut Walk, row, out| {
                if let Figure::Spender { spent, client_id } = row {
                    out.enough();
                    return walk.write(Some((client_id, spent.0)), out);
                }
                walk.take(&row, out.day()?)
            },
            |walk, out| walk.write(None, out),
        )
        .as_of()
        .define()
}

export_table!(gold_summary);

#[cfg(test)]
mod tests;
