//! Tables as JSON and JSON Lines (RFC 8259), an object a row.

use std::io::Write;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use smelt_common::Error;
use smelt_common::error::Result;

use super::rows::{in_table, unwritten};
use super::writer::WriteTable;
use crate::values::{Values, View, write_date, write_decimal, write_f64, write_i64, write_timestamp};

/// The way in which objects follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// An object a line.
    Lines,
    /// An array, with an object a line.
    Array,
    /// The object of the only row, or `null`.
    Single,
}

/// Writes the rows as objects whose keys are in the order of the columns.
pub(super) struct JsonWriter<W> {
    out: W,
    layout: Layout,
    schema: SchemaRef,
    /// The text before each value: `{"a":`, `,"b":` and so on.
    keys: Vec<Vec<u8>>,
    bytes: Vec<u8>,
    rows: usize,
}

impl<W: Write> JsonWriter<W> {
    pub(super) fn new(schema: SchemaRef, layout: Layout, out: W) -> Self {
        let key = |(at, name): (usize, &String)| {
            let mut key = vec![if at == 0 { b'{' } else { b',' }];
            write_text(name, &mut key);
            key.push(b':');
            key
        };
        let keys = schema.fields().iter().map(|field| field.name()).enumerate().map(key).collect();
        let bytes = if layout == Layout::Array { b"[\n".to_vec() } else { Vec::new() };
        Self { out, layout, schema, keys, bytes, rows: 0 }
    }
}

impl<W: Write + Send> WriteTable<W> for JsonWriter<W> {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let Self { out, layout, schema, keys, bytes, rows: before } = self;
        if *layout == Layout::Single && *before + rows.num_rows() > 1 {
            return Err(Error::internal("a table that can have at most one row has more"));
        }
        let views = rows.columns().iter().zip(schema.fields()).map(|(array, field)| View::new(array, field));
        let views = views.collect::<Result<Vec<_>, _>>().map_err(|error| in_table(error, *before))?;
        for row in 0..rows.num_rows() {
            if *layout == Layout::Array && *before + row > 0 {
                bytes.extend_from_slice(b",\n");
            }
            for (key, view) in keys.iter().zip(&views) {
                bytes.extend_from_slice(key);
                write_value(view, row, bytes);
            }
            bytes.push(b'}');
            if *layout != Layout::Array {
                bytes.push(b'\n');
            }
        }
        *before += rows.num_rows();
        out.write_all(bytes).map_err(|error| unwritten(&error))?;
        bytes.clear();
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<W> {
        let end: &[u8] = match (self.layout, self.rows) {
            (Layout::Array, 0) => b"]\n",
            (Layout::Array, _) => b"\n]\n",
            (Layout::Single, 0) => b"null\n",
            (Layout::Single | Layout::Lines, _) => b"",
        };
        self.bytes.extend_from_slice(end);
        self.out.write_all(&self.bytes).and_then(|()| self.out.flush()).map_err(|error| unwritten(&error))?;
        Ok(self.out)
    }
}

/// Writes a value. JSON has neither NaN nor infinities: they are `null`, as in ECMAScript.
fn write_value(view: &View<'_>, row: usize, out: &mut Vec<u8>) {
    if view.is_null(row) {
        return out.extend_from_slice(b"null");
    }
    match &view.values {
        Values::Bool(values) => out.extend_from_slice(if values.value(row) { b"true" } else { b"false" }),
        Values::Int(values) => write_i64(values[row], out),
        Values::Float(values) if values[row].is_finite() => write_f64(values[row], out),
        Values::Float(_) => out.extend_from_slice(b"null"),
        Values::Text(texts) => write_text(texts.value(row), out),
        Values::Date(values) => quoted(out, |out| write_date(values[row], out)),
        Values::Timestamp(values) => quoted(out, |out| write_timestamp(values[row], out)),
        Values::Decimal { values, scale, most: _ } => write_decimal(values[row], *scale, out),
    }
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Option<()>) {
    out.push(b'"');
    write(out).expect("the range of every value was checked");
    out.push(b'"');
}

/// Writes text in quotes, with the escapes that RFC 8259 demands and no others.
fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain = 0;
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            0..0x20 => b"",
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        plain = at + 1;
        match escape {
            b"" => write!(out, "\\u{byte:04x}").expect("writing to memory does not fail"),
            escape => out.extend_from_slice(escape),
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}
