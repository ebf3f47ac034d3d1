//! Keeps sums in a temporary file, once they are more than memory should hold.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::table::{Sign, Sums};
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, stored_row};

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
    /// Writes all rows. If the file cannot be written to, returns `None`: then the rows stay where they are.
    pub(super) fn write(&self, sums: &Sums) -> Option<Piece> {
        let rows = sums.rows.keys.len();
        let (mut body, mut key) = (Vec::with_capacity(sums.bytes()), Vec::new());
        for at in 0..rows {
            let group = sums.rows.keys.group(at);
            key.clear();
            stored_row::write_key(group, &sums.rows.keys.get(at)[group.len()..], &mut key);
            body.extend_from_slice(&(key.len() as u32).to_le_bytes());
            body.extend_from_slice(&key);
            let numbers = body.len();
            body.extend_from_slice(&[0; 4]);
            (0..sums.width()).for_each(|column| sums.exact(at, column).write(&mut body));
            let length = (body.len() - numbers - 4) as u32;
            body[numbers..numbers + 4].copy_from_slice(&length.to_le_bytes());
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
        let mut rest = body.as_slice();
        let mut part = || -> Option<&[u8]> {
            let length = rest.split_off(..4)?.first_chunk()?;
            rest.split_off(..u32::from_le_bytes(*length) as usize)
        };
        let mut loader = to.loader(Sign::Plus);
        for _ in 0..piece.rows {
            let (key, numbers) = part().zip(part()).ok_or_else(|| unavailable(&"it holds something else"))?;
            loader.push(key, numbers)?;
        }
        loader.finish();
        Ok(())
    }
}
