//! KPI: how many sessions view, fill the cart and purchase, by device, source, country or part of the day.

use smelt_sdk::prelude::*;

fn parameters() -> Parameters {
    let summary = "The column of sessions by which they are counted. It is the first column of the table too.";
    Parameters::none().choice("dimension", ["device", "source", "country", "daypart"], "device", summary)
}

/// The sessions of a value of the dimension.
#[derive(Row)]
#[row(group(value))]
#[rustfmt::skip]
struct Sessions<'a> {
    value: &'a str,
    #[sum] viewed: i64, #[sum] carted: i64, #[sum] purchased: i64, #[sum] bounced: i64, #[sum] duration_s: i64, #[sum] rows: i64,
}

impl Sessions<'_> {
    fn share(&self, sessions: i64) -> Result<Decimal<4>> {
        (Ratio::from(sessions) / self.rows).value()
    }
}

/// Returns the definition of the funnel by the column of that name.
macro_rules! by {
    ($dimension:ident) => {{
        #[derive(Row)]
        struct Session<'a> {
            $dimension: &'a str,
            duration_s: i64,
            page_views: i64,
            cart_adds: i64,
            purchases: i64,
            bounced: bool,
        }

        #[derive(Row)]
        struct Funnel<'a> {
            $dimension: &'a str,
            sessions: i64,
            viewed: i64,
            carted: i64,
            purchased: i64,
            bounce_rate: Decimal<4>,
            cart_rate: Decimal<4>,
            purchase_rate: Decimal<4>,
            avg_duration_s: Decimal<2>,
        }

        table([stringify!($dimension)])
            .input::<Session>("sessions", |session, out| {
                out.add(Sessions {
                    value: session.$dimension,
                    viewed: i64::from(session.page_views > 0),
                    carted: i64::from(session.cart_adds > 0),
                    purchased: i64::from(session.purchases > 0),
                    bounced: i64::from(session.bounced),
                    duration_s: session.duration_s,
                    rows: 1,
                })
            })
            .stage::<Sessions>()
            .each(|all, out| {
                let Sessions { value, viewed, carted, purchased, bounced, duration_s, rows: sessions } = all;
                out.add(Funnel {
                    $dimension: value,
                    sessions,
                    viewed,
                    carted,
                    purchased,
                    bounce_rate: all.share(bounced)?,
                    cart_rate: all.share(carted)?,
                    purchase_rate: all.share(purchased)?,
                    avg_duration_s: (Ratio::from(duration_s) / sessions).value()?,
                })
            })
            .define()
    }};
}

fn funnel(config: &Config) -> Result<Definition> {
    match config.text("dimension")? {
        "device" => by!(device),
        "source" => by!(source),
        "country" => by!(country),
        "daypart" => by!(daypart),
        other => Err(Fault::invalid_parameters(format!(
            "parameter `dimension` must be device, source, country or daypart, is `{other}`"
        ))),
    }
}

export_table!(funnel, parameters);

#[cfg(test)]
mod tests;
