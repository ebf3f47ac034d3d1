//! The first step of a tick: takes the files of sources into bronze, each once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

use super::host::Host;
use super::report::Report;
use crate::attempt::{Attempt, Attempts};
use crate::outcome::Outcome;
use chrono::TimeDelta;
use smelt_catalog::{ARRIVALS, Arrivals, Change, Claim, Taken};
use smelt_common::digest::HashingReader;
use smelt_common::error::{Kind, Result};
use smelt_common::{clock, workers};
use smelt_connectors::{Source, There};
use smelt_storage::layers::BRONZE;
use smelt_storage::{Durability, NewObject, unavailable};

/// The role of commits that take files.
const ARRIVE: &str = "arrive";

/// The most rounds in which files are claimed and copied. Only files that change all the time need more, and the next call goes on.
const ROUNDS: usize = 4;

/// A file that was read, and the sha256 of its content; `None` if it was gone by then.
type Hashed = (There, Option<String>);

impl Host {
    /// Takes in the files that are new or changed in the pipeline's sources. A source that fails is tried again by the next call,
    /// and the others go on.
    pub fn arrive(&self) -> Result<Report> {
        let mut report = Report::default();
        if self.sources.connected.is_empty() {
            return Ok(report);
        }
        self.writing(|| {
            for source in &self.sources.connected {
                match self.take_from(&**source) {
                    Ok(objects) => report.arrived.extend(objects),
                    Err(error) => report.failures.push((format!("source.{}", source.name()), error)),
                }
            }
            Ok(())
        })?;
        Ok(report)
    }

    /// Claims the files in a commit, copies them, and notes in another commit that they came. Returns the objects that came.
    fn take_from(&self, source: &dyn Source) -> Result<Vec<String>> {
        let mut came = Vec::new();
        for _ in 0..ROUNDS {
            let outcome = Attempts::default().at(self, |attempt| self.claim(source, attempt))?;
            let (objects, claimed) = outcome.made;
            came.extend(objects);
            if claimed.is_empty() {
                break;
            }
            for (claim, is_there) in self.copy_all(source, claimed)? {
                match is_there {
                    true => came.push(claim.object),
                    false => tracing::debug!("`{}` changed while it was taken", claim.file),
                }
            }
        }
        Ok(came)
    }

    /// Makes good what earlier commits claimed, and claims what is new. Returns the objects that came, and the new claims.
    fn claim(&self, source: &dyn Source, attempt: &Attempt<'_, '_>) -> Result<Outcome<(Vec<String>, Vec<Claim>)>> {
        let state = attempt.state();
        let mut arrivals = state.arrivals.get(source.name()).cloned().unwrap_or_default();
        let open = std::mem::take(&mut arrivals.claimed);
        let was_claimed = !open.is_empty();
        let (came, lost) = self.make_good(source, open)?;
        // What never came is taken as if it had not been there.
        let mut entries: Vec<_> = lost.iter().map(|file| (file.clone().into_bytes(), None)).collect();

        let due = self.due(source, &arrivals, &lost)?;
        let hash = |(file, before)| hash(source, file).map(|hashed| (hashed, before));
        let stamp = self.next_stamp(&arrivals.stamp);
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        for hashed in workers::map_waiting(due, hash) {
            let ((file, sha256), before): (Hashed, Option<Taken>) = hashed?;
            let Some(sha256) = sha256 else { continue };
            let taken = Taken { version: file.version, sha256: sha256.clone() };
            entries.push((file.name.clone().into_bytes(), Some(taken.to_bytes()?)));
            // A file that was only touched is what it was.
            if before.is_none_or(|before| before.sha256 != sha256) {
                let number = numbers.entry(source.object(&file.name, &stamp, 0)).or_default();
                let object = source.object(&file.name, &stamp, *number);
                *number += 1;
                arrivals.claimed.push(Claim { object, file: file.name, sha256 });
            }
        }
        let mut change = Change::new(ARRIVE);
        let claimed = arrivals.claimed.clone();
        if was_claimed || !entries.is_empty() {
            if !claimed.is_empty() {
                arrivals.stamp = stamp;
            }
            let stem = format!("{ARRIVALS}{}/{:020}", source.name(), state.sequence + 1);
            arrivals.taken.put(&*self.store, &stem, entries, &mut change.retired)?;
            change.referenced.extend(arrivals.taken.runs().iter().map(|run| run.key.clone()));
            change.arrivals.insert(source.name().to_owned(), arrivals);
        }
        Ok(Outcome::new(change, (came, claimed)))
    }

