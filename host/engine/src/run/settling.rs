//! Files that others may still be writing: one is taken only when two looks at it, some time apart, found it the same.

use std::collections::BTreeMap;
use std::time::Duration;

use smelt_common::clock::apart;
use smelt_connectors::There;

/// The files of a source that wait to be taken: by name their version, and the time at which it was seen first, in microseconds
/// since the epoch.
#[derive(Debug, Default)]
pub(super) struct Settling(BTreeMap<String, (String, i64)>);

impl Settling {
    /// Notes which files there are now, and returns whether each has been the same for so long. Files that are not here any more
    /// are forgotten.
    pub(super) fn look<'t>(
        &mut self,
        there: impl IntoIterator<Item = &'t There>,
        now: i64,
        settle: Duration,
    ) -> Vec<bool> {
        let before = std::mem::take(&mut self.0);
        let settled = there.into_iter().map(|file| {
            let same = before.get(&file.name).filter(|(version, _)| *version == file.version);
            let first = same.map_or(now, |(_, first)| *first);
            self.0.insert(file.name.clone(), (file.version.clone(), first));
            settle.is_zero() || same.is_some() && apart(first, now) >= settle
        });
        settled.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_settled_when_it_was_the_same_for_long_enough() {
        let file = |name: &str, version: &str| There { name: name.into(), bytes: 1, version: version.into() };
        let mut settling = Settling::default();
        let mut look =
            |files: &[There], seconds: i64| settling.look(files, seconds * 1_000_000, Duration::from_secs(2));
        assert_eq!(look(&[file("a", "1"), file("b", "1")], 0), [false, false]);
        assert_eq!(look(&[file("a", "1"), file("b", "2")], 1), [false, false]);
        assert_eq!(look(&[file("a", "1"), file("b", "2")], 2), [true, false], "b has changed meanwhile");
        assert_eq!(look(&[file("b", "2")], 3), [true]);
        assert_eq!(look(&[file("a", "1")], 9), [false], "it went away and came back");
        // A clock that was put back makes nobody wait for ever.
        assert_eq!(look(&[file("a", "1")], 0), [true]);
        assert_eq!(Settling::default().look(&[file("a", "1")], 0, Duration::ZERO), [true]);
    }
}
