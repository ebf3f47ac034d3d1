//! Patterns of the names of a dataset's objects: any number of them, with any number of `*`.

use std::fmt;

use crate::Error;
use crate::error::Result;
use crate::glob::Pattern;
use crate::revision::file_and_revision;

/// The directory that stands for any number of directories.
const ANY_DEPTH: &str = "**";

/// A name in which `*` stands for any text without `/`, and a directory `**` for any number of directories.
#[derive(Debug, Clone)]
pub enum Glob {
    /// One `*`, as nearly all patterns have.
    Star(Pattern),
    /// Any other number, in the parts between the `/`.
    Parts(Vec<String>),
}

impl Glob {
    /// Reads a pattern such as `year=*/month=*/orders.csv`, `**/orders_*.csv` or `orders.csv`.
    ///
    /// # Errors
    /// Returns [`Kind::InvalidConfig`](crate::error::Kind::InvalidConfig) if no object can have such a name.
    pub fn parse(glob: &str) -> Result<Self> {
        let parts: Vec<String> = glob.split('/').map(str::to_owned).collect();
        if parts.iter().any(String::is_empty) {
            return Err(Error::config(
                "a pattern is a name such as `orders_*.csv`, without `/` at its ends or two in a row",
            ));
        }
        if parts.iter().any(|part| part != ANY_DEPTH && part.contains(ANY_DEPTH)) {
            return Err(Error::config("`**` stands for directories, and so alone between two `/`: `**/orders_*.csv`"));
        }
        match glob.matches('*').count() {
            1 => Pattern::parse(glob).map(Self::Star),
            _ => Ok(Self::Parts(parts)),
        }
    }

    /// Returns whether the pattern matches the name.
    #[inline]
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Star(pattern) => pattern.matches(name),
            Self::Parts(parts) => {
                let names: Vec<&str> = name.split('/').collect();
                all_match(
                    parts,
                    &names,
                    |part| part == ANY_DEPTH,
                    |part, name| part_matches(part.as_bytes(), name.as_bytes()),
                )
            }
        }
    }

    /// Returns the text with which all matching names begin.
    pub fn prefix(&self) -> &str {
        match self {
            Self::Star(pattern) => pattern.prefix(),
            Self::Parts(parts) => {
                // A name without `*` is one part or several, so its first part is all that is certain here.
                let first = parts.first().map_or("", String::as_str);
                &first[..first.find('*').unwrap_or(first.len())]
            }
        }
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Star(pattern) => pattern.fmt(out),
            Self::Parts(parts) => out.write_str(&parts.join("/")),
        }
    }
}

/// Returns whether the name matches the part, in which each `*` stands for any text.
fn part_matches(part: &[u8], name: &[u8]) -> bool {
    all_match(part, name, |byte| *byte == b'*', |byte, of_name| byte == of_name)
}

