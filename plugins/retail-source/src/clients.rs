//! Clients: who they are, how they buy, and their export: new ones, and some of earlier ticks who have moved.

use fake::Fake as _;
use fake::faker::name::raw::{FirstName, LastName};
use fake::locales::{DE_DE, Data, EN, FR_FR, IT_IT, JA_JP, NL_NL, PT_BR};
use rand::RngExt as _;
use smelt_sdk::Date;

use crate::dates::DateFlaws;
use crate::flaws::Flaw::*;
use crate::lines::Lines;
use crate::shop::{Dice, DiceOf, Id, Shop, pick};

const COLUMNS: [&str; 5] = ["client_id", "name", "email", "signup_date", "country"];

const DATE_FLAWS: DateFlaws = DateFlaws {
    missing: MissingSignupDate,
    invalid: InvalidSignupDate,
    out_of_range: SignupOutOfRange,
    format: ClientDateFormat,
};

/// Countries and how many of a hundred clients live there.
const COUNTRIES: [(&str, u32); 8] =
    [("FR", 34), ("DE", 18), ("BE", 12), ("IT", 11), ("GB", 9), ("NL", 7), ("BR", 5), ("JP", 4)];

/// The number of attempts to find a returning client whose sign-up lies in the days of the tick.
const TRIES: u32 = 64;

/// Returns the object of a tick's clients.
pub(crate) fn export(shop: &Shop) -> Vec<u8> {
    let mut dice = shop.dice_of_object(DiceOf::ClientsObject);
    let mut lines = Lines::begin(shop, &COLUMNS, shop.clients, 96, &mut dice);
    for index in 0..shop.clients {
        let id = Id { tick: shop.tick.number, index };
        let (person, habits) = (Person::of(shop, id), Habits::of(shop, id));
        lines.put(&cells(shop, &person, habits.signup, &mut dice), &mut dice);
        if shop.flaws.strike(ReturningClient, &mut dice)
            && let Some((person, signup)) = returning(shop, &mut dice)
        {
            lines.put(&cells(shop, &person, signup, &mut dice), &mut dice);
        }
    }
    lines.finish()
}

/// Returns a client of an earlier tick with another country, and the sign-up. A date that lies before the days of this
/// tick would be none of its dates, so such clients do not come again.
fn returning(shop: &Shop, dice: &mut Dice) -> Option<(Person, Date)> {
    if shop.tick.number == 0 {
        return None;
    }
    let (first, _) = shop.window_now();
    let habits = (0..TRIES).find_map(|_| {
        let id = Id { tick: shop.earlier_tick(dice), index: dice.random_range(0..shop.clients) };
        Some(Habits::of(shop, id)).filter(|habits| first <= habits.signup)
    })?;
    let mut person = Person::of(shop, habits.id);
    let others = COUNTRIES.map(|(country, _)| country);
    let others: Vec<_> = others.into_iter().filter(|&country| country != person.country).collect();
    person.country = pick(&others, dice);
    Some((person, habits.signup))
}

/// Returns the cells of a client, with the flaws that the dice decide for.
fn cells(shop: &Shop, person: &Person, signup: Date, dice: &mut Dice) -> [String; COLUMNS.len()] {
    let flaws = &shop.flaws;
    let id = match flaws.strike(MissingClientId, dice) {
        true => pick(&["", "", " "], dice).to_owned(),
        false => format!("C{}", person.id),
    };
    let name = match dice.random_ratio(1, 8) {
        true => format!("{}, {}", person.last_name, person.first_name),
        false => format!("{} {}", person.first_name, person.last_name),
    };
    let email = email(shop, person, dice);
    let signup = DATE_FLAWS.write(signup, flaws, dice);
    let [missing, case] = [MissingCountry, CountryCase].map(|flaw| flaws.strike(flaw, dice));
    let country = match (missing, case) {
        (true, _) => pick(&["", "", " "], dice).to_owned(),
        (_, true) if dice.random() => format!("{}{}", &person.country[..1], person.country[1..].to_lowercase()),
        (_, true) => person.country.to_lowercase(),
        _ => person.country.to_owned(),
    };
    [id, name, email, signup, country]
}

