//! The rounds of random calls, each with a seed, and how much a round sends.

use std::time::{Duration, Instant};

use crate::options::Options;
use crate::rows::Dice;
use smelt_common::cost::Cost;

/// The number of rounds if the options give none.
const ROUNDS: u32 = 6;
/// The time after which no further round or series begins, if the options give no number of rounds.
const PATIENCE: Duration = Duration::from_secs(2);

/// The numbers of rows in a call: none, one, and powers of two with their neighbours, at which buffers end.
pub(crate) const SIZES: &[usize] = &[
    0, 1, 1, 1, 2, 2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 50, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257,
];
/// Larger numbers of rows, of which a series has few.
pub(crate) const LARGE: &[usize] = &[500, 511, 512, 513, 1000, 1023, 1024, 1025, 2047, 2048, 2049];

/// The rounds of a test.
pub(crate) struct Rounds {
    pub(crate) seed: u64,
    rounds: u32,
    until: Option<Instant>,
}

impl Rounds {
    pub(crate) fn of(options: &Options) -> Self {
        let until = if options.rounds.is_some() { None } else { Some(Instant::now() + PATIENCE) };
        Self { seed: options.seed, rounds: options.rounds.unwrap_or(ROUNDS), until }
    }

    /// Returns whether the time for rounds is over. The time decides only how many calls are made, never what they must
    /// give.
    pub(crate) fn are_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Returns the seed of each round. The first round always takes place.
    pub(crate) fn seeds(&self) -> impl Iterator<Item = u64> {
        (0..self.rounds)
            .take_while(|&round| round == 0 || !self.are_over())
            .map(|round| self.seed.wrapping_add(u64::from(round)))
    }
}

/// A guest that needs more instructions than this to open and to take a row or two is an interpreter, and gets fewer
/// rows. The clock does not decide this, so that every machine sends the same rows.
const SLOW: u64 = 5_000_000;

/// Returns how many of `most` rows or words are sent to a guest, from the cost of its first calls.
pub(crate) fn share(most: usize, used: Cost) -> usize {
    if used.fuel > SLOW { most / 10 } else { most }
}

/// Returns a sentence with the options that repeat a round.
pub(crate) fn again(seed: u64) -> String {
    format!("`--seed {seed} --rounds 1` sends this again")
}

/// Returns `count` of the rows. Each is as likely as any other and may come more than once.
pub(crate) fn picks(rows: usize, count: usize, dice: &mut Dice) -> Vec<u32> {
    if rows == 0 {
        return vec![];
    }
    (0..count).map(|_| dice.below(rows as u64) as u32).collect()
}
