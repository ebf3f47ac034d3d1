//! A KPI without the SDK's care, that counts rows. Its parameters can make it panic or break a law of the contract.

#![cfg_attr(not(target_family = "wasm"), allow(dead_code, reason = "only a component calls it"))]

mod accumulator;
mod reducer;

use smelt_sdk::bindings::types::{KpiDescription, KpiInput, Setting, Stage};
use smelt_sdk::{Config, Fault, Field, Identity, Parameters, describe_kpi, identity, int64, text};

/// The tables that it can make.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// The number of rows: a first stage adds up the ids that end alike, and a second one all of them.
    Rows,
    /// The number of rows of each id.
    Ids,
    /// Of the ids that end alike, the first one, and how many rows it has. There is enough once it has come.
    Firsts,
    /// Every id, without a stage.
    Map,
}

/// The sins that the parameters name.
#[derive(Clone)]
struct Sins {
    kind: Kind,
    panic_in: String,
    breaks: String,
}

impl Sins {
    fn read(params: &str) -> Result<Self, Fault> {
        let config = Config::new(params, &identity().parameters, None)?;
        let kind = match config.text("table")? {
            "rows" => Kind::Rows,
            "ids" => Kind::Ids,
            "firsts" => Kind::Firsts,
            _ => Kind::Map,
        };
        Ok(Self { kind, panic_in: config.text("panic_in")?.to_owned(), breaks: config.text("breaks")?.to_owned() })
    }

    fn maybe_panic(&self, call: &str) {
        assert_ne!(self.panic_in, call, "I cannot");
    }

    /// Returns whether that law is to be broken.
    fn breaks(&self, law: &str) -> bool {
        self.breaks == law
    }

    /// Returns what accumulators write: rows of the first stage, or of the table.
    fn first(&self) -> Vec<Field> {
        match self.kind {
            Kind::Map => self.output(),
            Kind::Rows | Kind::Ids | Kind::Firsts => vec![text("end"), text("id"), int64("rows")],
        }
    }

    /// Returns the columns of the stage with that index; those after the last one are those of the table.
    fn stage(&self, index: u32) -> Vec<Field> {
        match (self.kind, index) {
            (_, 0) => self.first(),
            (Kind::Rows, 1) => vec![int64("rows")],
            _ => self.output(),
        }
    }

    fn output(&self) -> Vec<Field> {
        match self.kind {
            Kind::Rows => vec![int64("rows")],
            Kind::Ids | Kind::Firsts => vec![text("id"), int64("rows")],
            Kind::Map => vec![text("id")],
        }
    }

    fn describe(&self, params: String) -> KpiDescription {
        let setting = || Setting { params: params.clone(), uses_as_of: false };
        let (key, group) = match self.kind {
            Kind::Rows => (vec![], 1),
            Kind::Ids => (vec!["id"], 2),
            Kind::Firsts => (vec!["id"], 1),
            Kind::Map => (vec!["id"], 0),
        };
        let stage =
            |key: &[Field], group| Stage { key: key.to_vec(), sums: vec![int64("rows")], group, reducer: setting() };
        let mut stages = vec![stage(&[text("end"), text("id")], group)];
        match self.kind {
            Kind::Rows => stages.push(stage(&[], 0)),
            Kind::Ids | Kind::Firsts => {}
            Kind::Map => stages.clear(),
        }
        KpiDescription {
            inputs: vec![KpiInput {
                name: "rows".to_owned(),
                columns: vec![text("id")],
                stage: 0,
                accumulator: setting(),
            }],
            stages,
            output: self.output(),
            key: Some(key.into_iter().map(str::to_owned).collect()),
        }
    }
}

fn identity() -> Identity {
    let parameters = Parameters::none()
        .text("panic_in", "", "The call that panics.")
        .text("breaks", "", "The law that it breaks.")
        .choice("table", ["rows", "ids", "firsts", "map"], "rows", "What is counted.");
    describe_kpi(identity!()).parameters(parameters).identity
}

/// The code that `export_kpi!` would make, without the SDK's parts.
#[cfg(target_family = "wasm")]
mod component {
    use std::cell::{Cell, RefCell};

    use smelt_sdk::bindings::types;
    use smelt_sdk::glue::report_panics;

    mod bindings {
        smelt_sdk::wit_bindgen::generate!({
            path: "../../../wit/0.3.0",
            world: "kpi",
            runtime_path: "smelt_sdk::wit_bindgen::rt",
            with: {
                "smelt:plugin/types@0.3.0": smelt_sdk::bindings::types,
                "smelt:plugin/log@0.3.0": smelt_sdk::bindings::log,
                "smelt:plugin/privacy@0.3.0": smelt_sdk::bindings::privacy,
            },
        });
    }

    use bindings::exports::smelt::plugin::aggregation;

    use super::Sins;
    use super::accumulator::Accumulator;
    use super::reducer::Reducer;

    struct Component;
    struct AnAccumulator(RefCell<Accumulator>);
    struct AReducer(RefCell<Reducer>);

    thread_local! {
        /// The number of descriptions that were given. To remember it is one of the sins.
        static DESCRIBED: Cell<usize> = const { Cell::new(0) };
    }

    impl aggregation::Guest for Component {
        type Accumulator = AnAccumulator;
        type Reducer = AReducer;

        fn identify() -> types::Identity {
            report_panics();
            super::identity()
        }

        fn describe(params: String) -> Result<types::KpiDescription, types::Fault> {
            report_panics();
            let sins = Sins::read(&params)?;
            sins.maybe_panic("describe");
            let times = DESCRIBED.replace(DESCRIBED.get() + 1);
            let more = if sins.breaks("description") { " ".repeat(times) } else { String::new() };
            Ok(sins.describe(params + &more))
        }
    }

    impl aggregation::GuestAccumulator for AnAccumulator {
        fn open(_: u32, params: String, _: Option<i64>) -> Result<aggregation::Accumulator, types::Fault> {
            report_panics();
            let sins = Sins::read(&params)?;
            sins.maybe_panic("open");
            Ok(aggregation::Accumulator::new(Self(RefCell::new(Accumulator::new(sins)))))
        }

        fn update_batch(&self, batch: Vec<u8>) -> Result<(), types::Fault> {
            self.0.borrow_mut().update(&batch)
        }

        fn state(&self) -> Result<Vec<u8>, types::Fault> {
            self.0.borrow_mut().state()
        }
    }

    impl aggregation::GuestReducer for AReducer {
        fn open(
            stage: u32,
            params: String,
            _: Option<i64>,
            saved: Option<Vec<u8>>,
        ) -> Result<aggregation::Reducer, types::Fault> {
            report_panics();
            let sins = Sins::read(&params)?;
            sins.maybe_panic("open a reducer");
            let reducer = Reducer::open(sins, stage, saved.as_deref())?;
            Ok(aggregation::Reducer::new(Self(RefCell::new(reducer))))
        }

        fn reduce(&self, rows: Vec<u8>, ends: Vec<u32>) -> Result<types::Reduced, types::Fault> {
            self.0.borrow_mut().reduce(&rows, &ends)
        }

        fn save(&self) -> Result<Option<Vec<u8>>, types::Fault> {
            Ok(self.0.borrow_mut().save())
        }
    }

    bindings::export!(Component with_types_in bindings);
}
