//! The three files that users edit, read and checked as a whole.

mod bounds;
mod fields;
mod rules;
mod schemas;
#[cfg(test)]
mod tests;
mod thresholds;

pub(crate) use bounds::{Bounds, Limits};
pub(crate) use rules::{Rule, RuleWord};
use schemas::FILE as SCHEMAS;
use smelt_sdk_schema::{Json, Schema, Schemas};
pub(crate) use thresholds::{Compared, DIMENSIONS, Direction, Drift, Every, Floor, Metric, Thresholds};

use crate::pattern;

/// The three files, as far as they are about one dataset.
pub(crate) struct Files<'t> {
    pub(crate) schema: Schema,
    /// Each column as the file of schemas writes it.
    pub(crate) written: Vec<Json<'t>>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) thresholds: Thresholds,
    /// Bounds that win over all else, by the name of their expectation.
    pub(crate) overridden: Vec<(String, Bounds)>,
}

impl<'t> Files<'t> {
    /// Reads the files, and returns what they say of one dataset. All datasets are checked.
    pub(crate) fn read(schemas: &'t str, rules: &str, thresholds: &str, dataset: &str) -> Result<Self, String> {
        let all = Schemas::parse(schemas).map_err(|error| format!("{SCHEMAS}: {error}"))?;
        for (name, schema) in &all.0 {
            for column in &schema.columns {
                if let Some(pattern) = &column.pattern {
                    pattern::compile(pattern).map_err(|error| {
                        format!("{SCHEMAS}: datasets.{name}.columns.{}.pattern: {error}", column.name)
                    })?;
                }
            }
        }
        let schema = all.get(dataset).cloned().ok_or_else(|| {
            let known: Vec<_> = all.0.iter().map(|(name, _)| name.as_str()).collect();
            format!("{SCHEMAS}: datasets: no dataset `{dataset}`; known: {}", known.join(", "))
        })?;
        let rules = rules::read(rules, &all, dataset)?;
        let mut thresholds = thresholds::read(thresholds, &all, dataset)?;
        let known = row_wise(&schema, &rules);
        let overrides = std::mem::take(&mut thresholds.dataset.overrides);
        let mut overridden = Vec::new();
        for (id, bounds, place) in overrides {
            if !known.contains(&id) {
                let known = known.join(", ");
                return Err(place.wrong(format!("no row-wise expectation `{id}`; known: {known}")));
            }
            overridden.push((id, bounds));
        }
        let written = written(schemas, dataset);
        Ok(Self { schema, written, rules, thresholds, overridden })
    }

    /// Returns the bounds of a row-wise expectation: those of the thresholds, else its own, else the defaults.
    pub(crate) fn row_wise(&self, id: &str, own: Option<&Bounds>) -> Bounds {
        let overridden = self.overridden.iter().find(|(known, _)| known == id).map(|(_, bounds)| bounds);
        overridden.or(own).unwrap_or(&self.thresholds.defaults).clone()
    }
}

/// Returns the row-wise expectations that columns have, each with the word and the index of the column.
pub(crate) fn of_columns(schema: &Schema) -> impl Iterator<Item = (&'static str, usize)> {
    schema.columns.iter().enumerate().flat_map(|(index, column)| {
        let words = [
            ("required", column.required),
            ("type", column.kind != smelt_sdk_schema::Type::Text),
            ("in", column.values.is_some()),
            ("range", column.min.is_some() || column.max.is_some()),
            ("match", column.pattern.is_some()),
        ];
        words.into_iter().filter(|(_, has)| *has).map(move |(word, _)| (word, index))
    })
}

fn row_wise(schema: &Schema, rules: &[Rule]) -> Vec<String> {
    let columns = of_columns(schema).map(|(word, index)| format!("{word}.{}", schema.columns[index].name));
    std::iter::once("parse".to_owned()).chain(columns).chain(rules.iter().map(Rule::id)).collect()
}

/// Returns the columns of a dataset as the file writes them. The file is known to be right.
fn written<'t>(schemas: &'t str, dataset: &str) -> Vec<Json<'t>> {
    let json = Json::parse(schemas).ok();
    let mut found = json;
    for key in ["datasets", dataset, "columns"] {
        found = found.and_then(|json| match json {
            Json::Object(members) => members.into_iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        });
    }
    match found {
        Some(Json::Object(members)) => members.into_iter().map(|(_, value)| value).collect(),
        _ => vec![],
    }
}
