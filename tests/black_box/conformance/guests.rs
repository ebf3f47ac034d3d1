//! Guests in WebAssembly text that break what a plugin written with the SDK cannot break.

use smelt_conformance::{Options, Outcome};

use super::{fails, tested};
use crate::hostile::{Call, Component, Guest, Kpi, Source, kpis};

/// Recursion whose frames hold 64 values, all alike: optimised code keeps one of them. So deep it fits into the stack if
/// optimised and does not otherwise, and that is all in which machine code can differ.
fn deep() -> String {
    let each = |what: fn(usize) -> String| (0..64).map(what).collect::<String>();
    let locals = each(|at| format!("(local $v{at} i64)"));
    let square = each(|at| format!("(local.set $v{at} (i64.mul (local.get $x) (local.get $x)))"));
    let add = each(|at| format!("(local.set $sum (i64.add (local.get $sum) (local.get $v{at})))"));
    format!(
        "(func $deep (param $depth i32) (param $x i64) (result i64) (local $sum i64) {locals}
            (if (i32.eqz (local.get $depth)) (then (return (local.get $x))))
            {square}
            (local.set $sum (call $deep (i32.sub (local.get $depth) (i32.const 1)) (i64.add (local.get $x) (i64.const 1))))
            {add}
            (local.get $sum))"
    )
}

const DIVE: &str = "(drop (call $deep (i32.const 1500) (i64.const 3)))";

/// Asserts that the guest fails this test alone, in these words.
#[track_caller]
fn breaks(guest: &dyn Component, failed: &[&str], words: &[&str]) {
    let directory = tempfile::tempdir().expect("a directory");
    guest.write(directory.path(), "odd");
    fails(&directory.path().join("odd.wasm"), &Options::default(), failed, words);
}

/// A KPI that adds nothing, whatever it is given, and so keeps every law.
fn idle() -> Kpi {
    kpis::state(kpis::gives(kpis::rows(&[], &[])))
}

#[test]
fn guests_without_a_sin_keep_the_contract() {
    let directory = tempfile::tempdir().expect("a directory");
    let guests: [&dyn Component; 3] = [&Guest::rejecting(), &idle(), &Source::default()];
    for guest in guests {
        guest.write(directory.path(), "odd");
        let report = tested(&directory.path().join("odd.wasm"), &Options::default());
        assert_eq!(report.outcome(), Outcome::Passed, "{}", report.text());
    }
}

#[test]
fn a_plugin_whose_answer_depends_on_the_machine_code_is_not_deterministic() {
    let words = ["compiled without optimisation", "call stack exhausted"];
    let fields = format!("{}{}", Guest::rejecting().fields, deep());
    let clean = format!("{DIVE} {}", Guest::rejecting().clean);
    breaks(&Guest { fields, clean, ..Guest::rejecting() }, &["determinism"], &words);
    let evaluate = Call { sin: DIVE.into(), ..Call::default() };
    breaks(&Kpi { fields: deep(), evaluate, ..idle() }, &["determinism"], &words);
    breaks(&Source { fields: deep(), generate: DIVE.into(), ..Source::default() }, &["determinism"], &words);
}

#[test]
fn a_kpi_whose_output_is_not_as_declared_fails_for_that() {
    let garbage = || kpis::gives(b"this is no Arrow stream".to_vec());
    let other = || kpis::gives(kpis::of_text());
    for (guest, words) in [
        (Kpi { state: garbage(), ..idle() }, "broke the contract in `state`: "),
        (Kpi { state: other(), ..idle() }, "(station: utf8, revision: utf8), not (station: utf8, revision: int64)"),
        (Kpi { evaluate: garbage(), ..idle() }, "broke the contract in `evaluate`: "),
        (Kpi { evaluate: other(), ..idle() }, "(station: utf8, revision: utf8), not (station: utf8, revision: int64)"),
        (Kpi { evaluate: kpis::gives(vec![]), ..idle() }, "ends without the end-of-stream marker"),
    ] {
        breaks(&guest, &["output"], &[words, "exactly the declared schema"]);
    }
}
