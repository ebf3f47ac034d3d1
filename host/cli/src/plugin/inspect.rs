//! `smelt plugin inspect`: shows what a component is, what it says of itself, and what it may use.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};

use super::component::{first_limits, limits, parameters};
use crate::common::Common;
use crate::environment::cache_directory;
use crate::output::{print, print_json};
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_common::text::one_line;
use smelt_runtime::plugin_of;
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{
    Cleaner, CleanerSpec, Engine, Generator, Identity, Kpi, KpiSpec, Limits, RuleAction, STACK_BYTES, World,
    schema_text,
};

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 it is a plugin, 1 a run would refuse it. Either way, this shows what is known of it."
)]
pub(super) struct Inspect {
    /// The component; the name of its file is the name of the plugin
    component: PathBuf,
}

impl Inspect {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let path = &self.component;
        let name = plugin_of(path);
        let limits = limits(&common.pipeline, &name)?;
        // It gets the limits of the first section that uses it.
        let first = first_limits(&limits);
        let engine = Engine::new(cache_directory().as_deref())?;
        let binary = Binary::read(path, first.component_bytes)?;
        let inspection = engine.inspect(&binary, &first)?;
        let mut about = Map::new();
        let mut put = |key: &str, value: Value| drop(about.insert(key.to_owned(), value));
        put("component", json!(path.display().to_string()));
        put("bytes", json!(binary.bytes().len()));
        put("sha256", json!(binary.sha256()));
        put("imports", json!(inspection.imports));
        put("exports", json!(inspection.exports));
        let mut refused = None;
        match inspection.kind() {
            Ok((world, contract)) => {
                put("world", json!(format!("{}, contract {}", world.name(), contract.version())));
                let params = parameters(&common.pipeline, &name)?;
                match description(world, &engine, &name, &binary, &first, &params) {
                    Ok(description) => description.into_iter().for_each(|(key, value)| put(&key, value)),
                    Err(error) => refused = Some(error.to_string()),
                }
            }
            Err(error) => refused = Some(error.to_string()),
        }
        let list = |limits: &Limits| {
            let all = limits.list().map(|(key, value)| (key.to_owned(), json!(value)));
            all.into_iter().chain([("stack_bytes".to_owned(), json!(STACK_BYTES))]).collect::<Map<_, _>>()
        };
        put(
            "limits",
            limits.iter().map(|(of, limits)| (of.clone(), list(limits).into())).collect::<Map<_, _>>().into(),
        );
        let code = if refused.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        put("refused", json!(refused));
        match common.json {
            true => print_json(&about)?,
            false => print(&text(&about)),
        }
        Ok(code)
    }
}

/// Loads the component and returns what it says of itself under these parameters.
fn description(
    world: World,
    engine: &Engine,
    name: &str,
    binary: &Binary,
    limits: &Limits,
    params: &str,
) -> Result<Map<String, Value>> {
    let key = Pseudonyms::default();
    let (who, what) = match world {
        World::Source => {
            let plugin = Generator::identify(engine, name, binary, limits, &key)?;
            let what = plugin.describe_anyway(params).map(|plugin| json!({"objects": plugin.spec().objects}));
            (identity(plugin.identity()), what)
        }
        World::Cleaner => {
            let plugin = Cleaner::identify(engine, name, binary, limits, &key)?;
            (identity(plugin.identity()), plugin.describe_anyway(params).map(|plugin| cleaner(plugin.spec())))
        }
        World::Kpi => {
            let plugin = Kpi::identify(engine, name, binary, limits, &key)?;
            (identity(plugin.identity()), plugin.describe_anyway(params).map(|plugin| kpi(plugin.spec())))
        }
    };
    let what = match what {
        Ok(what) => what,
        // It is a plugin all the same: what it does can be told only under parameters that it accepts.
        Err(error) if error.kind() == Kind::InvalidConfig => json!({"not described": error.to_string()}),
        Err(error) => return Err(error),
    };
    Ok([who, what].into_iter().filter_map(|part| part.as_object().cloned()).flatten().collect())
}

