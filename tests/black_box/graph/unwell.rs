//! A graph on a store that fails, with hosts that are killed and that race.

use super::Deliveries;
use super::lake::{DAY, DEEP, assert_like_fresh, lake};
use crate::s3::random::{fraction, seeds, wait_for_requests};
use crate::support::Lake;
use crate::support::process::Running;

/// Asserts that after two runs every table is what a fresh lake comes to, and nothing is damaged, missing or left over.
fn assert_settles(lake: &Lake) {
    lake.server().heal();
    lake.end(&["run", "--as-of", DAY]);
    lake.smelt(&["run", "--as-of", DAY]);
    // In a bucket nothing tells that a host died, so the table of a commit that never came lies there until it is collected.
    // Its name may be greater than that of the newest table.
    lake.smelt(&["gc", "--grace", "0s", "--delete"]);
    assert_like_fresh(lake, DEEP);
    lake.smelt(&["verify"]);
}

#[test]
fn a_graph_on_a_store_that_fails_comes_to_the_same() {
    for seed in seeds(3) {
        let (lake, mut deliveries) = (lake(DEEP).on_s3(), Deliveries::of(seed));
        lake.server().chaos(seed, 20 + (fraction(seed, 0) * 60.0) as u32);
        for many in [3, 1, 2] {
            deliveries.arrive(&lake, many);
            lake.end(&["run", "--as-of", DAY]);
        }
        assert_settles(&lake);
    }
}

#[test]
fn hosts_of_a_graph_that_are_killed_between_faults_come_to_the_same() {
    for seed in seeds(2) {
        let (lake, mut deliveries) = (lake(DEEP).on_s3(), Deliveries::of(seed));
        lake.server().chaos(seed, 20);
        let roles = [&["--role", "clean"][..], &["--role", "aggregate"], &[]];
        let start = |role: &[&str]| Running::start(&lake, &[&["up", "--every", "20ms"], role].concat());
        let mut hosts: Vec<_> = roles.map(start).into();
        for step in 0..4 {
            deliveries.arrive(&lake, 2);
            wait_for_requests(&lake, 150.0 * fraction(seed, step), &mut hosts);
            hosts.remove(0).kill();
            hosts.push(start(roles[step as usize % 3]));
        }
        wait_for_requests(&lake, 200.0, &mut hosts);
        hosts.into_iter().for_each(Running::kill);
        assert_settles(&lake);
    }
}
