//! Tests of objects that are compressed, or in another encoding than UTF-8.

use std::io::Write as _;

use encoding_rs::{ISO_8859_15, WINDOWS_1252};
use flate2::write::{DeflateEncoder, GzEncoder};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::testing::{collect_sized, decode, row};
use crate::{DecodeLimits, Delimiter, Dialect, Format, ObjectCompression, Quote, TextEncoding, Warning, rule};

const CSV: &[u8] = "a,b\n1,é\n\"2\n\",€\n".as_bytes();

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

/// Returns a frame with a check sum.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("memory");
    encoder.include_checksum(true).expect("it can");
    encoder.write_all(bytes).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

/// Returns a frame that readers skip.
fn skippable(bytes: &[u8]) -> Vec<u8> {
    [&[0x5a, 0x2a, 0x4d, 0x18], &(bytes.len() as u32).to_le_bytes()[..], bytes].concat()
}

/// Returns the rule of an object that must be unreadable.
#[track_caller]
fn unreadable(bytes: &[u8]) -> &'static str {
    let decoded = decode(bytes, Format::Csv, &["a", "b"]);
    let why = decoded.unreadable.clone().expect("it is unreadable");
    let expected = if why.rule == rule::EMPTY { vec![] } else { vec![Err(why.rule)] };
    assert_eq!(decoded.outcomes(), expected);
    assert!(!why.detail.is_empty());
    why.rule
}

#[test]
fn compressed_objects_read_as_if_they_were_not() {
    let expected = decode(CSV, Format::Csv, &["a", "b"]).outcomes();
    let (head, tail) = CSV.split_at(9);
    for packed in [
        gzip(CSV),
        zstd(CSV),
        [gzip(head), gzip(tail)].concat(),
        [gzip(b""), gzip(CSV), gzip(b"")].concat(),
        [zstd(head), zstd(tail)].concat(),
        [skippable(b"x"), zstd(head), skippable(b""), zstd(tail), skippable(b"more")].concat(),
    ] {
        let decoded = decode(&packed, Format::Csv, &["a", "b"]);
        assert_eq!((decoded.outcomes(), decoded.warnings), (expected.clone(), vec![]));
    }
    // A member may have a name, a comment, other fields and a check sum of them.
    let mut member = flate2::GzBuilder::new()
        .filename("a.csv")
        .comment("x")
        .extra(b"12")
        .write(Vec::new(), flate2::Compression::new(9));
    member.write_all(CSV).expect("a Vec takes all");
    let member = member.finish().expect("a Vec takes all");
    assert_eq!(decode(&member, Format::Csv, &["a", "b"]).outcomes(), expected);
}

#[test]
fn a_stream_that_is_cut_anywhere_has_no_rows() {
    let long: Vec<u8> = (0..3000).flat_map(|n| format!("{},{}\n", n, n * 7919 % 1009).into_bytes()).collect();
    let long = [b"a,b\n", long.as_slice()].concat();
    for whole in [gzip(CSV), zstd(CSV), [gzip(CSV), gzip(CSV)].concat(), gzip(&long), zstd(&long)] {
        // Of two members, the first alone is a whole object.
        let first = gzip(CSV).len();
        let step = whole.len().div_ceil(200);
        for len in (4..whole.len()).step_by(step).filter(|len| *len != first || whole.len() != 2 * first) {
            assert_eq!(unreadable(&whole[..len]), rule::DAMAGED_STREAM, "{len} of {} bytes", whole.len());
        }
    }
    // Without four bytes nothing tells Zstandard from text, and one byte is no gzip.
    assert_eq!(unreadable(&gzip(CSV)[..2]), rule::DAMAGED_STREAM);
}

#[test]
fn a_stream_with_a_wrong_byte_never_has_other_rows() {
    let expected = decode(CSV, Format::Csv, &["a", "b"]).outcomes();
    for whole in [gzip(CSV), zstd(CSV)] {
        let mut refusals = 0;
        for at in 4..whole.len() {
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[at] ^= 1 << bit;
                let decoded = decode(&damaged, Format::Csv, &["a", "b"]);
                // A header's time or system means nothing, and neither do the bits after the last block.
                let unchanged = decoded.outcomes() == expected;
                let refused = decoded.unreadable.is_some() && decoded.summary().0 == 0;
                assert!(unchanged || refused, "bit {bit} of byte {at}: {decoded:?}");
                refusals += usize::from(refused);
            }
        }
        assert!(refusals > 8 * (whole.len() - 12), "{refusals} of {} bits are checked", 8 * whole.len());
    }
}

