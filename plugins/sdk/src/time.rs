//! Dates and instants, which are read strictly.

use std::fmt;

use crate::Short;

/// A calendar date, as days since 1970-01-01 in the proleptic Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Date(pub i32);

/// An instant, as microseconds since 1970-01-01T00:00:00Z without leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// The instants of the years 0 to 9999, which have four digits.
const WRITABLE: std::ops::Range<i64> = -62_167_219_200_000_000..253_402_300_800_000_000;

impl Date {
    /// Reads `YYYY-MM-DD`. Returns `None` for anything else, and for a day that does not exist.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: &[u8; 10] = text.as_bytes().try_into().ok()?;
        date(bytes)
    }

    /// Reads a date that is not written `YYYY-MM-DD`: `YYYY/MM/DD`, `DD/MM/YYYY`, `DD-MM-YYYY`, or an instant as
    /// [`Timestamp::parse`] reads it, whose UTC date counts. Returns `None` for anything else, and for a day that does
    /// not exist.
    ///
    /// Only the place of the four digits tells the forms apart, so the day is always before the month where the year
    /// comes last: `01/02/2025` is the first of February.
    pub fn parse_other_form(text: &str) -> Option<Self> {
        match *text.as_bytes() {
            [y3, y2, y1, y0, b'/', m1, m0, b'/', d1, d0]
            | [d1, d0, b'/', m1, m0, b'/', y3, y2, y1, y0]
            | [d1, d0, b'-', m1, m0, b'-', y3, y2, y1, y0] => from_digits([y3, y2, y1, y0], [m1, m0], [d1, d0]),
            _ => Timestamp::parse(text).map(Timestamp::date),
        }
    }

    /// Returns the year, the month (1–12) and the day of the month (1–31).
    pub const fn ymd(self) -> (i32, u32, u32) {
        // `civil_from_days` of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
        let shifted = self.0 as i64 + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        (year as i32, month as u32, day as u32)
    }

    /// Returns the date, if the day exists.
    pub const fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        if day == 0 || day > days {
            return None;
        }
        let year = year as i64 - if month <= 2 { 1 } else { 0 };
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let month_from_march = if month > 2 { month - 3 } else { month + 9 } as i64;
        let day_of_year = (153 * month_from_march + 2) / 5 + day as i64 - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Some(Self((era * 146_097 + day_of_era - 719_468) as i32))
    }

    /// Returns the date so many days later, or earlier. It stays within the dates that fit.
    pub const fn plus_days(self, days: i64) -> Self {
        let sum = (self.0 as i64).saturating_add(days);
        Self(if sum > i32::MAX as i64 {
            i32::MAX
        } else if sum < i32::MIN as i64 {
            i32::MIN
        } else {
            sum as i32
        })
    }

    /// Returns the number of days since another date.
    pub const fn days_since(self, other: Self) -> i64 {
        self.0 as i64 - other.0 as i64
    }

    /// Returns the day of the week, from 1 for Monday to 7.
    pub const fn weekday(self) -> i64 {
        // 1970-01-01 was a Thursday.
        (self.0 as i64 + 3).rem_euclid(7) + 1
    }

    /// Returns the Monday of the week.
    pub const fn monday(self) -> Self {
        self.plus_days(1 - self.weekday())
    }

    /// Returns the first day of the month.
    pub const fn first_of_month(self) -> Self {
        self.plus_days(1 - self.ymd().2 as i64)
    }

    /// Returns the first day of the month so many months later, or earlier. Years beyond those that fit are cut off.
    pub const fn plus_months(self, months: i32) -> Self {
        let (year, month, _) = self.ymd();
        let month = year as i64 * 12 + month as i64 - 1 + months as i64;
        let date = Self::from_ymd(month.div_euclid(12) as i32, month.rem_euclid(12) as u32 + 1, 1);
        match date {
            Some(date) => date,
            None => self,
        }
    }

    /// Returns the month as text: `2025-11`.
    pub fn month(self) -> Short {
        let (year, month, _) = self.ymd();
        match Short::of_digits([(year, 4), (month as i32, 2)], "-") {
            Some(short) => short,
            None => Short::of(format_args!("{year:04}-{month:02}")),
        }
    }

    /// Returns the week of ISO 8601 as text: `2025-W46`. A week belongs to the year of its Thursday.
    pub fn week(self) -> Short {
        let thursday = self.plus_days(4 - self.weekday());
        let (year, ..) = thursday.ymd();
        let day_of_year = Self::from_ymd(year, 1, 1).map_or(0, |first| thursday.days_since(first));
        let week = day_of_year / 7 + 1;
        match Short::of_digits([(year, 4), (week as i32, 2)], "-W") {
            Some(short) => short,
            None => Short::of(format_args!("{year:04}-W{week:02}")),
        }
    }
}

