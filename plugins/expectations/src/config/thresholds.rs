//! `quality_thresholds.yaml`: bounds, weights, and what is compared with earlier objects.

use smelt_sdk::prelude::*;
use smelt_sdk_schema::{Column, Schemas, Type};

use super::bounds::{Bounds, not_negative};
use super::fields::{Fields, Place, list, number, parse, shown, text};
use super::rules::{column, columns};
use super::schemas::schema;
use crate::condition::Condition;
use crate::number::Amount;
use crate::yaml::{Node, Value};

pub(crate) const FILE: &str = "quality_thresholds.yaml";

/// The dimensions of the score, in the order of the words.
pub(crate) const DIMENSIONS: [&str; 8] =
    ["schema", "completeness", "uniqueness", "validity", "consistency", "integrity", "volume", "distribution"];

/// The thresholds of all datasets, and those of one.
#[derive(Debug)]
pub(crate) struct Thresholds {
    pub(crate) defaults: Bounds,
    /// Of the dimensions, in their order.
    pub(crate) weights: Vec<Amount>,
    pub(crate) keep_failing: i64,
    pub(crate) dataset: OfDataset,
}

#[derive(Debug, Default)]
pub(crate) struct OfDataset {
    pub(crate) parse: Option<Bounds>,
    pub(crate) rows: Option<Bounds>,
    pub(crate) completeness: Option<(Option<Vec<usize>>, Bounds)>,
    pub(crate) score: Option<Bounds>,
    /// By the name of an expectation, each with its place.
    pub(crate) overrides: Vec<(String, Bounds, Place)>,
    pub(crate) anomalies: Vec<Anomaly>,
    pub(crate) drifts: Vec<Drift>,
    pub(crate) fresh: Option<Bounds>,
    pub(crate) arrivals: Option<(Every, Bounds)>,
}

/// The period in which an object should arrive.
#[derive(Debug, Clone, Copy, PartialEq, Saved)]
pub(crate) enum Every {
    Day,
    Hour,
}

/// A metric that is compared with that of earlier objects.
#[derive(Debug)]
pub(crate) struct Anomaly {
    /// As it is written.
    pub(crate) name: String,
    pub(crate) metric: Metric,
    pub(crate) compared: Compared,
}

/// The way in which a metric is compared.
#[derive(Debug, Clone, PartialEq, Saved)]
pub(crate) struct Compared {
    pub(crate) last: i64,
    pub(crate) history: i64,
    pub(crate) by_weekday: bool,
    pub(crate) direction: Direction,
    pub(crate) floor: Floor,
    pub(crate) warn: Option<Amount>,
    pub(crate) fail: Option<Amount>,
}

#[derive(Debug, Clone, Copy, PartialEq, Saved)]
pub(crate) enum Direction {
    Both,
    Up,
    Down,
}

/// The least spread that is taken for one.
#[derive(Debug, Clone, PartialEq, Saved)]
pub(crate) enum Floor {
    Number(Amount),
    /// Of the median, in hundredths.
    Percent(Amount),
}

/// A number that an object has.
#[derive(Debug, Clone, PartialEq, Saved)]
pub(crate) enum Metric {
    Rows,
    Bytes,
    Malformed,
    Missing(usize),
    /// The condition as it is written.
    Share(String),
    Distinct(usize),
    Sum(usize),
    Mean(usize),
    Min(usize),
    Max(usize),
}

/// A column whose values are compared with those of earlier objects.
#[derive(Debug)]
pub(crate) struct Drift {
    pub(crate) column: usize,
    pub(crate) last: i64,
    pub(crate) history: i64,
    pub(crate) bounds: Bounds,
}

