//! The pages of a folder. A file that is saved is seen at once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use smelt_common::Error;
use smelt_common::error::Result;
use smelt_common::files;
use smelt_common::text::{NAME, is_word};

use super::check::parse;
use super::section::PageSection;

/// The most bytes of the name of a page's file.
const NAME_BYTES: usize = 60;

/// A page of a folder.
#[derive(Debug, Clone)]
pub struct Page {
    /// The name of its file without `.toml`, which is its name in addresses.
    pub name: String,
    /// The page, or the reason why it cannot be shown.
    pub section: Result<PageSection>,
}

impl Page {
    /// Returns the title; for a page that cannot be shown, its name.
    pub fn title(&self) -> &str {
        self.section.as_ref().map_or(self.name.as_str(), |section| section.title.as_str())
    }

    fn place(&self) -> (i64, String) {
        let position = self.section.as_ref().map_or(i64::MAX, |section| section.position);
        (position, self.title().to_lowercase())
    }
}

/// The pages of a pipeline, in the order of the menu.
pub struct Folder {
    path: PathBuf,
    read: Mutex<Read>,
}

/// A file's stamp: another one means that it was saved.
type Stamp = (Option<SystemTime>, u64);

#[derive(Default)]
struct Read {
    stamps: BTreeMap<PathBuf, Stamp>,
    pages: Arc<Vec<Page>>,
    version: u64,
}

impl Folder {
    /// Returns the pages of the folder, which need not exist.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), read: Mutex::default() }
    }

    /// Returns the pages as they are now, and a number that is another one after a change.
    pub fn pages(&self) -> (Arc<Vec<Page>>, u64) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = self.stamps();
        if stamps != read.stamps || read.version == 0 {
            let mut pages: Vec<_> = stamps.keys().filter_map(|file| page(file)).collect();
            pages.sort_by_cached_key(Page::place);
            *read = Read { stamps, pages: Arc::new(pages), version: read.version + 1 };
        }
        (Arc::clone(&read.pages), read.version)
    }

    /// Returns the names of the tables that pages show.
    pub fn tables(&self) -> Vec<String> {
        let (pages, _) = self.pages();
        let sections = pages.iter().filter_map(|page| page.section.as_ref().ok());
        let mut tables: Vec<_> = sections.flat_map(PageSection::tables).map(ToOwned::to_owned).collect();
        tables.sort();
        tables.dedup();
        tables
    }

    fn stamps(&self) -> BTreeMap<PathBuf, Stamp> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let files = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "toml"));
        files
            .filter_map(|path| {
                let metadata = path.metadata().ok()?;
                Some((path, (metadata.modified().ok(), metadata.len())))
            })
            .collect()
    }
}

fn page(file: &Path) -> Option<Page> {
    let name = file.file_stem()?.to_str()?.to_owned();
    let named = format!("page `{}`", file.display());
    if !is_word(&name, &NAME, NAME_BYTES) {
        let why = "its name is its address: expected lower-case letters, digits and `_`";
        return Some(Page { name, section: Err(Error::config(format!("{named}: {why}"))) });
    }
    let text = files::read_text(file, files::TEXT_BYTES).map_err(|error| Error::unreadable(&named, &error));
    Some(Page { name, section: text.and_then(|text| parse(&text).map_err(|error| error.context(&named))) })
}
