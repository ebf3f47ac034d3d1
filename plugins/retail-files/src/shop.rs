//! The parts that all files share: the day, the size of the shop, ids and dice.

use rand::RngExt as _;
use smelt_sdk::{Config, Date, Result, Tick, Timestamp};
pub(crate) use smelt_sdk_dice::{Dice, pick};

use crate::flaws::Flaws;

/// Microseconds of a second and of a day.
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The shop on the day of a tick.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) tick: Tick,
    pub(crate) flaws: Flaws,
    rows: u64,
}

/// The things that have dice of their own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DiceOf {
    /// The rows of a file and their flaws.
    File,
    /// The kind of a bad file, and whether it is delivered again.
    BadFile,
    Product,
    Price,
    User,
    Basket,
    Session,
    Call,
}

impl Shop {
    /// Reads the size of the shop and its flaws from the parameters.
    pub(crate) fn open(config: &Config, tick: Tick) -> Result<Self> {
        let rows = config.integer("rows")?.max(1).unsigned_abs();
        Ok(Self { tick, flaws: Flaws::open(config)?, rows })
    }

    /// Returns the shop at the tick before. A source is not told when that was; it is taken to be as long ago as the next one is
    /// ahead.
    pub(crate) fn yesterday(&self) -> Option<Self> {
        let tick = self.tick;
        let as_of = Timestamp(tick.as_of.0.saturating_sub(self.interval()));
        let tick = Tick { number: tick.number.checked_sub(1)?, as_of, ends: tick.as_of, ..tick };
        Some(Self { tick, ..self.clone() })
    }

    fn interval(&self) -> i64 {
        self.tick.ends.0.saturating_sub(self.tick.as_of.0).max(0)
    }

    /// Returns the day, in which all that happens in the files of a tick lies.
    pub(crate) fn day(&self) -> Date {
        self.tick.as_of.date()
    }

    /// Returns the stamp of the files: the date, unless a day has several ticks.
    pub(crate) fn stamp(&self) -> String {
        let stamp = self.tick.as_of.stamp();
        match self.interval() {
            DAY.. => stamp.split('T').next().unwrap_or_default().to_owned(),
            _ => stamp,
        }
    }

    /// Returns the dice of one thing. Each has other dice.
    pub(crate) fn dice(&self, of: DiceOf, numbers: [u64; 2]) -> Dice {
        smelt_sdk_dice::dice(self.tick.seed, [of as u64, numbers[0], numbers[1]])
    }

    /// Returns the number of sales of a day.
    pub(crate) fn sales(&self) -> u64 {
        self.rows
    }

    /// Returns the number of products of the shop, which have ids of five digits.
    pub(crate) fn products(&self) -> u64 {
        (self.rows / 2).clamp(12, 99_000)
    }

    /// Returns the number of users who sign up on a day.
    pub(crate) fn users(&self) -> u64 {
        (self.rows / 5).max(4)
    }

    /// Returns the number of sessions of a day.
    pub(crate) fn sessions(&self) -> u64 {
        (self.rows * 4 / 5).max(12)
    }

    /// Returns the number of requests of a day.
    pub(crate) fn requests(&self) -> u64 {
        (self.rows * 3 / 2).max(12)
    }

    /// Returns any user of the ticks so far.
    pub(crate) fn any_user(&self, dice: &mut Dice) -> u64 {
        dice.random_range(0..self.users() * (self.tick.number + 1))
    }

    /// Returns any product.
    pub(crate) fn any_product(&self, dice: &mut Dice) -> u64 {
        dice.random_range(0..self.products())
    }

    /// Returns any instant of the day, in whole seconds.
    pub(crate) fn any_time(&self, dice: &mut Dice) -> Timestamp {
        Timestamp(i64::from(self.day().0) * DAY + dice.random_range(0..DAY / SECOND) * SECOND)
    }
}

/// Writes cents as money: `19.99`.
pub(crate) fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

pub(crate) fn product_id(product: u64) -> String {
    format!("P{product:05}")
}

pub(crate) fn user_id(user: u64) -> String {
    format!("U{user:06}")
}

pub(crate) fn session_id(shop: &Shop, index: u64) -> String {
    format!("S{:08}", shop.tick.number * shop.sessions() + index)
}

pub(crate) fn sale_id(shop: &Shop, index: u64) -> String {
    format!("V{:08}", shop.tick.number * shop.sales() + index)
}
