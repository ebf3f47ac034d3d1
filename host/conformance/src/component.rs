//! Tests a component: first what every plugin owes, then what its kind owes.

use std::path::Path;

use crate::engines::Engines;
use crate::options::Options;
use crate::report::{Report, failed, passed};
use crate::{cleaner, description, kpi, source};
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_runtime::plugin_of;
use smelt_runtime::{Contract, Inspection, World};

/// Tests the component in the file.
///
/// # Errors
/// Nothing can be tested: the file cannot be read or is no component.
pub fn test(engines: &Engines, component: &Path, options: &Options) -> Result<Report> {
    let mut report = Report::new(component);
    let mut inspection = None;
    let mut unreadable = None;
    let binary = Binary::read(component, options.limits.component_bytes)?;
    report.test("component", &[], || match engines.usual.inspect(&binary, &options.limits) {
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
    let Some((world, contract)) = inspection.and_then(|inspection| inspect(&mut report, &inspection)) else {
        return Ok(report);
    };
    let name = plugin_of(component);
    let limits = &options.limits;
    report.test("limits", &[], || {
        passed(format!(
            "a call {} ms; memory {} bytes; output {} bytes; {} table elements; {} instances",
            limits.call_ms, limits.memory_bytes, limits.output_bytes, limits.table_elements, limits.instances
        ))
    });
    match world {
        World::Cleaner => {
            if let Some((plugins, bench)) = description::load(&mut report, engines, &name, &binary, options, contract) {
                cleaner::test(&mut report, &plugins, &bench);
            }
        }
        World::Kpi => {
            if let Some((plugins, bench)) = description::load(&mut report, engines, &name, &binary, options, contract) {
                kpi::test(&mut report, &plugins, &bench);
            }
        }
        World::Source => {
            if let Some((plugins, bench)) = description::load(&mut report, engines, &name, &binary, options, contract) {
                source::test(&mut report, &plugins, &bench);
            }
        }
    }
    Ok(report)
}

/// Tests the exports and imports of the component. Returns its world and contract if both are right.
fn inspect(report: &mut Report, inspection: &Inspection) -> Option<(World, Contract)> {
    let list = |names: &[String]| match names {
        [] => "nothing".to_owned(),
        names => names.join(", "),
    };
    let mut kind = None;
    report.test("world", &["component"], || match inspection.kinds().as_slice() {
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
    report.test("imports", &["world"], || match inspection.foreign(world, contract).as_slice() {
        [] => passed(list(&inspection.imports)),
        foreign => {
            let contract = format!("a {} may import only {}", world.name(), world.imports(contract).join(", "));
            failed("the component's imports", foreign.join(", "), contract)
        }
    });
    report.has_passed("imports").then_some((world, contract))
}
