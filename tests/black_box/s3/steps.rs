//! `kill -9` at every step: the server holds a request, the host dies, and the request is done later or never.

use smelt_s3_server::{Action, Fault};

use super::{assert_settles, lake_at_work};
use crate::support::process::Running;
use crate::support::{Lake, twin};

/// Kills a command while the `nth` request like this is held, before the server does what it asks for or after.
fn kill_at(command: &[&str], verb: &str, path: &str, nth: usize) {
    kill_of(&lake_at_work, command, verb, path, nth);
}

/// Kills a command in this way on a lake that `lake` makes.
fn kill_of(lake: &dyn Fn() -> Lake, command: &[&str], verb: &str, path: &str, nth: usize) {
    for (action, late) in [(Action::Hold, false), (Action::Hold, true), (Action::ActThenHold, true)] {
        let lake = lake();
        let held = lake.server().fault(Fault::new(verb, path, action.clone()).nth(nth));
        let running = Running::start(&lake, command);
        held.wait_until_held();
        running.kill();
        // A request that was on its way when its host died may still be done.
        if late {
            held.release()
        } else {
            held.discard()
        }
        assert_settles(&lake);
    }
}

#[test]
fn killed_after_the_listing() {
    kill_at(&["run"], "LIST", "/bronze/", 1);
}

#[test]
fn killed_while_reading_bronze() {
    kill_at(&["run"], "GET", "/bronze/", 2);
}

#[test]
fn killed_while_cleaning() {
    // Some objects are clean, others are not.
    kill_at(&["run"], "PUT", "/(silver|quarantine)/", 3);
}

#[test]
fn killed_while_writing_the_index() {
    kill_at(&["run"], "PUT", "/catalog/(index|entries)/", 2);
}

#[test]
fn killed_at_the_commit_of_silver() {
    kill_at(&["run"], "PUT", "/catalog/commits/", 1);
}

#[test]
fn killed_while_deleting_what_was_superseded() {
    kill_at(&["run"], "DELETE", "/silver/", 1);
}

#[test]
fn killed_while_writing_gold() {
    kill_at(&["run"], "PUT", "/gold/", 2);
}

#[test]
fn killed_at_the_commit_of_gold() {
    kill_at(&["run"], "PUT", "/catalog/commits/", 2);
}

#[test]
fn killed_while_promoting() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let component = twin(directory.path(), "clean-orders");
    let command = ["plugin", "promote", &component];
    kill_at(&command, "PUT", "/catalog/rollback/", 1);
    kill_at(&command, "PUT", "/quarantine/for-rollback/", 1);
    kill_at(&command, "PUT", "/catalog/commits/", 1);
    kill_at(&command, "DELETE", "/silver/", 1);
}

#[test]
fn killed_while_rolling_back() {
    let promoted = || {
        let (lake, directory) = (lake_at_work(), tempfile::tempdir().expect("a temporary directory"));
        lake.smelt(&["plugin", "promote", &twin(directory.path(), "clean-orders")]);
        lake.server().clear();
        lake
    };
    let command = ["plugin", "rollback", "clean-orders"];
    kill_of(&promoted, &command, "PUT", "/silver/", 1);
    kill_of(&promoted, &command, "PUT", "/catalog/commits/", 1);
    kill_of(&promoted, &command, "DELETE", "/catalog/rollback/", 1);
}

#[test]
fn killed_while_collecting() {
    for path in ["/catalog/commits/", "/silver/.*left"] {
        let verb = if path.contains("commits") { "PUT" } else { "DELETE" };
        for action in [Action::Hold, Action::ActThenHold] {
            let lake = lake_at_work();
            let left = "orders_clean_left_over.csv";
            lake.put(&format!("silver/orders/{left}"), "x");
            let held = lake.server().fault(Fault::new(verb, path, action));
            let running = Running::start(&lake, &["gc", "--grace", "0s", "--delete"]);
            held.wait_until_held();
            running.kill();
            held.release();
            assert_settles(&lake);
            assert!(!lake.files("silver/orders").contains_key(left));
        }
    }
}

#[test]
fn killed_in_the_middle_of_a_large_object() {
    let lake = lake_at_work();
    // Rejected rows are sent in parts.
    lake.bronze("clicks_20250301T130000.txt", "{}\n".repeat(100_000));
    let held = lake.server().fault(Fault::new("PUT", "/quarantine/clicks/.*T130000", Action::Hold));
    let running = Running::start(&lake, &["run"]);
    held.wait_until_held();
    running.kill();
    held.release();
    let left =
        |command: &[&str]| lake.json(&[&["gc"], command].concat())["objects"].as_array().expect("a list").clone();
    let uploads = |command| left(command).iter().filter(|one| !one["upload"].is_null()).count();
    assert_eq!((uploads(&[]), uploads(&["--grace", "0s"])), (0, 1), "it may be another host's, at work");
    assert_eq!(uploads(&["--grace", "0s", "--delete"]), 1);
    assert_eq!(left(&["--grace", "0s"]), Vec::<serde_json::Value>::new());
    assert_settles(&lake);
}