#[test]
fn bytes_after_the_end_make_an_object_unreadable() {
    for whole in [gzip(CSV), zstd(CSV)] {
        for rest in [&b"x"[..], b"\0", &[0; 512], b"\x1f\x8b", b"\x1f\x8b\x08", CSV, &[0x28, 0xb5]] {
            assert_eq!(unreadable(&[&whole[..], rest].concat()), rule::DAMAGED_STREAM, "{rest:?}");
        }
    }
    assert_eq!(unreadable(&[gzip(CSV), zstd(CSV)].concat()), rule::DAMAGED_STREAM);
}

#[test]
fn an_object_without_bytes_is_empty() {
    for bytes in [b"".to_vec(), gzip(b""), zstd(b""), [gzip(b""), gzip(b"")].concat(), skippable(b"x")] {
        assert_eq!(unreadable(&bytes), rule::EMPTY);
    }
    for compression in [ObjectCompression::Gzip, ObjectCompression::Zstd, ObjectCompression::None] {
        let dialect = Dialect { compression, ..Format::Csv.into() };
        assert_eq!(decode(b"", dialect, &["a"]).unreadable.map(|it| it.rule), Some(rule::EMPTY));
    }
}

#[test]
fn what_the_manifest_says_of_compression_holds() {
    let of = |compression, bytes: &[u8]| {
        decode(bytes, Dialect { compression, ..Format::Csv.into() }, &["a", "b"]).unreadable.map(|it| it.rule)
    };
    assert_eq!(of(ObjectCompression::Gzip, &gzip(CSV)), None);
    assert_eq!(of(ObjectCompression::Zstd, &zstd(CSV)), None);
    for wrong in [CSV, &zstd(CSV), b"a"] {
        assert_eq!(of(ObjectCompression::Gzip, wrong), Some(rule::DAMAGED_STREAM));
    }
    for wrong in [CSV, &gzip(CSV), b"a"] {
        assert_eq!(of(ObjectCompression::Zstd, wrong), Some(rule::DAMAGED_STREAM));
    }
    assert_eq!(of(ObjectCompression::None, &gzip(CSV)), Some(rule::INVALID_ENCODING));
    // What is compressed twice was not meant to be.
    assert_eq!(of(ObjectCompression::Auto, &gzip(&gzip(CSV))), Some(rule::INVALID_ENCODING));
}

/// Returns a stored block of DEFLATE's best: `len` equal bytes in about a thousandth of them.
fn bomb(len: usize) -> Vec<u8> {
    let mut text = b"a,b\n1,".to_vec();
    text.resize(len, b'x');
    gzip(&text)
}

#[test]
fn what_inflates_a_hundredfold_has_no_rows() {
    let sized = |bytes: &[u8]| {
        let dialect = Dialect::from(Format::Csv);
        let decoded = collect_sized(bytes, Some(bytes.len() as u64), dialect, &["a", "b"], DecodeLimits::default());
        decoded.unreadable.map(|it| it.rule)
    };
    // Up to 1 MiB anything may inflate as it likes.
    assert_eq!(sized(&bomb(1 << 20)), None);
    assert_eq!(sized(&bomb((1 << 20) + 1)), Some(rule::INFLATES_TOO_MUCH));
    assert_eq!(sized(&bomb(64 << 20)), Some(rule::INFLATES_TOO_MUCH));
    let zeros = vec![b'\n'; 64 << 20];
    assert_eq!(sized(&zstd(&zeros)), Some(rule::INFLATES_TOO_MUCH));
    // In many members, of which none is large.
    assert_eq!(sized(&gzip(&vec![b'\n'; 200 << 10]).repeat(64)), Some(rule::INFLATES_TOO_MUCH));
    assert_eq!(sized(&zstd(&vec![b'\n'; 200 << 10]).repeat(64)), Some(rule::INFLATES_TOO_MUCH));
    // The limit is one for the whole object: what stands before the bomb does not hide it, but what is not compressible
    // and as long as a hundredth of it does.
    let noise: Vec<u8> =
        (0..30_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).map(|byte| byte % 26 + 97).collect();
    let text = [b"a,b\n", noise.as_slice(), b",x\n"].concat();
    assert_eq!(sized(&[gzip(&vec![b'\n'; 4 << 20]), gzip(&text)].concat()), None);
    assert_eq!(sized(&[gzip(&text), gzip(&vec![b'\n'; 64 << 20])].concat()), Some(rule::INFLATES_TOO_MUCH));
}

