//! KPI: average order value, in one row. The average is missing if there are no orders.

use smelt_sdk::prelude::*;

#[derive(Default)]
struct Aov;

impl SumByKey for Aov {
    type Key = ();

    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .input("orders", [money("total_amount")])
            .sums([], [int64("orders"), money("revenue")])
            .output([int64("orders"), money("revenue"), nullable(money("aov"))])
            .key([])
    }

    fn update(&self, _input: &str, orders: &Batch, totals: &mut Totals<()>) -> Result<()> {
        let amounts = orders.decimals("total_amount")?;
        totals.extend(orders.rows().map(|row| ((), 1, amounts.value(row))));
        Ok(())
    }

    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        let (orders, revenue) = (sums.integers("orders")?, sums.decimals("revenue")?);
        // Without orders there is no row of sums.
        let first = sums.rows().next();
        let (orders, revenue) = first.map_or((0, Money::ZERO), |row| (orders.value(row), revenue.value(row)));
        out.row().integer(orders).decimal(revenue).decimal(revenue.divide(orders));
        Ok(())
    }
}

export_kpi!(Summed<Aov>);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::{cells, evaluate_split};

    use super::*;

    fn aov(amounts: &[&str]) -> Vec<Vec<String>> {
        let rows: Vec<_> = amounts.iter().map(|&amount| cells([amount])).collect();
        let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
        evaluate_split::<Summed<Aov>>("{}", &[("orders", &rows)]).unwrap()
    }

    #[test]
    fn the_average_is_rounded_half_away_from_zero() {
        assert_eq!(aov(&["10.00", "0.01", "0.00"]), [["3", "10.01", "3.34"]]);
        assert_eq!(aov(&["0.01", "0.00"]), [["2", "0.01", "0.01"]]);
        assert_eq!(aov(&["0.00"]), [["1", "0.00", "0.00"]]);
    }

    #[test]
    fn amounts_that_leave_38_digits_on_the_way_are_exact_in_every_order() {
        let (most, third) = (format!("{}.99", "9".repeat(36)), format!("{}.33", "3".repeat(36)));
        let least = format!("-{most}");
        for order in [[&most, &most, &least], [&most, &least, &most], [&least, &most, &most]] {
            assert_eq!(aov(&order.map(String::as_str)), [["3", most.as_str(), third.as_str()]]);
        }
    }

    #[test]
    fn without_orders_there_is_one_row_without_an_average() {
        assert_eq!(aov(&[]), [["0", "0.00", ""]]);
    }
}