/// Returns whether items match a pattern, some of whose elements stand for any number of items. It goes back to the
/// latest of these alone: whatever an earlier one would take in addition, the latest can take as well. So it takes at most
/// as many steps as both lengths multiplied.
fn all_match<P, N>(pattern: &[P], items: &[N], is_any: impl Fn(&P) -> bool, is_one: impl Fn(&P, &N) -> bool) -> bool {
    let (mut at, mut item) = (0, 0);
    // The position after the latest element for any number, and the first item that it does not take.
    let mut latest = None;
    while item < items.len() {
        match pattern.get(at) {
            Some(element) if is_any(element) => {
                at += 1;
                latest = Some((at, item));
            }
            Some(element) if is_one(element, &items[item]) => {
                at += 1;
                item += 1;
            }
            _ => match &mut latest {
                Some((after, first)) => {
                    *first += 1;
                    (at, item) = (*after, *first);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(is_any)
}

/// The patterns of a dataset's objects: at least one.
#[derive(Debug, Clone)]
pub struct Globs(Vec<Glob>);

impl Globs {
    /// Returns the patterns together. An object belongs to the dataset if one of them matches its name.
    pub fn new(globs: Vec<Glob>) -> Self {
        Self(globs)
    }

    /// Returns whether the object belongs to the dataset: a pattern matches its name, or that of the file of which it is a
    /// [revision](file_and_revision).
    #[inline]
    pub fn matches(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Returns the place of the first pattern that matches the name, or that of the file of which it is a revision.
    pub fn position(&self, name: &str) -> Option<usize> {
        let of = |name: &str| self.0.iter().position(|glob| glob.matches(name));
        of(name).or_else(|| match file_and_revision(name) {
            (file, 2..) => of(file),
            _ => None,
        })
    }

    /// Returns the text with which the names of all the dataset's objects begin.
    pub fn prefix(&self) -> &str {
        let mut prefixes = self.0.iter().map(Glob::prefix);
        let first = prefixes.next().unwrap_or_default();
        let common =
            |most: usize, other: &str| first.bytes().zip(other.bytes()).take(most).take_while(|(a, b)| a == b).count();
        let len = prefixes.fold(first.len(), common);
        &first[..first.floor_char_boundary(len)]
    }

    /// Returns the part of the name that tells the dataset's objects apart: the one that the only `*` stands for, or the
    /// whole name.
    pub fn stem<'n>(&self, name: &'n str) -> Option<&'n str> {
        match &self.0[..] {
            [Glob::Star(pattern)] if pattern.matches(name) => pattern.stem(name),
            _ => self.matches(name).then_some(name),
        }
    }
}

impl fmt::Display for Globs {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, glob) in self.0.iter().enumerate() {
            write!(out, "{}{glob}", if at > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_its_directory_and_two_do_not() {
        for (glob, matching, others) in [
            ("orders.csv", &["orders.csv"][..], &["orders.csv.gz", "a/orders.csv", "orders_csv", ""][..]),
            (
                "year=*/month=*/orders.csv",
                &["year=2025/month=01/orders.csv", "year=/month=/orders.csv"],
                &["year=2025/orders.csv", "year=2025/month=01/02/orders.csv", "year=1/month=2/orders.csv/x"],
            ),
            ("*/*", &["a/b", "/b"], &["a", "a/b/c"]),
            ("**/o_*.csv", &["o_1.csv", "a/o_1.csv", "a/b/c/o_.csv"], &["a/o_1", "xo_1.csv", "o_1.csv/a"]),
            ("a/**", &["a", "a/b", "a/b/c"], &["b/a", "ab"]),
            ("a/**/b/**/c", &["a/b/c", "a/x/b/y/z/c", "a/b/b/c/c"], &["a/c", "a/b", "b/c"]),
            ("a*b*c", &["abc", "a1b2c", "abcbc"], &["ab", "acb", "abcd"]),
            ("**", &["a", "a/b"], &[]),
            ("ä_*_*.csv", &["ä_1_ü.csv"], &["a_1_ü.csv"]),
        ] {
            let parsed = Glob::parse(glob).expect(glob);
            assert_eq!(parsed.to_string(), glob);
            for name in matching {
                assert!(parsed.matches(name) && name.starts_with(parsed.prefix()), "{glob} {name}");
            }
            for name in others {
                assert!(!parsed.matches(name), "{glob} {name}");
            }
        }
        for wrong in ["", "/a", "a/", "a//b", "a**", "**a/b", "***"] {
            assert!(Glob::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_hostile_name_takes_no_long_time() {
        let glob = Glob::parse(&format!("{}b", "*a".repeat(50))).expect("a pattern");
        assert!(!glob.matches(&"a".repeat(1000)));
        let deep = Glob::parse(&format!("{}c", "**/a/".repeat(50))).expect("a pattern");
        assert!(!deep.matches(&"a/".repeat(500)));
    }

    #[test]
    fn several_patterns_have_what_begins_all_of_their_names() {
        let globs =
            |texts: &[&str]| Globs::new(texts.iter().map(|text| Glob::parse(text).expect("a pattern")).collect());
        assert_eq!(globs(&["ab_*.csv", "abc_*.json"]).prefix(), "ab");
        assert_eq!(globs(&["ä_*.csv", "á_*.csv"]).prefix(), "");
        assert_eq!(globs(&["a*", "b"]).to_string(), "a*, b");
        let one = globs(&["a_*.csv"]);
        assert_eq!((one.stem("a_1.csv"), one.stem("b_1.csv")), (Some("1"), None));
        assert_eq!((one.stem("a_1.csv.r02"), one.stem("a_1.csv.r1")), (Some("a_1.csv.r02"), None));
        let two = globs(&["a_*.csv", "b_*.csv"]);
        assert_eq!((two.stem("a_1.csv"), two.position("b_1.csv"), two.position("c")), (Some("a_1.csv"), Some(1), None));
    }
}
