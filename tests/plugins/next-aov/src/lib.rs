//! Another version of the KPI `aov`: it does not count orders of 20.00 or less.

use smelt_sdk::Identity;
use smelt_sdk::prelude::*;

#[derive(Default)]
struct Aov {
    orders: i64,
    revenue: Money,
}

impl Kpi for Aov {
    fn describe() -> KpiDescription {
        describe_kpi(Identity { name: "aov".to_owned(), ..identity!() })
            .input("orders", [money("total_amount")])
            .sums([], [int64("orders"), money("revenue")])
            .output([int64("orders"), money("revenue"), nullable(money("aov"))])
    }

    fn open(_: &Config) -> Result<Self> {
        Ok(Self::default())
    }

    fn update(&mut self, _input: &str, rows: &Batch) -> Result<()> {
        let amounts = rows.decimals("total_amount")?;
        for amount in rows.rows().map(|row| amounts.value(row)).filter(|&amount| amount > Money::from_units(20_00)) {
            self.orders += 1;
            self.revenue += amount;
        }
        Ok(())
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        out.row().integer(self.orders).decimal(self.revenue);
        Ok(())
    }

    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        let (orders, revenue) = (sums.integers("orders")?, sums.decimals("revenue")?);
        let first = sums.rows().next();
        let (orders, revenue) = first.map_or((0, Money::ZERO), |row| (orders.value(row), revenue.value(row)));
        out.row().integer(orders).decimal(revenue).decimal(revenue.divide(orders));
        Ok(())
    }
}

export_kpi!(Aov);
