//! The parts that the three exports share: the tick, the size of the shop, ids, instants and dice.

use std::io::Write as _;

use rand::RngExt as _;
use smelt_sdk::{Config, Result, Tick, Timestamp};
pub(crate) use smelt_sdk_dice::{Dice, pick};

use crate::flaws::{Flaw, Flaws};

/// Appends formatted text to bytes.
macro_rules! put {
    ($out:expr, $($format:tt)*) => {
        write!($out, $($format)*).expect("writing to a vector cannot fail")
    };
}
pub(crate) use put;

/// A moment in the life of the shop.
pub(crate) struct Shop {
    pub(crate) tick: Tick,
    pub(crate) customers: u64,
    pub(crate) orders: u64,
    pub(crate) clicks: u64,
    pub(crate) flaws: Flaws,
}

/// The most bytes that are reserved for an object. By default the host takes fewer.
const MOST_RESERVED: u64 = 96 << 20;

impl Shop {
    /// Reads the size of the shop and its flaws from the parameters.
    pub(crate) fn open(config: &Config, tick: Tick) -> Result<Self> {
        let rows = |name| config.integer(name).map(|rows| rows.max(0) as u64);
        let (customers, orders, clicks) = (rows("customers")?, rows("orders")?, rows("clicks")?);
        Ok(Self { tick, customers, orders, clicks, flaws: Flaws::open(config)? })
    }

    /// Returns the dice of one of this tick's objects. Each object has other dice.
    pub(crate) fn dice(&self, object: u64) -> Dice {
        smelt_sdk_dice::dice(self.tick.seed, [self.tick.number, object])
    }

    /// Decides by the dice whether a row that replaces one of an earlier tick comes now.
    pub(crate) fn returns(&self, flaw: Flaw, dice: &mut Dice) -> bool {
        self.flaws.strike(flaw, dice) && self.tick.number > 0
    }

    /// Returns any tick before this one. This must not be the first tick.
    pub(crate) fn earlier_tick(&self, dice: &mut Dice) -> u64 {
        dice.random_range(0..self.tick.number)
    }

    /// Writes the customer of an order or a click as a JSON value.
    pub(crate) fn put_customer(&self, out: &mut Vec<u8>, dice: &mut Dice) {
        if self.flaws.strike(Flaw::AnonymousCustomer, dice) {
            out.extend_from_slice(b"null");
            return;
        }
        let tick = dice.random_range(0..=self.tick.number);
        let index = match self.customers {
            customers if customers == 0 || self.flaws.strike(Flaw::UnknownCustomer, dice) => {
                customers + dice.random_range(0..1000)
            }
            customers => dice.random_range(0..customers),
        };
        put!(out, "\"C{tick:08}-{index:05}\"");
    }

    /// Writes an instant of the last `days` days as a JSON value. It is a whole number of units, of which a second has
    /// `units`.
    pub(crate) fn put_instant(&self, days: i64, units: i64, out: &mut Vec<u8>, dice: &mut Dice) {
        if self.flaws.strike(Flaw::InvalidTimestamp, dice) {
            out.extend_from_slice(pick(&INVALID_INSTANTS, dice).as_bytes());
            return;
        }
        let back = dice.random_range(0..days * 86_400 * units) * (1_000_000 / units);
        let Timestamp(now) = self.tick.as_of;
        put!(out, "\"{}\"", Timestamp((now - now.rem_euclid(1_000_000)).saturating_sub(back)));
    }
}

const INVALID_INSTANTS: [&str; 6] = [
    "null",
    r#""""#,
    r#""not-a-date""#,
    r#""2025-02-30T10:00:00Z""#,
    r#""2025-11-13T24:61:00Z""#,
    r#""32/13/2025 10:00""#,
];

/// Returns an empty object with room for `rows` rows of `row` bytes.
pub(crate) fn object(rows: u64, row: u64) -> Vec<u8> {
    Vec::with_capacity((rows * row).min(MOST_RESERVED) as usize)
}
