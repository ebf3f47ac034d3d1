//! Random damage for tests. The same seed gives the same damage, and it is printed.

/// A source of damage.
pub struct Damage {
    state: u64,
    /// How many times the test is to damage something.
    pub times: usize,
}

impl Damage {
    /// Reads the number of times from `SMELT_FUZZ` (20,000 by default) and the seed from `SMELT_FUZZ_SEED` (1 by
    /// default).
    #[expect(clippy::print_stdout, reason = "a test shows the seed with which it can be repeated")]
    pub fn from_environment(what: &str) -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("it is a number"));
        let (times, seed) = (number("SMELT_FUZZ").unwrap_or(20_000), number("SMELT_FUZZ_SEED").unwrap_or(1));
        println!("{what}: {times} times from SMELT_FUZZ_SEED={seed}");
        Self { state: seed, times: times as usize }
    }

    /// Returns the next number of SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>).
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most.max(1) as u64) as usize
    }

    /// Returns one of them at random.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Returns the bytes with one to four kinds of damage. Some of it copies from the other bytes.
    pub fn done_to(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        const ODD: [i64; 16] = [
            0,
            1,
            -1,
            2,
            7,
            8,
            255,
            256,
            65_535,
            65_536,
            1 << 31,
            (1 << 31) - 1,
            -(1 << 31),
            1 << 32,
            1 << 47,
            i64::MAX,
        ];
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let room = bytes.len() - at;
            match self.below(9) {
                0 if room > 0 => bytes[at] ^= 1 << self.below(8),
                1 if room > 0 => bytes[at] = self.next() as u8,
                // Odd numbers at aligned positions, where numbers are likely.
                2 | 3 if room >= 8 => {
                    let (number, size) = (*self.one_of(&ODD), *self.one_of(&[1, 2, 4, 8]));
                    let at = at / size * size;
                    bytes[at..at + size].copy_from_slice(&number.to_le_bytes()[..size]);
                }
                4 if room >= 4 => {
                    let at = at / 4 * 4;
                    let old = i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
                    let by = *self.one_of(&[-8, -4, -1, 1, 4, 8]);
                    bytes[at..at + 4].copy_from_slice(&old.wrapping_add(by).to_le_bytes());
                }
                5 => bytes.truncate(at),
                6 => {
                    let length = self.below(room.min(64)) / 8 * 8;
                    drop(bytes.drain(at..at + length));
                }
                7 => {
                    let piece = bytes[at..at + self.below(room.min(64))].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
                _ => {
                    let from = self.below(other.len());
                    let piece = &other[from..from + self.below((other.len() - from).min(128))];
                    let end = (at + piece.len()).min(bytes.len());
                    bytes.splice(at..end, piece.iter().copied());
                }
            }
        }
        bytes
    }
}
