//! The values of nine metrics in order: what the plugins `distributions` and `histograms` share.
//!
//! Quantiles need all values of a metric, of which there may be millions, and a new sale adds four. So the first stage has
//! a row for each value, and its groups are values that are near each other. A group passes on one row, in which its values
//! are a text. The second stage has some thousand such rows for a metric, however many values there are.

use smelt_sdk::Flow;
use smelt_sdk::prelude::*;

mod near;
mod rows;
mod values;

pub use rows::OfMetric;
use rows::Value;
pub use values::Values;

/// All metrics, in order.
pub const METRICS: [&str; 9] = [
    "amount",
    "average_order_value",
    "daily_revenue",
    "days_since_previous",
    "orders_per_client",
    "quantity",
    "recency_days",
    "total_spent",
    "unit_price",
];

#[derive(Row)]
struct Sale {
    quantity: i64,
    unit_price: Money,
    amount: Money,
    days_since_previous: Option<i64>,
}

#[derive(Row)]
struct Client {
    orders: i64,
    total_spent: Money,
    average_order_value: Option<Money>,
    recency_days: Option<i64>,
}

#[derive(Row)]
struct Day {
    revenue: Money,
}

/// The one row of the relation that always has it.
#[derive(Row)]
struct One {
    one: i64,
}

/// Returns a whole number as the amount that a value is.
fn whole(number: i64) -> Money {
    Money::from_units(i128::from(number) * 100)
}

/// Begins the definition of a table of metrics, whose rows are told apart by the columns of `key`. What is said next is the
/// stage of [`OfMetric`].
pub fn metrics<const N: usize>(key: [&'static str; N]) -> Flow<OfMetric<'static>> {
    fn add(out: &mut Out<Value<'static>>, metric: &str, value: Money) -> Result<()> {
        out.add(Value { metric, near: near::start(value), value, rows: 1 })
    }
    table(key)
        .input::<Sale>("sales", |sale, out| {
            add(out, "amount", sale.amount)?;
            add(out, "quantity", whole(sale.quantity))?;
            add(out, "unit_price", sale.unit_price)?;
            sale.days_since_previous.map_or(Ok(()), |days| add(out, "days_since_previous", whole(days)))
        })
        .setting([])
        .input::<Client>("clients", |client, out| {
            let Client { orders, total_spent, average_order_value, recency_days } = client;
            if orders == 0 {
                return Ok(());
            }
            add(out, "orders_per_client", whole(orders))?;
            add(out, "total_spent", total_spent)?;
            average_order_value.map_or(Ok(()), |value| add(out, "average_order_value", value))?;
            recency_days.map_or(Ok(()), |days| add(out, "recency_days", whole(days)))
        })
        .setting([])
        .input::<Day>("days", |Day { revenue }, out| add(out, "daily_revenue", revenue))
        .setting([])
        .stage::<Value>()
        .group(near::pass_on)
        .setting([])
        .input::<One>("smelt.one", |One { one: _ }, out| {
            METRICS.iter().try_for_each(|metric| out.add(OfMetric::Named { metric }))
        })
        .setting([])
}
