//! `smelt show`: writes the rows of a table.

use std::process::ExitCode;

use clap::Args;

use crate::common::Common;
use crate::output::print;
use smelt_common::error::Result;
use smelt_formats::{Formulas, encode_table};

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A table, KPI or check
    name: String,
    /// Also show rows that are made and not published, because a check failed
    #[arg(long)]
    newest: bool,
}

impl Show {
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        let table = common.with_host(|host| match !self.newest && host.shows_former(&self.name)? {
            true => common.reproduction(|reproduction| reproduction.rows(&self.name)),
            false => host.rows(&self.name, self.newest),
        })?;
        let body = encode_table(table.schema_ref(), std::slice::from_ref(&table), Formulas::Escape)?;
        print(&String::from_utf8_lossy(&body));
        Ok(ExitCode::SUCCESS)
    }
}
