//! The contract's calls in terms of the SDK's traits. Only the code that the export macros generate uses this module.
#![doc(hidden)]

use std::cell::RefCell;

use crate::bindings::types::{self, Setting};
use crate::definition::{Accumulate, Definition, Reduce};
use crate::{Batch, Cleaned, Cleaner, Config, Fault, Result, Source, Tick, Timestamp};

pub use crate::definition::{Component, OfKpi};
pub use crate::host::report_panics;

/// Returns what a source is, under these parameters.
pub fn describe_source<T: Source>(params: &str) -> Result<types::SourceDescription> {
    let description = T::describe();
    Config::new(params, &description.identity.parameters, None)?;
    Ok(types::SourceDescription { objects: description.objects })
}

/// Makes the objects of one tick of a source.
pub fn generate<T: Source>(params: &str, tick: types::Tick) -> Result<Vec<types::Object>> {
    let config = Config::new(params, &T::describe().identity.parameters, None)?;
    let types::Tick { seed, number, starts, ends } = tick;
    T::generate(&config, Tick { seed, number, as_of: Timestamp(starts), ends: Timestamp(ends) })
}

/// Returns what a cleaner is, under these parameters.
pub fn describe_cleaner<T: Cleaner>(params: &str) -> Result<types::CleanerDescription> {
    let description = T::describe();
    let config = Config::new(params, &description.identity.parameters, None)?;
    Ok(types::CleanerDescription {
        input: description.input,
        output: description.output,
        key: description.key,
        order_by: description.order_by,
        rules: description.rules,
        session: Setting { params: config.setting(None)?, uses_as_of: description.uses_as_of },
    })
}

/// A session of a cleaner.
pub struct Session<T>(Once<(T, Cleaned)>);

impl<T: Cleaner> Session<T> {
    pub fn open(params: &str, as_of: Option<i64>) -> Result<Self> {
        let description = T::describe();
        let config = Config::new(params, &description.identity.parameters, as_of.map(Timestamp))?;
        Ok(Self(Once::new((T::open(&config)?, Cleaned::new(&description)))))
    }

    pub fn clean(&self, batch: &[u8]) -> Result<types::Cleaned> {
        let batch = Batch::read(batch)?;
        self.0.call("session", |(cleaner, cleaned)| {
            cleaned.reserve(batch.len());
            cleaner.clean(&batch, cleaned)?;
            cleaned.finish()
        })
    }
}

/// The function that defines a component of world `kpi`.
pub type Define = fn(&Config) -> Result<Definition>;

/// Returns what a component of world `kpi` is, under these parameters.
pub fn describe_kpi<C: Component>(params: &str) -> Result<types::KpiDescription> {
    describe_with(&C::identify().parameters, C::define, params)
}

pub(crate) fn describe_with(schema: &str, define: Define, params: &str) -> Result<types::KpiDescription> {
    let config = Config::new(params, schema, None)?;
    define(&config)?.describe(&config)
}

/// An accumulator of one input.
pub struct Accumulator(Once<Box<dyn Accumulate>>);

impl Accumulator {
    pub fn open<C: Component>(input: u32, params: &str, as_of: Option<i64>) -> Result<Self> {
        Self::open_with(&C::identify().parameters, C::define, input, params, as_of)
    }

    pub(crate) fn open_with(
        schema: &str,
        define: Define,
        input: u32,
        params: &str,
        as_of: Option<i64>,
    ) -> Result<Self> {
        let as_of = as_of.map(Timestamp);
        let definition = define(&Config::new(params, schema, as_of)?)?;
        Ok(Self(Once::new(definition.accumulator(input, as_of)?)))
    }

    pub fn update_batch(&self, batch: &[u8]) -> Result<()> {
        let batch = Batch::read(batch)?;
        self.0.call("accumulator", |accumulator| accumulator.update(&batch))
    }

    pub fn state(&self) -> Result<Vec<u8>> {
        self.0.call("accumulator", |accumulator| accumulator.state())
    }
}

/// A reducer of one stage.
pub struct Reducer(Once<Box<dyn Reduce>>);

impl Reducer {
    pub fn open<C: Component>(stage: u32, params: &str, as_of: Option<i64>, saved: Option<&[u8]>) -> Result<Self> {
        Self::open_with(&C::identify().parameters, C::define, stage, params, as_of, saved)
    }

    pub(crate) fn open_with(
        schema: &str,
        define: Define,
        stage: u32,
        params: &str,
        as_of: Option<i64>,
        saved: Option<&[u8]>,
    ) -> Result<Self> {
        let as_of = as_of.map(Timestamp);
        let definition = define(&Config::new(params, schema, as_of)?)?;
        let mut reducer = definition.reducer(stage, as_of)?;
        saved.map_or(Ok(()), |saved| reducer.resume(saved))?;
        Ok(Self(Once::new(reducer)))
    }

    pub fn reduce(&self, rows: &[u8], ends: &[u32]) -> Result<types::Reduced> {
        let rows = Batch::read(rows)?;
        let in_order = ends.is_sorted() && ends.last().is_none_or(|&last| last as usize <= rows.len());
        if !in_order {
            return Err(Fault::invalid_input("the ends of groups are not in order, or beyond the rows"));
        }
        let (rows, enough) = self.0.call("reducer", |reducer| reducer.reduce(&rows, ends))?;
        Ok(types::Reduced { rows, enough })
    }

    pub fn save(&self) -> Result<Option<Vec<u8>>> {
        self.0.call("reducer", |reducer| Ok(reducer.save()))
    }
}

/// A part of a plugin that is called until a call fails, because a fault leaves it in an unknown state.
struct Once<T>(RefCell<Option<T>>);

impl<T> Once<T> {
    fn new(part: T) -> Self {
        Self(RefCell::new(Some(part)))
    }

    fn call<R>(&self, what: &str, call: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
        let taken = self.0.borrow_mut().take();
        let mut part = taken.ok_or_else(|| Fault::internal(format!("the {what} has failed before")))?;
        let result = call(&mut part)?;
        *self.0.borrow_mut() = Some(part);
        Ok(result)
    }
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
