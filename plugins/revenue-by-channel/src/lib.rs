//! KPI: the sum of `total_amount` by `channel`. Orders without a channel count under `NA`.

use smelt_sdk::prelude::*;

#[derive(Default)]
struct RevenueByChannel;

impl SumByKey for RevenueByChannel {
    type Key = str;

    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .input("orders", [nullable(text("channel")), money("total_amount")])
            .sums([text("channel")], [int64("orders"), money("revenue")])
            .output([text("channel"), money("revenue")])
            .key(["channel"])
    }

    fn update(&self, _input: &str, orders: &Batch, totals: &mut Totals<str>) -> Result<()> {
        let (channels, amounts) = (orders.text("channel")?, orders.decimals("total_amount")?);
        totals.extend(orders.rows().map(|row| (channels.get(row).unwrap_or("NA"), 1, amounts.value(row))));
        Ok(())
    }
}

export_kpi!(Summed<RevenueByChannel>);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::{cells, evaluate_split};

    use super::*;

    #[test]
    fn revenue_is_summed_by_channel_in_the_order_of_channels() {
        let orders =
            [["web", "0.10"], ["", "3.00"], ["store", "2.00"], ["web", "0.20"], ["mobile", "0.00"], ["NA", "1.00"]];
        let rows = orders.map(cells);
        let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
        let table = evaluate_split::<Summed<RevenueByChannel>>("{}", &[("orders", &rows)]).unwrap();
        assert_eq!(table, [["NA", "4.00"], ["mobile", "0.00"], ["store", "2.00"], ["web", "0.30"]]);
    }

    #[test]
    fn no_orders_give_no_rows() {
        assert!(evaluate_split::<Summed<RevenueByChannel>>("{}", &[]).unwrap().is_empty());
    }
    #[test]
    fn the_readme_shows_this_kpi() {
        let (kpi, _) = include_str!("lib.rs").split_once("\n#[cfg(test)]").expect("this module");
        assert!(include_str!("../../../README.md").contains(kpi), "the block between its `plugin` markers differs");
    }
}
