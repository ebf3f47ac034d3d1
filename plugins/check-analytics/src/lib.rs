//! Check: what must hold of clients, purchases and the sales that are made of them. Each expectation is a share of rows
//! that may not fall below a parameter of its name.

use smelt_sdk::prelude::*;

/// The expectations in the order of their names, each with its scope, its severity, and the share in ten-thousandths
/// that it expects unless the manifest says otherwise.
#[rustfmt::skip]
const EXPECTATIONS: [(&str, &str, &str, i64); 9] = [
    ("amount_matches_price", "purchases", "warn", 8_500),
    ("clients_accepted", "clients", "warn", 9_000),
    ("email_present", "clients", "warn", 9_000),
    ("email_unique", "clients", "warn", 10_000),
    ("known_client", "purchases", "warn", 9_500),
    ("no_future_purchase", "purchases", "warn", 10_000),
    ("not_before_signup", "purchases", "warn", 9_500),
    ("purchases_accepted", "purchases", "warn", 9_000),
    ("sales_reconcile", "fact_sales", "fail", 10_000),
];

const NAMES: [&str; 9] = [
    EXPECTATIONS[0].0,
    EXPECTATIONS[1].0,
    EXPECTATIONS[2].0,
    EXPECTATIONS[3].0,
    EXPECTATIONS[4].0,
    EXPECTATIONS[5].0,
    EXPECTATIONS[6].0,
    EXPECTATIONS[7].0,
    EXPECTATIONS[8].0,
];

fn parameters() -> Parameters {
    EXPECTATIONS.iter().fold(Parameters::none(), |parameters, (name, scope, _, expected)| {
        let summary = format!("The least share of {scope} that must meet it, in ten-thousandths.");
        parameters.integer(name, 0..=10_000, *expected, &summary)
    })
}

#[derive(Row)]
struct Purchase<'a> {
    purchase_id: &'a str,
    client_id: &'a str,
    quantity: i64,
    unit_price: Money,
    amount: Money,
    purchase_date: Date,
}

#[derive(Row)]
struct Client<'a> {
    client_id: &'a str,
    email_h: Option<&'a str>,
    signup_date: Date,
}

#[derive(Row)]
struct Sale<'a> {
    purchase_id: &'a str,
    quantity: i64,
    amount: Money,
}

#[derive(Row)]
struct Object<'a> {
    dataset: &'a str,
    read: i64,
    rejected: i64,
}

