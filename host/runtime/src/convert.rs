//! Checks the descriptions that plugins give, and converts them to the host's types.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::bindings::types;
use super::spec::{CleanerSpec, GeneratorSpec, KpiInputSpec, KpiSpec, OrderSpec, StageSpec, schema_text};
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_common::text::{NAME, PLUGIN, alike, guest_text, is_word, wrong_heading, wrong_name};

/// The time zone of every timestamp.
const UTC: &str = "UTC";
/// The most columns, rules or inputs.
const FIELDS: usize = 100;
/// The longest name in bytes.
const NAME_BYTES: usize = 255;
/// The most stages of a KPI.
const STAGES: usize = 4;
/// The longest version in bytes.
const VERSION_BYTES: usize = 64;
/// The longest summary of a plugin or a rule, in bytes.
const SUMMARY_BYTES: usize = 1000;
/// The longest schema of parameters in bytes.
const PARAMETERS_BYTES: usize = 64 << 10;

impl TryFrom<types::SourceDescription> for GeneratorSpec {
    type Error = Error;

    fn try_from(description: types::SourceDescription) -> Result<Self> {
        let types::SourceDescription { identity, objects } = description;
        check_identity(&identity)?;
        check_names("object pattern", objects.iter().map(String::as_str))?;
        Ok(Self { identity, objects })
    }
}

impl TryFrom<types::CleanerDescription> for CleanerSpec {
    type Error = Error;

    fn try_from(description: types::CleanerDescription) -> Result<Self> {
        let types::CleanerDescription { identity, input, output, key, order_by, rules } = description;
        check_identity(&identity)?;
        // Raw files name these columns, so any visible name is accepted.
        check_each("input column", input.iter().map(String::as_str), wrong_heading, false)?;
        check_names("rule", rules.iter().map(|rule| rule.name.as_str()))?;
        if let Some(rule) = rules.iter().find(|rule| !is_word(&rule.name, &NAME, NAME_BYTES)) {
            return Err(wrong(format!(
                "rule `{}` must be lower-case letters, digits and `_`",
                guest_text(&rule.name, 300)
            )));
        }
        rules.iter().try_for_each(|rule| check_text("the summary of a rule", &rule.summary, SUMMARY_BYTES))?;
        check_names("order-by column", order_by.iter().map(|order| order.column.as_str()))?;
        let output = schema("output", output)?;
        let key = key_columns(&key, &output)?;
        if let Some(&nullable) = key.iter().find(|&&index| output.field(index).is_nullable()) {
            return Err(wrong(format!("key column `{}` must not be nullable", output.field(nullable).name())));
        }
        let order =
            |order: types::Order| Ok(OrderSpec { column: column(&order.column, &output)?, prefer: order.prefer });
        let order_by = order_by.into_iter().map(order).collect::<Result<Vec<_>>>()?;
        if key.is_empty() && !order_by.is_empty() {
            return Err(wrong("order-by has no meaning without a key".into()));
        }
        Ok(Self { identity, input, output, key, order_by, rules })
    }
}

impl TryFrom<types::KpiDescription> for KpiSpec {
    type Error = Error;

    fn try_from(description: types::KpiDescription) -> Result<Self> {
        let types::KpiDescription { identity, inputs, stages, output, key } = description;
        check_identity(&identity)?;
        check_names("input", inputs.iter().map(|input| input.name.as_str()))?;
        if inputs.is_empty() {
            return Err(wrong("it declares no input".into()));
        }
        let inputs = inputs
            .into_iter()
            .map(|types::KpiInput { name, columns }| Ok(KpiInputSpec { columns: schema(&name, columns)?, name }))
            .collect::<Result<_>>()?;
        if !(1..=STAGES).contains(&stages.len()) {
            return Err(wrong(format!("it declares {} stages; 1 to {STAGES} are accepted", stages.len())));
        }
        let last = stages.len() - 1;
        let stage = |(number, declared)| {
            stage(declared, number == last).map_err(|error| error.context(format!("stage {number}")))
        };
        let stages = stages.into_iter().enumerate().map(stage).collect::<Result<_>>()?;
        let output = schema("output", output)?;
        let key = key.map(|key| key_columns(&key, &output)).transpose()?;
        Ok(Self { identity, inputs, stages, output, key })
    }
}

