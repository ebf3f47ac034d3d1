//! The export macros of `smelt-sdk`. Each generates the bindings of one world, and passes the host's calls on to the
//! SDK.
//!
//! They are procedural macros because the bindings need the path of `wit/`, which only this crate knows.

use proc_macro::TokenStream;

/// Exports a type that implements `smelt_sdk::Source` as a component of world `source`.
#[proc_macro]
pub fn export_source(plugin: TokenStream) -> TokenStream {
    let glue = "
        impl bindings::exports::smelt::plugin::generation::Guest for Component {
            fn describe() -> types::SourceDescription {
                glue::report_panics();
                <Plugin as ::smelt_sdk::Source>::describe()
            }
            fn generate(params: String, seed: u64, tick: u64, as_of: i64) -> Result<Vec<types::Object>, types::Fault> {
                glue::report_panics();
                glue::generate::<Plugin>(&params, seed, tick, as_of)
            }
        }";
    export(&Export { plugin, world: "source", plugin_trait: "Source", instance: None, glue })
}

/// Exports a type that implements `smelt_sdk::Cleaner` as a component of world `cleaner`.
#[proc_macro]
pub fn export_cleaner(plugin: TokenStream) -> TokenStream {
    let glue = "
        use bindings::exports::smelt::plugin::cleaning;
        impl cleaning::Guest for Component {
            type Session = glue::Session<Plugin>;
            fn describe() -> types::CleanerDescription {
                glue::report_panics();
                <Plugin as ::smelt_sdk::Cleaner>::describe()
            }
        }
        impl cleaning::GuestSession for glue::Session<Plugin> {
            fn open(params: String, as_of: Option<i64>) -> Result<cleaning::Session, types::Fault> {
                glue::report_panics();
                Self::open(&params, as_of).map(cleaning::Session::new)
            }
            fn clean(&self, batch: Vec<u8>) -> Result<types::Cleaned, types::Fault> {
                self.clean(&batch)
            }
        }";
    export(&Export { plugin, world: "cleaner", plugin_trait: "Cleaner", instance: Some("Session"), glue })
}

/// Exports a type that implements `smelt_sdk::Kpi` as a component of world `kpi`: `export_kpi!(RainyDays)`, or
/// `export_kpi!(Summed<SalesByDay>)` for a type that implements `smelt_sdk::SumByKey`.
#[proc_macro]
pub fn export_kpi(plugin: TokenStream) -> TokenStream {
    let glue = "
        use bindings::exports::smelt::plugin::aggregation;
        impl aggregation::Guest for Component {
            type Accumulator = glue::Accumulator<Plugin>;
            fn describe() -> types::KpiDescription {
                glue::report_panics();
                <Plugin as ::smelt_sdk::Kpi>::describe()
            }
        }
        impl aggregation::GuestAccumulator for glue::Accumulator<Plugin> {
            fn open(params: String, as_of: Option<i64>) -> Result<aggregation::Accumulator, types::Fault> {
                glue::report_panics();
                Self::open(&params, as_of).map(aggregation::Accumulator::new)
            }
            fn update_batch(&self, input: String, batch: Vec<u8>) -> Result<(), types::Fault> {
                self.update_batch(&input, &batch)
            }
            fn state(&self) -> Result<Vec<u8>, types::Fault> {
                self.state()
            }
            fn fold(&self, stage: u32, groups: Vec<u8>) -> Result<Vec<u8>, types::Fault> {
                self.fold(stage, &groups)
            }
            fn evaluate(&self, sums: Vec<u8>) -> Result<Vec<u8>, types::Fault> {
                self.evaluate(&sums)
            }
        }";
    export(&Export { plugin, world: "kpi", plugin_trait: "Kpi", instance: Some("Accumulator"), glue })
}

/// A plugin and the world that it is exported to.
struct Export {
    /// The plugin's type, as it is written in the plugin's own module.
    plugin: TokenStream,
    world: &'static str,
    /// The trait of the SDK that the type implements.
    plugin_trait: &'static str,
    /// The type in `smelt_sdk::glue` on which a host calls a plugin that was built natively. A host has no such calls
    /// for a source.
    instance: Option<&'static str>,
    /// Implements the traits of the world's bindings, in which the plugin's type is called `Plugin`.
    glue: &'static str,
}

/// Generates the module that holds the component's bindings and the glue.
///
/// A native build has no such module, because only unit tests call the plugin. There the generated code refers to the
/// plugin's `describe`; otherwise the compiler would report the whole plugin as dead code.
fn export(export: &Export) -> TokenStream {
    let Export { plugin, world, plugin_trait, instance, glue } = export;
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../wit/0.2.0");
    // A mapping for an interface that the world does not import is an error.
    let privacy = match *world {
        "cleaner" => "\"smelt:plugin/privacy@0.2.0\": ::smelt_sdk::bindings::privacy,",
        _ => "",
    };
    let native = instance.map(|instance| native_call(&format!("::smelt_sdk::glue::{instance}<{plugin}>")));
    let native = native.unwrap_or_default();
    // The alias is needed because `super::` in front of a generic type does not reach the type's arguments.
    format!(
        "#[cfg(target_family = \"wasm\")]
        type SmeltPlugin = {plugin};
        #[cfg(target_family = \"wasm\")]
        mod smelt_component {{
            use super::SmeltPlugin as Plugin;
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
        const _: fn() = || {{ {native} _ = <{plugin} as ::smelt_sdk::{plugin_trait}>::describe; }};"
    )
    .parse()
    .expect("the generated module is Rust")
}

/// Generates the one function of a plugin that was built natively with the feature `native`.
fn native_call(instance: &str) -> String {
    match cfg!(feature = "native") {
        true => format!(
            "#[unsafe(no_mangle)]
            extern \"C\" fn smelt_native_call(call: *mut ::smelt_sdk::native::Call) -> bool {{
                // SAFETY: the host keeps what `native::call` requires of the pointers.
                unsafe {{ ::smelt_sdk::native::call::<{instance}>(call) }}
            }}"
        ),
        false => String::new(),
    }
}