/// Reads the thresholds of all datasets, and returns those of one.
pub(crate) fn read(file: &str, schemas: &Schemas, dataset: &str) -> Result<Thresholds, String> {
    let ratio = |units, scale| Some(super::Limits::at_most(Amount::new(units, scale)));
    let mut all = Thresholds {
        defaults: Bounds { warn: ratio(0, 0), fail: ratio(5, 2) },
        weights: vec![Amount::new(1, 0); DIMENSIONS.len()],
        keep_failing: 10_000,
        dataset: OfDataset::default(),
    };
    if file.is_empty() {
        return Ok(all);
    }
    let root = parse(FILE, file)?;
    let known = ["version", "defaults", "weights", "keep_failing", "datasets"];
    let fields = Fields::of(Place::of(FILE, &root), &root, &known)?;
    fields.version()?;
    if let Some((node, place)) = fields.find("defaults") {
        all.defaults = Bounds::of(node, place)?;
    }
    if let Some((node, place)) = fields.find("weights") {
        let weights = Fields::of(place, node, &DIMENSIONS)?;
        for (weight, dimension) in all.weights.iter_mut().zip(DIMENSIONS) {
            if let Some(given) = not_negative(&weights, dimension)? {
                *weight = given;
            }
        }
    }
    all.keep_failing = fields.whole("keep_failing", 0, 1_000_000, all.keep_failing)?;
    let Some((node, place)) = fields.find("datasets") else { return Ok(all) };
    for (name, node, place) in Fields::any(place, node)?.each() {
        let schema = schema(schemas, name, &place)?;
        let thresholds = of_dataset(node, place, &schema.columns)?;
        if name == dataset {
            all.dataset = thresholds;
        }
    }
    Ok(all)
}

fn of_dataset(node: &Node, place: Place, schema: &[Column]) -> Result<OfDataset, String> {
    let known = ["parse", "rows", "completeness", "score", "thresholds", "anomalies", "drifts", "fresh", "arrivals"];
    let fields = Fields::of(place, node, &known)?;
    let mut of = OfDataset::default();
    if let Some((node, place)) = fields.find("parse") {
        of.parse = Some(Bounds::of(node, place)?);
    }
    if let Some((node, place)) = fields.find("rows") {
        of.rows = Some(Bounds::limits(&Fields::of(place, node, &["warn", "fail"])?, &["min", "max"])?);
    }
    if let Some((node, place)) = fields.find("completeness") {
        let inner = Fields::of(place, node, &["columns", "warn", "fail"])?;
        let of_columns = inner.find("columns").map(|(node, place)| columns(node, &place, schema)).transpose()?;
        of.completeness = Some((of_columns, Bounds::limits(&inner, &["min"])?));
    }
    if let Some((node, place)) = fields.find("score") {
        of.score = Some(Bounds::limits(&Fields::of(place, node, &["warn", "fail"])?, &["min"])?);
    }
    if let Some((node, place)) = fields.find("thresholds") {
        for (id, node, place) in Fields::any(place, node)?.each() {
            of.overrides.push((id.to_owned(), Bounds::of(node, place.clone())?, place));
        }
    }
    if let Some((node, place)) = fields.find("anomalies") {
        for (node, place) in list(node, &place)? {
            let anomaly = anomaly(node, place.clone(), schema)?;
            if of.anomalies.iter().any(|before| before.name == anomaly.name) {
                return Err(place.wrong(format!("`{}` comes twice", anomaly.name)));
            }
            of.anomalies.push(anomaly);
        }
    }
    if let Some((node, place)) = fields.find("drifts") {
        for (node, place) in list(node, &place)? {
            let drift = drift(node, place.clone(), schema)?;
            if of.drifts.iter().any(|before| before.column == drift.column) {
                return Err(place.wrong(format!("`{}` comes twice", schema[drift.column].name)));
            }
            of.drifts.push(drift);
        }
    }
    if let Some((node, place)) = fields.find("fresh") {
        of.fresh = Some(Bounds::of(node, place)?);
    }
    if let Some((node, place)) = fields.find("arrivals") {
        let inner = Fields::of(place, node, &["every", "warn", "fail"])?;
        inner.get("every")?;
        let every = inner.choice("every", &[("day", Every::Day), ("hour", Every::Hour)])?;
        let bounds = Bounds::greatest(&inner)?;
        let bounds = bounds.ok_or_else(|| inner.place.wrong("needs `warn`, `fail` or both"))?;
        of.arrivals = Some((every, bounds));
    }
    Ok(of)
}

/// Reads `last` and `history`.
fn window(fields: &Fields<'_>) -> Result<(i64, i64), String> {
    let last = fields.whole("last", 1, 1000, 20)?;
    let history = fields.whole("history", 1, 1000, 5.min(last))?;
    match history > last {
        true => Err(fields.place.wrong(format!("`history` {history} is more than `last` {last}"))),
        false => Ok((last, history)),
    }
}

