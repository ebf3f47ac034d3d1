//! `/runs`: what commits did.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

use super::app::{App, Asked, PlaceOf, Sight};
use crate::html::{Place, duration, time, whole};
use crate::lake::RunSummary;
use crate::shell::Refusal;

/// The commits of a page.
pub(crate) const MOST: usize = 50;

pub(super) async fn show(State(app): State<Arc<App>>, asked: Asked) -> Result<Response, Refusal> {
    app.page(asked, PlaceOf::Other(Place::Runs), |sight| Ok(Some(("Runs".to_owned(), body(sight))))).await
}

pub(crate) fn body(sight: &Sight<'_>) -> Markup {
    let snapshot = sight.seen.snapshot();
    let newest = sight.asked.parameters.get("before").and_then(|text| text.parse().ok()).unwrap_or(u64::MAX);
    let newest = newest.min(snapshot.commit());
    let runs = snapshot.runs(sight.seen.store(), newest, MOST);
    let older = newest.checked_sub(MOST as u64).filter(|older| *older > 0);
    html! {
        div.page-head { h1 { "Runs" } div.lead { p { "Each commit is one step of the work: what was cleaned, what was made, and the time of the plugins' calls for it." } } }
        section.card {
            (table(sight, &runs))
            @if runs.is_empty() { p.state { "The lake has no commit yet." } }
            nav.pager aria-label="Pages of commits" {
                @if newest < snapshot.commit() { a href=(sight.app.links.to("/runs")) { "Newest" } }
                @if let Some(older) = older { a href={ (sight.app.links.to("/runs")) "?before=" (older) } { "Older" } }
            }
        }
    }
}

/// Returns commits as a table.
pub(super) fn table(sight: &Sight<'_>, runs: &[Arc<RunSummary>]) -> Markup {
    let (links, locale) = (&sight.app.links, &sight.asked.locale);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Commits" { table.data {
            thead { tr { th.num scope="col" { "Commit" } th scope="col" { "At" } th scope="col" { "Role" } th scope="col" { "What" } th.num scope="col" { "Plugins" } } }
            tbody { @for run in runs {
                @let micros: u64 = run.made.iter().map(|(_, micros)| micros).sum();
                tr id={ "commit-" (run.commit) } {
                    th.num scope="row" { a href=(links.to(&format!("/runs/{}", run.commit))) { (run.commit) } }
                    td { (time(&run.at, locale)) }
                    td { (run.role) }
                    td.wrap { (what(run)) }
                    td.num { @if micros > 0 { (duration(micros, locale)) } }
                }
            } }
        } }
    }
}

fn what(run: &RunSummary) -> Markup {
    let objects: u64 = run.changed.iter().map(|(_, cleaned)| cleaned).sum();
    let mut parts: Vec<_> = run.arrived.iter().map(|source| format!("took files of source {source}")).collect();
    if objects > 0 {
        let of: Vec<_> =
            run.changed.iter().filter(|(_, cleaned)| *cleaned > 0).map(|(name, _)| name.as_str()).collect();
        parts.push(format!("cleaned {objects} objects of {}", of.join(", ")));
    }
    if !run.made.is_empty() {
        let names: Vec<_> = run.made.iter().map(|(name, _)| name.as_str()).collect();
        parts.push(match names.len() {
            1..=4 => format!("made {}", names.join(", ")),
            count => format!("made {} and {} more", names[..3].join(", "), count - 3),
        });
    }
    parts.extend(run.promoted.iter().map(|plugin| format!("promoted {plugin}")));
    parts.extend(run.dropped.iter().map(|name| format!("dropped {name}")));
    html! {
        (parts.join("; "))
        @if run.is_held { " " span.badge.warn title={ "held by " (run.failed_checks.join(", ")) } { "held" } }
        @if !run.failing.is_empty() { " " span.badge.bad title=(run.failing.join(", ")) { (run.failing.len()) " failing" } }
    }
}

/// `/runs/<commit>`: one commit.
pub(super) async fn one(
    State(app): State<Arc<App>>,
    Path(commit): Path<String>,
    asked: Asked,
) -> Result<Response, Refusal> {
    app.page(asked, PlaceOf::Other(Place::Runs), move |sight| {
        let snapshot = sight.seen.snapshot();
        let run = commit.parse().ok().and_then(|commit| snapshot.run(sight.seen.store(), commit));
        Ok(run.map(|run| (format!("Commit {}", run.commit), commit_body(sight, &run))))
    })
    .await
}

fn commit_body(sight: &Sight<'_>, run: &RunSummary) -> Markup {
    let (links, locale) = (&sight.app.links, &sight.asked.locale);
    let newest = sight.seen.snapshot().commit();
    html! {
        div.page-head {
            h1 { "Commit " (run.commit) }
            div.lead { p { "Made by role " b { (run.role) } " at " (time(&run.at, locale)) " UTC." } }
        }
        nav.pager aria-label="Neighbours" {
            @if run.commit > 1 { a href=(links.to(&format!("/runs/{}", run.commit - 1))) { "← Commit " (run.commit - 1) } }
            @if run.commit < newest { a href=(links.to(&format!("/runs/{}", run.commit + 1))) { "Commit " (run.commit + 1) " →" } }
        }
        @if run.is_held { p.state.stale { strong { "Tables are held since this commit or an earlier one" } " by " (run.failed_checks.join(", ")) } }
        @if !run.failing.is_empty() { p.state.failed { strong { "Failing" } " " (run.failing.join(", ")) } }
        section.card {
            h2 { "What it changed" }
            @if run.changed.is_empty() && run.made.is_empty() { p.dim { "No dataset and no table." } }
            div.scroll tabindex="0" role="region" aria-label="What it changed" { table.data {
                thead { tr { th scope="col" { "Name" } th.num scope="col" { "Objects cleaned" } th.num scope="col" { "Plugin's time" } } }
                tbody {
                    @for (name, cleaned) in &run.changed {
                        @let made = run.made.iter().find(|(made, _)| made == name);
                        tr {
                            th scope="row" { a href=(links.table(name)) { (name) } }
                            td.num { @if *cleaned > 0 { (whole(*cleaned, locale)) } }
                            td.num { @if let Some((_, micros)) = made { (duration(*micros, locale)) } }
                        }
                    }
                    @for (name, micros) in run.made.iter().filter(|(name, _)| !run.changed.iter().any(|(changed, _)| changed == name)) {
                        tr {
                            th scope="row" { a href=(links.table(name)) { (name) } }
                            td.num {}
                            td.num { (duration(*micros, locale)) }
                        }
                    }
                }
            } }
        }
    }
}
