//! Table: how many rows of each dataset were read, kept, rejected and repaired, and how many cells are missing.

use smelt_sdk::prelude::*;

#[derive(Row)]
struct Object<'a> {
    dataset: &'a str,
    read: i64,
    kept: i64,
    rejected: i64,
    superseded: i64,
    repaired: i64,
}

#[derive(Row)]
struct Rule<'a> {
    dataset: &'a str,
    rule: &'a str,
    action: &'a str,
    rows: i64,
}

#[derive(Row)]
struct Client<'a> {
    client_id: Option<&'a str>,
    country: Option<&'a str>,
    email_h: Option<&'a str>,
    signup_date: Option<Date>,
}

#[derive(Row)]
struct Purchase<'a> {
    purchase_id: Option<&'a str>,
    client_id: Option<&'a str>,
    product: Option<&'a str>,
    quantity: Option<i64>,
    unit_price: Option<Money>,
    amount: Option<Money>,
    purchase_date: Option<Date>,
}

const CLIENTS: [&str; 4] = ["client_id", "country", "email_h", "signup_date"];
const PURCHASES: [&str; 7] =
    ["amount", "client_id", "product", "purchase_date", "purchase_id", "quantity", "unit_price"];

/// The counts of a dataset sort before its rules and columns. A column is there if the dataset has objects, even if no
/// cell of it is missing.
#[derive(Row)]
#[row(group(dataset))]
#[rustfmt::skip]
enum OfDataset<'a> {
    Objects {
        dataset: &'a str, #[sum] objects: i64, #[sum] read: i64, #[sum] kept: i64, #[sum] rejected: i64,
        #[sum] superseded: i64, #[sum] repaired: i64,
    },
    Rule { dataset: &'a str, action: &'a str, rule: &'a str, #[sum] rows: i64 },
    Column { dataset: &'a str, column: &'a str, #[sum] objects: i64, #[sum] rows: i64 },
}

#[derive(Row)]
struct Measure<'a> {
    dataset: &'a str,
    measure: &'a str,
    name: &'a str,
    rows: Option<i64>,
    rate: Option<Decimal<4>>,
}

/// A dataset as far as it is known.
#[derive(Default, Saved)]
struct Walk {
    /// Known once its counts have come.
    dataset: Option<String>,
    read: i64,
    kept: i64,
    rejected: i64,
    superseded: i64,
    columns: i64,
    missing: i64,
}

/// Adds the columns of which a cell is missing.
fn missing<'c>(
    dataset: &str,
    cells: impl IntoIterator<Item = (&'c str, bool)>,
    out: &mut Out<OfDataset<'static>>,
) -> Result<()> {
    for (column, _) in cells.into_iter().filter(|&(_, is_missing)| is_missing) {
        out.add(OfDataset::Column { dataset, column, objects: 0, rows: 1 })?;
    }
    Ok(())
}

fn is_unknown(text: Option<&str>) -> bool {
    text.is_none_or(|text| text == "NA")
}