fn identity(identity: &Identity) -> Value {
    let Identity { name, version, binary: _, contract: _, summary, parameters, pseudonymises } = identity;
    let parameters: Value = serde_json::from_str(parameters).unwrap_or_else(|_| json!(parameters));
    json!({
        "name": &**name, "version": version, "summary": summary, "pseudonymises": pseudonymises, "parameters": parameters,
    })
}

fn cleaner(spec: &CleanerSpec) -> Value {
    let CleanerSpec { input, output, key, order_by, rules, session } = spec;
    let column = |&index: &usize| output.field(index).name().clone();
    let order = order_by.iter().map(|order| format!("{} {:?}", column(&order.column), order.prefer).to_lowercase());
    let rule = |rule: &smelt_runtime::Rule| {
        let action = if rule.action == RuleAction::Reject { "rejects" } else { "repairs" };
        (rule.name.clone(), json!(format!("{action}: {}", rule.summary)))
    };
    json!({
        "uses as-of": session.uses_as_of,
        "input": input,
        "output": schema_text(output),
        "key": key.iter().map(column).collect::<Vec<_>>(),
        "order by": order.collect::<Vec<_>>(),
        "rules": rules.iter().map(rule).collect::<Map<_, _>>(),
    })
}

fn kpi(spec: &KpiSpec) -> Value {
    let KpiSpec { inputs, stages, output, key: _ } = spec;
    let stage = |stage: &smelt_runtime::StageSpec| {
        let part = |columns: &[std::sync::Arc<arrow_schema::Field>]| schema_text(&arrow_schema::Schema::new(columns));
        let (keys, sums) = stage.schema.fields().split_at(stage.keys);
        format!("({}) of ({})", part(sums), part(keys))
    };
    let input = |input: &smelt_runtime::KpiInputSpec| {
        let is_alone = inputs.iter().filter(|other| other.name == input.name).count() == 1;
        let name = if is_alone { input.name.clone() } else { format!("{} into stage {}", input.name, input.stage) };
        (name, json!(schema_text(&input.columns)))
    };
    let inputs: Map<_, _> = inputs.iter().map(input).collect();
    json!({
        "uses as-of": spec.uses_as_of(),
        "inputs": inputs,
        "sums": stages.iter().map(stage).collect::<Vec<_>>(),
        "output": schema_text(output),
        "key": spec.key_names(),
    })
}

/// Returns for people what a program gets as JSON. Characters in texts of the guest that a terminal would obey are escaped.
fn text(about: &Map<String, Value>) -> String {
    let mut text = String::new();
    let one = |value: &Value| match value {
        Value::String(text) => smelt_common::text::guest_text(text, 2000),
        other => smelt_common::text::guest_text(&other.to_string(), 2000),
    };
    for (key, value) in about {
        let lines: Vec<String> = match (key.as_str(), value) {
            (_, Value::Null) => continue,
            ("parameters", schema) => vec![one(schema)],
            // Only a KPI has sums. A KPI without a key has a table of one row.
            ("key", Value::Array(all)) if all.is_empty() && about.contains_key("sums") => {
                vec!["no column: there is one row at most".to_owned()]
            }
            (_, Value::Array(all)) if all.is_empty() => vec!["none".to_owned()],
            (_, Value::Array(all)) => all.iter().map(one).collect(),
            (_, Value::Object(all)) => all
                .iter()
                .flat_map(|(name, value)| match value {
                    Value::Object(inner) => [format!("{name}:")]
                        .into_iter()
                        .chain(inner.iter().map(|(name, value)| format!("  {} = {}", one_line(name), one(value))))
                        .collect(),
                    other => vec![format!("{}: {}", one_line(name), one(other))],
                })
                .collect(),
            (_, other) => vec![one(other)],
        };
        for (at, line) in lines.iter().enumerate() {
            let _ = writeln!(text, "{:<14} {line}", if at == 0 { key } else { "" });
        }
    }
    text
}
