//! Which bronze objects are a dataset's.

use crate::Error;
use crate::error::Result;

/// A name with one `*`, which stands for anything but `/`. Every name in a listing is matched, so that is done by hand.
#[derive(Debug, Clone)]
pub struct Pattern {
    before: String,
    after: String,
}

impl Pattern {
    /// Reads a pattern such as `readings_*.csv`.
    pub fn parse(glob: &str) -> Result<Self> {
        match glob.split_once('*') {
            Some((before, after)) if !after.contains('*') => {
                Ok(Self { before: before.to_owned(), after: after.to_owned() })
            }
            _ => Err(Error::config(format!(
                "objects = \"{glob}\": a pattern is a name with exactly one `*`, such as `readings_*.csv`"
            ))),
        }
    }

    /// Whether the object is of the dataset.
    pub fn matches(&self, name: &str) -> bool {
        self.stem(name).is_some()
    }

    /// What the `*` stands for, which tells the dataset's objects apart.
    pub fn stem<'n>(&self, name: &'n str) -> Option<&'n str> {
        let stem = name.strip_prefix(&self.before)?.strip_suffix(&self.after)?;
        (!stem.contains('/')).then_some(stem)
    }
}
