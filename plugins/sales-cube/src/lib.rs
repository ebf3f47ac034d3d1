//! KPI: sales by each set of month, category, country and channel, as `GROUPING SETS` of SQL gives them.
//!
//! The groups of the first stage are the sales to a customer in a cell of the cube, so that each counts once. The second has a
//! row for each cell, in the order of the table.

use smelt_sdk::prelude::*;

mod sets;

use sets::{ALL, Sets};

fn parameters() -> Parameters {
    let usual =
        "all, month, month+category, month+country, month+channel, category+country, month+category+country+channel";
    let summary = "The sets by which sales are added up, separated by commas: `all`, or names joined by `+`.";
    Parameters::none().text("sets", usual, summary)
}

#[derive(Row)]
struct Sale<'a> {
    user_id: Option<&'a str>,
    month: &'a str,
    channel: &'a str,
    status: &'a str,
    quantity: i64,
    gross: Money,
    discount: Money,
    net_revenue: Money,
    category: &'a str,
    country: &'a str,
}

/// The sales to a customer in a cell of the cube; `set` is the number of the set.
#[derive(Row)]
#[row(group(set, month, category, country, channel, customer))]
#[rustfmt::skip]
struct OfCustomer<'a> {
    set: i64, month: &'a str, category: &'a str, country: &'a str, channel: &'a str, customer: Option<&'a str>,
    #[sum] sales: i64, #[sum] refunded: i64, #[sum] cancelled: i64,
    #[sum] units: i64, #[sum] gross: Money, #[sum] discount: Money, #[sum] net_revenue: Money,
}

#[derive(Row)]
#[row(group())]
#[rustfmt::skip]
struct OfCell<'a> {
    set: i64, month: &'a str, category: &'a str, country: &'a str, channel: &'a str,
    #[sum] sales: i64, #[sum] refunded: i64, #[sum] cancelled: i64, #[sum] customers: i64,
    #[sum] units: i64, #[sum] gross: Money, #[sum] discount: Money, #[sum] net_revenue: Money,
}

#[derive(Row)]
struct Cell<'a> {
    grouping: &'a str,
    month: &'a str,
    category: &'a str,
    country: &'a str,
    channel: &'a str,
    sales: i64,
    refunded: i64,
    cancelled: i64,
    customers: i64,
    units: i64,
    gross: Money,
    discount: Money,
    net_revenue: Money,
    aov: Option<Money>,
    refund_rate: Option<Decimal<4>>,
}

/// Adds a sale to its cell of each set.
fn add_to_cells(sets: &Sets, sale: &Sale, out: &mut Out<OfCustomer<'static>>) -> Result<()> {
    let is = |status: &str| i64::from(sale.status == status);
    let paid = sale.status == "paid";
    let of_paid = |amount| if paid { amount } else { Money::ZERO };
    for (set, [month, category, country, channel]) in (0..).zip(sets.masks()) {
        let or_all = |in_set, name| if in_set { name } else { ALL };
        out.add(OfCustomer {
            set,
            month: or_all(month, sale.month),
            category: or_all(category, sale.category),
            country: or_all(country, sale.country),
            channel: or_all(channel, sale.channel),
            customer: if paid { sale.user_id } else { None },
            sales: i64::from(paid),
            refunded: is("refunded"),
            cancelled: is("cancelled"),
            units: if paid { sale.quantity } else { 0 },
            gross: of_paid(sale.gross),
            discount: of_paid(sale.discount),
            net_revenue: of_paid(sale.net_revenue),
        })?;
    }
    Ok(())
}

/// Returns the row of a cell.
fn row<'a>(sets: &'a Sets, cell: OfCell<'a>) -> Result<Cell<'a>> {
    let OfCell { set, month, category, country, channel, sales, refunded, cancelled, customers, .. } = cell;
    let OfCell { units, gross, discount, net_revenue, .. } = cell;
    Ok(Cell {
        grouping: sets.name(set),
        month,
        category,
        country,
        channel,
        sales,
        refunded,
        cancelled,
        customers,
        units,
        gross,
        discount,
        net_revenue,
        aov: (Ratio::from(net_revenue) / sales).round()?,
        refund_rate: (Ratio::from(refunded) / (Ratio::from(sales) + refunded)).round()?,
    })
}

/// The cell of all sales where there are none: as in SQL, the empty set has a row of its own.
fn nothing(set: i64) -> OfCell<'static> {
    let (month, category, country, channel) = (ALL, ALL, ALL, ALL);
    let (gross, discount, net_revenue) = Default::default();
    let (sales, refunded, cancelled, customers, units) = Default::default();
    OfCell {
        set,
        month,
        category,
        country,
        channel,
        sales,
        refunded,
        cancelled,
        customers,
        units,
        gross,
        discount,
        net_revenue,
    }
}

fn sales_cube(config: &Config) -> Result<Definition> {
    let sets = Sets::parse(config.text("sets")?)?;
    let (of_input, of_end) = (sets.clone(), sets.clone());
    table(["grouping", "month", "category", "country", "channel"])
        .input::<Sale>("sales", move |sale, out| add_to_cells(&of_input, &sale, out))
        .stage::<OfCustomer>()
        .each(|of_customer, out| {
            let OfCustomer { set, month, category, country, channel, customer, sales, refunded, cancelled, .. } =
                of_customer;
            let OfCustomer { units, gross, discount, net_revenue, .. } = of_customer;
            let customers = i64::from(customer.is_some());
            out.add(OfCell {
                set,
                month,
                category,
                country,
                channel,
                sales,
                refunded,
                cancelled,
                customers,
                units,
                gross,
                discount,
                net_revenue,
            })
        })
        .setting([])
        .stage::<OfCell>()
        .walk_to_end(
            move |any: &mut bool, cell, out| {
                *any = true;
                out.add(row(&sets, cell)?)
            },
            move |any, out| match of_end.all().filter(|_| !any) {
                Some(set) => out.add(row(&of_end, nothing(set))?),
                None => Ok(()),
            },
        )
        .define()
}

export_table!(sales_cube, parameters);

#[cfg(test)]
mod tests;
