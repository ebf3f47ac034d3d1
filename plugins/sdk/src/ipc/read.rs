//! Reads a stream with one record batch as borrowed columns.
//!
//! The host could write anything to this component's memory, so the SDK trusts it to keep the contract. The reader
//! checks lengths, but not UTF-8.

use arrow_ipc::{MessageHeader, Type, root_as_message};

use super::framing::{CONTINUATION, UTC};
use crate::bindings::types::{DataType, DecimalType};
use crate::{Fault, Result};

/// One column, borrowed from the stream.
pub(crate) struct Column<'a> {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    /// One bit a row, set where the row has a value. `None` if every row has one.
    pub(crate) validity: Option<&'a [u8]>,
    /// The offsets of texts in bytes, one more than there are rows. Empty for other types.
    pub(crate) offsets: &'a [u8],
    pub(crate) values: &'a [u8],
}

fn broken(what: &str) -> Fault {
    Fault::invalid_input(format!("the batch is not an Arrow IPC stream as the contract has it: {what}"))
}

/// Returns the number of rows and the columns.
pub(crate) fn read(stream: &[u8]) -> Result<(usize, Vec<Column<'_>>)> {
    let (schema, _, rest) = message(stream)?;
    let fields = root_as_message(schema)
        .ok()
        .and_then(|message| message.header_as_schema()?.fields())
        .ok_or_else(|| broken("no schema message"))?;
    let (batch, body, _) = message(rest)?;
    let batch = root_as_message(batch).map_err(|_| broken("no record batch message"))?;
    if batch.header_type() != MessageHeader::RecordBatch {
        return Err(broken("no record batch message"));
    }
    let batch = batch.header_as_record_batch().ok_or_else(|| broken("no record batch"))?;
    let (Some(nodes), Some(buffers)) = (batch.nodes(), batch.buffers()) else { return Err(broken("no buffers")) };
    let rows = usize::try_from(batch.length()).map_err(|_| broken("a negative length"))?;

    let mut buffers = buffers.iter().map(|buffer| {
        let start = usize::try_from(buffer.offset()).ok()?;
        body.get(start..start.checked_add(usize::try_from(buffer.length()).ok()?)?)
    });
    let mut next = |least: usize| match buffers.next().flatten() {
        Some(bytes) if bytes.len() >= least => Ok(bytes),
        _ => Err(broken("a buffer is missing or short")),
    };
    let mut columns = Vec::with_capacity(fields.len());
    for (field, node) in fields.iter().zip(nodes.iter()) {
        let data_type = data_type(&field).ok_or_else(|| broken("a type the contract does not have"))?;
        let validity = match node.null_count() {
            0 => next(0).map(|_| None)?,
            _ => Some(next(rows.div_ceil(8))?),
        };
        let offsets = match data_type {
            DataType::Utf8 => next(if rows == 0 { 0 } else { (rows + 1) * 4 })?,
            _ => &[],
        };
        let values = next(match data_type {
            DataType::Boolean => rows.div_ceil(8),
            DataType::Date32 => rows * 4,
            DataType::Int64 | DataType::Float64 | DataType::Timestamp => rows * 8,
            DataType::Decimal128(_) => rows * 16,
            DataType::Utf8 => {
                offsets.get(rows * 4..).and_then(<[u8]>::first_chunk).map_or(0, |end| u32::from_le_bytes(*end) as usize)
            }
        })?;
        columns.push(Column {
            name: field.name().unwrap_or_default().to_owned(),
            data_type,
            validity,
            offsets,
            values,
        });
    }
    Ok((rows, columns))
}

/// Returns the metadata and the body of the first message, and the bytes after it.
fn message(stream: &[u8]) -> Result<(&[u8], &[u8], &[u8])> {
    let parse = || {
        let rest = stream.strip_prefix(&CONTINUATION)?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (metadata, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let body = usize::try_from(root_as_message(metadata).ok()?.bodyLength()).ok()?;
        let (body, rest) = rest.split_at_checked(body)?;
        Some((metadata, body, rest))
    };
    parse().ok_or_else(|| broken("a message is truncated or malformed"))
}

/// Returns the field's type, if the contract has it.
fn data_type(field: &arrow_ipc::Field<'_>) -> Option<DataType> {
    Some(match field.type_type() {
        Type::Bool => DataType::Boolean,
        Type::Utf8 => DataType::Utf8,
        Type::Int if field.type_as_int().is_some_and(|int| int.bitWidth() == 64 && int.is_signed()) => DataType::Int64,
        Type::FloatingPoint => match field.type_as_floating_point()?.precision() {
            arrow_ipc::Precision::DOUBLE => DataType::Float64,
            _ => return None,
        },
        Type::Date => match field.type_as_date()?.unit() {
            arrow_ipc::DateUnit::DAY => DataType::Date32,
            _ => return None,
        },
        Type::Timestamp => {
            let timestamp = field.type_as_timestamp()?;
            match (timestamp.unit(), timestamp.timezone()) {
                (arrow_ipc::TimeUnit::MICROSECOND, Some(UTC)) => DataType::Timestamp,
                _ => return None,
            }
        }
        Type::Decimal => {
            let decimal = field.type_as_decimal()?;
            DataType::Decimal128(DecimalType {
                precision: u8::try_from(decimal.precision()).ok()?,
                scale: u8::try_from(decimal.scale()).ok()?,
            })
        }
        _ => return None,
    })
}
