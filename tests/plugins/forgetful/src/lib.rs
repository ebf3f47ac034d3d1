//! A table of purchases that is right, but for what its walk saves: for each seed it forgets something else.

use std::cell::Cell;
use std::collections::BTreeSet;

use smelt_sdk::prelude::*;

mod mutant;

use mutant::Mutant;

fn parameters() -> Parameters {
    Parameters::none().optional_integer("seed", 0..=1_000_000, "Tells what is forgotten; nothing if not set.")
}

#[derive(Row)]
struct Client<'a> {
    client_id: &'a str,
    country: &'a str,
}

#[derive(Row)]
struct Purchase<'a> {
    client_id: &'a str,
    purchase_id: &'a str,
    purchase_date: Date,
    product: &'a str,
    quantity: i64,
    amount: Money,
}

#[derive(Row)]
#[row(group(client_id))]
#[rustfmt::skip]
enum OfClient<'a> {
    Client { client_id: &'a str, country: &'a str },
    Purchase {
        client_id: &'a str, purchase_date: Date, purchase_id: &'a str, product: &'a str,
        #[sum] quantity: i64, #[sum] amount: Money,
    },
}

/// A purchase, or all of a client: that has the number 0.
#[derive(Row, Default)]
#[rustfmt::skip]
struct Line<'a> {
    client_id: &'a str, number: i64, purchase_id: Option<&'a str>, country: &'a str,
    days_since_previous: Option<i64>, is_record: bool, is_new_product: bool, is_promoted: bool,
    total: Option<Money>, has_returns: bool,
}

/// The state of a walk through the purchases of a client.
#[derive(Default, Clone, Saved)]
struct Memory {
    client_id: String,
    purchases: i64,
    last: Option<Date>,
    country: String,
    /// The greatest amount of a purchase.
    best: Option<Money>,
    products: BTreeSet<String>,
    total: Money,
    has_returns: bool,
    /// The purchases that are still promoted, after one of 100.00 or more.
    promoted: i64,
}

/// A memory that is saved with something forgotten.
#[derive(Default)]
struct Walk(Memory);

thread_local! {
    /// The mutant that the parameters name. A component has one reducer, and bytes are saved without parameters.
    static MUTANT: Cell<Option<Mutant>> = const { Cell::new(None) };
}

impl Saved for Walk {
    fn save(&self, out: &mut Vec<u8>) {
        let mut memory = self.0.clone();
        if let Some(mutant) = MUTANT.get() {
            mutant.forget(&mut memory);
        }
        memory.save(out);
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        Memory::resume(bytes).map(Self)
    }
}

fn forgetful(config: &Config) -> Result<Definition> {
    MUTANT.set(config.find_integer("seed")?.map(Mutant::of));
    table(["client_id", "number"])
        .input::<Client>("clients", |Client { client_id, country }, out| {
            out.add(OfClient::Client { client_id, country })
        })
        .input::<Purchase>("purchases", |purchase, out| {
            let Purchase { client_id, purchase_id, purchase_date, product, quantity, amount } = purchase;
            out.add(OfClient::Purchase { client_id, purchase_date, purchase_id, product, quantity, amount })
        })
        .stage::<OfClient>()
        .walk_to_end(
            |Walk(memory): &mut Walk, row, out| match row {
                OfClient::Client { client_id, country } => {
                    (memory.client_id, memory.country) = (client_id.to_owned(), country.to_owned());
                    Ok(())
                }
                OfClient::Purchase { client_id, purchase_date, purchase_id, product, quantity, amount } => {
                    client_id.clone_into(&mut memory.client_id);
                    memory.purchases += 1;
                    memory.total.increase(amount)?;
                    memory.has_returns |= quantity < 0;
                    let is_promoted = memory.promoted > 0;
                    memory.promoted = match amount.units() {
                        10_000.. => 5,
                        _ => (memory.promoted - 1).max(0),
                    };
                    let is_record = memory.best.is_none_or(|best| best < amount);
                    if is_record {
                        memory.best = Some(amount);
                    }
                    let previous = memory.last.replace(purchase_date);
                    out.add(Line {
                        client_id,
                        number: memory.purchases,
                        purchase_id: Some(purchase_id),
                        country: &memory.country,
                        days_since_previous: previous.map(|previous| purchase_date.days_since(previous)),
                        is_record,
                        is_new_product: memory.products.insert(product.to_owned()),
                        is_promoted,
                        ..Line::default()
                    })
                }
            },
            |Walk(memory), out| {
                let Memory { client_id, total, has_returns, .. } = &memory;
                out.add(Line { client_id, total: Some(*total), has_returns: *has_returns, ..Line::default() })
            },
        )
        .define()
}

export_table!(forgetful, parameters);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::Trial;

    use super::*;

    #[test]
    fn without_a_seed_nothing_is_forgotten() {
        let purchases = "\
client_id,purchase_id,purchase_date,product,quantity,amount
A,P1,2025-01-01,pen,1,1.00
A,P2,2025-01-03,pen,-1,150.00
A,P3,2025-01-03,ink,1,2.00
B,P4,2025-01-01,pen,1,1.00
";
        let trial = Trial::of(forgetful)
            .parameters(parameters(), "{}")
            .rows("clients", "client_id,country\nA,FR\n")
            .rows("purchases", purchases);
        let expected = "\
client_id,number,purchase_id,country,days_since_previous,is_record,is_new_product,is_promoted,total,has_returns
A,0,,,,false,false,false,153.00,true
A,1,P1,FR,,true,true,false,,false
A,2,P2,FR,2,true,false,false,,false
A,3,P3,FR,0,false,true,true,,false
B,0,,,,false,false,false,1.00,false
B,1,P4,,,true,true,false,,false
";
        assert_eq!(trial.table().expect("a table"), expected);
    }
}
