//! Converts days since 1970-01-01 to dates of the proleptic Gregorian calendar and back, for the years 0 to 9999.
//!
//! `civil` follows Cassio Neri and Lorenz Schneider, "Euclidean affine functions and their application to calendar
//! algorithms". `day` follows Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".

/// 0000-01-01.
pub(crate) const FIRST_DAY: i32 = -719_528;
/// 9999-12-31.
pub(crate) const LAST_DAY: i32 = 2_932_896;

/// Returns the year, month and day of a day from `FIRST_DAY` to `LAST_DAY`.
#[inline]
pub(crate) fn civil(day: i32) -> (u32, u32, u32) {
    // Days are counted from 1 March of a year so early that all numbers are positive.
    let quarters = 4 * (day + 719_468 + 146_097) as u32 + 3;
    let (century, of_century) = (quarters / 146_097, quarters % 146_097 / 4);
    // The number is multiplied by 2^32 / 1461. The upper half is then the year, the lower half the part of it that has
    // passed.
    let years = 2_939_745 * u64::from(4 * of_century + 3);
    let (year, of_year) = (100 * century + (years >> 32) as u32, years as u32 / 2_939_745 / 4);
    let months = 2141 * of_year + 197_913;
    let (month, day) = (months >> 16, (months & 0xffff) / 2141 + 1);
    // A year begins in March here.
    let (month, next) = if of_year < 306 { (month, 0) } else { (month - 12, 1) };
    (year + next - 400, month, day)
}

/// Returns the day of a date, if that date exists. The year is at most 9999.
#[inline]
pub(crate) fn day(year: u32, month: u32, day: u32) -> Option<i32> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > days {
        return None;
    }
    let (year, month) = if month > 2 { (year + 400, month - 3) } else { (year + 399, month + 9) };
    let of_era = year % 400;
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = (year / 400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Some(days as i32 - 719_468 - 146_097)
}
