//! KPI: how many clients of each month's first buyers buy in each month that follows, and what they have spent.
//!
//! The first stage has a row for each client and month, and a group is one client. The second is one group, but has no more
//! than a row for each cohort and month; it fills in the months in which nobody bought. Then each cohort is a group.

use smelt_sdk::prelude::*;

#[derive(Row)]
struct Sale<'a> {
    client_id: &'a str,
    purchase_date: Date,
    first_purchase_date: Date,
    amount: Money,
}

#[derive(Row)]
#[row(group(cohort, client_id))]
#[rustfmt::skip]
struct OfClient<'a> {
    cohort: Date, client_id: &'a str, month: Date,
    #[sum] revenue: Money,
}

/// The months in which anything was sold come first, as rows without a cohort. Then, for each cohort, the number of its
/// clients and its months.
#[derive(Row)]
#[row(group(), then(cohort))]
#[rustfmt::skip]
enum OfCohort {
    Sold { cohort: Option<Date>, month: Date },
    Clients { cohort: Option<Date>, #[sum] rows: i64 },
    Month { cohort: Option<Date>, month: Date, #[sum] revenue: Money, #[sum] rows: i64 },
}

/// A month of a cohort of so many clients. In most months nobody bought.
#[derive(Row)]
#[row(group(cohort))]
#[rustfmt::skip]
struct OfMonth {
    cohort: Date, month: Date, size: i64,
    #[sum] active: i64, #[sum] revenue: Money,
}

#[derive(Row)]
struct Retention {
    cohort: Short,
    month_index: i64,
    month: Short,
    cohort_size: i64,
    active_clients: i64,
    retention: Decimal<4>,
    revenue: Money,
    cumulative_revenue_per_client: Money,
}

#[derive(Default, Saved)]
struct Walk {
    /// The last month in which anything was sold.
    last: Date,
    /// The cohort, the number of its clients, and its month that comes next.
    cohort: Date,
    size: i64,
    next: Date,
}

impl Walk {
    /// Fills in the months before this one, in which nobody of the cohort bought.
    fn fill(&mut self, month: Date, out: &mut Out<OfMonth>) -> Result<()> {
        while self.size > 0 && self.next < month {
            self.add(0, Money::ZERO, out)?;
        }
        Ok(())
    }

    fn add(&mut self, active: i64, revenue: Money, out: &mut Out<OfMonth>) -> Result<()> {
        let &mut Self { cohort, size, next: month, .. } = self;
        self.next = month.plus_months(1);
        out.add(OfMonth { cohort, month, size, active, revenue })
    }

    /// Fills in the rest of the cohort, up to the last month of all.
    fn end_cohort(&mut self, out: &mut Out<OfMonth>) -> Result<()> {
        self.fill(self.last.plus_months(1), out)
    }
}

/// A cohort so far: the number of its months, and their revenue.
#[derive(Default, Saved)]
struct Months {
    count: i64,
    revenue: Money,
}

fn cohort_retention(_: &Config) -> Result<Definition> {
    table(["cohort", "month_index"])
        .input::<Sale>(
            "sales",
            |Sale { client_id, purchase_date, first_purchase_date: first, amount: revenue }, out| {
                // No sale is earlier than the first one. If a relation says so, the first month has it.
                let month = purchase_date.max(first).first_of_month();
                out.add(OfClient { cohort: first.first_of_month(), client_id, month, revenue })
            },
        )
        .stage::<OfClient>()
        .walk(|is_counted: &mut bool, OfClient { cohort, month, revenue, .. }, out| {
            let cohort = Some(cohort);
            if !std::mem::replace(is_counted, true) {
                out.add(OfCohort::Clients { cohort, rows: 1 })?;
            }
            out.add(OfCohort::Sold { cohort: None, month })?;
            out.add(OfCohort::Month { cohort, month, revenue, rows: 1 })
        })
        .stage::<OfCohort>()
        .walk_to_end(
            |walk: &mut Walk, row, out| match row {
                OfCohort::Sold { month, .. } => {
                    walk.last = month;
                    Ok(())
                }
                OfCohort::Clients { cohort, rows: size } => {
                    walk.end_cohort(out)?;
                    let cohort = cohort.unwrap_or_default();
                    *walk = Walk { last: walk.last, cohort, size, next: cohort };
                    Ok(())
                }
                OfCohort::Month { month, revenue, rows: active, .. } => {
                    walk.fill(month, out)?;
                    walk.add(active, revenue, out)
                }
            },
            |mut walk, out| walk.end_cohort(out),
        )
        .stage::<OfMonth>()
        .walk(|months: &mut Months, OfMonth { cohort, month, size, active, revenue }, out| {
            let month_index = months.count;
            months.count += 1;
            months.revenue.increase(revenue)?;
            out.add(Retention {
                cohort: cohort.month(),
                month_index,
                month: month.month(),
                cohort_size: size,
                active_clients: active,
                retention: (Ratio::from(active) / size).value()?,
                revenue,
                cumulative_revenue_per_client: (Ratio::from(months.revenue) / size).value()?,
            })
        })
        .define()
}

export_table!(cohort_retention);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::Trial;

    use super::*;

    /// Returns the table of sales, given as client, first date, date and amount.
    fn cohorts(sales: &[&str]) -> String {
        let rows = sales.iter().map(|sale| format!("{sale}\n")).collect::<String>();
        let header = "client_id,first_purchase_date,purchase_date,amount\n".to_owned();
        let table = Trial::of(cohort_retention).rows("sales", &(header + &rows)).table().unwrap();
        let (header, rows) = table.split_once('\n').unwrap();
        let columns =
            "cohort,month_index,month,cohort_size,active_clients,retention,revenue,cumulative_revenue_per_client";
        assert_eq!(header, columns);
        rows.to_owned()
    }

    #[test]
    fn each_cohort_goes_up_to_the_last_month_of_all() {
        let sales = [
            "A,2023-12-31,2023-12-31,1.00",
            "B,2023-12-01,2023-12-01,0.00",
            "C,2023-12-02,2023-12-02,0.01",
            "A,2023-12-31,2024-02-01,2.00",
            "A,2023-12-31,2024-02-29,2.00",
            "B,2023-12-01,2024-02-29,0.50",
            "D,2024-02-29,2024-02-29,7.00",
        ];
        let expected = "\
2023-12,0,2023-12,3,3,1.0000,1.01,0.34
2023-12,1,2024-01,3,0,0.0000,0.00,0.34
2023-12,2,2024-02,3,2,0.6667,4.50,1.84
2024-02,0,2024-02,1,1,1.0000,7.00,7.00
";
        assert_eq!(cohorts(&sales), expected);
    }

    #[test]
    fn one_purchase_for_nothing_makes_a_cohort() {
        assert_eq!(cohorts(&["A,2024-02-29,2024-02-29,0.00"]), "2024-02,0,2024-02,1,1,1.0000,0.00,0.00\n");
        assert_eq!(cohorts(&[]), "");
    }

    #[test]
    fn the_last_month_may_be_that_of_an_older_cohort() {
        let sales = ["A,2023-11-05,2023-11-05,3.00", "A,2023-11-05,2024-01-05,3.00", "B,2023-12-05,2023-12-05,1.00"];
        let expected = "\
2023-11,0,2023-11,1,1,1.0000,3.00,3.00
2023-11,1,2023-12,1,0,0.0000,0.00,3.00
2023-11,2,2024-01,1,1,1.0000,3.00,6.00
2023-12,0,2023-12,1,1,1.0000,1.00,1.00
2023-12,1,2024-01,1,0,0.0000,0.00,1.00
";
        assert_eq!(cohorts(&sales), expected);
    }
}