#[test]
fn a_frame_whose_window_is_too_large_is_refused() {
    // A frame header that asks for a window of 2 GiB.
    assert_eq!(unreadable(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00]), rule::DAMAGED_STREAM);
}

#[test]
fn errors_of_the_reader_are_no_damage() {
    struct Failing<'a>(&'a [u8]);
    impl std::io::Read for Failing<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(into)? {
                0 => Err(std::io::Error::other("the network is down")),
                read => Ok(read),
            }
        }
    }
    for packed in [gzip(CSV), zstd(CSV)] {
        for len in [4, packed.len() - 1, packed.len()] {
            let columns = ["a".to_owned()];
            let mut decoder =
                crate::Decoder::new(Failing(&packed[..len]), Format::Csv, &columns, DecodeLimits::default());
            let error = decoder.next_batch().expect_err("the reader fails");
            assert_eq!((error.to_string().as_str(), decoder.unreadable()), ("the network is down", None));
        }
    }
}

#[test]
fn each_byte_of_an_encoding_has_the_character_of_its_standard() {
    for (encoding, standard) in [
        (TextEncoding::Windows1252, Some(WINDOWS_1252)),
        (TextEncoding::Iso8859_15, Some(ISO_8859_15)),
        (TextEncoding::Iso8859_1, None),
    ] {
        let dialect = Dialect { encoding, quote: Quote::None, ..Format::Csv.into() };
        for byte in (0..=255).filter(|byte| !matches!(byte, b'\n' | b'\r' | b',')) {
            let object = [b"a\nx", &[byte][..], b"x\n"].concat();
            let expected = match standard {
                Some(standard) => standard.decode_without_bom_handling(&[byte]).0.into_owned(),
                None => char::from(byte).to_string(),
            };
            assert_eq!(
                decode(&object, dialect.clone(), &["a"]).outcomes(),
                [row(&[&format!("x{expected}x")])],
                "{byte}"
            );
        }
    }
    // What differs between them, and from what browsers read as ISO-8859-1.
    let read = |encoding, byte| {
        let dialect = Dialect { encoding, ..Format::Csv.into() };
        decode(&[b"a\n", &[byte][..]].concat(), dialect, &["a"]).outcomes()
    };
    assert_eq!(read(TextEncoding::Windows1252, 0x80), [row(&["€"])]);
    assert_eq!(read(TextEncoding::Windows1252, 0x81), [row(&["\u{81}"])]);
    assert_eq!(read(TextEncoding::Iso8859_1, 0x80), [row(&["\u{80}"])]);
    assert_eq!(read(TextEncoding::Iso8859_1, 0xa4), [row(&["¤"])]);
    assert_eq!(read(TextEncoding::Iso8859_15, 0xa4), [row(&["€"])]);
}

#[test]
fn names_in_the_header_are_decoded_too() {
    let dialect = Dialect { encoding: TextEncoding::Windows1252, ..Format::Csv.into() };
    assert_eq!(decode(b"libell\xe9,b\n\xe9,\n", dialect, &["libellé"]).outcomes(), [row(&["é"])]);
}

#[test]
fn a_byte_order_mark_of_utf_16_is_unreadable_in_any_encoding() {
    for encoding in [TextEncoding::Utf8, TextEncoding::Windows1252, TextEncoding::Iso8859_1, TextEncoding::Iso8859_15] {
        let dialect = Dialect { encoding, ..Format::Csv.into() };
        let decoded = decode(&gzip(b"\xff\xfea\0\n\0"), dialect, &["a"]);
        assert_eq!(decoded.outcomes(), [Err(rule::INVALID_ENCODING)]);
    }
}

#[test]
fn a_wrong_encoding_is_named() {
    let windows = Dialect { encoding: TextEncoding::Windows1252, ..Format::Csv.into() };
    assert_eq!(decode("a\né\n".as_bytes(), windows.clone(), &["a"]).warnings, [Warning::Utf8("windows-1252")]);
    assert_eq!(decode(b"a\n\xe9 caf\xe9\n", windows, &["a"]).warnings, []);
    let all = [Warning::NotUtf8, Warning::NoRow(Some(rule::INVALID_UTF8))];
    assert_eq!(decode(b"a\n\xe9\n\xe9\n", Format::Csv, &["a"]).warnings, all);
    let header = [Warning::NotUtf8, Warning::NoRow(Some(rule::NO_HEADER))];
    assert_eq!(decode(b"a,\xe9\n1,2\n", Format::Csv, &["a"]).warnings, header);
}

