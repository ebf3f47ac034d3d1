//! Numbers as text: rounded half away from zero on their decimal digits, grouped, with the marks of a language.

use super::locale::{CurrencyPlace, Locale};

/// From here on a number is written with an exponent: no reader counts sixteen digits, and `f64` does not hold them.
const EXPONENT_FROM: f64 = 1e15;
/// The true minus sign, which a screen reader speaks and which is as wide as a digit.
const MINUS: char = '\u{2212}';

/// The form in which a number is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberFormat {
    /// Without decimals.
    Integer,
    /// With so many decimals, always.
    Decimal(u8),
    /// A ratio as a percentage with so many decimals: 0.125 is `12.5%`.
    Percent(u8),
    /// An amount.
    Money {
        /// Decimals, always shown.
        decimals: u8,
        /// An ISO 4217 code or a sign; without one only the amount is written.
        currency: Option<String>,
    },
    /// Three significant digits and a power: `12.3k`.
    Compact,
}

impl NumberFormat {
    /// Writes `value` in full.
    pub fn text(&self, value: f64, locale: &Locale) -> String {
        if !value.is_finite() {
            return String::from("–");
        }
        if matches!(self, Self::Compact) {
            return self.short(value, locale);
        }
        let (scaled, decimals) = self.scaled(value);
        let digits = round(scaled, decimals);
        self.dress(&digits, locale)
    }

    /// Writes `value` in three significant digits, with the unit: `€12.3k`.
    pub fn short(&self, value: f64, locale: &Locale) -> String {
        let (scaled, decimals) = self.scaled(value);
        let power = power_of(scaled);
        let unit = 10f64.powi(3 * power as i32);
        let shrunk = scaled / unit;
        let whole = if shrunk.abs() >= 99.95 {
            0
        } else if shrunk.abs() >= 9.995 {
            1
        } else {
            2
        };
        let most = if power == 0 && !matches!(self, Self::Compact) { decimals.min(whole) } else { whole };
        self.dress_with(&trim(round(shrunk, most)), suffix(power, locale), locale)
    }

    /// Writes a tick of an axis whose greatest tick is `greatest`, so that all ticks share a power and their decimals.
    pub(super) fn tick(&self, value: f64, step: f64, greatest: f64, locale: &Locale) -> String {
        let (scaled, _) = self.scaled(value);
        let (step, greatest) = (self.scaled(step).0, self.scaled(greatest).0);
        let decimals = |power: usize| {
            let unit = 10f64.powi(3 * power as i32);
            let whole = |&d: &u8| {
                let grid = step / unit * 10f64.powi(i32::from(d));
                (grid - grid.round()).abs() < 1e-6 * grid.abs().max(1e-9) && grid.round() >= 1.0
            };
            (0..12u8).find(whole).unwrap_or(3)
        };
        let mut power = power_of(greatest);
        // `2,500` reads better than `2.5k`, and four digits are as short.
        if power == 1 && (greatest.abs() < 10_000.0 || (greatest.abs() < 100_000.0 && decimals(1) > 0)) {
            power = 0;
        }
        let unit = 10f64.powi(3 * power as i32);
        let suffix = if scaled == 0.0 { "" } else { suffix(power, locale) };
        let digits = if scaled == 0.0 { String::from("0") } else { round(scaled / unit, decimals(power)) };
        self.dress_with(&digits, suffix, locale)
    }

    /// Returns the number that is shown, which for a ratio is a hundredfold, and its decimals.
    pub(super) fn scaled(&self, value: f64) -> (f64, u8) {
        match self {
            Self::Integer => (value, 0),
            Self::Decimal(decimals) | Self::Money { decimals, .. } => (value, (*decimals).min(12)),
            // Multiplied as decimals: 0.285 is 28.5 and not 28.499999999999996.
            Self::Percent(decimals) if value.abs() < 1e9 => ((value * 1e8).round() / 1e6, (*decimals).min(12)),
            Self::Percent(decimals) => ((value * 100.0).clamp(f64::MIN, f64::MAX), (*decimals).min(12)),
            Self::Compact => (value, 2),
        }
    }

    /// Returns the rounded digits of `value`, with a point and a hyphen, as the script and JSON read them.
    pub(super) fn plain(&self, value: f64) -> String {
        let (scaled, decimals) = self.scaled(value);
        round(scaled, decimals)
    }

