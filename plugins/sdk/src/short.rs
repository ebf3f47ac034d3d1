//! Short texts that need no memory of their own.

use std::fmt;
use std::ops::Deref;

/// A text of at most 15 bytes that needs no memory of its own, such as a month. What is longer is cut.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Short {
    length: u8,
    bytes: [u8; 15],
}

impl Short {
    /// Returns what is displayed.
    pub fn of(value: impl fmt::Display) -> Self {
        let mut short = Self::default();
        // It fails where the text is cut, which is said above.
        let _ = fmt::Write::write_fmt(&mut short, format_args!("{value}"));
        short
    }
}

impl Short {
    /// Returns two numbers of so many digits each, with a text between them, or `None` if they have more digits. It is
    /// many times faster than formatting.
    pub(crate) fn of_digits(numbers: [(i32, usize); 2], between: &str) -> Option<Self> {
        let mut short = Self::default();
        let mut at = 0;
        for (number, (value, digits)) in numbers.into_iter().enumerate() {
            if number > 0 {
                short.bytes.get_mut(at..at + between.len())?.copy_from_slice(between.as_bytes());
                at += between.len();
            }
            let mut value = u32::try_from(value).ok()?;
            for byte in short.bytes.get_mut(at..at + digits)?.iter_mut().rev() {
                *byte = b'0' + (value % 10) as u8;
                value /= 10;
            }
            if value > 0 {
                return None;
            }
            at += digits;
        }
        short.length = at as u8;
        Some(short)
    }
}

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = self.bytes.len() - usize::from(self.length);
        let end = text.floor_char_boundary(free);
        self.bytes[usize::from(self.length)..][..end].copy_from_slice(&text.as_bytes()[..end]);
        self.length += end as u8;
        if end < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

impl Deref for Short {
    type Target = str;
    fn deref(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Debug for Short {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, out)
    }
}
