//! Checks a stream before arrow-rs reads it. Its messages must be complete and of a kind that the contract has. Its
//! columns must be exactly the declared ones. Its buffers must lie within their message, must not overlap, and must be
//! long enough for their rows. arrow-rs then checks the values.

use arrow_ipc::{DateUnit, TimeUnit as FbUnit, root_as_message_with_opts};
use arrow_ipc::{Endianness, Field as FbField, Message, MessageHeader, MetadataVersion, Precision, Type};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use flatbuffers::VerifierOptions;

use crate::schema_text;
use smelt_common::text::guest_text;

/// How many record batches a stream may have. Each one costs the host more than its bytes.
const BATCHES: usize = 1024;
/// The longest header of a message in bytes. A hundred columns with the longest names take a fifth of it.
const HEADER_BYTES: usize = 256 << 10;
/// How many columns a stream may have. More are not even read for the message.
const COLUMNS: usize = 100;
/// The longest name of a column in bytes.
const NAME_BYTES: usize = 255;
/// The limits to which a header may unfold, because it can refer to the same table many times.
const UNFOLDED: VerifierOptions = VerifierOptions {
    max_depth: 16,
    max_tables: 1000,
    max_apparent_size: 1 << 20,
    ignore_missing_null_terminator: false,
};

/// Checks the whole stream.
pub(super) fn check(stream: &[u8], schema: &Schema, most_rows: usize) -> Result<(), String> {
    let mut rest = stream;
    let (mut messages, mut rows) = (0, 0);
    loop {
        let (prefix, after) = rest.split_first_chunk::<8>().ok_or("it ends without the end-of-stream marker")?;
        let [0xff, 0xff, 0xff, 0xff, length @ ..] = *prefix else {
            return Err("a message lacks its continuation marker".into());
        };
        let length = u32::from_le_bytes(length) as usize;
        if length == 0 {
            return match after {
                [] if messages > 0 => Ok(()),
                [] => Err("it has no schema".into()),
                _ => Err(format!("{} bytes follow its end", after.len())),
            };
        }
        let (header, after) = after.split_at_checked(length).ok_or("a message is truncated")?;
        if length > HEADER_BYTES {
            return Err(format!("a message has a header of {length} bytes; at most {HEADER_BYTES} are accepted"));
        }
        let message = root_as_message_with_opts(&UNFOLDED, header)
            .map_err(|error| format!("a message is malformed: {}", guest_text(&error.to_string(), 500)))?;
        if message.version() != MetadataVersion::V5 {
            return Err("a message is not of metadata version 5".into());
        }
        let body = usize::try_from(message.bodyLength()).ok().filter(|&body| body <= after.len());
        let body = body.ok_or("a message's body is truncated")?;
        match (message.header_type(), messages) {
            (MessageHeader::Schema, 0) => check_schema(&message, schema)?,
            (MessageHeader::RecordBatch, 1..=BATCHES) => {
                rows += check_batch(&message, schema, body)?;
                if rows > most_rows {
                    return Err(format!("it has {rows} rows or more; at most {most_rows} are accepted"));
                }
            }
            (MessageHeader::RecordBatch, 1..) => {
                return Err(format!("it has more than {BATCHES} record batches"));
            }
            (kind, _) => return Err(format!("a {kind:?} message is out of place")),
        }
        messages += 1;
        rest = &after[body..];
    }
}

fn check_schema(message: &Message<'_>, declared: &Schema) -> Result<(), String> {
    let schema = message.header_as_schema().ok_or("a schema message has no schema")?;
    if schema.endianness() != Endianness::Little {
        return Err("it is not little-endian".into());
    }
    let found = schema.fields().map(|fields| fields.iter().take(COLUMNS + 1).map(field).collect());
    let found = found.unwrap_or_else(|| Ok(Vec::new()))?;
    if found.len() > COLUMNS {
        return Err(format!("it has more than {COLUMNS} columns"));
    }
    let found = Schema::new(found);
    if found.fields() != declared.fields() {
        let found = guest_text(&schema_text(&found), 1000);
        return Err(format!("its columns are ({found}), not ({})", schema_text(declared)));
    }
    Ok(())
}

/// Returns the column, which must have a type of the contract.
fn field(field: FbField<'_>) -> Result<Field, String> {
    let name = field.name().unwrap_or_default();
    if name.len() > NAME_BYTES {
        return Err(format!("a column's name has {} bytes; at most {NAME_BYTES} are accepted", name.len()));
    }
    let wrong = |what: &str| Err(format!("column `{}` {what}", guest_text(name, NAME_BYTES)));
    if field.dictionary().is_some() {
        return wrong("has a dictionary");
    }
    if field.children().is_some_and(|children| !children.is_empty()) {
        return wrong("is nested");
    }
    if field.custom_metadata().is_some_and(|metadata| !metadata.is_empty()) {
        return wrong("has metadata");
    }
    match data_type(&field) {
        Some(data_type) => Ok(Field::new(name, data_type, field.nullable())),
        None => wrong(&format!("has a type that the contract lacks: {:?}", field.type_type())),
    }
}

