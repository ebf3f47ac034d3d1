//! `smelt verify`: whether what the lake holds is what was written, and whether an object can be made again.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::bar::Bar;
use super::table::{render, thousands};
use super::{Common, print, print_json};
use smelt_common::error::Result;
use smelt_common::text::one_line;
use smelt_engine::inspect::Compared;
use smelt_engine::integrity::{Found, Problem, Verified, verify};

/// What to read again.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Make this again from bronze, with the components that made it, and compare: a KPI, or the key of an object of gold, silver or quarantine
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    object: Option<String>,
    /// Read everything again: bronze that was read, silver, quarantine, gold and the catalog
    #[arg(long)]
    all: bool,
}

impl Verify {
    pub(super) fn run(self, common: &Common) -> Result<ExitCode> {
        match &self.object {
            Some(object) => reproduce(common, object),
            None => read_all(common),
        }
    }
}

/// Needs the pipeline, for how bronze is read.
fn reproduce(common: &Common, object: &str) -> Result<ExitCode> {
    let reproduced = common.reproduction(|reproduction| reproduction.reproduce(object))?;
    let exit = if reproduced.is_same() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if common.json {
        print_json(&json!({"same": reproduced.is_same(), "reproduced": reproduced}))?;
        return Ok(exit);
    }
    let row = |Compared { what, recorded, found }: &Compared| {
        vec![what.clone(), recorded.clone(), if recorded == found { "the same".to_owned() } else { found.clone() }]
    };
    let mut text = render(&["", "recorded", "made again"], &reproduced.compared.iter().map(row).collect::<Vec<_>>());
    let verdict = if reproduced.is_same() { "it is what was recorded" } else { "it is not what was recorded" };
    text.push_str(&format!(
        "\n{}: made again from {} bronze objects in {} instructions of its plugins: {verdict}\n",
        one_line(&reproduced.object),
        thousands(reproduced.bronze as u64),
        thousands(reproduced.cost.fuel)
    ));
    print(&text);
    Ok(exit)
}

/// Needs the lake alone, not the pipeline.
fn read_all(common: &Common) -> Result<ExitCode> {
    let lake = common.lake()?;
    lake.expect()?;
    let store = lake.open()?;
    let verified = verify(&*store, &Bar::new(!common.json && std::io::stderr().is_terminal()))?;
    let exit = if verified.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if common.json {
        print_json(&verified)?;
        return Ok(exit);
    }
    let Verified { sequence, objects, bytes, pending, problems } = verified;
    let mut text = String::new();
    if !problems.is_empty() {
        text.push_str(&render(&["object", "found", "detail"], &problems.into_iter().map(row).collect::<Vec<_>>()));
        text.push('\n');
    }
    let verdict = if exit == ExitCode::SUCCESS { "all is as it was written" } else { "see above" };
    let (objects, bytes) = (thousands(objects as u64), thousands(bytes));
    text.push_str(&format!("{objects} objects with {bytes} bytes read, up to commit {sequence}: {verdict}\n"));
    if pending > 0 {
        let pending = thousands(pending as u64);
        text.push_str(&format!("{pending} more may be about to be committed; if not, they are removed as left over\n"));
    }
    print(&text);
    Ok(exit)
}

fn row(Problem { object, found, detail }: Problem) -> Vec<String> {
    let found = match found {
        Found::Missing => "missing",
        Found::Damaged => "damaged",
        Found::Foreign => "foreign",
    };
    vec![object, found.to_owned(), detail]
}
