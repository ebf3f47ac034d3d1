//! A cleaner without the SDK's care, whose answers break the contract. The first cell of a batch tells how, or, for
//! every batch, its parameter does.

#![cfg_attr(not(target_family = "wasm"), allow(dead_code, reason = "only a component calls it"))]

use smelt_sdk::bindings::types::{Cleaned, Fault, Field, Rejection, Repair};
use smelt_sdk::testing::{decode, encode};
use smelt_sdk::{
    Batch, Cleaner, CleanerDescription, Config, Parameters, Rule, describe_cleaner, identity, int64, nullable, text,
};

const NO: Rule = Rule::reject("no", "The row is not wanted.");
const FIX: Rule = Rule::repair("fix", "The row was put right.");
/// A text that is easy to find in a stream.
const MARK: &str = "MARKMARK";

/// Describes the cleaner. The SDK's sessions of it are never opened, because they would not let it lie.
struct Honest;

impl Cleaner for Honest {
    fn describe() -> CleanerDescription {
        describe_cleaner(identity!())
            .parameters(Parameters::none().text("lie", "", "How to lie about every batch; `none` for not at all."))
            .input(["lie"])
            .output([text("a"), nullable(int64("id"))])
            .rules([&NO, &FIX])
    }

    fn open(_: &Config) -> Result<Self, Fault> {
        Err(Fault::internal("an honest session is never opened"))
    }

    fn clean(&mut self, _: &Batch, _: &mut smelt_sdk::Cleaned) -> Result<(), Fault> {
        Err(Fault::internal("an honest session is never opened"))
    }
}

/// Cleans a batch: keeps every row, unless the batch or the parameter tells it to lie.
fn clean(always: &str, batch: &[u8]) -> Result<Cleaned, Fault> {
    let rows = decode(&[nullable(text("lie"))], batch)?;
    let lie = match always {
        "" => rows[0][0].as_str(),
        _ if rows.is_empty() => "none",
        always => always,
    };
    let fields = [text("a"), nullable(int64("id"))];
    let honest = Cleaned {
        kept: stream(&fields, rows.len())?,
        kept_rows: (0..rows.len() as u32).collect(),
        rejected: vec![],
        repaired: vec![],
    };
    let kept = |kept| Ok(Cleaned { kept, ..honest.clone() });
    match lie {
        "" | "none" => Ok(honest),
        "two batches" => kept(two_batches(&fields, rows.len())?),

        "other name" => kept(stream(&[text("b"), nullable(int64("id"))], rows.len())?),
        "other type" => kept(stream(&[text("a"), nullable(text("id"))], rows.len())?),
        "other nullability" => kept(stream(&[nullable(text("a")), nullable(int64("id"))], rows.len())?),
        "other order" => kept(stream(&[nullable(int64("id")), text("a")], rows.len())?),
        "fewer columns" => kept(stream(&[text("a")], rows.len())?),
        "more columns" => kept(stream(&[text("a"), nullable(int64("id")), text("c")], rows.len())?),
        "missing value" => kept(encode(&fields, &vec![&[None, None][..]; rows.len()])?),

        "garbage" => kept(b"this is no Arrow stream".to_vec()),
        "nothing" => kept(vec![]),
        "half" => kept(honest.kept[..honest.kept.len() / 2].to_vec()),
        "no end" => kept(honest.kept[..honest.kept.len() - 8].to_vec()),
        "more" => kept([&honest.kept[..], &[0; 8]].concat()),
        "bad text" => kept(patched(honest.kept.clone(), MARK.as_bytes(), b"\xffARKMARK")),
        "bad offset" => {
            kept(patched(honest.kept.clone(), &[0, 0, 0, 0, 8, 0, 0, 0], &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f]))
        }

        "fewer rows" => kept(stream(&fields, rows.len() - 1)?),
        "no rule" => Ok(Cleaned {
            kept: stream(&fields, rows.len() - 1)?,
            kept_rows: (1..rows.len() as u32).collect(),
            rejected: vec![Rejection { row: 0, rule: 99 }],
            ..honest
        }),
        "no row" => Ok(Cleaned { rejected: vec![Rejection { row: 99, rule: 0 }], ..honest }),
        "backwards" => Ok(Cleaned { kept_rows: (0..rows.len() as u32).rev().collect(), ..honest }),
        "no repair" => Ok(Cleaned { repaired: vec![Repair { rule: 99, rows: 1 }], ..honest }),
        other => Err(Fault::invalid_input(format!("no lie `{other}`"))),
    }
}

/// Returns a stream with that number of rows of the fields.
fn stream(fields: &[Field], rows: usize) -> Result<Vec<u8>, Fault> {
    let row: Vec<_> =
        fields.iter().map(|field| (!field.nullable || field.name.starts_with('a')).then_some(MARK)).collect();
    encode(fields, &vec![row.as_slice(); rows])
}

/// Returns a stream of a schema, a record batch of one row, another of the other rows, and the end. The contract allows
/// it.
fn two_batches(fields: &[Field], rows: usize) -> Result<Vec<u8>, Fault> {
    let (first, second) = (stream(fields, 1)?, stream(fields, rows - 1)?);
    let schema = 8 + u32::from_le_bytes([second[4], second[5], second[6], second[7]]) as usize;
    Ok([&first[..first.len() - 8], &second[schema..]].concat())
}

fn patched(mut stream: Vec<u8>, old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = stream.windows(old.len()).position(|window| window == old).expect("the stream has it");
    stream[at..at + new.len()].copy_from_slice(new);
    stream
}

/// The code that `export_cleaner!` would make, without the SDK's session.
#[cfg(target_family = "wasm")]
mod component {
    use smelt_sdk::bindings::types;
    use smelt_sdk::{Cleaner as _, glue};

    mod bindings {
        smelt_sdk::wit_bindgen::generate!({
            path: "../../../wit/0.3.0",
            world: "cleaner",
            runtime_path: "smelt_sdk::wit_bindgen::rt",
            with: {
                "smelt:plugin/types@0.3.0": smelt_sdk::bindings::types,
                "smelt:plugin/log@0.3.0": smelt_sdk::bindings::log,
                "smelt:plugin/privacy@0.3.0": smelt_sdk::bindings::privacy,
            },
        });
    }

    use bindings::exports::smelt::plugin::cleaning::{Guest, GuestSession, Session};

    /// A session with its parameter: the lie about every batch.
    struct Component(String);

    impl Guest for Component {
        type Session = Component;

        fn identify() -> types::Identity {
            super::Honest::describe().identity
        }

        fn describe(params: String) -> Result<types::CleanerDescription, types::Fault> {
            glue::describe_cleaner::<super::Honest>(&params)
        }
    }

    impl GuestSession for Component {
        fn open(params: String, as_of: Option<i64>) -> Result<Session, types::Fault> {
            let schema = super::Honest::describe().identity.parameters;
            let config = smelt_sdk::Config::new(&params, &schema, as_of.map(smelt_sdk::Timestamp))?;
            Ok(Session::new(Component(config.text("lie")?.to_owned())))
        }

        fn clean(&self, batch: Vec<u8>) -> Result<types::Cleaned, types::Fault> {
            super::clean(&self.0, &batch)
        }
    }

    bindings::export!(Component with_types_in bindings);
}
