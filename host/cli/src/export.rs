//! `smelt export`: writes what the server shows as files.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_engine::manifest::Manifest;
use smelt_server::charts::Locale;
use smelt_server::export::{ExportSettings, export};

use crate::common::Common;
use crate::output::{print, print_json};
use crate::serve::PAGES;

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The place for the pages: one file if it ends in .html, else a directory, which is new, empty or a former export
    #[arg(long, value_name = "DIR|FILE")]
    html: PathBuf,
    /// The language of numbers and dates: de, en, es, fr, it, nl, pl or pt, or one of these with a country, such as de-CH
    #[arg(long, value_name = "LANGUAGE", default_value = "en")]
    locale: String,
}

impl Export {
    /// Reads only the lake and the folder of pages, and runs no component.
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        let manifest = Manifest::read(&common.pipeline)?;
        let settings = ExportSettings {
            pipeline: manifest.pipeline.name.clone(),
            pages: manifest.directory.join(PAGES),
            store: common.existing_lake()?.open()?,
            locale: locale(&self.locale)?,
        };
        let exported = export(settings, &self.html)?;
        for wrong in &exported.wrong {
            tracing::error!("{wrong}");
        }
        match common.json {
            true => print_json(&exported)?,
            false => print(&format!(
                "wrote commit {} to {}: {} pages of the pipeline and {} tables in {}, {} bytes\n",
                exported.commit,
                exported.path.display(),
                exported.pages.len(),
                exported.tables.len(),
                if exported.files == 1 { "one file".to_owned() } else { format!("{} files", exported.files) },
                exported.bytes
            )),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn locale(tag: &str) -> Result<Locale> {
    let locale = Locale::of(tag);
    let language = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    match language(locale.tag()) == language(tag) {
        true => Ok(locale),
        false => Err(Error::config(format!(
            "`--locale {}` is no language that smelt writes numbers in: expected de, en, es, fr, it, nl, pl or pt",
            tag.escape_debug()
        ))),
    }
}
