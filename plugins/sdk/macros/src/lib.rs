//! The export macros of `smelt-sdk`: each generates the bindings of one world and hands its calls to the SDK.
//!
//! They are procedural only because the bindings need the path of `wit/`, which only this crate knows.

use proc_macro::TokenStream;

/// Exports a type that implements `smelt_sdk::Source` as a component of world `source`.
#[proc_macro]
pub fn export_source(plugin: TokenStream) -> TokenStream {
    export(
        "source",
        &format!("<{plugin} as ::smelt_sdk::Source>::describe"),
        "",
        &format!(
            "impl bindings::exports::smelt::plugin::generation::Guest for Component {{
                fn describe() -> types::SourceDescription {{
                    glue::report_panics();
                    <super::{plugin} as ::smelt_sdk::Source>::describe()
                }}
                fn generate(params: String, seed: u64, tick: u64, as_of: i64) -> Result<Vec<types::Object>, types::Fault> {{
                    glue::report_panics();
                    glue::generate::<super::{plugin}>(&params, seed, tick, as_of)
                }}
            }}"
        ),
    )
}

/// Exports a type that implements `smelt_sdk::Cleaner` as a component of world `cleaner`.
#[proc_macro]
pub fn export_cleaner(plugin: TokenStream) -> TokenStream {
    export(
        "cleaner",
        &format!("<{plugin} as ::smelt_sdk::Cleaner>::describe"),
        &native(&format!("::smelt_sdk::glue::Session<{plugin}>")),
        &format!(
            "use bindings::exports::smelt::plugin::cleaning;
            impl cleaning::Guest for Component {{
                type Session = glue::Session<super::{plugin}>;
                fn describe() -> types::CleanerDescription {{
                    glue::report_panics();
                    <super::{plugin} as ::smelt_sdk::Cleaner>::describe()
                }}
            }}
            impl cleaning::GuestSession for glue::Session<super::{plugin}> {{
                fn open(params: String, as_of: Option<i64>) -> Result<cleaning::Session, types::Fault> {{
                    glue::report_panics();
                    Self::open(&params, as_of).map(cleaning::Session::new)
                }}
                fn clean(&self, batch: Vec<u8>) -> Result<types::Cleaned, types::Fault> {{
                    self.clean(&batch)
                }}
            }}"
        ),
    )
}

/// Exports a type that implements `smelt_sdk::Kpi` as a component of world `kpi`.
#[proc_macro]
pub fn export_kpi(plugin: TokenStream) -> TokenStream {
    export(
        "kpi",
        &format!("<{plugin} as ::smelt_sdk::Kpi>::describe"),
        &native(&format!("::smelt_sdk::glue::Accumulator<{plugin}>")),
        &format!(
            "use bindings::exports::smelt::plugin::aggregation;
            impl aggregation::Guest for Component {{
                type Accumulator = glue::Accumulator<super::{plugin}>;
                fn describe() -> types::KpiDescription {{
                    glue::report_panics();
                    <super::{plugin} as ::smelt_sdk::Kpi>::describe()
                }}
            }}
            impl aggregation::GuestAccumulator for glue::Accumulator<super::{plugin}> {{
                fn open(params: String, as_of: Option<i64>) -> Result<aggregation::Accumulator, types::Fault> {{
                    glue::report_panics();
                    Self::open(&params, as_of).map(aggregation::Accumulator::new)
                }}
                fn update_batch(&self, input: String, batch: Vec<u8>) -> Result<(), types::Fault> {{
                    self.update_batch(&input, &batch)
                }}
                fn state(&self) -> Result<Vec<u8>, types::Fault> {{
                    self.state()
                }}
                fn fold(&self, stage: u32, groups: Vec<u8>) -> Result<Vec<u8>, types::Fault> {{
                    self.fold(stage, &groups)
                }}
                fn evaluate(&self, sums: Vec<u8>) -> Result<Vec<u8>, types::Fault> {{
                    self.evaluate(&sums)
                }}
            }}"
        ),
    )
}

/// The one function of a plugin that was built natively with the feature `native`.
fn native(instance: &str) -> String {
    match cfg!(feature = "native") {
        true => format!(
            "#[unsafe(no_mangle)]
            extern \"C\" fn smelt_native_call(call: *mut ::smelt_sdk::native::Call) -> bool {{
                // SAFETY: the host calls it as it was told.
                unsafe {{ ::smelt_sdk::native::call::<{instance}>(call) }}
            }}"
        ),
        false => String::new(),
    }
}

/// The module that holds a component's bindings and the given glue. Natively, where only unit tests call a plugin, it just
/// names `used`, lest all of the plugin be dead code.
fn export(world: &str, used: &str, native: &str, glue: &str) -> TokenStream {
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../wit/0.2.0");
    // A mapping for an interface that the world does not import is an error.
    let privacy = match world {
        "cleaner" => "\"smelt:plugin/privacy@0.2.0\": ::smelt_sdk::bindings::privacy,",
        _ => "",
    };
    format!(
        "#[cfg(target_family = \"wasm\")]
        mod smelt_component {{
            use ::smelt_sdk::{{bindings::types, glue}};
            mod bindings {{
                ::smelt_sdk::wit_bindgen::generate!({{
                    path: {wit:?},
                    world: {world:?},
                    runtime_path: \"::smelt_sdk::wit_bindgen::rt\",
                    with: {{
                        \"smelt:plugin/types@0.2.0\": ::smelt_sdk::bindings::types,
                        \"smelt:plugin/log@0.2.0\": ::smelt_sdk::bindings::log,
                        {privacy}
                    }},
                }});
            }}
            struct Component;
            {glue}
            bindings::export!(Component with_types_in bindings);
        }}
        #[cfg(not(target_family = \"wasm\"))]
        const _: fn() = || {{ {native} _ = {used}; }};"
    )
    .parse()
    .expect("the generated module is Rust")
}
