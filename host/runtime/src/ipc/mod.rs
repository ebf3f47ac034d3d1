//! The one gate for Arrow IPC: batches out to guests, and what guests return, checked before it is believed.

#[cfg(test)]
mod fuzz;
mod gate;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;

use smelt_common::Error;
use smelt_common::error::Result;
use smelt_common::profile;

/// What is said of a stream that arrow-rs panicked at.
const PANICKED: &str = "it is malformed";

/// One batch as a stream.
pub fn encode(batch: &RecordBatch) -> Result<Vec<u8>> {
    let mut stream = Vec::new();
    encode_into(batch, &mut stream)?;
    Ok(stream)
}

/// One batch as a stream, in place of what the buffer holds: whoever sends batch after batch uses its memory again.
pub(super) fn encode_into(batch: &RecordBatch, stream: &mut Vec<u8>) -> Result<()> {
    let mut span = profile::span("encode IPC for plugins", "");
    stream.clear();
    stream.reserve(batch.get_array_memory_size() + 4096);
    let mut write = || {
        let mut writer = StreamWriter::try_new(&mut *stream, batch.schema_ref())?;
        writer.write(batch)?;
        writer.finish()
    };
    write().map_err(|error| Error::internal(format!("cannot encode a batch: {error}")))?;
    span.through(batch.num_rows(), stream.len());
    Ok(())
}

/// The batch in a stream that must have exactly that schema, and no more rows than that. The error says what is wrong with
/// the stream.
pub fn decode(stream: Vec<u8>, schema: &SchemaRef, most_rows: usize) -> Result<RecordBatch, String> {
    let mut span = profile::span("check IPC of plugins", "");
    span.through(0, stream.len());
    gate::check(&stream, schema, most_rows)?;
    // arrow-rs panics on some malformed streams: on none that have passed the gate, as far as is known.
    catch_unwind(AssertUnwindSafe(|| decode_checked(stream, schema))).unwrap_or_else(|_| Err(PANICKED.into()))
}

fn decode_checked(stream: Vec<u8>, schema: &SchemaRef) -> Result<RecordBatch, String> {
    let mut buffer = Buffer::from_vec(stream);
    let mut decoder = StreamDecoder::new();
    let mut batches = Vec::new();
    while let Some(batch) = decoder.decode(&mut buffer).map_err(|error| error.to_string())? {
        batches.push(batch);
    }
    decoder.finish().map_err(|error| error.to_string())?;
    match batches.as_slice() {
        [] => Ok(RecordBatch::new_empty(schema.clone())),
        [batch] => {
            RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec()).map_err(|error| error.to_string())
        }
        batches => concat_batches(schema, batches).map_err(|error| error.to_string()),
    }
}