fn data_type(field: &FbField<'_>) -> Option<DataType> {
    match field.type_type() {
        Type::Bool => Some(DataType::Boolean),
        Type::Int => {
            let int = field.type_as_int()?;
            (int.bitWidth() == 64 && int.is_signed()).then_some(DataType::Int64)
        }
        Type::FloatingPoint => {
            (field.type_as_floating_point()?.precision() == Precision::DOUBLE).then_some(DataType::Float64)
        }
        Type::Utf8 => Some(DataType::Utf8),
        Type::Date => (field.type_as_date()?.unit() == DateUnit::DAY).then_some(DataType::Date32),
        Type::Timestamp => {
            let timestamp = field.type_as_timestamp()?;
            let fits = timestamp.unit() == FbUnit::MICROSECOND && timestamp.timezone() == Some("UTC");
            fits.then(|| DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
        }
        Type::Decimal => {
            let decimal = field.type_as_decimal()?;
            let (precision, scale) = (u8::try_from(decimal.precision()).ok()?, i8::try_from(decimal.scale()).ok()?);
            (decimal.bitWidth() == 128).then_some(DataType::Decimal128(precision, scale))
        }
        _ => None,
    }
}

/// Returns the number of rows of a batch. Its columns must be those of the schema.
fn check_batch(message: &Message<'_>, schema: &Schema, body: usize) -> Result<usize, String> {
    let batch = message.header_as_record_batch().ok_or("a record batch has no header")?;
    if batch.compression().is_some() {
        return Err("it is compressed".into());
    }
    let rows = usize::try_from(batch.length()).map_err(|_| format!("a batch has {} rows", batch.length()))?;
    let nodes = batch.nodes().ok_or("a batch has no columns")?;
    if nodes.len() != schema.fields().len() {
        return Err(format!("a batch has {} columns; its schema has {}", nodes.len(), schema.fields().len()));
    }
    let mut end = 0;
    let mut buffers = batch.buffers().into_iter().flatten();
    // Takes the next buffer. It must be long enough, and lie within the body after the previous one. Otherwise columns
    // could share bytes, and unfold to many times what the guest may pass.
    let mut buffer = |least: Option<usize>| -> Result<usize, String> {
        let buffer = buffers.next().ok_or("a batch lacks a buffer")?;
        let (Ok(from), Ok(length)) = (usize::try_from(buffer.offset()), usize::try_from(buffer.length())) else {
            return Err("a buffer lies outside its message".into());
        };
        if least.is_none_or(|least| length < least) {
            return Err("a buffer is too short for its rows".into());
        }
        let to = from.checked_add(length).filter(|&to| to <= body).ok_or("a buffer lies outside its message")?;
        if length > 0 {
            if from < end {
                return Err("a buffer overlaps another".into());
            }
            end = to;
        }
        Ok(length)
    };
    for (field, node) in schema.fields().iter().zip(nodes) {
        let name = field.name();
        let nulls = usize::try_from(node.null_count()).ok().filter(|&nulls| nulls <= rows);
        let Some(nulls) = nulls.filter(|_| node.length() == batch.length()) else {
            return Err(format!(
                "column `{name}` has {} rows and {} nulls of {rows}",
                node.length(),
                node.null_count()
            ));
        };
        if nulls > 0 && !field.is_nullable() {
            return Err(format!("column `{name}` is not nullable, but lacks values"));
        }
        buffer(Some(if nulls > 0 { rows.div_ceil(8) } else { 0 }))?;
        match field.data_type() {
            DataType::Utf8 => {
                let least = if rows == 0 { Some(0) } else { rows.checked_add(1).and_then(|ends| ends.checked_mul(4)) };
                // arrow-rs panics at other lengths.
                if buffer(least)? % 4 != 0 {
                    return Err(format!("column `{name}` has text offsets of which the last is cut off"));
                }
                buffer(Some(0))?
            }
            DataType::Boolean => buffer(Some(rows.div_ceil(8)))?,
            other => buffer(other.primitive_width().and_then(|width| rows.checked_mul(width)))?,
        };
    }
    match (buffers.next(), batch.variadicBufferCounts().is_some_and(|counts| !counts.is_empty())) {
        (None, false) => Ok(rows),
        _ => Err("a batch has more buffers than columns need".into()),
    }
}
