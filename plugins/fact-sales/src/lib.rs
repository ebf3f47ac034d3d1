//! Table: every purchase with its client's country, its calendar, and its place among the client's purchases.

use smelt_sdk::prelude::*;

#[derive(Row)]
struct Client<'a> {
    client_id: &'a str,
    country: &'a str,
}

#[derive(Row)]
#[rustfmt::skip]
struct Purchase<'a> {
    purchase_id: &'a str, client_id: &'a str, purchase_date: Date,
    product: &'a str, quantity: i64, unit_price: Money, amount: Money,
}

/// The client sorts before the client's purchases, which sort by date and id. Their numbers follow from the id, so they
/// need not be compared: they are sums of one row.
#[derive(Row)]
#[row(group(client_id))]
#[rustfmt::skip]
enum OfClient<'a> {
    Client { client_id: &'a str, country: &'a str },
    Purchase {
        client_id: &'a str, purchase_date: Date, purchase_id: &'a str, product: &'a str,
        #[sum] quantity: i64, #[sum] unit_price: Money, #[sum] amount: Money,
    },
}

#[derive(Row)]
#[rustfmt::skip]
struct FactSale<'a> {
    purchase_id: &'a str, purchase_date: Date, client_id: &'a str, country: &'a str, known_client: bool,
    product: &'a str, quantity: i64, unit_price: Money, amount: Money,
    month: Short, week: Short, weekday: i64,
    purchase_number: i64, first_purchase_date: Date, days_since_previous: Option<i64>,
}

/// The client as far as it is known.
#[derive(Default, Saved)]
struct Walk {
    country: Option<String>,
    purchases: i64,
    first: Option<Date>,
    previous: Option<Date>,
}

fn fact_sales(_: &Config) -> Result<Definition> {
    table(["purchase_id"])
        .input::<Client>("clients", |Client { client_id, country }, out| {
            out.add(OfClient::Client { client_id, country })
        })
        .input::<Purchase>("purchases", |purchase, out| {
            let Purchase { purchase_id, client_id, purchase_date, product, quantity, unit_price, amount } = purchase;
            out.add(OfClient::Purchase { client_id, purchase_date, purchase_id, product, quantity, unit_price, amount })
        })
        .stage::<OfClient>()
        .walk(|walk: &mut Walk, row, out| match row {
            OfClient::Client { country, .. } => {
                walk.country = Some(country.to_owned());
                Ok(())
            }
            OfClient::Purchase { client_id, purchase_date, purchase_id, product, quantity, unit_price, amount } => {
                walk.purchases += 1;
                let previous = walk.previous.replace(purchase_date);
                out.add(FactSale {
                    purchase_id,
                    purchase_date,
                    client_id,
                    country: walk.country.as_deref().unwrap_or("NA"),
                    known_client: walk.country.is_some(),
                    product,
                    quantity,
                    unit_price,
                    amount,
                    month: purchase_date.month(),
                    week: purchase_date.week(),
                    weekday: purchase_date.weekday(),
                    purchase_number: walk.purchases,
                    first_purchase_date: *walk.first.get_or_insert(purchase_date),
                    days_since_previous: previous.map(|previous| purchase_date.days_since(previous)),
                })
            }
        })
        .define()
}

export_table!(fact_sales);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::Trial;

    use super::*;

    const HEADER: &str = "purchase_id,purchase_date,client_id,country,known_client,product,quantity,unit_price,amount,\
                          month,week,weekday,purchase_number,first_purchase_date,days_since_previous\n";

    /// Evaluates purchases, given as id, client and date, with clients of two countries.
    fn sales(purchases: &str) -> String {
        let purchases = purchases.split_whitespace().map(|row| format!("{row},pen,2,0.50,0.90\n"));
        let header = "purchase_id,client_id,purchase_date,product,quantity,unit_price,amount\n";
        let clients = "client_id,name,country\nA,Ann,FR\nB,Bo,NA\nC,Cy,DE\n";
        let trial = Trial::of(fact_sales).rows("clients", clients);
        trial.rows("purchases", &(header.to_owned() + &purchases.collect::<String>())).table().unwrap()
    }

    #[test]
    fn purchases_are_numbered_by_client_date_and_id() {
        let table = sales("P2,A,2025-01-05 P1,A,2025-01-05 P3,A,2024-12-31 P4,B,2025-01-01");
        let expected = "\
P1,2025-01-05,A,FR,true,pen,2,0.50,0.90,2025-01,2025-W01,7,2,2024-12-31,5
P2,2025-01-05,A,FR,true,pen,2,0.50,0.90,2025-01,2025-W01,7,3,2024-12-31,0
P3,2024-12-31,A,FR,true,pen,2,0.50,0.90,2024-12,2025-W01,2,1,2024-12-31,
P4,2025-01-01,B,NA,true,pen,2,0.50,0.90,2025-01,2025-W01,3,1,2025-01-01,
";
        assert_eq!(table, HEADER.to_owned() + expected);
    }

    #[test]
    fn an_unknown_client_is_of_no_country() {
        let expected = "P1,2021-01-03,X,NA,false,pen,2,0.50,0.90,2021-01,2020-W53,7,1,2021-01-03,\n";
        assert_eq!(sales("P1,X,2021-01-03"), HEADER.to_owned() + expected);
        assert_eq!(sales(""), HEADER);
    }

    #[test]
    fn a_purchase_of_nothing_for_nothing_is_a_purchase() {
        let header = "purchase_id,client_id,purchase_date,product,quantity,unit_price,amount\n";
        let purchases = header.to_owned() + "P1,A,2025-01-01,bag,0,0.00,0.00\n";
        let table = Trial::of(fact_sales).rows("purchases", &purchases).table().unwrap();
        let row = "P1,2025-01-01,A,NA,false,bag,0,0.00,0.00,2025-01,2025-W01,3,1,2025-01-01,\n";
        assert_eq!(table, HEADER.to_owned() + row);
    }

    #[test]
    fn the_guide_shows_this_table() {
        let (table, _) = include_str!("lib.rs").split_once("\n#[cfg(test)]").expect("this module");
        let guide = include_str!("../../../docs/write-a-table.md");
        assert!(guide.contains(&format!("```rust\n{table}```\n")), "the block `A join` differs");
    }
}
