//! Kills and faults at random. `SMELT_FAULTS=<rounds>` makes it long; `SMELT_SEED=<seed>` plays one round again.

use std::time::Duration;

use super::{assert_settles, bronze};
use crate::support::Lake;
use crate::support::process::{Running, wait_until};
use crate::support::ticks::arrive;

const LONG: Duration = Duration::from_secs(120);

pub(super) fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{variable} must be a number")))
}

/// Seeds of the rounds to play, printed one by one: a failing test shows the last one.
pub(crate) fn seeds(short: u64) -> impl Iterator<Item = u64> {
    let rounds = match number("SMELT_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SMELT_FAULTS").unwrap_or(short),
    };
    rounds.inspect(|seed| eprintln!("SMELT_SEED={seed}"))
}

/// A number that looks random, from 0 up to below 1.
pub(crate) fn fraction(seed: u64, step: u64) -> f64 {
    let mixed = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ step.wrapping_mul(0xd1b5_4a32_d192_ed03)).rotate_left(29);
    (mixed.wrapping_mul(0x94d0_49bb_1331_11eb) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Waits until that many requests more have come, or one of the processes has ended.
pub(crate) fn wait_for_requests(lake: &Lake, count: f64, running: &mut [Running]) {
    lake.server().clear();
    let have_come = || lake.server().requests().len() as f64 >= count;
    let is_over = wait_until(LONG, || have_come() || running.iter_mut().any(Running::has_ended));
    assert!(is_over, "the server waits for {count} requests in vain");
}

#[test]
fn kills_at_random() {
    let ticks = bronze();
    let alone = Lake::new().on_s3();
    arrive(&alone, &ticks[0]);
    alone.smelt(&["run"]);
    let whole = alone.server().requests().len() as f64;
    for seed in seeds(6) {
        let lake = Lake::new().on_s3();
        for (tick, objects) in ticks.iter().enumerate() {
            arrive(&lake, objects);
            for kill in 0..3 {
                let mut running = [Running::start(&lake, &["run"])];
                wait_for_requests(&lake, whole * fraction(seed, (tick * 3 + kill) as u64), &mut running);
                running.into_iter().for_each(Running::kill);
            }
        }
        assert_settles(&lake);
    }
}

#[test]
fn faults_at_random() {
    let ticks = bronze();
    for seed in seeds(6) {
        let lake = Lake::new().on_s3();
        lake.server().chaos(seed, 20 + (fraction(seed, 0) * 150.0) as u32);
        for objects in &ticks {
            arrive(&lake, objects);
            lake.end(&["run"]);
        }
        assert_settles(&lake);
    }
}

#[test]
fn three_hosts_with_faults_and_kills_at_random() {
    let ticks = bronze();
    for seed in seeds(2) {
        let lake = Lake::new().on_s3();
        lake.server().chaos(seed, 30);
        let start = || Running::start(&lake, &["up", "--every", "20ms", "--no-generate"]);
        let mut hosts: Vec<_> = (0..3).map(|_| start()).collect();
        for (step, objects) in (0_u64..).zip(&ticks) {
            arrive(&lake, objects);
            wait_for_requests(&lake, 200.0 * fraction(seed, step), &mut hosts);
            hosts.remove(0).kill();
            hosts.push(start());
        }
        wait_for_requests(&lake, 300.0, &mut hosts);
        hosts.into_iter().for_each(Running::kill);
        assert_settles(&lake);
    }
}
