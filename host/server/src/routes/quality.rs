//! `/quality`: what became of every row, by rule, and what checks say. Rejected rows themselves are never shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use smelt_catalog::holding::Holding;
use smelt_common::Error;
use smelt_common::error::Result;

use super::app::{App, Asked, PlaceOf, Sight};
use crate::charts::{Locale, NumberFormat};
use crate::frame::cell;
use crate::html::{Place, account, whole};
use crate::lake::{Facts, RelationKind};
use crate::pages::numbers::{format_of, is_number, text_of, words_of};
use crate::query::{Filter, Query, find};
use crate::shell::Refusal;

/// The most verdicts of a check that are shown.
const VERDICTS: usize = 200;

pub(super) async fn show(State(app): State<Arc<App>>, asked: Asked) -> Result<Response, Refusal> {
    app.page(asked, PlaceOf::Other(Place::Quality), |sight| Ok(Some(("Quality".to_owned(), body(sight)?)))).await
}

pub(crate) fn body(sight: &Sight<'_>) -> Result<Markup> {
    let state = &sight.seen.snapshot().state;
    let (links, locale) = (&sight.app.links, &sight.asked.locale);
    let mut checks = Vec::new();
    for facts in Facts::all(state).filter(|facts| facts.kind == RelationKind::Check) {
        let verdicts = sight.seen.settled(verdicts(sight, facts.name))?;
        checks.push((facts, verdicts.unwrap_or_else(|error| cannot_be_shown(&error))));
    }
    Ok(html! {
        div.page-head {
            h1 { "Quality" }
            div.lead { p { "No row vanishes: each one that was read is kept, rejected under a named rule, or superseded by another with its key." } }
        }
        @if let Some(holding) = Holding::of(state) {
            div.state.stale role="status" { strong { "A check holds newer tables back" } ul { @for sentence in holding.sentences() { li { (sentence) } } } }
        }
        @for (facts, verdicts) in &checks {
            section.card {
                h2 { "Check " a href=(links.table(facts.name)) { (facts.name) } }
                @if let Some(judgement) = state.checks.get(facts.name) && let Some(despite) = &judgement.despite {
                    p.state { strong { "Published despite it" } " at " (despite.at) ": " (despite.why) }
                }
                (verdicts)
            }
        }
        @for facts in Facts::all(state) { @if let Some(totals) = facts.totals {
            section.card {
                h2 { "Dataset " a href=(links.table(facts.name)) { (facts.name) } }
                p { (account(totals, locale)) " · " (whole(totals.objects, locale)) " objects" }
                @if totals.rejected.is_empty() && totals.repaired.is_empty() { p.dim { "No rule rejected or repaired a row." } } @else {
                    div.figures.rules {
                        (rules("Rejected", &totals.rejected, totals.read, locale))
                        (rules("Repaired", &totals.repaired, totals.read, locale))
                    }
                }
            }
        } }
    })
}

fn cannot_be_shown(error: &Error) -> Markup {
    html! { p.state.failed { strong { "These verdicts cannot be shown" } " " (error.to_string()) } }
}

/// Returns rows by rule, the most first, each with a bar for its share of what was read.
fn rules(title: &str, rules: &BTreeMap<String, u64>, read: u64, locale: &Locale) -> Markup {
    let mut rules: Vec<_> = rules.iter().collect();
    rules.sort_by_key(|(name, rows)| (std::cmp::Reverse(**rows), *name));
    let most = rules.first().map_or(1, |(_, rows)| **rows).max(1);
    html! {
        div.part.half {
            h3 { (title) }
            @if rules.is_empty() { p.dim { "Nothing." } } @else { table.data.bars {
                thead { tr { th scope="col" { "Rule" } th.num scope="col" { "Rows" } th.num scope="col" { "Of read" } th scope="col" { span.unseen { "As a bar" } } } }
                tbody { @for (name, rows) in rules { tr {
                    th scope="row" { (name) }
                    td.num { (whole(*rows, locale)) }
                    td.num { (NumberFormat::Percent(2).text(*rows as f64 / read.max(1) as f64, locale)) }
                    td.bar { svg width="100%" height="10" aria-hidden="true" { rect width={ (format!("{:.1}", 100.0 * *rows as f64 / most as f64)) "%" } height="10" rx="2" {} } }
                } } }
            } }
        }
    }
}

/// Returns what a check says, with what is not met first.
fn verdicts(sight: &Sight<'_>, name: &str) -> Result<Markup> {
    let (frame, locale) = (sight.seen.table(name)?, &sight.asked.locale);
    let is_truth = |column: &usize| *frame.schema().field(*column).data_type() == DataType::Boolean;
    let unmet = match frame.column("passed").filter(is_truth) {
        Some(passed) => {
            let filters = vec![(passed, Filter::is("false"))];
            find(&frame, &Query { filters, ..Query::default() }, VERDICTS)?
        }
        None => Arc::default(),
    };
    let others = (0..frame.rows() as u32).filter(|row| unmet.rows.binary_search(row).is_err());
    let order: Vec<u32> = unmet.rows.iter().copied().chain(others).take(VERDICTS).collect();
    let columns: Vec<usize> = (0..frame.schema().fields().len()).collect();
    let rows: RecordBatch = frame.fetch(&order, &columns)?;
    let numeric: Vec<_> = rows.schema().fields().iter().map(|field| is_number(field.data_type())).collect();
    Ok(html! {
        p { @if unmet.total == 0 { span.badge.good { "all met" } } @else { span.badge.bad { (whole(unmet.total as u64, locale)) " not met" } } " " (whole(frame.rows() as u64, locale)) " expectations" }
        div.scroll tabindex="0" role="region" aria-label={ "Verdicts of " (name) } { table.data {
            thead { tr { @for (at, field) in rows.schema().fields().iter().enumerate() { th scope="col" .num[numeric[at]] { (words_of(field.name(), None)) } } } }
            tbody { @for row in 0..rows.num_rows() { tr .unmet[row < unmet.rows.len()] { @for at in 0..rows.num_columns() {
                td .num[numeric[at]] { (text_of(&cell(rows.column(at), row), &format_of(&frame, at, None), locale)) }
            } } } }
        } }
        @if order.len() < frame.rows() { p.more { "The first " (order.len()) " are shown; " a href=(sight.app.links.table(name)) { "the table" } " has all." } }
    })
}
