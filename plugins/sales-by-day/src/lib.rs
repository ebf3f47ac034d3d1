//! KPI: the sum of `total_amount` by `order_date`.

use smelt_sdk::prelude::*;

#[derive(Default)]
struct SalesByDay;

impl SumByKey for SalesByDay {
    type Key = Date;

    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .input("orders", [date("order_date"), money("total_amount")])
            .sums([date("order_date")], [int64("orders"), money("revenue")])
            .output([date("order_date"), money("revenue")])
            .key(["order_date"])
    }

    fn update(&self, _input: &str, orders: &Batch, totals: &mut Totals<Date>) -> Result<()> {
        let (days, amounts) = (orders.dates("order_date")?, orders.decimals("total_amount")?);
        totals.extend(orders.rows().map(|row| (days.value(row), 1, amounts.value(row))));
        Ok(())
    }
}

export_kpi!(Summed<SalesByDay>);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::{cells, evaluate_split};

    use super::*;

    #[test]
    fn revenue_is_summed_by_day_in_the_order_of_days() {
        let orders = [["2025-11-14", "0.10"], ["2024-02-29", "2.00"], ["2025-11-14", "0.20"], ["1969-12-31", "0.00"]];
        let rows = orders.map(cells);
        let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
        let table = evaluate_split::<Summed<SalesByDay>>("{}", &[("orders", &rows)]).unwrap();
        assert_eq!(table, [["1969-12-31", "0.00"], ["2024-02-29", "2.00"], ["2025-11-14", "0.30"]]);
    }

    #[test]
    fn no_orders_give_no_rows() {
        assert!(evaluate_split::<Summed<SalesByDay>>("{}", &[]).unwrap().is_empty());
    }
}
