//! KPI: products that the same clients bought, whenever they did, as in Agrawal et al. (1993) and Brin et al. (1997).
//!
//! The groups of the first stage are clients, so a new sale looks at the products of one client, and makes pairs only with
//! a product that is new to the client. The last stage reads the products and then as many pairs as it lists.

use smelt_sdk::prelude::*;

fn parameters() -> Parameters {
    Parameters::none().integer("limit", 1..=10_000, 50, "How many pairs to list.")
}

/// A product without a name is no product that could sell with others.
const NO_NAME: &str = "NA";

#[derive(Row)]
struct Sale<'a> {
    client_id: &'a str,
    product: &'a str,
}

#[derive(Row)]
#[row(group(client_id))]
struct OfClient<'a> {
    client_id: &'a str,
    product: &'a str,
}

/// The number of clients who bought anything, the one product, or both.
#[derive(Row)]
#[row(group(one, other))]
struct Bought<'a> {
    one: Option<&'a str>,
    other: Option<&'a str>,
    #[sum]
    rows: i64,
}

/// All buyers come first, then products, then pairs: those of the most clients first.
#[derive(Row)]
#[row(group())]
#[rustfmt::skip]
enum Ranked<'a> {
    Buyers { #[sum] rows: i64 },
    Product { product: &'a str, #[sum] rows: i64 },
    Pair { most: Desc<i64>, product_a: &'a str, product_b: &'a str },
}

#[derive(Row)]
struct Pair<'a> {
    product_a: &'a str,
    product_b: &'a str,
    clients: i64,
    support: Decimal<4>,
    confidence_ab: Decimal<4>,
    confidence_ba: Decimal<4>,
    lift: Decimal<4>,
}

#[derive(Default, Saved)]
struct Walk {
    buyers: i64,
    /// The clients of each product, by product.
    clients: Vec<(String, i64)>,
    pairs: i64,
}

impl Walk {
    /// Returns how many clients bought the product. All products come before the first pair.
    fn clients_of(&self, product: &str) -> Option<i64> {
        let found = self.clients.binary_search_by(|(known, _)| known.as_str().cmp(product));
        found.ok().map(|at| self.clients[at].1)
    }
}

/// Counts the client as a buyer, and for each product and each pair of them. Products come in order.
fn count(bought: &[OfClient], out: &mut Out<Bought<'static>>) -> Result<()> {
    out.add(Bought { one: None, other: None, rows: 1 })?;
    let named = |row: &&OfClient| row.product != NO_NAME;
    for (at, OfClient { product, .. }) in bought.iter().enumerate().filter(|(_, row)| named(row)) {
        out.add(Bought { one: Some(product), other: None, rows: 1 })?;
        for other in bought[at + 1..].iter().filter(named) {
            out.add(Bought { one: Some(product), other: Some(other.product), rows: 1 })?;
        }
    }
    Ok(())
}

fn product_pairs(config: &Config) -> Result<Definition> {
    let limit = config.integer("limit")?;
    table(["product_a", "product_b"])
        .input::<Sale>("sales", |Sale { client_id, product }, out| out.add(OfClient { client_id, product }))
        .setting([])
        .stage::<OfClient>()
        .group(count)
        .setting([])
        .stage::<Bought>()
        .each(|bought, out| match bought {
            Bought { one: Some(product_a), other: Some(product_b), rows } => {
                out.add(Ranked::Pair { most: Desc(rows), product_a, product_b })
            }
            Bought { one: Some(product), rows, .. } => out.add(Ranked::Product { product, rows }),
            Bought { rows, .. } => out.add(Ranked::Buyers { rows }),
        })
        .setting([])
        .stage::<Ranked>()
        .walk(move |walk: &mut Walk, row, out| match row {
            Ranked::Buyers { rows } => walk.buyers.increase(rows),
            Ranked::Product { product, rows } => {
                walk.clients.push((product.to_owned(), rows));
                Ok(())
            }
            Ranked::Pair { most: Desc(clients), product_a, product_b } => {
                walk.pairs += 1;
                if walk.pairs == limit {
                    out.enough();
                }
                // Whoever bought both bought each, so this leaves out no pair.
                let of_each = walk.clients_of(product_a).zip(walk.clients_of(product_b)).filter(|_| walk.buyers > 0);
                let Some((of_a, of_b)) = of_each else { return Ok(()) };
                let both = Ratio::from(clients);
                out.add(Pair {
                    product_a,
                    product_b,
                    clients,
                    support: (both / walk.buyers).value()?,
                    confidence_ab: (both / of_a).value()?,
                    confidence_ba: (both / of_b).value()?,
                    lift: (both * walk.buyers / of_a / of_b).value()?,
                })
            }
        })
        .define()
}

export_table!(product_pairs, parameters);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::Trial;

    use super::*;

    /// Returns the rows of the table of sales, given as clients with products.
    fn pairs(given: &str, sales: &str) -> Vec<String> {
        let rows = sales.split_whitespace().map(|sale| format!("{}\n", sale.replace(':', ",")));
        let sales = "client_id,product\n".to_owned() + &rows.collect::<String>();
        let trial = Trial::of(product_pairs).parameters(parameters(), given).rows("sales", &sales);
        trial.columns("product_a product_b clients support confidence_ab confidence_ba lift").unwrap()
    }

    #[test]
    fn pairs_come_by_clients_and_then_by_products() {
        // E is a buyer without a pair. A bought tea twice, and is one client of it.
        let sales = "A:tea A:tea A:ink A:pen B:pen B:ink C:tea C:pen C:ink D:tea D:bag E:ink";
        let expected = [
            "ink pen 3 0.6000 0.7500 1.0000 1.2500",
            "ink tea 2 0.4000 0.5000 0.6667 0.8333",
            "pen tea 2 0.4000 0.6667 0.6667 1.1111",
            "bag tea 1 0.2000 1.0000 0.3333 1.6667",
        ];
        assert_eq!(pairs("{}", sales), expected);
        assert_eq!(pairs(r#"{"limit": 2}"#, sales), expected[..2]);
    }

    #[test]
    fn who_bought_only_nameless_products_is_a_buyer_too() {
        let expected = ["ink tea 1 0.3333 1.0000 1.0000 3.0000"];
        assert_eq!(pairs("{}", "A:tea A:NA A:ink B:NA C:NA C:NA"), expected);
        assert!(pairs("{}", "A:tea A:NA B:NA").is_empty());
        assert!(pairs("{}", "").is_empty());
    }

    #[test]
    fn the_limit_is_told_to_the_last_part_alone() {
        let description = Trial::of(product_pairs).parameters(parameters(), "{}").describe().unwrap();
        assert_eq!(description.inputs[0].accumulator.params, "{}");
        assert!(description.stages[..2].iter().all(|stage| stage.reducer.params == "{}"));
    }
}
