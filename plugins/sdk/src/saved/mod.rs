//! States of walks as bytes, so that another reducer goes on in the middle of a group.
//!
//! `#[derive(Saved)]` makes bytes of all fields in turn, so no field can be forgotten:
//!
//! ```
//! use smelt_sdk::prelude::*;
//! use smelt_sdk::saved;
//!
//! #[derive(Saved, Debug, PartialEq)]
//! struct Walk {
//!     country: Option<String>,
//!     purchases: i64,
//! }
//!
//! let walk = Walk { country: Some("FR".to_owned()), purchases: 3 };
//! assert_eq!(saved::resume::<Walk>(&saved::save(&walk)).unwrap(), walk);
//! assert!(saved::resume::<Walk>(b"other bytes").is_err());
//! ```
//!
//! Equal states have equal bytes, by which the host sees that a change leads no further. So there is no `Saved` of hash maps,
//! whose order is random: use `BTreeMap` and `BTreeSet`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{Date, Decimal, Desc, Fault, Result, Short, Timestamp};
pub use smelt_sdk_macros::Saved;

#[cfg(test)]
mod tests;

/// A state that is saved as a whole. It is derived.
pub trait Saved: Sized {
    /// Appends its bytes.
    fn save(&self, out: &mut Vec<u8>);

    /// Takes it from the front of the bytes.
    ///
    /// # Errors
    /// Fails unless the bytes begin with those that [`save`](Self::save) gives.
    fn resume(bytes: &mut &[u8]) -> Result<Self>;
}

/// Returns the bytes of a state.
pub fn save(state: &impl Saved) -> Vec<u8> {
    let mut out = Vec::new();
    state.save(&mut out);
    out
}

/// Returns the state that has these bytes.
///
/// # Errors
/// Fails if they are not those of such a state.
pub fn resume<T: Saved>(mut bytes: &[u8]) -> Result<T> {
    let state = T::resume(&mut bytes)?;
    if bytes.is_empty() { Ok(state) } else { Err(malformed()) }
}

/// Returns the fault of bytes that no state has.
#[cold]
pub fn malformed() -> Fault {
    Fault::invalid_input("these bytes are not a saved state of this reducer")
}

/// Appends an integer: seven bits a byte, the least first, with the sign in the lowest bit. Small numbers have few bytes.
#[inline(never)]
fn put(value: i128, out: &mut Vec<u8>) {
    let mut left = (value << 1 ^ value >> 127) as u128;
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

fn take_byte(bytes: &mut &[u8]) -> Result<u8> {
    let (&byte, rest) = bytes.split_first().ok_or_else(malformed)?;
    *bytes = rest;
    Ok(byte)
}

#[inline(never)]
fn take(bytes: &mut &[u8]) -> Result<i128> {
    let (mut value, mut shift) = (0u128, 0);
    loop {
        let byte = take_byte(bytes)?;
        let bits = u128::from(byte & 0x7f);
        // A last byte of 0 would be a second form of the same number.
        if shift > 126 || shift == 126 && bits > 3 || byte == 0 && shift > 0 {
            return Err(malformed());
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Ok((value >> 1) as i128 ^ -((value & 1) as i128));
        }
        shift += 7;
    }
}

/// Takes a number of that type.
fn take_as<T: TryFrom<i128>>(bytes: &mut &[u8]) -> Result<T> {
    T::try_from(take(bytes)?).map_err(|_| malformed())
}

macro_rules! integers {
    ($($type:ty)*) => {
        $(impl Saved for $type {
            fn save(&self, out: &mut Vec<u8>) {
                put(*self as i128, out);
            }
            fn resume(bytes: &mut &[u8]) -> Result<Self> {
                take_as(bytes)
            }
        })*
    };
}

integers! { u8 u16 u32 u64 usize i8 i16 i32 i64 isize i128 }

impl Saved for bool {
    fn save(&self, out: &mut Vec<u8>) {
        out.push((*self).into());
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        match take_byte(bytes)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(malformed()),
        }
    }
}

impl Saved for f64 {
    fn save(&self, out: &mut Vec<u8>) {
        // The bits of a NaN differ from machine to machine.
        let value = if self.is_nan() { Self::NAN } else { *self };
        out.extend(value.to_bits().to_le_bytes());
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        let (&bits, rest) = bytes.split_first_chunk().ok_or_else(malformed)?;
        *bytes = rest;
        let value = Self::from_le_bytes(bits);
        if value.is_nan() && value.to_bits() != Self::NAN.to_bits() { Err(malformed()) } else { Ok(value) }
    }
}

impl Saved for char {
    fn save(&self, out: &mut Vec<u8>) {
        put(u32::from(*self).into(), out);
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        take_as::<u32>(bytes)?.try_into().map_err(|_| malformed())
    }
}

#[inline(never)]
fn put_text(text: &str, out: &mut Vec<u8>) {
    put(text.len() as i128, out);
    out.extend(text.as_bytes());
}

#[inline(never)]
fn take_text<'b>(bytes: &mut &'b [u8]) -> Result<&'b str> {
    let length = take_as(bytes)?;
    let (text, rest) = bytes.split_at_checked(length).ok_or_else(malformed)?;
    *bytes = rest;
    std::str::from_utf8(text).map_err(|_| malformed())
}

