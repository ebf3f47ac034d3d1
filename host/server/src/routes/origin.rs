//! What a relation was made from, down to bronze.

use std::collections::BTreeSet;

use maud::{Markup, html};
use smelt_catalog::State as LakeState;

use super::app::Sight;
use super::graph::graph;
use crate::html::{account, bytes, digest, duration, time, whole};
use crate::lake::Facts;

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
