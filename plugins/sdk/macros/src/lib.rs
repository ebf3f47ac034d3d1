//! The export macros of `smelt-sdk`. Each generates the bindings of one world, and passes the host's calls on to the
//! SDK.
//!
//! They are procedural macros because the bindings need the path of `wit/`, which only this crate knows. Beside them are
//! `#[derive(Row)]` and `#[derive(Saved)]`.

mod row;
mod saved;

use proc_macro::TokenStream;

/// Makes a struct or an enum a row: see `smelt_sdk::rows`.
#[proc_macro_derive(Row, attributes(row, sum))]
pub fn derive_row(input: TokenStream) -> TokenStream {
    let derived = syn::parse(input).and_then(|input| row::derive(&input));
    derived.unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes bytes of a struct or an enum and back: see `smelt_sdk::saved`.
#[proc_macro_derive(Saved)]
pub fn derive_saved(input: TokenStream) -> TokenStream {
    let derived = syn::parse(input).and_then(|input| saved::derive(&input));
    derived.unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Exports a type that implements `smelt_sdk::Source` as a component of world `source`.
#[proc_macro]
pub fn export_source(plugin: TokenStream) -> TokenStream {
    let glue = "
        impl bindings::exports::smelt::plugin::generation::Guest for Component {
            fn identify() -> types::Identity {
                glue::report_panics();
                <Plugin as ::smelt_sdk::Source>::describe().identity
            }
            fn describe(params: String) -> Result<types::SourceDescription, types::Fault> {
                glue::report_panics();
                glue::describe_source::<Plugin>(&params)
            }
            fn generate(params: String, tick: types::Tick) -> Result<Vec<types::Object>, types::Fault> {
                glue::report_panics();
                glue::generate::<Plugin>(&params, tick)
            }
        }";
    let plugin = plugin.to_string();
    export(&Export { plugin, world: "source", method: "Source>::describe", instance: None, glue })
}

/// Exports a type that implements `smelt_sdk::Cleaner` as a component of world `cleaner`.
#[proc_macro]
pub fn export_cleaner(plugin: TokenStream) -> TokenStream {
    let glue = "
        use bindings::exports::smelt::plugin::cleaning;
        impl cleaning::Guest for Component {
            type Session = glue::Session<Plugin>;
            fn identify() -> types::Identity {
                glue::report_panics();
                <Plugin as ::smelt_sdk::Cleaner>::describe().identity
            }
            fn describe(params: String) -> Result<types::CleanerDescription, types::Fault> {
                glue::report_panics();
                glue::describe_cleaner::<Plugin>(&params)
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
    let plugin = plugin.to_string();
    export(&Export { plugin, world: "cleaner", method: "Cleaner>::describe", instance: Some("glue::Session"), glue })
}

/// Exports a type that implements `smelt_sdk::Kpi` as a component of world `kpi`: `export_kpi!(RainyDays)`, or
/// `export_kpi!(Summed<SalesByDay>)` for a type that implements `smelt_sdk::SumByKey`.
#[proc_macro]
pub fn export_kpi(plugin: TokenStream) -> TokenStream {
    let plugin = format!("::smelt_sdk::glue::OfKpi<{plugin}>");
    export(&kpi(plugin))
}

/// Exports the function that defines a table as a component of world `kpi`: `export_table!(fact_sales)`, or
/// `export_table!(fact_sales, parameters)` where a function `parameters` returns its `smelt_sdk::Parameters`.
#[proc_macro]
pub fn export_table(plugin: TokenStream) -> TokenStream {
    let text = plugin.to_string();
    let (define, parameters) = text.split_once(',').unwrap_or((&text, "::smelt_sdk::Parameters::none"));
    let component = format!(
        "struct SmeltTable;
        impl ::smelt_sdk::glue::Component for SmeltTable {{
            fn identify() -> ::smelt_sdk::Identity {{
                ::smelt_sdk::Identity {{ parameters: {parameters}().schema(), ..::smelt_sdk::identity!() }}
            }}
            fn define(config: &::smelt_sdk::Config) -> ::smelt_sdk::Result<::smelt_sdk::Definition> {{
                {define}(config)
            }}
        }}"
    );
    let mut all: TokenStream = component.parse().expect("the generated component is Rust");
    all.extend(export(&kpi("SmeltTable".to_owned())));
    all
}

/// Returns the export of a type that implements `smelt_sdk::glue::Component`.
fn kpi(plugin: String) -> Export {
    let glue = "
        use bindings::exports::smelt::plugin::aggregation;
        impl aggregation::Guest for Component {
            type Accumulator = glue::Accumulator;
            type Reducer = glue::Reducer;
            fn identify() -> types::Identity {
                glue::report_panics();
                <Plugin as glue::Component>::identify()
            }
            fn describe(params: String) -> Result<types::KpiDescription, types::Fault> {
                glue::report_panics();
                glue::describe_kpi::<Plugin>(&params)
            }
        }
        impl aggregation::GuestAccumulator for glue::Accumulator {
            fn open(input: u32, params: String, as_of: Option<i64>) -> Result<aggregation::Accumulator, types::Fault> {
                glue::report_panics();
                Self::open::<Plugin>(input, &params, as_of).map(aggregation::Accumulator::new)
            }
            fn update_batch(&self, batch: Vec<u8>) -> Result<(), types::Fault> {
                self.update_batch(&batch)
            }
            fn state(&self) -> Result<Vec<u8>, types::Fault> {
                self.state()
            }
        }
        impl aggregation::GuestReducer for glue::Reducer {
            fn open(
                stage: u32,
                params: String,
                as_of: Option<i64>,
                saved: Option<Vec<u8>>,
            ) -> Result<aggregation::Reducer, types::Fault> {
                glue::report_panics();
                Self::open::<Plugin>(stage, &params, as_of, saved.as_deref()).map(aggregation::Reducer::new)
            }
            fn reduce(&self, rows: Vec<u8>, ends: Vec<u32>) -> Result<types::Reduced, types::Fault> {
                self.reduce(&rows, &ends)
            }
            fn save(&self) -> Result<Option<Vec<u8>>, types::Fault> {
                self.save()
            }
        }";
    Export { plugin, world: "kpi", method: "glue::Component>::identify", instance: Some("native::Part"), glue }
}

/// A plugin and the world that it is exported to.
struct Export {
    /// The plugin's type, as it is written in the plugin's own module.
    plugin: String,
    world: &'static str,
    /// The end of the path of a method that makes the plugin no dead code: a trait of the SDK and its method.
    method: &'static str,
    /// The type in `smelt_sdk` on which a host calls a plugin that was built natively. A host has no such calls
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
    let Export { plugin, world, method, instance, glue } = export;
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../wit/0.3.0");
    // A mapping for an interface that the world does not import is an error.
    let privacy = match *world {
        "cleaner" | "kpi" => "\"smelt:plugin/privacy@0.3.0\": ::smelt_sdk::bindings::privacy,",
        _ => "",
    };
    let native = instance.map(|instance| native_call(&format!("::smelt_sdk::{instance}<{plugin}>")));
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
                        \"smelt:plugin/types@0.3.0\": ::smelt_sdk::bindings::types,
                        \"smelt:plugin/log@0.3.0\": ::smelt_sdk::bindings::log,
                        {privacy}
                    }},
                }});
            }}
            struct Component;
            {glue}
            bindings::export!(Component with_types_in bindings);
        }}
        #[cfg(not(target_family = \"wasm\"))]
        const _: fn() = || {{ {native} _ = <{plugin} as ::smelt_sdk::{method}; }};"
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
