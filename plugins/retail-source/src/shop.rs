//! The parts that both exports share: the tick, the size of the shop, ids and dice.

use std::fmt;

use rand::RngExt as _;
use smelt_sdk::{Config, Date, Result, Tick, Timestamp};
pub(crate) use smelt_sdk_dice::{Dice, pick};

use crate::flaws::Flaws;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// A moment in the life of the shop.
pub(crate) struct Shop {
    pub(crate) tick: Tick,
    pub(crate) clients: u64,
    pub(crate) purchases: u64,
    days: i32,
    pub(crate) flaws: Flaws,
}

/// The client or purchase of that index among those of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) tick: u64,
    pub(crate) index: u64,
}

/// The things that have dice of their own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DiceOf {
    ClientsObject,
    PurchasesObject,
    Person,
    Habits,
    Purchase,
}

impl Shop {
    /// Reads the size of the shop and its flaws from the parameters.
    pub(crate) fn open(config: &Config, tick: Tick) -> Result<Self> {
        let rows = |name| config.integer(name).map(|rows| rows.max(0) as u64);
        let (clients, purchases) = (rows("clients")?, rows("purchases")?);
        let days = config.integer("days")?.clamp(1, 36_500) as i32;
        Ok(Self { tick, clients, purchases, days, flaws: Flaws::open(config)? })
    }

    /// Returns the dice of one thing. Each has other dice.
    pub(crate) fn dice(&self, of: DiceOf, id: Id) -> Dice {
        smelt_sdk_dice::dice(self.tick.seed, [of as u64, id.tick, id.index])
    }

    /// Returns the dice of one of this tick's objects.
    pub(crate) fn dice_of_object(&self, object: DiceOf) -> Dice {
        self.dice(object, Id { tick: self.tick.number, index: 0 })
    }

    /// Returns the first and the last of the days in which the dates of a tick so far lie.
    ///
    /// A source is not told when earlier ticks began. They are taken to be as far apart as this one and the next. Where
    /// ticks were left out, an earlier tick lies further back than that, so its clients signed up earlier: no purchase
    /// comes before the sign-up.
    pub(crate) fn window(&self, tick: u64) -> (Date, Date) {
        let back = i128::from(self.tick.number - tick) * i128::from(self.interval());
        let starts = i128::from(self.tick.as_of.0).saturating_sub(back);
        let last = Timestamp(i64::try_from(starts).unwrap_or(i64::MIN)).date();
        (last.plus_days(1 - i64::from(self.days)), last)
    }

    /// Returns the first and the last of the days in which the dates of this tick lie.
    pub(crate) fn window_now(&self) -> (Date, Date) {
        self.window(self.tick.number)
    }

    /// Returns how many days a window has.
    pub(crate) fn days(&self) -> u64 {
        self.days.unsigned_abs().into()
    }

    /// Returns any tick before this one whose dates may lie in this tick's days; if there is none, the last one before.
    /// This must not be the first tick.
    pub(crate) fn earlier_tick(&self, dice: &mut Dice) -> u64 {
        let now = self.tick.number;
        let reach = match self.interval() {
            0 => now,
            interval => now.min((i64::from(self.days) * DAY / interval).unsigned_abs()),
        };
        dice.random_range(now - reach.max(1)..now)
    }

    /// Returns the id of any client of the ticks up to that one. The shop must have clients.
    pub(crate) fn any_client(&self, tick: u64, dice: &mut Dice) -> Id {
        Id { tick: dice.random_range(0..=tick), index: dice.random_range(0..self.clients) }
    }

    /// Returns the id of any client of the ticks so far but this one. `None` if it is the only one.
    pub(crate) fn other_client(&self, id: Id, dice: &mut Dice) -> Option<Id> {
        // All clients in a row, from which a step leads to another one.
        let clients = u128::from(self.clients);
        let all = (u128::from(self.tick.number) + 1) * clients;
        let own = u128::from(id.tick) * clients + u128::from(id.index);
        let other = (all > 1).then(|| (own + dice.random_range(1..all)) % all)?;
        Some(Id { tick: (other / clients) as u64, index: (other % clients) as u64 })
    }

    /// Returns the id of a client that no tick makes.
    pub(crate) fn no_client(&self, dice: &mut Dice) -> Id {
        Id { tick: dice.random_range(0..=self.tick.number), index: self.clients + dice.random_range(0..1000) }
    }

    /// Returns the microseconds from this tick to the next.
    fn interval(&self) -> i64 {
        self.tick.ends.0.saturating_sub(self.tick.as_of.0).max(0)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}-{:05}", self.tick, self.index)
    }
}
