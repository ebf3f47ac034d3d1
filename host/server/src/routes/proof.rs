//! `/tables/<name>/row?…`: where a row comes from, down to bronze.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use smelt_catalog::State as LakeState;
use smelt_common::error::Result;

use super::app::{App, Asked, PlaceOf, Sight};
use super::graph::graph;
use super::table::objects_body;
use crate::address::Parameters;
use crate::frame::cell;
use crate::html::{Place, account, bytes, digest, duration, time, whole};
use crate::lake::{Facts, RelationKind, unknown};
use crate::links::{self, row_of};
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
    let key =
        found.map(|row| frame.fetch(&[row], frame.key()).map(|key| links::key_of(&frame, &key, 0, row))).transpose()?;
    let has_key = !frame.key().is_empty();
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
        @if facts.totals.is_some() { (objects_body(sight, name, &Parameters::default())?) }
        section.card {
            h2 { "Check it yourself" }
            p { "Each command needs nothing but the lake and the pipeline:" }
            (commands(name, &facts, key.as_deref().filter(|_| has_key).unwrap_or_default()))
        }
    })
}

/// Returns commands that prove the table and the row.
fn commands(name: &str, facts: &Facts<'_>, key: &[(String, String)]) -> Markup {
    let cells: Vec<_> = key.iter().map(|(column, value)| quoted(&format!("{column}={value}"))).collect();
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

/// Returns what a relation was made from: the graph down to datasets, then each step with its component, parameters and account.
pub(super) fn origin(sight: &Sight<'_>, facts: &Facts<'_>) -> Markup {
    let state = &sight.seen.snapshot().state;
    let mut names = BTreeSet::new();
    let mut order = Vec::new();
    collect(state, facts.name, &mut names, &mut order);
    html! {
        (graph(sight, Some(&names)))
        ol.steps { @for name in order { @if let Some(facts) = Facts::of(state, &name) { (step(sight, &facts)) } } }
    }
}

fn collect(state: &LakeState, name: &str, names: &mut BTreeSet<String>, order: &mut Vec<String>) {
    let Some(facts) = Facts::of(state, name) else { return };
    if !names.insert(name.to_owned()) {
        return;
    }
    order.push(name.to_owned());
    for read in facts.reads() {
        collect(state, read, names, order);
    }
}

fn step(sight: &Sight<'_>, facts: &Facts<'_>) -> Markup {
    let (links, locale) = (&sight.app.links, &sight.asked.locale);
    let by = facts.by();
    let run = sight.seen.snapshot().run(sight.seen.store(), facts.commit());
    let told = by.as_of.and_then(chrono::DateTime::from_timestamp_micros).map(|told| told.format("%F").to_string());
    let reads: Vec<_> = facts.reads().into_iter().collect();
    html! {
        li {
            p.step-head { a href=(links.table(facts.name)) { b { (facts.name) } } " " span.kind { (facts.kind.name()) } " · " (whole(facts.relation.rows, locale)) " rows" }
            p {
                "Made by " b { (by.plugin) " " (by.version) } ", component " (digest(&by.component)) ", contract " (by.contract)
                @if by.parameters != "{}" { ", with " code { (by.parameters) } }
                @if !by.host.is_empty() { ", " code { (by.host) } }
                @if let Some(told) = told { ", as of " (told) }
                ", in commit " a href=(links.to(&format!("/runs/{}", facts.commit()))) { (facts.commit()) }
                @if let Some(run) = run { " at " (time(&run.at, locale)) " UTC" }
                "."
            }
            @if !reads.is_empty() { p { "From " @for (at, read) in reads.iter().enumerate() { @if at > 0 { ", " } a href=(links.table(read)) { (read) } } "." } }
            @if let Some(totals) = facts.totals {
                p { "From " a href={ (links.table(facts.name)) "/objects" } { (whole(totals.objects, locale)) " bronze objects" } ": " (account(totals, locale)) "." }
                @if !totals.rejected.is_empty() || !totals.repaired.is_empty() {
                    p.dim {
                        @if !totals.rejected.is_empty() { "Rejected: " (rules(&totals.rejected, sight)) ". " }
                        @if !totals.repaired.is_empty() { "Repaired: " (rules(&totals.repaired, sight)) "." }
                    }
                }
            }
            @if let Some(gold) = facts.gold {
                p.dim {
                    "It took " (duration(gold.cost.micros, locale)) " of the plugin, " (whole(gold.cost.fuel, locale)) " instructions and " (bytes(gold.cost.memory_bytes, locale)) " of its memory."
                    @if let Some(file) = gold.table() { " File " code { (file.key) } ", sha256 " (digest(&file.sha256)) "." }
                }
            }
        }
    }
}

fn rules(rules: &std::collections::BTreeMap<String, u64>, sight: &Sight<'_>) -> String {
    let of = rules.iter().map(|(rule, rows)| format!("{} {rule}", whole(*rows, &sight.asked.locale)));
    of.collect::<Vec<_>>().join(", ")
}