    /// Returns the texts before and after the digits.
    pub(super) fn affixes(&self, locale: &Locale) -> (String, String) {
        match self {
            Self::Percent(_) => (String::new(), locale.percent.to_owned()),
            Self::Money { currency: Some(currency), .. } => {
                let sign = sign_of(currency);
                let letters = sign.chars().last().is_some_and(char::is_alphabetic);
                match locale.currency {
                    CurrencyPlace::Before if !letters => (sign.to_owned(), String::new()),
                    CurrencyPlace::Before | CurrencyPlace::BeforeSpaced => (format!("{sign}\u{a0}"), String::new()),
                    CurrencyPlace::After => (String::new(), format!("\u{a0}{sign}")),
                }
            }
            _ => (String::new(), String::new()),
        }
    }

    fn dress(&self, digits: &str, locale: &Locale) -> String {
        self.dress_with(digits, "", locale)
    }

    fn dress_with(&self, digits: &str, suffix: &str, locale: &Locale) -> String {
        let (before, after) = self.affixes(locale);
        let (minus, digits) = digits.strip_prefix('-').map_or((None, digits), |rest| (Some(MINUS), rest));
        let mut text: String = minus.into_iter().collect();
        text.push_str(&before);
        text.push_str(&group(digits, locale));
        text.push_str(suffix);
        text.push_str(&after);
        text
    }
}

/// Writes how one number compares with another, as a signed percentage: `+12.5%`.
pub fn change_text(ratio: f64, locale: &Locale) -> String {
    let text = NumberFormat::Percent(1).text(ratio, locale);
    if ratio > 0.0 && text.chars().any(|c| ('1'..='9').contains(&c)) { format!("+{text}") } else { text }
}

fn sign_of(currency: &str) -> &str {
    match currency {
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        "JPY" | "CNY" => "¥",
        "INR" => "₹",
        "PLN" => "zł",
        "BRL" => "R$",
        other => other,
    }
}

/// Returns how often a thousand is in `value` (0 to 4), seen after rounding to three digits: 999,999 is `1M`.
fn power_of(value: f64) -> usize {
    let (mut power, mut rest) = (0, value.abs());
    while rest >= 999.5 && power < 4 {
        rest /= 1000.0;
        power += 1;
    }
    power
}

fn suffix(power: usize, locale: &Locale) -> &'static str {
    power.checked_sub(1).and_then(|p| locale.powers.get(p)).copied().unwrap_or("")
}

fn trim(digits: String) -> String {
    if digits.contains('.') && !digits.contains('e') {
        digits.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        digits
    }
}

/// Rounds half away from zero on the shortest decimal digits that mean `value`: 1.005 is 1.01, as its writer meant.
fn round(value: f64, decimals: u8) -> String {
    if !value.is_finite() {
        return String::from("0");
    }
    if value.abs() >= EXPONENT_FROM {
        return format!("{value:.2e}");
    }
    let decimals = usize::from(decimals);
    let shortest = format!("{}", value.abs());
    let (whole, part) = shortest.split_once('.').unwrap_or((&shortest, ""));
    let mut digits: Vec<u8> = whole.bytes().chain(part.bytes().chain(std::iter::repeat(b'0')).take(decimals)).collect();
    if part.as_bytes().get(decimals).is_some_and(|&next| next >= b'5') {
        let mut carry = true;
        for digit in digits.iter_mut().rev() {
            if *digit == b'9' {
                *digit = b'0';
            } else {
                *digit += 1;
                carry = false;
                break;
            }
        }
        if carry {
            digits.insert(0, b'1');
        }
    }
    let zero = digits.iter().all(|&d| d == b'0');
    let mut text = String::with_capacity(digits.len() + 2);
    if value < 0.0 && !zero {
        text.push('-');
    }
    let point = digits.len() - decimals;
    for (i, digit) in digits.iter().enumerate() {
        if i == point {
            text.push('.');
        }
        text.push(char::from(*digit));
    }
    text
}

