//! Searches texts.

/// A text to search for, whatever its case.
pub(super) struct Needle {
    text: String,
    is_ascii: bool,
}

impl Needle {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_lowercase(), is_ascii: text.is_ascii() }
    }

    /// Returns whether the text has it somewhere.
    pub(super) fn is_in(&self, text: &str) -> bool {
        if !self.is_ascii {
            return text.to_lowercase().contains(&self.text);
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
