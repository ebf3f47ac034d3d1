//! Table: what each client spent, how the client compares with the others, and what the client may yet spend.
//!
//! The first stage adds up clients. The second walks through all of them as one group. There the distributions of all
//! buyers sort before the clients, so scores need one pass and little memory. The second stage alone knows the day: a new
//! day reads a row a client, and no sale.

use smelt_sdk::prelude::*;

mod scores;

use scores::{Scores, segment};

fn parameters() -> Parameters {
    let percent = 0..=1000;
    Parameters::none()
        .integer("active_days", 0..=36_500, 90, "Days since the last purchase for which a client counts as active.")
        .integer("prior_days", 0..=36_500, 90, "Days of the prior of the churn probability.")
        .integer("margin_percent", percent.clone(), 100, "The margin on what is sold.")
        .integer("retention_percent", 0..=100, 80, "The share of clients who stay for another year.")
        .integer("discount_percent", percent, 10, "The yearly discount on what is earned later.")
}

#[derive(Row)]
struct Client<'a> {
    client_id: &'a str,
    country: &'a str,
    signup_date: Date,
}

#[derive(Row)]
struct Sale<'a> {
    client_id: &'a str,
    purchase_date: Date,
    quantity: i64,
    amount: Money,
}

#[derive(Row)]
#[row(group(client_id))]
#[rustfmt::skip]
enum History<'a> {
    Registered { client_id: &'a str, country: &'a str, signup: Date },
    Day { client_id: &'a str, date: Date, #[sum] quantity: i64, #[sum] spent: Money, #[sum] rows: i64 },
}

