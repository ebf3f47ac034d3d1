//! The first step of a tick: takes the files of sources into bronze, each once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read};

use super::host::Host;
use super::report::Report;
use crate::attempt::{Attempt, Attempts};
use crate::outcome::Outcome;
use chrono::TimeDelta;
use smelt_catalog::{ARRIVALS, Arrivals, Change, Claim, Taken, revision_name};
use smelt_common::digest::HashingReader;
use smelt_common::error::{Kind, Result};
use smelt_common::revision::MOST_REVISIONS;
use smelt_common::{Error, clock, workers};
use smelt_connectors::{Source, There};
use smelt_storage::layers::BRONZE;
use smelt_storage::sorted_runs::Pair;
use smelt_storage::{Durability, NewObject, unavailable};

/// The role of commits that take files.
const ARRIVE: &str = "arrive";

/// The most rounds in which files are claimed and copied. Only files that change all the time need more, and the next call goes on.
const ROUNDS: usize = 4;

/// A file that was read, the sha256 of its content, and the record of it before; no sha256 if it was gone by then or has
/// changed meanwhile.
type Hashed = (There, Option<String>, Option<Taken>);

/// What a commit has claimed.
#[derive(Default)]
struct Claimed {
    /// The objects that came, which earlier commits had claimed.
    came: Vec<String>,
    /// The new claims.
    claims: Vec<Claim>,
    /// The errors of single files, which the next call tries again.
    failed: Vec<Error>,
    /// A file changed while it was read, so it is to be looked at again.
    changed: bool,
}

impl Host {
    /// Takes in the files that are new or changed in the pipeline's sources. A source or a file that fails is tried again by the
    /// next call, and the others go on.
    pub fn arrive(&self) -> Result<Report> {
        let mut report = Report::default();
        if self.sources.connected.is_empty() {
            return Ok(report);
        }
        self.writing(|| {
            for source in &self.sources.connected {
                let taken = self.take_from(&**source, &mut report);
                let name = format!("source.{}", source.name());
                report.failures.extend(taken.err().map(|error| (name, error)));
            }
            Ok(())
        })?;
        let state = self.state()?;
        let ours = |source: &str| self.sources.connected.iter().any(|connected| connected.name() == source);
        let (unrecognised, _) = state.unrecognised();
        let unrecognised = unrecognised.into_iter().filter(|(source, _)| ours(source));
        report.unrecognised = unrecognised.map(|(source, file)| (source.to_owned(), file.to_owned())).collect();
        Ok(report)
    }

    /// Claims the files in a commit, copies them, and notes in another commit that they came.
    fn take_from(&self, source: &dyn Source, report: &mut Report) -> Result<()> {
        let (mut failed, mut copied) = (Vec::new(), BTreeSet::new());
        for _ in 0..ROUNDS {
            let outcome = Attempts::default().at(self, |attempt| self.claim(source, attempt, &copied))?;
            let Claimed { came, claims, failed: errors, changed } = outcome.made;
            (failed, copied) = (errors, BTreeSet::new());
            report.arrived.extend(came);
            if claims.is_empty() && !changed {
                break;
            }
            for (claim, is_there) in self.copy_all(source, claims)? {
                match is_there {
                    true => {
                        copied.insert(claim.object.clone());
                        report.arrived.push(claim.object);
                    }
                    false => tracing::debug!("`{}` changed while it was taken", claim.file),
                }
            }
        }
        report.failures.extend(failed.into_iter().map(|error| (format!("source.{}", source.name()), error)));
        Ok(())
    }

