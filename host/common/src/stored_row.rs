//! A row of sums as it is stored: a key, and numbers that add up.
//!
//! The key is the length of the group, the group, and the other columns of the key. So the rows of a group share a
//! beginning that no row of another group has, and lie together wherever keys are in order.

use crate::wide::Wide;

/// Lengths from this one on take five bytes in place of one. Shorter lengths sort first all the same.
const LONG: u8 = u8::MAX;

/// Appends the key of a row: that of its group, and the columns that follow.
#[inline]
pub fn write_key(group: &[u8], rest: &[u8], out: &mut Vec<u8>) {
    match u8::try_from(group.len()) {
        Ok(length) if length < LONG => out.push(length),
        _ => {
            out.push(LONG);
            out.extend_from_slice(&(group.len() as u32).to_be_bytes());
        }
    }
    out.extend_from_slice(group);
    out.extend_from_slice(rest);
}

/// Returns the group of the key, and the columns that follow. What is before the latter is shared by all rows of the
/// group. `None` if it is no key.
#[inline]
pub fn split_key(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = key.split_first()?;
    match first {
        LONG => {
            let (length, rest) = rest.split_first_chunk()?;
            rest.split_at_checked(u32::from_be_bytes(*length) as usize)
        }
        length => rest.split_at_checked(length.into()),
    }
}

/// Adds the numbers of two rows of one key, and writes what they come to in place of what `out` holds. Returns whether
/// a number is other than zero. `None` if they are not numbers, or not equally many.
pub fn add(mut older: &[u8], mut newer: &[u8], out: &mut Vec<u8>) -> Option<bool> {
    out.clear();
    let mut exists = false;
    while !older.is_empty() {
        let sum = Wide::read(&mut older)?.checked_add(Wide::read(&mut newer)?)?;
        exists |= !sum.is_zero();
        sum.write(out);
    }
    newer.is_empty().then_some(exists)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_come_back_and_those_of_a_group_lie_together(
            groups in vec(prop_oneof![vec(any::<u8>(), 0..4), vec(any::<u8>(), 250..260)], 1..8),
            rest in vec(any::<u8>(), 0..4),
        ) {
            let mut keys = Vec::new();
            for group in &groups {
                for end in 0..=rest.len() {
                    let mut key = Vec::new();
                    write_key(group, &rest[..end], &mut key);
                    prop_assert_eq!(split_key(&key), Some((group.as_slice(), &rest[..end])));
                    keys.push(key);
                }
            }
            keys.sort();
            keys.dedup();
            let group = |key: &Vec<u8>| split_key(key).expect("a key").0.to_vec();
            let mut groups: Vec<_> = keys.iter().map(group).collect();
            groups.dedup();
            let together = groups.len();
            groups.sort();
            groups.dedup();
            prop_assert_eq!(groups.len(), together);
        }
    }

    #[test]
    fn what_is_no_key_has_no_group() {
        for bytes in [&[][..], &[3, 1, 2], &[255, 0, 0, 1], &[255, 0, 0, 1, 0, 7]] {
            assert_eq!(split_key(bytes), None, "{bytes:?}");
        }
        assert_eq!(split_key(&[0]), Some((&[][..], &[][..])));
    }

    #[test]
    fn numbers_add_up_and_may_come_to_nothing() {
        let row = |numbers: &[i128]| {
            let mut row = Vec::new();
            numbers.iter().for_each(|&number| Wide::from(number).write(&mut row));
            row
        };
        let mut out = vec![9];
        assert_eq!(add(&row(&[1, -70]), &row(&[2, 70]), &mut out), Some(true));
        assert_eq!(out, row(&[3, 0]));
        assert_eq!(add(&row(&[1, -70]), &row(&[-1, 70]), &mut out), Some(false));
        assert_eq!(add(&row(&[1]), &row(&[1, 2]), &mut out), None);
        assert_eq!(add(&row(&[1, 2]), &row(&[1]), &mut out), None);
        assert_eq!(add(&row(&[1])[..0], &[0x80], &mut out), None);
    }
}
