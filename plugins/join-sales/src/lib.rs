//! Table: sales with what is known of their product, user and session.
//!
//! In the first stage a sale asks for each thing that it names, and the answers meet the sale in the second. So a sale passes
//! through one stage as a whole, sales that name nobody are no group of their own, and a user who moves costs the user's sales.

use smelt_sdk::prelude::*;

#[derive(Row)]
struct Product<'a> {
    product_id: &'a str,
    name: Option<&'a str>,
    category: &'a str,
    price_band: &'a str,
    price: Money,
}

#[derive(Row)]
struct User<'a> {
    user_id: &'a str,
    email_h: Option<&'a str>,
    country: &'a str,
    signup_date: Date,
}

#[derive(Row)]
struct Session<'a> {
    session_id: &'a str,
    device: &'a str,
    source: &'a str,
}

#[derive(Row)]
struct Sale<'a> {
    sale_id: &'a str,
    session_id: Option<&'a str>,
    user_id: Option<&'a str>,
    product_id: &'a str,
    sold_at: Timestamp,
    sale_date: Date,
    month: &'a str,
    week: &'a str,
    weekday: i64,
    weekend: bool,
    hour: i64,
    channel: &'a str,
    status: &'a str,
    quantity: i64,
    unit_price: Money,
    gross: Money,
    discount: Money,
    discount_rate: Option<Decimal<4>>,
    net_revenue: Money,
}

/// What the ids of a group are of.
const PRODUCT: i64 = 0;
const USER: i64 = 1;
const SESSION: i64 = 2;