    /// Makes good what earlier commits claimed, unless this host has `copied` it, and claims what is new.
    fn claim(
        &self,
        source: &dyn Source,
        attempt: &Attempt<'_, '_>,
        copied: &BTreeSet<String>,
    ) -> Result<Outcome<Claimed>> {
        let state = attempt.state();
        let before = state.arrivals.get(source.name());
        let mut arrivals = before.cloned().unwrap_or_default();
        let open = std::mem::take(&mut arrivals.claimed);
        let was_claimed = !open.is_empty();
        let open = open.into_iter().filter(|claim| !copied.contains(&claim.object)).collect();
        let (came, lost) = self.make_good(source, open)?;
        let mut claimed = Claimed { came, ..Claimed::default() };
        // What never came is taken as if it had not been there.
        let mut entries = self.given_up(&arrivals, &lost)?;

        let (there, unrecognised) = self.recognise(source, source.files()?);
        let due = self.due(source, &arrivals, &lost, there)?;
        let hash = |(file, before): (There, Option<Taken>)| hash(source, file, before);
        let stamp = self.next_stamp(&arrivals.stamp);
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        for hashed in workers::map_waiting(due, hash) {
            let (file, sha256, before): Hashed = match hashed {
                Ok(hashed) => hashed,
                Err(error) => {
                    claimed.failed.push(error);
                    continue;
                }
            };
            let Some(sha256) = sha256 else {
                claimed.changed = true;
                continue;
            };
            let mut number_of = |object: String| {
                let number = numbers.entry(object).or_default();
                std::mem::replace(number, *number + 1)
            };
            let named = match source.object(&file.name, &stamp, 0) {
                // A file that was only touched is what it was.
                Some(_) if before.as_ref().is_some_and(|before| before.sha256 == sha256) => Ok((before, false)),
                Some(object) => {
                    let object = source.object(&file.name, &stamp, number_of(object)).unwrap_or_default();
                    Ok((Some(Taken { object, ..Taken::of(&sha256) }), true))
                }
                None => self.revision(&file.name, &sha256, before).map(|(taken, is_new)| (Some(taken), is_new)),
            };
            match named {
                Ok((Some(taken), is_new)) => {
                    let taken = Taken { version: file.version, ..taken };
                    entries.push((file.name.clone().into_bytes(), Some(taken.to_bytes()?)));
                    if is_new {
                        claimed.claims.push(Claim { object: taken.object, file: file.name, sha256 });
                    }
                }
                Ok((None, _)) => {}
                Err(error) => claimed.failed.push(error),
            }
        }
        let mut change = Change::new(ARRIVE);
        let is_other = before.map_or_else(|| !unrecognised.is_empty(), |it| it.unrecognised != unrecognised);
        if was_claimed || !entries.is_empty() || is_other {
            if !claimed.claims.is_empty() {
                arrivals.stamp = stamp;
            }
            arrivals.claimed.clone_from(&claimed.claims);
            arrivals.unrecognised = unrecognised;
            let stem = format!("{ARRIVALS}{}/{:020}", source.name(), state.sequence + 1);
            arrivals.taken.put(&*self.store, &stem, entries, &mut change.retired)?;
            change.referenced.extend(arrivals.runs().map(|run| run.key.clone()));
            change.arrivals.insert(source.name().to_owned(), arrivals);
        }
        Ok(Outcome::new(change, claimed))
    }

    /// Returns the record of a file that keeps its name and has this content, and whether bronze lacks that content under this
    /// name. Bronze itself tells which names are taken, since others may put objects there too.
    fn revision(&self, file: &str, sha256: &str, before: Option<Taken>) -> Result<(Taken, bool)> {
        let mut revisions = before.map(|before| before.revisions).unwrap_or_default();
        let known = revisions.iter().position(|known| known == sha256);
        let is_new = known.is_none();
        let number = match known {
            Some(at) => at as u64 + 1,
            None => self.next_revision(file, sha256, &mut revisions)?,
        };
        let object = revision_name(file, number);
        Ok((Taken { object, revisions, ..Taken::of(sha256) }, is_new))
    }

    fn next_revision(&self, file: &str, sha256: &str, revisions: &mut Vec<String>) -> Result<u64> {
        for number in revisions.len() as u64 + 1..=MOST_REVISIONS {
            let key = format!("{BRONZE}{}", revision_name(file, number));
            let there = if self.store.exists(&key)? { sha256_of(&key, self.store.open(&key)?.1)? } else { None };
            let is_free = there.as_deref().is_none_or(|there| there == sha256);
            revisions.push(there.unwrap_or_else(|| sha256.to_owned()));
            if is_free {
                return Ok(number);
            }
        }
        Err(Error::new(
            Kind::InvalidInput,
            format!(
                "`{file}` has other bytes again, but bronze has {MOST_REVISIONS} revisions of it already, the most that there \
                 may be; deliver it under another name"
            ),
        ))
    }

