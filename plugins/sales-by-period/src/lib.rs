//! Table: sales of each day, week or month from the first purchase to the last, of periods without any too.
//!
//! The first stage adds up what each client bought in a period, the second walks through the days of all periods in order. So
//! another window or baseline reads no sale again, and a new sale looks at those of its client in its period.

use std::collections::VecDeque;

use smelt_sdk::prelude::*;

fn parameters() -> Parameters {
    Parameters::none()
        .choice("grain", ["day", "week", "month"], "day", "How long a period is; weeks begin on Monday.")
        .optional_integer("window", 1..=1000, "Periods of the moving average; 7 days, 4 weeks or 3 months if not set.")
        .optional_integer("baseline", 2..=1000, "Periods before that tell what is usual; 28, 12 or 12 if not set.")
}

#[derive(Row)]
struct Sale<'a> {
    purchase_date: Date,
    client_id: &'a str,
    quantity: i64,
    amount: Money,
    purchase_number: i64,
}

/// The sales of a client in a period, day by day. A new sale touches this group alone.
#[derive(Row)]
#[row(group(start, client_id))]
#[rustfmt::skip]
struct OfClient<'a> {
    start: Date, client_id: &'a str, date: Date,
    #[sum] quantity: i64, #[sum] revenue: Money, #[sum] new_clients: i64, #[sum] rows: i64,
}

/// A day of a period. A client counts on the first of its days in the period.
#[derive(Row)]
#[row(group())]
#[rustfmt::skip]
struct Day {
    start: Date, date: Date,
    #[sum] orders: i64, #[sum] quantity: i64, #[sum] revenue: Money, #[sum] clients: i64, #[sum] new_clients: i64,
}

/// A period, up to its last day with sales.
#[derive(Default, Clone, Copy, Saved)]
struct Period {
    start: Date,
    last: Date,
    orders: i64,
    quantity: i64,
    revenue: Money,
    clients: i64,
    new_clients: i64,
}

impl Period {
    fn add(&mut self, day: &Day) -> Result<()> {
        self.last = day.date;
        self.orders.increase(day.orders)?;
        self.quantity.increase(day.quantity)?;
        self.revenue.increase(day.revenue)?;
        self.clients.increase(day.clients)?;
        self.new_clients.increase(day.new_clients)
    }
}

#[derive(Row)]
struct Sales {
    period: Short,
    period_start: Date,
    orders: i64,
    quantity: i64,
    revenue: Money,
    clients: i64,
    new_clients: i64,
    average_order_value: Option<Money>,
    growth: Option<Decimal<4>>,
    growth_year: Option<Decimal<4>>,
    moving_average: Option<Money>,
    cumulative_revenue: Money,
    complete: bool,
    anomaly: bool,
}

#[derive(Clone, Copy)]
enum Grain {
    Day,
    Week,
    Month,
}

impl Grain {
    fn start(self, date: Date) -> Date {
        match self {
            Self::Day => date,
            Self::Week => date.monday(),
            Self::Month => date.first_of_month(),
        }
    }

    fn next(self, start: Date) -> Date {
        match self {
            Self::Day => start.plus_days(1),
            Self::Week => start.plus_days(7),
            Self::Month => start.plus_months(1),
        }
    }
}

/// The way in which the series is computed.
#[derive(Clone, Copy)]
struct Series {
    grain: Grain,
    /// The number of periods of a year: 364 days are whole weeks, so that weekdays are compared with themselves.
    year: usize,
    window: usize,
    baseline: usize,
}

/// The periods so far.
#[derive(Default, Saved)]
struct Walk {
    first: Option<Date>,
    /// The last period, which is written once it is known whether another one follows.
    held: Option<Period>,
    /// Revenue of the periods before, the latest first.
    past: VecDeque<Money>,
    cumulative: Money,
    /// The revenue of the periods that are averaged, in cents.
    moving: Exact,
    usual: Usual,
}

/// Sums over the periods of the baseline: of revenues and of their squares, which may exceed 128 bits.
#[derive(Default, Saved)]
struct Usual {
    sum: Exact,
    squares: Exact,
}

impl Usual {
    fn add(&mut self, revenue: Money) {
        let units = Exact::from(revenue.units());
        self.sum = self.sum + units;
        self.squares = self.squares + units * units;
    }

    fn subtract(&mut self, revenue: Money) {
        let units = Exact::from(revenue.units());
        self.sum = self.sum - units;
        self.squares = self.squares - units * units;
    }
}

impl Series {
    fn of(config: &Config) -> Result<Self> {
        let (grain, year, window, baseline) = match config.text("grain")? {
            "day" => (Grain::Day, 364, 7, 28),
            "week" => (Grain::Week, 52, 4, 12),
            "month" => (Grain::Month, 12, 3, 12),
            other => return Err(Fault::invalid_parameters(format!("`grain` is day, week or month, not `{other}`"))),
        };
        let (window, baseline) =
            (config.find_integer("window")?.unwrap_or(window), config.find_integer("baseline")?.unwrap_or(baseline));
        Ok(Self { grain, year, window: window as usize, baseline: baseline as usize })
    }

