//! The content of the pages of an export, drawn by the server's routes.

use maud::{Markup, html};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

use super::places::{Place, Places, view_id};
use crate::html::{Around, Place as InMenu, halves};
use crate::pages::{Page, Still};
use crate::routes::{Sight, bodies};

/// The style of what only an export has.
const STILL_STYLE: &str = include_str!("../../assets/still.css");
/// The script of what only an export has.
const STILL_SCRIPT: &str = include_str!("../../assets/still.js");

/// A page: its place, its title, and its content with all links.
pub(super) struct Content {
    pub(super) place: Place,
    pub(super) title: String,
    pub(super) html: String,
}

/// Returns the style sheet of all pages.
pub(super) fn style() -> String {
    format!("{}\n{STILL_STYLE}", bodies::style())
}

/// Returns the script of all pages. It is no module, which a browser takes from no file.
pub(super) fn script() -> String {
    let charts = crate::charts::SCRIPT.replace("export function start", "function start");
    format!("(() => {{\n'use strict';\n{charts}\n{STILL_SCRIPT}}})();\n")
}

/// Returns the pages of the pipeline, in the order of the menu.
pub(super) fn pages<'a>(places: &Places<'a>) -> Result<Vec<Content>> {
    let Sight { app, seen, asked, pages, .. } = places.sight;
    let mut stills = Vec::with_capacity(pages.len());
    for page in *pages {
        let Ok(section) = &page.section else { continue };
        let still = Still::of(&page.name, section, seen, &asked.locale, &app.links)?;
        places.add_views(&page.name, still.views.iter().map(|view| view.state.clone()).collect());
        stills.push((&page.name, still));
    }
    // A page may have links to views of others, so all views are known before the first link is placed.
    let mut stills = stills.into_iter().peekable();
    let content = |page: &Page| {
        let place = Place::named("pages", &page.name);
        let html = match &page.section {
            Err(error) => places.placed(&place, &bodies::failed(page.title(), error).into_string())?,
            Ok(_) => {
                let still = stills.next_if(|(name, _)| **name == page.name);
                let (_, still) = still.ok_or_else(|| Error::internal("a page was not drawn"))?;
                still_html(places, &place, still)?
            }
        };
        Ok(Content { place, title: page.title().to_owned(), html })
    };
    pages.iter().map(content).collect()
}

fn still_html(places: &Places<'_>, place: &Place, still: Still) -> Result<String> {
    let Still { head, views } = still;
    let mut html = places.placed(place, &head.into_string())?;
    if let [view] = &views[..] {
        return Ok(html + &places.placed(place, &view.body.0)?);
    }
    for (at, view) in views.into_iter().enumerate() {
        let place = place.part(view_id(at));
        html += &format!("<div class=\"view\" id=\"{}\">", places.id(&place));
        html += &places.placed(&place, &view.body.into_string())?;
        html += "</div>";
    }
    Ok(html)
}

/// Returns the pages of the lake, in the order of the menu.
pub(super) fn lake(places: &Places<'_>) -> Result<Vec<Content>> {
    let sight = places.sight;
    let quality = or_failed("Quality", bodies::quality(sight))?;
    let pages = [
        ("pipeline", "Pipeline", bodies::pipeline(sight)),
        ("tables", "Tables", bodies::tables(sight)),
        ("quality", "Quality", quality),
        ("runs", "Runs", bodies::runs(sight)),
        ("plugins", "Plugins", bodies::plugins(sight)),
    ];
    let content = |(page, title, body): (&str, &str, Markup)| placed(places, Place::page(page), title, &body);
    pages.into_iter().map(content).collect()
}

/// Returns what a table was made from, with its first rows if they are wanted.
pub(super) fn table(places: &Places<'_>, name: &str, with_rows: bool) -> Result<Content> {
    let proof = bodies::proof(places.sight, name)?;
    let body = match with_rows.then(|| bodies::table(places.sight, name)) {
        None => proof,
        Some(Err(error)) if error.kind() != Kind::Damaged => html! { (failed(&error)) (proof) },
        Some(body) => body?,
    };
    placed(places, Place::named("tables", name), name, &body)
}

fn placed(places: &Places<'_>, place: Place, title: &str, body: &Markup) -> Result<Content> {
    let html = places.placed(&place, &body.0)?;
    Ok(Content { place, title: title.to_owned(), html })
}

/// Returns the content, or the reason why the lake cannot give it now.
///
/// # Errors
/// Those after which the lake is to be read again from a newer commit.
fn or_failed(title: &str, body: Result<Markup>) -> Result<Markup> {
    match body {
        Err(error) if error.kind() != Kind::Damaged => Ok(html! { h1 { (title) } (failed(&error)) }),
        body => body,
    }
}

fn failed(error: &Error) -> Markup {
    html! { p.state.failed { strong { "Not available" } " " (error.to_string()) } }
}

/// Returns a whole file with this content, in the frame of the server's pages.
pub(super) fn framed(places: &Places<'_>, here: &Place, title: &str, assets: Markup, content: &str) -> Result<String> {
    let Sight { app, seen, asked, pages, .. } = places.sight;
    let around = Around { assets, trouble: None, ..app.around(asked, seen.snapshot(), pages) };
    let (before, after) = halves(&around, in_menu(here, pages), title);
    Ok([&places.placed_frame(here, &before)?, content, &places.placed_frame(here, &after)?].concat())
}

/// Returns the part of the menu that a page belongs to.
fn in_menu<'p>(here: &Place, pages: &'p [Page]) -> Option<InMenu<'p>> {
    match here.page.split_once('/') {
        Some(("tables", _)) => Some(InMenu::Tables),
        Some(_) => {
            pages.iter().find(|page| Place::named("pages", &page.name) == *here).map(|page| InMenu::Page(&page.name))
        }
        None => match here.page.as_str() {
            "pipeline" => Some(InMenu::Pipeline),
            "tables" => Some(InMenu::Tables),
            "quality" => Some(InMenu::Quality),
            "runs" => Some(InMenu::Runs),
            "plugins" => Some(InMenu::Plugins),
            _ => None,
        },
    }
}
