//! `/api/v1`: the same facts as JSON. `openapi.json` describes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use smelt_catalog::holding::Holding;
use smelt_common::error::Result;
use smelt_formats::TableFormat;

use super::app::{App, Asked};
use super::download::file_of;
use crate::frame::Frame;
use crate::lake::{Facts, Seen, changes_of, objects_of, unknown};
use crate::links;
use crate::query::find;
use crate::shell::Refusal;

/// The description of all of it.
const OPENAPI: &str = include_str!("../../assets/openapi.json");
/// The most rows of an answer, and the number if none is asked for.
const MOST_ROWS: usize = 10_000;
const ROWS: usize = 100;
/// The most commits of an answer, of which each may have to be read, and the number if none is asked for.
const MOST_COMMITS: usize = 500;
const COMMITS: usize = 25;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/openapi.json", get(openapi))
        .route("/state", get(state))
        .route("/relations", get(relations))
        .route("/relations/{name}", get(relation))
        .route("/relations/{name}/rows", get(rows))
        .route("/relations/{name}/row", get(row))
        .route("/relations/{name}/history", get(history))
        .route("/relations/{name}/objects", get(objects))
        .route("/quality", get(quality))
        .route("/runs", get(runs))
        .route("/runs/{commit}", get(run))
        .route("/plugins", get(plugins))
        .route("/pages", get(pages))
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// The parts of an answer.
type Parts = Map<String, Value>;

/// Answers with parts that are made for one commit, and the number of the commit.
async fn answer(app: Arc<App>, make: impl Fn(&Seen) -> Result<Parts> + Send + 'static) -> Result<Response, Refusal> {
    answer_with(app, move |seen| Ok((make(seen)?, None::<(_, ())>))).await
}

/// Answers as [`answer`] does, with a further part that holds rows. Those stay texts: a `Value` would round exact numbers, and
/// sort columns by name.
async fn answer_with<T: Serialize>(
    app: Arc<App>,
    make: impl Fn(&Seen) -> Result<(Parts, Option<(&'static str, T)>)> + Send + 'static,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Answer<T> {
        #[serde(flatten)]
        parts: Parts,
        #[serde(flatten)]
        rows: Option<BTreeMap<&'static str, T>>,
        commit: u64,
    }
    app.bytes("application/json", None, move |seen| {
        let (parts, rows) = make(seen)?;
        let rows = rows.map(|rows| BTreeMap::from([rows]));
        let answer = Answer { parts, rows, commit: seen.snapshot().commit() };
        serde_json::to_vec(&answer).map_err(|error| smelt_common::Error::internal(error.to_string()))
    })
    .await
}

fn object(value: Value) -> Parts {
    if let Value::Object(object) = value { object } else { Map::new() }
}

fn skip_and_most(asked: &Asked, of: usize) -> (usize, usize) {
    let number = |name: &str| asked.parameters.get(name).and_then(|text| text.parse::<usize>().ok());
    (number("offset").unwrap_or(0), number("limit").unwrap_or(of).min(MOST_ROWS))
}

/// Returns the last commit that is asked for, and the number of commits.
fn last_and_most(asked: &Asked) -> (u64, usize) {
    let before = asked.parameters.get("before").and_then(|text| text.parse::<u64>().ok());
    let limit = asked.parameters.get("limit").and_then(|text| text.parse::<usize>().ok());
    (before.map_or(u64::MAX, |before| before.saturating_sub(1)), limit.unwrap_or(COMMITS).min(MOST_COMMITS))
}

async fn state(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let pipeline = app.pipeline.clone();
    answer(app, move |seen| {
        let snapshot = seen.snapshot();
        let failing: Vec<_> = Facts::all(&snapshot.state)
            .filter_map(|facts| {
                let (attempts, why) = facts.failing(&snapshot.state)?;
                Some(json!({"name": facts.name, "attempts": attempts, "why": why}))
            })
            .collect();
        Ok(object(json!({
            "pipeline": pipeline,
            "at": snapshot.at,
            "held": Holding::of(&snapshot.state),
            "failing": failing,
        })))
    })
    .await
}

/// A relation in brief.
fn summary(seen: &Seen, facts: &Facts<'_>) -> Value {
    let state = &seen.snapshot().state;
    let made = seen.snapshot().run(seen.store(), facts.commit()).map(|run| run.at.clone());
    json!({
        "name": facts.name,
        "kind": facts.kind,
        "rows": facts.relation.rows,
        "reads": facts.reads(),
        "made_by": facts.by(),
        "made_in": facts.commit(),
        "made_at": made,
        "is_behind": facts.is_behind(state),
        "totals": facts.totals,
    })
}

async fn relations(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    answer(app, |seen| {
        let all: Vec<_> = Facts::all(&seen.snapshot().state).map(|facts| summary(seen, &facts)).collect();
        Ok(object(json!({ "relations": all })))
    })
    .await
}

fn facts_of<'s>(seen: &'s Seen, name: &str) -> Result<Facts<'s>> {
    let state = &seen.snapshot().state;
    Facts::of(state, name).ok_or_else(|| unknown(state, name))
}

