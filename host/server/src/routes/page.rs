//! `/pages/<page>`: a page of the pipeline.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use smelt_common::Error;

use super::app::{App, Asked, PlaceOf};
use crate::pages::{csv, render};
use crate::shell::Refusal;

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<Response, Refusal> {
    let place = PlaceOf::Page(name.clone());
    app.page(asked, place, move |sight| {
        let Some(page) = sight.pages.iter().find(|page| page.name == name) else { return Ok(None) };
        let title = page.title().to_owned();
        let body = match &page.section {
            Ok(section) => {
                render(&name, section, sight.seen, &sight.asked.parameters, &sight.asked.locale, &sight.app.links)?
            }
            Err(error) => html! {
                (failed(&title, error))
                p { "Save the file again, and this page shows it at once." }
            },
        };
        Ok(Some((title, body)))
    })
    .await
}

/// Returns the content of a page that cannot be shown.
pub(crate) fn failed(title: &str, error: &Error) -> Markup {
    html! {
        h1 { (title) }
        p.state.failed { strong { "This page cannot be shown" } }
        pre.why { (error.to_string()) }
    }
}

/// `/pages/<page>/<n>.csv`: the rows of a chart.
pub(super) async fn download(
    State(app): State<Arc<App>>,
    Path((name, file)): Path<(String, String)>,
    asked: Asked,
) -> Result<Response, Refusal> {
    let Some(number) = file.strip_suffix(".csv").and_then(|number| number.parse::<usize>().ok()) else {
        return Err(Refusal::not_found("a chart's rows are at `<number>.csv`"));
    };
    let (pages, _) = app.folder.pages();
    let section = pages.iter().find(|page| page.name == name).map(|page| page.section.clone());
    let Some(section) = section else { return Err(Refusal::not_found("there is no such page")) };
    let section = section.map_err(super::app::refusal)?;
    let file = format!("{name}-{number}.csv");
    app.bytes("text/csv; charset=utf-8", Some(file), move |seen| {
        csv(&section, number, seen, &asked.parameters).map_err(|error: Error| error.context(format!("page `{name}`")))
    })
    .await
}
