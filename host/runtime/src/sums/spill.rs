//! Keeps sums in a temporary file, once they are more than memory should hold.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::index::Keys;
use super::number;
use super::table::{BLOCK, Sign, Sums};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

/// A temporary file that all shards of a table share. It has no name, so the system removes it however the process ends.
#[derive(Default)]
pub(super) struct Spill {
    /// The file, made for the first rows that go there.
    file: OnceLock<std::io::Result<File>>,
    /// The end of the file, where the next rows go.
    end: AtomicU64,
}

/// Rows in the file.
pub(super) struct Piece {
    start: u64,
    bytes: usize,
    rows: u32,
}

impl Piece {
    pub(super) fn rows(&self) -> usize {
        self.rows as usize
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Spill {
    /// Writes all rows. If a sum is beyond 128 bits, or the file cannot be written to, returns `None`: then the rows stay
    /// where they are.
    pub(super) fn write(&self, sums: &Sums) -> Option<Piece> {
        let rows = sums.rows.keys.len();
        let mut body = Vec::with_capacity(sums.bytes());
        for at in 0..rows {
            let (key, group) = (sums.rows.keys.get(at), sums.rows.keys.group(at).len());
            number::write(group as u128, &mut body);
            number::write((key.len() - group) as u128, &mut body);
            body.extend_from_slice(key);
            for column in 0..sums.width() {
                number::write(number::fold(sums.exact(at, column)?), &mut body);
            }
        }
        let start = self.end.fetch_add(body.len() as u64, Ordering::Relaxed);
        let file = self.file.get_or_init(tempfile::tempfile).as_ref().ok()?;
        file.write_all_at(&body, start).ok()?;
        Some(Piece { start, bytes: body.len(), rows })
    }

    /// Adds the rows to a table.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] if the file cannot be read.
    pub(super) fn read(&self, piece: &Piece, to: &mut Sums) -> Result<()> {
        let unavailable = |error: &dyn std::fmt::Display| {
            let directory = std::env::temp_dir();
            let why = format!("cannot read sums back from a temporary file in `{}`: {error}", directory.display());
            Error::new(Kind::Unavailable, why)
        };
        let file = match self.file.get() {
            Some(Ok(file)) => file,
            _ => return Err(Error::internal("sums were written to no file")),
        };
        let mut body = vec![0; piece.bytes];
        file.read_exact_at(&mut body, piece.start).map_err(|error| unavailable(&error))?;
        let (mut rest, width) = (body.as_slice(), to.width());
        let malformed = || unavailable(&"it holds something else");
        let (mut keys, mut sums) = (Keys::default(), Vec::new());
        for row in 1..=piece.rows {
            let [group, others] =
                [(); 2].map(|()| number::read(&mut rest).and_then(|bytes| usize::try_from(bytes).ok()));
            let (group, others) = group.zip(others).ok_or_else(malformed)?;
            let (group, after) = rest.split_at_checked(group).ok_or_else(malformed)?;
            let (others, after) = after.split_at_checked(others).ok_or_else(malformed)?;
            rest = after;
            keys.push(group, |key| key.extend_from_slice(others));
            for _ in 0..width {
                sums.push(number::unfold(number::read(&mut rest).ok_or_else(malformed)?));
            }
            if (row as usize).is_multiple_of(BLOCK) || row == piece.rows {
                to.add_sums(&keys, &sums, Sign::Plus);
                keys.clear();
                sums.clear();
            }
        }
        Ok(())
    }
}
