//! The contract's types and imports, generated from `wit/0.3.0`. The export macros map the types of their world to
//! these, so every plugin shares one set of types with this crate.
#![allow(missing_docs, unreachable_pub, clippy::all)]

wit_bindgen::generate!({
    inline: "
        package smelt:sdk;
        world imports {
            import smelt:plugin/types@0.3.0;
            import smelt:plugin/log@0.3.0;
            import smelt:plugin/privacy@0.3.0;
        }
    ",
    path: "../../wit/0.3.0",
    world: "smelt:sdk/imports",
    generate_all,
    pub_export_macro: false,
});

pub use smelt::plugin::{log, privacy, types};