impl Saved for String {
    fn save(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        take_text(bytes).map(str::to_owned)
    }
}

impl Saved for Box<str> {
    fn save(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        take_text(bytes).map(Self::from)
    }
}

impl Saved for Short {
    fn save(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        let text = take_text(bytes)?;
        let short = Self::of(text);
        if *short == *text { Ok(short) } else { Err(malformed()) }
    }
}

/// Saves what is made of another value that is saved.
macro_rules! wrapped {
    ($([$($parameters:tt)*] $type:ty: $inner:ty, $get:expr, $make:expr;)*) => {
        $(impl<$($parameters)*> Saved for $type {
            fn save(&self, out: &mut Vec<u8>) {
                let get: fn(&Self) -> &$inner = $get;
                get(self).save(out);
            }
            fn resume(bytes: &mut &[u8]) -> Result<Self> {
                <$inner>::resume(bytes).map($make)
            }
        })*
    };
}

wrapped! {
    [] Date: i32, |date| &date.0, Date;
    [] Timestamp: i64, |time| &time.0, Timestamp;
    [T: Saved] Desc<T>: T, |value| &value.0, Desc;
    [T: Saved] Box<T>: T, |value| value, Box::new;
}

impl<const SCALE: u8> Saved for Decimal<SCALE> {
    fn save(&self, out: &mut Vec<u8>) {
        put(self.units(), out);
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        take(bytes).map(Self::from_units)
    }
}

impl<T: Saved> Saved for Option<T> {
    fn save(&self, out: &mut Vec<u8>) {
        self.is_some().save(out);
        if let Some(value) = self {
            value.save(out);
        }
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        bool::resume(bytes)?.then(|| T::resume(bytes)).transpose()
    }
}

impl<T: Saved, const N: usize> Saved for [T; N] {
    fn save(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|value| value.save(out));
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        let values = (0..N).map(|_| T::resume(bytes)).collect::<Result<Vec<_>>>()?;
        values.try_into().map_err(|_| malformed())
    }
}

/// It has a byte, as every value has: so the number of values is bounded by that of bytes.
impl Saved for () {
    fn save(&self, out: &mut Vec<u8>) {
        out.push(0);
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        match take_byte(bytes)? {
            0 => Ok(()),
            _ => Err(malformed()),
        }
    }
}

macro_rules! tuples {
    ($(($($name:ident)*))*) => {
        $(impl<$($name: Saved),*> Saved for ($($name,)*) {
            #[allow(non_snake_case, reason = "a value is called as its type is")]
            fn save(&self, out: &mut Vec<u8>) {
                let ($($name,)*) = self;
                $($name.save(out);)*
            }
            fn resume(bytes: &mut &[u8]) -> Result<Self> {
                Ok(($($name::resume(bytes)?,)*))
            }
        })*
    };
}

tuples! { (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }

fn put_all<'s, T: Saved + 's>(values: impl ExactSizeIterator<Item = &'s T>, out: &mut Vec<u8>) {
    put(values.len() as i128, out);
    values.for_each(|value| value.save(out));
}

/// Gives each of the values that follow their number.
fn take_all<T: Saved>(bytes: &mut &[u8], mut each: impl FnMut(T) -> Result<()>) -> Result<()> {
    let count: usize = take_as(bytes)?;
    // Each has a byte at least, so no forged number leads to a long loop.
    if count > bytes.len() {
        return Err(malformed());
    }
    (0..count).try_for_each(|_| each(T::resume(bytes)?))
}

impl<T: Saved> Saved for Vec<T> {
    fn save(&self, out: &mut Vec<u8>) {
        put_all(self.iter(), out);
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        let mut all = Self::new();
        take_all(bytes, |value| {
            all.push(value);
            Ok(())
        })?;
        Ok(all)
    }
}

impl<T: Saved> Saved for VecDeque<T> {
    fn save(&self, out: &mut Vec<u8>) {
        put_all(self.iter(), out);
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        Vec::resume(bytes).map(Self::from)
    }
}

impl<T: Saved + Ord> Saved for BTreeSet<T> {
    fn save(&self, out: &mut Vec<u8>) {
        put_all(self.iter(), out);
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        let mut all = Self::new();
        take_all(bytes, |value| {
            let follows = all.last().is_none_or(|last| *last < value);
            if follows && all.insert(value) { Ok(()) } else { Err(malformed()) }
        })?;
        Ok(all)
    }
}

impl<K: Saved + Ord, V: Saved> Saved for BTreeMap<K, V> {
    fn save(&self, out: &mut Vec<u8>) {
        put(self.len() as i128, out);
        for (key, value) in self {
            key.save(out);
            value.save(out);
        }
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        let mut all = Self::new();
        take_all(bytes, |(key, value)| {
            let follows = all.last_key_value().is_none_or(|(last, _)| *last < key);
            if follows && all.insert(key, value).is_none() { Ok(()) } else { Err(malformed()) }
        })?;
        Ok(all)
    }
}
