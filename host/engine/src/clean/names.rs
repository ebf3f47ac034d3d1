//! Names of the objects that hold the rows of a bronze object.

use std::borrow::Cow;

use crate::pipeline::DatasetStep;
use smelt_common::digest;
use smelt_storage::layers::{QUARANTINE, SILVER};

/// The most bytes that an object's stem and its dataset's name may take together in a file name. File systems allow 255
/// bytes for the whole name.
const LONGEST_STEM: usize = 200;

/// The kind of rows that an object holds.
#[derive(Clone, Copy)]
pub(crate) enum RowKind {
    /// Rows that the cleaner kept.
    Silver,
    /// Rows that the cleaner or the decoder rejected.
    Quarantine,
}

impl DatasetStep {
    /// Returns the key for rows of the bronze object, without the suffix that makes it unique and without the
    /// extension.
    pub(crate) fn stem(&self, kind: RowKind, object: &str) -> String {
        let (layer, word) = match kind {
            RowKind::Silver => (SILVER, "clean"),
            RowKind::Quarantine => (QUARANTINE, "rejected"),
        };
        let (dataset, stem) = (&self.name, self.stem_of(object));
        format!("{layer}{dataset}/{dataset}_{word}_{stem}")
    }

    /// Returns the part of the object's name that tells it from others of the dataset. A long one is cut off and ends with
    /// digits of its digest; so does one with `/`, which stays in one directory.
    fn stem_of<'n>(&self, object: &'n str) -> Cow<'n, str> {
        let stem = self.pattern.stem(object).unwrap_or(object);
        let most = LONGEST_STEM - self.name.len();
        if stem.len() <= most && !stem.contains('/') {
            return stem.into();
        }
        // File systems would refuse the whole name.
        let (start, sha256) = (stem.floor_char_boundary(most - 17), digest::hex(object));
        format!("{}-{}", stem[..start].replace('/', "-"), &sha256[..16]).into()
    }
}
