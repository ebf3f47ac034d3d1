//! Streams made by hand, so that they can lie.

use arrow_ipc::writer::StreamWriter;
use arrow_ipc::{
    BodyCompression, BodyCompressionArgs, Buffer, FieldNode, Message, MessageArgs, MessageHeader, MetadataVersion,
    RecordBatch, RecordBatchArgs,
};
use arrow_schema::{DataType, Field, Schema};
use flatbuffers::FlatBufferBuilder;

/// The end of a stream.
pub const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// A record batch message; by default one text column with the rows `x`, `y`, `z`.
pub struct Batch {
    pub rows: i64,
    /// Rows and missing values of each column.
    pub nodes: Vec<(i64, i64)>,
    /// Where each buffer begins in the body and how long it is.
    pub buffers: Vec<(i64, i64)>,
    pub body: Vec<u8>,
    /// How long the message says that its body is.
    pub says: Option<i64>,
    pub compressed: bool,
    pub version: MetadataVersion,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            rows: 3,
            nodes: vec![(3, 0)],
            buffers: vec![(0, 0), (8, 16), (24, 3)],
            body: body([0, 1, 2, 3], b"xyz"),
            says: None,
            compressed: false,
            version: MetadataVersion::V5,
        }
    }
}

/// A validity bitmap in which the second row has no value, the ends of texts, and the texts.
pub fn body(ends: [i32; 4], texts: &[u8; 3]) -> Vec<u8> {
    let ends = ends.iter().flat_map(|end| end.to_le_bytes());
    [0b101].into_iter().chain([0; 7]).chain(ends).chain(*texts).chain([0; 5]).collect()
}

/// A message as it is written: its header, then its body.
fn framed(header: &[u8], body: &[u8]) -> Vec<u8> {
    let padded = header.len().next_multiple_of(8);
    let mut message = [[0xff; 4], (padded as u32).to_le_bytes()].concat();
    message.extend(header);
    message.resize(8 + padded, 0);
    message.extend(body);
    message
}

impl Batch {
    /// The message.
    pub fn message(&self) -> Vec<u8> {
        let mut builder = FlatBufferBuilder::new();
        let nodes: Vec<_> = self.nodes.iter().map(|&(rows, nulls)| FieldNode::new(rows, nulls)).collect();
        let buffers: Vec<_> = self.buffers.iter().map(|&(from, length)| Buffer::new(from, length)).collect();
        let compression =
            self.compressed.then(|| BodyCompression::create(&mut builder, &BodyCompressionArgs::default()));
        let nodes = Some(builder.create_vector(&nodes));
        let buffers = Some(builder.create_vector(&buffers));
        let batch = RecordBatch::create(
            &mut builder,
            &RecordBatchArgs { length: self.rows, nodes, buffers, compression, variadicBufferCounts: None },
        );
        let message = Message::create(
            &mut builder,
            &MessageArgs {
                version: self.version,
                header_type: MessageHeader::RecordBatch,
                header: Some(batch.as_union_value()),
                bodyLength: self.says.unwrap_or(self.body.len() as i64),
                custom_metadata: None,
            },
        );
        builder.finish(message, None);
        framed(builder.finished_data(), &self.body)
    }

    /// A whole stream with this batch.
    pub fn stream(&self) -> Vec<u8> {
        [schema(&id()), self.message(), END.to_vec()].concat()
    }
}

/// The declared schema: one column of text.
pub fn id() -> Schema {
    of(DataType::Utf8)
}

/// One column of that type in place of the text.
pub fn of(data_type: DataType) -> Schema {
    Schema::new(vec![Field::new("id", data_type, true)])
}

/// The message with a schema, which may be one that the contract lacks.
pub fn schema(schema: &Schema) -> Vec<u8> {
    let mut stream = StreamWriter::try_new(Vec::new(), schema).expect("it writes").into_inner().expect("it writes");
    stream.truncate(stream.len() - END.len());
    stream
}
