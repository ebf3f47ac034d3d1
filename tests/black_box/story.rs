//! `docs/story.md`, command by command.

use std::process::{Command, Stdio};

use crate::support::{Lake, root};

#[test]
fn every_command_of_the_story_does_what_it_says() {
    let story = std::fs::read_to_string(root().join("docs/story.md")).expect("the story");
    let blocks: Vec<_> = story.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() > 10);
    // What is started ends with the story, however it ends.
    let script = format!("set -eu\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n{}", blocks.join("\n"));
    let lake = Lake::new();
    let smelt = std::path::Path::new(env!("CARGO_BIN_EXE_smelt")).parent().expect("it is in a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(lake.path())
        .env("PATH", format!("{}:{path}", smelt.display()))
        .env("SMELT_HOME", root())
        .env("SMELT_TOOLS", root().join("target/tools"))
        .env("SMELT_CACHE_DIR", root().join("target/components/cache"))
        .env_remove("SMELT_LAKE")
        .env_remove("SMELT_PII_KEY")
        .stdin(Stdio::null())
        .output()
        .expect("bash starts");
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    if output.status.code() == Some(69) {
        eprintln!("skipped: {}", stderr.lines().last().unwrap_or_default());
        return;
    }
    assert!(output.status.success(), "{}\n{stdout}\n{stderr}", output.status);
    // What the reader is told happens.
    for said in [
        ") → 1.1.0 (",
        "KPI sales_by_hour: ",
        "KPIs restored: sales_by_hour",
        "it is what was recorded",
        "all is as it was written",
        "by sales-by-hour 1.0.0",
    ] {
        assert!(stdout.contains(said), "no `{said}` in\n{stdout}");
    }
    let html = std::fs::read_to_string(lake.path().join("diff.html")).expect("a page");
    assert!(html.contains("<h2>KPI sales_by_hour</h2>"));
    let events = std::fs::read_to_string(lake.path().join("events.jsonl")).expect("events");
    assert_eq!(events.lines().count(), 2);
}
