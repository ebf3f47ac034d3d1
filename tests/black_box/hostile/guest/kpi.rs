//! KPIs.

use super::{Component, Data, Module, UTF8, after};

/// A KPI that adds up the revisions of the readings of each station, if it is given them in one batch: its answers are what
/// it was sent last.
#[derive(Clone)]
pub struct Kpi {
    pub imports: String,
    /// More of the module, such as globals.
    pub fields: String,
    pub pages: u32,
    pub describe: String,
    pub open: String,
    pub update: String,
    pub state: Call,
    pub fold: Call,
    pub evaluate: Call,
    pub inputs: Vec<&'static str>,
    pub stages: Vec<Stage>,
}

/// One of the calls that answer with a stream.
#[derive(Clone, Default)]
pub struct Call {
    /// The code that runs first.
    pub sin: String,
    /// The code that changes its answer. The answer lies at 1024: whether it is an error, then where the stream is and its length; or, of
    /// an error, its kind at 1028 and its message at 1032.
    pub answer: String,
    pub after: Option<String>,
    /// The stream that it gives instead.
    pub gives: Option<Vec<u8>>,
}

/// A table of sums.
#[derive(Clone)]
pub struct Stage {
    /// Names of text columns.
    pub key: Vec<&'static str>,
    /// Names and types, as their number in `data-type`, and whether they may lack values.
    pub sums: Vec<(&'static str, u8, bool)>,
    pub group: u32,
}

/// The type `int64`.
pub const INT64: u8 = 1;

impl Stage {
    /// The stations' revisions.
    pub fn of_stations(group: u32) -> Self {
        Self { key: vec!["station"], sums: vec![("revision", INT64, false)], group }
    }
}

impl Default for Kpi {
    fn default() -> Self {
        Self {
            imports: String::new(),
            fields: String::new(),
            pages: 16,
            describe: String::new(),
            open: String::new(),
            update: String::new(),
            state: Call::default(),
            fold: Call::default(),
            evaluate: Call::default(),
            inputs: vec!["readings"],
            stages: vec![Stage::of_stations(1), Stage::of_stations(0)],
        }
    }
}

impl Kpi {
    fn describe(&self, data: &mut Data, name: &str) {
        const STATIONS: [(&str, u8, bool); 2] = [("station", UTF8, false), ("revision", INT64, false)];
        let mut record = data.identity(name, "1.0.0", "Sins.", "{}");
        let inputs: Vec<_> =
            self.inputs.iter().flat_map(|input| [data.text(input), data.schema(STATIONS)].concat()).collect();
        record.extend(data.list(&inputs, self.inputs.len()));
        let stages: Vec<_> = self
            .stages
            .iter()
            .flat_map(|Stage { key, sums, group }| {
                let key = data.schema(key.iter().map(|name| (*name, UTF8, false)));
                [key, data.schema(sums.iter().copied()), group.to_le_bytes().to_vec()].concat()
            })
            .collect();
        record.extend(data.list(&stages, self.stages.len()));
        record.extend(data.schema(STATIONS));
        data.describe(&record);
    }
}

impl Component for Kpi {
    fn named(&self, name: &str) -> Vec<u8> {
        let Self { imports, fields, pages, describe, open, update, .. } = self;
        let mut data = Data::new();
        self.describe(&mut data, name);
        let interface = "smelt:plugin/aggregation@0.2.0";
        let mut call = |name: &str, parameters: &str, call: &Call, or: [&str; 2]| {
            let Call { sin, answer, after: sin_after, gives } = call;
            let [at, length] = data.stream(gives.as_ref(), or);
            let method = format!("[method]accumulator.{name}");
            let after = after(interface, &method, sin_after.as_ref());
            format!(
                r#"(func ${name} (export "{interface}#{method}") (param $self i32) {parameters} (result i32) (local $i i32)
                    {sin}
                    (i32.store (i32.const 1024) (i32.const 0))
                    (i32.store (i32.const 1028) {at})
                    (i32.store (i32.const 1032) {length})
                    {answer}
                    (i32.const 1024))
                {after}"#
            )
        };
        let sent = ["(local.get $at)", "(local.get $length)"];
        let calls = [
            call("state", "", &self.state, ["(global.get $at)", "(global.get $length)"]),
            call("fold", "(param i32) (param $at i32) (param $length i32)", &self.fold, sent),
            call("evaluate", "(param $at i32) (param $length i32)", &self.evaluate, sent),
        ]
        .concat();
        let imports = format!(
            r#"(import "[export]{interface}" "[resource-new]accumulator" (func $new (param i32) (result i32))) {imports}"#
        );
        let functions = format!(
            r#"(global $at (mut i32) (i32.const 0))
            (global $length (mut i32) (i32.const 0))
            (func (export "{interface}#[static]accumulator.open") (param i32 i32 i32 i64) (result i32) (local $i i32)
                {open}
                (i32.store (i32.const 1024) (i32.const 0))
                (i32.store (i32.const 1028) (call $new (i32.const 1)))
                (i32.const 1024))
            (func (export "{interface}#[method]accumulator.update-batch")
                (param $self i32) (param i32 i32) (param $at i32) (param $length i32) (result i32) (local $i i32)
                {update}
                (global.set $at (local.get $at))
                (global.set $length (local.get $length))
                (i32.store (i32.const 1024) (i32.const 0))
                (i32.const 1024))
            {calls}"#
        );
        let (world, pages) = ("kpi", *pages);
        let (imports, realloc, sections) = (imports.as_str(), "", &[][..]);
        Module { world, interface, imports, fields, pages, realloc, describe, data, functions, sections }.component()
    }
}
