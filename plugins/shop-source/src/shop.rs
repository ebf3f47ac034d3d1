//! What the three exports share: the tick, the size of the shop, its ids, its instants and its dice.

use std::io::Write as _;

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use smelt_sdk::{Config, Result, Tick, Timestamp};

use crate::flaws::{Flaw, Flaws};

/// The same numbers on every machine, which `SmallRng` does not promise.
pub(crate) type Dice = Xoshiro256PlusPlus;

/// Appends formatted text to bytes.
macro_rules! put {
    ($out:expr, $($format:tt)*) => {
        write!($out, $($format)*).expect("a vector takes all that is written")
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

/// Reserved for an object at most, in bytes; more than the host takes by default.
const MOST_RESERVED: u64 = 96 << 20;

impl Shop {
    pub(crate) fn open(config: &Config, tick: Tick) -> Result<Self> {
        let rows = |name| config.integer(name).map(|rows| rows.max(0) as u64);
        let (customers, orders, clicks) = (rows("customers")?, rows("orders")?, rows("clicks")?);
        Ok(Self { tick, customers, orders, clicks, flaws: Flaws::open(config)? })
    }

    /// The dice of one of this tick's objects; `object` tells them apart.
    pub(crate) fn dice(&self, object: u64) -> Dice {
        // Xoshiro mixes its seed, so neighbouring numbers give unrelated dice.
        [self.tick.number, object]
            .into_iter()
            .fold(Dice::seed_from_u64(self.tick.seed), |mut dice, number| Dice::seed_from_u64(dice.next_u64() ^ number))
    }

    /// Whether a row that replaces one of an earlier tick comes now.
    pub(crate) fn returns(&self, flaw: Flaw, dice: &mut Dice) -> bool {
        self.flaws.strike(flaw, dice) && self.tick.number > 0
    }

    /// Any tick before this one; there must be one.
    pub(crate) fn earlier_tick(&self, dice: &mut Dice) -> u64 {
        dice.random_range(0..self.tick.number)
    }

    /// The customer of an order or a click, as a JSON value.
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

    /// An instant of the last `days` days, a whole number of `units` a second, as a JSON value.
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

/// Any of them.
pub(crate) fn pick<'a, T>(all: &'a [T], dice: &mut Dice) -> &'a T {
    all.choose(dice).expect("there is one to pick")
}

/// An empty object with room for so many rows of so many bytes.
pub(crate) fn object(rows: u64, row: u64) -> Vec<u8> {
    Vec::with_capacity((rows * row).min(MOST_RESERVED) as usize)
}
