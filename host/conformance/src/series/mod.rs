//! Long series of calls on one instance: what a call gives does not depend on the calls before it, nor on what is sent
//! beside a row. What it must give is known from each row, or group, sent alone.
//!
//! Rows are thrown by dice: few that come again and again, and many that are each like no other. Each round has a seed, and
//! whoever gives that seed again gets the same calls.

mod cleaner;
mod kpi;
mod many;

use std::time::{Duration, Instant};

pub(super) use cleaner::check as cleaner;
pub(super) use kpi::check as kpi;
pub(super) use many::check as many;

use super::Options;
use super::rows::Dice;
use super::shrink;
use smelt_common::cost::Cost;

/// How many rounds there are where no number is given.
const ROUNDS: u32 = 6;
/// After so long no further round begins, and no further series in one, where no number of rounds is given.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many rows a call has: none, one, powers of two, and those beside them, at which buffers end.
const SIZES: &[usize] = &[
    0, 1, 1, 1, 2, 2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 50, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257,
];
/// The same, of which a series has few.
const LARGE: &[usize] = &[500, 511, 512, 513, 1000, 1023, 1024, 1025, 2047, 2048, 2049];

/// The rounds of a check.
pub(super) struct Rounds {
    seed: u64,
    rounds: u32,
    until: Option<Instant>,
}

impl Rounds {
    pub(super) fn of(options: &Options) -> Self {
        let until = if options.rounds.is_some() { None } else { Some(Instant::now() + PATIENCE) };
        Self { seed: options.seed, rounds: options.rounds.unwrap_or(ROUNDS), until }
    }

    /// Returns whether the time for seeds is over. It decides how many calls are made, never what a call must give.
    fn are_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// The seed of each round, the first one in any case.
    fn seeds(&self) -> impl Iterator<Item = u64> {
        (0..self.rounds)
            .take_while(|&round| round == 0 || !self.are_over())
            .map(|round| self.seed.wrapping_add(u64::from(round)))
    }
}

/// A guest that takes so many instructions to open and to take a row or two is an interpreter. It is sent fewer rows: not by the
/// clock, so that every machine sends it the same.
const SLOW: u64 = 5_000_000;

/// Of something that there is so much of, how much is sent to a guest that used that at first.
fn share(most: usize, used: Cost) -> usize {
    if used.fuel > SLOW { most / 10 } else { most }
}

/// Returns the flags that repeat a round.
fn again(seed: u64) -> String {
    format!("`--seed {seed} --rounds 1` sends this again")
}

/// Returns `count` of the rows. Each is as likely as any other and may come more than once.
fn picks(rows: usize, count: usize, dice: &mut Dice) -> Vec<u32> {
    if rows == 0 {
        return vec![];
    }
    (0..count).map(|_| dice.below(rows as u64) as u32).collect()
}

/// A call and the numbers of the rows that are sent with it.
type Call<T> = (T, Vec<u32>);

/// Fewer calls, of fewer rows, of which the last one still fails.
fn fewest<T: Copy>(calls: &[Call<T>], mut fails: impl FnMut(&[Call<T>]) -> bool) -> Vec<Call<T>> {
    let Some((last, before)) = calls.split_last() else { return vec![] };
    let mut left = match fails(std::slice::from_ref(last)) {
        true => vec![],
        false => shrink::fewest(before, |some| fails(&[some, std::slice::from_ref(last)].concat())),
    };
    left.push(last.clone());
    for at in (0..left.len()).rev() {
        let mut with = |rows: &[u32]| {
            let mut some = left.clone();
            some[at].1 = rows.to_vec();
            fails(&some)
        };
        let rows = match left[at].1.as_slice() {
            [] => vec![],
            _ if with(&[]) => vec![],
            rows => shrink::fewest(rows, with),
        };
        left[at].1 = rows;
    }
    left
}

#[cfg(test)]
mod tests {
    use super::fewest;

    #[test]
    fn calls_and_rows_that_do_not_matter_are_left_out() {
        let calls: Vec<_> = (0..40).map(|call| ((), (0..call).collect::<Vec<u32>>())).collect();
        let has = |rows: &[u32], row| rows.contains(&row);
        // The last call fails if it has row 3 and a former one row 7, or if there are nine of them.
        let few = fewest(&calls, |calls| {
            let (last, before) = calls.split_last().expect("the last is always there");
            has(&last.1, 3) && before.iter().any(|call| has(&call.1, 7))
        });
        assert_eq!(few, [((), vec![7]), ((), vec![3])]);
        assert_eq!(fewest(&calls, |calls| calls.len() >= 9), vec![((), vec![]); 9]);
        assert_eq!(fewest(&calls, |_| true), [((), vec![])]);
    }
}
