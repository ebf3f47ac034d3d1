//! KPI: what an average day of each month of the year and of each day of the week takes in, against all days.
//!
//! Days are added up in one group of twenty rows.

use smelt_sdk::prelude::*;

#[derive(Row)]
struct Day {
    period_start: Date,
    orders: i64,
    revenue: Money,
}

/// All days come first, then each cycle by position.
#[derive(Row)]
#[row(group())]
#[rustfmt::skip]
enum Added<'a> {
    All { #[sum] revenue: Money, #[sum] rows: i64 },
    At { cycle: &'a str, position: i64, #[sum] orders: i64, #[sum] revenue: Money, #[sum] rows: i64 },
}

#[derive(Row)]
struct Season<'a> {
    cycle: &'a str,
    position: i64,
    days: i64,
    orders: i64,
    revenue: Money,
    average_daily_revenue: Money,
    index: Option<Decimal<4>>,
}

/// The revenue and the number of all days.
#[derive(Default, Saved)]
struct All {
    revenue: Money,
    days: i64,
}

fn seasonality(_: &Config) -> Result<Definition> {
    table(["cycle", "position"])
        .input::<Day>("days", |Day { period_start: day, orders, revenue }, out| {
            out.add(Added::All { revenue, rows: 1 })?;
            let (_, month, _) = day.ymd();
            out.add(Added::At { cycle: "month", position: month.into(), orders, revenue, rows: 1 })?;
            out.add(Added::At { cycle: "weekday", position: day.weekday(), orders, revenue, rows: 1 })
        })
        .stage::<Added>()
        .walk(|all: &mut All, row, out| match row {
            Added::All { revenue, rows: days } => {
                *all = All { revenue, days };
                Ok(())
            }
            Added::At { cycle, position, orders, revenue, rows: days } => {
                let average = Ratio::from(revenue) / days;
                let of_all = Ratio::from(all.revenue) / all.days;
                let (average_daily_revenue, index) = (average.value()?, (average / of_all).round()?);
                out.add(Season { cycle, position, days, orders, revenue, average_daily_revenue, index })
            }
        })
        .define()
}

export_table!(seasonality);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::Trial;

    use super::*;

    fn seasons(days: &str) -> String {
        let header = "period_start,orders,revenue\n".to_owned();
        Trial::of(seasonality).rows("days", &(header + days)).table().unwrap()
    }

    #[test]
    fn each_position_is_compared_with_the_average_day() {
        // A Thursday, a Friday and a Thursday; the first two are in February of two years.
        let expected = "\
cycle,position,days,orders,revenue,average_daily_revenue,index
month,2,2,3,2.01,1.01,1.0050
month,3,1,0,0.99,0.99,0.9900
weekday,4,2,1,1.99,1.00,0.9950
weekday,5,1,2,1.01,1.01,1.0100
";
        assert_eq!(seasons("2024-02-29,1,1.00\n2025-02-28,2,1.01\n2024-03-07,0,0.99\n"), expected);
    }

    #[test]
    fn days_without_revenue_have_no_index() {
        let expected = "\
cycle,position,days,orders,revenue,average_daily_revenue,index
month,12,1,1,0.00,0.00,
weekday,7,1,1,0.00,0.00,
";
        assert_eq!(seasons("2023-12-31,1,0.00\n"), expected);
        assert_eq!(seasons("").lines().count(), 1);
    }
}
