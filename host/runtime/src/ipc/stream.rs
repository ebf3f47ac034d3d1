//! Writes batches as Arrow IPC streams, and reads the streams that guests return.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;

use super::gate;
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_common::profile;

/// The message for a stream at which arrow-rs panicked.
pub(super) const PANICKED: &str = "it is malformed";

/// Returns a batch as a stream.
pub fn encode(batch: &RecordBatch) -> Result<Vec<u8>> {
    let mut stream = Vec::new();
    encode_into(batch, &mut stream)?;
    Ok(stream)
}

/// Writes a batch as a stream, in place of the content of the buffer. A caller that sends many batches uses the same
/// memory again.
pub(crate) fn encode_into(batch: &RecordBatch, stream: &mut Vec<u8>) -> Result<()> {
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

/// Returns the batch in a stream, which must have exactly that schema and at most `most_rows` rows.
///
/// # Errors
/// The error says what is wrong with the stream.
pub fn decode(stream: Vec<u8>, schema: &SchemaRef, most_rows: usize) -> Result<RecordBatch, String> {
    let mut span = profile::span("check IPC of plugins", "");
    span.through(0, stream.len());
    gate::check(&stream, schema, most_rows)?;
    // arrow-rs panics on some malformed streams. No stream is known that passes the gate and makes it panic.
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
