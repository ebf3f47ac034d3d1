//! The marks, month names and orders in which a language writes numbers and dates.

/// Says where a currency stands beside its amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CurrencyPlace {
    /// `€12`, and `CHF 12` for a code of letters.
    Before,
    /// `€ 12`.
    BeforeSpaced,
    /// `12 €`.
    After,
}

/// The customs of one language, after CLDR 45.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locale {
    pub(super) tag: &'static str,
    pub(super) group: &'static str,
    pub(super) mark: &'static str,
    /// Digits before the decimal mark from which thousands are grouped: 4, or 5 in Spanish, Portuguese and Polish.
    pub(super) group_from: usize,
    pub(super) percent: &'static str,
    pub(super) currency: CurrencyPlace,
    /// Suffixes of thousands, millions, milliards and billions (10^12).
    pub(super) powers: [&'static str; 4],
    pub(super) months: [&'static str; 12],
    /// A full date of `D`, `M` and `Y`.
    pub(super) date: &'static str,
    /// A day in a year already known.
    pub(super) day: &'static str,
}

const NBSP_PERCENT: &str = "\u{a0}%";
const ENGLISH: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const GERMAN: [&str; 12] =
    ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."];
const FRENCH: [&str; 12] =
    ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."];
const ITALIAN: [&str; 12] = ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"];
const SPANISH: [&str; 12] = ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"];
const DUTCH: [&str; 12] = ["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"];
const PORTUGUESE: [&str; 12] = ["jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"];
const POLISH: [&str; 12] = ["sty", "lut", "mar", "kwi", "maj", "cze", "lip", "sie", "wrz", "paź", "lis", "gru"];

const EN: Locale = Locale {
    tag: "en",
    group: ",",
    mark: ".",
    group_from: 4,
    percent: "%",
    currency: CurrencyPlace::Before,
    powers: ["k", "M", "B", "T"],
    months: ENGLISH,
    date: "M D, Y",
    day: "M D",
};
const EN_GB: Locale = Locale { tag: "en-GB", date: "D M Y", day: "D M", ..EN };
const DE: Locale = Locale {
    tag: "de",
    group: ".",
    mark: ",",
    percent: NBSP_PERCENT,
    currency: CurrencyPlace::After,
    powers: ["\u{a0}Tsd.", "\u{a0}Mio.", "\u{a0}Mrd.", "\u{a0}Bio."],
    months: GERMAN,
    date: "D. M Y",
    day: "D. M",
    ..EN
};
const DE_CH: Locale =
    Locale { tag: "de-CH", group: "’", mark: ".", percent: "%", currency: CurrencyPlace::BeforeSpaced, ..DE };
const FR: Locale = Locale {
    tag: "fr",
    group: "\u{202f}",
    mark: ",",
    percent: "\u{202f}%",
    currency: CurrencyPlace::After,
    powers: ["\u{a0}k", "\u{a0}M", "\u{a0}Md", "\u{a0}Bn"],
    months: FRENCH,
    date: "D M Y",
    day: "D M",
    ..EN
};
const IT: Locale = Locale {
    tag: "it",
    group: ".",
    mark: ",",
    currency: CurrencyPlace::After,
    powers: ["k", "\u{a0}Mln", "\u{a0}Mrd", "\u{a0}Bln"],
    months: ITALIAN,
    date: "D M Y",
    day: "D M",
    ..EN
};
const ES: Locale = Locale {
    tag: "es",
    group_from: 5,
    percent: NBSP_PERCENT,
    powers: ["\u{a0}mil", "\u{a0}M", "\u{a0}mil\u{a0}M", "\u{a0}B"],
    months: SPANISH,
    ..IT
};
const NL: Locale = Locale {
    tag: "nl",
    currency: CurrencyPlace::BeforeSpaced,
    powers: ["k", "\u{a0}mln.", "\u{a0}mld.", "\u{a0}bln."],
    months: DUTCH,
    ..IT
};
const PT: Locale = Locale {
    tag: "pt",
    currency: CurrencyPlace::BeforeSpaced,
    powers: ["\u{a0}mil", "\u{a0}mi", "\u{a0}bi", "\u{a0}tri"],
    months: PORTUGUESE,
    ..IT
};
const PT_PT: Locale = Locale { tag: "pt-PT", group: "\u{a0}", group_from: 5, currency: CurrencyPlace::After, ..PT };
const PL: Locale = Locale {
    tag: "pl",
    group: "\u{a0}",
    group_from: 5,
    powers: ["\u{a0}tys.", "\u{a0}mln", "\u{a0}mld", "\u{a0}bln"],
    months: POLISH,
    ..IT
};
const ALL: [&Locale; 12] = [&EN, &EN_GB, &DE, &DE_CH, &FR, &IT, &ES, &NL, &PT, &PT_PT, &PL, &EN_US];
const EN_US: Locale = Locale { tag: "en-US", ..EN };

impl Default for Locale {
    fn default() -> Self {
        EN
    }
}

impl Locale {
    /// Returns the best known locale of an `Accept-Language` header (RFC 9110, 12.5.4), or English.
    pub fn parse(accept_language: &str) -> Locale {
        let mut best: Option<(f64, &Locale)> = None;
        // A header of a page's worth of languages comes from no browser.
        for range in accept_language.split(',').take(32) {
            let mut parts = range.split(';').map(str::trim);
            let Some(locale) = parts.next().and_then(find) else { continue };
            let weight = parts.find_map(|p| p.strip_prefix("q=")).map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
            // On a tie the earlier range wins, as browsers send the preferred one first.
            if weight > 0.0 && weight <= 1.0 && best.is_none_or(|(w, _)| weight > w) {
                best = Some((weight, locale));
            }
        }
        best.map_or(EN, |(_, locale)| locale.clone())
    }

    /// Returns the locale of a language tag such as `de` or `de-CH`, or English if smelt does not know it.
    pub fn of(tag: &str) -> Locale {
        find(tag).cloned().unwrap_or(EN)
    }

    /// Returns the language tag, for the `lang` of a page.
    pub fn tag(&self) -> &'static str {
        self.tag
    }
}

fn find(tag: &str) -> Option<&'static Locale> {
    let tag = tag.trim().replace('_', "-");
    let mut tag = tag.as_str();
    loop {
        if let Some(known) = ALL.into_iter().find(|l| l.tag.eq_ignore_ascii_case(tag)) {
            return Some(known);
        }
        tag = &tag[..tag.rfind('-')?];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_known_language_wins() {
        assert_eq!(Locale::parse("da, fr;q=0.5, de-CH;q=0.9, en;q=0.8").tag(), "de-CH");
        assert_eq!(Locale::parse("de-AT").tag(), "de");
        assert_eq!(Locale::parse("fr, de").tag(), "fr");
        assert_eq!(Locale::parse("de;q=0, it;q=0.1").tag(), "it");
        assert_eq!(Locale::parse("").tag(), "en");
        assert_eq!(Locale::parse("-;q=nan,é-,;;").tag(), "en");
    }

    #[test]
    fn dates_follow_the_language() {
        assert_eq!(Locale::of("en").date("2026-01-05"), "Jan 5, 2026");
        assert_eq!(Locale::of("en-GB").date("2026-01-05"), "5 Jan 2026");
        assert_eq!(Locale::of("de").date("2026-03-05"), "5. März 2026");
        assert_eq!(Locale::of("fr").date("2026-08"), "août 2026");
        assert_eq!(Locale::of("nl").date("2026-05-01T13:05:00Z"), "1 mei 2026 13:05");
        assert_eq!(Locale::of("nl").date("week 5"), "week 5");
    }
}
