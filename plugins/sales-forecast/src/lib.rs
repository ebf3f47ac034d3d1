//! KPI: the revenue of the next months, on the straight line that fits the last complete months best.
//!
//! The one group has a row for each complete month, so a new day reads as many rows as there are months.

use smelt_sdk::prelude::*;

mod line;

use line::Line;

/// The fewest months through which a line is drawn.
const FEWEST: usize = 3;

fn parameters() -> Parameters {
    Parameters::none()
        .integer("history", 1..=1200, 12, "How many of the last complete months the line is drawn through.")
        .integer("horizon", 1..=1200, 3, "How many months to forecast.")
}

#[derive(Row)]
struct Month {
    period_start: Date,
    revenue: Money,
    complete: bool,
}

#[derive(Row)]
#[row(group())]
struct Complete {
    month: Date,
    #[sum]
    revenue: Money,
}

#[derive(Row)]
struct Forecast {
    month: Short,
    month_start: Date,
    forecast: Money,
    trend: Money,
    r_squared: Option<Decimal<4>>,
    months_used: i64,
}

fn sales_forecast(config: &Config) -> Result<Definition> {
    let (history, horizon) = (config.integer("history")? as usize, config.integer("horizon")?);
    table(["month_start"])
        .input::<Month>("months", |Month { period_start: month, revenue, complete }, out| match complete {
            true => out.add(Complete { month, revenue }),
            false => Ok(()),
        })
        .setting([])
        .stage::<Complete>()
        .group(move |months, out| {
            let current = out.day()?.first_of_month();
            let past = &months[..months.partition_point(|known| known.month < current)];
            let used = &past[past.len().saturating_sub(history)..];
            let Some(last) = used.last().filter(|_| used.len() >= FEWEST) else { return Ok(()) };
            let line = Line::through(used.iter().map(|known| known.revenue));
            let (trend, r_squared) = (line.slope().value()?, line.r_squared().round()?);
            let months_used = used.len() as i64;
            let mut month_start = last.month;
            for x in months_used..months_used + horizon {
                month_start = month_start.plus_months(1);
                let forecast = line.at(x).value()?.max(Money::ZERO);
                out.add(Forecast { month: month_start.month(), month_start, forecast, trend, r_squared, months_used })?;
            }
            Ok(())
        })
        .as_of()
        .define()
}

export_table!(sales_forecast, parameters);

#[cfg(test)]
mod tests;