    /// Returns the records of files of which claims came to nothing, as they were before.
    fn given_up(&self, arrivals: &Arrivals, lost: &BTreeMap<String, Claim>) -> Result<Vec<Pair>> {
        let names: Vec<&[u8]> = lost.keys().map(String::as_bytes).collect();
        let taken = arrivals.taken.get_many(&*self.store, &names)?;
        let before = |(claim, taken): (&Claim, Option<Vec<u8>>)| {
            let taken = taken.map(|value| Taken::parse(&value)).transpose()?;
            let before = taken.and_then(|taken| taken.without(claim)).map(|taken| taken.to_bytes()).transpose()?;
            Ok((claim.file.clone().into_bytes(), before))
        };
        lost.values().zip(taken).map(before).collect()
    }

    /// Copies what was claimed and is not in bronze. Returns the objects that came, and the claims of which the content is gone, by
    /// file.
    fn make_good(&self, source: &dyn Source, claims: Vec<Claim>) -> Result<(Vec<String>, BTreeMap<String, Claim>)> {
        let missing = |claim: Claim| Ok((!self.has_come(&claim)?).then_some(claim));
        let missing = workers::map_waiting(claims, missing).into_iter().filter_map(Result::transpose);
        let (mut came, mut lost) = (Vec::new(), BTreeMap::new());
        for (claim, is_there) in self.copy_all(source, missing.collect::<Result<_>>()?)? {
            match is_there {
                true => came.push(claim.object),
                false => drop(lost.insert(claim.file.clone(), claim)),
            }
        }
        Ok((came, lost))
    }

    fn has_come(&self, claim: &Claim) -> Result<bool> {
        let key = bronze(claim);
        Ok(self.store.exists(&key)? && sha256_of(&key, self.store.open(&key)?.1)?.as_ref() == Some(&claim.sha256))
    }

    /// Returns the files that may be new or changed and have settled, each as it was taken before. Those that are lost were not.
    fn due(
        &self,
        source: &dyn Source,
        arrivals: &Arrivals,
        lost: &BTreeMap<String, Claim>,
        there: Vec<There>,
    ) -> Result<Vec<(There, Option<Taken>)>> {
        let names: Vec<&[u8]> = there.iter().map(|file| file.name.as_bytes()).collect();
        let taken = arrivals.taken.get_many(&*self.store, &names)?;
        let mut due = Vec::new();
        for (file, taken) in there.into_iter().zip(taken) {
            let taken = taken.map(|value| Taken::parse(&value)).transpose()?;
            let taken = match lost.get(&file.name) {
                Some(claim) => taken.and_then(|taken| taken.without(claim)),
                None => taken,
            };
            if taken.as_ref().is_none_or(|taken| taken.version != file.version) {
                due.push((file, taken));
            }
        }
        let Some(all) = &self.settling else { return Ok(due) };
        let mut all = all.lock().expect("no one panics while holding it");
        let settling = all.entry(source.name().to_owned()).or_default();
        let settled = settling.look(due.iter().map(|(file, _)| file), self.now(), source.rules().settle);
        Ok(due.into_iter().zip(settled).filter_map(|(file, settled)| settled.then_some(file)).collect())
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
        let bytes = new.bytes();
        // Somebody else may have put another object there.
        Ok(new.put(&key, Durability::Durable)? || self.store.holds(&key, bytes, &claim.sha256)?)
    }
}

fn bronze(claim: &Claim) -> String {
    format!("{BRONZE}{}", claim.object)
}

/// Reads a file as a whole. One that changed while it was read is not what anyone delivered.
fn hash(source: &dyn Source, file: There, before: Option<Taken>) -> Result<Hashed> {
    let reader = match source.open(&file.name) {
        Err(error) if error.kind() == Kind::Damaged => return Ok((file, None, before)),
        opened => opened?,
    };
    let sha256 = sha256_of(&file.name, reader)?;
    let is_same = source.version(&file.name)?.as_ref() == Some(&file.version);
    Ok((file, sha256.filter(|_| is_same), before))
}

/// Returns the sha256 of what the reader gives; `None` if it is gone.
pub(super) fn sha256_of(name: &str, reader: Box<dyn Read + Send>) -> Result<Option<String>> {
    let mut reader = HashingReader::new(reader);
    match std::io::copy(&mut reader, &mut std::io::sink()) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unavailable("read", name, &error)),
        Ok(_) => Ok(Some(reader.finish().1)),
    }
}
