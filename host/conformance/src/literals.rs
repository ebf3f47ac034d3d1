//! Finds the texts and numbers in the code and data of a component.
//!
//! If a rule looks for a text or a number, the component contains it, and random rows would hardly ever have it.

use std::collections::BTreeSet;

use wasmparser::{DataKind, Operator, Parser, Payload};

/// The most texts, and the most numbers, that are kept.
pub(crate) const MOST: usize = 4000;
/// The bytes of the longest text that counts as a word.
const LONGEST: usize = 32;

/// The texts and numbers of a component.
#[derive(Default)]
pub(crate) struct Literals {
    pub(crate) texts: BTreeSet<String>,
    pub(crate) numbers: BTreeSet<i64>,
    /// The data of the current module: addresses and bytes.
    memory: Vec<(usize, Vec<u8>)>,
    /// Pairs of constants that follow one another in the code of the current module.
    pairs: Vec<(u32, u32)>,
    /// The text that the last constant of the current function stands for.
    previous: Vec<u8>,
}

impl Literals {
    /// Finds the literals. A component that cannot be read has none; another test refuses it.
    pub(crate) fn of(component: &[u8]) -> Self {
        let mut found = Self::default();
        for payload in Parser::new(0).parse_all(component).map_while(Result::ok) {
            match payload {
                Payload::CodeSectionEntry(function) => {
                    if let Ok(operators) = function.get_operators_reader() {
                        found.code(operators.into_iter().map_while(Result::ok));
                    }
                }
                Payload::DataSection(data) => {
                    for data in data.into_iter().map_while(Result::ok) {
                        found.data(&data);
                    }
                }
                Payload::End(_) => found.close(),
                _ => {}
            }
        }
        found
    }

    fn code<'o>(&mut self, operators: impl Iterator<Item = Operator<'o>>) {
        let mut previous = None;
        self.previous.clear();
        for operator in operators {
            let constant = match operator {
                Operator::I32Const { value } => {
                    self.number(value.into(), &value.to_le_bytes());
                    self.pairs.extend(previous.map(|previous| (previous, value as u32)));
                    Some(value as u32)
                }
                Operator::I64Const { value } => {
                    self.number(value, &value.to_le_bytes());
                    None
                }
                // If a text is assigned to locals, such an instruction stands between its address and its length.
                Operator::LocalGet { .. } | Operator::LocalSet { .. } | Operator::LocalTee { .. } => previous,
                _ => None,
            };
            previous = constant;
        }
    }

    /// Adds a constant. It may be a short text: compilers compare up to eight bytes at once.
    fn number(&mut self, value: i64, bytes: &[u8]) {
        if self.numbers.len() < MOST && value.unsigned_abs() < 1 << 53 {
            self.numbers.insert(value);
        }
        let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let text = &bytes[..end];
        if end > 1 {
            self.text(text);
        }
        if text.is_empty() || !text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
            return;
        }
        // A text of another length than that of an integer is compared as two integers, which may overlap.
        let previous = std::mem::take(&mut self.previous);
        if previous.len() > 2 {
            for (one, other) in [(previous.as_slice(), text), (text, previous.as_slice())] {
                for overlap in (0..one.len().min(other.len())).filter(|&overlap| one.ends_with(&other[..overlap])) {
                    self.text(&[one, &other[overlap..]].concat());
                }
            }
        }
        self.previous = text.to_vec();
    }

    fn data(&mut self, data: &wasmparser::Data<'_>) {
        let start = match &data.kind {
            DataKind::Active { offset_expr, .. } => match offset_expr.get_operators_reader().read() {
                Ok(Operator::I32Const { value }) => value as u32 as usize,
                _ => return,
            },
            DataKind::Passive => return,
        };
        self.memory.push((start, data.data.to_vec()));
        // Compilers write texts one after the other, so this splits at bytes that are no visible characters.
        for word in data.data.split(|byte| !byte.is_ascii_graphic()).filter(|word| word.len() > 1) {
            self.text(word);
        }
    }

    fn text(&mut self, bytes: &[u8]) {
        if bytes.len() > LONGEST || self.texts.len() >= MOST {
            return;
        }
        if let Ok(text) = std::str::from_utf8(bytes)
            && !text.chars().any(char::is_control)
        {
            self.texts.insert(text.to_owned());
        }
    }

    /// Ends a module: adds the texts whose address and length stand side by side in its code.
    fn close(&mut self) {
        for (first, second) in std::mem::take(&mut self.pairs) {
            for (address, length) in [(first, second), (second, first)] {
                let (address, length) = (address as usize, length as usize);
                let held = self.memory.iter().find_map(|(start, bytes)| {
                    bytes.get(address.checked_sub(*start)?..)?.get(..length).filter(|_| length <= LONGEST)
                });
                if let Some(text) = held.map(<[u8]>::to_vec).filter(|text| !text.is_empty()) {
                    self.text(&text);
                }
            }
        }
        self.memory.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::Literals;

    #[test]
    fn words_and_numbers_that_stand_in_a_component_are_found() {
        let text = r#"(component (core module
            (memory 1)
            (data (i32.const 1024) "mobilestorewebVIP rare-id\00\01")
            (func (result i32) (i32.add (i32.const 1030) (i32.const 5)))
            (func (param i32 i32) (call 1 (i32.const 1024) (i32.const 6)))
            (func (drop (i32.const 0x6b63616a)) (drop (i32.const 0x7761646b)))
            (func (drop (i64.const 0x6b63616a6b63616a)) (drop (i32.const 86400)))))"#;
        let found = Literals::of(&wat::parse_str(text).expect("the text is right"));
        for word in ["mobile", "store", "rare-id", "jackjack", "jackdaw"] {
            assert!(found.texts.contains(word), "{word} is not among {:?}", found.texts);
        }
        assert!(found.numbers.contains(&86400));
        assert!(Literals::of(b"no component").texts.is_empty());
    }
}
