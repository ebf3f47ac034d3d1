//! `smelt verify`.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Args;

use super::table::{render, thousands};
use super::{Common, print, print_json};
use crate::error::Result;
use crate::integrity::{Found, Problem, Verified, verify};
use crate::progress::Progress;

/// What to read again.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Everything: bronze that was read, silver, quarantine, gold and the catalog
    #[arg(long, required = true)]
    all: bool,
}

impl Verify {
    /// Needs the lake alone, not the pipeline.
    pub(super) fn run(self, common: &Common) -> Result<ExitCode> {
        let lake = common.lake()?;
        lake.expect()?;
        let store = lake.open()?;
        let verified = verify(&*store, &Progress::new(!common.json && std::io::stderr().is_terminal()))?;
        let exit = if verified.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        if common.json {
            print_json(&verified)?;
            return Ok(exit);
        }
        let Verified { sequence, objects, bytes, problems } = verified;
        let mut text = String::new();
        if !problems.is_empty() {
            text.push_str(&render(&["object", "found", "detail"], &problems.into_iter().map(row).collect::<Vec<_>>()));
            text.push('\n');
        }
        let verdict = if exit == ExitCode::SUCCESS { "all is as it was written" } else { "see above" };
        let (objects, bytes) = (thousands(objects as u64), thousands(bytes));
        text.push_str(&format!("{objects} objects with {bytes} bytes read, up to commit {sequence}: {verdict}\n"));
        print(&text);
        Ok(exit)
    }
}

fn row(Problem { object, found, detail }: Problem) -> Vec<String> {
    let found = match found {
        Found::Missing => "missing",
        Found::Damaged => "damaged",
        Found::Foreign => "foreign",
    };
    vec![object, found.to_owned(), detail]
}
