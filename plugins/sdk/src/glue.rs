//! The contract's calls in terms of the SDK's traits. Only the code that the export macros generate uses this module.
#![doc(hidden)]

use std::cell::RefCell;

use crate::bindings::types::{self, KpiDescription};
use crate::{Batch, Cleaned, Cleaner, Config, Fault, Kpi, Result, Source, Table, Tick, Timestamp};

pub use crate::host::report_panics;

/// A session of a cleaner.
pub struct Session<T> {
    /// The cleaner and the result that it fills. `None` after a fault, because a fault leaves both in an unknown state.
    state: RefCell<Option<(T, Cleaned)>>,
}

impl<T: Cleaner> Session<T> {
    pub fn open(params: &str, as_of: Option<i64>) -> Result<Self> {
        let description = T::describe();
        let config = Config::new(params, &description.identity.parameters, as_of.map(Timestamp))?;
        Ok(Self { state: RefCell::new(Some((T::open(&config)?, Cleaned::new(&description)))) })
    }

    pub fn clean(&self, batch: &[u8]) -> Result<types::Cleaned> {
        let batch = Batch::read(batch)?;
        let taken = self.state.borrow_mut().take();
        let (mut cleaner, mut cleaned) = taken.ok_or_else(|| Fault::internal("the session has failed before"))?;
        cleaned.reserve(batch.len());
        cleaner.clean(&batch, &mut cleaned)?;
        let finished = cleaned.finish()?;
        *self.state.borrow_mut() = Some((cleaner, cleaned));
        Ok(finished)
    }
}

/// An accumulator of a KPI.
pub struct Accumulator<T> {
    kpi: RefCell<T>,
    description: KpiDescription,
}

impl<T: Kpi> Accumulator<T> {
    pub fn open(params: &str, as_of: Option<i64>) -> Result<Self> {
        let description = T::describe();
        let config = Config::new(params, &description.identity.parameters, as_of.map(Timestamp))?;
        Ok(Self { kpi: RefCell::new(T::open(&config)?), description })
    }

    pub fn update_batch(&self, input: &str, batch: &[u8]) -> Result<()> {
        if !self.description.inputs.iter().any(|known| known.name == input) {
            return Err(Fault::invalid_input(format!("there is no input `{input}`")));
        }
        self.kpi.borrow_mut().update(input, &Batch::read(batch)?)
    }

    pub fn state(&self) -> Result<Vec<u8>> {
        let mut table = self.stage(0)?;
        self.kpi.borrow().state(&mut table)?;
        table.finish()
    }

    pub fn fold(&self, stage: u32, groups: &[u8]) -> Result<Vec<u8>> {
        let stage = stage as usize;
        let mut table = self.stage(stage + 1)?;
        self.kpi.borrow().fold(stage, &Batch::read(groups)?, &mut table)?;
        table.finish()
    }

    pub fn evaluate(&self, sums: &[u8]) -> Result<Vec<u8>> {
        let mut table = Table::new(&self.description.output);
        self.kpi.borrow().evaluate(&Batch::read(sums)?, &mut table)?;
        table.finish()
    }

    /// Returns an empty table for the sums of that stage.
    fn stage(&self, stage: usize) -> Result<Table> {
        let declared = self.description.stages.get(stage);
        let declared = declared.ok_or_else(|| Fault::invalid_input(format!("there is no stage {stage}")))?;
        Ok(Table::new(&[&declared.key[..], &declared.sums].concat()))
    }
}

/// Makes the objects of one tick of a source.
pub fn generate<T: Source>(params: &str, seed: u64, tick: u64, as_of: i64) -> Result<Vec<types::Object>> {
    let config = Config::new(params, &T::describe().identity.parameters, None)?;
    T::generate(&config, Tick { seed, number: tick, as_of: Timestamp(as_of) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{decode, encode};
    use crate::{Rule, boolean, describe_cleaner, identity, nullable, text};

    const EMPTY: Rule = Rule::reject("empty", "There is nothing.");
    const LOUD: Rule = Rule::repair("loud", "It ends with an exclamation mark.");

    /// Removes exclamation marks, and tells whether there were any unless the text has one letter.
    struct Calm;

    impl Cleaner for Calm {
        fn describe() -> crate::CleanerDescription {
            let output = [text("said"), nullable(boolean("loud"))];
            describe_cleaner(identity!()).input(["said"]).output(output).rules([&EMPTY, &LOUD])
        }
        fn open(_: &Config) -> Result<Self> {
            Ok(Self)
        }
        fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
            let said = rows.text("said")?;
            for row in rows.rows() {
                match said.trimmed(row) {
                    None => out.reject(row, &EMPTY),
                    Some("fail") => return Err(Fault::internal("told to")),
                    Some(said) => {
                        let calm = said.trim_end_matches('!');
                        if calm.len() < said.len() {
                            out.repair(&LOUD);
                        }
                        out.keep(row).text(calm).boolean((calm.len() > 1).then_some(calm.len() < said.len()));
                    }
                }
            }
            Ok(())
        }
    }

    fn clean(session: &Session<Calm>, said: &[&str]) -> Result<(Vec<Vec<String>>, Vec<u32>, types::Cleaned)> {
        let rows: Vec<[Option<&str>; 1]> = said.iter().map(|&said| [Some(said)]).collect();
        let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
        let cleaned = session.clean(&encode(&[nullable(text("said"))], &rows)?)?;
        let kept = decode(&Calm::describe().output, &cleaned.kept)?;
        Ok((kept, cleaned.kept_rows.clone(), cleaned))
    }

    #[test]
    fn a_batch_is_cleaned_as_if_it_were_the_first() {
        let session = Session::<Calm>::open("{}", None).expect("it opens");
        let other = Session::<Calm>::open("{}", None).expect("it opens");
        for batch in [&["a", "no", "yes!!", " ", "b!"][..], &[], &["hm", "", "oh!"], &["x"; 9], &["yes"; 17]] {
            let (kept, rows, cleaned) = clean(&session, batch).expect("it cleans");
            let first = Session::<Calm>::open("{}", None).expect("it opens");
            let (kept_first, rows_first, cleaned_first) = clean(&first, batch).expect("it cleans");
            assert_eq!((kept, rows, &cleaned.kept), (kept_first, rows_first, &cleaned_first.kept));
            assert_eq!(format!("{:?}", cleaned.rejected), format!("{:?}", cleaned_first.rejected));
            assert_eq!(format!("{:?}", cleaned.repaired), format!("{:?}", cleaned_first.repaired));
        }
        assert_eq!(clean(&other, &["go!", "fail"]).expect_err("it fails").message, "told to");
        assert_eq!(clean(&other, &["go"]).expect_err("it has failed").message, "the session has failed before");
    }
}