/// Rows that are compared have the same key: a client and the client's purchases, clients of one e-mail, a purchase and its
/// sale. The client sorts before the purchases.
#[derive(Row)]
#[row(group(key))]
#[rustfmt::skip]
enum OfKey<'a> {
    Client { key: &'a str, signup_date: Date },
    Purchase { key: &'a str, purchase_date: Date, #[sum] purchases: i64 },
    Email { key: &'a str, #[sum] clients: i64 },
    Sale { key: &'a str, quantity: i64, amount: Money, #[sum] purchases: i64, #[sum] sales: i64 },
}

/// Rows that were examined for an expectation, and those that failed. Which purchases lie in the future is known to the
/// last reducer alone, so a new day reads no purchase.
#[derive(Row)]
#[row(group())]
#[rustfmt::skip]
enum Figure<'a> {
    Counted { expectation: &'a str, #[sum] examined: i64, #[sum] failing: i64 },
    Day { date: Date, #[sum] examined: i64 },
}

#[derive(Row)]
struct Verdict<'a> {
    expectation: &'a str,
    scope: &'a str,
    severity: &'a str,
    observed: Option<Decimal<4>>,
    expected: Decimal<4>,
    passed: bool,
    failing_rows: i64,
}

/// The counts of each expectation, in the order of their names.
#[derive(Default, Saved)]
struct Counts([(i64, i64); EXPECTATIONS.len()]);

impl Counts {
    fn add(&mut self, name: &str, examined: i64, failing: i64) -> Result<()> {
        for (counts, _) in self.0.iter_mut().zip(NAMES).filter(|(_, other)| *other == name) {
            counts.0.increase(examined)?;
            counts.1.increase(failing)?;
        }
        Ok(())
    }
}

/// Returns whether the amount is further from the price than 0.01 for each piece.
fn is_off(purchase: &Purchase<'_>) -> bool {
    let quantity = i128::from(purchase.quantity);
    let price = purchase.unit_price.units().checked_mul(quantity);
    let difference = price.and_then(|price| purchase.amount.units().checked_sub(price));
    // 0.01 is one unit of money. A difference that 128 bits cannot hold is greater than any quantity.
    difference.is_none_or(|difference| difference.unsigned_abs() > quantity.unsigned_abs())
}

fn check_analytics(config: &Config) -> Result<Definition> {
    let mut expected = [0; EXPECTATIONS.len()];
    for (expected, name) in expected.iter_mut().zip(NAMES) {
        *expected = config.integer(name)?;
    }
    table(["expectation"])
        .input::<Client>("clients", |Client { client_id, email_h, signup_date }, out| {
            out.add(OfKey::Client { key: client_id, signup_date })?;
            email_h.map_or(Ok(()), |key| out.add(OfKey::Email { key, clients: 1 }))
        })
        .setting([])
        .input::<Purchase>("purchases", |purchase, out| {
            let Purchase { purchase_id, client_id, quantity, amount, purchase_date, .. } = purchase;
            out.add(OfKey::Purchase { key: client_id, purchase_date, purchases: 1 })?;
            out.add(OfKey::Sale { key: purchase_id, quantity, amount, purchases: 1, sales: 0 })
        })
        .setting([])
        .input::<Sale>("sales", |Sale { purchase_id: key, quantity, amount }, out| {
            out.add(OfKey::Sale { key, quantity, amount, purchases: 0, sales: 1 })
        })
        .setting([])
        .stage::<OfKey>()
        .walk(|signup: &mut Option<Date>, row, out| {
            let mut count = |expectation: &str, examined, is_failing: bool| {
                let failing = if is_failing { examined } else { 0 };
                out.add(Figure::Counted { expectation, examined, failing })
            };
            match row {
                OfKey::Client { signup_date, .. } => {
                    *signup = Some(signup_date);
                    Ok(())
                }
                OfKey::Purchase { purchase_date, purchases, .. } => {
                    count("known_client", purchases, signup.is_none())?;
                    count("not_before_signup", purchases, signup.is_some_and(|signup| purchase_date < signup))
                }
                OfKey::Email { clients, .. } => count("email_unique", clients, clients > 1),
                OfKey::Sale { purchases, sales, .. } => {
                    let failing = purchases.abs_diff(sales) as i64;
                    out.add(Figure::Counted { expectation: "sales_reconcile", examined: purchases, failing })
                }
            }
        })
        .setting([])
        .input::<Object>("objects", |Object { dataset, read, rejected }, out| {
            let expectation = match dataset {
                "clients" => "clients_accepted",
                "purchases" => "purchases_accepted",
                _ => return Ok(()),
            };
            out.add(Figure::Counted { expectation, examined: read, failing: rejected })
        })
        .setting([])
        .input::<Client>("clients", |Client { email_h, .. }, out| {
            let failing = i64::from(email_h.is_none());
            out.add(Figure::Counted { expectation: "email_present", examined: 1, failing })?;
            // One without an e-mail shares none. The others are counted by e-mail.
            out.add(Figure::Counted { expectation: "email_unique", examined: failing, failing: 0 })
        })
        .setting([])
        .input::<Purchase>("purchases", |purchase, out| {
            let failing = i64::from(is_off(&purchase));
            out.add(Figure::Counted { expectation: "amount_matches_price", examined: 1, failing })?;
            out.add(Figure::Day { date: purchase.purchase_date, examined: 1 })
        })
        .setting([])
        .stage::<Figure>()
        .walk_to_end(
            |counts: &mut Counts, row, out| match row {
                Figure::Counted { expectation, examined, failing } => counts.add(expectation, examined, failing),
                Figure::Day { date, examined } => {
                    let failing = if date > out.day()? { examined } else { 0 };
                    counts.add("no_future_purchase", examined, failing)
                }
            },
            move |counts, out| {
                for (at, (expectation, scope, severity, _)) in EXPECTATIONS.into_iter().enumerate() {
                    let ((examined, failing), expected) = (counts.0[at], expected[at]);
                    let kept = i128::from(examined) - i128::from(failing);
                    out.add(Verdict {
                        expectation,
                        scope,
                        severity,
                        observed: ((Ratio::from(examined) - failing) / examined).round()?,
                        expected: Decimal::from_units(expected.into()),
                        passed: kept * 10_000 >= i128::from(expected) * i128::from(examined),
                        failing_rows: failing,
                    })?;
                }
                Ok(())
            },
        )
        .as_of()
        .define()
}

export_table!(check_analytics, parameters);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::Trial;

    use super::*;

    const CLIENTS: &str = "client_id,email_h,signup_date\n";
    const PURCHASES: &str = "purchase_id,client_id,quantity,unit_price,amount,purchase_date\n";

    fn check(clients: &str, purchases: &str, sales: &str, given: &str) -> String {
        let trial = Trial::of(check_analytics).parameters(parameters(), given).as_of("2025-11-18T00:00:00Z");
        let trial = trial
            .rows("clients", &(CLIENTS.to_owned() + clients))
            .rows("purchases", &(PURCHASES.to_owned() + purchases))
            .rows("sales", &("purchase_id,quantity,amount\n".to_owned() + sales))
            .rows("objects", "dataset,read,rejected\nclients,4,1\nclients,1,0\nother,1,1\npurchases,0,0\n");
        trial.table().unwrap()
    }

    #[test]
    fn each_expectation_counts_the_rows_that_fail_it() {
        let clients = "A,e1,2025-01-02\nB,e1,2025-01-01\nC,,2025-01-01\nD,e2,2025-01-01\n";
        let purchases = "\
P1,A,2,1.00,2.02,2025-01-02
P2,A,2,1.00,2.03,2025-01-01
P3,X,1,1.00,0.98,2025-11-18
P4,B,1,1.00,1.00,2025-11-19
";
        let expected = "\
expectation,scope,severity,observed,expected,passed,failing_rows
amount_matches_price,purchases,warn,0.5000,0.8500,false,2
clients_accepted,clients,warn,0.8000,0.9000,false,1
email_present,clients,warn,0.7500,0.7500,true,1
email_unique,clients,warn,0.5000,1.0000,false,2
known_client,purchases,warn,0.7500,0.9500,false,1
no_future_purchase,purchases,warn,0.7500,1.0000,false,1
not_before_signup,purchases,warn,0.7500,0.9500,false,1
purchases_accepted,purchases,warn,,0.9000,true,0
sales_reconcile,fact_sales,fail,0.0000,1.0000,false,4
";
        // P2 has another amount in sales, P3 is missing there, and P5 is there alone.
        let sales = "P1,2,2.02\nP2,2,2.00\nP4,1,1.00\n";
        let told = check(clients, purchases, sales, r#"{"email_present": 7500}"#);
        assert_eq!(told, expected.replace("0.0000,1.0000,false,4", "0.2500,1.0000,false,3"));
        let extra = format!("{sales}P5,1,1.00\n");
        assert_eq!(check(clients, purchases, &extra, r#"{"email_present": 7500}"#), expected);
    }

    #[test]
    fn of_nothing_each_expectation_is_met() {
        let told = check("", "", "", "{}");
        let rows: Vec<_> = told.lines().filter(|row| !row.contains("clients_accepted")).skip(1).collect();
        assert_eq!(rows.len(), EXPECTATIONS.len() - 1);
        assert!(rows.iter().all(|row| row.contains(",,") && row.ends_with(",true,0")), "{told}");
    }
}