async fn relation(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Response, Refusal> {
    answer(app, move |seen| {
        let facts = facts_of(seen, &name)?;
        let columns: Vec<_> = facts
            .relation
            .shape
            .iter()
            .flat_map(|shape| &shape.columns)
            .map(|(name, kind)| {
                json!({"name": name, "type": kind.trim_end_matches('?'), "nullable": kind.ends_with('?')})
            })
            .collect();
        let key: Vec<_> = facts.relation.shape.iter().flat_map(|shape| &shape.key).collect();
        let mut value = object(summary(seen, &facts));
        value.insert("columns".to_owned(), json!(columns));
        value.insert("key".to_owned(), json!(key));
        value.insert("cost".to_owned(), json!(facts.gold.map(|gold| gold.cost)));
        value.insert("file".to_owned(), json!(facts.gold.and_then(|gold| gold.table())));
        Ok(value)
    })
    .await
}

async fn rows(State(app): State<Arc<App>>, Path(name): Path<String>, asked: Asked) -> Result<Response, Refusal> {
    answer_with(app, move |seen| {
        let frame = seen.table(&name)?;
        let (offset, limit) = skip_and_most(&asked, ROWS);
        let question = links::asked(&frame, &asked.parameters);
        let found = find(&frame, &question, offset.saturating_add(limit))?;
        let some = &found.rows[found.rows.len().min(offset)..];
        Ok((object(json!({"total": found.total, "offset": offset})), Some(("rows", rows_as_json(&frame, some)?))))
    })
    .await
}

/// Returns rows as objects, with numbers and missing values as sinks write them.
fn rows_as_json(frame: &Frame, rows: &[u32]) -> Result<Box<RawValue>> {
    raw(file_of(frame, rows, TableFormat::Json)?)
}

/// Returns a row as an object.
fn row_as_json(frame: &Frame, row: u32) -> Result<Box<RawValue>> {
    raw(file_of(frame, &[row], TableFormat::Jsonl)?)
}

fn raw(json: Vec<u8>) -> Result<Box<RawValue>> {
    let internal = |error: &dyn std::fmt::Display| smelt_common::Error::internal(error.to_string());
    let text = String::from_utf8(json).map_err(|error| internal(&error))?;
    RawValue::from_string(text.trim_end().to_owned()).map_err(|error| internal(&error))
}

async fn row(State(app): State<Arc<App>>, Path(name): Path<String>, asked: Asked) -> Result<Response, Refusal> {
    answer_with(app, move |seen| {
        let frame = seen.table(&name)?;
        let found = links::row_of(&frame, &asked.parameters)?;
        let row = found.map(|row| row_as_json(&frame, row)).transpose()?;
        let mut from = Vec::new();
        let mut names = vec![name.clone()];
        while let Some(next) = names.pop() {
            if from.iter().any(|(known, _): &(String, Value)| *known == next) {
                continue;
            }
            // What it was made from may have left the lake since.
            let Some(facts) = Facts::of(&seen.snapshot().state, &next) else { continue };
            names.extend(facts.reads().into_iter().map(ToOwned::to_owned));
            from.push((next, summary(seen, &facts)));
        }
        let from: Vec<_> = from.into_iter().map(|(_, value)| value).collect();
        Ok((object(json!({"from": from})), Some(("row", row))))
    })
    .await
}

async fn history(State(app): State<Arc<App>>, Path(name): Path<String>, asked: Asked) -> Result<Response, Refusal> {
    answer(app, move |seen| {
        let (last, most) = last_and_most(&asked);
        Ok(object(json!({"changes": changes_of(seen, &facts_of(seen, &name)?, last, most)})))
    })
    .await
}

async fn objects(State(app): State<Arc<App>>, Path(name): Path<String>, asked: Asked) -> Result<Response, Refusal> {
    answer(app, move |seen| {
        facts_of(seen, &name)?;
        let (offset, limit) = skip_and_most(&asked, ROWS);
        let (total, objects) = match seen.snapshot().state.datasets.get(&name) {
            Some(dataset) => objects_of(seen.store(), dataset, offset, limit)?,
            None => (0, vec![]),
        };
        Ok(object(json!({"total": total, "offset": offset, "objects": objects})))
    })
    .await
}

async fn quality(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Check {
        despite: Option<Value>,
        verdicts: Box<RawValue>,
    }
    answer_with(app, |seen| {
        let state = &seen.snapshot().state;
        let mut checks = BTreeMap::new();
        for (name, judgement) in &state.checks {
            let despite = judgement.despite.as_ref().map(|despite| json!({"why": despite.why, "at": despite.at}));
            let verdicts = match Facts::of(state, name) {
                Some(_) => {
                    let frame = seen.table(name)?;
                    let all: Vec<u32> = (0..frame.rows().min(MOST_ROWS) as u32).collect();
                    rows_as_json(&frame, &all)?
                }
                None => raw(b"[]".to_vec())?,
            };
            checks.insert(name.clone(), Check { despite, verdicts });
        }
        Ok((object(json!({"datasets": state.totals()})), Some(("checks", checks))))
    })
    .await
}

async fn runs(State(app): State<Arc<App>>, asked: Asked) -> Result<Response, Refusal> {
    answer(app, move |seen| {
        let (last, most) = last_and_most(&asked);
        let runs = seen.snapshot().runs(seen.store(), last, most);
        Ok(object(json!({"runs": runs.iter().map(|run| as_json(&**run)).collect::<Result<Vec<_>>>()?})))
    })
    .await
}

async fn run(State(app): State<Arc<App>>, Path(commit): Path<String>) -> Result<Response, Refusal> {
    answer(app, move |seen| {
        let found = commit.parse().ok().and_then(|commit| seen.snapshot().run(seen.store(), commit));
        let found = found.ok_or_else(|| smelt_common::Error::config(format!("the lake has no commit {commit}")))?;
        Ok(object(json!({"run": as_json(&*found)?})))
    })
    .await
}

fn as_json(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| smelt_common::Error::internal(error.to_string()))
}

async fn plugins(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    answer(app, |seen| {
        let state = &seen.snapshot().state;
        let mut plugins: Vec<Value> = Vec::new();
        for facts in Facts::all(state) {
            let by = facts.by();
            let found = plugins.iter_mut().find(|it| it["plugin"] == by.plugin && it["component"] == by.component);
            match found.and_then(|it| it["makes"].as_array_mut()) {
                Some(makes) => makes.push(json!(facts.name)),
                None => plugins.push(json!({
                    "plugin": by.plugin, "version": by.version, "component": by.component, "contract": by.contract,
                    "bytes": state.components.get(&by.component), "promoted": state.promoted.contains_key(&by.plugin),
                    "makes": [facts.name],
                })),
            }
        }
        Ok(object(json!({ "plugins": plugins })))
    })
    .await
}

async fn pages(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let (pages, _) = app.folder.pages();
    let all: Vec<_> = pages
        .iter()
        .map(|page| {
            let wrong = page.section.as_ref().err().map(ToString::to_string);
            json!({"name": page.name, "title": page.title(), "address": app.links.to(&format!("/pages/{}", page.name)), "wrong": wrong})
        })
        .collect();
    answer(app, move |_| Ok(object(json!({ "pages": all })))).await
}