impl Timestamp {
    /// Reads a timestamp of RFC 3339, or `YYYY-MM-DD[T ]HH:MM:SS[.f]`, which counts as UTC. Digits of a second after
    /// the sixth are cut off. In both, a space may stand for the `T`, and the offset may be hours alone (`+00`), as
    /// PostgreSQL writes its `timestamptz`.
    ///
    /// Returns `None` for anything else, for `24:00:00`, and for leap seconds, which this time scale cannot express.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, mut rest) = text.as_bytes().split_first_chunk::<19>()?;
        let date = date(head.first_chunk()?)?;
        let [.., b'T' | b't' | b' ', h1, h0, b':', m1, m0, b':', s1, s0] = *head else { return None };
        let (hour, minute, second) = (two(h1, h0)?, two(m1, m0)?, two(s1, s0)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let mut micros = i64::from(hour * 3600 + minute * 60 + second) * 1_000_000;
        if let [b'.', fraction @ ..] = rest {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return None;
            }
            micros += (0..6).fold(0, |micros, place| {
                micros * 10 + fraction[..digits].get(place).map_or(0, |byte| i64::from(byte - b'0'))
            });
            rest = &fraction[digits..];
        }
        let offset = match *rest {
            [] | [b'Z' | b'z'] => 0,
            [sign @ (b'+' | b'-'), h1, h0] => offset(sign, two(h1, h0)?, 0)?,
            [sign @ (b'+' | b'-'), h1, h0, b':', m1, m0] => offset(sign, two(h1, h0)?, two(m1, m0)?)?,
            _ => return None,
        };
        let instant = Self(i64::from(date.0) * DAY + micros - offset * 60_000_000);
        // On the first and last day of the four-digit years, an offset can lead outside them. Such an instant cannot be
        // written.
        WRITABLE.contains(&instant.0).then_some(instant)
    }

    /// Returns the UTC date of the instant.
    pub const fn date(self) -> Date {
        Date(self.0.div_euclid(DAY) as i32)
    }

    /// Returns the stamp in object names: `YYYYMMDDTHHMMSS`, UTC.
    pub fn stamp(self) -> String {
        let (year, month, day) = self.date().ymd();
        let (hour, minute, second) = self.hms();
        format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}")
    }

    /// Returns the instant that is later by `seconds`.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0 + seconds * 1_000_000)
    }

    /// Returns hour, minute and second, UTC.
    fn hms(self) -> (i64, i64, i64) {
        let seconds = self.0.rem_euclid(DAY) / 1_000_000;
        (seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}

/// Reads a number of two digits.
fn two(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens * 10 + ones))
}

/// Returns the minutes of an offset from UTC, if there is one of so many hours and minutes.
fn offset(sign: u8, hours: u32, minutes: u32) -> Option<i64> {
    let offset = i64::from(hours * 60 + minutes);
    (hours < 24 && minutes < 60).then_some(if sign == b'-' { -offset } else { offset })
}

fn date(text: &[u8; 10]) -> Option<Date> {
    let [y3, y2, y1, y0, b'-', m1, m0, b'-', d1, d0] = *text else { return None };
    from_digits([y3, y2, y1, y0], [m1, m0], [d1, d0])
}

/// Returns the date with these digits, if the day exists.
fn from_digits([y3, y2, y1, y0]: [u8; 4], [m1, m0]: [u8; 2], [d1, d0]: [u8; 2]) -> Option<Date> {
    Date::from_ymd((two(y3, y2)? * 100 + two(y1, y0)?) as i32, two(m1, m0)?, two(d1, d0)?)
}

impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        write!(out, "{year:04}-{month:02}-{day:02}")
    }
}

