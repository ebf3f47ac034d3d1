//! A table that has the columns that it reads, so that any number of them can read each other. `form` says what it does with
//! the rows, one form for each kind of table that the host treats differently.

use smelt_sdk::prelude::*;

fn parameters() -> Parameters {
    let forms = ["same", "running", "previous", "firsts", "numbered", "top", "without", "dated", "paged", "constant"];
    Parameters::none()
        .choice("form", forms, "same", "What becomes of the rows.")
        .integer("adds", 0..=1_000_000, 0, "Cents that are added to each amount.")
        .integer("limit", 1..=1000, 3, "How many rows `top` has, a client in `firsts`, or a page in `paged`.")
        .text("refuses", "", "The id of a purchase at which it fails.")
}

#[derive(Row)]
struct Purchase<'a> {
    purchase_id: &'a str,
    client_id: &'a str,
    amount: Money,
}

#[derive(Row)]
struct One {
    one: i64,
}

#[derive(Row)]
#[row(group(client_id))]
struct OfClient<'a> {
    client_id: &'a str,
    purchase_id: &'a str,
    #[sum]
    amount: Money,
}

/// All rows are one group, the greatest amounts first.
#[derive(Row)]
#[row(group())]
struct Ranked<'a> {
    amount: Desc<Money>,
    purchase_id: &'a str,
    client_id: &'a str,
}

#[derive(Row)]
#[row(group(purchase_id))]
#[rustfmt::skip]
enum OfPurchase<'a> {
    Leaves { purchase_id: &'a str, #[sum] rows: i64 },
    Stays { purchase_id: &'a str, client_id: &'a str, #[sum] amount: Money },
}

/// Takes each row that comes in.
struct Taken {
    adds: Money,
    refuses: String,
}

impl Taken {
    fn take<'a>(&self, mut purchase: Purchase<'a>) -> Result<Purchase<'a>> {
        if !self.refuses.is_empty() && purchase.purchase_id == self.refuses {
            return Err(Fault::invalid_input("this purchase is refused"));
        }
        purchase.amount.increase(self.adds)?;
        Ok(purchase)
    }

    fn of_client<'a>(&self, purchase: Purchase<'a>) -> Result<OfClient<'a>> {
        let Purchase { purchase_id, client_id, amount } = self.take(purchase)?;
        Ok(OfClient { client_id, purchase_id, amount })
    }

    fn ranked<'a>(&self, purchase: Purchase<'a>) -> Result<Ranked<'a>> {
        let Purchase { purchase_id, client_id, amount } = self.take(purchase)?;
        Ok(Ranked { amount: Desc(amount), purchase_id, client_id })
    }
}

fn relay(config: &Config) -> Result<Definition> {
    let (adds, limit) = (Money::from_units(config.integer("adds")?.into()), config.integer("limit")?);
    let taken = Taken { adds, refuses: config.text("refuses")?.to_owned() };
    match config.text("form")? {
        "running" => table(["purchase_id"])
            .input::<Purchase>("rows", move |row, out| out.add(taken.of_client(row)?))
            .stage::<OfClient>()
            .walk(|sum: &mut Money, OfClient { client_id, purchase_id, amount }, out| {
                sum.increase(amount)?;
                out.add(Purchase { purchase_id, client_id, amount: *sum })
            })
            .define(),
        // The amount of the client's purchase before.
        "previous" => table(["purchase_id"])
            .input::<Purchase>("rows", move |row, out| out.add(taken.of_client(row)?))
            .stage::<OfClient>()
            .walk(|previous: &mut Money, OfClient { client_id, purchase_id, amount }, out| {
                out.add(Purchase { purchase_id, client_id, amount: std::mem::replace(previous, amount) })
            })
            .define(),
        "firsts" => table(["purchase_id"])
            .input::<Purchase>("rows", move |row, out| out.add(taken.of_client(row)?))
            .setting(["form", "adds", "refuses"])
            .stage::<OfClient>()
            .walk(move |number: &mut i64, OfClient { client_id, purchase_id, amount }, out| {
                *number += 1;
                if *number == limit {
                    out.enough();
                }
                out.add(Purchase { purchase_id, client_id, amount })
            })
            .setting(["form", "limit"])
            .define(),
        "numbered" => table(["purchase_id"])
            .input::<Purchase>("rows", move |row, out| out.add(taken.ranked(row)?))
            .stage::<Ranked>()
            .walk(|number: &mut i64, Ranked { amount: Desc(_), purchase_id, client_id, .. }, out| {
                *number += 1;
                out.add(OfClient { client_id, purchase_id, amount: Money::from_units((*number).into()) })
            })
            .stage::<OfClient>()
            .each(|OfClient { client_id, purchase_id, amount }, out| {
                out.add(Purchase { purchase_id, client_id, amount })
            })
            .define(),
        // The page on which a purchase stands in its client's list.
        "paged" => table(["purchase_id"])
            .input::<Purchase>("rows", move |row, out| out.add(taken.of_client(row)?))
            .setting(["form", "adds", "refuses"])
            .stage::<OfClient>()
            .walk(move |number: &mut i64, OfClient { client_id, purchase_id, .. }, out| {
                let page = Money::from_units((*number / limit).into());
                *number += 1;
                out.add(Purchase { purchase_id, client_id, amount: page })
            })
            .setting(["form", "limit"])
            .define(),
        "top" => table(["purchase_id"])
            .input::<Purchase>("rows", move |row, out| out.add(taken.ranked(row)?))
            .setting(["form", "adds", "refuses"])
            .stage::<Ranked>()
            .walk(move |number: &mut i64, Ranked { amount: Desc(amount), purchase_id, client_id, .. }, out| {
                *number += 1;
                if *number == limit {
                    out.enough();
                }
                out.add(Purchase { purchase_id, client_id, amount })
            })
            .setting(["form", "limit"])
            .define(),
        "without" => table(["purchase_id"])
            .input::<Purchase>("rows", move |row, out| {
                let Purchase { purchase_id, client_id, amount } = taken.take(row)?;
                out.add(OfPurchase::Stays { purchase_id, client_id, amount })
            })
            .input::<Purchase>("others", |row, out| {
                out.add(OfPurchase::Leaves { purchase_id: row.purchase_id, rows: 1 })
            })
            .stage::<OfPurchase>()
            .walk(|leaves: &mut bool, row, out| match row {
                OfPurchase::Leaves { .. } => {
                    *leaves = true;
                    Ok(())
                }
                OfPurchase::Stays { .. } if *leaves => Ok(()),
                OfPurchase::Stays { purchase_id, client_id, amount } => {
                    out.add(Purchase { purchase_id, client_id, amount })
                }
            })
            .define(),
        "dated" => table(["purchase_id"])
            .input::<Purchase>("rows", move |row, out| out.add(taken.of_client(row)?))
            .stage::<OfClient>()
            .each(|OfClient { client_id, purchase_id, mut amount }, out| {
                amount.increase(Money::from_units(out.day()?.weekday().into()))?;
                out.add(Purchase { purchase_id, client_id, amount })
            })
            .as_of()
            .define(),
        "constant" => table(["purchase_id"])
            .input::<One>("smelt.one", |One { one }, out| {
                out.add(Purchase { purchase_id: "one", client_id: "one", amount: Money::from_units(one.into()) })
            })
            .define(),
        _ => table(["purchase_id"]).input::<Purchase>("rows", move |row, out| out.add(taken.take(row)?)).define(),
    }
}

export_table!(relay, parameters);
