//! A lake that goes through what lakes go through, at random: after every step it must be what a fresh one makes of the same bronze.
//!
//! `SMELT_SEEDS=<n>` plays that many seeds, from `SMELT_FIRST=<seed>` on, `SMELT_STEPS=<n>` that many steps of each;
//! `SMELT_SEED=<seed>` plays one again.

mod settled;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use world::World;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{variable} must be a number")))
}

#[test]
fn a_lake_that_went_through_anything_is_what_a_fresh_one_is() {
    let steps = number("SMELT_STEPS").unwrap_or(25);
    let seeds = match number("SMELT_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let first = number("SMELT_FIRST").unwrap_or(0);
            first..first + number("SMELT_SEEDS").unwrap_or(2)
        }
    };
    let next = AtomicU64::new(seeds.start);
    let play = || {
        while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| seeds.contains(seed)) {
            let mut world = World::new(seed);
            for _ in 0..steps {
                world.step();
                world.settle();
            }
            eprintln!("SMELT_SEED={seed}: {steps} steps");
        }
    };
    let players = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..players).for_each(|_| drop(scope.spawn(play))));
}
