//! The generated host side of each version of the contract in `wit/`. The worlds of a version share their imports. All
//! versions share the types of the newest, except those that it changed.
#![allow(missing_docs, unreachable_pub, clippy::all)]

pub mod v0_3_0 {
    pub mod cleaner {
        wasmtime::component::bindgen!({
            path: "../../wit/0.3.0",
            world: "cleaner",
            additional_derives: [serde::Serialize, serde::Deserialize],
        });
    }

    pub mod kpi {
        wasmtime::component::bindgen!({
            path: "../../wit/0.3.0",
            world: "kpi",
            with: {
                "smelt:plugin/types@0.3.0": super::types,
                "smelt:plugin/log@0.3.0": super::log,
                "smelt:plugin/privacy@0.3.0": super::privacy,
            },
        });
    }

    pub mod source {
        wasmtime::component::bindgen!({
            path: "../../wit/0.3.0",
            world: "source",
            with: {
                "smelt:plugin/types@0.3.0": super::types,
                "smelt:plugin/log@0.3.0": super::log,
            },
        });
    }

    pub use cleaner::smelt::plugin::{log, privacy, types};
}

pub mod v0_2_0 {
    pub mod cleaner {
        wasmtime::component::bindgen!({
            path: "../../wit/0.2.0",
            world: "cleaner",
            with: { "smelt:plugin/types@0.2.0": super::types },
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

    /// wasmtime compares types by structure. So the types of 0.3.0 serve here too, except descriptions, which were
    /// constant, had the identity within them, and knew no settings.
    pub mod types {
        pub use super::super::v0_3_0::types::*;
        use serde::{Deserialize, Serialize};
        use wasmtime::component::{ComponentType, Lift};

        #[derive(Debug, Clone, ComponentType, Lift, Serialize, Deserialize)]
        #[component(record)]
        pub struct Identity {
            pub name: String,
            pub version: String,
            pub summary: String,
            pub parameters: String,
            #[component(name = "uses-as-of")]
            pub uses_as_of: bool,
        }

        #[derive(Debug, Clone, ComponentType, Lift, Serialize, Deserialize)]
        #[component(record)]
        pub struct SourceDescription {
            pub identity: Identity,
            pub objects: Vec<String>,
        }

        #[derive(Debug, Clone, ComponentType, Lift, Serialize, Deserialize)]
        #[component(record)]
        pub struct CleanerDescription {
            pub identity: Identity,
            pub input: Vec<String>,
            pub output: Vec<Field>,
            pub key: Vec<String>,
            #[component(name = "order-by")]
            pub order_by: Vec<Order>,
            pub rules: Vec<Rule>,
        }

        #[derive(Debug, Clone, ComponentType, Lift, Serialize, Deserialize)]
        #[component(record)]
        pub struct KpiInput {
            pub name: String,
            pub columns: Vec<Field>,
        }

        #[derive(Debug, Clone, ComponentType, Lift, Serialize, Deserialize)]
        #[component(record)]
        pub struct Stage {
            pub key: Vec<Field>,
            pub sums: Vec<Field>,
            pub group: u32,
        }

        #[derive(Debug, Clone, ComponentType, Lift, Serialize, Deserialize)]
        #[component(record)]
        pub struct KpiDescription {
            pub identity: Identity,
            pub inputs: Vec<KpiInput>,
            pub stages: Vec<Stage>,
            pub output: Vec<Field>,
            pub key: Option<Vec<String>>,
        }
    }

    pub use cleaner::smelt::plugin::log;
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

    /// The types of 0.2.0, except the one that got another field there.
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

pub use v0_3_0::{log, types};
