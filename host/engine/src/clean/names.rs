//! What is written of a bronze object is named after it.

use std::borrow::Cow;

use crate::pipeline::DatasetStep;
use smelt_common::digest;
use smelt_storage::layers::{QUARANTINE, SILVER};

/// The most bytes of an object's stem and its dataset's name that go into names of our own: file systems allow 255 in all.
const LONGEST_STEM: usize = 200;

/// What is written.
#[derive(Clone, Copy)]
pub(crate) enum What {
    /// The rows kept.
    Silver,
    /// The rows rejected.
    Quarantine,
}

impl DatasetStep {
    /// Where that is written, but for what makes it unique and the extension.
    pub(crate) fn stem(&self, what: What, object: &str) -> String {
        let (layer, what) = match what {
            What::Silver => (SILVER, "clean"),
            What::Quarantine => (QUARANTINE, "rejected"),
        };
        let (dataset, stem) = (&self.name, self.stem_of(object));
        format!("{layer}{dataset}/{dataset}_{what}_{stem}")
    }

    /// What tells the object from others of its dataset, as its pattern has it.
    fn stem_of<'n>(&self, object: &'n str) -> Cow<'n, str> {
        let stem = self.pattern.stem(object).unwrap_or(object);
        let most = LONGEST_STEM - self.name.len();
        if stem.len() <= most {
            return stem.into();
        }
        // What we write beside it would have too long a name.
        let (start, sha256) = (stem.floor_char_boundary(most - 17), digest::hex(object));
        format!("{}-{}", &stem[..start], &sha256[..16]).into()
    }
}
