//! Patterns of names, which decide to which dataset a bronze object belongs.

use std::fmt;

use crate::Error;
use crate::error::Result;

/// A name with one `*`, which stands for any text without `/`. Every name in a listing is matched against it, so no
/// regular expression is used.
#[derive(Debug, Clone)]
pub struct Pattern {
    before: String,
    after: String,
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}*{}", self.before, self.after)
    }
}

impl Pattern {
    /// Reads a pattern such as `readings_*.csv`.
    ///
    /// # Errors
    /// Returns [`Kind::InvalidConfig`](crate::error::Kind::InvalidConfig) unless there is exactly one `*`.
    pub fn parse(glob: &str) -> Result<Self> {
        match glob.split_once('*') {
            Some((before, after)) if !after.contains('*') => {
                Ok(Self { before: before.to_owned(), after: after.to_owned() })
            }
            _ => Err(Error::config("a pattern is a name with exactly one `*`, such as `readings_*.csv`")),
        }
    }

    /// Returns the text with which all names of the dataset's objects begin.
    pub fn prefix(&self) -> &str {
        &self.before
    }

    /// Returns the text with which all these names end.
    pub fn suffix(&self) -> &str {
        &self.after
    }

    /// Returns whether the object belongs to the dataset.
    #[inline]
    pub fn matches(&self, name: &str) -> bool {
        self.stem(name).is_some()
    }

    /// Returns the name for the `attempt`th try to store an object, after others had the earlier names. The first is
    /// `name` itself.
    ///
    /// Each further one has the number before the first dot of the part that the `*` stands for. That part is cut so
    /// that no name is longer than `most` bytes.
    pub fn numbered(&self, name: &str, attempt: u32, most: usize) -> String {
        let Some(stem) = self.stem(name).filter(|_| attempt > 1) else { return name.to_owned() };
        let Self { before, after } = self;
        let mark = format!("_{attempt}");
        let room = most.saturating_sub(before.len() + mark.len() + after.len());
        let (start, end) = stem.split_at(stem.find('.').unwrap_or(stem.len()));
        // If what follows the dot is too long by itself, the number goes to the end.
        let (start, end) = if end.len() < room { (start, end) } else { (stem, "") };
        let start = &start[..start.floor_char_boundary(room - end.len())];
        format!("{before}{start}{mark}{end}{after}")
    }

    /// Returns the part of the name that the `*` stands for. It tells the objects of a dataset apart.
    #[inline]
    pub fn stem<'n>(&self, name: &'n str) -> Option<&'n str> {
        // Most names differ in the first bytes, so a loop over bytes is several times faster than calls of `memcmp`.
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
    fn a_numbered_name_stays_within_its_pattern_and_its_length() {
        for (glob, name, numbered) in [
            ("orders_*.json", "orders_1.json", "orders_1_2.json"),
            ("orders_*", "orders_1.json.gz", "orders_1_2.json.gz"),
            ("a.*.csv", "a.1.csv", "a.1_2.csv"),
            ("*_end.csv", "1_end.csv", "1_2_end.csv"),
            ("orders_*.json", "orders_.json", "orders__2.json"),
            ("orders_*", "orders_123456789012.csv", "orders_1234567_2.csv"),
            ("orders_*.csv", "orders_123456789012.csv", "orders_1234567_2.csv"),
            ("orders_*", "orders_1.3456789012345", "orders_1.345678901_2"),
            ("a_much_longer_name_*", "a_much_longer_name_1", "a_much_longer_name__2"),
        ] {
            let pattern = Pattern::parse(glob).expect("a pattern");
            assert_eq!(pattern.numbered(name, 1, 20), name);
            assert_eq!(pattern.numbered(name, 2, 20), numbered);
            assert!(pattern.matches(numbered), "{numbered}");
        }
    }

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
