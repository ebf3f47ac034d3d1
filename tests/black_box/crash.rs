//! `kill -9` at any moment, signals, and several hosts at once: nothing is lost, counted twice or left half done.

use std::time::Duration;

use crate::support::Lake;
use crate::support::audit::audit;
use crate::support::process::{Running, Signal, kill_runs, spread, wait_until};
use crate::support::rows::Dataset;
use crate::support::ticks::{arrive, assert_like_uninterrupted, ticks};

const LONG: Duration = Duration::from_secs(120);

/// Returns the number of objects in a directory of a lake at work.
fn written(lake: &Lake, directory: &str) -> usize {
    let entries = std::fs::read_dir(lake.path().join(directory)).into_iter().flatten().flatten();
    entries.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b".tmp-")).count()
}

#[test]
fn runs_that_are_killed_come_to_the_same_as_one_that_is_not() {
    let mut ticks = ticks(14, 700);
    let (lake, alone) = (Lake::new(), Lake::new());
    arrive(&alone, &ticks[0]);
    let whole = Running::start(&alone, &["run"]).calls_in_all();
    // Newest first: what is cleaned later loses as often as it wins.
    kill_runs(&lake, &["run"], whole, 100, || ticks.pop().inspect(|objects| arrive(&lake, objects)).is_some());
    ticks.iter().for_each(|objects| arrive(&lake, objects));
    lake.smelt(&["run"]);

    assert_like_uninterrupted(&lake);
}

#[test]
fn what_a_killed_run_wrote_but_did_not_commit_is_removed() {
    let ticks = ticks(4, 1500);
    let caught = (0..10).find_map(|_| {
        let lake = Lake::new();
        ticks.iter().for_each(|objects| arrive(&lake, objects));
        let running = Running::start(&lake, &["run"]);
        assert!(
            wait_until(LONG, || Dataset::ALL
                .iter()
                .any(|dataset| written(&lake, &format!("silver/{}", dataset.name())) > 0)),
            "no silver appeared"
        );
        running.kill();
        (lake.files("catalog/commits").is_empty() && !lake.files("silver").is_empty()).then_some(lake)
    });
    let lake = caught.expect("a run can be killed between its first silver object and its first commit");
    // Now it is another, smaller lake: what was written before must not be read.
    ticks[0].iter().for_each(|(name, _)| lake.bronze(name, ""));
    lake.smelt(&["run"]);

    assert_like_uninterrupted(&lake);
}

#[test]
fn up_that_is_killed_again_and_again_comes_to_the_same_as_one_run() {
    let lake = Lake::new();
    // As many calls as several ticks make.
    let many = 4 * Running::start(&lake, &["run"]).calls_in_all();
    for moment in spread(many).take(16) {
        let mut running = Running::start(&lake, &["up", "--every", "50ms"]);
        assert!(running.runs_until(moment), "it runs until it is told to stop");
        running.kill();
    }
    lake.smelt(&["run"]);

    assert!(lake.files("bronze").len() >= 9, "up generates");
    assert_like_uninterrupted(&lake);
}

#[test]
fn up_finishes_its_tick_when_it_is_told_to_stop() {
    for (signal, commits) in [(Signal::TERM, 1), (Signal::INT, 2), (Signal::TERM, 5), (Signal::INT, 8)] {
        let lake = Lake::new();
        let running = Running::start(&lake, &["up", "--every", "50ms"]);
        assert!(wait_until(LONG, || written(&lake, "catalog/commits") >= commits), "up commits");
        running.signal(signal);
        let status = running.wait(LONG);

        assert_eq!(status.code(), Some(0), "{signal:?}");
        let left = lake.json(&["run"]);
        assert_eq!(left["cleaned"], 0, "{signal:?}");
        let kpis = left["kpis"].as_array().expect("KPIs are a list");
        assert!(kpis.len() == 5 && kpis.iter().all(|kpi| kpi["computed"] == false), "{signal:?}: {kpis:?}");
        audit(&lake);
    }
}

#[test]
fn hosts_that_work_at_once_come_to_the_same_as_one() {
    let lake = Lake::new();
    for objects in ticks(6, 300).iter().rev() {
        arrive(&lake, objects);
        let verbs = ["run", "clean", "aggregate", "run"];
        let hosts: Vec<_> = verbs.iter().map(|verb| (verb, Running::start(&lake, &[verb]))).collect();
        for (verb, host) in hosts {
            assert_eq!(host.wait(LONG).code(), Some(0), "{verb}");
        }
    }
    lake.smelt(&["run"]);

    assert_like_uninterrupted(&lake);
}

/// Runs `smelt run` twice on a lake on a small disk of so many KiB, which grows in between, and copies it back. Fails
/// unless the first run fails and the second does not. What it prints is that of the first.
const SMALL_DISK: &str = r#"
set -e
mkdir -p "$DISK"
mount -t tmpfs -o size="$KIB"k none "$DISK"
cp -r "$LAKE/." "$DISK"
status=0
"$@" || status=$?
[ "$status" = 1 ]
mount -o remount,size=64m "$DISK"
"$@" >/dev/null 2>&1
cp -r "$DISK/." "$LAKE"
"#;

#[test]
fn a_full_disk_is_told_and_costs_nothing_but_the_run() {
    let unshare = ["-r", "-m", "mount", "-t", "tmpfs", "none", "/tmp"];
    let may_mount = std::process::Command::new("unshare").args(unshare).output();
    if !may_mount.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: a_full_disk_is_told_and_costs_nothing_but_the_run: no small disk can be mounted here");
        return;
    }
    for room in [30, 100, 200] {
        let lake = Lake::new();
        ticks(2, 800).iter().for_each(|objects| arrive(&lake, objects));
        let bronze: usize = lake.files("bronze").values().map(|body| body.len().next_multiple_of(4096)).sum();
        let (disk, smelt) = (lake.beside("disk"), lake.command(&["run"]));
        let mut command = std::process::Command::new("unshare");
        command.args(["-r", "-m", "sh", "-c", SMALL_DISK, "sh"]).arg(smelt.get_program());
        command
            .args(smelt.get_args().map(|argument| if argument == lake.path() { disk.as_os_str() } else { argument }));
        command.envs(smelt.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("DISK", &disk).env("LAKE", lake.path()).env("KIB", (bronze / 1024 + room).to_string());
        let output = command.output().expect("unshare starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{room}: {stderr}");
        assert!(stderr.contains("No space left on device") && stderr.contains("cannot write `"), "{room}: {stderr}");
        assert_like_uninterrupted(&lake);
    }
}
