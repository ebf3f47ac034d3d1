//! Tests of the order of results, of failures and of panics, with any number of threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, mpsc};
use std::thread::{self, scope};

use super::*;
use crate::Error;
use crate::error::Result;

/// A relay of numbers.
type Numbers = Relay<std::ops::Range<u64>, Vec<u64>>;

fn numbers(most: u64) -> Numbers {
    Relay::new(0..most, vec![])
}

/// Takes numbers until there are no more, and gives on the results of `work`.
fn run(relay: &Numbers, work: impl Fn(u64) -> Result<u64>) {
    while let Some((turn, number)) = relay.take(|numbers| Ok(numbers.next())) {
        turn.give(number.and_then(&work), |given, number| {
            given.push(number);
            Ok(())
        });
    }
}

fn failed(number: u64) -> Error {
    Error::internal(format!("part {number}"))
}

#[test]
fn parts_are_worked_on_side_by_side_and_given_in_order() {
    let relay = numbers(40);
    let all_have_one = Barrier::new(4);
    let work = |number| {
        all_have_one.wait();
        Ok(number * 10)
    };
    scope(|scope| (0..4).for_each(|_| drop(scope.spawn(|| run(&relay, work)))));
    let (_, given) = relay.finish().expect("none failed");
    assert_eq!(given, (0..40).map(|number| number * 10).collect::<Vec<_>>());
}

#[test]
fn of_parts_that_fail_the_first_one_counts_even_if_a_later_one_failed_earlier() {
    let relay = numbers(1000);
    let (later, earlier) = mpsc::channel();
    let earlier = Mutex::new(earlier);
    let taken = AtomicUsize::new(0);
    let work = |number| {
        taken.fetch_add(1, Ordering::Relaxed);
        match number {
            5 => {
                earlier.lock().expect("alone").recv().expect("part 6 fails too");
                Err(failed(5))
            }
            6 => {
                later.send(()).expect("part 5 waits for it");
                Err(failed(6))
            }
            number => Ok(number),
        }
    };
    scope(|scope| (0..2).for_each(|_| drop(scope.spawn(|| run(&relay, work)))));
    assert_eq!(taken.into_inner(), 7, "nothing is begun after a failure");
    let error = relay.finish().expect_err("two failed").to_string();
    assert!(error.contains("part 5"), "{error}");
}

#[test]
fn a_source_that_fails_does_so_at_its_turn() {
    for fails in [true, false] {
        let relay = numbers(10);
        let work = |number| if fails && number == 2 { Err(failed(2)) } else { Ok(number) };
        let next = |numbers: &mut std::ops::Range<u64>| match numbers.next() {
            Some(3) => Err(failed(3)),
            number => Ok(number),
        };
        let mut held = vec![];
        while let Some(taken) = relay.take(next) {
            held.push(taken);
        }
        assert_eq!(held.len(), 4);
        for (turn, number) in held {
            turn.give(number.and_then(work), |_, _| Ok(()));
        }
        let error = relay.finish().expect_err("it failed").to_string();
        assert!(error.contains(if fails { "part 2" } else { "part 3" }), "{error}");
    }
}

#[test]
fn a_worker_that_panics_keeps_no_one_waiting() {
    let relay = numbers(10);
    let (behind, panics) = mpsc::channel();
    scope(|scope| {
        let (turn, _) = relay.take(|numbers| Ok(numbers.next())).expect("there is one");
        let panicking = scope.spawn(move || {
            let _turn = turn;
            panics.recv().expect("another has the part behind");
            panic!("as a test");
        });
        scope.spawn(|| {
            run(&relay, |number| {
                behind.send(()).expect("the other waits for it");
                Ok(number)
            })
        });
        assert!(panicking.join().is_err());
    });
    assert!(relay.finish().is_err());
}

#[test]
fn a_thread_that_finds_no_item_left_takes_part_in_one_in_progress() {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let all_take_part = Barrier::new(threads);
    let work = |job: &AtomicUsize, own: &mut usize| {
        all_take_part.wait();
        *own = job.fetch_add(1, Ordering::Relaxed);
    };
    let (done, mut owns) = share(vec![100], threads, AtomicUsize::new, work, |job, _| job.into_inner());
    assert_eq!(done, [100 + threads], "it ends once, when all have left");
    owns.sort_unstable();
    assert_eq!(owns, (100..100 + threads).collect::<Vec<_>>());
}

#[test]
fn results_come_in_the_order_of_the_items() {
    assert_eq!(map((0..1000).collect(), |number: usize| number * 2), (0..1000).map(|n| n * 2).collect::<Vec<_>>());
    assert!(map(vec![], |number: usize| number).is_empty());
}