fn quality_report(_: &Config) -> Result<Definition> {
    table(["dataset", "measure", "name"])
        .input::<Object>("objects", |Object { dataset, read, kept, rejected, superseded, repaired }, out| {
            out.add(OfDataset::Objects { dataset, objects: 1, read, kept, rejected, superseded, repaired })?;
            let columns: &[&str] = match dataset {
                "clients" => &CLIENTS,
                "purchases" => &PURCHASES,
                _ => &[],
            };
            columns.iter().try_for_each(|column| out.add(OfDataset::Column { dataset, column, objects: 1, rows: 0 }))
        })
        .input::<Rule>("rules", |Rule { dataset, rule, action, rows }, out| {
            let action = if action == "reject" { "rejected" } else { "repaired" };
            out.add(OfDataset::Rule { dataset, action, rule, rows })
        })
        .input::<Client>("clients", |client, out| {
            let missing_cells = [
                client.client_id.is_none(),
                is_unknown(client.country),
                client.email_h.is_none(),
                client.signup_date.is_none(),
            ];
            missing("clients", CLIENTS.into_iter().zip(missing_cells), out)
        })
        .input::<Purchase>("purchases", |purchase, out| {
            let missing_cells = [
                purchase.amount.is_none(),
                purchase.client_id.is_none(),
                is_unknown(purchase.product),
                purchase.purchase_date.is_none(),
                purchase.purchase_id.is_none(),
                purchase.quantity.is_none(),
                purchase.unit_price.is_none(),
            ];
            missing("purchases", PURCHASES.into_iter().zip(missing_cells), out)
        })
        .stage::<OfDataset>()
        .walk_to_end(
            |walk: &mut Walk, row, out| match row {
                OfDataset::Objects { dataset, objects, read, kept, rejected, superseded, repaired } => {
                    let counted = Some(dataset.to_owned());
                    *walk = Walk { dataset: counted, read, kept, rejected, superseded, ..Walk::default() };
                    out.add(Measure { dataset, measure: "rows", name: "objects", rows: Some(objects), rate: None })?;
                    let counts = [("read", read), ("kept", kept), ("rejected", rejected)];
                    for (name, rows) in counts.into_iter().chain([("superseded", superseded), ("repaired", repaired)]) {
                        let rate = (Ratio::from(rows) / read).round()?;
                        out.add(Measure { dataset, measure: "rows", name, rows: Some(rows), rate })?;
                    }
                    Ok(())
                }
                OfDataset::Rule { dataset, action, rule, rows } => {
                    let rate = (Ratio::from(rows) / walk.read).round()?;
                    out.add(Measure { dataset, measure: action, name: rule, rows: Some(rows), rate })
                }
                OfDataset::Column { dataset, column, rows, .. } => {
                    walk.columns += 1;
                    walk.missing.increase(rows)?;
                    let rate = (Ratio::from(rows) / walk.kept).round()?;
                    out.add(Measure { dataset, measure: "missing", name: column, rows: Some(rows), rate })
                }
            },
            |walk, out| {
                let Walk { dataset, read, kept, rejected, superseded, columns, missing } = walk;
                let Some(dataset) = dataset else { return Ok(()) };
                let scores = [
                    ("completeness", Ratio::from(1) - Ratio::from(missing) / kept / columns),
                    ("uniqueness", Ratio::from(kept) / (kept + superseded)),
                    ("validity", Ratio::from(read - rejected) / read),
                ];
                scores.into_iter().try_for_each(|(name, score)| {
                    let rate = score.round()?;
                    out.add(Measure { dataset: &dataset, measure: "score", name, rows: None, rate })
                })
            },
        )
        .define()
}

export_table!(quality_report);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::Trial;

    use super::*;

    const OBJECTS: &str = "dataset,read,kept,rejected,superseded,repaired\n";
    const RULES: &str = "dataset,rule,action,rows\n";

    fn report(objects: &str, rules: &str, clients: &str) -> String {
        let trial = Trial::of(quality_report)
            .rows("objects", &(OBJECTS.to_owned() + objects))
            .rows("rules", &(RULES.to_owned() + rules))
            .rows("clients", &("client_id,country,email_h,signup_date\n".to_owned() + clients))
            .rows("purchases", "purchase_id,client_id,product,quantity,unit_price,amount,purchase_date\n");
        trial.table().unwrap()
    }

    #[test]
    fn counts_rules_missing_cells_and_scores_are_rows() {
        let objects = "clients,4,2,2,0,0\nclients,2,1,0,1,3\n";
        let rules = "clients,bad,reject,2\nclients,case,repair,1\nclients,case,repair,2\n";
        let clients = "A,FR,e1,2025-01-01\nB,NA,,2025-01-02\nC,DE,,2025-01-03\n";
        let expected = "\
dataset,measure,name,rows,rate
clients,missing,client_id,0,0.0000
clients,missing,country,1,0.3333
clients,missing,email_h,2,0.6667
clients,missing,signup_date,0,0.0000
clients,rejected,bad,2,0.3333
clients,repaired,case,3,0.5000
clients,rows,kept,3,0.5000
clients,rows,objects,2,
clients,rows,read,6,1.0000
clients,rows,rejected,2,0.3333
clients,rows,repaired,3,0.5000
clients,rows,superseded,1,0.1667
clients,score,completeness,,0.7500
clients,score,uniqueness,,0.7500
clients,score,validity,,0.6667
";
        assert_eq!(report(objects, rules, clients), expected);
    }

    #[test]
    fn rates_of_nothing_are_missing() {
        let told = report("clients,0,0,0,0,0\n", "", "");
        assert!(told.contains("clients,rows,objects,1,\nclients,rows,read,0,\n"), "{told}");
        assert!(told.contains("clients,missing,country,0,\n"), "{told}");
        assert!(told.contains("clients,score,completeness,,\nclients,score,uniqueness,,\nclients,score,validity,,\n"));
        assert_eq!(report("", "", ""), "dataset,measure,name,rows,rate\n");
    }
}
