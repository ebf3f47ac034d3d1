//! KPI: the sum of `total_amount` by `order_date`.

use smelt_sdk::prelude::*;

#[derive(Default)]
struct SalesByDay {
    days: Totals<Date>,
}

impl Kpi for SalesByDay {
    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .input("orders", [date("order_date"), money("total_amount")])
            .sums([date("order_date")], [int64("orders"), money("revenue")])
            .output([date("order_date"), money("revenue")])
            .key(["order_date"])
    }

    fn open(_: &Config) -> Result<Self> {
        Ok(Self::default())
    }

    fn update(&mut self, _input: &str, rows: &Batch) -> Result<()> {
        let (days, amounts) = (rows.dates("order_date")?, rows.decimals("total_amount")?);
        self.days.extend(rows.rows().map(|row| (days.value(row), 1, amounts.value(row))));
        Ok(())
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        for (&day, orders, revenue) in self.days.iter() {
            out.row().date(day).integer(orders).decimal(revenue);
        }
        Ok(())
    }

    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        let (days, revenue) = (sums.dates("order_date")?, sums.decimals::<2>("revenue")?);
        for row in sums.rows() {
            out.row().date(days.value(row)).decimal(revenue.value(row));
        }
        Ok(())
    }
}

export_kpi!(SalesByDay);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::{cells, evaluate_split};

    use super::*;

    #[test]
    fn revenue_is_summed_by_day_in_the_order_of_days() {
        let orders = [["2025-11-14", "0.10"], ["2024-02-29", "2.00"], ["2025-11-14", "0.20"], ["1969-12-31", "0.00"]];
        let rows = orders.map(cells);
        let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
        let table = evaluate_split::<SalesByDay>("{}", &[("orders", &rows)]).unwrap();
        assert_eq!(table, [["1969-12-31", "0.00"], ["2024-02-29", "2.00"], ["2025-11-14", "0.30"]]);
    }

    #[test]
    fn no_orders_give_no_rows() {
        assert!(evaluate_split::<SalesByDay>("{}", &[]).unwrap().is_empty());
    }
}
