//! KPI: the sum of `total_amount` by the country of the customer. An order counts under `NA` if it has no customer, or
//! one that `customers` does not have.
//!
//! Orders and customers come in any order and in different batches. So the first stage sums both by customer: rows
//! without a country count orders, and rows with a country count customers. `fold` then adds a customer's orders to the
//! customer's country. If rows of a customer disagree on the country, the greatest one wins.

use smelt_sdk::prelude::*;

#[derive(Default)]
struct RevenueByCountry {
    orders: Totals<str>,
    /// Orders without a customer.
    nobody: Totals<()>,
    customers: Customers,
}

/// Customers, in one text of alternating ids and countries.
#[derive(Default)]
struct Customers {
    text: String,
    /// For each customer, the offsets in the text at which the id and the country end.
    ends: Vec<(usize, usize)>,
}

impl Customers {
    fn push(&mut self, id: &str, country: &str) {
        self.text.push_str(id);
        let id_end = self.text.len();
        self.text.push_str(country);
        self.ends.push((id_end, self.text.len()));
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |&(id_end, end)| {
            let customer = (&self.text[start..id_end], &self.text[id_end..end]);
            start = end;
            customer
        })
    }
}

impl Kpi for RevenueByCountry {
    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .input("orders", [nullable(text("customer_id")), money("total_amount")])
            .input("customers", [text("customer_id"), text("country")])
            .fold_by(
                [nullable(text("customer_id"))],
                [nullable(text("country"))],
                [int64("customers"), int64("orders"), money("revenue")],
            )
            .sums([text("country")], [int64("orders"), money("revenue")])
            .output([text("country"), money("revenue")])
            .key(["country"])
    }

    fn open(_: &Config) -> Result<Self> {
        Ok(Self::default())
    }

    fn update(&mut self, input: &str, rows: &Batch) -> Result<()> {
        let ids = rows.text("customer_id")?;
        if input == "orders" {
            let amounts = rows.decimals("total_amount")?;
            self.orders.extend(rows.rows().filter_map(|row| Some((ids.get(row)?, 1, amounts.value(row)))));
            let nobody = rows.rows().filter(|&row| ids.get(row).is_none());
            self.nobody.extend(nobody.map(|row| ((), 1, amounts.value(row))));
        } else {
            let countries = rows.text("country")?;
            rows.rows().for_each(|row| self.customers.push(ids.value(row), countries.value(row)));
        }
        Ok(())
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        for ((), orders, revenue) in self.nobody.iter() {
            out.row().text(None).text(None).integer(0).integer(orders).decimal(revenue);
        }
        for (id, orders, revenue) in self.orders.iter() {
            out.row().text(id).text(None).integer(0).integer(orders).decimal(revenue);
        }
        for (id, country) in self.customers.iter() {
            out.row().text(id).text(country).integer(1).integer(0).decimal(Money::ZERO);
        }
        Ok(())
    }

    fn fold(&self, _stage: usize, groups: &Batch, out: &mut Table) -> Result<()> {
        let (countries, orders, revenue) =
            (groups.text("country")?, groups.integers("orders")?, groups.decimals("revenue")?);
        let mut totals = Totals::<str>::default();
        for customer in groups.groups(["customer_id"])? {
            // A missing country sorts first, so the first row has the customer's orders. The last row has the greatest
            // country.
            let (first, last) = (customer.start, customer.end - 1);
            if orders.value(first) != 0 {
                totals.add(countries.get(last).unwrap_or("NA"), orders.value(first), revenue.value(first));
            }
        }
        for (country, orders, revenue) in totals.iter() {
            out.row().text(country).integer(orders).decimal(revenue);
        }
        Ok(())
    }

    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        out.copy_rows(sums, sums.rows())
    }
}

export_kpi!(RevenueByCountry);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::{cells, evaluate_split};

    use super::*;

    fn revenue(orders: &[[&str; 2]], customers: &[[&str; 2]]) -> Vec<Vec<String>> {
        let cells: Vec<_> = orders.iter().chain(customers).map(|&row| cells(row)).collect();
        let rows: Vec<&[_]> = cells.iter().map(|row| row.as_slice()).collect();
        let (orders, customers) = rows.split_at(orders.len());
        evaluate_split::<RevenueByCountry>("{}", &[("orders", orders), ("customers", customers)]).unwrap()
    }

    #[test]
    fn revenue_is_summed_by_the_country_of_the_customer() {
        let orders = [["C2", "1.00"], ["C1", "0.10"], ["C1", "0.20"], ["C3", "5.00"]];
        let customers = [["C1", "FR"], ["C2", "DE"], ["C3", "FR"], ["C4", "IT"]];
        assert_eq!(revenue(&orders, &customers), [["DE", "1.00"], ["FR", "5.30"]]);
    }

    #[test]
    fn orders_of_unknown_customers_count_under_na() {
        let orders = [["C1", "1.00"], ["", "2.00"], ["C2", "4.00"], ["C3", "8.00"]];
        assert_eq!(revenue(&orders, &[["C2", "NA"], ["C3", "BE"]]), [["BE", "8.00"], ["NA", "7.00"]]);
        assert_eq!(revenue(&[["", "0.00"]], &[]), [["NA", "0.00"]]);
    }

    #[test]
    fn of_two_countries_the_greatest_wins() {
        assert_eq!(revenue(&[["C1", "1.00"]], &[["C1", "DE"], ["C1", "FR"], ["C1", "AT"]]), [["FR", "1.00"]]);
    }

    #[test]
    fn customers_without_orders_and_no_rows_at_all_give_no_rows() {
        assert!(revenue(&[], &[["C1", "FR"]]).is_empty());
        assert!(revenue(&[], &[]).is_empty());
    }
}
