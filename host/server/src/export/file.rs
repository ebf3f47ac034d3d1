//! An export that is one file and needs no network.

use std::collections::BTreeSet;
use std::path::Path;

use maud::{PreEscaped, html};
use smelt_common::error::Result;

use super::content::{self, Content};
use super::directory::write_file;
use super::places::{Form, Place, Places};
use super::text::{data_address, policy_source};
use crate::routes::{Sight, bodies};

/// The element by which a former export is known.
const GENERATOR: &str = "<meta name=\"generator\" content=\"smelt export\">";

/// Writes the file. Returns the number of files, that of their bytes, and the tables that have a section.
pub(super) fn write(sight: &Sight<'_>, to: &Path) -> Result<(usize, u64, Vec<String>)> {
    let places = Places::new(sight, Form::File);
    let mut contents = content::pages(&places)?;
    let tables = tables(&places)?;
    contents.extend(content::lake(&places)?);
    contents.extend(tables);
    let mut body = String::new();
    for Content { place, title, html } in &contents {
        let open = html! { section.place id=(places.id(place)) data-title=(title) { (PreEscaped(html)) } };
        body += &open.into_string();
    }
    let (style, script) = (content::style(), content::script());
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        policy_source(&script),
        policy_source(&style)
    );
    let assets = html! {
        meta http-equiv="Content-Security-Policy" content=(policy);
        (PreEscaped(GENERATOR))
        style { (PreEscaped(&style)) }
        link rel="icon" href=(data_address("image/svg+xml", bodies::ICON.as_bytes()));
        script { (PreEscaped(&script)) }
    };
    let (nowhere, title) = (Place::page(""), contents.first().map_or("", |first| first.title.as_str()));
    let text = content::framed(&places, &nowhere, title, assets, &body)?;
    write_file(to, &text, GENERATOR)?;
    Ok((1, text.len() as u64, places.tables().into_iter().collect()))
}

/// Returns the sections of the tables that the pages have links to, and of those that these were made from.
fn tables(places: &Places<'_>) -> Result<Vec<Content>> {
    let (mut done, mut contents) = (BTreeSet::new(), Vec::new());
    while let Some(name) = places.tables().difference(&done).next().cloned() {
        contents.push(content::table(places, &name, false)?);
        done.insert(name);
    }
    places.close();
    contents.sort_by(|one, other| one.title.cmp(&other.title));
    Ok(contents)
}
