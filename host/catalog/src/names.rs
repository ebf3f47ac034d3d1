//! A checksum over the names of a dataset's bronze objects, which tells whether a listing has the same names.

use serde::{Deserialize, Serialize};
use siphasher::sip128::SipHasher13;

/// The least number of names that a tick lists on a store where listing is slow. These are the greatest names.
const WINDOW: u64 = 500;

/// A set of names, as checksums.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameSet {
    /// The greatest name.
    pub greatest: String,
    /// The checksum of all names.
    pub all: Tail,
    /// The checksum of the greatest names: at least [`WINDOW`] of them, if the set has so many.
    window: Tail,
    /// The next window: the names that came since it was begun. It becomes the window when it has [`WINDOW`] names.
    next: Tail,
    /// True if a name came that sorts before the window. Then a listing of the window would miss such names.
    unordered: bool,
}

/// A checksum over the names greater than a given one. The order of the names does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// The name that all names are greater than.
    after: String,
    /// The number of names.
    pub count: u64,
    /// The sum of the names' 128-bit SipHash-1-3, in hexadecimal.
    digest: Sum,
}

/// A sum modulo 2^128.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Sum(u128);

impl From<Sum> for String {
    fn from(Sum(sum): Sum) -> Self {
        format!("{sum:032x}")
    }
}

impl TryFrom<String> for Sum {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let sum = digits.then(|| u128::from_str_radix(&text, 16).ok()).flatten();
        sum.map(Self).ok_or_else(|| "a sum of names has 32 hexadecimal digits".to_owned())
    }
}

impl NameSet {
    /// Adds names that the set does not have yet.
    pub fn extend<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        let mut names: Vec<_> = names.collect();
        // Names that come in one commit have no order in time, so they are sorted.
        names.sort_unstable();
        for name in names {
            self.unordered |= !self.window.after.is_empty() && name <= self.window.after.as_str();
            [&mut self.all, &mut self.window, &mut self.next].into_iter().for_each(|tail| tail.add(name));
            if name > self.greatest.as_str() {
                self.greatest = name.to_owned();
            }
            if self.next.count >= WINDOW {
                let next = Tail { after: self.greatest.clone(), ..Tail::default() };
                self.window = std::mem::replace(&mut self.next, next);
            }
        }
    }

    /// Returns the names that a listing must be compared with: the greatest ones if new names sort among or after them,
    /// or else all names.
    pub fn window(&self) -> &Tail {
        if self.unordered { &self.all } else { &self.window }
    }
}

impl Tail {
    /// Returns the name that all names are greater than.
    pub fn after(&self) -> &str {
        &self.after
    }

    fn add(&mut self, name: &str) {
        if name > self.after.as_str() || self.after.is_empty() {
            let hash = SipHasher13::new().hash(name.as_bytes());
            self.digest.0 = self.digest.0.wrapping_add(u128::from(hash));
            self.count += 1;
        }
    }
}

/// Compares the names of a listing with the names in the catalog, without reading the latter.
#[derive(Debug)]
pub struct Listed<'h> {
    /// The names that should be listed, and the greatest of them.
    held: Option<(&'h Tail, &'h str)>,
    /// The names that were listed, up to the greatest that should be.
    found: Tail,
}

impl<'h> Listed<'h> {
    /// Begins a comparison with the names that should be listed.
    pub fn new(held: Option<(&'h Tail, &'h str)>) -> Self {
        let after = held.map_or("", |(tail, _)| tail.after());
        Self { held, found: Tail { after: after.to_owned(), ..Tail::default() } }
    }

    /// Adds a name of the listing. Returns whether it sorts no later than the greatest name of the catalog. If so, and
    /// if [`Listed::is_same`] is true in the end, the catalog has the name.
    pub fn add(&mut self, name: &str) -> bool {
        let known = self.held.is_some_and(|(_, greatest)| name <= greatest);
        if known {
            self.found.add(name);
        }
        known
    }

    /// Returns whether the listing has all names that it should have, and no other name up to the greatest of them.
    pub fn is_same(&self) -> bool {
        self.held.is_none_or(|(held, _)| *held == self.found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: impl IntoIterator<Item = u32>) -> NameSet {
        let mut set = NameSet::default();
        names.into_iter().for_each(|name| set.extend([format!("{name:06}").as_str()].into_iter()));
        set
    }

    /// Returns whether a listing of these names agrees with the window.
    fn is_same(set: &NameSet, listed: impl IntoIterator<Item = u32>) -> bool {
        let window = set.window();
        let mut found = Listed::new(Some((window, &set.greatest)));
        let listed = listed.into_iter().map(|name| format!("{name:06}"));
        for name in listed.filter(|name| name.as_str() > window.after()) {
            found.add(&name);
        }
        found.is_same()
    }

    #[test]
    fn a_window_follows_the_names_and_tells_late_and_missing_ones() {
        let all = || (0..10_000).map(|n| n * 2);
        let set = set(all());
        let count = all().filter(|n| format!("{n:06}").as_str() > set.window().after()).count() as u64;
        assert!((WINDOW..=2 * WINDOW).contains(&count) && count == set.window().count, "{count}");
        assert!(is_same(&set, all()));
        assert!(is_same(&set, all().chain([20_001])), "what sorts after them is new");
        assert!(!is_same(&set, all().chain([19_997])), "one came late");
        assert!(!is_same(&set, all().filter(|&n| n != 19_990)), "one is gone");
    }

    #[test]
    fn where_names_come_in_no_order_all_are_listed() {
        let mut set = set((0..5_000).map(|n| n * 2));
        assert!(!set.window().after().is_empty());
        set.extend(["000001"].into_iter());
        assert_eq!((set.window().after(), set.window().count), ("", 5_001));
        assert!(is_same(&set, (0..5_000).map(|n| n * 2).chain([1])));
    }

    #[test]
    fn names_that_come_together_have_no_order() {
        let (mut one, mut other) = (NameSet::default(), NameSet::default());
        let names: Vec<_> = (0..3_000).map(|n| format!("{n:06}")).collect();
        one.extend(names.iter().map(String::as_str));
        other.extend(names.iter().rev().map(String::as_str));
        assert_eq!(one, other);
        assert!(!one.window().after().is_empty());
    }
}