fn stage(declared: types::Stage, is_last: bool) -> Result<StageSpec> {
    let types::Stage { key, sums, group } = declared;
    let (keys, group) = (key.len(), group as usize);
    if sums.is_empty() {
        return Err(wrong("it has no sums".into()));
    }
    let columns = key.into_iter().chain(sums).collect();
    let schema = schema("its columns", columns)?;
    let no_sum = |field: &&Arc<Field>| {
        field.is_nullable() || !matches!(field.data_type(), DataType::Int64 | DataType::Decimal128(..))
    };
    if let Some(field) = schema.fields()[keys..].iter().find(no_sum) {
        let found = schema_text(&Schema::new(vec![field.clone()]));
        return Err(wrong(format!("a sum is int64 or decimal128 and not nullable, not `{found}`")));
    }
    let groups = if is_last { 0..=0 } else { 1..=keys };
    if !groups.contains(&group) {
        return Err(wrong(match is_last {
            true => {
                format!("{group} of its key columns make a group, but the last stage is not folded: 0 would be right")
            }
            false => format!("{group} of its {keys} key columns make a group; it must be at least 1 and at most all"),
        }));
    }
    Ok(StageSpec { schema, keys, group })
}

fn wrong(what: String) -> Error {
    Error::plugin(format!("the description is wrong: {what}"))
}

fn check_identity(identity: &types::Identity) -> Result<()> {
    let types::Identity { name, version, summary, parameters, uses_as_of: _ } = identity;
    if !is_word(name, &PLUGIN, NAME_BYTES) {
        return Err(wrong("the name must be lower-case letters, digits and `-`".into()));
    }
    check_text("the version", version, VERSION_BYTES)?;
    check_text("the summary", summary, SUMMARY_BYTES)?;
    check_text("the parameters", parameters, PARAMETERS_BYTES)
}

fn check_text(what: &str, text: &str, most: usize) -> Result<()> {
    match text.len() {
        length if length > most => Err(wrong(format!("{what} has {length} bytes; at most {most} are accepted"))),
        _ => Ok(()),
    }
}

fn check_names<'a>(what: &str, names: impl Iterator<Item = &'a str> + Clone) -> Result<()> {
    check_each(what, names, wrong_name, true)
}

/// Checks that `wrong_with` finds no mistake in any of the names, and that no two of them can be taken for each other.
/// With `fold`, names must also differ in more than case.
fn check_each<'a>(
    what: &str,
    names: impl Iterator<Item = &'a str> + Clone,
    wrong_with: impl Fn(&str) -> Option<&'static str>,
    fold: bool,
) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names.clone() {
        if name.is_empty() || name.len() > NAME_BYTES {
            return Err(wrong(format!("every {what} must have a name of 1 to {NAME_BYTES} bytes")));
        }
        if let Some(why) = wrong_with(name) {
            return Err(wrong(format!("{what} `{}` {why}", name.escape_default())));
        }
        if !seen.insert(name) {
            return Err(wrong(format!("{what} `{name}` is declared twice")));
        }
    }
    if let Some((one, other)) = alike(names, fold) {
        let (one, other) = (one.escape_default(), other.escape_default());
        return Err(wrong(format!("{what} `{other}` can be taken for `{one}`")));
    }
    match seen.len() {
        0..=FIELDS => Ok(()),
        many => Err(wrong(format!("it declares {many} {what}s; at most {FIELDS} are accepted"))),
    }
}

fn key_columns(names: &[String], output: &Schema) -> Result<Vec<usize>> {
    check_names("key column", names.iter().map(String::as_str))?;
    names.iter().map(|name| column(name, output)).collect()
}

fn column(name: &str, output: &Schema) -> Result<usize> {
    let unknown = |_| wrong(format!("`{name}` is not among its output columns ({})", schema_text(output)));
    output.index_of(name).map_err(unknown)
}

