//! The figures that the sandbox promises, measured: `cargo xtask fuzz` shows them.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use smelt_common::binary::Binary;
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Cleaner, Limits};

use super::{Component as _, ENGINE, Guest, clean};

const CALL: Duration = Duration::from_millis(100);
const RUNS: usize = 50;
/// Pages of 256 MiB, less a few that it is asked for.
const PAGES: u32 = 4080;

fn load(guest: &Guest, limits: &Limits) -> Cleaner {
    let directory = tempfile::tempdir().expect("a directory");
    guest.write(directory.path(), "sin");
    let pseudonyms = Pseudonyms::from_hex(None).expect("no key is a key");
    let binary = Binary::read(&directory.path().join("sin.wasm"), u64::MAX).expect("it is there");
    Cleaner::load(&ENGINE, "sin", &binary, limits, &pseudonyms, "{}").expect("it loads")
}

fn guests() -> [(&'static str, Guest); 7] {
    let for_ever = |sin: &str| format!("(loop $for_ever {sin} (br $for_ever))");
    let log = r#"(import "smelt:plugin/log@0.2.0" "write" (func $log (param i32 i32 i32)))"#;
    let pseudonymise =
        r#"(import "smelt:plugin/privacy@0.2.0" "pseudonymise" (func $pseudonymise (param i32 i32 i32)))"#;
    let rewind = "(global.set $top (i32.const 4194304))";
    // All of them characters of two bytes, which are the slowest to check; once.
    let greek = "(if (i32.eqz (i32.load (i32.const 65536))) (then (local.set $i (i32.const 65536))
        (loop $more (i64.store (local.get $i) (i64.const 0xa9c3a9c3a9c3a9c3))
            (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const 61000000))))))";
    let guest = |imports: &str, pages, sin: &str| Guest {
        imports: imports.into(),
        pages,
        clean: for_ever(sin),
        ..Guest::default()
    };
    [
        ("a bare loop", guest("", 16, "")),
        (
            "copies of 256 MiB",
            guest("", PAGES, "(memory.copy (i32.const 4096) (i32.const 8192) (i32.const 267000000))"),
        ),
        ("fills of 256 MiB", guest("", PAGES, "(memory.fill (i32.const 4096) (i32.const 1) (i32.const 267000000))")),
        (
            "log messages of 60 MiB",
            guest(log, PAGES, "(call $log (i32.const 1) (i32.const 65536) (i32.const 60000000))"),
        ),
        (
            "last words of 60 MiB",
            guest(log, PAGES, &format!("{greek} (call $log (i32.const 4) (i32.const 65536) (i32.const 60000000))")),
        ),
        (
            "a pseudonym of 60 MiB",
            guest(
                pseudonymise,
                PAGES,
                &format!(
                    "{rewind} {greek} (i32.store (i32.const 65536) (i32.const 131072))
                    (i32.store (i32.const 65540) (i32.const 60000000))
                    (call $pseudonymise (i32.const 65536) (i32.const 1) (i32.const 1200))"
                ),
            ),
        ),
        (
            "100,000 pseudonyms at a time",
            guest(
                pseudonymise,
                PAGES,
                &format!("{rewind} (call $pseudonymise (i32.const 65536) (i32.const 100000) (i32.const 1200))"),
            ),
        ),
    ]
}

/// A line of `/proc/self/status`, in MiB.
fn status(key: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("it is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("it has the line");
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<f64>().expect("it is a number") / 1024.0
}

/// The longest gap of a heartbeat of 5 ms as the host's other threads would have it, until it is told to stop.
fn heartbeat(stopped: &Receiver<()>, most: Duration) -> Duration {
    let begun = Instant::now();
    let (mut last, mut longest) = (begun, Duration::ZERO);
    while begun.elapsed() < most && stopped.recv_timeout(Duration::from_millis(5)) == Err(RecvTimeoutError::Timeout) {
        longest = longest.max(last.elapsed());
        last = Instant::now();
    }
    longest
}

#[test]
#[ignore = "it measures time: `cargo xtask fuzz`"]
fn control_returns_and_memory_stays_within_its_bounds() {
    let limits = Limits { call_ms: CALL.as_millis() as u64, ..Limits::default() };
    let limit = (limits.memory_bytes + limits.output_bytes) as f64 / f64::from(1 << 20);
    // What the machine's other work alone does to a thread.
    let (_stop, never) = channel::<()>();
    let alone = heartbeat(&never, Duration::from_secs(5));
    let (stop, stopped) = channel::<()>();
    let heart = std::thread::spawn(move || heartbeat(&stopped, Duration::MAX));
    let mut all = Vec::new();
    for (what, guest) in guests() {
        let cleaner = load(&guest, &limits);
        let before = status("VmRSS:");
        std::fs::write("/proc/self/clear_refs", "5").expect("the peak can be forgotten");
        let mut late: Vec<_> = (0..RUNS)
            .map(|_| {
                let begun = Instant::now();
                clean(&cleaner).expect_err("it does not end by itself");
                begun.elapsed().saturating_sub(CALL)
            })
            .collect();
        late.sort();
        let grown = status("VmHWM:") - before;
        println!(
            "{what}: control returns {:.0?} after its deadline (median), {:.0?} at worst of {RUNS}; memory grows by {grown:.0} MiB",
            late[RUNS / 2],
            late[RUNS - 1],
        );
        assert!(grown < limit + 64.0, "{what}: {grown} MiB; {limit} MiB are the guest's");
        all.extend(late);
    }
    drop(stop);
    let beat = heart.join().expect("it beats");
    all.sort();
    let p99 = all[all.len() * 99 / 100];
    println!(
        "all: 99 % within {p99:.0?} of the deadline; longest gap of a heartbeat of 5 ms: {beat:.0?}, without guests {alone:.0?}"
    );
}
