//! Recognises an object that is not in the format of the manifest, by its first bytes and its header.
//! Each object is looked at once.

use crate::Format;

/// The number of bytes that identify a binary format.
pub(crate) const FIRST: usize = 64;

/// Returns the name of the binary format, if the bytes are not text. No text begins with the signatures in the list.
/// For those that a text could begin with, further bytes decide.
pub(crate) fn binary(first: &[u8]) -> Option<&'static str> {
    let first = &first[..first.len().min(FIRST)];
    let known: [(&[u8], &str); 20] = [
        (b"\x1f\x8b\x08", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"\x02\x21\x4c\x18", "lz4"),
        (b"\xff\x06\0\0sNaPpY", "snappy"),
        (b"\x1f\x9d", "compress (.Z)"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!\x1a\x07", "RAR"),
        (b"LZIP\x01", "lzip"),
        (b"PK\x05\x06", "an empty ZIP archive"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"Obj\x01", "Avro"),
        (b"ARROW1\0\0", "Arrow IPC"),
        (b"\xff\xff\xff\xff", "Arrow IPC"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document, such as XLS"),
        (b"\0asm", "WebAssembly"),
        (b"\x7fELF", "a program"),
        (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
        (b"\xff\xd8\xff", "a picture (JPEG)"),
    ];
    if let Some((_, what)) = known.iter().find(|(magic, _)| first.starts_with(magic)) {
        return Some(what);
    }
    let control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x1a);
    match first {
        [b'P', b'K', 3, 4, ..] => {
            let office = first.windows(4).any(|name| name == b"[Con" || name == b"_rel");
            Some(if office { "an Office document, such as XLSX" } else { "a ZIP archive" })
        }
        [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..]
            if rest.starts_with(b"1AY&SY") || rest.starts_with(b"\x17\x72\x45\x38") =>
        {
            Some("bzip2")
        }
        [b'P', b'A', b'R', b'1', rest @ ..] if rest.iter().any(control) => Some("Parquet"),
        [b'O', b'R', b'C', rest @ ..] if rest.iter().any(control) => Some("ORC"),
        [b'%', b'P', b'D', b'F', b'-', b'1'..=b'9', b'.', ..] => Some("PDF"),
        _ => None,
    }
}

/// Returns the encoding of text that is not UTF-8. A byte order mark tells it or, without one, a zero in every second
/// byte.
pub(crate) fn encoding(first: &[u8]) -> Option<&'static str> {
    let first = &first[..first.len().min(FIRST)];
    match first {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Some("UTF-16"),
        _ => {}
    }
    let (units, _) = first.as_chunks::<2>();
    let all = |fits: fn(&[u8; 2]) -> bool| units.len() >= 4 && units.iter().all(fits);
    let zero_after = |unit: &[u8; 2]| unit[0] != 0 && unit[1] == 0;
    let zero_before = |unit: &[u8; 2]| unit[0] == 0 && unit[1] != 0;
    (all(zero_after) || all(zero_before)).then_some("UTF-16 without a byte order mark")
}

/// Returns whether the bytes have characters of UTF-8 that are not ASCII, and nothing else but ASCII.
pub(crate) fn is_utf8(bytes: &[u8]) -> bool {
    let cut = |error: std::str::Utf8Error| error.error_len().is_none();
    !bytes.is_ascii() && std::str::from_utf8(bytes).err().is_none_or(cut) && bytes.len() > 3
}

/// Returns the name of what the text looks like, if it does not begin as JSON does.
pub(crate) fn not_json(text: &[u8], format: Format, columns: &[String]) -> Option<&'static str> {
    let text = text.trim_ascii_start();
    match text.first()? {
        b'[' if format == Format::Jsonl => Some("a JSON array (`json`)"),
        b'{' | b'[' => None,
        b'<' => Some("HTML or XML"),
        _ => {
            let line = first_line(text);
            let separator =
                [b',', b';', b'\t', b'|'].into_iter().find(|&separator| named(line, separator, columns) > 0);
            separator.map(|_| "CSV")
        }
    }
}

/// Returns the pointer to the array in a document such as `{"data": [{…}]}`, if none of the columns has its name.
pub(crate) fn wrapped(text: &[u8], columns: &[String]) -> Option<String> {
    let rest = text.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"")?;
    let end = memchr::memchr2(b'"', b'\\', rest)?;
    let (name, rest) = (std::str::from_utf8(&rest[..end]).ok()?, rest[end..].strip_prefix(b"\"")?);
    let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"[")?;
    let names_objects = rest.trim_ascii_start().first() == Some(&b'{');
    let wanted = columns.iter().any(|column| column.trim_start_matches('/').split('/').next() == Some(name));
    (names_objects && !wanted).then(|| format!("/{}", name.replace('~', "~0").replace('/', "~1")))
}

