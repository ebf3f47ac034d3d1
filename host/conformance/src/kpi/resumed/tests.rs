//! Components that forget something when they save are found.

use std::path::Path;

use super::*;
use crate::kpi::batches::rows_of_inputs;
use crate::kpi::calls::stages;
use crate::options::Options;
use smelt_common::binary::Binary;
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Engine, Identified, Kpi, Limits};

/// `tests/plugins/forgetful`, which has a mutant for each seed.
struct Forgetful {
    component: Identified<Kpi>,
    samples: Samples<Vec<RecordBatch>>,
}

impl Forgetful {
    fn load() -> Self {
        let components = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/components");
        let file = components.join("fixtures/forgetful.wasm");
        let limits = Limits::default();
        let binary = Binary::read(&file, limits.component_bytes)
            .expect("the fixture is missing: run `cargo xtask plugins --fixtures` first");
        let engine = Engine::new(Some(&components.join("cache"))).expect("the engine starts");
        let component = Kpi::identify(&engine, "forgetful", &binary, &limits, &Pseudonyms::default());
        let samples = Samples::new(vec![], binary.bytes());
        Self { component: component.expect("it is a KPI"), samples }
    }

    /// Tests what a component with these parameters saves, with six seeds, as `smelt plugin test` does if there is time.
    fn test(&self, parameters: &str) -> Verdict {
        let plugin = self.component.describe(parameters).expect("it describes itself");
        let stages = stages(plugin.spec());
        let calls = Calls { plugin: &plugin, as_of: 0, stages: &stages, checks_key: true };
        let made = rows::make(plugin.spec());
        let lawful: Vec<_> =
            made.iter().filter(|rows| rows::LAWFUL.contains(&rows.name)).map(|rows| &rows.parts).collect();
        let rounds = Rounds::of(&Options { rounds: Some(6), ..Options::default() });
        test(&calls, &rows_of_inputs(&lawful, plugin.spec().inputs.len()), &self.samples, &rounds)
    }
}

#[test]
fn a_component_that_forgets_nothing_passes() {
    match Forgetful::load().test("{}") {
        Verdict::Passed { detail, .. } => assert!(detail.ends_with(" groups, 6 seeds"), "{detail}"),
        Verdict::Failed(failures) => panic!("{failures:?}"),
        Verdict::CouldNotRun(why) => panic!("{why}"),
    }
}

/// `SMELT_MUTANTS=1000` tries so many, and shows those that are not found.
#[test]
fn of_a_hundred_components_that_forget_something_99_are_found() {
    let count = std::env::var("SMELT_MUTANTS").ok().map_or(50, |count| count.parse::<usize>().expect("a number"));
    let forgetful = Forgetful::load();
    let is_missed = |seed: &usize| !matches!(forgetful.test(&format!(r#"{{"seed": {seed}}}"#)), Verdict::Failed(_));
    let missed: Vec<_> = (0..count).filter(is_missed).collect();
    println!("found {} of {count}, but not {missed:?}", count - missed.len());
    assert!(missed.len() <= count.div_ceil(100), "{missed:?}");
}
