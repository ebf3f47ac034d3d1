//! `/`: the pipeline as a graph, and how it is.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use smelt_catalog::holding::Holding;

use super::app::{App, Asked, PlaceOf, Sight};
use super::graph::graph;
use super::runs;
use crate::html::{Place, account, whole};
use crate::lake::{Facts, RelationKind};
use crate::shell::Refusal;

/// The commits that are shown.
const RUNS: usize = 8;

pub(super) async fn show(State(app): State<Arc<App>>, asked: Asked) -> Result<Response, Refusal> {
    app.page(asked, PlaceOf::Other(Place::Pipeline), |sight| Ok(Some(("Pipeline".to_owned(), body(sight))))).await
}

pub(crate) fn body(sight: &Sight<'_>) -> Markup {
    let snapshot = sight.seen.snapshot();
    let (state, locale, links) = (&snapshot.state, &sight.asked.locale, &sight.app.links);
    let holding = Holding::of(state);
    let parked: Vec<_> = Facts::all(state).filter_map(|facts| Some((facts.name, facts.failing(state)?))).collect();
    let rows: u64 = Facts::all(state).map(|facts| facts.relation.rows).sum();
    let count = |kind| Facts::all(state).filter(|facts| facts.kind == kind).count() as u64;
    html! {
        div.page-head { h1 { (sight.app.pipeline) } }
        @if state.sequence == 0 {
            p.state { "The lake has no commit yet. " code { "smelt run" } " cleans what bronze holds and makes the tables." }
        } @else {
            div.stats {
                (tile("Last commit", &sight.age(&snapshot.at), &format!("commit {}", state.sequence)))
                (tile("Datasets", &whole(count(RelationKind::Dataset), locale), &[(RelationKind::Table, "table"), (RelationKind::Kpi, "KPI"), (RelationKind::Check, "check")].map(|(kind, word)| counted(count(kind), word)).join(", ")))
                (tile("Rows", &whole(rows, locale), "in all datasets and tables"))
                @let failing = parked.len();
                (tile("State", if holding.is_some() { "Held" } else if failing > 0 { "Failing" } else { "Healthy" },
                    &match (holding.is_some(), failing) {
                        (true, _) => "a check holds newer tables back".to_owned(),
                        (false, 0) => "nothing failed, nothing is held".to_owned(),
                        (false, count) => format!("{count} failing"),
                    }))
            }
        }
        @if let Some(holding) = &holding {
            div.state.stale role="status" {
                strong { "A check holds newer tables back" }
                ul { @for sentence in holding.sentences() { li { (sentence) } } }
            }
        }
        @for (name, (attempts, why)) in &parked {
            p.state.failed role="status" {
                strong { a href=(links.table(name)) { (name) } } " failed " (attempts) " times: " (why)
            }
        }
        section.card { h2 { "What is made from what" } (graph(sight, None)) }
        div.figures {
            section.card.half {
                h2 { "Rows of the datasets" }
                div.scroll tabindex="0" role="region" aria-label="Rows of the datasets" { table.data { tbody { @for facts in Facts::all(state) { @if let Some(totals) = facts.totals {
                    tr { th scope="row" { a href=(links.table(facts.name)) { (facts.name) } } td { (account(totals, locale)) } }
                } } } } }
            }
            section.card.half {
                h2 { a href=(links.to("/runs")) { "Last commits" } }
                (runs::table(sight, &snapshot.runs(sight.seen.store(), snapshot.commit(), RUNS)))
            }
        }
    }
}

fn counted(count: u64, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

fn tile(label: &str, number: &str, note: &str) -> Markup {
    html! { section.stat aria-label=(label) { p.label { (label) } p.number { (number) } p.note { (note) } } }
}
