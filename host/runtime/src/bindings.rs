//! The generated host side of each version of the contract in `wit/`. The worlds of a version share their imports. All
//! versions share the types of the newest, except those that it changed.
#![allow(missing_docs, unreachable_pub, clippy::all)]

pub mod v0_2_0 {
    pub mod cleaner {
        wasmtime::component::bindgen!({
            path: "../../wit/0.2.0",
            world: "cleaner",
        });
    }

    pub mod kpi {
        wasmtime::component::bindgen!({
            path: "../../wit/0.2.0",
            world: "kpi",
            with: {
                "smelt:plugin/types@0.2.0": super::types,
                "smelt:plugin/log@0.2.0": super::log,
            },
        });
    }

    pub mod source {
        wasmtime::component::bindgen!({
            path: "../../wit/0.2.0",
            world: "source",
            with: {
                "smelt:plugin/types@0.2.0": super::types,
                "smelt:plugin/log@0.2.0": super::log,
            },
        });
    }

    pub use cleaner::smelt::plugin::{log, types};
}

pub mod v0_1_0 {
    pub mod cleaner {
        wasmtime::component::bindgen!({
            path: "../../wit/0.1.0",
            world: "cleaner",
            with: { "smelt:plugin/types@0.1.0": super::types },
        });
    }

    pub mod kpi {
        wasmtime::component::bindgen!({
            path: "../../wit/0.1.0",
            world: "kpi",
            with: {
                "smelt:plugin/types@0.1.0": super::types,
                "smelt:plugin/log@0.1.0": super::log,
            },
        });
    }

    pub mod source {
        wasmtime::component::bindgen!({
            path: "../../wit/0.1.0",
            world: "source",
            with: {
                "smelt:plugin/types@0.1.0": super::types,
                "smelt:plugin/log@0.1.0": super::log,
            },
        });
    }

    /// wasmtime compares types by structure. So the types of 0.2.0 serve here too, except the one that got another
    /// field there.
    pub mod types {
        pub use super::super::v0_2_0::types::*;

        #[derive(Debug, Clone, wasmtime::component::ComponentType, wasmtime::component::Lift)]
        #[component(record)]
        pub struct KpiDescription {
            pub identity: Identity,
            pub inputs: Vec<KpiInput>,
            pub stages: Vec<Stage>,
            pub output: Vec<Field>,
        }
    }

    pub use cleaner::smelt::plugin::log;
}

pub use v0_2_0::{log, types};
