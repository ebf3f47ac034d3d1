//! `/tables/<name>`: the rows of a table, its columns, and what it was made from.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use smelt_common::error::Result;
use smelt_formats::TableFormat;

use super::app::{App, Asked, PlaceOf, Sight};
use super::origin::origin;
use super::tables::badges;
use crate::address::query;
use crate::frame::{Frame, cell};
use crate::html::{Place, time, whole};
use crate::lake::{Facts, changes_of, unknown};
use crate::links;
use crate::pages::numbers::{format_of, is_number, text_of};
use crate::query::{Filter, Query, Sort, find};
use crate::shell::Refusal;

/// The rows of a page.
const ROWS: usize = 50;
/// The commits of a page of history.
const CHANGES: usize = 50;
/// The most values of a condition that are named.
const CHIP: usize = 5;
/// The most pages of rows: what comes later is found by a filter, or in the download.
const PAGES: usize = 100_000;

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<Response, Refusal> {
    app.page(asked, PlaceOf::Other(Place::Tables), move |sight| Ok(Some((name.clone(), body(sight, &name)?)))).await
}

/// Returns the head of all pages of a table.
pub(super) fn head(sight: &Sight<'_>, facts: &Facts<'_>, here: &str) -> Markup {
    let table = sight.app.links.table(facts.name);
    let tab = |path: &str, words: &str| {
        html! { a href={ (table) (path) } aria-current=[(here == words).then_some("page")] { (words) } }
    };
    let run = sight.seen.snapshot().run(sight.seen.store(), facts.commit());
    html! {
        div.page-head {
            p.crumbs { a href=(sight.app.links.to("/tables")) { "Tables" } }
            h1 { (facts.name) " " span.kind { (facts.kind.name()) } " " (badges(sight, facts)) }
            p.sub {
                span { (whole(facts.relation.rows, &sight.asked.locale)) " rows" }
                span { "by " (facts.by().plugin) " " (facts.by().version) }
                @if let Some(run) = run { span { "commit " a href=(sight.app.links.to(&format!("/runs/{}", run.commit))) { (run.commit) } ", " (time(&run.at, &sight.asked.locale)) " UTC" } }
            }
            @if !sight.app.links.is_static() { nav.tabs aria-label="Of this table" {
                (tab("", "Rows")) (tab("/history", "History"))
                @if facts.totals.is_some() { (tab("/objects", "Objects")) }
            } }
        }
    }
}

pub(crate) fn body(sight: &Sight<'_>, name: &str) -> Result<Markup> {
    let state = &sight.seen.snapshot().state;
    let facts = Facts::of(state, name).ok_or_else(|| unknown(state, name))?;
    let frame = sight.seen.table(name)?;
    Ok(html! {
        (head(sight, &facts, "Rows"))
        (rows(sight, name, &frame)?)
        (proof(sight, &facts))
        section.card {
            h2 { "Columns" }
            div.scroll tabindex="0" role="region" aria-label="Columns" { table.data {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Type" } th scope="col" { "Missing values" } th scope="col" { "Key" } } }
                tbody { @for (at, (column, kind)) in facts.relation.shape.iter().flat_map(|shape| &shape.columns).enumerate() { tr {
                    th scope="row" { code { (column) } }
                    td { code { (kind.trim_end_matches('?')) } }
                    td { @if kind.ends_with('?') { "allowed" } @else { "never" } }
                    td { @if let Some(place) = frame.key().iter().position(|key| *key == at) { (place + 1) } }
                } } }
            } }
        }
    })
}

fn proof(sight: &Sight<'_>, facts: &Facts<'_>) -> Markup {
    html! { section.card id="proof" { h2 { "Where it comes from" } (origin(sight, facts)) } }
}

/// Returns the head of a table and what it was made from, without its rows.
pub(crate) fn proof_body(sight: &Sight<'_>, name: &str) -> Result<Markup> {
    let state = &sight.seen.snapshot().state;
    let facts = Facts::of(state, name).ok_or_else(|| unknown(state, name))?;
    Ok(html! { (head(sight, &facts, "Rows")) (proof(sight, &facts)) })
}

