//! KPI: the clients of each segment or of each status, what they spent, and what they are like on the average.
//!
//! Clients are added up in one small group: a row for each name, of which there are eleven at most.

use std::cmp::Reverse;

use smelt_sdk::prelude::*;

fn parameters() -> Parameters {
    let summary = "The column of clients by which they are grouped.";
    Parameters::none().choice("by", ["segment", "status"], "segment", summary)
}

#[derive(Row)]
struct Client<'a> {
    segment: &'a str,
    status: &'a str,
    orders: i64,
    total_spent: Money,
    recency_days: Option<i64>,
    predicted_value: Option<Money>,
}

/// The clients of a name. Those who have a recency or a predicted value are counted apart: the others have no part in the mean.
#[derive(Row)]
#[row(group())]
#[rustfmt::skip]
struct Added<'a> {
    name: &'a str,
    #[sum] orders: i64, #[sum] revenue: Money, #[sum] recency: i64, #[sum] recent: i64,
    #[sum] predicted: Money, #[sum] predictable: i64, #[sum] rows: i64,
}

#[derive(Row)]
struct Group<'a> {
    name: &'a str,
    clients: i64,
    client_share: Option<Decimal<4>>,
    orders: i64,
    revenue: Money,
    revenue_share: Option<Decimal<4>>,
    average_recency: Option<Decimal<4>>,
    average_orders: Decimal<4>,
    average_spent: Money,
    average_order_value: Option<Money>,
    average_predicted_value: Option<Money>,
}

fn groups(all: &[Added], out: &mut Out<Group<'static>>) -> Result<()> {
    let (mut clients, mut total) = (0i64, Money::ZERO);
    for added in all {
        clients.increase(added.rows)?;
        total.increase(added.revenue)?;
    }
    // They come by name, and stay in this order where their revenue is the same.
    let mut sorted: Vec<_> = all.iter().collect();
    sorted.sort_by_key(|added| Reverse(added.revenue));
    for &&Added { name, orders, revenue, recency, recent, predicted, predictable, rows } in &sorted {
        out.add(Group {
            name,
            clients: rows,
            client_share: (Ratio::from(rows) / clients).round()?,
            orders,
            revenue,
            revenue_share: (Ratio::from(revenue) / total).round()?,
            average_recency: (Ratio::from(recency) / recent).round()?,
            average_orders: (Ratio::from(orders) / rows).value()?,
            average_spent: (Ratio::from(revenue) / rows).value()?,
            average_order_value: (Ratio::from(revenue) / orders).round()?,
            average_predicted_value: (Ratio::from(predicted) / predictable).round()?,
        })?;
    }
    Ok(())
}

fn client_groups(config: &Config) -> Result<Definition> {
    let by_segment = config.text("by")? == "segment";
    table(["name"])
        .input::<Client>("clients", move |client, out| {
            let Client { segment, status, orders, total_spent: revenue, recency_days, predicted_value } = client;
            out.add(Added {
                name: if by_segment { segment } else { status },
                orders,
                revenue,
                recency: recency_days.unwrap_or_default(),
                recent: recency_days.is_some().into(),
                predicted: predicted_value.unwrap_or_default(),
                predictable: predicted_value.is_some().into(),
                rows: 1,
            })
        })
        .stage::<Added>()
        .group(groups)
        .setting([])
        .define()
}

export_table!(client_groups, parameters);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::Trial;

    use super::*;

    /// Returns the rows of the table, each with these columns.
    fn groups(by: &str, clients: &str, columns: &str) -> Vec<String> {
        let header = "segment,status,orders,total_spent,recency_days,predicted_value\n";
        let trial = Trial::of(client_groups).parameters(parameters(), &format!(r#"{{"by": "{by}"}}"#));
        trial.rows("clients", &(header.to_owned() + clients)).columns(columns).unwrap()
    }

    const CLIENTS: &str = "\
new,active,1,10.00,3,1.00
loyal,active,2,5.00,4,2.01
loyal,inactive,1,5.00,95,0.00
no_purchase,prospect,0,0.00,,
free,active,2,0.00,1,0.00
no_purchase,prospect,0,0.00,,
";

    #[test]
    fn groups_come_by_revenue_and_then_by_name() {
        let columns = "name clients client_share orders revenue revenue_share average_orders average_spent";
        let expected = [
            "loyal 2 0.3333 3 10.00 0.5000 1.5000 5.00",
            "new 1 0.1667 1 10.00 0.5000 1.0000 10.00",
            "free 1 0.1667 2 0.00 0.0000 2.0000 0.00",
            "no_purchase 2 0.3333 0 0.00 0.0000 0.0000 0.00",
        ];
        assert_eq!(groups("segment", CLIENTS, columns), expected);
        let expected = ["active 3 15.00", "inactive 1 5.00", "prospect 2 0.00"];
        assert_eq!(groups("status", CLIENTS, "name clients revenue"), expected);
        assert!(groups("status", "", "name").is_empty());
    }

    #[test]
    fn a_mean_leaves_out_clients_without_a_value() {
        let columns = "name average_recency average_order_value average_predicted_value";
        // Of 1.005 half a cent is rounded away from zero.
        let expected = ["loyal 49.5000 3.33 1.01", "new 3.0000 10.00 1.00", "free 1.0000 0.00 0.00", "no_purchase   "];
        assert_eq!(groups("segment", CLIENTS, columns), expected);
        // A client may buy and yet have no predicted value, where the parameters of client-kpis leave none.
        let expected = ["active 2.0000 2.00"];
        assert_eq!(
            groups(
                "status",
                "a,active,1,1.00,2,\nb,active,1,1.00,2,2.00\n",
                &columns.replace("average_order_value ", "")
            ),
            expected
        );
    }

    #[test]
    fn nobody_has_a_share_of_nothing() {
        assert_eq!(
            groups("status", "new,active,1,0.00,0,0.00\n", "name client_share revenue_share"),
            ["active 1.0000 "]
        );
    }

    #[test]
    fn the_means_do_not_depend_on_the_column() {
        let description = Trial::of(client_groups).parameters(parameters(), r#"{"by": "status"}"#).describe().unwrap();
        assert_eq!(description.inputs[0].accumulator.params, r#"{"by":"status"}"#);
        assert_eq!(description.stages[0].reducer.params, "{}");
    }
}
