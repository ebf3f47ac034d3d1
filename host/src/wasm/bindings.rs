//! The host's side of `wit/0.1.0`, generated; the three worlds share their types and imports.
#![allow(missing_docs, unreachable_pub, clippy::all)]

pub mod cleaner {
    wasmtime::component::bindgen!({
        path: "../wit/0.1.0",
        world: "cleaner",
        imports: { "smelt:plugin/privacy@0.1.0.pseudonymise": trappable },
    });
}

pub mod kpi {
    wasmtime::component::bindgen!({
        path: "../wit/0.1.0",
        world: "kpi",
        with: {
            "smelt:plugin/types@0.1.0": super::types,
            "smelt:plugin/log@0.1.0": super::log,
        },
    });
}

pub mod source {
    wasmtime::component::bindgen!({
        path: "../wit/0.1.0",
        world: "source",
        with: {
            "smelt:plugin/types@0.1.0": super::types,
            "smelt:plugin/log@0.1.0": super::log,
        },
    });
}

pub use cleaner::smelt::plugin::{log, privacy, types};