fn anomaly(node: &Node, place: Place, schema: &[Column]) -> Result<Anomaly, String> {
    let known = ["metric", "last", "history", "season", "direction", "floor", "warn", "fail"];
    let fields = Fields::of(place, node, &known)?;
    let (name, place) = fields.text("metric")?;
    let metric = metric(name, &place, schema)?;
    let (last, history) = window(&fields)?;
    let by_weekday = fields.choice("season", &[("none", false), ("weekday", true)])?;
    let directions = [("both", Direction::Both), ("up", Direction::Up), ("down", Direction::Down)];
    let direction = fields.choice("direction", &directions)?;
    let floor = match fields.find("floor") {
        None => Floor::Percent(Amount::new(1, 0)),
        Some((node, place)) => floor(node, &place)?,
    };
    let (warn, fail) = (not_negative(&fields, "warn")?, not_negative(&fields, "fail")?);
    if warn.is_none() && fail.is_none() {
        return Err(fields.place.wrong("needs `warn`, `fail` or both"));
    }
    let compared = Compared { last, history, by_weekday, direction, floor, warn, fail };
    Ok(Anomaly { name: name.to_owned(), metric, compared })
}

fn floor(node: &Node, place: &Place) -> Result<Floor, String> {
    let percent = match &node.value {
        Value::Plain(text) | Value::Quoted(text) => text.strip_suffix('%'),
        Value::List(_) | Value::Map(_) => None,
    };
    let floor = match percent {
        Some(percent) => Amount::parse(percent).map(Floor::Percent),
        None => number(node, place).ok().map(Floor::Number),
    };
    let is_negative = |floor: &Floor| matches!(floor, Floor::Number(by) | Floor::Percent(by) if by.is_negative());
    floor.filter(|floor| !is_negative(floor)).ok_or_else(|| {
        place.wrong(format!("must be a number or a share of the median, such as 0.5 or 1%, is {}", shown(node)))
    })
}

fn metric(name: &str, place: &Place, schema: &[Column]) -> Result<Metric, String> {
    match name {
        "rows" => return Ok(Metric::Rows),
        "bytes" => return Ok(Metric::Bytes),
        "malformed" => return Ok(Metric::Malformed),
        _ => {}
    }
    let call = name.strip_suffix(')').and_then(|name| name.split_once('('));
    let unknown = || {
        let known = "rows, bytes, malformed, missing(column), share(condition), distinct(column), sum(column), \
                     mean(column), min(column), max(column)";
        place.wrong(format!("no metric `{name}`; known: {known}"))
    };
    let (word, argument) = call.ok_or_else(unknown)?;
    let argument = argument.trim();
    let of = || column(argument, place, schema);
    let numeric = || {
        let index = of()?;
        match &schema[index].kind {
            Type::Integer | Type::Decimal { .. } => Ok(index),
            kind => {
                let (column, kind) = (&schema[index].name, kind.name());
                Err(place.wrong(format!("`{word}` is of numbers, but column `{column}` is {kind}")))
            }
        }
    };
    match word.trim() {
        "missing" => of().map(Metric::Missing),
        "distinct" => of().map(Metric::Distinct),
        "sum" => numeric().map(Metric::Sum),
        "mean" => numeric().map(Metric::Mean),
        "min" => numeric().map(Metric::Min),
        "max" => numeric().map(Metric::Max),
        "share" => {
            Condition::parse(argument, schema).map_err(|error| place.wrong(format!("share: {error}")))?;
            Ok(Metric::Share(argument.to_owned()))
        }
        _ => Err(unknown()),
    }
}

fn drift(node: &Node, place: Place, schema: &[Column]) -> Result<Drift, String> {
    let fields = Fields::of(place, node, &["column", "last", "history", "warn", "fail"])?;
    let (node, place) = fields.get("column")?;
    let column = column(text(node, &place)?, &place, schema)?;
    let (last, history) = window(&fields)?;
    let bounds = Bounds::greatest(&fields)?;
    let bounds = bounds.ok_or_else(|| fields.place.wrong("needs `warn`, `fail` or both"))?;
    Ok(Drift { column, last, history, bounds })
}
