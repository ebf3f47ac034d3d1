//! Tests descriptions with random damage. Whatever a component says of itself under its parameters, the result is a
//! description as the host uses it or an error, never a panic or worse. What it returns as a stream is tested in `ipc`.

use super::bindings::types;
use super::spec::{CleanerSpec, KpiSpec};
use smelt_common::damage::Damage;

/// Names that the host refuses, or that it has itself.
const NAMES: [&str; 8] = ["smelt.one", "bronze.d", "", "a\u{202e}b", "\0", "c0", "C0", "expectation"];
const DECIMALS: [(u8, u8); 5] = [(1, 0), (38, 38), (0, 0), (39, 2), (2, 255)];

/// Draws descriptions that would be accepted, but for something odd here and there.
struct Random(Damage);

impl Random {
    /// Returns the usual value, or now and then one of the odd ones.
    fn usual<T: Copy>(&mut self, usual: T, odd: &[T]) -> T {
        match self.0.one_of(&(0..24).collect::<Vec<_>>()) {
            0 => *self.0.one_of(odd),
            _ => usual,
        }
    }

    fn name(&mut self, usual: &str) -> String {
        let name = self.usual(Some(usual), &[&[None; 4][..], &NAMES.map(Some)].concat());
        let damaged = || String::from_utf8_lossy(&self.0.done_to(usual.as_bytes(), b"smelt.objects")).into_owned();
        name.map(str::to_owned).unwrap_or_else(damaged)
    }

    /// Returns up to three values that are made of their place, or now and then a number of them that is odd.
    fn all<T>(&mut self, mut make: impl FnMut(&mut Self, usize) -> T) -> Vec<T> {
        let few = *self.0.one_of(&[1, 2, 3]);
        let count = self.usual(few, &[0, 4, 5, 100, 101]);
        (0..count).map(|at| make(self, at)).collect()
    }

    fn field(&mut self, name: &str) -> types::Field {
        let (precision, scale) = self.usual((38, 2), &DECIMALS);
        let decimal = types::DataType::Decimal128(types::DecimalType { precision, scale });
        let data_type = match self.0.one_of(&[0, 1, 2, 3, 4, 5, 6]) {
            0 => types::DataType::Boolean,
            1 => types::DataType::Int64,
            2 => types::DataType::Float64,
            3 => types::DataType::Utf8,
            4 => types::DataType::Date32,
            5 => types::DataType::Timestamp,
            _ => decimal,
        };
        types::Field { name: self.name(name), data_type, nullable: self.usual(false, &[true]) }
    }

    fn fields(&mut self) -> Vec<types::Field> {
        self.all(|random, at| random.field(&format!("c{at}")))
    }

    fn setting(&mut self) -> types::Setting {
        let params = self.usual("{}", &["", "\0", r#"{"limit": 1e400}"#]).to_owned();
        types::Setting { params, uses_as_of: *self.0.one_of(&[false, true]) }
    }

    fn stage(&mut self) -> types::Stage {
        let key = self.all(|random, at| random.field(&format!("k{at}")));
        let mut sums = self.all(|random, at| random.field(&format!("s{at}")));
        if self.usual(true, &[false]) {
            sums.iter_mut().for_each(|sum| (sum.data_type, sum.nullable) = (types::DataType::Int64, false));
        }
        let group = *self.0.one_of(&[0, 1]);
        types::Stage { key, sums, group: self.usual(group, &[2, 100, u32::MAX]), reducer: self.setting() }
    }

    fn kpi(&mut self) -> types::KpiDescription {
        let stages = self.all(|random, _| random.stage());
        let last = stages.len().saturating_sub(1) as u32;
        let inputs = self.all(|random, at| types::KpiInput {
            name: random.name(&format!("input{at}")),
            columns: random.fields(),
            stage: random.usual(last, &[0, 1, 4, u32::MAX]),
            accumulator: random.setting(),
        });
        let output = self.fields();
        let first = output.first().map(|field| vec![field.name.clone()]);
        let key = match self.usual(0, &[1, 2]) {
            0 => first,
            1 => Some(self.all(|random, at| random.name(&format!("c{at}")))),
            _ => None,
        };
        types::KpiDescription { inputs, stages, output, key }
    }

    fn cleaner(&mut self) -> types::CleanerDescription {
        types::CleanerDescription {
            input: self.all(|random, at| random.name(&format!("a{at}"))),
            output: self.fields(),
            key: vec![self.name("c0")],
            order_by: self.all(|random, _| types::Order {
                column: random.name("c0"),
                prefer: *random.0.one_of(&[types::Preference::Greatest, types::Preference::Least]),
            }),
            rules: self.all(|random, at| types::Rule {
                name: random.name(&format!("rule_{at}")),
                summary: random.name("A rule."),
                action: *random.0.one_of(&[types::RuleAction::Reject, types::RuleAction::Repair]),
            }),
            session: self.setting(),
        }
    }
}

#[test]
fn descriptions_of_kpis_are_accepted_whole_or_refused_in_words() {
    let mut random = Random(Damage::from_environment("descriptions of KPIs"));
    let (times, mut accepted) = (random.0.times, 0);
    for _ in 0..times {
        match KpiSpec::try_from(random.kpi()) {
            Ok(spec) => {
                accepted += 1;
                assert!(spec.inputs.iter().all(|input| input.stage < spec.stages.len().max(1)));
                for (stage, declared) in spec.stages.iter().enumerate() {
                    assert!(declared.group <= declared.keys && declared.keys < declared.schema.fields().len());
                    assert!(!spec.reduced_schema(stage).fields().is_empty());
                }
                assert!(spec.key.iter().flatten().all(|&column| column < spec.output.fields().len()));
            }
            Err(error) => assert!(error.to_string().len() < 3000, "{error}"),
        }
    }
    println!("{times} descriptions of KPIs, {accepted} accepted");
    assert!(accepted > times / 100, "hardly any is accepted, so hardly anything is tested");
}

#[test]
fn descriptions_of_cleaners_are_accepted_whole_or_refused_in_words() {
    let mut random = Random(Damage::from_environment("descriptions of cleaners"));
    let (times, mut accepted) = (random.0.times, 0);
    for _ in 0..times {
        match CleanerSpec::try_from(random.cleaner()) {
            Ok(CleanerSpec { output, key, order_by, .. }) => {
                accepted += 1;
                let columns = key.iter().copied().chain(order_by.iter().map(|order| order.column));
                assert!(columns.into_iter().all(|column| column < output.fields().len()));
            }
            Err(error) => assert!(error.to_string().len() < 3000, "{error}"),
        }
    }
    println!("{times} descriptions of cleaners, {accepted} accepted");
    assert!(accepted > times / 100, "hardly any is accepted, so hardly anything is tested");
}