fn rows(sight: &Sight<'_>, name: &str, frame: &Frame) -> Result<Markup> {
    let (parameters, locale) = (&sight.asked.parameters, &sight.asked.locale);
    let asked = links::asked(frame, parameters);
    let page = parameters.get("page").and_then(|text| text.parse().ok()).unwrap_or(1).clamp(1, PAGES);
    let found = find(frame, &asked, page * ROWS)?;
    let shown = &found.rows[found.rows.len().min((page - 1) * ROWS)..];
    let columns: Vec<usize> = (0..frame.schema().fields().len()).collect();
    let batch = frame.fetch(shown, &columns)?;
    let key = frame.fetch(shown, frame.key())?;
    let formats: Vec<_> = columns.iter().map(|&column| format_of(frame, column, None)).collect();
    let numeric: Vec<_> = frame.schema().fields().iter().map(|field| is_number(field.data_type())).collect();
    let first = (page - 1) * ROWS;
    let table = sight.app.links.table(name);
    let conditions = links::conditions(frame, &asked);
    let with = |extra: &[(&str, &str)]| {
        let kept = conditions.iter().filter(|(name, _)| !extra.iter().any(|(other, _)| other == name));
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        query(kept.chain(extra.iter().copied().filter(|(_, value)| !value.is_empty())))
    };
    Ok(html! {
        section.card {
            @if sight.app.links.is_static() { p.downloads { "Download " a href={ (table) "/rows.csv" } download { "CSV" } } } @else { form.filters method="get" role="search" {
                @for (name, value) in conditions.iter().filter(|(name, _)| name != "q") { input type="hidden" name=(name) value=(value); }
                label.filter { span { "Search" } input type="search" name="q" value=(asked.search.as_deref().unwrap_or_default()) placeholder="Any text column"; }
                noscript { button { "Search" } }
                (chips(frame, &asked, &conditions))
                p.downloads { "Download "
                    @for (at, format) in formats_of_files().enumerate() {
                        @if at > 0 { " · " }
                        a href={ (table) "/rows." (format) (with(&[])) } download { (format.to_uppercase()) }
                    }
                }
            } }
            p.count { @if found.total == frame.rows() { (whole(found.total as u64, locale)) " rows" }
                @else { (whole(found.total as u64, locale)) " of " (whole(frame.rows() as u64, locale)) " rows" } }
            @if shown.is_empty() { p.state { "No row meets what is chosen." } } @else {
                div.scroll tabindex="0" role="region" aria-label={ "Rows of " (name) } { table.data {
                    thead { tr {
                        @for (at, field) in frame.schema().fields().iter().enumerate() { (heading(frame, at, field.name(), numeric[at], &asked, with)) }
                        th scope="col" { span.unseen { "Where from" } }
                    } }
                    tbody { @for (row, &number) in shown.iter().enumerate() { tr {
                        @for at in 0..columns.len() { td .num[numeric[at]] { (text_of(&cell(batch.column(at), row), &formats[at], locale)) } }
                        @let of = links::key_of(frame, &key, row, number);
                        td.from { a.proof href={ (table) "/row" (query(of.iter().map(|(name, value)| (name.as_str(), value.as_str())))) } { "where from" } }
                    } } }
                } }
                nav.pager aria-label="Pages of rows" {
                    @if page > 1 { a rel="prev" href={ (table) (with(&[("page", &(page - 1).to_string())])) } { "← Previous" } }
                    span { "Rows " (whole(first as u64 + 1, locale)) " – " (whole((first + shown.len()) as u64, locale)) }
                    @if first + shown.len() < found.total { a rel="next" href={ (table) (with(&[("page", &(page + 1).to_string())])) } { "Next →" } }
                }
            }
        }
    })
}

