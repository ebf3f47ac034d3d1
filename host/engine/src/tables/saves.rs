//! The points at which reducers were saved in large groups of a stage, so that a change costs its neighbourhood.

use std::collections::BTreeMap;
use std::sync::Mutex;

use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::Store;
use smelt_storage::sorted_runs::{Pair, Reader, SortedRuns};

/// A place in a group at which its reducer was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Point {
    /// The [key](smelt_common::stored_row) behind which it is: all rows up to it were seen.
    pub(super) key: Vec<u8>,
    /// The bytes that the reducer saved there.
    pub(super) saved: Vec<u8>,
}

/// The points of the groups of a stage, and how they change.
pub(super) struct Saves<'s> {
    /// `None` if there are none.
    kept: Option<Reader<'s>>,
    changes: Mutex<Vec<Pair>>,
}

impl<'s> Saves<'s> {
    /// Opens the points that are kept.
    pub(super) fn open(store: &'s dyn Store, kept: &SortedRuns) -> Result<Self> {
        let kept = (!kept.runs().is_empty()).then(|| kept.open(store)).transpose()?;
        Ok(Self { kept, changes: Mutex::default() })
    }

    /// Returns whether no group has a point.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_none()
    }

    /// Returns the points of those of the groups that have some.
    pub(super) fn of<'g>(&self, groups: impl Iterator<Item = &'g [u8]>) -> Result<BTreeMap<&'g [u8], Vec<Point>>> {
        let Some(kept) = &self.kept else { return Ok(BTreeMap::new()) };
        let groups: Vec<&[u8]> = groups.collect();
        let found = kept.get_many(&groups)?;
        let parse =
            |bytes: Vec<u8>| parse(&bytes).ok_or_else(|| Error::new(Kind::Damaged, "what was saved is malformed"));
        let found = groups.into_iter().zip(found).filter_map(|(group, bytes)| Some((group, bytes?)));
        found.map(|(group, bytes)| Ok((group, parse(bytes)?))).collect()
    }

    /// Puts these points in the place of those of the group.
    pub(super) fn set(&self, group: &[u8], points: &[Point]) {
        let value = (!points.is_empty()).then(|| written(points));
        if value.is_none() && self.kept.is_none() {
            return;
        }
        self.changes.lock().expect("no one panics while holding it").push((group.to_vec(), value));
    }

    /// Adds the changes to what is kept, as one object whose key begins with `stem`.
    pub(super) fn write(
        self,
        store: &dyn Store,
        kept: &mut SortedRuns,
        stem: &str,
        retired: &mut Vec<String>,
    ) -> Result<()> {
        kept.put(store, stem, self.changes.into_inner().expect("no one panics while holding it"), retired)
    }
}

/// Writes for each point the length of its key, the key, the length of what was saved, and that.
fn written(points: &[Point]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in points.iter().flat_map(|point| [&point.key, &point.saved]) {
        bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

fn parse(mut bytes: &[u8]) -> Option<Vec<Point>> {
    let mut points: Vec<Point> = Vec::new();
    while !bytes.is_empty() {
        let mut part = || {
            let length = u32::from_le_bytes(*bytes.split_off(..4)?.first_chunk()?);
            bytes.split_off(..length as usize).map(<[u8]>::to_vec)
        };
        points.push(Point { key: part()?, saved: part()? });
    }
    points.is_sorted_by(|a, b| a.key < b.key).then_some(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_come_back_and_what_are_none_is_refused() {
        let point = |key: &[u8], saved: &[u8]| Point { key: key.to_vec(), saved: saved.to_vec() };
        let points = [point(b"a", b""), point(b"ab", &[7; 300])];
        let bytes = written(&points);
        assert_eq!(parse(&bytes).as_deref(), Some(&points[..]));
        assert_eq!(parse(&[]), Some(vec![]));
        for cut in (1..bytes.len()).filter(|&cut| cut != 9) {
            assert_eq!(parse(&bytes[..cut]), None, "{cut} bytes");
        }
        assert_eq!(parse(&written(&[points[1].clone(), points[0].clone()])), None, "they are out of order");
    }
}
