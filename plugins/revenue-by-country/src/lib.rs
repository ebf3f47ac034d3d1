//! KPI: the sum of `total_amount` by the country of the customer. Orders of no customer, or of one that `customers` does
//! not have, count under `NA`.
//!
//! Orders and customers come in any order and in different parts, so the state keeps both sides of the join: a row a
//! customer with the country, the revenue, or both. Should two rows disagree on a country, the greatest wins.

use hashbrown::HashMap;
use smelt_sdk::prelude::*;

#[derive(Default)]
struct RevenueByCountry {
    customers: HashMap<String, Customer>,
    /// The orders without a customer; it never has a country.
    nobody: Customer,
}

#[derive(Default)]
struct Customer {
    country: Option<String>,
    revenue: Option<Money>,
}

impl RevenueByCountry {
    fn learn(&mut self, id: Option<&str>, country: Option<&str>, revenue: Option<Money>) {
        let customer = match id {
            Some(id) => self.customers.entry_ref(id).or_default(),
            None => &mut self.nobody,
        };
        if id.and(country) > customer.country.as_deref() {
            customer.country = country.map(str::to_owned);
        }
        if let Some(revenue) = revenue {
            *customer.revenue.get_or_insert_default() += revenue;
        }
    }
}

impl Kpi for RevenueByCountry {
    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .input("orders", [nullable(text("customer_id")), money("total_amount")])
            .input("customers", [text("customer_id"), text("country")])
            .state([nullable(text("customer_id")), nullable(text("country")), nullable(money("revenue"))])
            .output([text("country"), money("revenue")])
    }

    fn open(_: &Config) -> Result<Self> {
        Ok(Self::default())
    }

    fn update(&mut self, input: &str, rows: &Batch) -> Result<()> {
        let ids = rows.text("customer_id")?;
        if input == "orders" {
            let amounts = rows.decimals("total_amount")?;
            rows.rows().for_each(|row| self.learn(ids.get(row), None, amounts.get(row)));
        } else {
            let countries = rows.text("country")?;
            rows.rows().for_each(|row| self.learn(ids.get(row), countries.get(row), None));
        }
        Ok(())
    }

    fn merge(&mut self, state: &Batch) -> Result<()> {
        let (ids, countries, amounts) =
            (state.text("customer_id")?, state.text("country")?, state.decimals("revenue")?);
        state.rows().for_each(|row| self.learn(ids.get(row), countries.get(row), amounts.get(row)));
        Ok(())
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        let mut customers: Vec<_> = self.customers.iter().map(|(id, customer)| (Some(id.as_str()), customer)).collect();
        customers.sort_unstable_by_key(|&(id, _)| id);
        let nobody = self.nobody.revenue.is_some().then_some((None, &self.nobody));
        for (id, Customer { country, revenue }) in nobody.into_iter().chain(customers) {
            out.row().text(id).text(country.as_deref()).decimal(*revenue);
        }
        Ok(())
    }

    fn evaluate(&self, out: &mut Table) -> Result<()> {
        let mut countries = Totals::<String>::default();
        for Customer { country, revenue } in self.customers.values().chain([&self.nobody]) {
            if let Some(revenue) = revenue {
                countries.add(country.as_deref().unwrap_or("NA"), *revenue);
            }
        }
        for (country, revenue) in countries.sorted() {
            out.row().text(country.as_str()).decimal(revenue);
        }
        Ok(())
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
