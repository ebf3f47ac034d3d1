//! Table: the sessions, requests and purchases of each user.

use smelt_sdk::prelude::*;

#[derive(Row)]
struct User<'a> {
    user_id: &'a str,
    email_h: Option<&'a str>,
    country: &'a str,
    signup_date: Date,
}

#[derive(Row)]
struct Session<'a> {
    user_id: Option<&'a str>,
    page_views: i64,
}

#[derive(Row)]
struct Request<'a> {
    user_id: Option<&'a str>,
    status: i64,
}

#[derive(Row)]
struct Sale<'a> {
    user_id: Option<&'a str>,
    sale_date: Date,
    category: &'a str,
    status: &'a str,
    quantity: i64,
    net_revenue: Money,
}

/// The user comes first, then the counts, then what was paid for in each category, and the days on which.
#[derive(Row)]
#[row(group(user_id))]
#[rustfmt::skip]
enum OfUser<'a> {
    User { user_id: &'a str, email_h: Option<&'a str>, country: &'a str, signup_date: Date },
    Sessions { user_id: &'a str, #[sum] page_views: i64, #[sum] rows: i64 },
    Requests { user_id: &'a str, #[sum] errors: i64, #[sum] rows: i64 },
    Category { user_id: &'a str, category: &'a str, #[sum] units: i64, #[sum] revenue: Money, #[sum] rows: i64 },
    Day { user_id: &'a str, day: Date },
}

#[derive(Row)]
struct Activity<'a> {
    user_id: &'a str,
    email_h: Option<&'a str>,
    country: &'a str,
    signup_date: Date,
    sessions: i64,
    page_views: i64,
    api_calls: i64,
    api_errors: i64,
    sales: i64,
    units: i64,
    net_revenue: Money,
    aov: Option<Money>,
    first_sale: Option<Date>,
    last_sale: Option<Date>,
    favourite_category: Option<&'a str>,
}

/// A user who is registered.
#[derive(Saved)]
struct Registered {
    user_id: String,
    email_h: Option<String>,
    country: String,
    signup_date: Date,
}

/// A user so far.
#[derive(Default, Saved)]
struct Walk {
    user: Option<Registered>,
    sessions: i64,
    page_views: i64,
    api_calls: i64,
    api_errors: i64,
    sales: i64,
    units: i64,
    net_revenue: Money,
    first_sale: Option<Date>,
    last_sale: Option<Date>,
    /// The category with the most units, and their number.
    favourite: Option<(String, i64)>,
}

impl Walk {
    fn take(&mut self, row: OfUser) -> Result<()> {
        match row {
            OfUser::User { user_id, email_h, country, signup_date } => {
                self.user = Some(Registered {
                    user_id: user_id.to_owned(),
                    email_h: email_h.map(str::to_owned),
                    country: country.to_owned(),
                    signup_date,
                });
            }
            OfUser::Sessions { page_views, rows, .. } => (self.sessions, self.page_views) = (rows, page_views),
            OfUser::Requests { errors, rows, .. } => (self.api_calls, self.api_errors) = (rows, errors),
            OfUser::Category { category, units, revenue, rows, .. } => {
                self.sales.increase(rows)?;
                self.units.increase(units)?;
                self.net_revenue.increase(revenue)?;
                // Categories come by name, so the smaller name stays where units are equal.
                if self.favourite.as_ref().is_none_or(|&(_, most)| units > most) {
                    self.favourite = Some((category.to_owned(), units));
                }
            }
            OfUser::Day { day, .. } => {
                self.first_sale.get_or_insert(day);
                self.last_sale = Some(day);
            }
        }
        Ok(())
    }

    fn write(&self, out: &mut Out<Activity<'static>>) -> Result<()> {
        let Self { sessions, page_views, api_calls, api_errors, sales, units, net_revenue, .. } = *self;
        let Some(Registered { user_id, email_h, country, signup_date }) = &self.user else { return Ok(()) };
        out.add(Activity {
            user_id,
            email_h: email_h.as_deref(),
            country,
            signup_date: *signup_date,
            sessions,
            page_views,
            api_calls,
            api_errors,
            sales,
            units,
            net_revenue,
            aov: (Ratio::from(net_revenue) / sales).round()?,
            first_sale: self.first_sale,
            last_sale: self.last_sale,
            favourite_category: self.favourite.as_ref().map(|(category, _)| category.as_str()),
        })
    }
}

fn user_activity(_: &Config) -> Result<Definition> {
    table(["user_id"])
        .input::<User>("users", |User { user_id, email_h, country, signup_date }, out| {
            out.add(OfUser::User { user_id, email_h, country, signup_date })
        })
        .input::<Session>("sessions", |Session { user_id, page_views }, out| match user_id {
            Some(user_id) => out.add(OfUser::Sessions { user_id, page_views, rows: 1 }),
            None => Ok(()),
        })
        .input::<Request>("requests", |Request { user_id, status }, out| match user_id {
            Some(user_id) => out.add(OfUser::Requests { user_id, errors: i64::from(status >= 400), rows: 1 }),
            None => Ok(()),
        })
        .input::<Sale>("sales", |sale, out| match sale {
            Sale { user_id: Some(user_id), sale_date: day, category, status: "paid", quantity, net_revenue } => {
                let (units, revenue) = (quantity, net_revenue);
                out.add(OfUser::Category { user_id, category, units, revenue, rows: 1 })?;
                out.add(OfUser::Day { user_id, day })
            }
            _ => Ok(()),
        })
        .stage::<OfUser>()
        .walk_to_end(|walk: &mut Walk, row, _| walk.take(row), |walk, out| walk.write(out))
        .define()
}

export_table!(user_activity);

#[cfg(test)]
mod tests;