    /// Writes the period that was held back, and those up to `next` in which nothing was sold.
    fn write_held(self, walk: &mut Walk, next: Option<Date>, out: &mut Out<Sales>) -> Result<()> {
        let Some(held) = walk.held.take() else { return Ok(()) };
        self.write(walk, held, next.is_none(), out)?;
        let mut start = self.grain.next(held.start);
        while next.is_some_and(|next| start < next) {
            self.write(walk, Period { start, ..Period::default() }, false, out)?;
            start = self.grain.next(start);
        }
        Ok(())
    }

    fn write(self, walk: &mut Walk, period: Period, is_last: bool, out: &mut Out<Sales>) -> Result<()> {
        let Period { start, last, orders, quantity, revenue, clients, new_clients } = period;
        let past = &mut walk.past;
        let growth = |before: Option<&Money>| {
            let growth = before.map(|&before| (Ratio::from(revenue) - before) / before);
            growth.map_or(Ok(None), Ratio::round)
        };
        let (growth, growth_year) = (growth(past.front())?, growth(past.get(self.year - 1))?);
        walk.moving = walk.moving + revenue.units().into();
        if let Some(before) = past.get(self.window - 1) {
            walk.moving = walk.moving - before.units().into();
        }
        let average = Ratio::from(walk.moving) / 100 / self.window as i64;
        walk.cumulative.increase(revenue)?;
        let ended = !is_last || self.grain.next(start).plus_days(-1) <= last;
        out.add(Sales {
            period: match self.grain {
                Grain::Day => Short::of(start),
                Grain::Week => start.week(),
                Grain::Month => start.month(),
            },
            period_start: start,
            orders,
            quantity,
            revenue,
            clients,
            new_clients,
            average_order_value: (Ratio::from(revenue) / orders).round()?,
            growth,
            growth_year,
            moving_average: if past.len() + 1 < self.window { None } else { average.round()? },
            cumulative_revenue: walk.cumulative,
            complete: walk.first.is_none_or(|first| first <= start) && ended,
            anomaly: past.len() >= self.baseline && self.is_anomaly(&walk.usual, revenue),
        })?;
        past.push_front(revenue);
        walk.usual.add(revenue);
        if let Some(&before) = past.get(self.baseline) {
            walk.usual.subtract(before);
        }
        past.truncate(self.year.max(self.window).max(self.baseline));
        Ok(())
    }

    /// Shewhart's rule of three standard deviations: (x − m)² > 9 s², m and s² being mean and sample variance of the n
    /// periods before. Times n² (n − 1) that is (n x − Σ)² (n − 1) > 9 n (n Σx² − Σ²), in integers.
    ///
    /// With n up to 1000 and x of 38 digits, no number exceeds 288 bits.
    fn is_anomaly(self, usual: &Usual, revenue: Money) -> bool {
        let (n, x) = (Exact::from(self.baseline as i64), Exact::from(revenue.units()));
        let (one, nine) = (Exact::from(1i64), Exact::from(9i64));
        let Usual { sum, squares } = *usual;
        let distance = n * x - sum;
        distance * distance * (n - one) > nine * n * (n * squares - sum * sum)
    }
}

fn sales_by_period(config: &Config) -> Result<Definition> {
    let series = Series::of(config)?;
    let grain = series.grain;
    table(["period_start"])
        .input::<Sale>("sales", move |sale, out| {
            let Sale { purchase_date: date, client_id, quantity, amount: revenue, purchase_number } = sale;
            let (start, new_clients) = (grain.start(date), i64::from(purchase_number == 1));
            out.add(OfClient { start, client_id, date, quantity, revenue, new_clients, rows: 1 })
        })
        .setting(["grain"])
        .stage::<OfClient>()
        .walk(
            |is_counted: &mut bool, OfClient { start, date, quantity, revenue, new_clients, rows: orders, .. }, out| {
                let clients = i64::from(!std::mem::replace(is_counted, true));
                out.add(Day { start, date, orders, quantity, revenue, clients, new_clients })
            },
        )
        .setting([])
        .stage::<Day>()
        .walk_to_end(
            move |walk: &mut Walk, day, out| {
                walk.first.get_or_insert(day.date);
                if walk.held.as_ref().is_none_or(|held| held.start != day.start) {
                    series.write_held(walk, Some(day.start), out)?;
                    walk.held = Some(Period { start: day.start, ..Period::default() });
                }
                walk.held.as_mut().map_or(Ok(()), |held| held.add(&day))
            },
            move |mut walk, out| series.write_held(&mut walk, None, out),
        )
        .define()
}

export_table!(sales_by_period, parameters);

#[cfg(test)]
mod tests;