/// The number of buyers that have each value, then the clients as the table is sorted.
#[derive(Row)]
#[row(group())]
#[rustfmt::skip]
enum Ranked<'a> {
    Buyers { #[sum] rows: i64 },
    ByLast { value_last: Date, #[sum] rows: i64 },
    ByOrders { value_orders: i64, #[sum] rows: i64 },
    BySpent { value_spent: Money, #[sum] rows: i64 },
    Client {
        spent: Desc<Money>, client_id: &'a str, country: Option<&'a str>, signup: Option<Date>,
        first: Option<Date>, last: Option<Date>, #[sum] orders: i64, #[sum] quantity: i64,
    },
}

#[derive(Row)]
struct ClientKpi<'a> {
    client_id: &'a str,
    country: &'a str,
    signup_date: Option<Date>,
    first_purchase_date: Option<Date>,
    last_purchase_date: Option<Date>,
    orders: i64,
    quantity: i64,
    total_spent: Money,
    average_order_value: Option<Money>,
    tenure_days: Option<i64>,
    recency_days: Option<i64>,
    purchase_frequency: Option<Decimal<4>>,
    days_between_purchases: Option<Decimal<4>>,
    lifetime_value: Money,
    churn_probability: Option<Decimal<4>>,
    predicted_value: Option<Money>,
    r_score: Option<i64>,
    f_score: Option<i64>,
    m_score: Option<i64>,
    rfm_score: Option<Short>,
    segment: &'a str,
    status: &'a str,
    high_value: bool,
}

/// The distributions of all buyers: of the last purchase, the orders and what was spent.
#[derive(Default, Saved)]
struct Rfm {
    buyers: i64,
    last: Scores<Date>,
    orders: Scores<i64>,
    spent: Scores<Money>,
}

/// One trillion: the probability 1 in the integers in which the definition computes it.
const ONE: i64 = 1_000_000_000_000;

/// Returns the probability, of [`ONE`], that a client who has been silent so long since the last of so many orders
/// still buys: the NBD of Ehrenberg (1959) with the prior (0, α).
fn still_buys(orders: i64, until_last: i64, tenure: i64) -> Result<i64> {
    let mut probability = ONE;
    for _ in 0..orders {
        if probability == 0 || until_last == tenure {
            break;
        }
        let product = probability.checked_mul(until_last);
        probability = product.ok_or_else(|| Fault::invalid_input("a client's dates are too far apart"))? / tenure;
    }
    Ok(probability)
}

/// Everything that one client has done.
fn summary(rows: &[History], out: &mut Out<Ranked<'static>>) -> Result<()> {
    let (mut id, mut country, mut signup, mut first, mut last) = ("", None, None, None, None);
    let (mut orders, mut quantity, mut spent) = (0i64, 0i64, Money::ZERO);
    for row in rows {
        match *row {
            History::Registered { client_id, country: of, signup: on } => {
                (id, country, signup) = (client_id, Some(of), Some(on));
            }
            History::Day { client_id, date, quantity: items, spent: amount, rows } => {
                (id, last) = (client_id, Some(date));
                first = first.or(last);
                orders.increase(rows)?;
                quantity.increase(items)?;
                spent.increase(amount)?;
            }
        }
    }
    if let Some(value_last) = last {
        out.add(Ranked::Buyers { rows: 1 })?;
        out.add(Ranked::ByLast { value_last, rows: 1 })?;
        out.add(Ranked::ByOrders { value_orders: orders, rows: 1 })?;
        out.add(Ranked::BySpent { value_spent: spent, rows: 1 })?;
    }
    out.add(Ranked::Client { spent: Desc(spent), client_id: id, country, signup, first, last, orders, quantity })
}

fn client_kpis(config: &Config) -> Result<Definition> {
    let (active, prior) = (config.integer("active_days")?, config.integer("prior_days")?);
    let margin = config.integer("margin_percent")?;
    let (retention, discount) = (config.integer("retention_percent")?, config.integer("discount_percent")?);
    table(["client_id"])
        .input::<Client>("clients", |Client { client_id, country, signup_date: signup }, out| {
            out.add(History::Registered { client_id, country, signup })
        })
        .setting([])
        .input::<Sale>("sales", |Sale { client_id, purchase_date: date, quantity, amount: spent }, out| {
            out.add(History::Day { client_id, date, quantity, spent, rows: 1 })
        })
        .setting([])
        .stage::<History>()
        .group(summary)
        .setting([])
        .stage::<Ranked>()
        .walk(move |rfm: &mut Rfm, row, out| {
            let day = out.day()?;
            let (spent, client_id, country, signup_date, first, last, orders, quantity) = match row {
                Ranked::Buyers { rows } => return rfm.buyers.increase(rows),
                // A purchase after the day is as recent as one of the day.
                Ranked::ByLast { value_last, rows } => return rfm.last.take(value_last.min(day), rows, rfm.buyers),
                Ranked::ByOrders { value_orders, rows } => return rfm.orders.take(value_orders, rows, rfm.buyers),
                Ranked::BySpent { value_spent, rows } => return rfm.spent.take(value_spent, rows, rfm.buyers),
                Ranked::Client { spent, client_id, country, signup, first, last, orders, quantity } => {
                    (spent.0, client_id, country.unwrap_or("NA"), signup, first, last, orders, quantity)
                }
            };
            let mut kpi = ClientKpi {
                client_id,
                country,
                signup_date,
                first_purchase_date: first,
                last_purchase_date: last,
                orders,
                quantity,
                total_spent: spent,
                average_order_value: (Ratio::from(spent) / orders).round()?,
                tenure_days: None,
                recency_days: None,
                purchase_frequency: None,
                days_between_purchases: None,
                lifetime_value: (Ratio::from(spent) * margin / 100).value()?,
                churn_probability: None,
                predicted_value: None,
                r_score: None,
                f_score: None,
                m_score: None,
                rfm_score: None,
                segment: "no_purchase",
                status: "prospect",
                high_value: false,
            };
            if let (Some(first), Some(last)) = (first, last) {
                let start = signup_date.map_or(first, |signup| signup.min(first));
                let end = day.max(last);
                let (tenure, recency) = (end.days_since(start) + 1, end.days_since(last));
                let probability = still_buys(orders, prior + tenure - recency, prior + tenure)?;
                let (r, f, m) = (rfm.last.of(last.min(day))?, rfm.orders.of(orders)?, rfm.spent.of(spent)?);
                kpi.tenure_days = Some(tenure);
                kpi.recency_days = Some(recency);
                kpi.purchase_frequency = (Ratio::from(orders) * 30 / tenure.max(30)).round()?;
                kpi.days_between_purchases = (Ratio::from(last.days_since(first)) / (orders - 1)).round()?;
                kpi.churn_probability = (Ratio::from(ONE - probability) / ONE).round()?;
                // Gupta and Lehmann's margin multiple (2003) of the yearly margin that is expected.
                let yearly = Ratio::from(spent) * 365 / (prior + tenure) * margin / 100;
                let multiple = Ratio::from(retention) / (100 + discount - retention);
                kpi.predicted_value = (yearly * multiple * probability / ONE).round()?;
                (kpi.r_score, kpi.f_score, kpi.m_score) = (Some(r), Some(f), Some(m));
                kpi.rfm_score = Some(Short::of(format_args!("{r}{f}{m}")));
                kpi.segment = segment(r, f);
                kpi.status = if recency <= active { "active" } else { "inactive" };
                kpi.high_value = m == 5;
            }
            out.add(kpi)
        })
        .as_of()
        .define()
}

export_table!(client_kpis, parameters);

#[cfg(test)]
mod tests;