/// A table's cells. Each has characters that all encodings have, and may have delimiters, quotes and line ends.
fn table() -> impl Strategy<Value = Vec<Vec<String>>> {
    vec(vec("[a-z0-9 ,;|\t\"\r\néÿ£À]{0,8}", 3), 0..20)
}

/// Returns the table as CSV.
fn csv(table: &[Vec<String>], delimiter: char, quotes: bool, end: &str, header: bool) -> String {
    let cell = |cell: &String| match quotes && cell.contains([delimiter, '"', '\r', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.clone(),
    };
    let line = |cells: &[String]| cells.iter().map(cell).collect::<Vec<_>>().join(&delimiter.to_string()) + end;
    let names = ["a", "b", "c"].map(str::to_owned);
    header.then(|| line(&names)).into_iter().chain(table.iter().map(|cells| line(cells))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_reads_the_same_however_it_is_written(
        mut table in table(),
        delimiter in select(vec![',', ';', '\t', '|', '\u{1f}', '~', 'x', ' ']),
        quotes: bool,
        end in select(vec!["\n", "\r\n", "\r"]),
        header: bool,
        encoding in select(vec![TextEncoding::Utf8, TextEncoding::Windows1252, TextEncoding::Iso8859_1, TextEncoding::Iso8859_15]),
        packing in select(vec!["", "gzip", "zstd", "members", "frames"]),
        skipped in select(vec![0_u32, 1, 3]),
        comment: bool,
    ) {
        for cell in table.iter_mut().flatten() {
            if !quotes {
                cell.retain(|character| !matches!(character, '\r' | '\n') && character != delimiter);
            }
        }
        // A line of blanks alone would be a blank line, or none at all.
        for cells in &mut table {
            cells[0].insert(0, 'z');
        }
        let plain = csv(&table, ',', true, "\n", true);
        let expected = decode(plain.as_bytes(), Format::Csv, &["c", "a"]).outcomes();
        let text = csv(&table, delimiter, quotes, end, header);
        let before = format!("\"a report, of {end}").repeat(skipped as usize);
        let remark = if comment { format!("#\"{delimiter}{end}") } else { String::new() };
        let text = format!("{before}{remark}{text}{remark}");
        let bytes = match encoding {
            TextEncoding::Utf8 => text.into_bytes(),
            // The characters of the tables are the same in all three, and have their own numbers.
            _ => text.chars().map(|character| character as u8).collect(),
        };
        let (one, other) = bytes.split_at(bytes.len() / 3);
        let packed = match packing {
            "gzip" => gzip(&bytes),
            "zstd" => zstd(&bytes),
            "members" => [gzip(one), gzip(other)].concat(),
            "frames" => [zstd(one), zstd(other)].concat(),
            _ => bytes.clone(),
        };
        let dialect = Dialect {
            encoding,
            delimiter: Delimiter::try_from(delimiter.to_string()).expect("a delimiter"),
            quote: if quotes { Quote::Double } else { Quote::None },
            header: (!header).then(|| ["a", "b", "c"].map(str::to_owned).to_vec()),
            skip_lines: skipped,
            comment: "#".to_owned().try_into().ok().filter(|_| comment),
            ..Format::Csv.into()
        };
        let decoded = decode(&packed, dialect, &["c", "a"]);
        prop_assert_eq!(decoded.outcomes(), expected);
    }

    #[test]
    fn streams_of_any_bytes_are_rows_or_unreadable(bytes in vec(any::<u8>(), 0..200), kind in select(vec![&b"\x1f\x8b\x08\0\0\0\0\0\0\xff"[..], b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"])) {
        let decoded = decode(&[kind, &bytes].concat(), Format::Csv, &["a"]);
        prop_assert!(decoded.unreadable.is_some() || decoded.warnings.len() < 10);
    }
}

/// Returns the bytes as DEFLATE without its frame.
fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::new(1));
    encoder.write_all(bytes).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

#[test]
fn a_wrong_check_sum_or_length_is_damage() {
    let head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff";
    let good = gzip(CSV);
    let (sums, body) = (&good[good.len() - 8..], deflate(CSV));
    assert_eq!(decode(&[head, &body[..], sums].concat(), Format::Csv, &["a"]).unreadable, None);
    for at in 0..8 {
        let mut wrong = sums.to_vec();
        wrong[at] ^= 1;
        assert_eq!(unreadable(&[head, &body[..], &wrong].concat()), rule::DAMAGED_STREAM);
    }
}
