//! The files that bronze has leave the places of their sources: for an archive, for a place of what was refused, or for good.
//!
//! A commit notes where a file is to lie before it moves, and a file is there before it leaves its place. So after a death at any
//! step the next host finds it in one of the places that are noted, and repeats the step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::arrive::sha256_of;
use super::host::{Host, Looked};
use super::report::Report;
use crate::attempt::{Attempt, Attempts};
use crate::host_relation::stamp_of;
use crate::outcome::Outcome;
use chrono::DateTime;
use smelt_catalog::{ARRIVALS, Arrivals, Change, Entries, Entry, PutAway, State, Status, Taken};
use smelt_common::Error;
use smelt_common::clock::apart;
use smelt_common::error::{Kind, Result};
use smelt_connectors::{After, Moved, Source};
use smelt_storage::layers::BRONZE;

/// The role of commits that note where files lie.
const PUT_AWAY: &str = "put-away";
/// The directory beneath a source's place for files that were taken.
const ARCHIVE: &str = "archive";
/// The directory for files that checks refused.
const REFUSED: &str = "refused";
/// The longest time between two looks at all files that left.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// A file that is to leave a place.
struct Move {
    object: String,
    sha256: String,
    /// The places where it may lie, each with the version that it must still have, if that is known.
    from: Vec<(String, Option<String>)>,
    /// The place where it belongs; `None` if nowhere.
    to: Option<String>,
    /// The record that the catalog has now, if there is one.
    noted: Option<PutAway>,
}

impl Host {
    /// Moves the files that sources need not have any more, as far as their objects are committed. What fails is tried again by
    /// the next call, and the rest goes on.
    pub fn put_away(&self) -> Result<Report> {
        let mut report = Report::default();
        let sources = || self.sources.connected.iter().filter(|source| source.rules().after != After::Keep);
        if sources().next().is_none() {
            return Ok(report);
        }
        self.writing(|| {
            for source in sources() {
                let moved = self.put_away_of(&**source, &mut report);
                report.failures.extend(moved.err().map(|error| (format!("source.{}", source.name()), error)));
            }
            Ok(())
        })?;
        Ok(report)
    }

