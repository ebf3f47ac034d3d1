//! The constants that reading and writing share.

/// The bytes that precede the length of every message.
pub(super) const CONTINUATION: [u8; 4] = [0xff; 4];
/// Every buffer begins at a multiple of this offset in the stream. Decimals need that, so that a reader need not copy
/// them.
pub(super) const ALIGNMENT: usize = 16;
/// The time zone of every timestamp.
pub(super) const UTC: &str = "UTC";
