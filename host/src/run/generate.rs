//! The source's role: bronze objects from the pipeline's sources.

use std::collections::BTreeMap;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::Host;
use crate::Error;
use crate::catalog::BRONZE;
use crate::error::Result;
use crate::pipeline::SourceStep;
use crate::store::{Durability, put_new};
use crate::wasm::check_parameters;

/// What `generate` is to make.
#[derive(Debug, Clone, Default)]
pub struct Generation {
    /// How many ticks; each makes the objects of every source.
    pub ticks: u64,
    /// The number of the first tick; by default, as many as bronze holds already.
    pub first: Option<u64>,
    /// The time of the first tick; by default, such that the last one is now.
    pub start: Option<DateTime<Utc>>,
    /// The time between ticks.
    pub interval: TimeDelta,
    /// In place of the manifest's seeds.
    pub seed: Option<u64>,
    /// On top of the manifest's parameters.
    pub parameters: Map<String, Value>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Generated {
    /// The keys of the objects that were written.
    pub keys: Vec<String>,
    /// Sources that failed, and why. What they made before stays; the others went on.
    pub failures: Vec<(String, Error)>,
}

impl Host {
    /// The source's role: writes the objects of some ticks.
    pub fn generate(&self, generation: &Generation) -> Result<Generated> {
        self.writing(|| {
            // Whoever cleans has to learn of it.
            self.untidy.fetch_or(!self.damaged().is_empty(), Ordering::Relaxed);
            self.generate_into_bronze(generation)
        })
    }

    fn generate_into_bronze(&self, generation: &Generation) -> Result<Generated> {
        let ticks = i32::try_from(generation.ticks).map_err(|_| Error::config("too many ticks"))?;
        let beyond = || Error::config("the ticks reach beyond the calendar");
        let after = |ticks: i32| generation.interval.checked_mul(ticks).ok_or_else(beyond);
        let start = match generation.start {
            Some(start) => start,
            None => self.clock.now().checked_sub_signed(after((ticks - 1).max(0))?).ok_or_else(beyond)?,
        };
        let (mut keys, mut failures) = (Vec::new(), Vec::new());
        for step in &self.pipeline.sources {
            let mut parameters = step.parameters.clone();
            parameters.extend(generation.parameters.clone());
            let parameters = Value::Object(parameters);
            check_parameters(step.plugin.identity(), &parameters)?;
            let first = generation.first.map_or_else(|| self.next_tick(step), Ok)?;
            self.progress.begin("generating", 0);
            let mut next = first;
            for tick in 0..ticks {
                let at = start.checked_add_signed(after(tick)?).ok_or_else(beyond)?;
                let seed = generation.seed.unwrap_or(step.seed);
                let objects = match step.generate(&parameters.to_string(), seed, next, at.timestamp_micros()) {
                    Ok(objects) => objects,
                    Err(error) => {
                        failures.push((format!("source.{}", step.name), error));
                        break;
                    }
                };
                for object in objects {
                    let dot = object.name.find('.').unwrap_or(object.name.len());
                    let (stem, extension) = object.name.split_at(dot);
                    keys.push(put_new(
                        self.store(),
                        &format!("{BRONZE}{stem}"),
                        '_',
                        extension,
                        &object.bytes,
                        Durability::Durable,
                    )?);
                    self.progress.advance(object.bytes.len() as u64);
                }
                next = next.checked_add(1).ok_or_else(beyond)?;
            }
            self.progress.end();
            self.next_ticks().insert(step.name.clone(), next);
        }
        Ok(Generated { keys, failures })
    }

    /// Counted in bronze once, then from there on: a tick does not list what earlier ones wrote.
    fn next_tick(&self, step: &SourceStep) -> Result<u64> {
        let known = self.next_ticks().get(&step.name).copied();
        known.map_or_else(|| self.ticks_so_far(step), Ok)
    }

    fn next_ticks(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.next_ticks.lock().expect("no one panics while holding it")
    }

    /// How many ticks of the source bronze holds: its objects, over the families that a tick makes.
    fn ticks_so_far(&self, step: &SourceStep) -> Result<u64> {
        let Some((prefix, _)) = step.plugin.spec().objects.first().and_then(|glob| glob.split_once('*')) else {
            return Ok(0);
        };
        Ok(self.store.list(&format!("{BRONZE}{prefix}"), "")?.len() as u64)
    }
}
