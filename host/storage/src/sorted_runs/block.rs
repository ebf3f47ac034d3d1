//! Encodes entries and blocks of them as bytes (`docs/formats.md`).

use sha2::{Digest as _, Sha256};

/// Returns the bytes at which a block is closed, in a run of about `run` bytes. A tick reads the index, which is longer
/// if blocks are shorter, and a block for each key. So blocks grow with the run, but slower.
pub(super) fn block_bytes(run: u64) -> usize {
    run.isqrt().clamp(2 << 10, 8 << 10) as usize
}

/// The first bytes of an index.
pub(super) const MAGIC: &[u8; 8] = b"smeltrn2";
/// The bytes that an index has for each block, at least.
const BLOCK_REF: usize = 8 + 4 + 16;
/// Set in the length of a block that goes on with the hash of the block before: the beginning of its first key follows.
const GOES_ON: u32 = 1 << 31;

/// The beginning of a block's sha256.
pub(super) type Digest = [u8; 16];

/// A block, as an index describes it.
#[derive(Debug, Clone)]
pub(super) struct BlockRef {
    /// The hash of the block's first key.
    pub(super) first: u64,
    /// Empty, unless the block before has keys of that hash too. Then as much of the first key as tells it from these.
    pub(super) key: Box<[u8]>,
    /// The offset of the block in the object.
    pub(super) start: u64,
    /// The offset of its end.
    pub(super) end: u64,
    pub(super) digest: Digest,
}

/// An entry of a run. `None` in place of a value removes the key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'e> {
    pub(super) hash: u64,
    pub(super) key: &'e [u8],
    pub(super) value: Option<&'e [u8]>,
}

pub(super) fn digest(block: &[u8]) -> Digest {
    *Sha256::digest(block).first_chunk().expect("32 bytes begin with 16")
}

/// Appends an entry: the key's length, the value's length plus one (0 if there is no value), the key and the value.
pub(super) fn encode(key: &[u8], value: Option<&[u8]>, out: &mut Vec<u8>) {
    varint(key.len() as u64, out);
    varint(value.map_or(0, |value| value.len() as u64 + 1), out);
    out.extend_from_slice(key);
    out.extend_from_slice(value.unwrap_or_default());
}

/// Returns the offset of the first entry's key, and the lengths of its key and its value.
pub(super) fn decode(bytes: &[u8]) -> Option<(usize, usize, Option<usize>)> {
    let (key, after) = read_varint(bytes, 0)?;
    let (value, start) = read_varint(bytes, after)?;
    let (key, value) = (usize::try_from(key).ok()?, usize::try_from(value).ok()?.checked_sub(1));
    let end = start.checked_add(key)?.checked_add(value.unwrap_or(0))?;
    (end <= bytes.len()).then_some((start, key, value))
}

impl BlockRef {
    /// Returns the place of the block among the others.
    pub(super) fn place(&self) -> (u64, &[u8]) {
        (self.first, &self.key)
    }
}

/// Appends the description of a block to an index. `key` is empty unless the block goes on with a hash. `None` if the
/// block is too long.
pub(super) fn describe(first: u64, key: &[u8], block: &[u8], index: &mut Vec<u8>) -> Option<()> {
    let length = u32::try_from(block.len()).ok().filter(|length| length & GOES_ON == 0)?;
    index.extend_from_slice(&first.to_le_bytes());
    index.extend_from_slice(&(length | if key.is_empty() { 0 } else { GOES_ON }).to_le_bytes());
    index.extend_from_slice(&digest(block));
    if !key.is_empty() {
        varint(key.len() as u64, index);
        index.extend_from_slice(key);
    }
    Some(())
}

/// Returns the blocks that an index describes, at least one. `None` if the index is malformed.
pub(super) fn parse_index(index: &[u8]) -> Option<Vec<BlockRef>> {
    let mut rest = index.strip_prefix(MAGIC)?;
    let (mut blocks, mut start) = (Vec::with_capacity(rest.len() / BLOCK_REF), 0u64);
    while !rest.is_empty() {
        let bytes: &[u8; BLOCK_REF] = rest.split_off(..BLOCK_REF)?.first_chunk()?;
        let length = u32::from_le_bytes(*bytes[8..].first_chunk()?);
        let mut key = &[][..];
        if length & GOES_ON != 0 {
            let (length, at) = read_varint(rest, 0)?;
            rest = &rest[at..];
            key = rest.split_off(..usize::try_from(length).ok()?)?;
        }
        let end = start + u64::from(length & !GOES_ON);
        let first = u64::from_le_bytes(*bytes.first_chunk()?);
        blocks.push(BlockRef { first, key: key.into(), start, end, digest: *bytes[12..].first_chunk()? });
        start = end;
    }
    (!blocks.is_empty() && blocks.is_sorted_by(|a, b| a.place() < b.place())).then_some(blocks)
}

/// Appends a number in groups of seven bits, the lowest first. The highest bit of a byte says that more bytes follow.
fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_varint(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let mut number = 0u64;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.get(at)?;
        at += 1;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((number, at));
        }
    }
    None
}