/// The thing of an id comes first, then the sales that ask for it.
#[derive(Row)]
#[row(group(of, id))]
#[rustfmt::skip]
enum OfId<'a> {
    Product {
        of: i64, id: &'a str, name: Option<&'a str>, category: &'a str, price_band: &'a str, #[sum] price: Money,
    },
    User { of: i64, id: &'a str, email_h: Option<&'a str>, country: &'a str, signup_date: Date },
    Session { of: i64, id: &'a str, device: &'a str, source: &'a str },
    Sale { of: i64, id: &'a str, sale_id: &'a str },
}

/// The answers come first, then the sale.
#[derive(Row)]
#[row(group(sale_id))]
#[rustfmt::skip]
enum OfSale<'a> {
    Product {
        sale_id: &'a str, name: Option<&'a str>, category: &'a str, price_band: &'a str, #[sum] price: Money,
    },
    User { sale_id: &'a str, email_h: Option<&'a str>, country: &'a str, signup_date: Date },
    Session { sale_id: &'a str, device: &'a str, source: &'a str },
    Sale {
        sale_id: &'a str, session_id: Option<&'a str>, user_id: Option<&'a str>, product_id: &'a str,
        sold_at: Timestamp, sale_date: Date, month: &'a str, week: &'a str, weekend: bool,
        channel: &'a str, status: &'a str, discount_rate: Option<Decimal<4>>,
        #[sum] weekday: i64, #[sum] hour: i64, #[sum] quantity: i64, #[sum] unit_price: Money, #[sum] gross: Money,
        #[sum] discount: Money, #[sum] net_revenue: Money,
    },
}

#[derive(Row)]
struct Joined<'a> {
    sale_id: &'a str,
    session_id: Option<&'a str>,
    user_id: Option<&'a str>,
    product_id: &'a str,
    sold_at: Timestamp,
    sale_date: Date,
    month: &'a str,
    week: &'a str,
    weekday: i64,
    weekend: bool,
    hour: i64,
    channel: &'a str,
    status: &'a str,
    quantity: i64,
    unit_price: Money,
    gross: Money,
    discount: Money,
    discount_rate: Option<Decimal<4>>,
    net_revenue: Money,
    product: Option<&'a str>,
    category: &'a str,
    price_band: &'a str,
    list_price: Option<Money>,
    price_gap: Option<Money>,
    email_h: Option<&'a str>,
    country: &'a str,
    tenure_days: Option<i64>,
    device: &'a str,
    source: &'a str,
}

/// The thing that an id is of, if there is one.
#[derive(Default, Saved)]
enum Thing {
    #[default]
    Unknown,
    Product {
        name: Option<String>,
        category: String,
        price_band: String,
        price: Money,
    },
    User {
        email_h: Option<String>,
        country: String,
        signup_date: Date,
    },
    Session {
        device: String,
        source: String,
    },
}

/// Takes the thing of an id, and answers the sales that ask for it.
fn answer(thing: &mut Thing, row: OfId, out: &mut Out<OfSale<'static>>) -> Result<()> {
    match row {
        OfId::Product { name, category, price_band, price, .. } => {
            let (name, category, price_band) = (name.map(str::to_owned), category.to_owned(), price_band.to_owned());
            *thing = Thing::Product { name, category, price_band, price };
            Ok(())
        }
        OfId::User { email_h, country, signup_date, .. } => {
            *thing = Thing::User { email_h: email_h.map(str::to_owned), country: country.to_owned(), signup_date };
            Ok(())
        }
        OfId::Session { device, source, .. } => {
            *thing = Thing::Session { device: device.to_owned(), source: source.to_owned() };
            Ok(())
        }
        OfId::Sale { sale_id, .. } => match thing {
            Thing::Unknown => Ok(()),
            Thing::Product { name, category, price_band, price } => {
                let name = name.as_deref();
                out.add(OfSale::Product { sale_id, name, category, price_band, price: *price })
            }
            Thing::User { email_h, country, signup_date } => {
                let email_h = email_h.as_deref();
                out.add(OfSale::User { sale_id, email_h, country, signup_date: *signup_date })
            }
            Thing::Session { device, source } => out.add(OfSale::Session { sale_id, device, source }),
        },
    }
}

/// The text of what is not known.
const UNKNOWN: &str = "unknown";

/// Joins a sale with the answers that came before it. There is one sale of an id.
fn join(rows: &[OfSale], out: &mut Out<Joined<'static>>) -> Result<()> {
    let (mut product, mut user, mut session) = (None, None, None);
    for row in rows {
        match *row {
            OfSale::Product { name, category, price_band, price, .. } => {
                product = Some((name, category, price_band, price));
            }
            OfSale::User { email_h, country, signup_date, .. } => user = Some((email_h, country, signup_date)),
            OfSale::Session { device, source, .. } => session = Some((device, source)),
            OfSale::Sale { .. } => {}
        }
    }
    let Some(&OfSale::Sale {
        sale_id,
        session_id,
        user_id,
        product_id,
        sold_at,
        sale_date,
        month,
        week,
        weekend,
        channel,
        status,
        discount_rate,
        weekday,
        hour,
        quantity,
        unit_price,
        gross,
        discount,
        net_revenue,
    }) = rows.last()
    else {
        return Ok(());
    };
    let (name, category, price_band) = match product {
        Some((name, category, price_band, _)) => (name, category, price_band),
        None => (Some(UNKNOWN), UNKNOWN, UNKNOWN),
    };
    let list_price = product.map(|(.., price)| price);
    let price_gap = match list_price {
        Some(list_price) => Some((Ratio::from(unit_price) - list_price).value()?),
        None => None,
    };
    let (device, source) = session.unwrap_or((UNKNOWN, UNKNOWN));
    out.add(Joined {
        sale_id,
        session_id,
        user_id,
        product_id,
        sold_at,
        sale_date,
        month,
        week,
        weekday,
        weekend,
        hour,
        channel,
        status,
        quantity,
        unit_price,
        gross,
        discount,
        discount_rate,
        net_revenue,
        product: name,
        category,
        price_band,
        list_price,
        price_gap,
        email_h: user.and_then(|(email_h, ..)| email_h),
        country: user.map_or("NA", |(_, country, _)| country),
        tenure_days: user.map(|(.., signup_date)| sale_date.days_since(signup_date)),
        device,
        source,
    })
}

fn join_sales(_: &Config) -> Result<Definition> {
    table(["sale_id"])
        .input::<Product>("products", |product, out| {
            let Product { product_id: id, name, category, price_band, price } = product;
            out.add(OfId::Product { of: PRODUCT, id, name, category, price_band, price })
        })
        .input::<User>("users", |User { user_id: id, email_h, country, signup_date }, out| {
            out.add(OfId::User { of: USER, id, email_h, country, signup_date })
        })
        .input::<Session>("sessions", |Session { session_id: id, device, source }, out| {
            out.add(OfId::Session { of: SESSION, id, device, source })
        })
        .input::<Sale>("sales", |Sale { sale_id, session_id, user_id, product_id, .. }, out| {
            let ids = [(PRODUCT, Some(product_id)), (USER, user_id), (SESSION, session_id)];
            let named = ids.into_iter().filter_map(|(of, id)| Some((of, id?)));
            named.into_iter().try_for_each(|(of, id)| out.add(OfId::Sale { of, id, sale_id }))
        })
        .stage::<OfId>()
        .walk(answer)
        .input::<Sale>("sales", |sale, out| {
            let Sale { sale_id, session_id, user_id, product_id, sold_at, sale_date, month, week, weekday, .. } = sale;
            let Sale { weekend, hour, channel, status, quantity, unit_price, gross, discount, .. } = sale;
            let Sale { discount_rate, net_revenue, .. } = sale;
            out.add(OfSale::Sale {
                sale_id,
                session_id,
                user_id,
                product_id,
                sold_at,
                sale_date,
                month,
                week,
                weekend,
                channel,
                status,
                discount_rate,
                weekday,
                hour,
                quantity,
                unit_price,
                gross,
                discount,
                net_revenue,
            })
        })
        .stage::<OfSale>()
        .group(join)
        .define()
}

export_table!(join_sales);

#[cfg(test)]
mod tests;
