//! KPI: the countries by revenue, with their clients and the product that leads there.
//!
//! The groups of the first stage are a client or a product in a country, so a new sale looks at two rows, and then at the
//! first of the products of its country. The last stage has a row for each country.

use smelt_sdk::prelude::*;

#[derive(Row)]
struct Client<'a> {
    country: &'a str,
}

#[derive(Row)]
struct Sale<'a> {
    client_id: &'a str,
    country: &'a str,
    product: &'a str,
    quantity: i64,
    amount: Money,
}

#[derive(Row)]
#[row(group(country, part))]
#[rustfmt::skip]
enum Part<'a> {
    Client { country: &'a str, part: &'a str },
    Product { country: &'a str, part: &'a str, #[sum] quantity: i64, #[sum] revenue: Money, #[sum] rows: i64 },
}

/// The country's clients and sums come first, then its products, those with the most revenue first.
#[derive(Row)]
#[row(group(country))]
#[rustfmt::skip]
enum OfCountry<'a> {
    Registered { country: &'a str, #[sum] rows: i64 },
    Buyers { country: &'a str, #[sum] rows: i64 },
    Sums { country: &'a str, #[sum] quantity: i64, #[sum] revenue: Money, #[sum] rows: i64 },
    Product { country: &'a str, most: Desc<Money>, product: &'a str },
}

/// The total comes first, then the countries, those with the most revenue first.
#[derive(Row)]
#[row(group())]
#[rustfmt::skip]
enum Ranked<'a> {
    Total { #[sum] revenue: Money },
    Country {
        most: Desc<Money>, country: &'a str, top_product: Option<&'a str>,
        #[sum] quantity: i64, #[sum] clients: i64, #[sum] registered: i64, #[sum] rows: i64,
    },
}

#[derive(Row)]
struct Country<'a> {
    rank: i64,
    country: &'a str,
    orders: i64,
    quantity: i64,
    revenue: Money,
    market_share: Option<Decimal<4>>,
    average_order_value: Option<Money>,
    clients: i64,
    registered_clients: i64,
    revenue_per_client: Option<Money>,
    orders_per_client: Option<Decimal<4>>,
    top_product: Option<&'a str>,
}

/// A country so far.
#[derive(Default, Saved)]
struct Walk {
    country: String,
    orders: i64,
    quantity: i64,
    revenue: Money,
    clients: i64,
    registered: i64,
}

impl Walk {
    fn write(&self, top_product: Option<&str>, out: &mut Out<Ranked<'static>>) -> Result<()> {
        let &Self { ref country, orders: rows, quantity, revenue, clients, registered } = self;
        out.add(Ranked::Total { revenue })?;
        let most = Desc(revenue);
        out.add(Ranked::Country { most, country, top_product, quantity, clients, registered, rows })
    }
}

/// The revenue of all countries, and the rank of the last one that was written.
#[derive(Default, Saved)]
struct Ranking {
    total: Money,
    rank: i64,
}

fn country_analytics(_: &Config) -> Result<Definition> {
    table(["country"])
        .input::<Sale>("sales", |Sale { client_id, country, product, quantity, amount: revenue }, out| {
            out.add(Part::Client { country, part: client_id })?;
            out.add(Part::Product { country, part: product, quantity, revenue, rows: 1 })
        })
        .stage::<Part>()
        .each(|row, out| match row {
            Part::Client { country, .. } => out.add(OfCountry::Buyers { country, rows: 1 }),
            Part::Product { country, part: product, quantity, revenue, rows } => {
                out.add(OfCountry::Sums { country, quantity, revenue, rows })?;
                out.add(OfCountry::Product { country, most: Desc(revenue), product })
            }
        })
        .input::<Client>("clients", |Client { country }, out| out.add(OfCountry::Registered { country, rows: 1 }))
        .stage::<OfCountry>()
        .walk_to_end(
            |walk: &mut Walk, row, out| {
                match row {
                    OfCountry::Registered { country, rows } => {
                        (walk.country, walk.registered) = (country.to_owned(), rows);
                    }
                    OfCountry::Buyers { country, rows } => {
                        (walk.country, walk.clients) = (country.to_owned(), rows);
                    }
                    OfCountry::Sums { country, quantity, revenue, rows: orders } => {
                        walk.country = country.to_owned();
                        (walk.orders, walk.quantity, walk.revenue) = (orders, quantity, revenue);
                    }
                    OfCountry::Product { product, .. } => {
                        out.enough();
                        return walk.write(Some(product), out);
                    }
                }
                Ok(())
            },
            |walk, out| walk.write(None, out),
        )
        .stage::<Ranked>()
        .walk(|ranking: &mut Ranking, row, out| match row {
            Ranked::Total { revenue } => ranking.total.increase(revenue),
            Ranked::Country { most, country, top_product, quantity, clients, registered, rows: orders } => {
                ranking.rank += 1;
                let revenue = Ratio::from(most.0);
                out.add(Country {
                    rank: ranking.rank,
                    country,
                    orders,
                    quantity,
                    revenue: most.0,
                    market_share: (revenue / ranking.total).round()?,
                    average_order_value: (revenue / orders).round()?,
                    clients,
                    registered_clients: registered,
                    revenue_per_client: (revenue / clients).round()?,
                    orders_per_client: (Ratio::from(orders) / clients).round()?,
                    top_product,
                })
            }
        })
        .define()
}

export_table!(country_analytics);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::Trial;

    use super::*;

    fn countries(clients: &str, sales: &str) -> String {
        let sales = "client_id,country,product,quantity,amount\n".to_owned() + sales;
        let trial = Trial::of(country_analytics).rows("clients", &("client_id,country\n".to_owned() + clients));
        let table = trial.rows("sales", &sales).table().unwrap();
        let (header, rows) = table.split_once('\n').unwrap();
        let columns = "rank,country,orders,quantity,revenue,market_share,average_order_value,clients,\
                       registered_clients,revenue_per_client,orders_per_client,top_product";
        assert_eq!(header, columns);
        rows.to_owned()
    }

    #[test]
    fn countries_come_by_revenue_and_then_by_name() {
        let clients = "A,FR\nB,FR\nC,FR\nD,DE\nE,AT\nF,AT\n";
        let sales =
            "A,FR,tea,2,1.00\nA,FR,tea,1,1.00\nB,FR,ink,1,2.00\nD,DE,pen,1,4.00\nX,NA,tea,1,4.00\nY,NA,tea,1,0.01\n";
        let expected = "\
1,NA,2,2,4.01,0.3339,2.01,2,0,2.01,1.0000,tea
2,DE,1,1,4.00,0.3331,4.00,1,1,4.00,1.0000,pen
3,FR,3,4,4.00,0.3331,1.33,2,3,2.00,1.5000,ink
4,AT,0,0,0.00,0.0000,,0,2,,,
";
        assert_eq!(countries(clients, sales), expected);
    }

    #[test]
    fn countries_without_revenue_have_no_share() {
        assert_eq!(countries("", ""), "");
        assert_eq!(countries("A,FR\n", ""), "1,FR,0,0,0.00,,,0,1,,,\n");
        assert_eq!(countries("", "A,FR,tea,1,0.00\n"), "1,FR,1,1,0.00,,0.00,1,0,0.00,1.0000,tea\n");
    }

    #[test]
    fn a_client_and_a_product_may_have_one_name() {
        assert_eq!(countries("", "tea,FR,tea,1,1.00\n"), "1,FR,1,1,1.00,1.0000,1.00,1,0,1.00,1.0000,tea\n");
    }
}
