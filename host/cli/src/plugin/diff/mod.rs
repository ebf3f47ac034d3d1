//! `smelt plugin diff`: shows what another component of a plugin would change.

mod html;
mod sections;
mod text;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::common::Common;
use crate::components::read_file;
use crate::output::{print, print_json};
use smelt_catalog::{State, kept_component};
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, files};
use smelt_engine::inspect::diff::Comparing;
use smelt_engine::run::Host;
use smelt_runtime::plugin_of;

/// The fewest digits of a sha256 that name a component.
const SHORTEST: usize = 8;

#[derive(Debug, Args)]
#[command(after_help = "\
A component is a file, the name of a plugin (which means the component that runs now), or the first digits of the sha256 of a \
component that the lake keeps. Both run over the committed data, and nothing is published.

Exit status: 0 nothing is different, 1 something is, 2 they cannot be compared.")]
pub(super) struct Compare {
    /// The old component
    old: String,
    /// The new component
    new: String,
    /// For a cleaner, compare only this dataset; can be given several times
    #[arg(long, value_name = "NAME")]
    dataset: Vec<String>,
    /// For a cleaner, compare the rows of this many objects of each dataset, spread evenly over all
    #[arg(long, value_name = "N", default_value = "100", value_parser = smelt_common::text::number::<NonZeroU32>)]
    sample: NonZeroU32,
    /// Show this many differences of each kind
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = smelt_common::text::number::<usize>)]
    examples: usize,
    /// Also write an HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl Compare {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let lake = common.existing_lake()?;
        let now = common.host()?;
        let state = now.state()?;
        now.expect_key(&state)?;
        let (old, new) = (find(&self.old, &now, &state)?, find(&self.new, &now, &state)?);
        let plugin = match (old.name, new.name) {
            (Some(one), Some(other)) if one != other => {
                return Err(Error::config(format!(
                    "`{one}` and `{other}` are two plugins; only versions of one plugin can be compared"
                )));
            }
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => {
                return Err(Error::config(
                    "a digest does not say which plugin it is; one of the two must be a file or the name of a plugin",
                ));
            }
        };
        let load = |binary: &Binary| {
            let loaded = common.load(Some((&plugin, binary)));
            loaded.map(|(host, _)| host).map_err(|error| error.context(binary.shown()))
        };
        let (old, new) = (load(&old.binary)?, load(&new.binary)?);
        let comparing = Comparing {
            lake: &lake,
            plugin: &plugin,
            old: &old,
            new: &new,
            datasets: &self.dataset,
            sample: self.sample.get() as usize,
            examples: self.examples,
        };
        let diff = comparing.diff()?;
        if let Some(path) = &self.html {
            files::write(path, html::page(&diff)).map_err(|error| {
                Error::new(Kind::Unavailable, format!("cannot write `{}`: {error}", path.display()))
            })?;
        }
        match common.json {
            true => print_json(&diff)?,
            false => print(&text::text(&diff, self.examples)),
        }
        Ok(if diff.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// A component, and the name of its plugin if that is known.
struct Component {
    name: Option<String>,
    binary: Binary,
}

/// Returns the component that an argument means. A file comes before a plugin, and a plugin before a digest.
fn find(what: &str, now: &Host, state: &State) -> Result<Component> {
    let path = Path::new(what);
    if path.exists() && !path.is_dir() {
        return Ok(Component { name: Some(plugin_of(path)), binary: read_file(path, u64::MAX)? });
    }
    if let Ok(identity) = now.pipeline().identity(what) {
        return Ok(Component { name: Some(what.to_owned()), binary: identity.binary.clone() });
    }
    let known: Vec<_> = state.components.keys().filter(|sha256| sha256.starts_with(what)).collect();
    match known.as_slice() {
        [sha256] if what.len() >= SHORTEST => {
            Ok(Component { name: None, binary: kept_component(now.store(), sha256)? })
        }
        _ => Err(Error::config(format!(
            "`{what}` is no component: a file, a plugin of the pipeline, or at least {SHORTEST} digits of the sha256 of \
             exactly one component that the lake keeps would be right"
        ))),
    }
}
