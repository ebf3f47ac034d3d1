//! `smelt publish`: publishes the tables that are held, as a person has decided.

use std::process::ExitCode;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::json;

use crate::common::Common;
use crate::output::{print, print_json};
use crate::report::tell_sinks;
use smelt_common::error::Result;
use smelt_common::text::one_line;

#[derive(Debug, Args)]
#[command(after_help = "\
The lake records the decision: why, when, and about which verdicts. It is about these verdicts as they are. As long as they fail \
in the same way, they hold nothing any more; another verdict does, and so does one of these with other figures, or if it passed in between.")]
pub(crate) struct Publish {
    /// The check whose failed verdicts hold the tables; given several times, several checks
    #[arg(long, value_name = "CHECK", required = true)]
    despite: Vec<String>,
    /// The reason, for those who ask later
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    why: String,
}

impl Publish {
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        let despite = self.despite.into_iter().collect();
        let (held, told) = common.with_host(|host| Ok((host.publish(&despite, &self.why)?, tell_sinks(host))))?;
        if common.json {
            print_json(&json!({"published": held.tables, "despite": held.verdicts, "why": self.why}))?;
            return Ok(told);
        }
        let tables = if held.tables.is_empty() { "no table had changed".to_owned() } else { held.tables.join(", ") };
        let mut text = format!("published: {tables}\n");
        for sentence in held.verdicts() {
            text.push_str(&format!("  despite {}\n", one_line(&sentence)));
        }
        print(&text);
        Ok(told)
    }
}
