//! `smelt quarantine list`: shows which bronze objects have rejected rows.

use std::process::ExitCode;

use super::held::{Which, table};
use crate::common::Common;
use crate::output::{print, print_json};
use smelt_common::error::Result;

pub(super) fn run(common: &Common, which: &Which) -> Result<ExitCode> {
    let held = which.held(common, |_, held| Ok(held))?;
    match common.json {
        true => print_json(&held)?,
        false => print(&table(&held)),
    }
    Ok(ExitCode::SUCCESS)
}
