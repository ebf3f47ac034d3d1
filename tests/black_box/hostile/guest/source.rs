//! Sources.

use super::{Component, Data, Module, after};

/// A source that makes the same object in every tick.
#[derive(Clone)]
pub struct Source {
    pub imports: String,
    pub fields: String,
    pub pages: u32,
    pub describe: String,
    pub generate: String,
    /// The code that changes its answer. The answer lies at 1024: whether it is an error, then where the objects are and how many; or, of
    /// an error, its kind at 1028 and its message at 1032.
    pub answer: String,
    pub after_generate: Option<String>,
    /// Its families of objects.
    pub families: Vec<&'static str>,
    /// Names, and what is in them.
    pub objects: Vec<(String, Vec<u8>)>,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            imports: String::new(),
            fields: String::new(),
            pages: 16,
            describe: String::new(),
            generate: String::new(),
            answer: String::new(),
            after_generate: None,
            families: vec!["made-*.csv"],
            objects: vec![("made-1.csv".into(), b"id\nx\n".to_vec())],
        }
    }
}

impl Component for Source {
    fn named(&self, name: &str) -> Vec<u8> {
        let Self { imports, fields, pages, describe, generate, answer, after_generate, families, objects } = self;
        let mut data = Data::new();
        let mut record = data.identity(name, "1.0.0", "Sins.", "{}");
        let families: Vec<_> = families.iter().map(|&family| family.to_owned()).collect();
        record.extend(data.texts(&families));
        data.describe(&record);
        let each: Vec<_> =
            objects.iter().flat_map(|(name, body)| [data.text(name), data.list(body, body.len())].concat()).collect();
        let [at, _] = data.stream(Some(&each), [""; 2]);
        let interface = "smelt:plugin/generation@0.2.0";
        let after = after(interface, "generate", after_generate.as_ref());
        let functions = format!(
            r#"(func (export "{interface}#generate")
                (param i32 i32) (param $seed i64) (param $tick i64) (param $as_of i64) (result i32) (local $i i32)
                {generate}
                (i32.store (i32.const 1024) (i32.const 0))
                (i32.store (i32.const 1028) {at})
                (i32.store (i32.const 1032) (i32.const {count}))
                {answer}
                (i32.const 1024))
            {after}"#,
            count = objects.len(),
        );
        let (world, pages, realloc, sections) = ("source", *pages, "", &[][..]);
        Module { world, interface, imports, fields, pages, realloc, describe, data, functions, sections }.component()
    }
}