    fn put_away_of(&self, source: &dyn Source, report: &mut Report) -> Result<()> {
        let outcome = Attempts::default().at(self, |attempt| self.note_moves(source, attempt))?;
        let (moves, looked) = outcome.made;
        let (mut settled, mut failed) = (BTreeMap::new(), None);
        let mut more = 0;
        for step in moves {
            match carry_out(source, &step) {
                Ok(moved) => {
                    if moved && step.from.iter().any(|(from, _)| Some(from) != step.to.as_ref()) {
                        let place = step.to.clone().unwrap_or_default();
                        report.put_away.push((source.name().to_owned(), place));
                    }
                    // It is in its place and nowhere else, or its time in the archive is over.
                    if let Some(noted) = step.noted.filter(|noted| noted.places.len() > 1 && moved || step.to.is_none())
                    {
                        settled.insert(step.object, (noted, step.to));
                    }
                }
                Err(error) => match failed {
                    None => failed = Some(error),
                    Some(_) => more += 1,
                },
            }
        }
        if !settled.is_empty() {
            Attempts::default().at(self, |attempt| self.note_places(source, attempt, &settled))?;
        }
        match (failed, looked) {
            (Some(error), _) if more > 0 => {
                Err(error.context(format!("{} files could not leave; the first", more + 1)))
            }
            (Some(error), _) => Err(error),
            (None, Some(looked)) => {
                self.looked().insert(source.name().to_owned(), looked);
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    /// Notes where files are to lie that lie elsewhere. Returns what is to be moved, and what all files were compared with, if they
    /// were.
    fn note_moves(
        &self,
        source: &dyn Source,
        attempt: &Attempt<'_, '_>,
    ) -> Result<Outcome<(Vec<Move>, Option<Looked>)>> {
        let state = attempt.state();
        let nothing = || Outcome::new(Change::new(PUT_AWAY), (vec![], None));
        let Some(arrivals) = state.arrivals.get(source.name()) else { return Ok(nothing()) };
        let (mut moves, looked) = self.moves(source, state, arrivals)?;
        let mut change = Change::new(PUT_AWAY);
        let mut after = arrivals.clone();
        let mut entries = Vec::new();
        for step in &mut moves {
            let Some(to) = &step.to else { continue };
            if step.noted.as_ref().is_some_and(|noted| noted.places.contains(to)) {
                continue;
            }
            let mut places = step.noted.as_ref().map(|noted| noted.places.clone()).unwrap_or_default();
            places.push(to.clone());
            let noted = PutAway { sha256: step.sha256.clone(), places, at: self.now() };
            entries.push((step.object.clone().into_bytes(), Some(noted.to_bytes()?)));
            step.noted = Some(noted);
        }
        if !entries.is_empty() {
            let stem = format!("{ARRIVALS}{}/{:020}", source.name(), state.sequence + 1);
            after.put_away.put(&*self.store, &stem, entries, &mut change.retired)?;
            change.referenced.extend(after.runs().map(|run| run.key.clone()));
            change.arrivals.insert(source.name().to_owned(), after);
        }
        Ok(Outcome::new(change, (moves, looked)))
    }

    /// Returns the files that do not lie where they should.
    fn moves(&self, source: &dyn Source, state: &State, arrivals: &Arrivals) -> Result<(Vec<Move>, Option<Looked>)> {
        let mut moves: BTreeMap<String, Move> = BTreeMap::new();
        let there = source.files()?;
        let names: Vec<&[u8]> = there.iter().map(|file| file.name.as_bytes()).collect();
        let open: BTreeSet<&str> = arrivals.claimed.iter().map(|claim| claim.object.as_str()).collect();
        for (file, taken) in there.iter().zip(arrivals.taken.get_many(self.store(), &names)?) {
            let Some(taken) = taken.map(|value| Taken::parse(&value)).transpose()? else { continue };
            // One that changed since it was taken arrives anew first.
            if taken.version == file.version && !taken.object.is_empty() && !open.contains(taken.object.as_str()) {
                let from = vec![(file.name.clone(), Some(taken.version))];
                let (object, sha256) = (taken.object.clone(), taken.sha256);
                moves.insert(taken.object, Move { object, sha256, from, to: None, noted: None });
            }
        }
        let after = source.rules().after;
        let looked = (after == After::Archive).then(|| self.look_is_due(source, state)).flatten();
        let mut past: BTreeSet<String> = BTreeSet::new();
        if after == After::Archive {
            let objects: Vec<Vec<u8>> = moves.keys().map(|object| object.clone().into_bytes()).collect();
            let mut note = |object: &[u8], value: &[u8]| {
                let noted = PutAway::parse(value)?;
                let object = String::from_utf8_lossy(object).into_owned();
                if self.is_past(source, &noted) {
                    past.insert(object.clone());
                }
                let places = noted.places.iter().map(|place| (place.clone(), None));
                let step = moves.entry(object.clone()).or_insert_with(|| Move {
                    object,
                    sha256: noted.sha256.clone(),
                    from: vec![],
                    to: None,
                    noted: None,
                });
                step.from.extend(places);
                step.noted = Some(noted);
                Ok(())
            };
            if looked.is_some() {
                arrivals.put_away.scan(self.store(), note)?;
            } else {
                let noted = arrivals.put_away.get_many(self.store(), &objects)?;
                for (object, value) in objects.iter().zip(noted) {
                    value.map_or(Ok(()), |value| note(object, &value))?;
                }
            }
        }
        let wanted = self.places(state, moves.values())?;
        let mut due = Vec::new();
        for (mut step, place) in moves.into_values().zip(wanted) {
            let Some(place) = place else { continue };
            let is_there = step.from.iter().any(|(_, version)| version.is_some());
            if after == After::Archive && (is_there || !past.contains(&step.object)) {
                step.to = Some(place);
                let noted = step.noted.as_ref();
                if !is_there && noted.is_some_and(|noted| noted.places.iter().eq(step.to.iter())) {
                    continue;
                }
            }
            due.push(step);
        }
        Ok((due, looked))
    }

    /// Returns whether the time of a file in the archive is over.
    fn is_past(&self, source: &dyn Source, noted: &PutAway) -> bool {
        let is_archived = noted.places.iter().all(|place| place.starts_with(&format!("{ARCHIVE}/")));
        let archive_for = source.rules().archive_for.filter(|_| is_archived);
        archive_for.is_some_and(|archive_for| noted.at < self.now() && apart(noted.at, self.now()) >= archive_for)
    }

    /// Returns what all files that left are to be compared with, if anything has changed since they were last.
    fn look_is_due(&self, source: &dyn Source, state: &State) -> Option<Looked> {
        let datasets = state.datasets.iter();
        let revisions: Vec<_> =
            datasets.map(|(name, dataset)| (name.clone(), dataset.relation.since, dataset.relation.revision)).collect();
        let now = self.now();
        let is_same = self
            .looked()
            .get(source.name())
            .is_some_and(|(before, at)| *before == revisions && apart(*at, now) < EVERY);
        (!is_same).then_some((revisions, now))
    }

    fn looked(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Looked>> {
        self.put_away.lock().expect("no one panics while holding it")
    }

    /// Returns the place of each file beneath that of its source; `None` as long as it has to stay where it is.
    fn places<'m>(&self, state: &State, moves: impl Iterator<Item = &'m Move> + Clone) -> Result<Vec<Option<String>>> {
        let objects: Vec<&str> = moves.clone().map(|step| step.object.as_str()).collect();
        let mut entries: BTreeMap<&str, Vec<Option<Entry>>> = BTreeMap::new();
        for step in self.pipeline.datasets.iter().filter(|step| !step.is_of_bronze()) {
            if let Some(dataset) = state.datasets.get(&step.name) {
                entries.insert(&step.name, Entries::of(self.store(), dataset).by_name(&objects)?);
            }
        }
        let place = |(at, step): (usize, &Move)| {
            let (mut refused, mut first, mut is_read) = (None, None, false);
            for dataset in self.datasets_of(&step.object) {
                first = first.or(Some(&dataset.name));
                let entry = entries.get(dataset.name.as_str()).and_then(|entries| entries[at].as_ref());
                let entry = entry.filter(|entry| entry.sha256 == step.sha256);
                is_read |= entry.is_some();
                match entry.and_then(|entry| entry.status) {
                    Some(Status::Refused | Status::Withheld) => refused = refused.or(Some(&dataset.name)),
                    Some(_) => {}
                    None if dataset.judged_by.is_empty() => {}
                    None => return Ok(None),
                }
            }
            let Some(first) = first else { return Ok(None) };
            // Nothing leaves before bronze is known to have these bytes. A dataset that has read them knows.
            if !is_read && step.noted.is_none() && !self.bronze_has(&step.object, &step.sha256)? {
                return Ok(None);
            }
            Ok(Some(match refused {
                Some(dataset) => format!("{REFUSED}/{dataset}/{}", step.object),
                None => format!("{ARCHIVE}/{first}/{}{}", month_of(&step.object), step.object),
            }))
        };
        moves.enumerate().map(place).collect()
    }

    fn bronze_has(&self, object: &str, sha256: &str) -> Result<bool> {
        let key = format!("{BRONZE}{object}");
        match self.store.open(&key) {
            Err(error) if error.kind() == Kind::Damaged => Ok(false),
            opened => Ok(sha256_of(&key, opened?.1)?.as_deref() == Some(sha256)),
        }
    }

    /// Notes that files lie in one place only, or are gone, if nobody has noted something else about them meanwhile.
    fn note_places(
        &self,
        source: &dyn Source,
        attempt: &Attempt<'_, '_>,
        settled: &BTreeMap<String, (PutAway, Option<String>)>,
    ) -> Result<Outcome<()>> {
        let state = attempt.state();
        let mut change = Change::new(PUT_AWAY);
        let Some(arrivals) = state.arrivals.get(source.name()) else { return Ok(Outcome::new(change, ())) };
        let keys: Vec<&[u8]> = settled.keys().map(String::as_bytes).collect();
        let mut entries = Vec::new();
        for ((object, (noted, place)), value) in settled.iter().zip(arrivals.put_away.get_many(self.store(), &keys)?) {
            if value.map(|value| PutAway::parse(&value)).transpose()?.as_ref() == Some(noted) {
                let now = place.clone().map(|place| PutAway { places: vec![place], ..noted.clone() });
                let now = now.map(|now| now.to_bytes()).transpose()?;
                entries.push((object.clone().into_bytes(), now));
            }
        }
        if !entries.is_empty() {
            let mut after = arrivals.clone();
            let stem = format!("{ARRIVALS}{}/{:020}", source.name(), state.sequence + 1);
            after.put_away.put(self.store(), &stem, entries, &mut change.retired)?;
            change.referenced.extend(after.runs().map(|run| run.key.clone()));
            change.arrivals.insert(source.name().to_owned(), after);
        }
        Ok(Outcome::new(change, ()))
    }
}

/// Brings a file to its place and takes it away from all others. Returns whether it was found anywhere.
fn carry_out(source: &dyn Source, step: &Move) -> Result<bool> {
    let mut is_found = false;
    for (from, version) in &step.from {
        match source.put_away(from, version.as_deref(), &step.sha256, step.to.as_deref())? {
            Moved::Done => is_found = true,
            Moved::Gone => {}
            Moved::Changed if version.is_some() => tracing::debug!("`{from}` has changed, so it arrives anew"),
            Moved::Changed => {
                return Err(Error::new(
                    Kind::InvalidInput,
                    format!(
                        "`{from}` is not what arrived as `{}`; remove it, since bronze has what arrived",
                        step.object
                    ),
                ));
            }
        }
    }
    Ok(is_found)
}

/// Returns the directories for the month of an object's stamp; nothing if it has none.
fn month_of(object: &str) -> String {
    let stamp = stamp_of(object).and_then(DateTime::from_timestamp_micros);
    stamp.map_or_else(String::new, |stamp| stamp.format("%Y/%m/").to_string())
}
