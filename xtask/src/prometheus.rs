//! Finds Prometheus and Alertmanager for the tests, or unpacks Debian's packages of them.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::args::Args;
use crate::{debian, paths};

pub(crate) const HELP: &str = "\
Finds Prometheus and Alertmanager for the tests, and prints the directory of their programs. If there are none, it unpacks
Debian's packages in target/tools/prometheus: 30 MB to fetch, 140 MB of disk. It installs nothing.

Usage: cargo xtask prometheus
";

/// The packages. They are unpacked and not installed: whoever installs them has two services that listen on all addresses.
const PACKAGES: [&str; 2] = ["prometheus", "prometheus-alertmanager"];
/// The programs that tests use.
const PROGRAMS: [&str; 4] = ["prometheus", "promtool", "prometheus-alertmanager", "amtool"];

pub(crate) fn run(args: &mut Args) -> Result<()> {
    args.finish()?;
    println!("{}", find()?.display());
    Ok(())
}

/// Returns the directory of the programs. The error says why there is none.
pub(crate) fn find() -> Result<PathBuf> {
    let unpacked = paths::tools().join("prometheus");
    let places = [unpacked.join("usr/bin"), PathBuf::from("/usr/bin")];
    let has_all = |place: &&PathBuf| PROGRAMS.iter().all(|program| place.join(program).is_file());
    if let Some(found) = places.iter().find(has_all) {
        return Ok(found.clone());
    }
    debian::unpack(&PACKAGES, &unpacked)?;
    let [place, _] = places;
    match has_all(&&place) {
        true => Ok(place),
        false => bail!("Debian's {} lack one of {}", PACKAGES.join(" and "), PROGRAMS.join(", ")),
    }
}
