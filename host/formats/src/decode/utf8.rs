//! Checks that records are UTF-8 without looking at any byte twice: ahead of the decoder, a stretch at a time, small
//! enough that its bytes are still in the cache when the decoder gets there.

const STRETCH: usize = 32 << 10;

/// How far a window is known to be UTF-8.
pub(in super::super) struct Utf8Check {
    good_until: usize,
}

impl Utf8Check {
    pub(in super::super) fn new() -> Self {
        Self { good_until: 0 }
    }

    /// Whether the record between two positions is UTF-8. Records come in order.
    #[inline(always)]
    pub(in super::super) fn is_good(&mut self, window: &[u8], start: usize, end: usize) -> bool {
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
