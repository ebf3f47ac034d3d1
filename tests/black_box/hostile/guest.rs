//! Cleaners in WebAssembly text: one that is honest, and in it the places where a test puts its sin.

use std::fmt::Write as _;
use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::support::root;

/// A cleaner of one column, `id`, that keeps each of three rows as it is. Texts are instructions.
#[derive(Clone)]
pub struct Guest {
    pub imports: String,
    /// More of the module, such as memories.
    pub fields: String,
    /// Pages of 64 KiB that its memory begins with.
    pub pages: u32,
    pub describe: String,
    pub after_describe: Option<String>,
    pub realloc: String,
    pub open: String,
    pub clean: String,
    /// What it does to its answer, which lies at 1024: whether it is an error, then pointers and lengths of `kept`,
    /// `kept-rows`, `rejected` and `repaired`; or, of an error, its kind at 1028 and its message at 1032.
    pub answer: String,
    pub after_clean: Option<String>,
    /// What it returns instead of its input.
    pub kept: Option<Vec<u8>>,
    pub description: Description,
    /// Sections put at the end of the component.
    pub sections: Vec<u8>,
}

/// What it says of itself.
#[derive(Clone)]
pub struct Description {
    pub name: String,
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
                name: "sin".into(),
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

/// What is in a guest's memory to begin with.
struct Data {
    bytes: Vec<u8>,
}

/// Where the description lies.
const DESCRIPTION: usize = 64;
/// Where texts and streams begin.
const TEXTS: usize = 2048;

impl Data {
    /// Puts it there and gives where and how long it is, as a list is given.
    fn list(&mut self, bytes: &[u8], elements: usize) -> Vec<u8> {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let at = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        [at as u32, elements as u32].iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    fn text(&mut self, text: &str) -> Vec<u8> {
        self.list(text.as_bytes(), text.len())
    }

    fn texts(&mut self, texts: &[String]) -> Vec<u8> {
        let each: Vec<_> = texts.iter().flat_map(|text| self.text(text)).collect();
        self.list(&each, texts.len())
    }

    fn description(&mut self, description: &Description) {
        let Description { name, version, summary, parameters, input, output, key, rules } = description;
        let mut record: Vec<u8> =
            [name, version, summary, parameters].iter().flat_map(|text| self.text(text)).collect();
        // It does not use the time.
        record.extend([0; 4]);
        record.extend(self.texts(input));
        let fields: Vec<_> =
            output.iter().flat_map(|(name, kind)| [self.text(name), vec![*kind, 38, 2, 1]].concat()).collect();
        record.extend(self.list(&fields, output.len()));
        record.extend(self.texts(key));
        record.extend(self.list(&[], 0));
        // Rules that reject.
        let all: Vec<_> =
            rules.iter().flat_map(|rule| [self.text(rule), self.text("A rule."), vec![0; 4]].concat()).collect();
        record.extend(self.list(&all, rules.len()));
        self.bytes[DESCRIPTION..DESCRIPTION + record.len()].copy_from_slice(&record);
    }
}

impl Guest {
    /// The bytes of the component.
    pub fn component(&self) -> Vec<u8> {
        let mut module = wat::parse_str(self.text()).unwrap_or_else(|error| panic!("{error}\n{}", self.text()));
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(root().join("wit/0.2.0")).expect("the contract is right");
        let world = resolve.select_world(&[package], Some("cleaner")).expect("it has the world");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("it can be embedded");
        let encoder = ComponentEncoder::default().module(&module).expect("it fits the world").validate(false);
        let mut component = { encoder }.encode().expect("it is a component");
        component.extend(&self.sections);
        component
    }

    /// Writes it where a pipeline looks for plugins.
    pub fn write(&self, directory: &Path) {
        let path = directory.join(&self.description.name).with_extension("wasm");
        std::fs::write(path, self.component()).expect("a component can be written");
    }

    fn text(&self) -> String {
        let Self { imports, fields, pages, describe, realloc, open, clean, answer, .. } = self;
        let mut data = Data { bytes: vec![0; TEXTS] };
        data.description(&self.description);
        let (kept, length) = match &self.kept {
            None => ("(local.get $at)".to_owned(), "(local.get $length)".to_owned()),
            Some(stream) => {
                let place = data.list(stream, stream.len());
                let at = u32::from_le_bytes([place[0], place[1], place[2], place[3]]);
                (format!("(i32.const {at})"), format!("(i32.const {})", stream.len()))
            }
        };
        let heap = data.bytes.len().next_multiple_of(16);
        let bytes = data.bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "\\{byte:02x}");
            text
        });
        let pages = (*pages).max(heap.div_ceil(65_536) as u32 + 1);
        let cleaning = "smelt:plugin/cleaning@0.2.0";
        let after = |call: &str, what: &Option<String>| match what {
            None => String::new(),
            Some(sin) => format!("(func (export \"cabi_post_{cleaning}#{call}\") (param i32) (local $i i32) {sin})"),
        };
        let after_describe = after("describe", &self.after_describe);
        let after_clean = after("[method]session.clean", &self.after_clean);
        format!(
            r#"(module
            (import "[export]{cleaning}" "[resource-new]session" (func $new (param i32) (result i32)))
            {imports}
            (memory $memory (export "memory") {pages})
            (data (memory $memory) (i32.const 0) "{bytes}")
            {fields}
            (global $top (mut i32) (i32.const {heap}))
            (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32) (local $at i32) (local $i i32)
                {realloc}
                (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
                (global.set $top (i32.add (local.get $at) (local.get $size)))
                (loop $more
                    (if (i32.gt_u (global.get $top) (i32.mul (memory.size $memory) (i32.const 65536)))
                        (then
                            (if (i32.eq (memory.grow $memory (i32.const 16)) (i32.const -1)) (then (unreachable)))
                            (br $more))))
                (local.get $at))
            (func (export "{cleaning}#describe") (result i32) (local $i i32) {describe} (i32.const {DESCRIPTION}))
            {after_describe}
            (func (export "{cleaning}#[static]session.open") (param i32 i32 i32 i64) (result i32) (local $i i32)
                {open}
                (i32.store (i32.const 1024) (i32.const 0))
                (i32.store (i32.const 1028) (call $new (i32.const 1)))
                (i32.const 1024))
            (func $clean (export "{cleaning}#[method]session.clean")
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
            {after_clean})"#
        )
    }
}
