//! Writes numbers, dates and timestamps, two digits at a time.

use std::io::Write;

use super::calendar::{FIRST_DAY, LAST_DAY, civil};

const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
                            2021222324252627282930313233343536373839\
                            4041424344454647484950515253545556575859\
                            6061626364656667686970717273747576777879\
                            8081828384858687888990919293949596979899";

const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400 * MICROS;

#[inline(always)]
fn pair(two: u32) -> [u8; 2] {
    let at = two as usize * 2;
    [PAIRS[at], PAIRS[at + 1]]
}

/// Writes an unsigned number.
#[inline]
pub(crate) fn write_u64(mut n: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    while n >= 100 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&pair((n % 100) as u32));
        n /= 100;
    }
    if n >= 10 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&pair(n as u32));
    } else {
        at -= 1;
        digits[at] = b'0' + n as u8;
    }
    out.extend_from_slice(&digits[at..]);
}

/// Writes a number.
#[inline]
pub(crate) fn write_i64(n: i64, out: &mut Vec<u8>) {
    if n < 0 {
        out.push(b'-');
    }
    write_u64(n.unsigned_abs(), out);
}

/// Writes `n` with `width` digits, with zeros in front.
fn write_padded(mut n: u64, width: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + width, b'0');
    for digit in out[start..].iter_mut().rev() {
        *digit = b'0' + (n % 10) as u8;
        n /= 10;
    }
}

/// Writes the shortest decimal number that reads back as `n`.
pub(crate) fn write_f64(n: f64, out: &mut Vec<u8>) {
    const SCALE: f64 = 1e6;
    // At most one decimal number of up to 15 digits reads back as `n`, so this one is the shortest.
    let scaled = (n * SCALE).round();
    if scaled.abs() < 1e15 && scaled / SCALE == n && (n != 0.0 || n.is_sign_positive()) {
        let scaled = scaled as i64;
        if scaled < 0 {
            out.push(b'-');
        }
        let scaled = scaled.unsigned_abs();
        write_u64(scaled / MICROS as u64, out);
        let fraction = scaled % MICROS as u64;
        if fraction != 0 {
            out.push(b'.');
            write_padded(fraction, 6, out);
            while out.last() == Some(&b'0') {
                out.pop();
            }
        }
    } else {
        write!(out, "{n}").expect("writing to memory does not fail");
    }
}

/// Writes `n` with its last `scale` digits after a point. The caller has checked that it has at most 38 digits.
pub(crate) fn write_decimal(n: i128, scale: u8, out: &mut Vec<u8>) {
    if n < 0 {
        out.push(b'-');
    }
    let n = n.unsigned_abs();
    let scale = usize::from(scale);
    match u64::try_from(n) {
        Ok(n) if scale < 20 => {
            let unit = 10_u64.pow(scale as u32);
            write_u64(n / unit, out);
            if scale > 0 {
                out.push(b'.');
                write_padded(n % unit, scale, out);
            }
        }
        _ => {
            let unit = 10_u128.pow(scale as u32);
            write!(out, "{}", n / unit).expect("writing to memory does not fail");
            if scale > 0 {
                write!(out, ".{:0scale$}", n % unit).expect("writing to memory does not fail");
            }
        }
    }
}

#[inline]
fn date(day: i32) -> Option<[u8; 10]> {
    if !(FIRST_DAY..=LAST_DAY).contains(&day) {
        return None;
    }
    let (year, month, day) = civil(day);
    let ([y0, y1], [y2, y3], [m0, m1], [d0, d1]) = (pair(year / 100), pair(year % 100), pair(month), pair(day));
    Some([y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1])
}

/// Writes a date. Returns `None` if its year is not from 0000 to 9999.
#[inline]
pub(crate) fn write_date(day: i32, out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(&date(day)?);
    Some(())
}

/// Writes a timestamp in microseconds since 1970. Returns `None` if its year is not from 0000 to 9999.
#[inline]
pub(crate) fn write_timestamp(micros: i64, out: &mut Vec<u8>) -> Option<()> {
    let date = date(i32::try_from(micros.div_euclid(DAY)).ok()?)?;
    let of_day = micros.rem_euclid(DAY);
    let (seconds, fraction) = ((of_day / MICROS) as u32, of_day % MICROS);
    let ([h0, h1], [m0, m1], [s0, s1]) = (pair(seconds / 3600), pair(seconds / 60 % 60), pair(seconds % 60));
    let mut text = [0; 20];
    text[..10].copy_from_slice(&date);
    text[10..].copy_from_slice(&[b'T', h0, h1, b':', m0, m1, b':', s0, s1, b'Z']);
    if fraction == 0 {
        out.extend_from_slice(&text);
    } else {
        out.extend_from_slice(&text[..19]);
        out.push(b'.');
        write_padded(fraction as u64, 6, out);
        out.push(b'Z');
    }
    Some(())
}
