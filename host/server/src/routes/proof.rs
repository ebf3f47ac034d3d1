//! `/tables/<name>/row?…`: where a row comes from, down to bronze.

use std::sync::Arc;

use arrow_array::RecordBatch;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use smelt_common::error::Result;

use super::app::{App, Asked, PlaceOf, Sight};
use super::objects::objects;
use super::origin::origin;
use crate::address::Parameters;
use crate::frame::cell;
use crate::html::{Place, whole};
use crate::lake::{Facts, RelationKind, unknown};
use crate::links::row_of;
use crate::pages::numbers::{format_of, text_of};
use crate::shell::Refusal;

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<Response, Refusal> {
    app.page(asked, PlaceOf::Other(Place::Tables), move |sight| {
        Ok(Some((format!("Where a row of {name} comes from"), body(sight, &name)?)))
    })
    .await
}

fn body(sight: &Sight<'_>, name: &str) -> Result<Markup> {
    let state = &sight.seen.snapshot().state;
    let facts = Facts::of(state, name).ok_or_else(|| unknown(state, name))?;
    let (app_links, locale) = (&sight.app.links, &sight.asked.locale);
    let frame = sight.seen.table(name)?;
    let found = row_of(&frame, &sight.asked.parameters)?;
    let columns: Vec<usize> = (0..frame.schema().fields().len()).collect();
    let row = found.map(|row| frame.fetch(&[row], &columns)).transpose()?;
    let cells = |row: &RecordBatch| -> Vec<_> {
        let name = |at: usize| frame.schema().field(at).name();
        frame.key().iter().map(|&at| format!("{}={}", name(at), cell(row.column(at), 0).text())).collect()
    };
    let key = row.as_ref().map(cells).unwrap_or_default();
    Ok(html! {
        div.page-head {
            p.crumbs { a href=(app_links.to("/tables")) { "Tables" } " / " a href=(app_links.table(name)) { (name) } }
            h1 { "Where this row comes from" }
        }
        @match &row {
            None => p.state { strong { "There is no such row now" } " The table has " (whole(frame.rows() as u64, locale)) " rows; it may have left with a later commit." },
            Some(row) => section.card {
                h2 { "The row" }
                dl.row { @for (at, field) in frame.schema().fields().iter().enumerate() { div {
                    dt { (field.name()) @if frame.key().contains(&at) { span.kind { "key" } } }
                    dd { (text_of(&cell(row.column(at), 0), &format_of(&frame, at, None), locale)) }
                } } }
            },
        }
        section.card { h2 { "What it was made from" } (origin(sight, &facts)) }
        @if facts.totals.is_some() { (objects(sight, name, &Parameters::default())?) }
        section.card {
            h2 { "Check it yourself" }
            p { "Each command needs nothing but the lake and the pipeline:" }
            (commands(name, &facts, &key))
        }
    })
}

/// Returns commands that prove the table and the row, whose key is these cells.
fn commands(name: &str, facts: &Facts<'_>, key: &[String]) -> Markup {
    let (cells, name): (Vec<_>, _) = (key.iter().map(|cell| quoted(cell)).collect(), quoted(name));
    let row = if cells.is_empty() { " --row".to_owned() } else { format!(" --row {}", cells.join(" ")) };
    html! {
        dl.commands {
            @if facts.kind != RelationKind::Dataset {
                dt { "Which bronze objects this row came from" } dd { code { "smelt lineage " (name) (row) } }
                dt { "Compute the table again, and compare the bytes" } dd { code { "smelt reproduce " (name) } }
            }
            dt { "Read again everything that the lake references" } dd { code { "smelt verify" } }
        }
    }
}

/// Returns a word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"=_-.,:/@+".contains(&byte);
    if word.bytes().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
