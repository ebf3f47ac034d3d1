//! `smelt plugin new`: makes a small project that builds to a component, from the files in `templates/`.

mod project;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use self::project::{Kind, Language};
use crate::common::Common;
use crate::output::{print, print_json};
use smelt_common::error;
use smelt_common::error::Result;
use smelt_common::{Error, files};

#[derive(Debug, Args)]
pub(super) struct New {
    /// The plugin's name: lower-case letters, digits and `-`
    name: String,
    /// The kind of plugin
    #[arg(long, value_enum)]
    kind: Kind,
    /// The language
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// The directory in which to make the project's directory
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
    /// The crate smelt-sdk; by default plugins/sdk of the clone that this smelt was built in or is called in
    #[arg(long, value_name = "PATH")]
    sdk: Option<PathBuf>,
}

impl New {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let Self { name, kind, lang, into, sdk: _ } = self;
        expect_name(name)?;
        let directory = into.join(name);
        if directory.exists() {
            let directory = directory.display();
            return Err(Error::config(format!("`{directory}` exists already; another name or --into would be right")));
        }
        let filled = self.filled()?;
        let files = [lang.files(*kind), kind.fixtures().to_vec()].concat();
        for (path, text) in &files {
            let text = filled.iter().fold((*text).to_owned(), |text, (mark, value)| text.replace(mark, value));
            write(&directory.join(path), &text)?;
        }
        let shown = directory.display();
        match common.json {
            true => print_json(&json!({
                "directory": directory,
                "files": files.iter().map(|(path, _)| path).collect::<Vec<_>>(),
            }))?,
            false => {
                print(&format!("{shown}: {} files\n  cd {shown}\n  sh build.sh\n  {}\n", files.len(), self.test()))
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Returns the placeholders of the files, and what replaces them.
    fn filled(&self) -> Result<Vec<(&'static str, String)>> {
        let Self { name, kind, lang, into: _, sdk } = self;
        let mut filled = vec![
            ("{{test}}", self.test()),
            ("{{manifest}}", self.manifest()),
            ("{{summary}}", kind.summary().to_owned()),
            ("{{language}}", lang.name().to_owned()),
            ("{{kind}}", kind.world().to_owned()),
            ("{{interface}}", kind.interface().to_owned()),
            ("{{file}}", name.replace('-', "_")),
            ("{{name}}", name.clone()),
        ];
        if *lang == Language::Rust {
            let sdk = find_sdk(sdk.as_deref())?;
            // The path is inside quotes in Cargo.toml.
            filled.push(("{{sdk}}", sdk.display().to_string().replace('\\', "\\\\").replace('"', "\\\"")));
        }
        Ok(filled)
    }

    /// Returns the command that tests the component.
    fn test(&self) -> String {
        let limits: Vec<_> = self.lang.limits().iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
        let limits = if limits.is_empty() { String::new() } else { format!(" --limits '{{{}}}'", limits.join(", ")) };
        format!("smelt plugin test {}.wasm --fixtures fixtures{limits}", self.name)
    }

    /// Returns the section of a manifest that uses the plugin.
    fn manifest(&self) -> String {
        let (name, section) = (&self.name, self.name.replace('-', "_"));
        let head = match self.kind {
            Kind::Cleaner => "[dataset.events]\nobjects = \"events_*.csv\"\nformat = \"csv\"".to_owned(),
            Kind::Kpi => format!("[kpi.{section}]"),
            Kind::Source => format!("[source.{section}]"),
        };
        let limits: Vec<_> = self.lang.limits().iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let limits = if limits.is_empty() { String::new() } else { format!("\nlimits = {{ {} }}", limits.join(", ")) };
        format!("{head}\nplugin = \"{name}\"{limits}")
    }
}

/// Refuses a name that could not be the name of a crate, a plugin and, with `_` for `-`, a section.
fn expect_name(name: &str) -> Result<()> {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends = |c: Option<char>| c.is_some_and(|c| c != '-');
    let right = name.len() <= 64
        && name.chars().all(known)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && ends(name.chars().last());
    match right {
        true => Ok(()),
        false => Err(Error::config(format!(
            "`{name}` is no name for a plugin: up to 64 lower-case letters, digits and `-`, beginning with a letter, would be right"
        ))),
    }
}

/// Returns the SDK's crate: the one given, or else the one in a clone of smelt above this program or the working directory.
fn find_sdk(given: Option<&Path>) -> Result<PathBuf> {
    let is_sdk = |path: &Path| path.join("Cargo.toml").is_file() && path.join("src/lib.rs").is_file();
    let absolute = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Some(path) = given {
        return match is_sdk(path) {
            true => Ok(absolute(path)),
            false => Err(Error::config(format!(
                "--sdk: `{}` is no crate; plugins/sdk of a clone would be right",
                path.display()
            ))),
        };
    }
    let starts = [std::env::current_exe().ok(), std::env::current_dir().ok()];
    let found = starts.iter().flatten().flat_map(|start| start.ancestors()).map(|above| above.join("plugins/sdk"));
    let found = found.filter(|path| is_sdk(path)).map(|path| absolute(&path)).next();
    found.ok_or_else(|| {
        Error::config("no smelt-sdk above this program or the working directory; --sdk with plugins/sdk of a clone would be right")
    })
}

fn write(path: &Path, text: &str) -> Result<()> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| files::write(path, text));
    made.map_err(|error| Error::new(error::Kind::Unavailable, format!("cannot write `{}`: {error}", path.display())))
}
