//! KPI: the countries in which each product sells best.
//!
//! The groups of the first stage are a product in a country, and those of the second a product. So a new sale looks at one
//! row, and then at the countries of its product.

use smelt_sdk::prelude::*;

fn parameters() -> Parameters {
    Parameters::none().integer("limit", 1..=10_000, 5, "How many countries to list for a product.")
}

#[derive(Row)]
struct Sale<'a> {
    product: &'a str,
    country: &'a str,
    quantity: i64,
    amount: Money,
}

#[derive(Row)]
#[row(group(product, country))]
#[rustfmt::skip]
struct InCountry<'a> {
    product: &'a str, country: &'a str,
    #[sum] quantity: i64, #[sum] revenue: Money, #[sum] rows: i64,
}

/// The revenue of the product comes first. Its countries follow, those with the most revenue first.
#[derive(Row)]
#[row(group(product))]
#[rustfmt::skip]
enum OfProduct<'a> {
    Total { product: &'a str, #[sum] revenue: Money },
    Country { product: &'a str, most: Desc<Money>, country: &'a str, #[sum] orders: i64, #[sum] quantity: i64 },
}

#[derive(Row)]
struct ProductCountry<'a> {
    product: &'a str,
    rank: i64,
    country: &'a str,
    orders: i64,
    quantity: i64,
    revenue: Money,
    share: Option<Decimal<4>>,
}

/// The revenue of the product, and the rank of the last country that was written.
#[derive(Default, Saved)]
struct Walk {
    total: Money,
    rank: i64,
}

fn product_countries(config: &Config) -> Result<Definition> {
    let limit = config.integer("limit")?;
    table(["product", "rank"])
        .input::<Sale>("sales", |Sale { product, country, quantity, amount: revenue }, out| {
            out.add(InCountry { product, country, quantity, revenue, rows: 1 })
        })
        .setting([])
        .stage::<InCountry>()
        .each(|InCountry { product, country, quantity, revenue, rows: orders }, out| {
            out.add(OfProduct::Total { product, revenue })?;
            out.add(OfProduct::Country { product, most: Desc(revenue), country, orders, quantity })
        })
        .setting([])
        .stage::<OfProduct>()
        .walk(move |walk: &mut Walk, row, out| match row {
            OfProduct::Total { revenue, .. } => walk.total.increase(revenue),
            OfProduct::Country { product, most: Desc(revenue), country, orders, quantity } => {
                walk.rank += 1;
                if walk.rank == limit {
                    out.enough();
                }
                let share = (Ratio::from(revenue) / walk.total).round()?;
                out.add(ProductCountry { product, rank: walk.rank, country, orders, quantity, revenue, share })
            }
        })
        .define()
}

export_table!(product_countries, parameters);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::Trial;

    use super::*;

    fn countries(given: &str, sales: &str) -> String {
        let header = "product,country,quantity,amount\n".to_owned();
        let trial = Trial::of(product_countries).parameters(parameters(), given);
        trial.rows("sales", &(header + sales)).table().unwrap()
    }

    #[test]
    fn each_product_has_its_first_countries_by_revenue_and_then_by_name() {
        let sales = "\
tea,NL,1,2.00
tea,FR,1,1.00
tea,DE,3,1.00
tea,NL,1,2.00
tea,BE,1,1.00
ink,NA,1,0.00
";
        let expected = "\
product,rank,country,orders,quantity,revenue,share
ink,1,NA,1,1,0.00,
tea,1,NL,2,2,4.00,0.5714
tea,2,BE,1,1,1.00,0.1429
tea,3,DE,1,3,1.00,0.1429
";
        assert_eq!(countries(r#"{"limit": 3}"#, sales), expected);
        assert_eq!(countries(r#"{"limit": 1}"#, sales).lines().count(), 3);
        assert_eq!(countries("{}", "").lines().count(), 1);
    }

    #[test]
    fn the_limit_is_told_to_the_last_part_alone() {
        let description = Trial::of(product_countries).parameters(parameters(), "{}").describe().unwrap();
        assert_eq!(description.inputs[0].accumulator.params, "{}");
        assert_eq!(description.stages[0].reducer.params, "{}");
        assert_eq!(description.stages[1].reducer.params, r#"{"limit":5}"#);
    }
}