/// Writes a timestamp of RFC 3339 in UTC. A second that is not whole has six digits after the point.
impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second) = self.hms();
        write!(out, "{}T{hour:02}:{minute:02}:{second:02}", self.date())?;
        match self.0.rem_euclid(1_000_000) {
            0 => write!(out, "Z"),
            micros => write!(out, ".{micros:06}Z"),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike as _, NaiveDate};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn dates_agree_with_chrono(days in -719_528i32..2_932_897) {
            let expected = NaiveDate::from_num_days_from_ce_opt(days + 719_163).expect("in range");
            prop_assert_eq!(Date(days).ymd(), (expected.year(), expected.month(), expected.day()));
            prop_assert_eq!(Date(days).to_string(), expected.to_string());
            prop_assert_eq!(Date::parse(&expected.to_string()), Some(Date(days)));
        }

        #[test]
        fn weeks_and_months_agree_with_chrono(days in -719_000i32..2_932_000, months in -1200i32..1200) {
            let expected = NaiveDate::from_num_days_from_ce_opt(days + 719_163).expect("in range");
            let week = expected.iso_week();
            prop_assert_eq!(&*Date(days).week(), format!("{:04}-W{:02}", week.year(), week.week()));
            prop_assert_eq!(&*Date(days).month(), format!("{:04}-{:02}", expected.year(), expected.month()));
            prop_assert_eq!(Date(days).weekday(), i64::from(expected.weekday().number_from_monday()));
            let first = Date(days).plus_months(months);
            prop_assert_eq!(first.plus_months(-months), Date(days).first_of_month());
        }

        #[test]
        fn timestamps_read_what_they_write(micros in -62_167_219_200_000_000i64..253_402_300_800_000_000) {
            prop_assert_eq!(Timestamp::parse(&Timestamp(micros).to_string()), Some(Timestamp(micros)));
        }
    }

    #[test]
    fn timestamps_have_two_forms() {
        for (text, written) in [
            ("2025-11-13T10:35:00Z", "2025-11-13T10:35:00Z"),
            ("2025-11-13t10:35:00z", "2025-11-13T10:35:00Z"),
            ("2025-11-13 10:35:00", "2025-11-13T10:35:00Z"),
            ("2025-11-13T10:35:00.5", "2025-11-13T10:35:00.500000Z"),
            ("2025-11-13T10:35:00.123456789+02:30", "2025-11-13T08:05:00.123456Z"),
            ("2024-02-29T23:59:59-01:00", "2024-03-01T00:59:59Z"),
            ("2025-01-05 10:00:00+00", "2025-01-05T10:00:00Z"),
            ("2025-01-05 10:00:00.25-05", "2025-01-05T15:00:00.250000Z"),
            ("2025-01-05 10:00:00+05:30", "2025-01-05T04:30:00Z"),
            ("2025-01-05T10:00:00+23", "2025-01-04T11:00:00Z"),
        ] {
            assert_eq!(Timestamp::parse(text).map(|instant| instant.to_string()).as_deref(), Some(written), "{text}");
        }
    }

    #[test]
    fn impossible_times_are_refused() {
        for text in [
            "",
            "2025-11-13",
            "2025-02-30T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-11-13T24:00:00Z",
            "2025-11-13T10:60:00Z",
            "2016-12-31T23:59:60Z",
            "2025-11-13T10:35Z",
            "2025-11-13T10:35:00.Z",
            "2025-11-13T10:35:00+0200",
            "2025-11-13T10:35:00+24:00",
            "2025-11-13T10:35:00+01:60",
            "2025-11-13 10:35:00+24",
            "2025-11-13 10:35:00+",
            "2025-11-13 10:35:00+0",
            "2025-11-13 10:35:00+00:",
            "2025-11-13 10:35:00+00:0",
            "2025-11-13 10:35:00 +00",
            "2025-11-13 10:35:00+00Z",
            "2025-11-13  10:35:00+00",
            "2025-11-13 10:35:00+ 0",
            "2025-11-13 10:35:00\u{2212}01",
            "9999-12-31 23:59:59-01",
            "not-a-date",
            "2025-11-13T10:35:00ZZ",
            "32/13/2025",
            "9999-12-31T23:59:59-01:00",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
        for text in ["2025-02-30", "32/13/2025", "2025-1-01", "2025-00-10", "2025-01-00", "20250101", "+025-01-01"] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    #[test]
    fn dates_have_other_forms() {
        for (text, written) in [
            ("2025/01/02", "2025-01-02"),
            ("02/01/2025", "2025-01-02"),
            ("02-01-2025", "2025-01-02"),
            ("29-02-2024", "2024-02-29"),
            ("31/12/9999", "9999-12-31"),
            ("0000/01/01", "0000-01-01"),
            ("2025-01-02T23:30:00-02:00", "2025-01-03"),
            ("2025-01-02 23:30:00-02", "2025-01-03"),
            ("2025-01-02 00:30:00+01", "2025-01-01"),
            ("2025-01-02 23:59:59.9999999", "2025-01-02"),
        ] {
            assert_eq!(Date::parse_other_form(text).map(|date| date.to_string()).as_deref(), Some(written), "{text}");
        }
    }

    #[test]
    fn dates_in_no_form_are_refused() {
        for text in [
            "",
            "2025-01-02",
            "2025/1/2",
            "2025/01-02",
            "2025-01/02",
            "01/02-2025",
            "01-02/2025",
            "02.01.2025",
            "2025.01.02",
            "20250102",
            "02/01/25",
            "002/01/2025",
            "02/01/02025",
            "+2/01/2025",
            " 2/01/2025",
            "02/01/2025 ",
            "０2/01/2025",
            "02/13/2025",
            "29/02/2023",
            "29-02-1900",
            "00/01/2025",
            "31-04-2025",
            "2025/00/10",
            "2025-02-30T00:00:00Z",
            "2025-01-02T00:00",
            "2025/01/02 10:00:00",
            "02/01/2025 10:00:00",
        ] {
            assert_eq!(Date::parse_other_form(text), None, "{text}");
        }
    }
}
