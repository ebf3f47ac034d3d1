//! `smelt verify`: reads again everything that the catalog references, and compares it with what the catalog says.

use std::process::ExitCode;

use crate::bar::Bar;
use crate::common::Common;
use crate::output::{print, print_json};
use crate::table::{render, thousands};
use smelt_common::error::Result;
use smelt_engine::integrity::{Defect, Problem, Verified, verify};

/// Reads only the lake, and needs no pipeline. The exit status is 1 if an object is missing, damaged or foreign.
pub(crate) fn run(common: &Common) -> Result<ExitCode> {
    let store = common.existing_lake()?.open()?;
    let verified = verify(&*store, &Bar::new(common.json))?;
    let exit = if verified.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    match common.json {
        true => print_json(&verified)?,
        false => print(&text(verified)),
    }
    Ok(exit)
}

fn text(Verified { sequence, objects, bytes, pending, problems }: Verified) -> String {
    let mut text = String::new();
    let verdict = if problems.is_empty() { "all is as it was written" } else { "see above" };
    if !problems.is_empty() {
        text.push_str(&render(&["object", "found", "detail"], &problems.into_iter().map(row).collect::<Vec<_>>()));
        text.push('\n');
    }
    let (objects, bytes) = (thousands(objects as u64), thousands(bytes));
    text.push_str(&format!("{objects} objects with {bytes} bytes read, up to commit {sequence}: {verdict}\n"));
    if pending > 0 {
        let pending = thousands(pending as u64);
        text.push_str(&format!(
            "{pending} more may be about to be committed; if not, they are orphans, and a host deletes them\n"
        ));
    }
    text
}

fn row(Problem { object, found, detail }: Problem) -> Vec<String> {
    let found = match found {
        Defect::Missing => "missing",
        Defect::Damaged => "damaged",
        Defect::Foreign => "foreign",
    };
    vec![object, found.to_owned(), detail]
}
