//! Dates on an axis: reading the data's text, and the calendar steps on which ticks stand.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use super::locale::Locale;

/// The precision in which the data wrote a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Precision {
    Year,
    Month,
    Day,
    Second,
}

/// A date of the data, and how exactly the data gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) at: NaiveDateTime,
    pub(super) precision: Precision,
}

const DAY: f64 = 86_400.0;
/// Years outside of these are errors of the data or codes such as `0012`, and would make an axis of nothing else.
const YEARS: std::ops::RangeInclusive<i32> = 1000..=9999;

impl Moment {
    /// Reads `2026`, `2026-01`, `2026-01-05`, or such a day with a time of RFC 3339. A zone is not converted.
    pub(super) fn parse(text: &str) -> Option<Moment> {
        let number = |range: std::ops::Range<usize>| -> Option<u32> {
            let digits = text.get(range)?;
            if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
        };
        let dash = |at: usize| text.as_bytes().get(at) == Some(&b'-');
        let year = i32::try_from(number(0..4)?).ok().filter(|y| YEARS.contains(y))?;
        let day = |month, day| NaiveDate::from_ymd_opt(year, month, day).map(|d| d.and_time(NaiveTime::MIN));
        let (at, precision) = match text.len() {
            4 => (day(1, 1)?, Precision::Year),
            7 if dash(4) => (day(number(5..7)?, 1)?, Precision::Month),
            10 if dash(4) && dash(7) => (day(number(5..7)?, number(8..10)?)?, Precision::Day),
            16.. if dash(4) && dash(7) && matches!(text.as_bytes().get(10), Some(b'T' | b' ')) => {
                let date = day(number(5..7)?, number(8..10)?)?;
                let second = if text.as_bytes().get(16) == Some(&b':') { number(17..19)? } else { 0 };
                let time = NaiveTime::from_hms_opt(number(11..13)?, number(14..16)?, second.min(59))?;
                (date.date().and_time(time), Precision::Second)
            }
            _ => return None,
        };
        Some(Moment { at, precision })
    }

    /// Returns the seconds since 1970.
    pub(super) fn seconds(&self) -> i64 {
        self.at.and_utc().timestamp()
    }

    /// Writes the whole date, as a tip or a table shows it.
    pub(super) fn full(&self, locale: &Locale) -> String {
        let day = fill(locale.date, self.at.date(), locale);
        match self.precision {
            Precision::Year => self.at.year().to_string(),
            Precision::Month => format!("{} {}", month(self.at.date(), locale), self.at.year()),
            Precision::Day => day,
            Precision::Second => format!("{day} {:02}:{:02}", self.at.hour(), self.at.minute()),
        }
    }
}

fn month(date: NaiveDate, locale: &Locale) -> &'static str {
    locale.months.get(date.month0() as usize).copied().unwrap_or("")
}

fn fill(pattern: &str, date: NaiveDate, locale: &Locale) -> String {
    let mut text = String::new();
    for c in pattern.chars() {
        match c {
            'D' => text.push_str(&date.day().to_string()),
            'M' => text.push_str(month(date, locale)),
            'Y' => text.push_str(&date.year().to_string()),
            other => text.push(other),
        }
    }
    text
}

/// A distance between two ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Hours(u32),
    Days(u32),
    Months(u32),
    Years(i32),
}

/// Every distance that reads well, from the least.
pub(super) const STEPS: [Step; 20] = [
    Step::Hours(1),
    Step::Hours(3),
    Step::Hours(6),
    Step::Hours(12),
    Step::Days(1),
    Step::Days(2),
    Step::Days(7),
    Step::Days(14),
    Step::Months(1),
    Step::Months(2),
    Step::Months(3),
    Step::Months(6),
    Step::Years(1),
    Step::Years(2),
    Step::Years(5),
    Step::Years(10),
    Step::Years(20),
    Step::Years(50),
    Step::Years(100),
    Step::Years(1000),
];

/// A tick: its seconds since 1970, its label, and the greater unit that a second line shows where it changes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DateTick {
    pub(super) at: f64,
    pub(super) text: String,
    pub(super) above: String,
}

