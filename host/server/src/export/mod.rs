//! `smelt export`: the pages of a lake as files that need no server, all as of one commit.
//!
//! The server draws the pages. Each of their links and ids then passes through `tags`, and `places` says where in the export
//! each address of the server is. The same commit and pages give the same bytes, so no page has the time of the export.

mod content;
mod directory;
mod file;
mod places;
mod site;
mod tags;
mod text;

use std::path::{Path, PathBuf};

use smelt_common::clock::Clock;
use smelt_common::error::Result;
use smelt_storage::Store;

use crate::address::Parameters;
use crate::charts::Locale;
use crate::lake::Lake;
use crate::links::Links;
use crate::pages::Folder;
use crate::routes::{App, Asked, Sight};
use crate::shell::{Blocking, Events, HttpLimits};

/// What is exported, and how.
pub struct ExportSettings {
    /// The pipeline's name.
    pub pipeline: String,
    /// The folder with its pages, which need not exist.
    pub pages: PathBuf,
    /// The lake.
    pub store: Box<dyn Store>,
    /// The language of numbers and dates.
    pub locale: Locale,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Exported {
    /// The directory, or the file.
    pub path: PathBuf,
    /// The commit that it shows; 0 if the lake has none.
    pub commit: u64,
    /// The number of files.
    pub files: usize,
    /// Their size.
    pub bytes: u64,
    /// The pages of the pipeline.
    pub pages: Vec<String>,
    /// The tables that have a page or a section.
    pub tables: Vec<String>,
    /// What is wrong with pages, one sentence each.
    pub wrong: Vec<String>,
}

/// Writes the pages as static files: to one file if the path ends in `.html`, else to a directory.
///
/// # Errors
/// The lake cannot be read; or the place has what is no former export, or cannot be written.
pub fn export(settings: ExportSettings, to: &Path) -> Result<Exported> {
    let ExportSettings { pipeline, pages, store, locale } = settings;
    let limits = HttpLimits::default();
    let app = App {
        pipeline,
        lake: Lake::open(store)?,
        folder: Folder::at(&pages),
        links: Links::Static,
        events: Events::new(&limits),
        blocking: Blocking::new(&limits),
        clock: Clock::System,
    };
    let (pages, _) = app.folder.pages();
    let asked = Asked { parameters: Parameters::default(), locale, is_logged_in: false };
    let is_file = to.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("html"));
    app.lake.see(|seen| {
        let sight = Sight { app: &app, seen, asked: &asked, pages: &pages, now: app.clock.now() };
        let (files, bytes, tables) = if is_file { file::write(&sight, to)? } else { site::write(&sight, to)? };
        Ok(Exported {
            path: to.to_owned(),
            commit: seen.snapshot().commit(),
            files,
            bytes,
            pages: pages.iter().map(|page| page.name.clone()).collect(),
            tables,
            wrong: pages.iter().filter_map(|page| page.section.as_ref().err()).map(ToString::to_string).collect(),
        })
    })
}
