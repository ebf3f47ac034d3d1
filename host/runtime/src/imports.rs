//! The functions of the host that guests may call. The host reads a guest's texts in the guest's memory. A text may be
//! as long as all of that memory, and copying it would overrun the deadline by too much.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmList, WasmStr};

use super::bindings::log::Level;
use super::state::State;
use super::{Contract, World};
use smelt_common::profile;
use smelt_common::text::guest_text;

type Caller<'s> = StoreContextMut<'s, State>;

/// Returns the imports of a plugin of that kind and version.
pub(super) fn linker(engine: &wasmtime::Engine, world: World, contract: Contract) -> wasmtime::Result<Linker<State>> {
    let (mut linker, version) = (Linker::new(engine), contract.version());
    linker
        .instance(&format!("smelt:plugin/log@{version}"))?
        .func_wrap("write", |caller: Caller<'_>, (level, message): (Level, WasmStr)| write(caller, level, &message))?;
    if world.may_pseudonymise(contract) {
        linker
            .instance(&format!("smelt:plugin/privacy@{version}"))?
            .func_wrap("pseudonymise", |caller: Caller<'_>, (values,): (WasmList<WasmStr>,)| {
                Ok((pseudonymise(caller, &values)?,))
            })?;
    }
    Ok(linker)
}

fn write(mut caller: Caller<'_>, level: Level, message: &WasmStr) -> wasmtime::Result<()> {
    let most = caller.data().wants(level)?;
    if most > 0 {
        let message = guest_text(&message.to_str(&caller)?, most);
        caller.data_mut().write(level, message);
    }
    Ok(())
}

fn pseudonymise(mut caller: Caller<'_>, values: &WasmList<WasmStr>) -> wasmtime::Result<Vec<String>> {
    let mut span = profile::span("pseudonymise", &caller.data().plugin);
    span.through(values.len(), 0);
    caller.data_mut().may_pseudonymise(values.len())?;
    let mut pseudonyms = Vec::with_capacity(values.len());
    let mut since = 0;
    while let Some(value) = values.get(&mut caller, pseudonyms.len()) {
        let value = value?;
        let value = value.to_str(&caller)?;
        pseudonyms.push(caller.data().pseudonym(&value, &mut since)?);
    }
    Ok(pseudonyms)
}
