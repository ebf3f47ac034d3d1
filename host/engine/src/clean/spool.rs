//! Holds rows until it is known which of them stay: in memory up to a budget, and beyond it in a temporary file.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arrow_array::{Array as _, RecordBatch};
use arrow_schema::SchemaRef;
use rustix::fs::{FallocateFlags, fallocate};

use smelt_common::error::{Kind, Result};
use smelt_common::{Error, profile};
use smelt_runtime::{decode_ipc, encode_ipc};

/// The memory budget and the temporary file that all spools of a run share.
pub struct Spools {
    /// The bytes of memory that spools may still take.
    left: AtomicI64,
    /// The temporary file, created for the first rows that exceed the budget.
    file: OnceLock<std::io::Result<File>>,
    /// The end of the file, where the next rows go.
    end: AtomicU64,
}

impl Spools {
    /// Returns a budget of about `memory_bytes` for all spools together.
    pub fn new(memory_bytes: i64) -> Self {
        Self { left: AtomicI64::new(memory_bytes), file: OnceLock::new(), end: AtomicU64::new(0) }
    }

    /// Returns the temporary file. It has no name, so the system removes it however the process ends.
    fn file(&self) -> Result<&File> {
        self.file.get_or_init(tempfile::tempfile).as_ref().map_err(unavailable)
    }
}

fn unavailable(error: &std::io::Error) -> Error {
    let directory = std::env::temp_dir();
    Error::new(Kind::Unavailable, format!("cannot keep rows in a temporary file in `{}`: {error}", directory.display()))
}

/// The rows of one object, in order.
pub struct Spool<'s> {
    spools: &'s Spools,
    pieces: Vec<Piece>,
}

enum Piece {
    Memory(RecordBatch, i64),
    Disk { schema: SchemaRef, start: u64, bytes: usize },
}

impl<'s> Spool<'s> {
    /// Returns a spool without rows.
    pub fn new(spools: &'s Spools) -> Self {
        Self { spools, pieces: Vec::new() }
    }

    /// Adds rows.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] if the temporary file cannot be written to.
    pub fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let _span = profile::span("spool rows", "");
        let size = |array: &arrow_array::ArrayRef| array.to_data().get_slice_memory_size().unwrap_or(0) as i64;
        let bytes = batch.columns().iter().map(size).sum();
        if self.spools.left.fetch_sub(bytes, Ordering::Relaxed) >= bytes {
            self.pieces.push(Piece::Memory(batch, bytes));
            return Ok(());
        }
        self.spools.left.fetch_add(bytes, Ordering::Relaxed);
        let body = encode_ipc(&batch)?;
        let start = self.spools.end.fetch_add(body.len() as u64, Ordering::Relaxed);
        self.spools.file()?.write_all_at(&body, start).map_err(|error| unavailable(&error))?;
        self.pieces.push(Piece::Disk { schema: batch.schema(), start, bytes: body.len() });
        Ok(())
    }

    /// Returns the number of batches that were added.
    pub fn batches(&self) -> usize {
        self.pieces.len()
    }

    /// Returns the batches in the order in which they were added.
    pub fn into_batches(self) -> impl Iterator<Item = Result<RecordBatch>> {
        let spools = self.spools;
        self.pieces.into_iter().map(move |piece| match piece {
            Piece::Memory(batch, bytes) => {
                spools.left.fetch_add(bytes, Ordering::Relaxed);
                Ok(batch)
            }
            Piece::Disk { schema, start, bytes } => {
                let mut body = vec![0; bytes];
                let file = spools.file()?;
                file.read_exact_at(&mut body, start).map_err(|error| unavailable(&error))?;
                // The temporary directory may be in memory, so the space is freed at once. If the file system cannot
                // punch holes, the space is freed with the file.
                let _ = fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, start, bytes as u64);
                decode_ipc(body, &schema, usize::MAX).map_err(Error::internal)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, StringArray};

    use super::*;

    #[test]
    fn rows_come_back_in_order_whether_they_fit_in_memory_or_not() {
        let batch = |from: i64| {
            let numbers = Arc::new(Int64Array::from_iter_values(from..from + 100));
            let texts =
                Arc::new(StringArray::from_iter((from..from + 100).map(|n| (n % 3 > 0).then(|| n.to_string()))));
            RecordBatch::try_from_iter([("n", numbers as _), ("t", texts as _)]).expect("a batch")
        };
        for budget in [0, 5_000, 1 << 30] {
            let spools = Spools::new(budget);
            let mut spool = Spool::new(&spools);
            (0..10).for_each(|number| spool.push(batch(number * 100)).expect("it takes rows"));
            let on_disk = spool.pieces.iter().filter(|piece| matches!(piece, Piece::Disk { .. })).count();
            assert_eq!((on_disk == 10, on_disk == 0), (budget == 0, budget > 5_000), "{on_disk} on disk");
            let back: Vec<_> = spool.into_batches().map(|batch| batch.expect("it is there")).collect();
            assert_eq!(back, (0..10).map(|number| batch(number * 100)).collect::<Vec<_>>());
            assert_eq!(spools.left.into_inner(), budget, "what was read is given back");
        }
    }
}
