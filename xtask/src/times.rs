//! Measures how long each test takes. cargo runs every test binary through `xtask time-tests`, which asks libtest for
//! the time of each test.
//!
//! libtest knows the times, but shows them only if unstable options are allowed, which a variable tells it at run time.
//! A program that watched the output from outside would measure when lines come, and many tests run at a time.

use std::fs;
use std::io::{IsTerminal as _, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result};

use crate::paths;

/// The number of slowest tests that are shown.
const SHOWN: usize = 10;

/// Makes `cargo test --tests` keep the time of every test. It cannot do so for tests in documentation: if another
/// program runs them, rustdoc puts them all into one process.
pub(crate) fn keep(test: &mut Command) -> Result<()> {
    let kept = kept();
    if kept.exists() {
        fs::remove_file(&kept)?;
    }
    let own = std::env::current_exe().context("the path of xtask is unknown")?;
    let [own, kept] = [&own, &kept].map(|path| serde_json::to_string(path).expect("a path of this machine is text"));
    // A string of JSON is a string of TOML, too.
    test.arg("--config").arg(format!("target.'cfg(all())'.runner = [{own}, \"time-tests\", {kept}]"));
    Ok(())
}

/// Returns the slowest of the tests that ran since [`keep`], each in a line of its own.
pub(crate) fn slowest() -> String {
    let text = fs::read_to_string(kept()).unwrap_or_default();
    let mut tests: Vec<(f64, &str)> = text
        .lines()
        .filter_map(|line| {
            let (seconds, test) = line.split_once(' ')?;
            Some((seconds.parse().ok()?, test))
        })
        .collect();
    tests.sort_by(|a, b| b.0.total_cmp(&a.0));
    tests.iter().take(SHOWN).map(|(seconds, test)| format!("\n  {seconds:6.1} s  {test}")).collect()
}

/// Returns the file of times. It has a line for each test: its seconds, its binary and its name.
fn kept() -> PathBuf {
    paths::target().join("test-times.txt")
}

/// Runs `xtask time-tests KEPT BINARY ARGS…`, which cargo calls. The binary runs as if cargo had called it directly.
pub(crate) fn run(mut words: impl Iterator<Item = std::ffi::OsString>) -> Result<ExitCode> {
    let (kept, binary) = words.next().zip(words.next()).context("cargo calls this with a file and a test binary")?;
    let binary = PathBuf::from(binary);
    let args: Vec<_> = words.collect();
    let mut command = Command::new(&binary);
    command.args(&args);
    if !tells_times(&binary) {
        return Ok(code(command.status()?));
    }
    unstable(&mut command).stdout(Stdio::piped());
    if std::io::stdout().is_terminal() && !args.iter().any(|arg| arg.to_string_lossy().starts_with("--color")) {
        command.args(["--color", "always"]);
    }
    let mut child = command.spawn().with_context(|| format!("can't run {}", binary.display()))?;
    let lines = pass_on(child.stdout.take().context("standard output is piped")?, std::io::stdout())?;
    let status = child.wait()?;
    let mut kept = fs::OpenOptions::new().create(true).append(true).open(kept)?;
    for (name, seconds) in lines.iter().filter_map(|line| time_of(line)) {
        writeln!(kept, "{seconds} {} {name}", name_of(&binary))?;
    }
    Ok(code(status))
}

/// Returns whether the binary's libtest understands the options.
fn tells_times(binary: &Path) -> bool {
    let mut list = Command::new(binary);
    unstable(list.arg("--list")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    list.status().is_ok_and(|status| status.success())
}

/// Adds the options that show times. libtest only looks whether the variable is set. A rustc that a test runs takes -1
/// for what a release does anyway.
fn unstable(command: &mut Command) -> &mut Command {
    command.args(["-Zunstable-options", "--report-time"]).env("RUSTC_BOOTSTRAP", "-1");
    // The milliseconds after which libtest marks a test as slow; otherwise it marks tests from 50 ms on.
    let marked = "60000,600000";
    command.envs([("RUST_TEST_TIME_UNIT", marked), ("RUST_TEST_TIME_INTEGRATION", marked)])
}

/// Passes everything on as it comes, and returns its lines.
fn pass_on(mut from: impl Read, mut to: impl Write) -> Result<Vec<String>> {
    let mut all = Vec::new();
    let mut chunk = [0; 1 << 12];
    loop {
        let length = from.read(&mut chunk)?;
        if length == 0 {
            return Ok(String::from_utf8_lossy(&all).lines().map(str::to_owned).collect());
        }
        to.write_all(&chunk[..length])?;
        to.flush()?;
        all.extend_from_slice(&chunk[..length]);
    }
}

/// Returns the test and its seconds from a line such as `test a::b ... ok <0.123s>`.
fn time_of(line: &str) -> Option<(&str, f64)> {
    let (name, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let (_, seconds) = result.rsplit_once(" <")?;
    // The code that ends a colour may follow.
    let (seconds, _) = seconds.split_once("s>")?;
    let name = name.strip_suffix(" - should panic").unwrap_or(name);
    Some((name, seconds.parse().ok()?))
}

/// Returns the name of a binary without its hash: `black_box` for `target/debug/deps/black_box-0123456789abcdef`.
fn name_of(binary: &Path) -> String {
    let name = binary.file_stem().unwrap_or_default().to_string_lossy();
    name.rsplit_once('-').map_or(&*name, |(name, _)| name).to_owned()
}

fn code(status: std::process::ExitStatus) -> ExitCode {
    if status.code().is_none() {
        eprintln!("xtask: the test binary was killed: {status}");
    }
    // A test binary that failed ends with 101.
    status.code().map_or(ExitCode::from(101), |code| ExitCode::from(u8::try_from(code).unwrap_or(101)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{name_of, pass_on, time_of};

    #[test]
    fn the_time_of_a_test_is_read_with_and_without_colours() {
        assert_eq!(time_of("test a::b ... ok <0.123s>"), Some(("a::b", 0.123)));
        assert_eq!(
            time_of(
                "test a::b - should panic ... \u{1b}[31mFAILED\u{1b}(B\u{1b}[m\u{1b}[31m <61.500s>\u{1b}(B\u{1b}[m"
            ),
            Some(("a::b", 61.5))
        );
        assert_eq!(time_of("test a::b ... ignored"), None);
        assert_eq!(time_of("test a::b has been running for over 60 seconds"), None);
        assert_eq!(time_of("test result: ok. 1 passed; finished in 0.30s"), None);
    }

    #[test]
    fn bytes_that_are_not_text_are_passed_on() {
        let mut to = Vec::new();
        assert_eq!(pass_on(&b"a\n\xff\n"[..], &mut to).expect("nothing fails"), ["a", "\u{fffd}"]);
        assert_eq!(to, b"a\n\xff\n");
    }

    #[test]
    fn a_binary_is_named_without_its_hash() {
        assert_eq!(name_of(Path::new("target/debug/deps/black_box-0123456789abcdef")), "black_box");
    }
}
