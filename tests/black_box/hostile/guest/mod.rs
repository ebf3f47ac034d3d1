//! Components in WebAssembly text, one honest kind for each world, with places in which a test puts its sin. Texts are
//! instructions.

mod cleaner;
mod kpi;
mod source;

use std::fmt::Write as _;
use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

pub use cleaner::{Description, FLOAT64, Guest, UTF8};
pub use kpi::{Call, INT64, Kpi, Stage};
pub use source::Source;

use crate::support::root;

/// A component of some world.
pub trait Component {
    /// Its bytes, if it calls itself so.
    fn named(&self, name: &str) -> Vec<u8>;

    /// Writes it where a pipeline looks for plugins.
    fn write(&self, directory: &Path, name: &str) {
        let path = directory.join(name).with_extension("wasm");
        std::fs::write(path, self.named(name)).expect("a component can be written");
    }
}

/// The content of a guest's memory at the beginning.
struct Data {
    bytes: Vec<u8>,
}

/// Where the description lies.
const DESCRIPTION: usize = 64;
/// Where texts and streams begin.
const TEXTS: usize = 2048;

impl Data {
    fn new() -> Self {
        Self { bytes: vec![0; TEXTS] }
    }

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

    /// Columns: names, types as their number in `data-type`, whether they may lack values.
    fn schema<'f>(&mut self, fields: impl IntoIterator<Item = (&'f str, u8, bool)>) -> Vec<u8> {
        let each: Vec<_> = fields.into_iter().collect();
        let bytes: Vec<_> = each
            .iter()
            .flat_map(|&(name, kind, nullable)| [self.text(name), vec![kind, 38, 2, nullable.into()]].concat())
            .collect();
        self.list(&bytes, each.len())
    }

    /// Who it says it is. It does not use the time.
    fn identity(&mut self, name: &str, version: &str, summary: &str, parameters: &str) -> Vec<u8> {
        let texts: Vec<u8> = [name, version, summary, parameters].iter().flat_map(|text| self.text(text)).collect();
        [texts, vec![0; 4]].concat()
    }

    fn describe(&mut self, record: &[u8]) {
        self.bytes[DESCRIPTION..DESCRIPTION + record.len()].copy_from_slice(record);
    }

    /// Where a stream lies and how long it is: that of the test, if it has one, or else what these instructions give.
    fn stream(&mut self, own: Option<&Vec<u8>>, or: [&str; 2]) -> [String; 2] {
        let Some(stream) = own else { return or.map(str::to_owned) };
        let place = self.list(stream, stream.len());
        let at = u32::from_le_bytes([place[0], place[1], place[2], place[3]]);
        [format!("(i32.const {at})"), format!("(i32.const {})", stream.len())]
    }
}

/// The parts that the modules of all worlds have.
struct Module<'m> {
    world: &'m str,
    /// The interface that it exports.
    interface: &'m str,
    imports: &'m str,
    fields: &'m str,
    /// Pages of 64 KiB that its memory begins with, if its data needs no more.
    pages: u32,
    realloc: &'m str,
    describe: &'m str,
    data: Data,
    /// Its other functions.
    functions: String,
    /// Sections put at the end of the component.
    sections: &'m [u8],
}

impl Module<'_> {
    fn component(self) -> Vec<u8> {
        let text = self.text();
        let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(root().join("wit/0.2.0")).expect("the contract is right");
        let world = resolve.select_world(&[package], Some(self.world)).expect("it has the world");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("it can be embedded");
        let encoder = ComponentEncoder::default().module(&module).expect("it fits the world").validate(false);
        let mut component = { encoder }.encode().expect("it is a component");
        component.extend(self.sections);
        component
    }

    fn text(&self) -> String {
        let Self { world: _, interface, imports, fields, pages, realloc, describe, data, functions, sections: _ } =
            self;
        let heap = data.bytes.len().next_multiple_of(16);
        let bytes = data.bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "\\{byte:02x}");
            text
        });
        let pages = (*pages).max(heap.div_ceil(65_536) as u32 + 1);
        format!(
            r#"(module
            {imports}
            (memory $memory (export "memory") {pages})
            (data (memory $memory) (i32.const 0) "{bytes}")
            {fields}
            (global $top (mut i32) (i32.const {heap}))
            (func $realloc (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32) (local $at i32) (local $i i32)
                {realloc}
                (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
                (global.set $top (i32.add (local.get $at) (local.get $size)))
                (loop $more
                    (if (i32.gt_u (global.get $top) (i32.mul (memory.size $memory) (i32.const 65536)))
                        (then
                            (if (i32.eq (memory.grow $memory (i32.const 16)) (i32.const -1)) (then (unreachable)))
                            (br $more))))
                (local.get $at))
            (func (export "{interface}#describe") (result i32) (local $i i32) {describe} (i32.const {DESCRIPTION}))
            {functions})"#
        )
    }
}

/// The code that runs once the host has taken the answer of a call.
fn after(interface: &str, call: &str, sin: Option<&String>) -> String {
    sin.map_or_else(String::new, |sin| {
        format!("(func (export \"cabi_post_{interface}#{call}\") (param i32) (local $i i32) {sin})")
    })
}
