//! A server or a network that is not well: what passes by itself must not be noticed, the rest is one clear sentence.

use smelt_s3_server::{Action, BUCKET_FULL, Fault};

use super::{assert_settles, lake_at_work};
use crate::support::Lake;
use crate::support::ended::Ended;
use crate::support::ticks::arrive;

/// The requests at which it may happen.
const STEPS: [(&str, &str); 8] = [
    ("LIST", "/bronze/"),
    ("GET", "/bronze/"),
    ("HEAD", "/catalog/commits/"),
    ("GET", "/catalog/"),
    ("PUT", "/silver/"),
    ("PUT", "/catalog/(entries|index|sums|changes)/"),
    ("PUT", "/catalog/commits/"),
    ("PUT", "/gold/"),
];

/// Asserts that nobody notices.
fn passes(action: &Action) {
    for (verb, path) in STEPS {
        let lake = lake_at_work();
        let planned = lake.server().fault(Fault::new(verb, path, action.clone()));
        let Ended { code, stderr, .. } = lake.end(&["run"]);
        assert_eq!((code, planned.met()), (Some(0), 1), "{action:?} at {verb} {path}: {stderr}");
        assert_settles(&lake);
    }
}

#[test]
fn an_internal_error_once() {
    passes(&Action::Refuse(500, "InternalError"));
}

#[test]
fn slow_down_once() {
    passes(&Action::Refuse(503, "SlowDown"));
}

#[test]
fn an_internal_error_after_it_was_done() {
    passes(&Action::ActThenRefuse(500, "InternalError"));
}

#[test]
fn a_connection_that_is_closed_before_anything_was_done() {
    passes(&Action::Drop);
}

#[test]
fn an_answer_that_is_lost() {
    passes(&Action::ActThenDrop);
}

#[test]
fn an_answer_that_is_cut_off() {
    passes(&Action::Truncate);
}

#[test]
fn a_connection_that_is_reset() {
    passes(&Action::Reset);
}

#[test]
fn a_conflict_that_is_none() {
    for (status, code) in [(409, "ConditionalRequestConflict"), (412, "PreconditionFailed")] {
        for action in [Action::Refuse(status, code), Action::ActThenRefuse(status, code)] {
            let lake = lake_at_work();
            lake.server().fault(Fault::new("PUT", "/catalog/commits/", action));
            assert_settles(&lake);
        }
    }
}

#[test]
fn a_success_that_is_none() {
    for (verb, path) in STEPS {
        let lake = lake_at_work();
        lake.server().fault(Fault::new(verb, path, Action::ErrorWithin200));
        lake.end(&["run"]);
        assert_settles(&lake);
    }
}

#[test]
fn a_listing_that_is_a_moment_old() {
    for newest in [1, 3] {
        let lake = lake_at_work();
        lake.server().fault(Fault::new("LIST", "", Action::Stale(newest)).always());
        assert_eq!(lake.end(&["run"]).code, Some(0));
        assert_settles(&lake);
    }
}

#[test]
fn a_network_of_ten_kilobytes_a_second() {
    let lake = Lake::new().on_s3();
    // Of its objects one is small.
    arrive(&lake, &super::bronze()[0]);
    let slow = |verb, path| lake.server().fault(Fault::new(verb, path, Action::Throttle(10_000)));
    let (read, written) = (slow("GET", "/bronze/customers"), slow("PUT", "/silver/customers"));
    assert_eq!(lake.end(&["run"]).code, Some(0));
    assert_eq!((read.met(), written.met()), (1, 1));
    assert_settles(&lake);
}

/// Asserts that one sentence tells it after few tries, and that the next run goes on.
fn is_told(verb: &str, path: &str, action: &Action, words: &[&str]) {
    let lake = lake_at_work();
    let planned = lake.server().fault(Fault::new(verb, path, action.clone()).nth(2).always());
    let Ended { code, stderr, .. } = lake.end(&["run"]);
    assert!(planned.met() < 100, "{action:?}: {} requests until it is said", planned.met());
    assert_eq!(code, Some(1), "{action:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{action:?}: `{word}` is not in: {stderr}");
    }
    let secret = lake.server().secret_key();
    assert!(!stderr.contains(secret), "{stderr}");
    assert_settles(&lake);
}

#[test]
fn a_full_bucket() {
    is_told("PUT", "/silver/", &BUCKET_FULL, &["silver/", "no room is left"]);
}

#[test]
fn credentials_that_expire_in_the_middle() {
    is_told("*", "", &Action::Refuse(403, "ExpiredToken"), &["expired"]);
}

#[test]
fn a_server_that_is_overloaded_for_long() {
    is_told("GET", "/bronze/", &Action::Refuse(503, "SlowDown"), &["bronze/", "SlowDown"]);
}

#[test]
fn a_clock_that_is_a_day_off() {
    for seconds in [86_400, -86_400] {
        let lake = lake_at_work();
        lake.server().set_clock_ahead(seconds);
        let Ended { code, stderr, .. } = lake.end(&["run"]);
        // Either the client adjusts to the server's clock, or it says what is wrong.
        assert!(code == Some(0) || stderr.contains("clock"), "{stderr}");
        lake.server().set_clock_ahead(0);
        assert_settles(&lake);
    }
}

#[test]
fn bronze_that_is_replaced_between_listing_and_reading() {
    let lake = lake_at_work();
    let names: Vec<_> = lake.files("bronze").into_keys().filter(|name| name.starts_with("orders_")).collect();
    let [.., other, last] = &names[..] else { panic!("orders came") };
    let held = lake.server().fault(Fault::new("GET", last, Action::Hold));
    let body = lake.files("bronze")[other].clone();
    std::thread::scope(|scope| {
        let run = scope.spawn(|| lake.end(&["run"]));
        held.wait_until_held();
        lake.bronze(last, body);
        held.release();
        run.join().expect("no panic");
    });
    assert_settles(&lake);
}

#[test]
fn a_kpi_that_misses_a_tick_catches_up() {
    let ticks = super::bronze();
    let lake = Lake::new().on_s3();
    arrive(&lake, &ticks[0]);
    lake.smelt(&["run"]);
    for kpi in ["revenue_by_channel", "revenue_by_country", "top_products"] {
        lake.server().fault(Fault::new("PUT", &format!("/gold/{kpi}/"), Action::Refuse(400, "InvalidRequest")));
    }
    arrive(&lake, &ticks[1]);
    assert_eq!(lake.end(&["run"]).code, Some(1));
    arrive(&lake, &ticks[2]);
    assert_settles(&lake);
}