/// Returns the ends of names of files that rows are downloaded as. A build may lack Parquet.
fn formats_of_files() -> impl Iterator<Item = &'static str> {
    let formats = [TableFormat::Csv, TableFormat::Json, TableFormat::Parquet];
    formats.into_iter().filter(|format| format.check_built().is_ok()).map(|format| format.extension())
}

/// Returns the head of a column, whose link sorts by it: up, down, then not.
fn heading(
    frame: &Frame,
    at: usize,
    name: &str,
    numeric: bool,
    asked: &Query,
    with: impl Fn(&[(&str, &str)]) -> String,
) -> Markup {
    let sorted = asked.sort.first().filter(|sort| sort.column == at);
    let next = match sorted {
        None => links::sort_word(frame, &Sort { column: at, descending: false }),
        Some(Sort { descending: false, .. }) => links::sort_word(frame, &Sort { column: at, descending: true }),
        Some(Sort { descending: true, .. }) => String::new(),
    };
    let order = sorted.map(|sort| if sort.descending { "descending" } else { "ascending" });
    let is_key = frame.key().contains(&at);
    html! {
        th scope="col" .num[numeric] aria-sort=[order] {
            a href=(with(&[(links::SORT, &next)])) title=[is_key.then_some("part of the key")] { (name) @match order { Some("ascending") => " ↑", Some(_) => " ↓", None => "" } }
        }
    }
}

/// Returns the conditions that hold, each with a link that leaves it out.
fn chips(frame: &Frame, asked: &Query, conditions: &[(String, String)]) -> Markup {
    let without = |column: &str, filter: &Filter| {
        let is_it = |name: &str, value: &str| match filter {
            Filter::Is(_) => name.strip_prefix(links::IS) == Some(column) || name == links::NOTHING && value == column,
            Filter::Range(..) => [links::FROM, links::TO].iter().any(|end| name.strip_prefix(end) == Some(column)),
        };
        let kept = conditions.iter().filter(|(name, value)| !is_it(name, value));
        query(kept.map(|(name, value)| (name.as_str(), value.as_str())))
    };
    html! {
        @for (column, filter) in &asked.filters {
            @let name = frame.schema().field(*column).name();
            @let text = match filter {
                Filter::Is(values) => format!("{name} = {}", values_text(values)),
                Filter::Range(from, to) => format!("{name} {} – {}", from.as_deref().unwrap_or_default(), to.as_deref().unwrap_or_default()),
            };
            a.chip href=(without(name, filter)) title="Leave out this condition" { (text) " ×" }
        }
    }
}

/// Returns the values of a condition in brief.
fn values_text(values: &BTreeSet<String>) -> String {
    let some: Vec<_> =
        values.iter().take(CHIP).map(|it| if it.is_empty() { "no value" } else { it.as_str() }).collect();
    match values.len() {
        0 => "nothing".to_owned(),
        1..=CHIP => some.join(" or "),
        many => format!("{} or one of {} more", some.join(", "), many - CHIP),
    }
}

