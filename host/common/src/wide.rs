//! Whole numbers of 256 bits. Sums of 128 bits leave their type on the way, and come back when what is taken away follows.

/// A whole number of 256 bits, in two's complement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wide {
    high: i128,
    low: u128,
}

impl From<i128> for Wide {
    fn from(value: i128) -> Self {
        Self { high: value >> 127, low: value as u128 }
    }
}

impl Wide {
    /// Returns the number that is `value` and `carry` times 2^128.
    #[inline]
    pub fn carried(value: i128, carry: i64) -> Self {
        let Self { high, low } = value.into();
        Self { high: high + i128::from(carry), low }
    }

    /// Returns the number as [`carried`](Self::carried) takes it. `None` if the carry is beyond 64 bits.
    #[inline]
    pub fn parts(self) -> Option<(i128, i64)> {
        let value = self.low as i128;
        Some((value, i64::try_from(self.high.checked_sub(value >> 127)?).ok()?))
    }

    /// Returns the sum of both numbers. `None` if it is beyond 256 bits.
    #[inline]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let (low, carries) = self.low.overflowing_add(other.low);
        let high = self.high.checked_add(other.high)?.checked_add(carries.into())?;
        Some(Self { high, low })
    }

    /// Returns whether the number is zero.
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }

    /// Appends the number in few bytes. The sign is folded in, so that small magnitudes are short (zigzag encoding), and
    /// each byte has seven bits, the lowest first, with the highest bit set if another byte follows (LEB128).
    #[inline]
    pub fn write(self, out: &mut Vec<u8>) {
        let sign = (self.high >> 127) as u128;
        let mut low = (self.low << 1) ^ sign;
        let mut high = ((self.high as u128) << 1 | self.low >> 127) ^ sign;
        while high != 0 || low >= 0x80 {
            out.push(low as u8 | 0x80);
            low = low >> 7 | high << 121;
            high >>= 7;
        }
        out.push(low as u8);
    }

    /// Takes a number that [`write`](Self::write) wrote from the front of the bytes. `None` if there is none.
    #[inline]
    pub fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (mut low, mut high, mut shift) = (0u128, 0u128, 0);
        loop {
            let (&byte, rest) = bytes.split_first()?;
            *bytes = rest;
            let bits = u128::from(byte & 0x7f);
            match shift {
                0..128 => {
                    low |= bits << shift;
                    if shift > 121 {
                        high |= bits >> (128 - shift);
                    }
                }
                128..256 => high |= bits << (shift - 128),
                _ => return None,
            }
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        let sign = (low & 1).wrapping_neg();
        Some(Self { high: (high >> 1 ^ sign) as i128, low: (low >> 1 | high << 127) ^ sign })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = (i128, i64)> {
        let value = prop_oneof![any::<i128>(), any::<i64>().prop_map(i128::from), Just(i128::MIN), Just(i128::MAX)];
        (value, prop_oneof![Just(0), -2_i64..3, any::<i64>()])
    }

    proptest! {
        #[test]
        fn numbers_come_back((value, carry) in number()) {
            let number = Wide::carried(value, carry);
            prop_assert_eq!(number.parts(), Some((value, carry)));
            let mut bytes = Vec::new();
            number.write(&mut bytes);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(Wide::read(&mut rest), Some(number));
            prop_assert!(rest.is_empty());
            for cut in 0..bytes.len() {
                prop_assert_eq!(Wide::read(&mut &bytes[..cut]), None);
            }
        }

        #[test]
        fn sums_are_those_of_the_parts((a, a_carry) in number(), (b, b_carry) in number()) {
            let sum = Wide::carried(a, a_carry).checked_add(Wide::carried(b, b_carry)).expect("256 bits are enough");
            let (value, overflows) = a.overflowing_add(b);
            let carry = i128::from(a_carry) + i128::from(b_carry) + match (overflows, value < 0) {
                (true, true) => 1,
                (true, false) => -1,
                (false, _) => 0,
            };
            prop_assert_eq!(sum.parts(), i64::try_from(carry).ok().map(|carry| (value, carry)));
            prop_assert_eq!(sum, Wide::carried(b, b_carry).checked_add(Wide::carried(a, a_carry)).expect("likewise"));
            prop_assert_eq!(Wide::from(a).is_zero(), a == 0);
        }
    }

    #[test]
    fn small_numbers_are_short() {
        for (value, bytes) in [(0, 1), (-1, 1), (63, 1), (64, 2), (-64, 1), (i128::MAX, 19)] {
            let mut out = Vec::new();
            Wide::from(value).write(&mut out);
            assert_eq!(out.len(), bytes, "{value}");
        }
        assert_eq!(Wide::read(&mut &[0xff; 40][..]), None);
    }
}
