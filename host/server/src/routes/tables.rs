//! `/tables`: all relations of the lake.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::app::{App, Asked, PlaceOf, Sight};
use crate::html::{Place, whole};
use crate::lake::{Facts, RelationKind};
use crate::shell::Refusal;

pub(super) async fn show(State(app): State<Arc<App>>, asked: Asked) -> Result<Response, Refusal> {
    app.page(asked, PlaceOf::Other(Place::Tables), |sight| Ok(Some(("Tables".to_owned(), body(sight))))).await
}

pub(crate) fn body(sight: &Sight<'_>) -> Markup {
    let state = &sight.seen.snapshot().state;
    let mut all: Vec<_> = Facts::all(state).collect();
    all.sort_by_key(|facts| (std::cmp::Reverse(facts.kind), facts.name));
    html! {
        div.page-head { h1 { "Tables" } }
        @if all.is_empty() { p.state { "The lake has no dataset and no table yet." } }
        @for (kind, words) in [
            (RelationKind::Kpi, "KPIs: tables of gold"),
            (RelationKind::Table, "Tables of silver"),
            (RelationKind::Check, "Checks: tables of verdicts"),
            (RelationKind::Dataset, "Datasets: the clean rows of bronze"),
        ] {
            @let some: Vec<_> = all.iter().filter(|facts| facts.kind == kind).collect();
            @if !some.is_empty() {
                section.card {
                    h2 { (words) }
                    div.scroll tabindex="0" role="region" aria-label=(words) { table.data {
                        thead { tr {
                            th scope="col" { "Name" } th scope="col" { "Plugin" } th.num scope="col" { "Rows" }
                            th.num scope="col" { "Columns" } th scope="col" { "Changed" } th scope="col" { "" }
                        } }
                        tbody { @for facts in some { (row(sight, facts)) } }
                    } }
                }
            }
        }
    }
}

fn row(sight: &Sight<'_>, facts: &Facts<'_>) -> Markup {
    let run = sight.seen.snapshot().run(sight.seen.store(), facts.commit());
    let columns = facts.relation.shape.as_ref().map_or(0, |shape| shape.columns.len());
    let locale = &sight.asked.locale;
    html! {
        tr {
            th scope="row" { a href=(sight.app.links.table(facts.name)) { (facts.name) } }
            td { (facts.by().plugin) " " span.dim { (facts.by().version) } }
            td.num { (whole(facts.relation.rows, locale)) }
            td.num { (columns) }
            td { @if let Some(run) = &run { span title=(run.at) { (sight.age(&run.at)) } ", commit " (facts.commit()) } }
            td { (badges(sight, facts)) }
        }
    }
}

/// Returns what one must know before trusting the relation.
pub(super) fn badges(sight: &Sight<'_>, facts: &Facts<'_>) -> Markup {
    let state = &sight.seen.snapshot().state;
    let is_held = state.held.as_ref().is_some_and(|held| held.published.contains_key(facts.name));
    html! {
        @if let Some((attempts, why)) = facts.failing(state) { span.badge.bad title=(why) { "failed " (attempts) "×" } " " }
        @if is_held && facts.kind != RelationKind::Check { span.badge.warn title="A check holds newer rows back" { "held" } " " }
        @if facts.is_behind(state) { span.badge title="What it was made from has changed since" { "behind" } " " }
    }
}
