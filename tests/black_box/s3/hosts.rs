//! Several hosts on one lake, frozen ones among them.

use std::time::Duration;

use smelt_s3_server::{Action, Fault};

use super::{assert_settles, assert_whole, bronze, lake_at_work};
use crate::support::Lake;
use crate::support::process::{Running, Signal, wait_until};
use crate::support::ticks::arrive;

const LONG: Duration = Duration::from_secs(120);

/// Returns how many objects all commits together have cleaned, the number of commits, and the number of their ids.
fn cleaned(lake: &Lake) -> (u64, usize, usize) {
    let history = lake.json(&["history"]);
    let commits = history["commits"].as_array().expect("a list");
    let cleaned = |commit: &serde_json::Value| {
        let changes = commit["datasets"].as_object().into_iter().flatten();
        changes.map(|(_, change)| change["cleaned"].as_u64().expect("a number")).sum::<u64>()
    };
    let ids: std::collections::BTreeSet<_> = commits.iter().map(|commit| commit["id"].to_string()).collect();
    (commits.iter().map(cleaned).sum(), commits.len(), ids.len())
}

#[test]
fn three_roles_as_three_processes_do_what_one_does() {
    let lake = Lake::new().on_s3();
    let role = |role| Running::start(&lake, &["up", "--every", "100ms", "--role", role]);
    let roles = [role("generate"), role("clean"), role("aggregate")];
    let commits = || lake.files("catalog/commits").len();
    assert!(wait_until(LONG, || commits() >= 12), "they commit");
    for running in roles {
        running.signal(Signal::TERM);
        assert_eq!(running.wait(LONG).code(), Some(0));
    }
    assert_settles(&lake);
}

#[test]
fn three_hosts_clean_each_object_once() {
    let lake = Lake::new().on_s3();
    let hosts = [(); 3].map(|()| Running::start(&lake, &["up", "--every", "50ms", "--no-generate"]));
    for objects in bronze() {
        let known = lake.files("bronze").len() as u64;
        arrive(&lake, &objects);
        assert!(wait_until(LONG, || cleaned(&lake).0 >= known + objects.len() as u64), "they clean");
    }
    for host in hosts {
        host.signal(Signal::TERM);
        assert_eq!(host.wait(LONG).code(), Some(0));
    }
    let (cleaned, commits, ids) = cleaned(&lake);
    assert_eq!((cleaned, commits), (lake.files("bronze").len() as u64, ids), "none twice");
    assert_settles(&lake);
}

/// One host is frozen while this request of it is held; another does everything and collects what is left over; the first
/// one goes on.
fn frozen_at(verb: &str, path: &str, action: Action) {
    let lake = lake_at_work();
    let held = lake.server().fault(Fault::new(verb, path, action));
    let frozen = Running::start(&lake, &["run"]);
    held.wait_until_held();
    frozen.signal(Signal::STOP);
    lake.smelt(&["run"]);
    lake.smelt(&["gc", "--grace", "0s", "--delete"]);
    lake.smelt(&["run"]);
    held.release();
    frozen.signal(Signal::CONT);
    assert_eq!(frozen.wait(LONG).code(), Some(0), "{verb} {path}");
    assert_settles(&lake);
}

#[test]
fn a_host_frozen_while_it_reads_does_no_harm() {
    frozen_at("GET", "/bronze/", Action::Hold);
}

#[test]
fn a_host_frozen_after_it_wrote_silver_does_no_harm() {
    frozen_at("PUT", "/silver/", Action::ActThenHold);
    frozen_at("PUT", "/catalog/entries/", Action::ActThenHold);
}

#[test]
fn a_host_frozen_at_its_commit_does_no_harm() {
    frozen_at("PUT", "/catalog/commits/", Action::Hold);
}

#[test]
fn a_host_frozen_after_its_commit_does_no_harm() {
    frozen_at("PUT", "/catalog/commits/", Action::ActThenHold);
    frozen_at("DELETE", "/silver/", Action::Hold);
}

#[test]
fn a_frozen_collector_deletes_nothing_that_came_since() {
    let lake = lake_at_work();
    lake.put("silver/orders/orders_clean_left_over.csv", "x");
    let held = lake.server().fault(Fault::new("DELETE", "left_over", Action::Hold));
    let frozen = Running::start(&lake, &["gc", "--grace", "0s", "--delete"]);
    held.wait_until_held();
    lake.smelt(&["run"]);
    held.release();
    assert_eq!(frozen.wait(LONG).code(), Some(0));
    assert_whole(&lake);
}

#[test]
fn a_component_swapped_in_the_middle_finishes_with_the_old_one_and_begins_with_the_new_one() {
    let mut lake = lake_at_work();
    let held = lake.server().fault(Fault::new("PUT", "/catalog/commits/", Action::Hold));
    let running = Running::start(&lake, &["run"]);
    held.wait_until_held();
    // Another parameter is another fingerprint, as another component is.
    lake.change_pipeline(&[("limit = 10", "limit = 3")]);
    held.release();
    assert_eq!(running.wait(LONG).code(), Some(0));
    lake.smelt(&["run"]);
    let gold = lake.gold();
    assert_eq!(gold["top_products"].lines().count(), 4, "three rows below a heading");
    let mut fresh = Lake::new();
    fresh.change_pipeline(&[("limit = 10", "limit = 3")]);
    fresh.copy_bronze(&lake);
    fresh.smelt(&["run"]);
    assert_eq!(gold, fresh.gold());
}
