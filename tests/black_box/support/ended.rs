//! Pipelines written by a test, and how a command ended on them.

use std::path::PathBuf;

use serde_json::Value;

use super::{Lake, root, tables};

/// The components built from `tests/plugins/`.
pub fn fixtures() -> PathBuf {
    let fixtures = root().join("target/components/fixtures");
    let built = fixtures.join("sinner.wasm").exists();
    assert!(built, "the fixtures are missing: run `cargo xtask test`, or `cargo xtask plugins --fixtures` first");
    fixtures
}

/// How a command ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Returns the JSON that `--json` wrote.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }

    /// Returns the failures, as `what: why`.
    pub fn failures(&self) -> Vec<String> {
        let report = self.json();
        let failures = report["failures"].as_array().expect("failures are a list");
        let text = |value: &Value| value.as_str().expect("a failure is text").to_owned();
        failures.iter().map(|failure| format!("{}: {}", text(&failure["what"]), text(&failure["error"]))).collect()
    }
}

impl Lake {
    /// An empty lake for a pipeline with this manifest.
    pub fn with_manifest(manifest: &str) -> Self {
        let mut lake = Self::new();
        lake.set_manifest(manifest);
        lake
    }

    /// From now on works with a pipeline with this manifest.
    pub fn set_manifest(&mut self, manifest: &str) {
        self.pipeline = self.beside("smelt.toml");
        std::fs::write(&self.pipeline, tables::as_asked(manifest).as_bytes()).expect("a manifest can be written");
    }

    /// A path beside the lake, gone with it.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs `smelt <arguments>`, which may fail but neither panic nor be killed.
    pub fn end(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.try_smelt(arguments))
    }

    /// The same with one core.
    pub fn end_on_one_core(&self, arguments: &[&str]) -> Ended {
        let smelt = self.command(arguments);
        let mut command = std::process::Command::new("taskset");
        command.args(["-c", "0"]).arg(smelt.get_program()).args(smelt.get_args());
        for (name, value) in smelt.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Ended::from(command.output().expect("util-linux is installed"))
    }
}

impl From<std::process::Output> for Ended {
    fn from(output: std::process::Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("smelt writes UTF-8");
        let ended = Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(ended.code.is_some_and(|code| (0..=2).contains(&code)), "{}: {}", output.status, ended.stderr);
        // As Rust's own hook writes it; a guest's panic is quoted otherwise.
        assert!(!ended.stderr.contains("\nthread '") && !ended.stderr.starts_with("thread '"), "{}", ended.stderr);
        ended
    }
}
