//! Write, audit, publish: decides whether readers see the tables that a change makes.

use std::collections::{BTreeMap, BTreeSet};

use super::host::Host;
use crate::attempt::Attempts;
use crate::manifest::OutputFormat;
use crate::outcome::Outcome;
use crate::pipeline::{Findings, TableInput, TableStep, findings};
use crate::plan::is_whole;
use crate::tables::{put_stamped, rows_of};
use smelt_catalog::holding::{Holding, sentence};
use smelt_catalog::{Audit, Change, Despite, Gold, Judgement, ObjectRef, State, Verdict};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::read_verified;

/// The role of commits in which a person decides.
const PUBLISH: &str = "publish";

impl Host {
    /// Adds to the change of tables what the checks say of them, and whether readers see them. `found` has what checks
    /// say that the change made. Returns what they warn of.
    ///
    /// # Errors
    /// The rows of a check or the file of a held table cannot be read, or a file cannot be written.
    pub(super) fn audit(
        &self,
        state: &State,
        change: &mut Change,
        mut found: BTreeMap<String, Findings>,
    ) -> Result<Vec<String>> {
        if !self.pipeline.is_audited(state) && state.held.is_none() {
            return Ok(vec![]);
        }
        let after = change.applied_to(state);
        let touched = self.made_of(change);
        // Another manifest may have the checks that this one lacks. They hold until they are dropped from the lake.
        let others = state.checks.iter().filter(|(name, _)| self.pipeline.table(name).is_none());
        let mut judgements: BTreeMap<_, _> = others.map(|(name, it)| (name.clone(), it.clone())).collect();
        let mut warnings = Vec::new();
        for step in self.pipeline.checks() {
            if let Some(Findings { warned, .. }) = found.get(&step.name) {
                warnings.extend(warned.iter().map(|verdict| sentence(&step.name, verdict)));
            }
            let before = state.checks.get(&step.name);
            let found = found.remove(&step.name);
            if let Some(judgement) =
                self.judgement(step, &after, before, touched.contains(step.name.as_str()), found)?
            {
                judgements.insert(step.name.clone(), judgement);
            }
        }
        let is_held = judgements.values().any(|judgement| judgement.holds().next().is_some());
        let changes_tables = !change.gold.is_empty() || change.promoted.is_some();
        if changes_tables || judgements != state.checks || is_held != state.held.is_some() {
            self.decide(state, &after, judgements, is_held, change)?;
        }
        Ok(warnings)
    }

    /// Adds to a change that drops checks from the lake that these hold nothing any more.
    pub(super) fn audit_without(&self, state: &State, dropped: &BTreeSet<String>, change: &mut Change) -> Result<()> {
        let mut judgements = state.checks.clone();
        judgements.retain(|name, _| !dropped.contains(name));
        if judgements.len() == state.checks.len() {
            return Ok(());
        }
        let is_held = judgements.values().any(|judgement| judgement.holds().next().is_some());
        self.decide(state, &change.applied_to(state), judgements, is_held, change)
    }