/// Returns the name of what the text looks like, if its first line is no header of CSV.
pub(crate) fn not_csv(text: &[u8]) -> Option<&'static str> {
    let text = text.trim_ascii_start();
    match text.first()? {
        b'{' | b'[' => Some("JSON"),
        b'<' => Some("HTML or XML"),
        _ => None,
    }
}

/// The delimiters that are looked for, with the names that messages have for them.
const DELIMITERS: [(u8, &str); 5] =
    [(b',', "`,`"), (b';', "`;`"), (b'\t', "tab"), (b'|', "`|`"), (b'\x1f', "unit separator")];

/// Returns the delimiter between the declared columns in the header, if it is not the one that is set. `found` is how
/// many of the columns the header has with that one.
pub(crate) fn delimiter(text: &[u8], set: u8, columns: &[String], found: usize) -> Option<&'static str> {
    let line = first_line(text);
    let mut others = DELIMITERS.into_iter().filter(|(separator, _)| *separator != set);
    // Excel names the delimiter in a line before the header.
    if let Some(said) = named_by_excel(line) {
        return others.find(|(separator, _)| *separator == said).map(|(_, looks)| looks);
    }
    others.find(|&(separator, _)| named(line, separator, columns) > found).map(|(_, looks)| looks)
}

/// Returns the delimiter that splits a record without the one that is set into so many cells, at least two.
pub(crate) fn separated(record: &[u8], set: u8, fields: usize) -> Option<&'static str> {
    let cells = |separator| 1 + memchr::memchr_iter(separator, record).count();
    let mut others = DELIMITERS.into_iter().filter(|(separator, _)| *separator != set);
    others.find(|&(separator, _)| fields > 1 && cells(separator) == fields).map(|(_, looks)| looks)
}

/// Returns the delimiter that Excel names in a line `sep=;` before the header.
pub(crate) fn named_by_excel(line: &[u8]) -> Option<u8> {
    match line {
        [s, e, p, b'=', delimiter] if [s, e, p].map(u8::to_ascii_lowercase) == *b"sep" => Some(*delimiter),
        _ => None,
    }
}

/// Returns how many of the columns are in the line, if this separator splits it.
fn named(line: &[u8], separator: u8, columns: &[String]) -> usize {
    if !line.contains(&separator) {
        return 0;
    }
    let cells: Vec<&[u8]> = line.split(|&byte| byte == separator).map(plain).collect();
    columns.iter().filter(|column| cells.contains(&column.as_bytes())).count()
}

/// Returns the cell without blanks and quotes around it.
fn plain(cell: &[u8]) -> &[u8] {
    let cell = cell.trim_ascii();
    cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")).unwrap_or(cell)
}

fn first_line(text: &[u8]) -> &[u8] {
    &text[..memchr::memchr2(b'\n', b'\r', text).unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_taken_for_something_else() {
        for text in [
            "",
            "a",
            "PAR1,PAR2\nx,y\n",
            "ORC,x\n",
            "PK,x\n",
            "BZh9,x\n",
            "BM,MZ\n",
            "%PDF,x\n",
            "Rar,x\n",
            "7z,x\n",
            "Obj\n",
            "GIF89a\n",
        ] {
            assert_eq!((binary(text.as_bytes()), encoding(text.as_bytes())), (None, None), "{text:?}");
        }
        // A text may contain a few zeros.
        assert_eq!(encoding(b"a\0,b\0\nx,y\n"), None);
    }

    #[test]
    fn the_delimiter_is_what_finds_more_columns() {
        let columns = ["a b".to_owned(), "c".to_owned()];
        assert_eq!(delimiter(b"\"a b\" ; c\nx,y", b',', &columns, 0), Some("`;`"));
        assert_eq!(delimiter(b"a b|c", b',', &columns, 1), Some("`|`"));
        assert_eq!(delimiter(b"a b,c", b',', &columns, 1), None);
        assert_eq!(delimiter(b"a b,c", b';', &columns, 0), Some("`,`"));
        assert_eq!(delimiter(b"x;y\na b;c", b',', &columns, 0), None);
        assert_eq!(delimiter(b"SEP=;\r\na b;c", b',', &columns, 0), Some("`;`"));
        assert_eq!(separated(b"x|1|;", b',', 3), Some("`|`"));
        assert_eq!(separated(b"x|1|;", b'|', 3), None);
    }
}
