//! Replays rejected rows, and only these, through a component, to see which of them it would keep now.

use std::collections::{BTreeMap, HashMap};

use arrow_array::BooleanArray;
use arrow_select::filter::filter_record_batch;
use serde::Serialize;

use super::ledger::Held;
use super::rows;
use crate::pipeline::Pipeline;
use smelt_common::error::Result;
use smelt_common::{Error, workers};
use smelt_storage::layers::BRONZE;
use smelt_storage::{Store, unavailable};

/// The result of a replay of the rejected rows of one dataset.
#[derive(Debug, Default, Serialize)]
pub struct Replayed {
    /// The dataset's name.
    pub dataset: String,
    /// The number of rows that were replayed.
    pub rows: u64,
    /// The number of rows that pass now, by the rule that rejected them before.
    pub passed: BTreeMap<String, u64>,
    /// The number of rows that are rejected again, by the rule that rejects them now. A malformed row is always
    /// rejected again, because it never reaches the component.
    pub rejected: BTreeMap<String, u64>,
}

impl Replayed {
    /// Returns the number of rows that pass.
    pub fn passed(&self) -> u64 {
        self.passed.values().sum()
    }
}

/// Sends rejected rows through the cleaners that the pipeline has for their datasets. The cleaners are told the time
/// `as_of`, in microseconds since the epoch. Writes nothing.
///
/// # Errors
/// A cleaner fails; or quarantine no longer has the rows, and without it no one knows which rows were rejected.
pub fn replay(store: &dyn Store, pipeline: &Pipeline, as_of: i64, held: &[Held]) -> Result<Vec<Replayed>> {
    let mut by_dataset: BTreeMap<&str, Replayed> = BTreeMap::new();
    let replayed = workers::map(held.iter().collect(), |held| (held, replay_object(store, pipeline, as_of, held)));
    for (held, replayed) in replayed {
        let Replayed { rows, passed, rejected, .. } = replayed?;
        let all = by_dataset.entry(&held.dataset).or_default();
        all.dataset.clone_from(&held.dataset);
        all.rows += rows;
        for (all, some) in [(&mut all.passed, passed), (&mut all.rejected, rejected)] {
            some.into_iter().for_each(|(rule, rows)| *all.entry(rule).or_default() += rows);
        }
    }
    Ok(by_dataset.into_values().collect())
}

/// Replays the rejected rows of one object.
fn replay_object(store: &dyn Store, pipeline: &Pipeline, as_of: i64, held: &Held) -> Result<Replayed> {
    let Held { dataset, object, .. } = held;
    let step = pipeline
        .dataset(dataset)
        .ok_or_else(|| Error::config(format!("the manifest lacks [dataset.{dataset}], which has rejected rows")))?;
    let mut replayed = Replayed::default();
    // Maps a row's number to the rule that rejected the row.
    let mut wanted = HashMap::new();
    for row in rows(store, held)? {
        if let (Some(number), Some(rule)) = (row.get("row").and_then(serde_json::Value::as_u64), row.get("rule")) {
            wanted.insert(number, rule.as_str().unwrap_or_default().to_owned());
        }
    }
    let key = format!("{BRONZE}{object}");
    let (meta, reader) = store.open(&key)?;
    let mut decoder = step.decoder(object, meta.bytes, reader, pipeline.decode);
    let mut session = step.open(as_of)?;
    while let Some(batch) = decoder.next_batch().map_err(|error| unavailable("read", &key, &error))? {
        if batch.unreadable {
            // What was decoded before counts no more: the object as a whole is rejected again.
            replayed = Replayed::default();
        }
        for malformed in batch.malformed.iter().filter(|malformed| wanted.contains_key(&malformed.number)) {
            replayed.rows += 1;
            *replayed.rejected.entry(malformed.rule.to_owned()).or_default() += 1;
        }
        let sent: Vec<_> = batch.records.iter().filter_map(|record| wanted.get(&record.number)).collect();
        if sent.is_empty() {
            continue;
        }
        let is_sent: BooleanArray =
            batch.records.iter().map(|record| Some(wanted.contains_key(&record.number))).collect();
        let rows = filter_record_batch(&batch.columns, &is_sent).map_err(|error| Error::internal(error.to_string()))?;
        let cleaned = session.clean(&rows)?;
        replayed.rows += sent.len() as u64;
        for row in cleaned.kept_rows {
            *replayed.passed.entry(sent[row as usize].clone()).or_default() += 1;
        }
        for rejection in cleaned.rejected {
            let rule = step.plugin.spec().rules.get(rejection.rule as usize).map_or("", |rule| rule.name.as_str());
            *replayed.rejected.entry(rule.to_owned()).or_default() += 1;
        }
    }
    Ok(replayed)
}
