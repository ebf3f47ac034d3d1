//! Rows to be sent: batches with a name, and dice that fall the same way every time.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;

/// The most bytes of a batch that the host sends.
pub(super) const BATCH_BYTES: usize = 8 << 20;
/// The most rows of one.
pub(super) const BATCH_ROWS: usize = 65_536;

/// Rows of one of the plugin's inputs; a cleaner has one.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) input: usize,
    pub(super) rows: RecordBatch,
}

/// Rows that are sent together, and what is special about them.
pub(super) struct Made {
    pub(super) name: &'static str,
    pub(super) parts: Vec<Part>,
}

/// Each row for itself.
pub(super) fn single(parts: &[Part]) -> Vec<Part> {
    let rows = |part: &Part| (0..part.rows.num_rows()).map(|row| (part.input, part.rows.slice(row, 1))).collect();
    parts.iter().flat_map(|part| -> Vec<_> { rows(part) }).map(|(input, rows)| Part { input, rows }).collect()
}

/// The rows of one input in batches of at most so many.
pub(super) fn cut(rows: &RecordBatch, most: usize) -> impl Iterator<Item = RecordBatch> {
    (0..rows.num_rows()).step_by(most).map(move |at| rows.slice(at, most.min(rows.num_rows() - at)))
}

/// Rows of one schema, one after the other.
pub(super) fn joined<'r>(schema: &SchemaRef, rows: impl IntoIterator<Item = &'r RecordBatch>) -> RecordBatch {
    concat_batches(schema, rows).expect("batches of one schema can be joined")
}

/// Numbers that look random and are the same every time (SplitMix64).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new() -> Self {
        Self(0x5eed)
    }

    /// Others for each seed.
    pub(super) fn seeded(seed: u64) -> Self {
        let mut dice = Self(seed);
        // Seeds that lie side by side must not give numbers that overlap.
        Self(dice.roll().rotate_left(32) ^ seed)
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `most`.
    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.roll() % most
    }

    /// So many times in a hundred.
    pub(super) fn percent(&mut self, times: u64) -> bool {
        self.below(100) < times
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}
