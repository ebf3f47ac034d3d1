//! `smelt show`: writes the rows of a table.

use std::process::ExitCode;

use clap::Args;

use crate::common::Common;
use crate::output::print;
use smelt_common::error::Result;
use smelt_formats::{Formulas, encode_table};

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A table or KPI
    name: String,
}

impl Show {
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        let body = common.with_host(|host| {
            let table = host.rows(&self.name)?;
            encode_table(table.schema_ref(), std::slice::from_ref(&table), Formulas::Escape)
        })?;
        print(&String::from_utf8_lossy(&body));
        Ok(ExitCode::SUCCESS)
    }
}
