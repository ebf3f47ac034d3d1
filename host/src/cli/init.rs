//! `smelt init`.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::ExitCode;

use serde_json::json;

use super::{Common, LAYERS, key_file, print, print_json};
use crate::error::{Kind, Result};
use crate::store::DirStore;
use crate::{Error, digest};

/// Makes what is missing; what is there stays as it is.
pub(super) fn run(common: &Common) -> Result<ExitCode> {
    DirStore::new(&common.lake).create_layers(&LAYERS)?;
    let key = key_file(&common.lake)?;
    let made = !key.exists();
    if made {
        let failed =
            |error: std::io::Error| Error::new(Kind::Unavailable, format!("cannot make `{}`: {error}", key.display()));
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| failed(error.into()))?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&key).map_err(failed)?;
        writeln!(file, "{}", digest::to_hex(&bytes)).map_err(failed)?;
    }
    let lake = fs::canonicalize(&common.lake).unwrap_or_else(|_| common.lake.clone());
    if common.json {
        print_json(&json!({"lake": lake, "key": key, "key_made": made}))?;
    } else {
        let key_note =
            if made { "made, readable by you alone: keep it, and keep it out of the lake" } else { "kept as it is" };
        print(&format!("lake  {}\nkey   {} ({key_note})\n", lake.display(), key.display()));
    }
    Ok(ExitCode::SUCCESS)
}
