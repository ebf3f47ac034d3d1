//! What `Totals` adds up by: how keys are hashed, compared and kept.

use std::hash::{Hash, Hasher};

/// What [`Totals`](crate::Totals) can add up by: text, and every value that can be compared and copied.
pub trait Key: 'static {
    #[doc(hidden)]
    type Records: Records<Self>;

    /// Of which each bit depends on all of the key, the first ones above all.
    #[doc(hidden)]
    fn hash32(&self) -> u32;
}

/// Keys with their sums, found by their place.
pub trait Records<K: ?Sized + 'static>: Default {
    /// Whether it is worth looking whether that key is at that place.
    fn may_be(&self, place: u32, key: &K) -> bool;
    /// Whether that key is at that place.
    fn is(&self, place: u32, key: &K) -> bool;
    /// A new key, whose sums are zero.
    fn push(&mut self, key: &K) -> u32;
    fn change(&mut self, place: u32, change: impl FnOnce(&mut Sums));
    /// In the order in which they were pushed.
    fn iter(&self) -> impl Iterator<Item = (u32, &K, Sums)>;
}

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
    fn is(&self, place: u32, key: &K) -> bool {
        self[place as usize].0 == *key
    }

    fn push(&mut self, key: &K) -> u32 {
        self.push((key.clone(), Sums::default()));
        self.len() as u32 - 1
    }

    #[inline]
    fn change(&mut self, place: u32, change: impl FnOnce(&mut Sums)) {
        change(&mut self[place as usize].1);
    }

    fn iter(&self) -> impl Iterator<Item = (u32, &K, Sums)> {
        (0..).zip(self.as_slice()).map(|(place, (key, sums))| (place, key, *sums))
    }
}

impl Key for str {
    type Records = Texts;

    #[inline]
    fn hash32(&self) -> u32 {
        let text = self.as_bytes();
        let [a, b, c, d] = words(text);
        // Four multiplications at once, by odd numbers.
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

/// One record after the other: count, sum, length of the text, text. A record is in one or two lines of the processor's
/// cache, and a place is the index of its first byte.
#[derive(Default)]
pub struct Texts(Vec<u8>);

/// How many bytes precede the text.
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
    fn may_be(&self, place: u32, key: &str) -> bool {
        self.length(place as usize) == key.len()
    }

    #[inline]
    fn is(&self, place: u32, key: &str) -> bool {
        let at = place as usize;
        self.length(at) == key.len() && same(&self.0[at + HEAD..at + HEAD + key.len()], key.as_bytes())
    }

    fn push(&mut self, key: &str) -> u32 {
        let place = u32::try_from(self.0.len()).expect("keys of less than 4 GiB");
        self.0.extend_from_slice(&[0; 16]);
        self.0.extend_from_slice(&(key.len() as u32).to_le_bytes());
        self.0.extend_from_slice(key.as_bytes());
        place
    }

    #[inline]
    fn change(&mut self, place: u32, change: impl FnOnce(&mut Sums)) {
        let head: &mut [u8; 16] = self.0[place as usize..].first_chunk_mut().expect("a record is whole");
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
            let (place, start) = (at as u32, at + HEAD);
            at = start + self.length(at);
            // SAFETY: `push` wrote these bytes, from a text.
            let key = unsafe { std::str::from_utf8_unchecked(&self.0[start..at]) };
            Some((place, key, Sums::read(self.bytes(start - HEAD))))
        })
    }
}

/// Texts of one length are the same exactly if these words are, which overlap. Nearly all keys have up to 32 bytes, and of
/// two lengths in a row the processor shall not have to guess which comes next: so none of these loads depends on a branch.
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

/// What of a text `words` leaves out.
#[inline]
fn middle(text: &[u8]) -> &[u8] {
    text.get(24..text.len().saturating_sub(8)).unwrap_or_default()
}

/// Whether two texts of one length are the same. A call that compares memory would cost more than the comparison.
#[inline]
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    let ([a, b, c, d], [e, f, g, h]) = (words(one), words(other));
    // Not `==` of arrays, which writes them to memory first.
    (a ^ e) | (b ^ f) | (c ^ g) | (d ^ h) == 0 && (one.len() <= 32 || middle(one) == middle(other))
}

/// A hash by multiplication, eight bytes at a time: fast on short keys. A plugin runs alone on its own data within a
/// deadline, so keys chosen to collide cost only their own call.
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
