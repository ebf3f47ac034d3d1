//! The one gate for Arrow IPC: batches out to guests, and what guests return, checked before it is believed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::writer::StreamWriter;
use arrow_ipc::{MessageHeader, root_as_message};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;

use super::state::guest_text;
use crate::Error;
use crate::error::Result;
use crate::profile;

/// One batch as a stream.
pub(crate) fn encode(batch: &RecordBatch) -> Result<Vec<u8>> {
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

/// The batch in a stream that must have exactly that schema. The error says what is wrong with the stream.
pub(crate) fn decode(stream: Vec<u8>, schema: &SchemaRef) -> Result<RecordBatch, String> {
    let mut span = profile::span("check IPC of plugins", "");
    span.through(0, stream.len());
    check_framing(&stream)?;
    // arrow-rs checks what it reads, but panics on some malformed streams.
    catch_unwind(AssertUnwindSafe(|| decode_checked(stream, schema))).unwrap_or_else(|_| Err("it is malformed".into()))
}

fn decode_checked(stream: Vec<u8>, schema: &SchemaRef) -> Result<RecordBatch, String> {
    let mut buffer = Buffer::from_vec(stream);
    let mut decoder = StreamDecoder::new();
    let mut batches = Vec::new();
    while let Some(batch) = decoder.decode(&mut buffer).map_err(|error| error.to_string())? {
        batches.push(batch);
    }
    decoder.finish().map_err(|error| error.to_string())?;
    let found = decoder.schema().ok_or("it has no schema")?;
    if found.fields() != schema.fields() {
        let found = guest_text(&super::schema_text(&found), 1000);
        return Err(format!("its columns are ({found}), not ({})", super::schema_text(schema)));
    }
    match batches.as_slice() {
        [] => Ok(RecordBatch::new_empty(schema.clone())),
        [batch] => {
            RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec()).map_err(|error| error.to_string())
        }
        batches => concat_batches(schema, batches).map_err(|error| error.to_string()),
    }
}

/// Walks the messages: each whole, of a kind the contract has, its buffers within its body; and nothing after the end.
fn check_framing(stream: &[u8]) -> Result<(), String> {
    let mut rest = stream;
    let mut first = true;
    loop {
        let (prefix, after) = rest.split_first_chunk::<8>().ok_or("it ends without the end-of-stream marker")?;
        let [0xff, 0xff, 0xff, 0xff, length @ ..] = *prefix else {
            return Err("a message lacks its continuation marker".into());
        };
        let length = u32::from_le_bytes(length) as usize;
        if length == 0 {
            return match after {
                [] if !first => Ok(()),
                [] => Err("it has no schema".into()),
                _ => Err(format!("{} bytes follow its end", after.len())),
            };
        }
        let (metadata, after) = after.split_at_checked(length).ok_or("a message is truncated")?;
        let message = root_as_message(metadata).map_err(|error| format!("a message is malformed: {error}"))?;
        let body = usize::try_from(message.bodyLength()).ok().filter(|&body| body <= after.len());
        let body = body.ok_or("a message's body is truncated")?;
        match (message.header_type(), first) {
            (MessageHeader::Schema, true) => {}
            (MessageHeader::RecordBatch, false) => {
                let batch = message.header_as_record_batch().ok_or("a record batch has no header")?;
                if batch.compression().is_some() {
                    return Err("it is compressed".into());
                }
                let within = |offset: i64, length: i64| {
                    offset >= 0 && length >= 0 && offset.checked_add(length).is_some_and(|end| end <= body as i64)
                };
                if !batch.buffers().is_some_and(|all| all.iter().all(|buffer| within(buffer.offset(), buffer.length())))
                {
                    return Err("a buffer lies outside its message".into());
                }
            }
            (kind, _) => return Err(format!("a {kind:?} message is out of place")),
        }
        first = false;
        rest = &after[body..];
    }
}
