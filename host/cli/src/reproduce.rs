//! `smelt reproduce`: rebuilds a table or an object from what it was made from, and compares the bytes.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::common::Common;
use crate::output::{print, print_json};
use crate::scope::Day;
use crate::table::{render, thousands};
use smelt_common::error::Result;
use smelt_common::text::one_line;
use smelt_engine::inspect::{Compared, Reproduced};

#[derive(Debug, Args)]
#[command(after_help = "\
smelt rebuilds it from bronze, beside the lake, with the components that the lake has kept and the parameters that were recorded. \
The manifest says how bronze is read.

Exit status: 0 the bytes are the same, 1 they differ, 2 it cannot be rebuilt.")]
pub(crate) struct Reproduce {
    /// A table or KPI, or the key of an object: gold/…, silver/… or quarantine/…
    object: String,
    #[command(flatten)]
    day: Day,
}

impl Reproduce {
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        let reproduced = common.reproduction(|reproduction| reproduction.reproduce(&self.object, self.day.as_of))?;
        let is_same = reproduced.is_same();
        match common.json {
            true => print_json(&json!({"same": is_same, "reproduced": reproduced}))?,
            false => print(&text(&reproduced)),
        }
        Ok(if is_same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn text(reproduced: &Reproduced) -> String {
    let row = |Compared { what, recorded, found }: &Compared| {
        vec![what.clone(), recorded.clone(), if recorded == found { "the same".to_owned() } else { found.clone() }]
    };
    let table = render(&["", "recorded", "rebuilt"], &reproduced.compared.iter().map(row).collect::<Vec<_>>());
    let verdict = if reproduced.is_same() { "it is what was recorded" } else { "it is not what was recorded" };
    format!(
        "{table}\n{}: rebuilt from {} bronze objects in {} instructions of its plugins: {verdict}\n",
        one_line(&reproduced.object),
        thousands(reproduced.bronze as u64),
        thousands(reproduced.cost.fuel)
    )
}
