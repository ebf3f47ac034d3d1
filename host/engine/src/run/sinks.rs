//! The last step of a tick: tells the sinks what is published.

use std::collections::BTreeMap;
use std::sync::MutexGuard;

use super::host::Host;
use super::report::Report;
use crate::attempt::ATTEMPTS;
use crate::sinks::Carried;
use smelt_catalog::{State, look};
use smelt_common::error::{Kind, Result};
use smelt_connectors::Sink;

impl Host {
    /// Brings every sink to what readers see now, outside of a tick. What came before is committed, so an error here is a failure
    /// in the report and nothing more.
    pub fn tell_sinks(&self) -> Report {
        let mut report = Report::default();
        if self.sinks.is_empty() {
            return report;
        }
        let told = self.writing(|| self.tell_sinks_into(&mut report));
        report.failures.extend(told.err().map(|error| ("the sinks".to_owned(), error)));
        report
    }

    /// Brings every sink to what readers see now. A sink that fails is tried again by the next call, and the others go on. Others
    /// must be able to see that this host is writing, so that the next one removes what it leaves if it is killed.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub(super) fn tell_sinks_into(&self, report: &mut Report) -> Result<()> {
        if self.sinks.is_empty() {
            return Ok(());
        }
        let state = self.state()?;
        for sink in &self.sinks {
            match self.bring(&**sink, &state) {
                Ok(written) => report.written.extend(written),
                Err(error) => report.failures.push((format!("sink.{}", sink.name()), error)),
            }
        }
        Ok(())
    }

    /// Tells a sink until it has what was published last: another process may bring it there at the same time, and the one that
    /// is ahead may be overtaken by the other. `state` is the newest as far as this host knows.
    fn bring(&self, sink: &dyn Sink, state: &State) -> Result<Vec<String>> {
        let names = sink.relations();
        if !self.reconcile && self.has_told(sink.name(), &self.carried(state).versions(&names)?) {
            return Ok(vec![]);
        }
        let mut written = Vec::new();
        for attempt in 1.. {
            let (versions, told) = look(self.store(), |state| {
                let carried = self.carried(state);
                let versions = carried.versions(&names)?;
                if attempt > 1 && self.has_told(sink.name(), &versions) {
                    return Ok((versions, Ok(vec![])));
                }
                match sink.publish(&carried, self.reconcile) {
                    // Another process was faster. Whoever looks would wait for a commit, and there need not be one.
                    Err(error) if error.kind() == Kind::Conflict => Ok((versions, Err(error))),
                    told => Ok((versions, Ok(told?))),
                }
            })?;
            let is_last = attempt >= ATTEMPTS;
            match told {
                Err(error) if is_last => return Err(error),
                Err(_) => continue,
                Ok(told) => written.extend(told),
            }
            let is_told = self.told().insert(sink.name().to_owned(), versions.clone()) == Some(versions);
            if is_told || is_last {
                break;
            }
        }
        Ok(written)
    }

    fn carried<'c>(&'c self, state: &'c State) -> Carried<'c> {
        Carried { store: self.store(), pipeline: &self.pipeline, state, progress: &*self.progress }
    }

    fn has_told(&self, sink: &str, versions: &[String]) -> bool {
        self.told().get(sink).is_some_and(|told| told == versions)
    }

    fn told(&self) -> MutexGuard<'_, BTreeMap<String, Vec<String>>> {
        self.told.lock().expect("no one panics while holding it")
    }
}
