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

    /// What all names of the dataset's objects begin with.
    pub fn prefix(&self) -> &str {
        &self.before
    }

    /// Whether the object is of the dataset.
    pub fn matches(&self, name: &str) -> bool {
        self.stem(name).is_some()
    }

    /// What the `*` stands for, which tells the dataset's objects apart.
    pub fn stem<'n>(&self, name: &'n str) -> Option<&'n str> {
        // Byte by byte: most names differ in the first ones, and calls that compare would cost several times as much.
        let same = |a: &[u8], b: &[u8]| a.iter().zip(b).all(|(a, b)| a == b);
        let (start, end) = (self.before.len(), name.len().checked_sub(self.after.len())?);
        let bytes = name.as_bytes();
        if start > end || !same(bytes, self.before.as_bytes()) || !same(&bytes[end..], self.after.as_bytes()) {
            return None;
        }
        let stem = &name[start..end];
        (!stem.contains('/')).then_some(stem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_but_a_slash() {
        let pattern = Pattern::parse("raw/ä_*_x.csv").expect("a pattern");
        for (name, stem) in [
            ("raw/ä_1_x.csv", Some("1")),
            ("raw/ä_ü_x.csv", Some("ü")),
            ("raw/ä__x.csv", Some("")),
            ("raw/ä_x.csv", None),
            ("raw/ä_1/2_x.csv", None),
            ("raw/ä_1_x.csv.gz", None),
            ("raw/a_1_x.csv", None),
            ("raw/ä_1_y.csv", None),
            ("_x.csv", None),
            ("", None),
        ] {
            assert_eq!(pattern.stem(name), stem, "{name}");
        }
    }
}
