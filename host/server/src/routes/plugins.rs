//! `/plugins`: the components that made what the lake holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::app::{App, Asked, PlaceOf, Sight};
use crate::html::{Place, bytes, digest, duration, whole};
use crate::lake::Facts;
use crate::shell::Refusal;

pub(super) async fn show(State(app): State<Arc<App>>, asked: Asked) -> Result<Response, Refusal> {
    app.page(asked, PlaceOf::Other(Place::Plugins), |sight| Ok(Some(("Plugins".to_owned(), body(sight))))).await
}

pub(crate) fn body(sight: &Sight<'_>) -> Markup {
    let state = &sight.seen.snapshot().state;
    let (links, locale) = (&sight.app.links, &sight.asked.locale);
    let mut plugins: BTreeMap<(&str, &str), Vec<Facts<'_>>> = BTreeMap::new();
    for facts in Facts::all(state) {
        plugins.entry((&facts.by().plugin, &facts.by().component)).or_default().push(facts);
    }
    html! {
        div.page-head {
            h1 { "Plugins" }
            div.lead { p { "Each is a sandboxed component: it computes, and sees neither clock nor files nor network. The digest is that of its bytes, of which the lake keeps a copy." } }
        }
        @if plugins.is_empty() { p.state { "No plugin has made anything yet." } }
        section.card { div.scroll tabindex="0" role="region" aria-label="Plugins" { table.data {
            thead { tr {
                th scope="col" { "Plugin" } th scope="col" { "Version" } th scope="col" { "Contract" } th scope="col" { "Digest" }
                th.num scope="col" { "Size" } th scope="col" { "Makes" } th.num scope="col" { "Last call" } th.num scope="col" { "Instructions" } th.num scope="col" { "Memory" }
            } }
            tbody { @for ((plugin, component), made) in &plugins {
                @let by = made[0].by();
                @let golds: Vec<_> = made.iter().filter_map(|facts| facts.gold).collect();
                tr {
                    th scope="row" {
                        (plugin)
                        @if let Some(promotion) = state.promoted.get(*plugin) { " " span.badge title={ "in place of " (promotion.from) } { "promoted" } }
                    }
                    td { (by.version) } td { (by.contract) } td { (digest(component)) }
                    td.num { @if let Some(size) = state.components.get(*component) { (bytes(*size, locale)) } }
                    td.wrap { @for (at, facts) in made.iter().enumerate() { @if at > 0 { ", " } a href=(links.table(facts.name)) { (facts.name) } } }
                    td.num { @if !golds.is_empty() { (duration(golds.iter().map(|gold| gold.cost.micros).sum(), locale)) } }
                    td.num { @if !golds.is_empty() { (whole(golds.iter().map(|gold| gold.cost.fuel).sum(), locale)) } }
                    td.num { @if let Some(most) = golds.iter().map(|gold| gold.cost.memory_bytes).max() { (bytes(most, locale)) } }
                }
            } }
        } } }
    }
}
