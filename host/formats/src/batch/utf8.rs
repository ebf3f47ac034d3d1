//! Checks that records are UTF-8, and looks at no byte twice. It checks a stretch of the window ahead of the parser.
//! The stretch is so short that its bytes are still in the cache when the parser reaches them.

/// The detail of a record that is not UTF-8.
pub(crate) const NOT_UTF8: &str = "not valid UTF-8";

const STRETCH: usize = 32 << 10;

/// Remembers up to which position a window is known to be UTF-8.
pub(crate) struct Utf8Check {
    good_until: usize,
}

impl Utf8Check {
    pub(crate) fn new() -> Self {
        Self { good_until: 0 }
    }

    /// Returns whether the record between two positions is UTF-8. Records must come in order.
    #[inline(always)]
    pub(crate) fn is_good(&mut self, window: &[u8], start: usize, end: usize) -> bool {
        end <= self.good_until || self.advance(window, start, end)
    }

    #[cold]
    #[inline(never)]
    fn advance(&mut self, window: &[u8], start: usize, end: usize) -> bool {
        let stretch = &window[start..window.len().min(end.max(start + STRETCH))];
        let good = match std::str::from_utf8(stretch) {
            Ok(_) => stretch.len(),
            Err(error) => error.valid_up_to(),
        };
        self.good_until = start + good;
        end <= self.good_until
    }
}
