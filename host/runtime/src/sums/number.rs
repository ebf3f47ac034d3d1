//! Numbers in few bytes.

/// Small magnitudes become small numbers.
pub(super) fn fold(value: i128) -> u128 {
    ((value << 1) ^ (value >> 127)) as u128
}

/// What [`fold`] was given.
pub(super) fn unfold(number: u128) -> i128 {
    (number >> 1) as i128 ^ -((number & 1) as i128)
}

/// Seven bits a byte, the lowest first; the highest bit of a byte says that another follows.
pub(super) fn write(mut number: u128, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes what [`write`] wrote from the front.
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
