//! Decisions of people about objects that checks judge.

use super::host::Host;
use crate::attempt::Attempts;
use crate::outcome::Outcome;
use crate::pipeline::bronze_name;
use smelt_catalog::{
    CHANGES, Change, Dataset, Decision, ENTRIES, Entries, Entry, LogEntry, RelationChange, Staged, State, Totals, Verb,
};
use smelt_common::Error;
use smelt_common::error::Result;

/// The role of such commits.
const DECIDE: &str = "decide";

impl Host {
    /// Notes a decision about an object with the bytes that it has now, or takes the former one back if there is `None`. The
    /// next run lets the object in or keeps it out. Returns the names of the datasets that are made of it.
    ///
    /// # Errors
    /// [`InvalidConfig`](smelt_common::error::Kind::InvalidConfig) if no check judges an object of that name, nothing was
    /// decided about it that could be taken back, or it is to be released and cannot be read.
    pub fn decide_on(&self, object: &str, decision: Option<&Decision>) -> Result<Vec<String>> {
        self.writing(|| {
            let outcome = Attempts::default().at(self, |attempt| {
                let (mut change, mut datasets) = (Change::new(DECIDE), Vec::new());
                for step in self.pipeline.datasets.iter().filter(|step| !step.judged_by.is_empty()) {
                    let name = bronze_name(&step.name);
                    let Some(dataset) = attempt.state().datasets.get(&name) else { continue };
                    if let Some(entry) = Entries::of(self.store(), dataset).by_name(&[object])?.pop().flatten() {
                        self.note(attempt.state(), (&name, dataset), (object, entry), decision, &mut change)?;
                        datasets.push(step.name.clone());
                    }
                }
                match datasets.is_empty() {
                    true => Err(Error::config(format!(
                        "no check judges an object `{object}`; `smelt quality` lists those that checks judge"
                    ))),
                    false => Ok(Outcome::new(change, datasets)),
                }
            })?;
            Ok(outcome.made)
        })
    }

    /// Adds to the change that a person decided this about the object.
    fn note(
        &self,
        state: &State,
        (name, dataset): (&str, &Dataset),
        (object, entry): (&str, Entry),
        decision: Option<&Decision>,
        change: &mut Change,
    ) -> Result<()> {
        let lacks = || Error::internal(format!("`{object}` was not looked at"));
        let staged = entry.staged.clone().ok_or_else(lacks)?;
        if let (Some(Decision { verb: Verb::Release, .. }), Some(why)) = (decision, &staged.unreadable) {
            return Err(Error::config(format!(
                "`{object}` cannot be released, because nothing of it can be read ({why}); a corrected file can take its place"
            )));
        }
        if decision.is_none() && staged.decision.is_none() {
            return Err(Error::config(format!(
                "nobody has decided anything about `{object}`, so there is nothing to take back"
            )));
        }
        let before = Some(Totals::of(&entry));
        let staged = Staged { decision: decision.cloned(), former: staged.decision.map(Box::new), ..staged };
        let entry = Entry { staged: Some(staged), ..entry };
        let stem = |layer: &str| format!("{layer}{name}/{:020}", state.sequence + 1);
        let mut after = dataset.clone();
        let pairs = Entries::pairs(object, &entry)?.into_iter().collect();
        let mut retired = Vec::new();
        after.entries_mut().put(self.store(), &stem(ENTRIES), pairs, &mut retired)?;
        let log = vec![LogEntry { object: object.to_owned(), cleaned: false, before, was: None, entry }];
        let log = LogEntry::write(self.store(), &stem(CHANGES), &log)?;
        change.referenced.extend(after.entries().runs().iter().map(|run| run.key.clone()).chain([log.key.clone()]));
        retired.retain(|key| !change.referenced.contains(key));
        change.retired.extend(retired);
        // It counts as a change of rows, since the relation of all objects as they came has another row now.
        let (reset, previous, cleaned, rewritten) = (false, dataset.relation.revision, 1, 0);
        let (log, added, removed) = (Some(log), None, None);
        let of_dataset = RelationChange { reset, previous, cleaned, rewritten, log, added, removed };
        change.datasets.insert(name.to_owned(), (of_dataset, after));
        Ok(())
    }
}
