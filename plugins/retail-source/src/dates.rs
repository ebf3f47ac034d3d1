//! Dates: the seasons of the shop, and the ways in which exports write a date.

use rand::RngExt as _;
use smelt_sdk::Date;

use crate::flaws::{Flaw, Flaws};
use crate::shop::{Dice, pick};

/// The strength of a Saturday in December, the greatest there is.
const BUSIEST: u32 = 8 * 4;

/// Returns how much is sold on a day, compared with [`BUSIEST`].
fn strength(date: Date) -> u32 {
    let of_day = match date.weekday() {
        6 => 8,
        7 => 4,
        _ => 5,
    };
    let of_month = match date.ymd().1 {
        11 => 3,
        12 => 4,
        _ => 2,
    };
    of_day * of_month
}

/// Returns any of the days from first to last, strong ones more often. No day has no strength, so this comes to an end.
pub(crate) fn any_day(first: Date, last: Date, dice: &mut Dice) -> Date {
    loop {
        let date = Date(dice.random_range(first.0..=last.0));
        if dice.random_range(0..BUSIEST) < strength(date) {
            return date;
        }
    }
}

/// The flaws of the dates of a dataset.
pub(crate) struct DateFlaws {
    pub(crate) missing: Flaw,
    pub(crate) invalid: Flaw,
    pub(crate) out_of_range: Flaw,
    pub(crate) format: Flaw,
}

impl DateFlaws {
    /// Writes a date, with the flaws that the dice decide for.
    pub(crate) fn write(&self, date: Date, flaws: &Flaws, dice: &mut Dice) -> String {
        let Self { missing, invalid, out_of_range, format } = *self;
        let [missing, invalid, out_of_range, format] =
            [missing, invalid, out_of_range, format].map(|flaw| flaws.strike(flaw, dice));
        if missing {
            pick(&["", "", " "], dice).to_owned()
        } else if invalid {
            pick(&["32/13/2025", "2025-02-30", "31-04-2025", "2025-13-01T10:00:00Z", "not a date", "soon"], dice)
                .to_owned()
        } else if out_of_range {
            pick(&["1900-01-01", "9999-12-31"], dice).to_owned()
        } else if format {
            other_form(date, dice)
        } else {
            date.to_string()
        }
    }
}

/// Writes a date in another form than `YYYY-MM-DD`. An instant lies on that date in UTC.
fn other_form(date: Date, dice: &mut Dice) -> String {
    let (year, month, day) = date.ymd();
    // In the afternoon two hours before the time that is written are still the same day, and so are two hours later.
    let (hour, minute, second) = (dice.random_range(12..20), dice.random_range(0..60), dice.random_range(0..60));
    match dice.random_range(0..7) {
        0 => format!("{year:04}/{month:02}/{day:02}"),
        1 | 2 => format!("{day:02}/{month:02}/{year:04}"),
        3 => format!("{day:02}-{month:02}-{year:04}"),
        4 => format!("{date}T{hour:02}:{minute:02}:{second:02}Z"),
        5 => format!("{date} {hour:02}:{minute:02}:{second:02}"),
        _ => format!("{date}T{hour:02}:{minute:02}:{second:02}{}", pick(&["+02:00", "-02:00"], dice)),
    }
}