/// Returns the cell of a client's e-mail, with the flaws that the dice decide for.
fn email(shop: &Shop, person: &Person, dice: &mut Dice) -> String {
    let [missing, invalid, shared] =
        [MissingEmail, InvalidEmail, SharedEmail].map(|flaw| shop.flaws.strike(flaw, dice));
    let own = person.email();
    if missing {
        return pick(&["", "", " "], dice).to_owned();
    }
    if invalid {
        return match dice.random_range(0..6) {
            0 => own.replace('@', ""),
            1 => own.replace('@', "@@"),
            2 => own.replace('.', " "),
            3 => own.replace(".com", "").replace(".net", "").replace(".org", ""),
            4 => own.split_inclusive('@').next().unwrap_or_default().to_owned(),
            _ => "unknown".to_owned(),
        };
    }
    if shared && let Some(other) = shop.other_client(person.id, dice) {
        return Person::of(shop, other).email().to_ascii_uppercase();
    }
    // People type capitals and blanks. Neither is a flaw.
    match dice.random_range(0..16) {
        0 => own.to_ascii_uppercase(),
        1 => format!(" {own} "),
        _ => own,
    }
}

/// The identity of a client, a function of the seed and the id.
pub(crate) struct Person {
    id: Id,
    first_name: &'static str,
    last_name: &'static str,
    country: &'static str,
    domain: &'static str,
}

impl Person {
    fn of(shop: &Shop, id: Id) -> Self {
        let mut dice = shop.dice(DiceOf::Person, id);
        let mut left = dice.random_range(0..COUNTRIES.iter().map(|(_, clients)| clients).sum());
        let within = |&&(_, clients): &&(&str, u32)| {
            let within = left < clients;
            left = left.saturating_sub(clients);
            within
        };
        let (country, _) = *COUNTRIES.iter().find(within).expect("some country has the client");
        let (first_name, last_name) = match country {
            "FR" | "BE" => name(FR_FR, &mut dice),
            "DE" => name(DE_DE, &mut dice),
            "IT" => name(IT_IT, &mut dice),
            "NL" => name(NL_NL, &mut dice),
            "BR" => name(PT_BR, &mut dice),
            "JP" => name(JA_JP, &mut dice),
            _ => name(EN, &mut dice),
        };
        Self { id, first_name, last_name, country, domain: pick(&["com", "net", "org"], &mut dice) }
    }

    /// Returns an address that nobody has (RFC 2606), and no other client either.
    fn email(&self) -> String {
        let Self { id: Id { tick, index }, first_name, last_name, domain, .. } = self;
        format!("{first_name}.{last_name}.{tick}.{index}@example.{domain}")
            .replace(char::is_whitespace, "-")
            .to_lowercase()
    }
}

/// Returns a first and a last name. Some names of the crate `fake` end with a tab.
fn name<L: Data + Copy>(locale: L, dice: &mut Dice) -> (&'static str, &'static str) {
    let (first, last): (&str, &str) = (FirstName(locale).fake_with_rng(dice), LastName(locale).fake_with_rng(dice));
    (first.trim(), last.trim())
}

/// The departments of the shop that clients prefer, of which the first is liked by most.
const PREFERRED: [usize; 6] = [0, 0, 0, 1, 1, 2];

/// The way in which a client buys, a function of the seed and the id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    pub(crate) id: Id,
    pub(crate) signup: Date,
    /// The last day on which the client buys anything.
    last: Date,
    /// The share of sales that the client takes, compared with others; 0 if nothing ever.
    appetite: u32,
    /// The department where the client buys most.
    pub(crate) department: usize,
}

impl Habits {
    /// The greatest appetite there is.
    const GREATEST: u32 = 16;

    pub(crate) fn of(shop: &Shop, id: Id) -> Self {
        let mut dice = shop.dice(DiceOf::Habits, id);
        // Twice the appetite is half as likely, which is a Pareto distribution in steps.
        let appetite = match dice.random_ratio(1, 8) {
            true => 0,
            false => Self::GREATEST.min(1 << dice.random::<u32>().trailing_zeros().min(31)),
        };
        // Many clients sign up early, so that the shop has clients in all its seasons: the square of a number below 1.
        let share = u64::from(dice.random::<u32>());
        let days = (((share * share) >> 32) * shop.days()) >> 32;
        let signup = shop.window(id.tick).0.plus_days(days as i64);
        let last = match dice.random_ratio(2, 3) {
            true => signup.plus_days(dice.random_range(20..=200)),
            false => Date(i32::MAX),
        };
        Self { id, signup, last, appetite, department: pick(&PREFERRED, &mut dice) }
    }

    /// Decides by the dice whether the client buys something now.
    pub(crate) fn buys(&self, dice: &mut Dice) -> bool {
        dice.random_range(0..Self::GREATEST) < self.appetite
    }

    /// Returns whether the client buys on such a day.
    pub(crate) fn is_active(&self, date: Date) -> bool {
        self.signup <= date && date <= self.last
    }
}