/// Returns the ticks of `step` between two times in seconds since 1970, or nothing if there were more than `most`.
pub(super) fn ticks(from: f64, to: f64, step: Step, most: usize, locale: &Locale) -> Option<Vec<DateTick>> {
    let length = match step {
        Step::Hours(n) => f64::from(n) * 3600.0,
        Step::Days(n) => f64::from(n) * DAY,
        Step::Months(n) => f64::from(n) * 28.0 * DAY,
        Step::Years(n) => f64::from(n) * 365.0 * DAY,
    };
    if (to - from) / length > most as f64 + 1.0 {
        return None;
    }
    let start = DateTime::from_timestamp(from.ceil() as i64, 0)?.naive_utc();
    let mut next = first(start, step)?;
    let mut ticks = Vec::new();
    while next.and_utc().timestamp() as f64 <= to {
        let at = next.and_utc().timestamp() as f64;
        let date = next.date();
        let (text, above) = match step {
            Step::Hours(_) => (format!("{:02}:{:02}", next.hour(), next.minute()), fill(locale.day, date, locale)),
            Step::Days(_) => (fill(locale.day, date, locale), date.year().to_string()),
            Step::Months(_) => (month(date, locale).to_owned(), date.year().to_string()),
            Step::Years(_) => (date.year().to_string(), String::new()),
        };
        if at >= from {
            ticks.push(DateTick { at, text, above });
        }
        next = match step {
            Step::Hours(n) => next.checked_add_signed(chrono::TimeDelta::hours(i64::from(n)))?,
            Step::Days(n) => next.checked_add_signed(chrono::TimeDelta::days(i64::from(n)))?,
            Step::Months(n) => next.checked_add_months(Months::new(n))?,
            Step::Years(n) => next.checked_add_months(Months::new(12 * n.unsigned_abs()))?,
        };
    }
    Some(ticks)
}

/// Returns the first tick: on a multiple of the step, on a Monday for weeks, on the first of a month or year.
fn first(start: NaiveDateTime, step: Step) -> Option<NaiveDateTime> {
    let date = start.date();
    let midnight = date.and_time(NaiveTime::MIN);
    Some(match step {
        Step::Hours(_) | Step::Days(1) => midnight,
        Step::Days(n) if n % 7 == 0 => {
            let back = chrono::TimeDelta::days(i64::from(date.weekday().num_days_from_monday()));
            let monday = midnight.checked_sub_signed(back)?;
            if monday < start { monday.checked_add_signed(chrono::TimeDelta::days(7))? } else { monday }
        }
        Step::Days(_) => midnight,
        Step::Months(n) => date.with_day(1)?.with_month0(date.month0() / n * n)?.and_time(NaiveTime::MIN),
        Step::Years(n) => NaiveDate::from_ymd_opt((date.year() / n * n).max(1), 1, 1)?.and_time(NaiveTime::MIN),
    })
}

impl Locale {
    /// Writes a date of the data (`2026-01-05`, `2026-01`, with or without a time) as people write it.
    /// A text that is no date stays as it is.
    pub fn date(&self, text: &str) -> String {
        Moment::parse(text).map_or_else(|| text.to_owned(), |moment| moment.full(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> f64 {
        Moment::parse(text).unwrap().seconds() as f64
    }

    fn texts(from: &str, to: &str, step: Step) -> Vec<String> {
        ticks(at(from), at(to), step, 100, &Locale::default()).unwrap().into_iter().map(|t| t.text).collect()
    }

    #[test]
    fn ticks_stand_on_the_calendar() {
        assert_eq!(texts("2026-01-15", "2026-05-02", Step::Months(1)), ["Feb", "Mar", "Apr", "May"]);
        assert_eq!(texts("2025-11-15", "2026-08-02", Step::Months(3)), ["Jan", "Apr", "Jul"]);
        assert_eq!(texts("2026-01-01", "2026-01-20", Step::Days(7)), ["Jan 5", "Jan 12", "Jan 19"]);
        assert_eq!(texts("2019-06-01", "2031-01-01", Step::Years(5)), ["2020", "2025", "2030"]);
        assert_eq!(texts("2026-01-01T11:30", "2026-01-02T01:00", Step::Hours(12)), ["12:00", "00:00"]);
    }

    #[test]
    fn too_many_ticks_are_none() {
        assert_eq!(ticks(at("1900"), at("2026"), Step::Hours(1), 100, &Locale::default()), None);
    }

    #[test]
    fn broken_dates_are_no_dates() {
        for text in ["", "20", "2026-13", "2026-02-30", "2026-01-01T25:00", "äöü-01", "0000", "2026/01/05", "+026"] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
