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

/// Declares the flaws of a source, each with its parameter, the usual share of rows that have it, and a summary.
///
/// It makes the enum `Flaw`, the function `declare` that adds the parameters to others, and `Flaws`, the rates as they are
/// set, which decide by the dice whether a flaw strikes.
///
/// ```
/// smelt_sdk_dice::flaws! {
///     MissingName: "missing_name", 0.01, "Share of users without a name.";
/// }
/// # fn main() -> smelt_sdk::Result<()> {
/// # let declared = declare(smelt_sdk::Parameters::none()).schema();
/// # let config = smelt_sdk::Config::new(r#"{"missing_name": 1}"#, &declared, None)?;
/// let flaws = Flaws::open(&config)?;
/// assert!(flaws.strike(Flaw::MissingName, &mut smelt_sdk_dice::dice(42, [0])));
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! flaws {
    ($($flaw:ident: $parameter:literal, $share:literal, $summary:literal;)+) => {
        /// A flaw. Each has a parameter.
        #[derive(Debug, Clone, Copy)]
        pub(crate) enum Flaw {
            $(#[doc = $summary] $flaw,)+
        }

        const FLAWS: [(Flaw, $crate::Share); [$($parameter),+].len()] =
            [$((Flaw::$flaw, ($parameter, $share, $summary)),)+];

        /// Declares the parameters of all flaws.
        pub(crate) fn declare(parameters: ::smelt_sdk::Parameters) -> ::smelt_sdk::Parameters {
            $crate::declare(parameters, FLAWS.map(|(_, share)| share))
        }

        /// The rate of each flaw.
        #[derive(Clone)]
        pub(crate) struct Flaws($crate::Rates<{ FLAWS.len() }>);

        #[allow(dead_code, reason = "no source needs all of them")]
        impl Flaws {
            /// Reads the rates from the parameters.
            pub(crate) fn open(config: &::smelt_sdk::Config) -> ::smelt_sdk::Result<Self> {
                let names = FLAWS.map(|(flaw, (name, ..))| (flaw as usize, name));
                $crate::Rates::open(config, names).map(Self)
            }

            /// Decides by the dice whether the flaw strikes this time.
            #[inline]
            pub(crate) fn strike(&self, flaw: Flaw, dice: &mut $crate::Dice) -> bool {
                self.0.strike(flaw as usize, dice)
            }

            /// Decides as [`strike`](Self::strike) does, at the rate times a fraction.
            pub(crate) fn strike_scaled(&self, flaw: Flaw, fraction: (u64, u64), dice: &mut $crate::Dice) -> bool {
                self.0.strike_scaled(flaw as usize, fraction, dice)
            }
        }
    };
}

/// The rates of `N` things, in units of 2^-53.
#[derive(Clone)]
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

    /// Decides as [`strike`](Self::strike) does, at the rate times a fraction.
    pub fn strike_scaled(&self, at: usize, (over, under): (u64, u64), dice: &mut Dice) -> bool {
        u128::from(dice.next_u64() >> 11) * u128::from(under) < u128::from(self.0[at]) * u128::from(over)
    }
}
