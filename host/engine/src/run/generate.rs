//! The source's role: writes the bronze objects that the pipeline's sources make.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::host::Host;
use crate::pipeline::GeneratorStep;
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_common::workers;
use smelt_runtime::{Object, Tick};
use smelt_storage::layers::BRONZE;
use smelt_storage::{Durability, NewObject, Store, unavailable};

/// The ticks that `generate` makes.
#[derive(Debug, Clone, Default)]
pub struct Generation {
    /// The number of ticks; each makes the objects of every source.
    pub ticks: u64,
    /// The number of the first tick. By default, as many as bronze holds already.
    pub first: Option<u64>,
    /// The time of the first tick. By default, such that the last one is now.
    pub start: Option<DateTime<Utc>>,
    /// The time between ticks.
    pub interval: TimeDelta,
    /// The seed that replaces the manifest's seeds.
    pub seed: Option<u64>,
    /// Parameters that are added to the manifest's.
    pub parameters: Map<String, Value>,
}

/// The result of `generate`.
#[derive(Debug, Default)]
pub struct Generated {
    /// The keys of the objects that were written.
    pub keys: Vec<String>,
    /// The directories that got them, for people.
    pub places: BTreeSet<String>,
    /// The sources that failed, each with the error. What they made before stays, and the others went on.
    pub failures: Vec<(String, Error)>,
}

impl Host {
    /// Runs the source's role: writes the objects of some ticks.
    pub fn generate(&self, generation: &Generation) -> Result<Generated> {
        self.writing(|| {
            // The next host that cleans has to learn that datasets are damaged.
            self.orphaned.fetch_or(!self.damaged().is_empty(), Ordering::Relaxed);
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
        let time_of = |tick| start.checked_add_signed(after(tick)?).ok_or_else(beyond);
        // Names of objects have years of four digits, as do the formats that smelt writes.
        let last = time_of((ticks - 1).max(0))?;
        if [start, last].iter().any(|at| !(0..=9999).contains(&at.year())) {
            return Err(beyond());
        }
        let mut generated = Generated::default();
        for step in &self.pipeline.sources {
            let with_more = match generation.parameters.is_empty() {
                true => None,
                false => Some(step.with(&generation.parameters)?),
            };
            let step = with_more.as_ref().unwrap_or(step);
            let (store, prefix) = self.door(step);
            generated.places.insert(store.locate(prefix).trim_end_matches('/').to_owned());
            let seed = generation.seed.unwrap_or(step.seed);
            self.progress.begin("generating", 0);
            // An error from here on concerns this source alone. If the lake itself fails, the other roles report it.
            let made = generation.first.map_or_else(|| self.next_tick(step), Ok).and_then(|first| {
                (0..ticks).zip(first..).try_for_each(|(tick, number)| {
                    let starts = time_of(tick)?;
                    // Nothing is stamped with the end of the last tick, so it may lie beyond the calendar.
                    let ends = starts.checked_add_signed(generation.interval).unwrap_or(DateTime::<Utc>::MAX_UTC);
                    let [starts, ends] = [starts, ends].map(|at| at.timestamp_micros());
                    let objects = step.generate(Tick { seed, number, starts, ends })?;
                    self.put_all(step, objects, &mut generated.keys)?;
                    self.next_ticks().insert(step.name.clone(), number.saturating_add(1));
                    Ok(())
                })
            });
            self.progress.end();
            generated.failures.extend(made.err().map(|error| (format!("source.{}", step.name), error)));
        }
        Ok(generated)
    }

    /// Puts what a source made into bronze: side by side, but objects of one name in their order. Tries all of them and
    /// returns the first error.
    fn put_all(&self, step: &GeneratorStep, objects: Vec<Object>, keys: &mut Vec<String>) -> Result<()> {
        let mut by_name: BTreeMap<String, Vec<(usize, Vec<u8>)>> = BTreeMap::new();
        for (number, Object { name, bytes }) in objects.into_iter().enumerate() {
            by_name.entry(name).or_default().push((number, bytes));
        }
        let put = workers::map_waiting(by_name.into_iter().collect(), |(name, bodies)| {
            let put = |(number, body): (usize, Vec<u8>)| (number, self.put(step, &name, &body));
            bodies.into_iter().map(put).collect::<Vec<_>>()
        });
        let mut put: Vec<_> = put.into_iter().flatten().collect();
        put.sort_unstable_by_key(|(number, _)| *number);
        let mut first = Ok(());
        for (_, put) in put {
            match put {
                Ok(key) => keys.push(key),
                Err(error) => first = first.and(Err(error)),
            }
        }
        first
    }

    /// Puts one object into bronze. If other content has its name, the object gets another name of its family. The host
    /// remembers how many of the family are taken, so a source that uses one name for all does not get slower with each
    /// object.
    fn put(&self, step: &GeneratorStep, name: &str, body: &[u8]) -> Result<String> {
        let (store, prefix) = self.door(step);
        let key = |attempt| format!("{prefix}{}", step.numbered(name, attempt));
        let own = key(1);
        let taken = || self.taken.lock().expect("no one panics while holding it");
        let first = taken().get(&own).copied().unwrap_or(1);
        let mut new = NewObject::create(store, &own)?;
        new.write_all(body).map_err(|error| unavailable("write", &own, &error))?;
        let (put, attempt) = new.finish_as(&key, first, Durability::Durable)?;
        if attempt > 1 {
            taken().insert(own, attempt);
        }
        self.progress.advance(body.len() as u64);
        Ok(put.key)
    }

    /// Returns the number of the source's next tick. The host counts in bronze once and goes on from there, so a tick
    /// does not list what earlier ones wrote.
    fn next_tick(&self, step: &GeneratorStep) -> Result<u64> {
        let known = self.next_ticks().get(&step.name).copied();
        known.map_or_else(|| self.ticks_so_far(step), Ok)
    }

    fn next_ticks(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.next_ticks.lock().expect("no one panics while holding it")
    }

    /// Returns how many ticks of the source there are already: its objects in bronze, or where it writes, over the number of families that a tick makes.
    fn ticks_so_far(&self, step: &GeneratorStep) -> Result<u64> {
        let Some((prefix, _)) = step.plugin.spec().objects.first().and_then(|glob| glob.split_once('*')) else {
            return Ok(0);
        };
        let (store, door) = self.door(step);
        Ok(store.list(&format!("{door}{prefix}"), "")?.len() as u64)
    }

    /// Returns the store and the beginning of the keys of what the source makes.
    fn door(&self, step: &GeneratorStep) -> (&dyn Store, &str) {
        let door = self.sources.doors.get(&step.name);
        door.map_or((self.store(), BRONZE), |door| (&*door.store, &door.prefix))
    }
}
