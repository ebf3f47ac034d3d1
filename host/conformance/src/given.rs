//! The rows of golden cases, and the words and numbers in the component itself. If a rule looks for a word or a number, the
//! component holds it, and random rows would hardly have it.

use std::collections::BTreeSet;

use wasmparser::{DataKind, Operator, Parser, Payload};

use super::rows::Dice;

/// Texts and numbers of this many are kept at most.
const MOST: usize = 4000;
/// The longest text that is taken for a word.
const LONGEST: usize = 32;

/// Rows of golden cases, and texts and numbers that stand in the component.
#[derive(Default)]
pub(super) struct Given<R> {
    pub(super) rows: R,
    pub(super) literals: Vec<String>,
    pub(super) numbers: Vec<i64>,
}

impl<R> Given<R> {
    pub(super) fn new(rows: R, component: &[u8]) -> Self {
        let found = Found::of(component);
        let numbers = found.numbers.into_iter().take(MOST).collect::<Vec<_>>();
        let texts = found.texts.into_iter().take(MOST);
        Self { rows, literals: texts.collect(), numbers }
    }

    /// How many texts and numbers there are.
    pub(super) fn count(&self) -> usize {
        self.literals.len() + self.numbers.len()
    }

    /// Returns `count` texts of the component, others for each seed until all were sent. Some have a number before or behind
    /// them, and some are numbers.
    pub(super) fn words(&self, seed: u64, count: usize, dice: &mut Dice) -> Vec<String> {
        let texts = self.literals.len();
        let start = seed.wrapping_mul(count as u64) as usize % texts.max(1);
        let texts = self.literals.iter().cycle().skip(start).take(count.min(texts)).map(|text| match dice.below(12) {
            0 => format!("{text}{}", dice.below(100)),
            1 => format!("{}{text}", dice.below(100)),
            2 if !self.numbers.is_empty() => self.number(dice).to_string(),
            _ => text.clone(),
        });
        texts.collect()
    }

    /// A number of the component, or one beside it; any number if it has none.
    pub(super) fn number(&self, dice: &mut Dice) -> i64 {
        if self.numbers.is_empty() {
            return dice.below(1 << 32) as i64;
        }
        let number = self.numbers[dice.below(self.numbers.len() as u64) as usize];
        number.saturating_add(dice.below(3) as i64 - 1)
    }
}

/// The texts and numbers that a component holds.
#[derive(Default)]
struct Found {
    texts: BTreeSet<String>,
    numbers: BTreeSet<i64>,
    /// Where bytes of memory begin, and the bytes; of the module under way.
    memory: Vec<(usize, Vec<u8>)>,
    /// Constants of the code that follow one another.
    pairs: Vec<(u32, u32)>,
    /// The text that the last constant of a function is.
    previous: Vec<u8>,
}

impl Found {
    /// A component that cannot be read has nothing: it is refused elsewhere.
    fn of(component: &[u8]) -> Self {
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
                // A local that a text is assigned to lies between the text's address and its length.
                Operator::LocalGet { .. } | Operator::LocalSet { .. } | Operator::LocalTee { .. } => previous,
                _ => None,
            };
            previous = constant;
        }
    }

    /// A constant, which may be a short text that is compared at once.
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
        // A text of some other length than a number has is compared as two, which may overlap.
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
        // Words between what is no letter: compilers write texts one after the other.
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

    /// At the end of a module: texts of which its code has the place and the length.
    fn close(&mut self) {
        for (first, second) in std::mem::take(&mut self.pairs) {
            for (place, length) in [(first, second), (second, first)] {
                let (place, length) = (place as usize, length as usize);
                let held = self.memory.iter().find_map(|(start, bytes)| {
                    bytes.get(place.checked_sub(*start)?..)?.get(..length).filter(|_| length <= LONGEST)
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
    use super::Found;

    #[test]
    fn words_and_numbers_that_stand_in_a_component_are_found() {
        let text = r#"(component (core module
            (memory 1)
            (data (i32.const 1024) "mobilestorewebVIP rare-id\00\01")
            (func (result i32) (i32.add (i32.const 1030) (i32.const 5)))
            (func (param i32 i32) (call 1 (i32.const 1024) (i32.const 6)))
            (func (drop (i32.const 0x6b63616a)) (drop (i32.const 0x7761646b)))
            (func (drop (i64.const 0x6b63616a6b63616a)) (drop (i32.const 86400)))))"#;
        let found = Found::of(&wat::parse_str(text).expect("the text is right"));
        for word in ["mobile", "store", "rare-id", "jackjack", "jackdaw"] {
            assert!(found.texts.contains(word), "{word} is not among {:?}", found.texts);
        }
        assert!(found.numbers.contains(&86400));
        assert!(Found::of(b"no component").texts.is_empty());
    }
}
