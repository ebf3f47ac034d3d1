//! KPI: the products with the greatest sum of `total_amount`. Products with equal sums come by name. Orders without a
//! product count under `NA`, so that no revenue vanishes.

use std::cmp::Reverse;

use smelt_sdk::prelude::*;

#[derive(Default)]
struct TopProducts {
    limit: usize,
}

impl SumByKey for TopProducts {
    type Key = str;

    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .parameters(Parameters::none().integer("limit", 1..=10_000, 10, "How many products to list."))
            .input("orders", [nullable(text("product")), money("total_amount")])
            .sums([text("product")], [int64("orders"), money("revenue")])
            .output([text("product"), money("revenue")])
            .key(["product"])
    }

    fn open(config: &Config) -> Result<Self> {
        Ok(Self { limit: config.integer("limit")? as usize })
    }

    fn update(&self, _input: &str, orders: &Batch, totals: &mut Totals<str>) -> Result<()> {
        let (products, amounts) = (orders.text("product")?, orders.decimals("total_amount")?);
        totals.extend(orders.rows().map(|row| (products.get(row).unwrap_or("NA"), 1, amounts.value(row))));
        Ok(())
    }

    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        let revenue = sums.decimals::<2>("revenue")?;
        let mut rows: Vec<_> = sums.rows().collect();
        // The rows come by product, and a stable sort keeps that order among equal revenues.
        rows.sort_by_key(|&row| Reverse(revenue.value(row)));
        rows.truncate(self.limit);
        out.copy_rows(sums, rows)
    }
}

export_kpi!(Summed<TopProducts>);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::{cells, evaluate_split};

    use super::*;

    fn top(params: &str, orders: &[[&str; 2]]) -> Vec<Vec<String>> {
        let rows: Vec<_> = orders.iter().map(|&row| cells(row)).collect();
        let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
        evaluate_split::<Summed<TopProducts>>(params, &[("orders", &rows)]).unwrap()
    }

    #[test]
    fn products_come_by_revenue_and_then_by_name() {
        let orders =
            [["tea", "1.10"], ["ink", "2.00"], ["pen", "3.00"], ["", "2.00"], ["tea", "0.90"], ["cup", "0.00"]];
        let table = [["pen", "3.00"], ["NA", "2.00"], ["ink", "2.00"], ["tea", "2.00"], ["cup", "0.00"]];
        assert_eq!(top("{}", &orders), table);
        assert_eq!(top(r#"{"limit": 2}"#, &orders), table[..2]);
    }

    #[test]
    fn ten_are_listed_unless_told_otherwise() {
        let names: Vec<String> = (0..25).map(|product| format!("product {product:02}")).collect();
        let orders: Vec<_> = names.iter().map(|name| [name.as_str(), "1.00"]).collect();
        let table = top("{}", &orders);
        assert_eq!(table.len(), 10);
        assert_eq!(table[9], ["product 09", "1.00"]);
        assert_eq!(top(r#"{"limit": 10000}"#, &orders).len(), 25);
    }

    #[test]
    fn a_product_outside_the_top_of_every_part_can_be_in_the_top_of_the_whole() {
        let orders = [["tea", "2.00"], ["pen", "3.00"], ["tea", "2.00"], ["ink", "3.00"]];
        assert_eq!(top(r#"{"limit": 1}"#, &orders), [["tea", "4.00"]]);
    }

    #[test]
    fn no_orders_give_no_rows() {
        assert!(top("{}", &[]).is_empty());
    }
}
