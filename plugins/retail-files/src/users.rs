//! Users: those who are new to the CRM on the day.

use rand::RngExt as _;
use smelt_sdk::Date;

use crate::flaws::Flaw::*;
use crate::shop::{Dice, DiceOf, Shop, pick, user_id};
use crate::table::Table;

pub(crate) const COLUMNS: [&str; 9] =
    ["user_id", "email", "first_name", "last_name", "phone", "country", "signup_date", "birth_date", "consent"];

const FIRST_NAMES: [&str; 8] = ["Ana", "Éric", "Li", "Zoë", "Tom", "Inès", "Noah", "Emma"];
const LAST_NAMES: [&str; 8] = ["Müller", "García", "o'Brien", "Smith, \"JR\"", "Rossi", "Dubois", "Peeters", "Nagy"];

/// Returns the country of a user, a function of the seed and the user.
pub(crate) fn country(shop: &Shop, user: u64) -> &'static str {
    pick(&["FR", "FR", "FR", "DE", "DE", "BE", "IT", "ES", "NO"], &mut shop.dice(DiceOf::User, [user, 0]))
}

pub(crate) fn table(shop: &Shop, dice: &mut Dice) -> Table {
    let first = shop.tick.number * shop.users();
    let rows = (first..first + shop.users()).map(|user| {
        let mut of_user = shop.dice(DiceOf::User, [user, 1]);
        // A user may have signed up years before the CRM hears of it.
        let signup = shop.day().plus_days(-of_user.random_range(0..1000i64));
        let birth = signup.plus_days(-of_user.random_range(18 * 366..70 * 365i64));
        let [no_email, bad_email, no_country, lower, bad_birth, no_consent] =
            [MissingEmail, InvalidEmail, MissingCountry, LowerCountry, InvalidBirth, MissingConsent]
                .map(|flaw| shop.flaws.strike(flaw, dice));
        let id = user_id(user);
        let email = match (no_email, bad_email) {
            (true, _) => pick(&["", " ", "NULL"], dice).to_owned(),
            (_, true) => pick(&["nobody", "no@where", "a b@example.com", "@example.com"], dice).to_owned(),
            // RFC 2606: an address that nobody has.
            _ => format!("User{id}@Example.com"),
        };
        let country = country(shop, user);
        let country = match (no_country, lower) {
            (true, _) => pick(&["", "NULL"], dice).to_owned(),
            (_, true) => country.to_lowercase(),
            _ => country.to_owned(),
        };
        vec![
            id,
            email,
            pick(&FIRST_NAMES, &mut of_user).to_owned(),
            pick(&LAST_NAMES, &mut of_user).to_owned(),
            format!("+33 6 {:08}", of_user.random_range(0..100_000_000)),
            country,
            signup.to_string(),
            if bad_birth { impossible_birth(signup, dice) } else { birth.to_string() },
            if no_consent {
                String::new()
            } else {
                pick(&["true", "false", "1", "0", "TRUE"], &mut of_user).to_owned()
            },
        ]
    });
    Table { columns: &COLUMNS, rows: rows.collect() }
}

/// Returns a birth date that cannot be one.
pub(crate) fn impossible_birth(signup: Date, dice: &mut Dice) -> String {
    match dice.random_range(0..3) {
        0 => pick(&["unknown", "1985-02-30", "00/00/0000"], dice).to_owned(),
        1 => "1899-12-31".to_owned(),
        _ => signup.plus_days(dice.random_range(1..400)).to_string(),
    }
}
