//! Decides which names are accepted. A reader of a name must see all of it, and must not take it for another name.
//! Unicode's tables (UAX 31, UTS 39) say which characters are fit for that.

use std::collections::HashMap;
use std::sync::LazyLock;

use icu_properties::CodePointSetData;
use icu_properties::props::XidContinue;
use regex::Regex;
use unicode_security::confusable_detection::skeleton;
use unicode_security::{GeneralSecurityProfile as _, RestrictionLevel, RestrictionLevelDetection as _};

use super::escape::is_unseen;

/// Matches the names of datasets, KPIs, sources and rules, which become paths and columns.
pub static NAME: LazyLock<Regex> = LazyLock::new(|| words("^[a-z0-9_]+$"));
/// Matches the names of plugins, whose components are files of that name.
pub static PLUGIN: LazyLock<Regex> = LazyLock::new(|| words("^[a-z0-9-]+$"));

fn words(pattern: &str) -> Regex {
    Regex::new(pattern).expect("it is a regular expression")
}

/// Returns whether the name matches `words`, and has at most `most` bytes.
pub fn is_word(name: &str, words: &Regex, most: usize) -> bool {
    name.len() <= most && words.is_match(name)
}

/// Returns what is wrong with a name that a raw file gives to a column. The name may have spaces and signs of any
/// script, but all of it must be visible.
pub fn wrong_heading(name: &str) -> Option<&'static str> {
    if name.chars().any(|character| is_unseen(character) || (character.is_whitespace() && character != ' ')) {
        return Some("has characters that cannot be seen");
    }
    (name.trim() != name).then_some("begins or ends with a space")
}

/// Returns what is wrong with a name that a plugin gives to a column or an input. Beyond ASCII such a name has only
/// letters, marks and digits of identifiers. It is of one script, and does not look like a name in ASCII.
pub fn wrong_name(name: &str) -> Option<&'static str> {
    if let Some(wrong) = wrong_heading(name) {
        return Some(wrong);
    }
    if name.is_ascii() {
        return None;
    }
    let identifier = CodePointSetData::new::<XidContinue>();
    let fits =
        |character: char| character.is_ascii() || (identifier.contains(character) && character.identifier_allowed());
    if !name.chars().all(fits) {
        return Some("has characters that are no letters or digits of identifiers (UTS 39)");
    }
    // The signs of ASCII belong to every script, so only what is between them is looked at.
    let words =
        name.split(|character: char| character.is_ascii() && !character.is_ascii_alphanumeric() && character != '_');
    let letters: String = words.collect();
    if !letters.check_restriction_level(RestrictionLevel::HighlyRestrictive) {
        return Some("mixes scripts");
    }
    skeleton(name).all(|character| character.is_ascii()).then_some("looks like a name in ASCII letters")
}

/// Returns two of the names that can be taken for each other because of characters beyond ASCII. With `fold` also
/// returns two that differ only in case, because some readers of tables and some file systems do not tell these apart.
pub fn alike<'n>(names: impl Iterator<Item = &'n str>, fold: bool) -> Option<(&'n str, &'n str)> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for name in names {
        // ASCII names such as `l1` and `ll` look alike too, but a pipeline may well have both `modem` and `modern`.
        let looks = if name.is_ascii() { name.to_owned() } else { skeleton(name).collect() };
        let looks = if fold { looks.to_lowercase() } else { looks };
        if let Some(other) = seen.insert(looks, name) {
            return Some((other, name));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_one_script_are_accepted() {
        for name in
            ["station_id", "unit price (%)", "größe", "Ürün-adı 2", "売上_2025", "выручка", "매출", "कुल", "a.b/c"]
        {
            assert_eq!(wrong_name(name), None, "{name}");
        }
        for heading in ["Größe (m²)", "ΔT [°C]", "Preis in €", "№", "😀"] {
            assert_eq!(wrong_heading(heading), None, "{heading}");
        }
    }

    #[test]
    fn what_is_unseen_or_looks_like_something_else_is_refused() {
        for name in [
            "a\u{200b}b",
            "a\u{ad}",
            "\u{202e}a",
            "a\u{a0}b",
            "a\u{3164}",
            "a\tb",
            "a\u{fe0f}",
            "a\u{e0061}",
            "a\u{180e}b",
        ] {
            assert_eq!(wrong_heading(name), Some("has characters that cannot be seen"), "{name:?}");
            assert!(wrong_name(name).is_some(), "{name:?}");
        }
        assert!(wrong_heading(" a").is_some() && wrong_heading("a ").is_some());
        assert_eq!(wrong_name("p\u{430}ypal"), Some("mixes scripts"));
        assert_eq!(wrong_name("\u{440}\u{430}\u{443}"), Some("looks like a name in ASCII letters"));
        for name in ["\u{ff4f}rder", "a\u{2010}b", "a\u{2024}b", "\u{1d5ba}", "total\u{2044}day", "\u{2160}"] {
            assert!(wrong_name(name).is_some(), "{name:?}");
        }
    }

    #[test]
    fn names_are_alike_if_they_look_so_or_differ_in_case_alone() {
        let alike = |names: &[&'static str], fold| alike(names.iter().copied(), fold);
        assert_eq!(alike(&["a", "b", "A"], true), Some(("a", "A")));
        assert_eq!(alike(&["a", "b", "A", "modem", "modern"], false), None);
        assert_eq!(alike(&["straße", "STRASSE"], true), None);
        assert_eq!(alike(&["e\u{301}t\u{e9}", "\u{e9}t\u{e9}"], false), Some(("e\u{301}t\u{e9}", "\u{e9}t\u{e9}")));
        assert_eq!(alike(&["p", "\u{440}"], false), Some(("p", "\u{440}")));
    }
}
