//! Makes UTF-8 of text in encodings that have a character for each byte.

use encoding_rs::{Decoder, ISO_8859_15, WINDOWS_1252, mem};

use crate::TextEncoding;

/// The bytes that are transcoded at a time.
const STEP: usize = 16 << 10;

/// The most bytes of UTF-8 that a byte becomes: U+20AC has three.
const LONGEST: usize = 3;

/// Text that is being transcoded.
pub(super) struct Transcode {
    table: Table,
    /// Room for bytes that are to be transcoded.
    raw: Vec<u8>,
    /// UTF-8 that is still to be read.
    text: Vec<u8>,
    at: usize,
}

enum Table {
    /// Each byte is the character of its number.
    Latin1,
    /// A table of the WHATWG Encoding Standard.
    Standard(Box<Decoder>),
}

impl Transcode {
    /// Returns text of the encoding that begins with the bytes `ahead`; `None` if nothing is to be done.
    pub(super) fn new(encoding: TextEncoding, ahead: &[u8]) -> Option<Self> {
        let standard = |encoding: &'static encoding_rs::Encoding| {
            Table::Standard(Box::new(encoding.new_decoder_without_bom_handling()))
        };
        let table = match encoding {
            TextEncoding::Utf8 => return None,
            TextEncoding::Iso8859_1 => Table::Latin1,
            TextEncoding::Windows1252 => standard(WINDOWS_1252),
            TextEncoding::Iso8859_15 => standard(ISO_8859_15),
        };
        let mut transcode = Self { table, raw: ahead.to_vec(), text: Vec::new(), at: 0 };
        transcode.run(ahead.len());
        Some(transcode)
    }

    /// Copies text that is ready. Returns 0 if more bytes are needed.
    pub(super) fn take(&mut self, into: &mut [u8]) -> usize {
        let ready = &self.text[self.at..];
        let len = ready.len().min(into.len());
        into[..len].copy_from_slice(&ready[..len]);
        self.at += len;
        len
    }

    /// Transcodes the first `len` bytes of the room. All earlier text must have been taken.
    pub(super) fn run(&mut self, len: usize) {
        let raw = &self.raw[..len];
        self.at = 0;
        self.text.resize(len * LONGEST, 0);
        let written = match &mut self.table {
            Table::Latin1 => mem::convert_latin1_to_utf8(raw, &mut self.text),
            Table::Standard(decoder) => {
                let (_, read, written, _) = decoder.decode_to_utf8(raw, &mut self.text, false);
                debug_assert_eq!(read, len, "the text has room for three bytes for each");
                written
            }
        };
        self.text.truncate(written);
    }

    /// Returns room for further bytes.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.raw.resize(STEP, 0);
        &mut self.raw
    }
}
