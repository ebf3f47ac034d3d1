//! Reads numbers, dates and timestamps as strictly as they are written. Each value has exactly one text.

use crate::values::calendar;

/// Reads an integer without superfluous signs or zeros.
#[inline]
pub(super) fn int(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [] => return None,
        [b'0'] if negative => return None,
        [b'0', _, ..] => return None,
        _ => {}
    }
    if digits.len() <= 18 {
        let n = plain(digits)? as i64;
        return Some(if negative { -n } else { n });
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads a number of at most 19 digits.
#[inline(always)]
fn plain(digits: &[u8]) -> Option<u64> {
    let mut n = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n = n * 10 + u64::from(digit);
    }
    Some(n)
}

/// Reads a float as Rust displays it: without an exponent, and without superfluous zeros.
#[inline]
pub(super) fn float(text: &[u8]) -> Option<f64> {
    const TENS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let (negative, digits) = match text {
        b"NaN" => return Some(f64::NAN),
        b"inf" => return Some(f64::INFINITY),
        b"-inf" => return Some(f64::NEG_INFINITY),
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let (whole, fraction) = match digits.iter().position(|&byte| byte == b'.') {
        Some(point) => (&digits[..point], Some(&digits[point + 1..])),
        None => (digits, None),
    };
    if whole.is_empty()
        || (whole.len() > 1 && whole[0] == b'0')
        || fraction.is_some_and(|f| matches!(f, [] | [.., b'0']))
    {
        return None;
    }
    let fraction = fraction.unwrap_or_default();
    if whole.len() + fraction.len() <= 15 {
        // Numerator and denominator are exact, so their quotient is the nearest float.
        let mantissa = plain(whole)? * 10_u64.pow(fraction.len() as u32) + plain(fraction)?;
        let n = mantissa as f64 / TENS[fraction.len()];
        return Some(if negative { -n } else { n });
    }
    if !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return None;
    }
    let n = std::str::from_utf8(text).ok()?.parse::<f64>().ok()?;
    n.is_finite().then_some(n)
}

/// Reads a decimal with exactly `scale` digits after the point, and at most `precision` digits in all.
#[inline]
pub(super) fn decimal(text: &[u8], precision: u8, scale: u8) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let scale = usize::from(scale);
    let (whole, fraction): (&[u8], &[u8]) = if scale == 0 {
        (digits, &[])
    } else {
        let point = digits.len().checked_sub(scale + 1).filter(|&point| digits[point] == b'.')?;
        (&digits[..point], &digits[point + 1..])
    };
    if whole.is_empty() || (whole.len() > 1 && whole[0] == b'0') {
        return None;
    }
    let n = if whole.len() + scale <= 18 {
        i128::from(plain(whole)? * 10_u64.pow(scale as u32) + plain(fraction)?)
    } else {
        let mut n = 0_i128;
        for &byte in whole.iter().chain(fraction) {
            let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
            n = n.checked_mul(10)?.checked_add(digit)?;
        }
        n
    };
    if n >= 10_i128.checked_pow(u32::from(precision))? || (negative && n == 0) {
        return None;
    }
    Some(if negative { -n } else { n })
}

/// Reads `YYYY-MM-DD`.
#[inline]
pub(super) fn date(text: &[u8]) -> Option<i32> {
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else { return None };
    calendar::day(two(y0, y1)? * 100 + two(y2, y3)?, two(m0, m1)?, two(d0, d1)?)
}

#[inline(always)]
fn two(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Reads `YYYY-MM-DDTHH:MM:SSZ` or `YYYY-MM-DDTHH:MM:SS.ffffffZ`. Returns microseconds since 1970.
#[inline]
pub(super) fn timestamp(text: &[u8]) -> Option<i64> {
    let (days, time) = text.split_at_checked(10)?;
    let day = date(days)?;
    let (&[b'T', h0, h1, b':', m0, m1, b':', s0, s1], rest) = time.split_first_chunk::<9>()? else { return None };
    let (hour, minute, second) = (two(h0, h1)?, two(m0, m1)?, two(s0, s1)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = match rest {
        b"Z" => 0,
        [b'.', digits @ .., b'Z'] if digits.len() == 6 => plain(digits).filter(|&micros| micros != 0)?,
        _ => return None,
    };
    let seconds = i64::from(day) * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    Some(seconds * 1_000_000 + fraction as i64)
}
