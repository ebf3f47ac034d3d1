//! The conformance kit: whether a component keeps the contract, and if not, what was sent, what came back and what the
//! contract says. The component is loaded and called exactly as in a run.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod cleaner;
mod cost;
mod description;
mod fixture;
mod given;
mod junit;
mod kpi;
mod report;
mod rows;
mod series;
mod shrink;
mod source;
mod text;
mod texts;
mod values;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

pub use report::{About, Check, Cost, Failure, Outcome, Report};

use given::Given;
use report::{failed, passed};
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_runtime::plugin_of;
use smelt_runtime::{Contract, Engine, Inspection, Limits, World};

/// What a plugin that uses it is told as `as-of`, unless a fixture says otherwise: 2025-01-01T00:00:00Z.
const AS_OF: i64 = 1_735_689_600_000_000;

/// The engines that components are checked on.
pub struct Engines {
    /// The one of a run.
    usual: Engine,
    /// One whose machine code differs.
    plain: Engine,
}

impl Engines {
    /// Starts them; compiled code is kept in `cache`, or nowhere.
    pub fn new(cache: Option<&Path>) -> Result<Self> {
        Ok(Self { usual: Engine::new(cache)?, plain: Engine::plain(cache)? })
    }
}

/// With what a component is checked.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Its parameters.
    pub parameters: Map<String, Value>,
    /// A directory with a directory for each golden case.
    pub fixtures: Option<PathBuf>,
    /// Write what the cases give as what is expected of them.
    pub bless: bool,
    /// What a call may use.
    pub limits: Limits,
    /// The dice of series of calls fall otherwise for each seed.
    pub seed: u64,
    /// The number of seeds to try from `seed` on. Without it, the check tries as many as a few seconds allow, and six at
    /// most.
    pub rounds: Option<u32>,
}

/// What all checks of a plugin need.
struct Bench<'b> {
    options: &'b Options,
    /// The component.
    component: &'b [u8],
    /// As a JSON object.
    params: String,
    as_of: Option<i64>,
}

/// Checks the component in the file.
///
/// # Errors
/// Nothing could be checked: the file cannot be read or is no component.
pub fn check(engines: &Engines, component: &Path, options: &Options) -> Result<Report> {
    let mut report = Report::new(component);
    let mut inspection = None;
    let mut unreadable = None;
    let binary = Binary::read(component, options.limits.component_bytes)?;
    report.check("component", &[], || match engines.usual.inspect(&binary, &options.limits) {
        Ok(found) => {
            inspection = Some(found);
            let bytes = binary.bytes().len();
            passed(format!("{bytes} bytes; at most {} are accepted", options.limits.component_bytes))
        }
        Err(error) => {
            let told = error.to_string();
            if error.kind() == Kind::InvalidConfig {
                unreadable = Some(error);
            }
            failed("the component", told, "a plugin is a valid WebAssembly component (docs/contract.md)")
        }
    });
    if let Some(error) = unreadable {
        return Err(error);
    }
    let Some(world) = inspection.and_then(|inspection| inspect(&mut report, &inspection)) else { return Ok(report) };
    let name = plugin_of(component);
    let limits = &options.limits;
    report.check("limits", &[], || {
        passed(format!(
            "a call {} ms; memory {} bytes; output {} bytes; {} table elements; {} instances",
            limits.call_ms, limits.memory_bytes, limits.output_bytes, limits.table_elements, limits.instances
        ))
    });
    match world {
        World::Cleaner => {
            if let Some((plugins, bench)) = description::load(&mut report, engines, &name, &binary, options) {
                cleaner::check(&mut report, &plugins, &bench);
            }
        }
        World::Kpi => {
            if let Some((plugins, bench)) = description::load(&mut report, engines, &name, &binary, options) {
                kpi::check(&mut report, &plugins, &bench);
            }
        }
        World::Source => {
            if let Some((plugins, bench)) = description::load(&mut report, engines, &name, &binary, options) {
                source::check(&mut report, &plugins, &bench);
            }
        }
    }
    Ok(report)
}

/// Which world it is of, if it is of one.
fn inspect(report: &mut Report, inspection: &Inspection) -> Option<World> {
    let list = |names: &[String]| match names {
        [] => "nothing".to_owned(),
        names => names.join(", "),
    };
    let mut kind = None;
    report.check("world", &["component"], || match inspection.kinds().as_slice() {
        &[(world, contract)] => {
            kind = Some((world, contract));
            passed(format!("{}, contract {}", world.name(), contract.version()))
        }
        _ => {
            let exports = World::ALL.into_iter().flat_map(|world| Contract::ALL.map(|contract| world.export(contract)));
            let exports: Vec<_> = exports.collect();
            let contract = format!("a plugin exports exactly one of {}", exports.join(", "));
            failed("the component's exports", list(&inspection.exports), contract)
        }
    });
    let (world, contract) = kind?;
    report.check("imports", &["world"], || match inspection.foreign(world, contract).as_slice() {
        [] => passed(list(&inspection.imports)),
        foreign => {
            let contract = format!("a {} may import only {}", world.name(), world.imports(contract).join(", "));
            failed("the component's imports", foreign.join(", "), contract)
        }
    });
    report.has_passed("imports").then_some(world)
}

/// The same plugin on both engines.
struct Plugins<P> {
    usual: P,
    plain: P,
}
