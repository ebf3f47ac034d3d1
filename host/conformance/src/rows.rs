//! Rows that are sent to a plugin, and numbers that look random but are the same every time.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;

/// The most bytes of a batch that the host sends.
pub(crate) const BATCH_BYTES: usize = 8 << 20;
/// The most rows of a batch that the host sends.
pub(crate) const BATCH_ROWS: usize = 65_536;

/// Rows of one of the plugin's inputs. A cleaner has one input.
#[derive(Clone)]
pub(crate) struct InputRows {
    pub(crate) input: usize,
    pub(crate) rows: RecordBatch,
}

/// Rows that are sent together. The name says what is special about them, and is the name of their test.
pub(crate) struct NamedRows {
    pub(crate) name: &'static str,
    pub(crate) parts: Vec<InputRows>,
}

/// Returns each row alone.
pub(crate) fn single(parts: &[InputRows]) -> Vec<InputRows> {
    let rows = |part: &InputRows| (0..part.rows.num_rows()).map(|row| (part.input, part.rows.slice(row, 1))).collect();
    parts.iter().flat_map(|part| -> Vec<_> { rows(part) }).map(|(input, rows)| InputRows { input, rows }).collect()
}

/// Cuts rows into batches of at most `most` rows.
pub(crate) fn cut(rows: &RecordBatch, most: usize) -> impl Iterator<Item = RecordBatch> {
    (0..rows.num_rows()).step_by(most).map(move |at| rows.slice(at, most.min(rows.num_rows() - at)))
}

/// Joins batches of one schema.
pub(crate) fn joined<'r>(schema: &SchemaRef, rows: impl IntoIterator<Item = &'r RecordBatch>) -> RecordBatch {
    concat_batches(schema, rows).expect("batches of one schema can be joined")
}

/// Numbers that look random and are the same every time (SplitMix64, <https://doi.org/10.1145/2660193.2660195>).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new() -> Self {
        Self(0x5eed)
    }

    /// Gives other numbers for each seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        let mut dice = Self(seed);
        // Neighbouring seeds must not give overlapping sequences.
        Self(dice.roll().rotate_left(32) ^ seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number less than `most`.
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.roll() % most
    }

    /// Returns `true` in `times` of a hundred cases.
    pub(crate) fn percent(&mut self, times: u64) -> bool {
        self.below(100) < times
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}
