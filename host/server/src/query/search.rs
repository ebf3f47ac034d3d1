//! Searches texts.

/// A text to search for, whatever its case.
pub(super) struct Needle {
    text: String,
    /// Set if a text that is not ASCII can have it only where its ASCII letters have it.
    is_plain: bool,
}

impl Needle {
    pub(super) fn new(text: &str) -> Self {
        let text = lower(text);
        // The sign for kelvin and a Turkish i are letters beyond ASCII whose lower case begins with one of these.
        let is_plain = text.is_ascii() && !text.contains(['i', 'k']);
        Self { text, is_plain }
    }

    /// Returns whether the text has it somewhere.
    pub(super) fn is_in(&self, text: &str) -> bool {
        if !(self.is_plain || self.text.is_ascii() && text.is_ascii()) {
            return lower(text).contains(&self.text);
        }
        let (needle, bytes) = (self.text.as_bytes(), text.as_bytes());
        let Some(&first) = needle.first() else { return true };
        let mut at = 0;
        while let Some(found) = memchr::memchr2(first, first.to_ascii_uppercase(), &bytes[at..]) {
            let from = at + found;
            match bytes.get(from..from + needle.len()) {
                Some(part) if part.eq_ignore_ascii_case(needle) => return true,
                Some(_) => at = from + 1,
                None => return false,
            }
        }
        false
    }
}

/// Returns the text in lower case, each letter on its own. `str::to_lowercase` ends words with another sigma than it has within
/// them, so that it would not find a part of a word.
fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|letter| if letter == 'ς' { 'σ' } else { letter }).collect()
}
