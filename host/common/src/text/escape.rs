//! Spells out the characters that a terminal would obey or that nobody would see.

use std::borrow::Cow;
use std::fmt::Write as _;

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Returns whether the character does not show as itself: a control, or a mark that reorders text, ends a line or has
/// no width. Unicode's properties decide.
#[inline]
pub fn is_unseen(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    is_unseen_beyond_ascii(character)
}

fn is_unseen_beyond_ascii(character: char) -> bool {
    matches!(
        CodePointMapData::<GeneralCategory>::new().get(character),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    ) || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

/// Returns the text with every unseen character spelt out, as `\u{1b}`. Line ends stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    spelt_out(
        text,
        |character| character != '\n' && is_unseen(character),
        |character, safe| {
            safe.extend(character.escape_default());
        },
    )
}

/// Returns the text in one line, with every unseen character spelt out. A name with a line end then does not look like
/// two names.
pub fn one_line(text: &str) -> Cow<'_, str> {
    spelt_out(text, is_unseen, |character, safe| safe.extend(character.escape_default()))
}

/// Returns the JSON with every unseen character spelt out as `\u001b`, which means the same to programs. Line ends
/// between tokens stay.
pub fn json(text: &str) -> Cow<'_, str> {
    spelt_out(
        text,
        |character| character != '\n' && is_unseen(character),
        |character, safe| {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        },
    )
}

/// Returns a text from a guest, safe for a terminal and cut to about `most` bytes.
pub fn guest_text(text: &str, most: usize) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        if safe.len() >= most {
            safe.push('…');
            break;
        }
        match character {
            '\n' => safe.push(' '),
            _ if is_unseen(character) => safe.extend(character.escape_default()),
            _ => safe.push(character),
        }
    }
    safe
}

fn spelt_out(text: &str, wanted: impl Fn(char) -> bool, spell: impl Fn(char, &mut String)) -> Cow<'_, str> {
    let Some(first) = text.find(&wanted) else { return text.into() };
    let mut safe = text[..first].to_owned();
    for character in text[first..].chars() {
        if wanted(character) { spell(character, &mut safe) } else { safe.push(character) }
    }
    safe.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unseen_is_spelt_out_and_all_else_stays() {
        let plain = "Größe 日本 ‘x’ – €";
        assert!(matches!(lines(plain), Cow::Borrowed(text) if text == plain));
        assert_eq!(lines("a\nb\x1b[2J\u{9b}31m\x07\r\t"), "a\nb\\u{1b}[2J\\u{9b}31m\\u{7}\\r\\t");
        assert_eq!(one_line("a\nb\u{2028}c"), "a\\nb\\u{2028}c");
        // Characters that reorder, join, fill or tag: each of another class of Unicode.
        for hidden in
            "\u{202e}\u{2066}\u{200b}\u{200d}\u{feff}\u{ad}\u{34f}\u{115f}\u{3164}\u{fff9}\u{e0041}\u{fe0f}".chars()
        {
            assert!(is_unseen(hidden), "{hidden:?}");
        }
    }

    #[test]
    fn json_means_the_same_when_it_is_spelt_out() {
        let text = serde_json::to_string("a\u{7f}\u{9b}\u{202e}\u{e0041}\n").expect("it is text");
        assert_eq!(json(&text), r#""a\u007f\u009b\u202e\udb40\udc41\n""#);
        assert_eq!(
            serde_json::from_str::<String>(&json(&text)).expect("it is JSON"),
            "a\u{7f}\u{9b}\u{202e}\u{e0041}\n"
        );
    }
}
