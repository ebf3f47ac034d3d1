//! KPI: the clients who spent much and have gone quiet, those who spent most first. The segment `at_risk` is another thing.

use smelt_sdk::prelude::*;

#[derive(Row)]
struct Client<'a> {
    client_id: &'a str,
    country: &'a str,
    last_purchase_date: Option<Date>,
    orders: i64,
    total_spent: Money,
    recency_days: Option<i64>,
    churn_probability: Option<Decimal<4>>,
    predicted_value: Option<Money>,
    segment: &'a str,
    status: &'a str,
    high_value: bool,
}

#[derive(Row)]
#[row(group())]
struct BySpent<'a> {
    spent: Desc<Money>,
    client_id: &'a str,
    country: &'a str,
    last_purchase_date: Option<Date>,
    recency_days: Option<i64>,
    orders: i64,
    churn_probability: Option<Decimal<4>>,
    predicted_value: Option<Money>,
    segment: &'a str,
}

#[derive(Row)]
struct AtRisk<'a> {
    client_id: &'a str,
    country: &'a str,
    last_purchase_date: Option<Date>,
    recency_days: Option<i64>,
    orders: i64,
    total_spent: Money,
    churn_probability: Option<Decimal<4>>,
    predicted_value: Option<Money>,
    segment: &'a str,
}

fn at_risk_clients(_: &Config) -> Result<Definition> {
    table(["client_id"])
        .input::<Client>("clients", |client, out| match client {
            Client { high_value: true, status: "inactive", .. } => out.add(BySpent {
                spent: Desc(client.total_spent),
                client_id: client.client_id,
                country: client.country,
                last_purchase_date: client.last_purchase_date,
                recency_days: client.recency_days,
                orders: client.orders,
                churn_probability: client.churn_probability,
                predicted_value: client.predicted_value,
                segment: client.segment,
            }),
            _ => Ok(()),
        })
        .stage::<BySpent>()
        .each(|client, out| {
            out.add(AtRisk {
                client_id: client.client_id,
                country: client.country,
                last_purchase_date: client.last_purchase_date,
                recency_days: client.recency_days,
                orders: client.orders,
                total_spent: client.spent.0,
                churn_probability: client.churn_probability,
                predicted_value: client.predicted_value,
                segment: client.segment,
            })
        })
        .define()
}

export_table!(at_risk_clients);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::Trial;

    use super::*;

    const HEADER: &str = "client_id,country,last_purchase_date,recency_days,orders,total_spent,churn_probability,\
                          predicted_value,segment,status,high_value\n";

    #[test]
    fn those_who_spent_much_and_are_inactive_come_by_what_they_spent_and_then_by_id() {
        let clients = "\
B,FR,2024-02-29,300,2,5.00,0.9000,1.00,loyal,inactive,true
A,DE,2024-03-01,299,1,5.00,0.8000,,champion,inactive,true
C,DE,2024-03-01,299,1,50.00,1.0000,0.00,at_risk,inactive,true
D,DE,2025-01-01,1,1,90.00,0.0000,9.00,at_risk,active,true
E,DE,2024-01-01,400,1,90.00,0.9000,9.00,at_risk,inactive,false
F,DE,,,0,0.00,,,no_purchase,prospect,false
";
        let trial = Trial::of(at_risk_clients).rows("clients", &(HEADER.to_owned() + clients));
        let expected = "\
client_id,country,last_purchase_date,recency_days,orders,total_spent,churn_probability,predicted_value,segment
C,DE,2024-03-01,299,1,50.00,1.0000,0.00,at_risk
A,DE,2024-03-01,299,1,5.00,0.8000,,champion
B,FR,2024-02-29,300,2,5.00,0.9000,1.00,loyal
";
        assert_eq!(trial.table().unwrap(), expected);
    }
}
