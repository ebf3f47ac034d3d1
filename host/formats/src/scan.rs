//! The byte searches of the hot loops. On x86-64, which always has SSE2, they look at sixteen bytes at a time;
//! elsewhere, and in the last few bytes of a window, at one byte.

const LANES: usize = 16;

/// The four bytes that can end a CSV cell or change how it is read.
#[inline(always)]
fn is_csv_special(byte: u8, delimiter: u8) -> bool {
    byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r')
}

/// The bytes that end the plain part of a JSON string: quote, backslash, control characters.
#[inline(always)]
fn is_json_stop(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

#[cfg(target_arch = "x86_64")]
mod block {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    };

    use super::LANES;

    /// Returns one bit for each byte, set if `is_json_stop`.
    #[inline(always)]
    pub(super) fn json_stops(block: &[u8; LANES]) -> u32 {
        // SAFETY: every x86-64 processor has SSE2, and the function only computes on values.
        unsafe { json(block) }
    }

    /// Returns one bit for each byte, set if `is_csv_special`.
    #[inline(always)]
    pub(super) fn csv_specials(block: &[u8; LANES], delimiter: u8) -> u32 {
        // SAFETY: every x86-64 processor has SSE2, and the function only computes on values.
        unsafe { csv(block, delimiter) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn json(block: &[u8; LANES]) -> u32 {
        let block = load(block);
        let control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
        let quote = _mm_or_si128(equal(block, b'"'), equal(block, b'\\'));
        _mm_movemask_epi8(_mm_or_si128(control, quote)) as u32
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn csv(block: &[u8; LANES], delimiter: u8) -> u32 {
        let block = load(block);
        let line = _mm_or_si128(equal(block, b'\n'), equal(block, b'\r'));
        let cell = _mm_or_si128(equal(block, delimiter), equal(block, b'"'));
        _mm_movemask_epi8(_mm_or_si128(line, cell)) as u32
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn load(block: &[u8; LANES]) -> __m128i {
        let both = u128::from_le_bytes(*block);
        _mm_set_epi64x((both >> 64) as i64, both as i64)
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn equal(block: __m128i, byte: u8) -> __m128i {
        _mm_cmpeq_epi8(block, _mm_set1_epi8(byte as i8))
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod block {
    fn mask(block: &[u8; super::LANES], test: impl Fn(u8) -> bool) -> u32 {
        block.iter().enumerate().fold(0, |mask, (lane, &byte)| mask | (u32::from(test(byte)) << lane))
    }

    pub(super) fn json_stops(block: &[u8; super::LANES]) -> u32 {
        mask(block, super::is_json_stop)
    }

    pub(super) fn csv_specials(block: &[u8; super::LANES], delimiter: u8) -> u32 {
        mask(block, |byte| super::is_csv_special(byte, delimiter))
    }
}

/// Returns the `N` bytes at `at`, if the window has them.
#[inline(always)]
pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<&[u8; N]> {
    bytes.get(at..)?.first_chunk()
}

/// Returns the position of the first quote, backslash or control character at or after `at`, or the length of `bytes`.
#[inline(always)]
pub(crate) fn json_string_stop(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = array_at::<LANES>(bytes, at) {
        let mask = block::json_stops(block);
        if mask != 0 {
            return at + mask.trailing_zeros() as usize;
        }
        at += LANES;
    }
    while at < bytes.len() && !is_json_stop(bytes[at]) {
        at += 1;
    }
    at
}

/// Walks over the delimiters, quotes and line ends of a window. It looks 64 bytes ahead at a time, so that several short
/// cells share one look.
pub(crate) struct Specials<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    base: usize,
    mask: u64,
}

impl<'a> Specials<'a> {
    /// Begins the walk at `at`.
    pub(crate) fn new(bytes: &'a [u8], at: usize, delimiter: u8) -> Self {
        Self { bytes, delimiter, base: at, mask: look(bytes, at, delimiter) }
    }

    /// Goes to `at`, forwards or backwards.
    pub(crate) fn seek(&mut self, at: usize) {
        *self = Self::new(self.bytes, at, self.delimiter);
    }

    /// Returns the position of the next special byte, or `None` if the window has no more.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<usize> {
        while self.mask == 0 {
            if self.base >= self.bytes.len() {
                return None;
            }
            self.base += 64;
            self.mask = look(self.bytes, self.base, self.delimiter);
        }
        let at = self.base + self.mask.trailing_zeros() as usize;
        self.mask &= self.mask - 1;
        Some(at)
    }
}

#[inline(always)]
fn look(bytes: &[u8], at: usize, delimiter: u8) -> u64 {
    let Some(block) = array_at::<64>(bytes, at) else { return look_at_end(bytes, at, delimiter) };
    let (lanes, _) = block.as_chunks::<LANES>();
    let mut mask = 0;
    for (i, lanes) in lanes.iter().enumerate() {
        mask |= u64::from(block::csv_specials(lanes, delimiter)) << (i * LANES);
    }
    mask
}

#[cold]
fn look_at_end(bytes: &[u8], at: usize, delimiter: u8) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().enumerate().fold(0, |mask, (i, &byte)| mask | (u64::from(is_csv_special(byte, delimiter)) << i))
}
