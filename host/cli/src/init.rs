//! `smelt init`: makes a lake, and the key for its pseudonyms.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::common::Common;
use crate::environment::variable;
use crate::output::{print, print_json};
use smelt_catalog::Catalog;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, digest};

/// Makes the directories or buckets and the key that are missing. What exists stays as it is.
pub(crate) fn run(common: &Common) -> Result<ExitCode> {
    let lake = common.lake()?;
    let key = lake.key_file(&variable)?;
    let place = lake.init()?;
    let made = !key.exists();
    if made {
        let failed =
            |error: std::io::Error| Error::new(Kind::Unavailable, format!("cannot make `{}`: {error}", key.display()));
        let directory = key.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| failed(error.into()))?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&key).map_err(failed)?;
        writeln!(file, "{}", digest::to_hex(&bytes)).map_err(failed)?;
    }
    if made {
        let store = lake.open()?;
        if let Some(key) = Catalog::load(&*store)?.state().pseudonym_key.as_ref() {
            tracing::warn!(
                "this lake was written with another key, `{key}`: put that key in place of the one just made, or accept the new \
                 one with `smelt run --new-key`"
            );
        }
    }
    if common.json {
        print_json(&json!({"lake": place, "key": key, "key_made": made}))?;
    } else {
        let key_note = if made {
            "made, readable by you alone; keep it safe, and keep it out of the lake"
        } else {
            "kept as it is"
        };
        print(&format!("lake  {place}\nkey   {} ({key_note})\n", key.display()));
    }
    Ok(ExitCode::SUCCESS)
}
