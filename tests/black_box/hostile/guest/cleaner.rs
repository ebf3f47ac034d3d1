//! Cleaners.

use super::{Component, Data, Module, after};
use crate::hostile::stream;

/// A cleaner of one column, `id`, that keeps each of three rows as it is.
#[derive(Clone)]
pub struct Guest {
    pub imports: String,
    /// More of the module, such as memories.
    pub fields: String,
    pub pages: u32,
    pub describe: String,
    pub after_describe: Option<String>,
    pub realloc: String,
    pub open: String,
    pub clean: String,
    /// The code that changes its answer. The answer lies at 1024: whether it is an error, then pointers and lengths of `kept`,
    /// `kept-rows`, `rejected` and `repaired`; or, of an error, its kind at 1028 and its message at 1032.
    pub answer: String,
    pub after_clean: Option<String>,
    /// The stream that it returns instead of its input.
    pub kept: Option<Vec<u8>>,
    pub description: Description,
    /// Sections put at the end of the component.
    pub sections: Vec<u8>,
}

/// The description that it gives of itself, besides its name.
#[derive(Clone)]
pub struct Description {
    pub version: String,
    pub summary: String,
    pub parameters: String,
    pub input: Vec<String>,
    /// Names, types as their number in `data-type`, all nullable.
    pub output: Vec<(String, u8)>,
    pub key: Vec<String>,
    pub rules: Vec<String>,
}

/// The type `utf8`.
pub const UTF8: u8 = 3;
/// The type `float64`.
pub const FLOAT64: u8 = 2;

impl Default for Guest {
    fn default() -> Self {
        Self {
            imports: String::new(),
            fields: String::new(),
            pages: 16,
            describe: String::new(),
            after_describe: None,
            realloc: String::new(),
            open: String::new(),
            clean: String::new(),
            answer: String::new(),
            after_clean: None,
            kept: None,
            description: Description {
                version: "1.0.0".into(),
                summary: "Sins.".into(),
                parameters: "{}".into(),
                input: vec!["id".into()],
                output: vec![("id".into(), UTF8)],
                key: vec![],
                rules: vec![],
            },
            sections: vec![],
        }
    }
}

/// How many rows a stream has: the length in the header of the message behind the schema.
const COUNT: &str = "
    (global $rows (mut i32) (i32.const 0))
    (func $field (param $table i32) (param $slot i32) (result i32) (local $at i32)
        (local.set $at (i32.load16_u (i32.add (i32.sub (local.get $table) (i32.load (local.get $table))) (local.get $slot))))
        (select (i32.add (local.get $table) (local.get $at)) (i32.const 0) (local.get $at)))
    (func $count (param $at i32) (result i32)
        (local.set $at (i32.add (local.get $at) (i32.add (i32.const 16) (i32.load offset=4 (local.get $at)))))
        (local.set $at (call $field (i32.add (local.get $at) (i32.load (local.get $at))) (i32.const 8)))
        (local.set $at (call $field (i32.add (local.get $at) (i32.load (local.get $at))) (i32.const 4)))
        (if (result i32) (local.get $at) (then (i32.load (local.get $at))) (else (i32.const 0))))";

/// Every row of the batch is rejected by rule 0.
const REJECT: &str = "
    (local.set $i (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.shl (global.get $rows) (i32.const 3))))
    (i32.store (i32.const 1040) (i32.const 0))
    (i32.store (i32.const 1044) (local.get $i))
    (i32.store (i32.const 1048) (global.get $rows))
    (loop $more
        (if (global.get $rows)
            (then
                (global.set $rows (i32.sub (global.get $rows) (i32.const 1)))
                (i64.store
                    (i32.add (local.get $i) (i32.shl (global.get $rows) (i32.const 3)))
                    (i64.extend_i32_u (global.get $rows)))
                (br $more))))";

impl Guest {
    /// One that rejects all rows of any batch.
    pub fn rejecting() -> Self {
        let none = [stream::schema(&stream::id()), stream::END.to_vec()].concat();
        let mut guest = Self {
            fields: COUNT.into(),
            clean: "(global.set $rows (call $count (local.get $at)))".into(),
            answer: REJECT.into(),
            kept: Some(none),
            ..Self::default()
        };
        guest.description.rules = vec!["unwanted".into()];
        guest
    }
}

impl Description {
    fn put(&self, data: &mut Data, name: &str) {
        let Self { version, summary, parameters, input, output, key, rules } = self;
        let mut record = data.identity(name, version, summary, parameters);
        record.extend(data.texts(input));
        record.extend(data.schema(output.iter().map(|(name, kind)| (name.as_str(), *kind, true))));
        record.extend(data.texts(key));
        record.extend(data.list(&[], 0));
        // Rules that reject.
        let all: Vec<_> =
            rules.iter().flat_map(|rule| [data.text(rule), data.text("A rule."), vec![0; 4]].concat()).collect();
        record.extend(data.list(&all, rules.len()));
        data.describe(&record);
    }
}

impl Component for Guest {
    fn named(&self, name: &str) -> Vec<u8> {
        let Self { imports, fields, pages, describe, realloc, open, clean, answer, sections, .. } = self;
        let mut data = Data::new();
        self.description.put(&mut data, name);
        let [kept, length] = data.stream(self.kept.as_ref(), ["(local.get $at)", "(local.get $length)"]);
        let interface = "smelt:plugin/cleaning@0.2.0";
        let after_describe = after(interface, "describe", self.after_describe.as_ref());
        let after_clean = after(interface, "[method]session.clean", self.after_clean.as_ref());
        let imports = format!(
            r#"(import "[export]{interface}" "[resource-new]session" (func $new (param i32) (result i32))) {imports}"#
        );
        let functions = format!(
            r#"{after_describe}
            (func (export "{interface}#[static]session.open") (param i32 i32 i32 i64) (result i32) (local $i i32)
                {open}
                (i32.store (i32.const 1024) (i32.const 0))
                (i32.store (i32.const 1028) (call $new (i32.const 1)))
                (i32.const 1024))
            (func $clean (export "{interface}#[method]session.clean")
                (param $self i32) (param $at i32) (param $length i32) (result i32) (local $i i32)
                {clean}
                (i32.store (i32.const 1024) (i32.const 0))
                (i32.store (i32.const 1028) {kept})
                (i32.store (i32.const 1032) {length})
                (i32.store (i32.const 1036) (i32.const 1100))
                (i32.store (i32.const 1040) (i32.const 3))
                (i64.store (i32.const 1044) (i64.const 0))
                (i64.store (i32.const 1052) (i64.const 0))
                (i32.store (i32.const 1100) (i32.const 0))
                (i32.store (i32.const 1104) (i32.const 1))
                (i32.store (i32.const 1108) (i32.const 2))
                {answer}
                (i32.const 1024))
            {after_clean}"#
        );
        let (world, pages) = ("cleaner", *pages);
        Module { world, interface, imports: &imports, fields, pages, realloc, describe, data, functions, sections }
            .component()
    }
}
