//! Writes numbers in few bytes.

/// Folds the sign into the number, so that small magnitudes become small numbers (zigzag encoding).
pub(super) fn fold(value: i128) -> u128 {
    ((value << 1) ^ (value >> 127)) as u128
}

/// Returns the value that [`fold`] was given.
pub(super) fn unfold(number: u128) -> i128 {
    (number >> 1) as i128 ^ -((number & 1) as i128)
}

/// Writes seven bits in each byte, the lowest first. The highest bit of a byte says that another byte follows (LEB128).
pub(super) fn write(mut number: u128, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number that [`write`] wrote from the front of the bytes. Returns `None` if there is none.
pub(super) fn read(bytes: &mut &[u8]) -> Option<u128> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u128::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte < 0x80 {
            return Some(number);
        }
    }
}
