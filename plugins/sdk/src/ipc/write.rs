//! Writes a stream with one record batch.

use arrow_ipc::{
    Bool, BoolArgs, Buffer, Date, DateArgs, DateUnit, Decimal, DecimalArgs, Endianness, Field as IpcField, FieldArgs,
    FieldNode, FloatingPoint, FloatingPointArgs, Int, IntArgs, Message, MessageArgs, MessageHeader, MetadataVersion,
    Precision, RecordBatch, RecordBatchArgs, Schema, SchemaArgs, TimeUnit, Timestamp, TimestampArgs, Type, Utf8,
    Utf8Args,
};
use flatbuffers::{FlatBufferBuilder, UnionWIPOffset, WIPOffset};

use super::framing::{ALIGNMENT, CONTINUATION, UTC};
use crate::bindings::types::{DataType, Field};

/// The buffers of one column, in the order of the format.
pub(crate) struct Buffers<'a> {
    pub(crate) nulls: usize,
    /// Empty if no value is missing.
    pub(crate) validity: &'a [u8],
    /// The offsets of texts. `None` for other types.
    pub(crate) offsets: Option<&'a [u8]>,
    pub(crate) values: &'a [u8],
}

impl Buffers<'_> {
    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        [self.validity].into_iter().chain(self.offsets).chain([self.values])
    }
}

/// Returns a stream with the schema, one record batch and the end marker.
pub(crate) fn write(fields: &[Field], rows: usize, columns: &[Buffers<'_>]) -> Vec<u8> {
    let mut offset = 0usize;
    let mut nodes = Vec::with_capacity(columns.len());
    let mut buffers = Vec::with_capacity(columns.len() * 3);
    for column in columns {
        nodes.push(FieldNode::new(rows as i64, column.nulls as i64));
        for part in column.parts() {
            buffers.push(Buffer::new(offset as i64, part.len() as i64));
            offset += part.len().next_multiple_of(ALIGNMENT);
        }
    }
    let (schema, batch) = (schema_message(fields), batch_message(rows, &nodes, &buffers, offset));
    let mut stream = Vec::with_capacity(schema.len() + batch.len() + offset + 64);
    put_metadata(&mut stream, &schema);
    put_metadata(&mut stream, &batch);
    for part in columns.iter().flat_map(Buffers::parts) {
        stream.extend_from_slice(part);
        stream.resize(stream.len() + part.len().next_multiple_of(ALIGNMENT) - part.len(), 0);
    }
    stream.extend_from_slice(&CONTINUATION);
    stream.extend_from_slice(&[0; 4]);
    stream
}

fn put_metadata(stream: &mut Vec<u8>, metadata: &[u8]) {
    // Padding aligns what follows the metadata. The marker and the length before it have eight bytes.
    let padded = (metadata.len() + 8).next_multiple_of(ALIGNMENT) - 8;
    stream.extend_from_slice(&CONTINUATION);
    stream.extend_from_slice(&(padded as u32).to_le_bytes());
    stream.extend_from_slice(metadata);
    stream.resize(stream.len() + padded - metadata.len(), 0);
}

fn batch_message(rows: usize, nodes: &[FieldNode], buffers: &[Buffer], body: usize) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let (nodes, buffers) = (builder.create_vector(nodes), builder.create_vector(buffers));
    let header = RecordBatch::create(
        &mut builder,
        &RecordBatchArgs {
            length: rows as i64,
            nodes: Some(nodes),
            buffers: Some(buffers),
            ..RecordBatchArgs::default()
        },
    );
    finish(builder, MessageHeader::RecordBatch, header.as_union_value(), body)
}

fn schema_message(fields: &[Field]) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let fields: Vec<_> = fields.iter().map(|field| schema_field(&mut builder, field)).collect();
    let fields = builder.create_vector(&fields);
    let header = Schema::create(
        &mut builder,
        &SchemaArgs { endianness: Endianness::Little, fields: Some(fields), ..SchemaArgs::default() },
    );
    finish(builder, MessageHeader::Schema, header.as_union_value(), 0)
}

fn finish(
    mut builder: FlatBufferBuilder<'_>,
    header_type: MessageHeader,
    header: WIPOffset<UnionWIPOffset>,
    body: usize,
) -> Vec<u8> {
    let message = Message::create(
        &mut builder,
        &MessageArgs {
            version: MetadataVersion::V5,
            header_type,
            header: Some(header),
            bodyLength: body as i64,
            ..MessageArgs::default()
        },
    );
    builder.finish(message, None);
    builder.finished_data().to_vec()
}

fn schema_field<'b>(builder: &mut FlatBufferBuilder<'b>, field: &Field) -> WIPOffset<IpcField<'b>> {
    let name = builder.create_string(&field.name);
    let (type_type, type_) = match &field.data_type {
        DataType::Boolean => (Type::Bool, Bool::create(builder, &BoolArgs {}).as_union_value()),
        DataType::Int64 => {
            (Type::Int, Int::create(builder, &IntArgs { bitWidth: 64, is_signed: true }).as_union_value())
        }
        DataType::Float64 => {
            let args = FloatingPointArgs { precision: Precision::DOUBLE };
            (Type::FloatingPoint, FloatingPoint::create(builder, &args).as_union_value())
        }
        DataType::Utf8 => (Type::Utf8, Utf8::create(builder, &Utf8Args {}).as_union_value()),
        DataType::Date32 => (Type::Date, Date::create(builder, &DateArgs { unit: DateUnit::DAY }).as_union_value()),
        DataType::Timestamp => {
            let timezone = Some(builder.create_string(UTC));
            let args = TimestampArgs { unit: TimeUnit::MICROSECOND, timezone };
            (Type::Timestamp, Timestamp::create(builder, &args).as_union_value())
        }
        DataType::Decimal128(decimal) => {
            let args = DecimalArgs { precision: decimal.precision.into(), scale: decimal.scale.into(), bitWidth: 128 };
            (Type::Decimal, Decimal::create(builder, &args).as_union_value())
        }
    };
    let children = builder.create_vector::<WIPOffset<IpcField<'_>>>(&[]);
    IpcField::create(
        builder,
        &FieldArgs {
            name: Some(name),
            nullable: field.nullable,
            type_type,
            type_: Some(type_),
            children: Some(children),
            ..FieldArgs::default()
        },
    )
}
