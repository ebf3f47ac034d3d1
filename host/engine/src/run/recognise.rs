//! Tells the files that a dataset knows from those that are left alone.

use super::host::Host;
use crate::host_relation::stamp_of;
use crate::pipeline::DatasetStep;
use smelt_catalog::Unrecognised;
use smelt_common::revision::ends_as_revision;
use smelt_common::text::wrong_heading;
use smelt_connectors::{Source, There};

/// The most bytes of a file's name. The name of a revision is longer, and so is that of a file while it is written.
const NAME_BYTES: usize = 200;

impl Host {
    /// Returns the datasets that have an object of that name, in the order of their names, without those that have the records
    /// of bronze as they are.
    pub(super) fn datasets_of<'h>(&'h self, object: &'h str) -> impl Iterator<Item = &'h DatasetStep> {
        self.pipeline.datasets.iter().filter(move |step| !step.is_of_bronze() && step.pattern.matches(object))
    }

    /// Parts the files of a source into those that it takes and those that no dataset recognises. Files that get a name when
    /// they arrive are what the source's patterns match, and no others are told.
    pub(super) fn recognise(&self, source: &dyn Source, there: Vec<There>) -> (Vec<There>, Unrecognised) {
        let (mut ours, mut others) = (Vec::new(), Vec::new());
        for file in there {
            match source.object(&file.name, "", 0).is_some() || self.is_recognised(source, &file.name) {
                true => ours.push(file),
                false => others.push(file.name),
            }
        }
        (ours, Unrecognised::of(others))
    }

    fn is_recognised(&self, source: &dyn Source, name: &str) -> bool {
        let is_legal = wrong_heading(name).is_none() && name.len() <= NAME_BYTES && !ends_as_revision(name);
        is_legal && (!source.rules().stamped || stamp_of(name).is_some()) && self.datasets_of(name).next().is_some()
    }
}