    /// Copies what was claimed and is not in bronze. Returns the objects that came, and the files of which the content that was
    /// claimed is gone.
    fn make_good(&self, source: &dyn Source, claims: Vec<Claim>) -> Result<(Vec<String>, BTreeSet<String>)> {
        let missing = |claim: Claim| Ok((!self.store.exists(&bronze(&claim))?).then_some(claim));
        let missing = workers::map_waiting(claims, missing).into_iter().filter_map(Result::transpose);
        let (mut came, mut lost) = (Vec::new(), BTreeSet::new());
        for (claim, is_there) in self.copy_all(source, missing.collect::<Result<_>>()?)? {
            match is_there {
                true => came.push(claim.object),
                false => drop(lost.insert(claim.file)),
            }
        }
        Ok((came, lost))
    }

    /// Returns the files of the source that may be new or changed, each as it was taken before. Those that are lost were not.
    fn due(
        &self,
        source: &dyn Source,
        arrivals: &Arrivals,
        lost: &BTreeSet<String>,
    ) -> Result<Vec<(There, Option<Taken>)>> {
        let there = source.files()?;
        let names: Vec<&[u8]> = there.iter().map(|file| file.name.as_bytes()).collect();
        let taken = arrivals.taken.get_many(&*self.store, &names)?;
        let mut due = Vec::new();
        for (file, taken) in there.into_iter().zip(taken) {
            let taken = taken.filter(|_| !lost.contains(&file.name));
            let taken = taken.map(|value| Taken::parse(&value)).transpose()?;
            if taken.as_ref().is_none_or(|taken| taken.version != file.version) {
                due.push((file, taken));
            }
        }
        Ok(due)
    }

    /// Returns the stamp of the objects that come now, which is greater than the last one, even if the clock went back.
    fn next_stamp(&self, last: &str) -> String {
        let after = clock::parse_stamp(last).map(|last| last + TimeDelta::seconds(1));
        let now = self.clock.now();
        clock::stamp(after.map_or(now, |after| after.max(now)))
    }

    /// Copies the files to the objects that were claimed. Returns for each whether it is there now: a file that is gone or has
    /// another content by now is not.
    fn copy_all(&self, source: &dyn Source, claims: Vec<Claim>) -> Result<Vec<(Claim, bool)>> {
        let copy = |claim: Claim| self.copy(source, &claim).map(|is_there| (claim, is_there));
        workers::map_waiting(claims, copy).into_iter().collect()
    }

    fn copy(&self, source: &dyn Source, claim: &Claim) -> Result<bool> {
        let key = bronze(claim);
        let mut reader = match source.open(&claim.file) {
            Err(error) if error.kind() == Kind::Damaged => return Ok(false),
            opened => opened?,
        };
        let mut new = NewObject::create(self.store(), &key)?;
        std::io::copy(&mut reader, &mut new).map_err(|error| unavailable("write", &key, &error))?;
        if new.sha256() != claim.sha256 {
            return Ok(false);
        }
        new.put(&key, Durability::Durable)?;
        Ok(true)
    }
}

fn bronze(claim: &Claim) -> String {
    format!("{BRONZE}{}", claim.object)
}

/// Reads a file as a whole.
fn hash(source: &dyn Source, file: There) -> Result<Hashed> {
    let failed = |error: &std::io::Error| unavailable("read", &file.name, error);
    let reader = match source.open(&file.name) {
        Err(error) if error.kind() == Kind::Damaged => return Ok((file, None)),
        opened => opened?,
    };
    let mut reader = HashingReader::new(reader);
    match std::io::copy(&mut reader, &mut std::io::sink()) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((file, None)),
        Err(error) => Err(failed(&error)),
        Ok(_) => Ok((file, Some(reader.finish().1))),
    }
}
