//! The three roles as three processes on one lake, each with its sign of life.

use std::path::Path;
use std::time::Duration;

use crate::support::audit::audit;
use crate::support::process::{Running, Signal, wait_until};
use crate::support::{Lake, root};

const LONG: Duration = Duration::from_secs(60);

/// How many objects lie below a directory of a lake at work, from which files may vanish at any time.
fn objects(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let whole = entries.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b".tmp-"));
    whole.map(|entry| if entry.path().is_dir() { objects(&entry.path()) } else { 1 }).sum()
}

/// How many KPIs have a table.
fn kpis(lake: &Lake) -> usize {
    let entries = std::fs::read_dir(lake.path().join("gold")).into_iter().flatten().flatten();
    entries.filter(|entry| objects(&entry.path()) > 0).count()
}

#[test]
fn three_processes_are_together_what_one_is() {
    let lake = Lake::new();
    let role = |role| Running::start(&lake, &["up", "--every", "50ms", "--role", role]);
    let (generator, cleaner, aggregator) = (role("generate"), role("clean"), role("aggregate"));
    assert!(wait_until(LONG, || objects(&lake.path().join("bronze")) >= 9 && kpis(&lake) == 5));
    for process in [generator, cleaner, aggregator] {
        process.signal(Signal::TERM);
        assert!(process.wait(LONG).success());
    }
    lake.smelt(&["run"]);
    let alone = Lake::new();
    alone.copy_bronze(&lake);
    alone.smelt(&["run"]);
    assert_eq!((audit(&lake), lake.gold()), (audit(&alone), alone.gold()));
}

#[test]
fn a_role_does_its_own_work_only() {
    let lake = Lake::new();
    let holds = |layer| !lake.files(layer).is_empty();
    let up = |role, done: &dyn Fn() -> bool| {
        let process = Running::start(&lake, &["up", "--every", "50ms", "--role", role]);
        assert!(wait_until(LONG, done), "{role}");
        process.signal(Signal::TERM);
        assert!(process.wait(LONG).success());
    };
    up("generate", &|| objects(&lake.path().join("bronze")) > 6);
    assert!(!holds("silver") && !holds("gold"));
    let bronze = lake.files("bronze");
    up("clean", &|| objects(&lake.path().join("silver")) == bronze.len());
    assert!(!holds("gold"));
    up("aggregate", &|| kpis(&lake) == 5);
    assert_eq!(lake.files("bronze"), bronze);
}

#[test]
fn a_process_is_healthy_as_long_as_its_ticks_reach_the_lake() {
    let lake = Lake::new();
    let heartbeat = lake.path().with_file_name("heartbeat");
    let file = heartbeat.to_str().expect("UTF-8");
    let health = |within| lake.try_smelt(&["health", "--heartbeat", file, "--within", within]);
    assert_eq!(health("1h").status.code(), Some(1), "there was no tick yet");

    let up = Running::start(&lake, &["up", "--every", "50ms", "--role", "clean", "--heartbeat", file]);
    assert!(wait_until(LONG, || heartbeat.exists()));
    assert!(health("1h").status.success());
    up.kill();
    let hour_ago = std::fs::metadata(&heartbeat).and_then(|file| file.modified()).expect("a time") - 2 * LONG * 30;
    std::fs::File::open(&heartbeat).and_then(|file| file.set_modified(hour_ago)).expect("a file's time can be set");
    let sick = health("5m");
    let said = String::from_utf8_lossy(&sick.stderr);
    assert!(said.contains("unhealthy: the last tick that reached the lake ended 1h"), "{said}");
    assert_eq!(sick.status.code(), Some(1));
}

#[test]
fn a_role_that_the_pipeline_cannot_fill_is_refused() {
    let lake = Lake::with_pipeline(root().join("tests/pipelines/weather"));
    let refused = lake.try_smelt(&["up", "--role", "generate"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("nothing to generate: the pipeline has no [source.<name>]"), "{said}");
    assert_eq!(refused.status.code(), Some(2));
}