fn group(digits: &str, locale: &Locale) -> String {
    let (whole, part) = digits.split_once('.').map_or((digits, None), |(w, p)| (w, Some(p)));
    let mut text = String::with_capacity(digits.len() + 8);
    let grouped = whole.len() >= locale.group_from && whole.bytes().all(|b| b.is_ascii_digit());
    for (i, c) in whole.chars().enumerate() {
        if grouped && i > 0 && (whole.len() - i) % 3 == 0 {
            text.push_str(locale.group);
        }
        text.push(c);
    }
    if let Some(part) = part {
        text.push_str(locale.mark);
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn euro() -> NumberFormat {
        NumberFormat::Money { decimals: 2, currency: Some(String::from("EUR")) }
    }

    #[test]
    fn halves_round_away_from_zero() {
        let en = Locale::default();
        assert_eq!(NumberFormat::Decimal(2).text(1.005, &en), "1.01");
        assert_eq!(NumberFormat::Decimal(2).text(0.125, &en), "0.13");
        assert_eq!(NumberFormat::Decimal(2).text(-0.125, &en), "−0.13");
        assert_eq!(NumberFormat::Integer.text(2.5, &en), "3");
        assert_eq!(NumberFormat::Integer.text(-999.5, &en), "−1,000");
        assert_eq!(NumberFormat::Decimal(1).text(99.96, &en), "100.0");
        assert_eq!(NumberFormat::Decimal(1).text(-0.04, &en), "0.0");
        assert_eq!(NumberFormat::Percent(1).text(0.285, &en), "28.5%");
    }

    #[test]
    fn marks_follow_the_language() {
        for (tag, text) in [
            ("en", "−€1,234,567.89"),
            ("de", "−1.234.567,89\u{a0}€"),
            ("de-CH", "−€\u{a0}1’234’567.89"),
            ("fr", "−1\u{202f}234\u{202f}567,89\u{a0}€"),
            ("it", "−1.234.567,89\u{a0}€"),
            ("es", "−1.234.567,89\u{a0}€"),
            ("nl", "−€\u{a0}1.234.567,89"),
            ("pt", "−€\u{a0}1.234.567,89"),
            ("pl", "−1\u{a0}234\u{a0}567,89\u{a0}€"),
        ] {
            assert_eq!(euro().text(-1_234_567.885, &Locale::of(tag)), text, "{tag}");
        }
        assert_eq!(NumberFormat::Integer.text(1234.0, &Locale::of("es")), "1234");
        assert_eq!(NumberFormat::Integer.text(12345.0, &Locale::of("es")), "12.345");
        assert_eq!(NumberFormat::Percent(1).text(0.125, &Locale::of("de")), "12,5\u{a0}%");
        let franc = NumberFormat::Money { decimals: 0, currency: Some(String::from("CHF")) };
        assert_eq!(franc.text(1234.0, &Locale::of("en")), "CHF\u{a0}1,234");
    }

    #[test]
    fn short_numbers_have_three_digits_at_most() {
        let en = Locale::default();
        for (value, text) in [
            (0.0, "0"),
            (7.0, "7"),
            (950.0, "950"),
            (12_345.0, "12.3k"),
            (999_999.0, "1M"),
            (-3_400_000.0, "−3.4M"),
            (2e9, "2B"),
            (1e300, "1.00e288T"),
        ] {
            assert_eq!(NumberFormat::Compact.short(value, &en), text);
        }
        assert_eq!(euro().short(12_345.6, &en), "€12.3k");
        assert_eq!(NumberFormat::Compact.short(12_345.0, &Locale::of("de")), "12,3\u{a0}Tsd.");
    }

    #[test]
    fn ticks_of_an_axis_share_power_and_decimals() {
        let en = Locale::default();
        let tick = |v| NumberFormat::Integer.tick(v, 500_000.0, 2e6, &en);
        assert_eq!([tick(0.0), tick(5e5), tick(1e6)], ["0", "0.5M", "1.0M"]);
        assert_eq!(NumberFormat::Percent(1).tick(0.25, 0.25, 1.0, &en), "25%");
        assert_eq!(NumberFormat::Decimal(2).tick(-0.3, 0.1, 0.3, &en), "−0.3");
    }

    #[test]
    fn the_sign_of_a_change_is_written() {
        let en = Locale::default();
        assert_eq!(change_text(0.1234, &en), "+12.3%");
        assert_eq!(change_text(-0.5, &en), "−50.0%");
        assert_eq!(change_text(0.0001, &en), "0.0%");
    }
}