fn schema(what: &str, fields: Vec<types::Field>) -> Result<SchemaRef> {
    check_names("column", fields.iter().map(|field| field.name.as_str())).map_err(|error| error.context(what))?;
    if fields.is_empty() {
        return Err(wrong(format!("{what} has no columns")));
    }
    let field = |types::Field { name, data_type, nullable }: types::Field| {
        let data_type = match data_type {
            types::DataType::Boolean => DataType::Boolean,
            types::DataType::Int64 => DataType::Int64,
            types::DataType::Float64 => DataType::Float64,
            types::DataType::Utf8 => DataType::Utf8,
            types::DataType::Date32 => DataType::Date32,
            types::DataType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            types::DataType::Decimal128(types::DecimalType { precision, scale }) => {
                if !(1..=38).contains(&precision) || scale > precision {
                    return Err(wrong(format!(
                        "column `{name}`: a decimal has 1 to 38 digits, and no more places than digits"
                    )));
                }
                DataType::Decimal128(precision, scale as i8)
            }
        };
        Ok(Field::new(name, data_type, nullable))
    };
    Ok(Arc::new(Schema::new(fields.into_iter().map(field).collect::<Result<Vec<_>>>()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, data_type: types::DataType, nullable: bool) -> types::Field {
        types::Field { name: name.to_owned(), data_type, nullable }
    }

    fn integer(name: &str) -> types::Field {
        field(name, types::DataType::Int64, false)
    }

    /// Returns a stage whose keys are text and whose sums are integers.
    fn stage(keys: &[&str], sums: &[&str], group: u32) -> types::Stage {
        let key = keys.iter().map(|name| field(name, types::DataType::Utf8, true)).collect();
        types::Stage { key, sums: sums.iter().map(|name| integer(name)).collect(), group }
    }

    fn spec(stages: Vec<types::Stage>) -> Result<KpiSpec, String> {
        spec_with(stages, None)
    }

    fn spec_with(stages: Vec<types::Stage>, key: Option<&[&str]>) -> Result<KpiSpec, String> {
        let inputs = vec![types::KpiInput { name: "rows".into(), columns: vec![integer("n")] }];
        let identity = crate::described("kpi");
        let output = vec![field("day", types::DataType::Date32, true), integer("n"), integer("m")];
        let key = key.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        let description = types::KpiDescription { identity, inputs, stages, output, key };
        KpiSpec::try_from(description).map_err(|error| error.to_string())
    }

    #[test]
    fn the_key_of_a_table_is_some_of_its_columns() {
        let key = |names: &[&str]| spec_with(vec![stage(&[], &["n"], 0)], Some(names)).map(|spec| spec.key);
        assert_eq!(key(&["m", "day"]), Ok(Some(vec![2, 0])));
        assert_eq!(key(&[]), Ok(Some(vec![])));
        assert_eq!(spec(vec![stage(&[], &["n"], 0)]).expect("it is well-formed").key, None);
        let unknown = key(&["n", "week"]).expect_err("it has no such column");
        assert!(
            unknown.contains("`week` is not among its output columns (day: date32?, n: int64, m: int64)"),
            "{unknown}"
        );
        assert!(key(&["n", "n"]).expect_err("it is twice there").contains("key column `n` is declared twice"));
    }

    #[test]
    fn stages_are_keys_and_sums_of_which_all_but_the_last_are_folded() {
        let spec = spec(vec![stage(&["a", "b"], &["n"], 1), stage(&["b"], &["n"], 1), stage(&[], &["n", "m"], 0)]);
        let stages = spec.expect("it is well-formed").stages;
        let shape: Vec<_> = stages.iter().map(|stage| (schema_text(&stage.schema), stage.keys, stage.group)).collect();
        let expected =
            [("a: utf8?, b: utf8?, n: int64", 2, 1), ("b: utf8?, n: int64", 1, 1), ("n: int64, m: int64", 0, 0)];
        assert_eq!(shape, expected.map(|(columns, keys, group)| (columns.to_owned(), keys, group)));
    }

    #[test]
    fn what_is_no_table_of_sums_is_refused_by_its_stage() {
        let sum =
            |data_type, nullable| types::Stage { sums: vec![field("n", data_type, nullable)], ..stage(&[], &[], 0) };
        let last = || stage(&["b"], &["n"], 0);
        let many: Vec<_> = (0..100).map(|number| format!("k{number}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        for (stages, words) in [
            (vec![], "it declares 0 stages; 1 to 4 are accepted"),
            (vec![last(), last(), last(), last(), last()], "it declares 5 stages"),
            (vec![stage(&["a"], &[], 0)], "stage 0: the description is wrong: it has no sums"),
            (vec![stage(&["a"], &["a"], 0)], "column `a` is declared twice"),
            (vec![stage(&many, &["n"], 0)], "it declares 101 columns; at most 100"),
            (vec![sum(types::DataType::Float64, false)], "int64 or decimal128 and not nullable, not `n: float64`"),
            (vec![sum(types::DataType::Int64, true)], "not `n: int64?`"),
            (vec![stage(&["a"], &["n"], 1)], "stage 0: the description is wrong: 1 of its key columns make a group"),
            (vec![stage(&["a"], &["n"], 0), last()], "stage 0: the description is wrong: 0 of its 1 key columns"),
            (vec![stage(&["a"], &["n"], 2), last()], "2 of its 1 key columns make a group"),
            (vec![stage(&["a"], &["n"], 1), stage(&["b"], &["n"], 1)], "stage 1: the description is wrong"),
        ] {
            let error = spec(stages).expect_err(words);
            assert!(error.contains(words), "`{words}` is not in: {error}");
        }
    }
}
