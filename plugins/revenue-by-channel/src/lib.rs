//! KPI: the sum of `total_amount` by `channel`. Orders without a channel count under `NA`.

use smelt_sdk::prelude::*;

#[derive(Default)]
struct RevenueByChannel {
    revenue: Totals<String>,
}

impl Kpi for RevenueByChannel {
    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .input("orders", [nullable(text("channel")), money("total_amount")])
            .state([text("channel"), money("revenue")])
            .output([text("channel"), money("revenue")])
    }

    fn open(_: &Config) -> Result<Self> {
        Ok(Self::default())
    }

    fn update(&mut self, _input: &str, rows: &Batch) -> Result<()> {
        let (channels, amounts) = (rows.text("channel")?, rows.decimals("total_amount")?);
        rows.rows().for_each(|row| self.revenue.add(channels.get(row).unwrap_or("NA"), amounts.value(row)));
        Ok(())
    }

    fn merge(&mut self, state: &Batch) -> Result<()> {
        let (channels, amounts) = (state.text("channel")?, state.decimals("revenue")?);
        state.rows().for_each(|row| self.revenue.add(channels.value(row), amounts.value(row)));
        Ok(())
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        for (channel, revenue) in self.revenue.sorted() {
            out.row().text(channel.as_str()).decimal(revenue);
        }
        Ok(())
    }

    fn evaluate(&self, out: &mut Table) -> Result<()> {
        self.state(out)
    }
}

export_kpi!(RevenueByChannel);

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
        let table = evaluate_split::<RevenueByChannel>("{}", &[("orders", &rows)]).unwrap();
        assert_eq!(table, [["NA", "4.00"], ["mobile", "0.00"], ["store", "2.00"], ["web", "0.30"]]);
    }

    #[test]
    fn no_orders_give_no_rows() {
        assert!(evaluate_split::<RevenueByChannel>("{}", &[]).unwrap().is_empty());
    }
}
