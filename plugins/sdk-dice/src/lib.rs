//! Dice that fall alike on every machine, and rates by which they strike, which the sources share.

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use smelt_sdk::{Config, Parameters, Result};

/// A generator that gives the same numbers on every machine. `SmallRng` does not promise that.
pub type Dice = Xoshiro256PlusPlus;

/// Returns the dice of a thing that these numbers tell from all others under the seed.
pub fn dice(seed: u64, numbers: impl IntoIterator<Item = u64>) -> Dice {
    // `seed_from_u64` mixes its number, so neighbouring numbers give unrelated dice.
    numbers
        .into_iter()
        .fold(Dice::seed_from_u64(seed), |mut dice, number| Dice::seed_from_u64(dice.next_u64() ^ number))
}

/// Returns any of the values, of which there must be one.
pub fn pick<T: Copy>(all: &[T], dice: &mut Dice) -> T {
    *all.choose(dice).expect("there is one to pick")
}

/// A parameter that is a share: its name, its default, and a summary.
pub type Share = (&'static str, f64, &'static str);

/// Declares parameters that are shares.
pub fn declare(parameters: Parameters, shares: impl IntoIterator<Item = Share>) -> Parameters {
    let declare = |all: Parameters, (name, default, summary)| all.number(name, 0.0..=1.0, default, summary);
    shares.into_iter().fold(parameters, declare)
}

/// The rates of `N` things, in units of 2^-53.
pub struct Rates<const N: usize>([u64; N]);

impl<const N: usize> Rates<N> {
    /// Reads the rates from the parameters, each with its index and the name of its parameter.
    ///
    /// # Errors
    /// A parameter is none of the plugin's.
    pub fn open(config: &Config, names: impl IntoIterator<Item = (usize, &'static str)>) -> Result<Self> {
        let mut rates = [0; N];
        for (at, name) in names {
            rates[at] = (config.number(name)? * (1u64 << 53) as f64) as u64;
        }
        Ok(Self(rates))
    }

    /// Decides by the dice whether a thing happens this time.
    #[inline]
    pub fn strike(&self, at: usize, dice: &mut Dice) -> bool {
        dice.next_u64() >> 11 < self.0[at]
    }
}
