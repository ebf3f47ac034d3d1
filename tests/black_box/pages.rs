//! `smelt serve` in a browser: lakes and servers for the tests in `tests/browser`, which one program of Node.js runs. The variable
//! `SMELT_BROWSER_TESTS` names those to run by a part of their names; `SMELT_BLESS=1` makes what pages look like the reference.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Lake, root};

/// A lake that is served.
struct Served {
    lake: Lake,
    server: Child,
    url: String,
}

impl Served {
    fn start(lake: Lake) -> Self {
        let mut command = lake.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env_remove("SMELT_TOKEN").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut server = command.spawn().expect("smelt starts");
        let mut said = String::new();
        let stdout = server.stdout.take().expect("its standard output is piped");
        let read = BufReader::new(stdout).read_line(&mut said);
        let url = said.split_whitespace().find(|word| word.starts_with("http://")).map(ToOwned::to_owned);
        let served = Self { lake, server, url: url.unwrap_or_default() };
        assert!(read.is_ok() && !served.url.is_empty(), "it says where the pages are: {said}");
        served
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended already, or nobody needs it any more.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Returns an empty lake for a copy of the pipeline, whose pages a test may change.
fn lake_of(pipeline: &str) -> Lake {
    let from = root().join("pipelines").join(pipeline);
    let mut lake = Lake::with_pipeline(&from);
    let manifest = fs::read_to_string(from.join("smelt.toml")).expect("the pipeline has a manifest");
    let components = root().join("target/components");
    lake.set_manifest(&manifest.replace("../../target/components", components.to_str().expect("a UTF-8 path")));
    fs::create_dir(lake.beside("pages")).expect("a directory can be made");
    for file in fs::read_dir(from.join("pages")).expect("the pipeline has pages").flatten() {
        fs::copy(file.path(), lake.beside("pages").join(file.file_name())).expect("a page can be copied");
    }
    lake
}

/// The arguments of `smelt generate` for so many days that end on one.
fn generate(ticks: &'static str, start: &'static str) -> [&'static str; 7] {
    ["generate", "--ticks", ticks, "--interval", "1d", "--start", start]
}

/// Three days of clients and purchases.
fn analytics() -> Served {
    let lake = lake_of("analytics");
    lake.smelt(&generate("3", "2025-11-16T06:00:00Z"));
    lake.smelt(&["run", "--as-of", "2025-11-18"]);
    Served::start(lake)
}

/// Three days of a shop.
fn shop() -> Served {
    let lake = lake_of("ecommerce");
    lake.smelt(&generate("3", "2025-11-16T06:00:00Z"));
    lake.smelt(&["run"]);
    Served::start(lake)
}

/// The case `spine`, whose numbers are known.
fn spine() -> Served {
    let lake = lake_of("analytics");
    let case = root().join("pipelines/analytics/cases/spine");
    for file in fs::read_dir(case.join("bronze")).expect("the case has bronze").flatten() {
        let name = file.file_name().into_string().expect("a UTF-8 name");
        lake.bronze(&name, fs::read(file.path()).expect("it can be read"));
    }
    let now = fs::read_to_string(case.join("now")).expect("the case has a time");
    lake.smelt(&["run", "--as-of", &now[..10]]);
    Served::start(lake)
}

/// Returns a command as the program of tests starts it.
fn described(command: &Command) -> Value {
    let text = |word: &std::ffi::OsStr| word.to_str().expect("UTF-8").to_owned();
    let variables = command.get_envs().filter_map(|(name, value)| Some((text(name), Value::from(text(value?)))));
    json!({
        "program": text(command.get_program()),
        "arguments": command.get_args().map(text).collect::<Vec<_>>(),
        "variables": variables.collect::<serde_json::Map<_, _>>(),
    })
}

/// Returns the browser; `None` if what the tests need is not installed.
fn browser() -> Option<PathBuf> {
    let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let chromium = chromium.map(PathBuf::from).into_iter().find(|path| path.exists());
    let has_node = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    let packages = root().join("tests/browser/node_modules/playwright-core");
    let lacks = match () {
        () if chromium.is_none() => "no Chromium",
        () if !has_node => "no Node.js",
        () if !packages.exists() => "no packages in tests/browser/node_modules",
        () => return chromium,
    };
    eprintln!("skipped: {lacks}: `cargo xtask browser` installs what is missing, where that is possible");
    None
}

#[test]
fn pages_in_a_browser_do_what_they_promise() {
    let Some(chromium) = browser() else { return };
    let [analytics, shop, spine, live] = [analytics(), shop(), spine(), analytics()];
    let commands: [&[&str]; 2] = [&generate("1", "2025-11-19T06:00:00Z"), &["run", "--as-of", "2025-11-19"]];
    let settings = json!({
        "chromium": chromium,
        "sites": {"analytics": analytics.url, "shop": shop.url, "spine": spine.url, "live": live.url},
        "pipelines": root().join("pipelines"),
        "live": {
            "pages": live.lake.beside("pages"),
            "commands": commands.map(|arguments| described(&live.lake.command(arguments))),
        },
        "work": root().join("target/browser"),
        "bless": std::env::var_os("SMELT_BLESS").is_some_and(|value| !value.is_empty()),
    });
    let file = live.lake.beside("settings.json");
    fs::write(&file, settings.to_string()).expect("a file can be written");
    assert!(node(&file), "a page does not do what it promises");
}

/// Runs the tests. Returns whether all passed.
fn node(settings: &Path) -> bool {
    let mut command = Command::new("node");
    command.arg(root().join("tests/browser/run.mjs")).arg(settings);
    command.args(std::env::var_os("SMELT_BROWSER_TESTS"));
    // What it prints belongs to this test, whose output the harness keeps.
    let output = command.stdin(Stdio::null()).output().expect("Node.js starts");
    eprintln!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    output.status.success()
}
