//! `smelt plugin lock`: pins the components that the pipeline uses.

use std::process::ExitCode;

use clap::Args;

use crate::common::Common;
use crate::output::{print, print_json};
use crate::pins;
use crate::table::{render, short};
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_engine::manifest::Manifest;
use smelt_engine::pipeline::Lock;

#[derive(Debug, Args)]
#[command(
    after_help = "Without --update, pins stay as they are, and a component that differs from its pin is refused."
)]
pub(super) struct Pinning {
    /// Also pin again what differs: these plugins, or all
    #[arg(long, value_name = "NAME", num_args = 0..)]
    update: Option<Vec<String>>,
}

impl Pinning {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let manifest = Manifest::read(&common.pipeline)?;
        let before = Lock::read(&manifest.lock)?.unwrap_or_default();
        let mut lock = pins::of_current(common, &manifest)?;
        let known: Vec<_> = lock.plugin.iter().map(|pin| pin.name.as_str()).collect();
        if let Some(other) = self.update.iter().flatten().find(|name| !known.contains(&name.as_str())) {
            return Err(Error::config(format!("the pipeline uses no plugin `{other}`; it uses {}", known.join(", "))));
        }
        let mut rows = Vec::new();
        for pin in &mut lock.plugin {
            let old = before.pin(&pin.name);
            let updated = self.update.as_ref().is_some_and(|names| names.is_empty() || names.contains(&pin.name));
            let what = match old {
                None => "new".to_owned(),
                Some(old) if old == pin => "as it was".to_owned(),
                Some(old) if updated => format!("was {} {}", old.version, short(&old.sha256)),
                Some(old) => {
                    // Without --update, another component is refused. Other limits are not: a run refuses them.
                    if self.update.is_none() {
                        old.expect(&pin.sha256)?;
                    }
                    *pin = old.clone();
                    "kept; --update would change it".to_owned()
                }
            };
            rows.push(vec![pin.name.clone(), pin.version.clone(), short(&pin.sha256).to_owned(), what]);
        }
        lock.write(&manifest)?;
        match common.json {
            true => print_json(&lock)?,
            false => {
                print(&render(&["plugin", "version", "sha256", ""], &rows));
                print(&format!("\n{}\n", manifest.lock.display()));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
