//! Sorts stored rows by their keys, of which there may be more than memory should hold.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read, Seek as _, Write as _};
use std::ops::Range;

use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::stored_row::split_key;

/// The bytes of rows in memory, beyond which they go to a temporary file.
const BUDGET: usize = 64 << 20;

/// [Stored rows](smelt_common::stored_row) that come in any order and leave in that of their keys. What does not fit in memory
/// waits in sorted files without a name, which the system removes however the process ends.
pub struct Sorter {
    budget: usize,
    bytes: Vec<u8>,
    rows: Vec<Row>,
    files: Vec<File>,
}

/// The place of a row among the bytes: its key, then its numbers.
struct Row {
    start: usize,
    key: usize,
    end: usize,
}

impl Row {
    fn key(&self) -> Range<usize> {
        self.start..self.start + self.key
    }

    fn numbers(&self) -> Range<usize> {
        self.start + self.key..self.end
    }
}

/// A row that was read from a file, and the number of the file.
#[derive(PartialEq, Eq)]
struct Next {
    key: Vec<u8>,
    numbers: Vec<u8>,
    file: usize,
}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (split_key(&self.key), self.file).cmp(&(split_key(&other.key), other.file))
    }
}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Default for Sorter {
    fn default() -> Self {
        Self::within(BUDGET)
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("a temporary file for sorting: {error}"))
}

impl Sorter {
    /// Returns a sorter that holds about so many bytes in memory.
    pub fn within(budget: usize) -> Self {
        Self { budget, bytes: vec![], rows: vec![], files: vec![] }
    }

    /// Takes a row.
    pub fn push(&mut self, key: &[u8], numbers: &[u8]) -> Result<()> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(numbers);
        self.rows.push(Row { start, key: key.len(), end: self.bytes.len() });
        if self.bytes.len() + self.rows.len() * size_of::<Row>() > self.budget { self.spill() } else { Ok(()) }
    }

    /// Sorts the rows that are in memory. Rows of one key stay in the order in which they came.
    fn sort(&mut self) {
        let bytes = &self.bytes;
        self.rows.sort_by(|one, other| split_key(&bytes[one.key()]).cmp(&split_key(&bytes[other.key()])));
    }

    fn spill(&mut self) -> Result<()> {
        self.sort();
        let mut file = BufWriter::new(tempfile::tempfile().map_err(failed)?);
        for row in &self.rows {
            for part in [row.key(), row.numbers()] {
                file.write_all(&(part.len() as u32).to_le_bytes()).map_err(failed)?;
                file.write_all(&self.bytes[part]).map_err(failed)?;
            }
        }
        let mut file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.rewind().map_err(failed)?;
        self.files.push(file);
        self.bytes.clear();
        self.rows.clear();
        Ok(())
    }

    /// Gives the key and the numbers of each row, in the order of the keys.
    pub fn finish(mut self, mut visit: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()> {
        if self.files.is_empty() {
            self.sort();
            return self.rows.iter().try_for_each(|row| visit(&self.bytes[row.key()], &self.bytes[row.numbers()]));
        }
        self.spill()?;
        let mut files: Vec<_> = self.files.into_iter().map(BufReader::new).collect();
        let mut heap = BinaryHeap::new();
        for (number, file) in files.iter_mut().enumerate() {
            heap.extend(next(file, number)?.map(Reverse));
        }
        while let Some(Reverse(least)) = heap.pop() {
            visit(&least.key, &least.numbers)?;
            heap.extend(next(&mut files[least.file], least.file)?.map(Reverse));
        }
        Ok(())
    }
}

/// Reads the next row of a file; `None` at its end.
fn next(file: &mut BufReader<File>, number: usize) -> Result<Option<Next>> {
    let mut part = || -> std::io::Result<Vec<u8>> {
        let mut length = [0; 4];
        file.read_exact(&mut length)?;
        let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    let key = match part() {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        key => key.map_err(failed)?,
    };
    Ok(Some(Next { key, numbers: part().map_err(failed)?, file: number }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use smelt_common::stored_row::write_key;

    proptest! {
        #[test]
        fn rows_leave_in_the_order_of_their_keys_whatever_fits_in_memory(
            rows in proptest::collection::vec(("[a-c]{0,3}", "[a-c]{0,2}"), 0..40),
            budget in prop_oneof![Just(0_usize), Just(200), Just(1 << 20)],
        ) {
            let mut sorter = Sorter::within(budget);
            for (number, (group, rest)) in rows.iter().enumerate() {
                let mut key = Vec::new();
                write_key(group.as_bytes(), rest.as_bytes(), &mut key);
                sorter.push(&key, &[number as u8]).expect("it takes them");
            }
            prop_assert_eq!(sorter.files.len(), if budget == 0 { rows.len() } else { sorter.files.len() });
            let mut found = Vec::new();
            sorter
                .finish(|key, numbers| {
                    let (group, rest) = split_key(key).expect("a key");
                    found.push((String::from_utf8_lossy(group).into_owned(), String::from_utf8_lossy(rest).into_owned(), numbers[0]));
                    Ok(())
                })
                .expect("it gives them");
            let mut expected: Vec<_> =
                rows.into_iter().enumerate().map(|(number, (group, rest))| (group, rest, number as u8)).collect();
            expected.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
