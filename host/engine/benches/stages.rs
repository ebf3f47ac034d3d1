//! Benchmarks each stage of a run by itself: `cargo bench --bench stages`. They need the components that `cargo xtask
//! plugins --fixtures` builds. If those are missing, they are skipped with a message.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow_schema::DataType;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use smelt_common::binary::Binary;
use smelt_formats::{DecodeLimits, Decoder, Format, Formulas, encode_csv};
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Cleaner, Engine, Generator, Kpi, Limits, Tick};

/// The rows of each object: one batch.
const ROWS: usize = 50_000;

/// The components, and the objects that the pipeline's source makes.
struct Bench {
    engine: Engine,
    components: PathBuf,
    objects: Vec<smelt_runtime::Object>,
}

impl Bench {
    /// Loads the components and makes the objects. Returns `None` if the components were not built.
    fn new() -> Option<Self> {
        let components = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/components");
        let fixture = components.join("fixtures/echo.wasm");
        if !fixture.exists() {
            eprintln!("skipped: there is no {}; `cargo xtask plugins --fixtures` builds it", fixture.display());
            return None;
        }
        let engine = Engine::new(Some(&components.join("cache"))).expect("an engine");
        let mut bench = Self { engine, components, objects: vec![] };
        let binary = bench.binary("shop-source");
        let parameters = format!(r#"{{"orders":{ROWS},"clicks":{ROWS},"customers":{ROWS}}}"#);
        let (limits, key) = (Limits::default(), Pseudonyms::default());
        let source = Generator::load(&bench.engine, "shop-source", &binary, &limits, &key, &parameters);
        let tick = Tick { seed: 42, number: 0, starts: 0, ends: 1 };
        bench.objects = source.expect("a source").generate(tick).expect("objects");
        Some(bench)
    }

    fn binary(&self, name: &str) -> Binary {
        Binary::read(&self.components.join(name).with_extension("wasm"), u64::MAX).expect("a component")
    }

    fn cleaner(&self, name: &str) -> Cleaner {
        Cleaner::load(&self.engine, name, &self.binary(name), &Limits::default(), &Pseudonyms::default(), "{}")
            .expect("a cleaner")
    }

    fn kpi(&self, directory: &str, name: &str) -> Kpi {
        let binary = self.binary(&format!("{directory}{name}"));
        let parameters = if name == "top-products" { r#"{"limit":10}"# } else { "{}" };
        Kpi::load(&self.engine, name, &binary, &Limits::default(), &Pseudonyms::default(), parameters).expect("a KPI")
    }

    fn object(&self, prefix: &str) -> &[u8] {
        let found = self.objects.iter().find(|object| object.name.starts_with(prefix));
        &found.expect("the source makes it").bytes
    }

    /// Returns the orders as the cleaner receives them.
    fn orders(&self, cleaner: &Cleaner) -> RecordBatch {
        decode(self.object("orders"), Format::Json, &cleaner.spec().input).swap_remove(0)
    }
}

fn decode(bytes: &[u8], format: Format, columns: &[String]) -> Vec<RecordBatch> {
    let mut decoder = Decoder::new(bytes, format, columns, DecodeLimits::default());
    let mut batches = Vec::new();
    while let Some(batch) = decoder.next_batch().expect("memory can be read") {
        batches.push(batch.columns);
    }
    batches
}

fn bytes(batch: &RecordBatch) -> Throughput {
    Throughput::Bytes(batch.get_array_memory_size() as u64)
}

/// Measures decoding: from raw bytes to batches of text.
fn decoding(criterion: &mut Criterion) {
    let Some(bench) = Bench::new() else { return };
    let mut group = criterion.benchmark_group("decode");
    for (dataset, format, name) in [
        ("customers", Format::Csv, "csv"),
        ("clicks", Format::Jsonl, "json lines"),
        ("orders", Format::Json, "json array"),
    ] {
        let (cleaner, object) = (bench.cleaner(&format!("clean-{dataset}")), bench.object(dataset));
        group.throughput(Throughput::Bytes(object.len() as u64));
        group.bench_function(name, |timer| timer.iter(|| decode(black_box(object), format, &cleaner.spec().input)));
    }
}

/// Returns rows of that type, none of them missing.
fn ones(data_type: &DataType) -> ArrayRef {
    match data_type {
        DataType::Boolean => Arc::new(BooleanArray::from(vec![true; ROWS])),
        DataType::Int64 => Arc::new(Int64Array::from(vec![1; ROWS])),
        DataType::Float64 => Arc::new(Float64Array::from(vec![1.0; ROWS])),
        DataType::Utf8 => Arc::new(StringArray::from(vec!["one"; ROWS])),
        DataType::Date32 => Arc::new(Date32Array::from(vec![1; ROWS])),
        DataType::Timestamp(..) => {
            Arc::new(TimestampMicrosecondArray::from(vec![1; ROWS]).with_data_type(data_type.clone()))
        }
        DataType::Decimal128(..) => Arc::new(Decimal128Array::from(vec![1; ROWS]).with_data_type(data_type.clone())),
        other => unreachable!("no plugin has {other}"),
    }
}

/// Measures the boundary: rows go to a guest that returns what it received, and come back.
fn boundary(criterion: &mut Criterion) {
    let Some(bench) = Bench::new() else { return };
    let echo = bench.kpi("fixtures/", "echo");
    let columns = echo.spec().inputs[0].columns.clone();
    let arrays = columns.fields().iter().map(|field| match field.is_nullable() {
        true => new_null_array(field.data_type(), ROWS),
        false => ones(field.data_type()),
    });
    let batch = RecordBatch::try_new(columns.clone(), arrays.collect()).expect("a batch");
    let mut group = criterion.benchmark_group("boundary");
    group.throughput(bytes(&batch));
    group.bench_function("there and back", |timer| {
        timer.iter_batched(
            || echo.accumulator(0, 0).expect("opens"),
            |mut echo| {
                echo.update(black_box(&batch)).expect("takes rows");
                echo.state().expect("gives them back")
            },
            BatchSize::PerIteration,
        );
    });
}

/// Measures a cleaner, and the encoding of what it kept as CSV.
fn cleaning(criterion: &mut Criterion) {
    let Some(bench) = Bench::new() else { return };
    let cleaner = bench.cleaner("clean-orders");
    let orders = bench.orders(&cleaner);
    let mut session = cleaner.open(0).expect("opens");
    let mut group = criterion.benchmark_group("clean");
    group.throughput(Throughput::Elements(orders.num_rows() as u64));
    group.bench_function("clean-orders", |timer| timer.iter(|| session.clean(black_box(&orders)).expect("cleans")));
    group.finish();

    let kept = session.clean(&orders).expect("cleans").kept;
    let mut out = Vec::new();
    let mut encode = || {
        out.clear();
        encode_csv(black_box(&kept), None, Formulas::Keep, &mut out).expect("it has a text form");
        out.len()
    };
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Bytes(encode() as u64));
    group.bench_function("csv", |timer| timer.iter(&mut encode));
}

/// Measures KPIs that take in rows of silver.
fn aggregating(criterion: &mut Criterion) {
    let Some(bench) = Bench::new() else { return };
    let cleaner = bench.cleaner("clean-orders");
    let kept = cleaner.open(0).expect("opens").clean(&bench.orders(&cleaner)).expect("cleans").kept;
    let mut group = criterion.benchmark_group("aggregate");
    for name in ["sales-by-day", "revenue-by-channel", "top-products", "aov"] {
        let kpi = bench.kpi("", name);
        let input = &kpi.spec().inputs[0];
        let rows = smelt_engine::silver::project(&kept, &input.columns).expect("silver has its columns");
        let mut accumulator = kpi.accumulator(0, 0).expect("opens");
        group.throughput(Throughput::Elements(rows.num_rows() as u64));
        group.bench_function(name, |timer| {
            timer.iter(|| accumulator.update(black_box(&rows)).expect("takes rows"));
        });
    }
}

criterion_group!(stages, decoding, boundary, cleaning, aggregating);
criterion_main!(stages);
