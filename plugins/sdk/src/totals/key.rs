//! The keys of `Totals`: how they are hashed, compared and stored.

use std::hash::{Hash, Hasher};

/// A key by which [`Totals`](crate::Totals) can add up: `str`, or a type that is `Hash`, `Eq` and `Clone`.
pub trait Key: 'static {
    #[doc(hidden)]
    type Records: Records<Self>;

    /// Returns a hash. Each bit depends on the whole key, above all the first bits, which choose the slot.
    #[doc(hidden)]
    fn hash32(&self) -> u32;
}

/// Records of a key and its sums, which are found by their position.
pub trait Records<K: ?Sized + 'static>: Default {
    /// Returns false only if the key is not at that position. It is cheaper than `is`, and brings the record into the
    /// cache.
    fn may_be(&self, position: u32, key: &K) -> bool;
    /// Returns whether the key is at that position.
    fn is(&self, position: u32, key: &K) -> bool;
    /// Adds a record of a key, with sums of zero. Returns its position.
    fn push(&mut self, key: &K) -> u32;
    /// Changes the sums at that position.
    fn change(&mut self, position: u32, change: impl FnOnce(&mut Sums));
    /// Returns position, key and sums of each record, in the order in which they were added.
    fn iter(&self) -> impl Iterator<Item = (u32, &K, Sums)>;
}

/// A count, and a sum of money in cents.
#[derive(Clone, Copy, Default)]
pub struct Sums {
    pub count: i64,
    pub units: i64,
}

impl Sums {
    #[inline]
    fn read(bytes: [u8; 16]) -> Self {
        let both = u128::from_le_bytes(bytes);
        Self { count: both as i64, units: (both >> 64) as i64 }
    }
}

impl<K: Hash + Eq + Clone + 'static> Key for K {
    type Records = Vec<(K, Sums)>;

    #[inline]
    fn hash32(&self) -> u32 {
        let mut hash = Multiply(0);
        self.hash(&mut hash);
        hash.finish32()
    }
}

impl<K: Eq + Clone + 'static> Records<K> for Vec<(K, Sums)> {
    #[inline]
    fn may_be(&self, _: u32, _: &K) -> bool {
        true
    }

    #[inline]
    fn is(&self, position: u32, key: &K) -> bool {
        self[position as usize].0 == *key
    }

    fn push(&mut self, key: &K) -> u32 {
        self.push((key.clone(), Sums::default()));
        self.len() as u32 - 1
    }

    #[inline]
    fn change(&mut self, position: u32, change: impl FnOnce(&mut Sums)) {
        change(&mut self[position as usize].1);
    }

    fn iter(&self) -> impl Iterator<Item = (u32, &K, Sums)> {
        (0..).zip(self.as_slice()).map(|(position, (key, sums))| (position, key, *sums))
    }
}

impl Key for str {
    type Records = Texts;

    #[inline]
    fn hash32(&self) -> u32 {
        let text = self.as_bytes();
        let [a, b, c, d] = words(text);
        // The processor executes these four multiplications, by odd numbers, at the same time.
        let mut hash = Multiply(text.len() as u64);
        hash.word(
            a.wrapping_mul(0xa076_1d64_78bd_642f)
                .wrapping_add(b.wrapping_mul(0xe703_7ed1_a0b4_28db))
                .wrapping_add(c.wrapping_mul(0x8ebc_6af0_9c88_c6e3))
                .wrapping_add(d.wrapping_mul(0x5899_65cc_7537_4cc3)),
        );
        if text.len() > 32 {
            hash.write(middle(text));
        }
        hash.finish32()
    }
}

/// Records in one buffer: count, sum, length of the text, text. A record is in one or two lines of the processor's
/// cache, and its position is the index of its first byte.
#[derive(Default)]
pub struct Texts(Vec<u8>);

/// The number of bytes before the text of a record.
const HEAD: usize = 20;

impl Texts {
    #[inline]
    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        *self.0[at..].first_chunk().expect("a record is whole")
    }

    #[inline]
    fn length(&self, at: usize) -> usize {
        u32::from_le_bytes(self.bytes(at + 16)) as usize
    }
}