/// `/tables/<name>/history`: the commits that changed it.
pub(super) async fn history(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<Response, Refusal> {
    app.page(asked, PlaceOf::Other(Place::Tables), move |sight| {
        Ok(Some((format!("History of {name}"), history_body(sight, &name)?)))
    })
    .await
}

fn history_body(sight: &Sight<'_>, name: &str) -> Result<Markup> {
    let state = &sight.seen.snapshot().state;
    let facts = Facts::of(state, name).ok_or_else(|| unknown(state, name))?;
    let (links, locale, parameters) = (&sight.app.links, &sight.asked.locale, &sight.asked.parameters);
    let number = |name: &str| parameters.get(name).and_then(|text| text.parse::<u64>().ok());
    let newest = sight.seen.snapshot().commit();
    let before = number("before").filter(|before| *before <= newest);
    let last = before.map_or(newest, |before| before.saturating_sub(1));
    let changes = changes_of(sight.seen, &facts, last, CHANGES);
    let older = changes.last().filter(|last| changes.len() == CHANGES && last.previous > 0);
    let difference = match (number("from"), number("to")) {
        (Some(from), Some(to)) => Some(difference(sight, &facts, from, to)?),
        _ => None,
    };
    Ok(html! {
        (head(sight, &facts, "History"))
        section.card {
            form.filters method="get" {
                label.filter { span { "Difference from commit" } input type="number" name="from" min="0" max=(newest) value=(number("from").unwrap_or(changes.first().map_or(0, |it| it.previous))); }
                label.filter { span { "to commit" } input type="number" name="to" min="0" max=(newest) value=(number("to").unwrap_or(last)); }
                button { "Show" }
            }
            @if let Some(difference) = difference { (difference) }
        }
        section.card {
            h2 { "Commits that changed it" }
            div.scroll tabindex="0" role="region" aria-label="Commits that changed it" { table.data {
                thead { tr { th.num scope="col" { "Commit" } th scope="col" { "At" } th.num scope="col" { "Rows that came" } th.num scope="col" { "Rows that left" } th scope="col" { "" } } }
                tbody { @for change in &changes { tr {
                    th.num scope="row" { a href=(links.to(&format!("/runs/{}", change.commit))) { (change.commit) } }
                    td { (time(&change.at, locale)) }
                    td.num { @if let Some(rows) = change.came { (whole(rows, locale)) } }
                    td.num { @if let Some(rows) = change.left { (whole(rows, locale)) } }
                    td { @if change.is_reset { span.badge { "made anew" } } @else {
                        a href={ (links.table(name)) "/history?from=" (change.previous) "&to=" (change.commit) } { "what changed" }
                    } }
                } } }
            } }
            @if changes.is_empty() { p.state { "No commit that the lake still has changed it." } }
            nav.pager aria-label="Pages of commits" {
                @if before.is_some() { a href={ (links.table(name)) "/history" } { "Newest" } }
                @if let Some(older) = older { a href={ (links.table(name)) "/history?before=" (older.commit) } { "Older" } }
            }
        }
    })
}

fn difference(sight: &Sight<'_>, facts: &Facts<'_>, from: u64, to: u64) -> Result<Markup> {
    let locale = &sight.asked.locale;
    let found = match crate::lake::difference(sight.seen, facts, from, to) {
        Ok(found) => found,
        Err(error) if error.kind() == smelt_common::error::Kind::Damaged => return Err(error),
        Err(error) => {
            return Ok(
                html! { p.state.failed { strong { "This difference cannot be shown" } " " (error.to_string()) } },
            );
        }
    };
    let schema = found.schema;
    let side = |title: &str, rows: &[(Vec<crate::frame::Cell>, i64)]| {
        html! {
            h3 { (title) ": " (whole(rows.iter().map(|(_, count)| count.unsigned_abs()).sum(), locale)) }
            @if !rows.is_empty() { div.scroll tabindex="0" role="region" aria-label=(title) { table.data {
                thead { tr { @for field in schema.fields() { th scope="col" .num[is_number(field.data_type())] { (field.name()) } } } }
                tbody { @for (row, _) in rows.iter().take(ROWS) { tr { @for (value, field) in row.iter().zip(schema.fields()) {
                    td .num[is_number(field.data_type())] { (value.text()) }
                } } } }
            } } }
            @if rows.len() > ROWS { p.more { "The first " (ROWS) " of " (rows.len()) "." } }
        }
    };
    Ok(html! {
        p { "From commit " b { (from) } " to commit " b { (to) } ":" }
        (side("Rows that came", &found.came)) (side("Rows that left", &found.left))
    })
}

/// `/tables/<name>/objects`: the bronze objects of a dataset.
pub(super) async fn objects(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<Response, Refusal> {
    app.page(asked, PlaceOf::Other(Place::Tables), move |sight| {
        let state = &sight.seen.snapshot().state;
        let facts = Facts::of(state, &name).ok_or_else(|| unknown(state, &name))?;
        Ok(Some((
            format!("Objects of {name}"),
            html! { (head(sight, &facts, "Objects")) (super::objects::objects(sight, &name, &sight.asked.parameters)?) },
        )))
    })
    .await
}