    /// Returns the names of the tables that the change makes, and of all that are made of them.
    fn made_of<'p>(&'p self, change: &Change) -> BTreeSet<&'p str> {
        let restored = change.promoted.iter().flat_map(|promoted| promoted.restored.keys());
        let made: BTreeSet<&String> = change.gold.keys().chain(restored).collect();
        let mut touched: BTreeSet<&str> = BTreeSet::new();
        // A table comes after all that it reads.
        for step in &self.pipeline.tables {
            let reads = step.inputs.iter().flat_map(TableInput::made_from);
            if made.contains(&step.name) || reads.into_iter().any(|read| touched.contains(read.as_str())) {
                touched.insert(&step.name);
            }
        }
        touched
    }

    /// Returns what the check says after the change; `None` if it has said nothing yet.
    fn judgement(
        &self,
        step: &TableStep,
        after: &State,
        before: Option<&Judgement>,
        is_touched: bool,
        found: Option<Findings>,
    ) -> Result<Option<Judgement>> {
        let default = Judgement::default();
        let former = before.unwrap_or(&default);
        let content = after.gold.get(&step.name).map(|gold| gold.relation.content);
        let failure = after.failing_kpis.get(&step.name).and_then(|failing| failing.items.get(&step.name));
        let was_missing = former.failed.iter().any(|verdict| matches!(verdict, Verdict::Missing { .. }));
        let is_news = is_touched || failure.is_some();
        if let Some(due) = (is_news || was_missing).then(|| self.is_due(step, after)).flatten() {
            let why = failure.map_or(due, |failure| failure.why.clone());
            let missing = || former.then(content.unwrap_or_default(), vec![Verdict::Missing { why }]);
            return Ok(if is_news { Some(missing()) } else { before.cloned() });
        }
        let Some((gold, content)) = after.gold.get(&step.name).zip(content) else { return Ok(None) };
        if let Some(before) = before.filter(|before| before.content == content && !was_missing) {
            return Ok(Some(before.clone()));
        }
        let read = || findings(&step.plugin.identity().name, &rows_of(self.store(), step, gold)?);
        let failed = match found.map_or_else(read, Ok) {
            Ok(Findings { failed, .. }) => failed,
            // It was made before it was a check.
            Err(error) if error.kind() == Kind::Plugin => vec![Verdict::Missing { why: error.to_string() }],
            Err(error) => return Err(error),
        };
        Ok(Some(former.then(content, failed)))
    }

    /// Returns why a check would have to be made in that state; `None` if it is up to date.
    fn is_due(&self, step: &TableStep, state: &State) -> Option<String> {
        let damaged = BTreeMap::new();
        let plan = self.planning(state, &damaged).table(step);
        plan.reason.or(plan.parked.map(|parked| parked.why))
    }

    /// Makes the change publish the tables, or hold them. `after` is the state after the change without that.
    fn decide(
        &self,
        state: &State,
        after: &State,
        judgements: BTreeMap<String, Judgement>,
        is_held: bool,
        change: &mut Change,
    ) -> Result<()> {
        let mut published = BTreeMap::new();
        if !is_held {
            for (name, gold) in &after.gold {
                let Some(held) = gold.held_file() else { continue };
                let file = self.published_file(state, name, held)?;
                // One that was just written belongs to no commit.
                if change.referenced.remove(&held.key) {
                    change.retired.push(held.key.clone());
                }
                change.referenced.insert(file.key.clone());
                published.insert(name.clone(), file);
            }
        }
        change.audit = Some(Audit { judgements, is_held, published });
        Ok(())
    }

    /// Writes the file of a table that was held where people see it, unless they see the same one already.
    fn published_file(&self, state: &State, name: &str, held: &ObjectRef) -> Result<ObjectRef> {
        let before = state.published(name).and_then(Gold::table).filter(|before| before.key != held.key);
        if let Some(same) = before.filter(|before| before.sha256 == held.sha256 && is_whole(self.store(), before)) {
            // A new stamp would suggest that the table changed.
            return Ok(same.clone());
        }
        let body = read_verified(self.store(), &held.key, &held.sha256)?;
        let before = before.map(|before| before.key.as_str());
        let key =
            put_stamped(self.store(), state, self.clock.now(), name, before, (OutputFormat::of_key(&held.key), &body))?;
        Ok(ObjectRef { key, ..held.clone() })
    }

    /// Publishes what is held in spite of the verdicts of these checks, as a person has decided. The verdicts that fail now
    /// hold nothing any more, as long as they fail in the same way.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if nothing is held, one of the checks holds nothing, or another one does too.
    pub fn publish(&self, despite: &BTreeSet<String>, why: &str) -> Result<Holding> {
        let outcome = self.writing(|| {
            Attempts::default().at(self, |attempt| {
                attempt.catalog.check_gaps()?;
                let state = attempt.state();
                let holding = expect_held(state, despite)?;
                let mut judgements = state.checks.clone();
                for (name, judgement) in judgements.iter_mut().filter(|(name, _)| despite.contains(*name)) {
                    let verdicts = judgement.failed.clone();
                    let at = self.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
                    tracing::debug!("publishing despite {} verdicts of `{name}`", verdicts.len());
                    judgement.despite = Some(Despite { why: why.to_owned(), at, verdicts });
                }
                let mut change = Change::new(PUBLISH);
                self.decide(state, state, judgements, false, &mut change)?;
                Ok(Outcome::new(change, holding))
            })
        })?;
        Ok(outcome.made)
    }
}

/// Returns what is held. Fails if it is not exactly those checks that hold it.
fn expect_held(state: &State, despite: &BTreeSet<String>) -> Result<Holding> {
    let wrong = |why: String| Err(Error::new(Kind::InvalidInput, format!("{why}; nothing was changed")));
    let Some(holding) = Holding::of(state) else {
        return wrong("nothing is held, so there is nothing to publish".to_owned());
    };
    let checks = holding.checks();
    let listed = || checks.iter().map(|check| format!("`{check}`")).collect::<Vec<_>>().join(", ");
    if let Some(other) = despite.iter().find(|name| !checks.contains(&name.as_str())) {
        return wrong(format!("`{other}` holds nothing; the tables are held by {}", listed()));
    }
    match checks.iter().find(|check| !despite.contains(**check)) {
        Some(other) => {
            wrong(format!("check `{other}` holds the tables too, so it must be named as well: --despite {other}"))
        }
        None => Ok(holding),
    }
}
