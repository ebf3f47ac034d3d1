//! The walk over the objects of a dataset, by file and revision. It judges each, and remembers of those that count what later
//! ones are compared with.

mod anomaly;
mod drift;
mod facts;
mod history;
mod outcome;
mod periods;
mod verdict;

use facts::Facts;
use history::History;
use smelt_sdk::prelude::*;

use crate::part::Judging;
use crate::rows::{Finding, InOrder};

/// The memory of the walk at an object.
#[derive(Default, Saved)]
pub(crate) struct Walk {
    /// The object whose rows come.
    now: Option<Facts>,
    history: History,
}

impl Walk {
    /// Takes a row. The facts of an object are its first one, so the object before it is complete.
    pub(crate) fn take(&mut self, judging: &Judging, row: InOrder<'_>, out: &mut Out<Finding<'static>>) -> Result<()> {
        if let InOrder::Object { .. } = row {
            self.judge(judging, out)?;
            self.now = Facts::begin(row);
            return Ok(());
        }
        if let Some(now) = &mut self.now {
            now.take(row);
        }
        Ok(())
    }

    fn judge(&mut self, judging: &Judging, out: &mut Out<Finding<'static>>) -> Result<()> {
        let Some(now) = self.now.take() else { return Ok(()) };
        self.history.begin(&now.file);
        let is_refused = verdict::write(judging, &now, &self.history, out)?;
        let counts = match now.decision.as_deref() {
            Some("withhold") => false,
            Some("release") => now.unreadable.is_none(),
            _ => !is_refused,
        };
        if counts {
            self.history.remember(judging, &now);
        }
        Ok(())
    }

    /// Judges the last object, and then the dataset.
    pub(crate) fn end(mut self, judging: &Judging, out: &mut Out<Finding<'static>>) -> Result<()> {
        self.judge(judging, out)?;
        self.history.begin("");
        periods::write(judging, &self.history, out)
    }
}
