//! An export that is a directory: it works from a disk, and from any static host below any path.

use std::path::Path;

use maud::html;
use smelt_common::error::{Kind, Result};
use smelt_formats::TableFormat;

use super::content::{self, Content};
use super::directory::{Directory, rows_file};
use super::places::{Form, Place, Places, below};
use crate::routes::{Sight, bodies};

/// Writes the directory. Returns the number of files, that of their bytes, and the tables that have a page.
pub(super) fn write(sight: &Sight<'_>, to: &Path) -> Result<(usize, u64, Vec<String>)> {
    let directory = Directory::begin(to)?;
    let places = Places::new(sight, Form::Directory(&directory));
    directory.write("assets/page.css", content::style().as_bytes())?;
    directory.write("assets/page.js", content::script().as_bytes())?;
    directory.write("assets/icon.svg", bodies::ICON.as_bytes())?;
    for content in content::pages(&places)?.into_iter().chain(content::lake(&places)?) {
        keep(&places, &directory, &content)?;
    }
    let tables: Vec<_> = places.tables().into_iter().collect();
    for name in &tables {
        match sight.seen.table(name) {
            Ok(frame) => directory.write_with(&rows_file(name), |out| {
                let all: Vec<u32> = (0..frame.rows() as u32).collect();
                bodies::write_rows(&frame, &all, TableFormat::Csv, out)
            })?,
            Err(error) if error.kind() == Kind::Damaged => return Err(error),
            // Its page says why.
            Err(_) => {}
        }
        keep(&places, &directory, &content::table(&places, name, true)?)?;
    }
    drop(places);
    let (files, bytes) = directory.finish(to)?;
    Ok((files, bytes, tables))
}

fn keep(places: &Places<'_>, directory: &Directory, content: &Content) -> Result<()> {
    let Content { place, title, html } = content;
    let assets = html! {
        link rel="stylesheet" href=(asset(place, "page.css"));
        link rel="icon" href=(asset(place, "icon.svg")) type="image/svg+xml";
        script defer src=(asset(place, "page.js")) {}
    };
    let text = content::framed(places, place, title, assets, html)?;
    directory.write(&Directory::file(&place.page), text.as_bytes())
}

fn asset(here: &Place, file: &str) -> String {
    below(here, &format!("assets/{file}"))
}