impl Records<str> for Texts {
    #[inline]
    fn may_be(&self, position: u32, key: &str) -> bool {
        self.length(position as usize) == key.len()
    }

    #[inline]
    fn is(&self, position: u32, key: &str) -> bool {
        let at = position as usize;
        self.length(at) == key.len() && same(&self.0[at + HEAD..at + HEAD + key.len()], key.as_bytes())
    }

    fn push(&mut self, key: &str) -> u32 {
        let position = u32::try_from(self.0.len()).expect("keys of less than 4 GiB");
        self.0.extend_from_slice(&[0; 16]);
        self.0.extend_from_slice(&(key.len() as u32).to_le_bytes());
        self.0.extend_from_slice(key.as_bytes());
        position
    }

    #[inline]
    fn change(&mut self, position: u32, change: impl FnOnce(&mut Sums)) {
        let head: &mut [u8; 16] = self.0[position as usize..].first_chunk_mut().expect("a record is whole");
        let mut sums = Sums::read(*head);
        change(&mut sums);
        head[..8].copy_from_slice(&sums.count.to_le_bytes());
        head[8..].copy_from_slice(&sums.units.to_le_bytes());
    }

    fn iter(&self) -> impl Iterator<Item = (u32, &str, Sums)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            if at == self.0.len() {
                return None;
            }
            let (position, start) = (at as u32, at + HEAD);
            at = start + self.length(at);
            // SAFETY: `push` copied these bytes from a text.
            let key = unsafe { std::str::from_utf8_unchecked(&self.0[start..at]) };
            Some((position, key, Sums::read(self.bytes(start - HEAD))))
        })
    }
}

/// Returns four words that may overlap. Two texts of the same length up to 32 bytes are equal exactly if their words
/// are.
///
/// Nearly all keys have up to 32 bytes, of lengths that vary from row to row. A processor cannot predict branches on
/// such lengths, so there are only three cases, and nearly all keys are in the first or the second.
#[inline]
fn words(text: &[u8]) -> [u64; 4] {
    #[inline]
    fn four<const N: usize>(text: &[u8]) -> [[u8; N]; 4] {
        let last = text.len() - N;
        let word = |at: usize| *text[at.min(last)..].first_chunk().expect("it begins before the last");
        [word(0), word(N), word(2 * N), word(last)]
    }
    if text.len() >= 8 {
        four(text).map(u64::from_le_bytes)
    } else if text.len() >= 2 {
        let [a, b, c, d] = four(text).map(|half| u64::from(u16::from_le_bytes(half)));
        [a | b << 16 | c << 32 | d << 48, 0, 0, 0]
    } else {
        [text.first().map_or(0, |&byte| byte.into()), 0, 0, 0]
    }
}

/// Returns the bytes of a text that `words` leaves out.
#[inline]
fn middle(text: &[u8]) -> &[u8] {
    text.get(24..text.len().saturating_sub(8)).unwrap_or_default()
}

/// Returns whether two texts of the same length are equal. A call of a function that compares memory would cost more
/// than this comparison.
#[inline]
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    let ([a, b, c, d], [e, f, g, h]) = (words(one), words(other));
    // `==` on arrays would first write them to memory.
    (a ^ e) | (b ^ f) | (c ^ g) | (d ^ h) == 0 && (one.len() <= 32 || middle(one) == middle(other))
}

/// A hash by multiplication of eight bytes at a time, which is fast for short keys. Keys can be chosen so that their
/// hashes collide. That slows down only the plugin's own call, which has a deadline.
struct Multiply(u64);

/// 2^64 divided by the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Multiply {
    #[inline]
    fn word(&mut self, word: u64) {
        let product = (self.0 ^ word).wrapping_mul(FACTOR);
        self.0 = product ^ product >> 32;
    }

    #[inline]
    fn finish32(&self) -> u32 {
        (self.0.wrapping_mul(FACTOR) >> 32) as u32
    }
}

impl Hasher for Multiply {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            let mut padded = [0; 8];
            padded[..word.len()].copy_from_slice(word);
            self.word(u64::from_le_bytes(padded));
        }
    }

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.word(value.into());
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.word(value.into());
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.word(value);
    }
}
