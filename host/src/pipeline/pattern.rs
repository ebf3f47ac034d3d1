//! Which bronze objects are a dataset's.

use regex::Regex;

use crate::Error;
use crate::error::Result;

/// A name with one `*`, which stands for anything but `/`.
#[derive(Debug, Clone)]
pub struct Pattern {
    prefix: String,
    expression: Regex,
}

impl Pattern {
    /// Reads a pattern such as `readings_*.csv`.
    pub fn parse(glob: &str) -> Result<Self> {
        let wrong = || {
            Error::config(format!(
                "objects = \"{glob}\": a pattern is a name with exactly one `*`, such as `readings_*.csv`"
            ))
        };
        let (before, after) = glob.split_once('*').filter(|(_, after)| !after.contains('*')).ok_or_else(wrong)?;
        let expression = format!("^{}([^/]*){}$", regex::escape(before), regex::escape(after));
        Ok(Self { prefix: before.to_owned(), expression: Regex::new(&expression).map_err(|_| wrong())? })
    }

    /// Whether the object is of the dataset.
    pub fn matches(&self, name: &str) -> bool {
        // A listing is matched against every pattern: most names end here.
        name.starts_with(&self.prefix) && self.expression.is_match(name)
    }

    /// What the `*` stands for, which tells the dataset's objects apart.
    pub fn stem<'n>(&self, name: &'n str) -> Option<&'n str> {
        Some(self.expression.captures(name)?.get(1)?.as_str())
    }
}
