//! Checks the descriptions that plugins give, and converts them to the host's types.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::bindings::{types, v0_2_0};
use super::spec::{CleanerSpec, GeneratorSpec, KpiInputSpec, KpiSpec, OrderSpec, Setting, StageSpec, schema_text};
use super::versions::Constant;
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
/// The longest text of a setting in bytes.
const SETTING_BYTES: usize = 1 << 20;

impl TryFrom<types::SourceDescription> for GeneratorSpec {
    type Error = Error;

    fn try_from(description: types::SourceDescription) -> Result<Self> {
        let types::SourceDescription { objects } = description;
        check_names("object pattern", objects.iter().map(String::as_str))?;
        Ok(Self { objects })
    }
}

impl TryFrom<types::CleanerDescription> for CleanerSpec {
    type Error = Error;

    fn try_from(description: types::CleanerDescription) -> Result<Self> {
        let types::CleanerDescription { input, output, key, order_by, rules, session } = description;
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
        let session = setting("its sessions", session)?;
        Ok(Self { input, output, key, order_by, rules, session })
    }
}

impl TryFrom<types::KpiDescription> for KpiSpec {
    type Error = Error;

    fn try_from(description: types::KpiDescription) -> Result<Self> {
        let types::KpiDescription { inputs, stages, output, key } = description;
        if inputs.is_empty() {
            return Err(wrong("it declares no input".into()));
        }
        if inputs.len() > FIELDS {
            let many = inputs.len();
            return Err(wrong(format!("it declares {many} inputs; at most {FIELDS} are accepted")));
        }
        // A name may be listed for several stages.
        let names: BTreeSet<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
        check_names("input", names.iter().copied())?;
        if stages.len() > STAGES {
            return Err(wrong(format!("it declares {} stages; at most {STAGES} are accepted", stages.len())));
        }
        let inputs = inputs.into_iter().zip(0..).map(|(declared, number)| input(declared, number, stages.len()));
        let inputs = inputs.collect::<Result<_>>()?;
        let numbered = stages.into_iter().enumerate();
        let stages: Vec<_> = numbered
            .map(|(number, declared)| stage(declared).map_err(|error| error.context(format!("stage {number}"))))
            .collect::<Result<_>>()?;
        let output = schema("output", output)?;
        let key = key.map(|key| key_columns(&key, &output)).transpose()?;
        // A reducer of one group gives the rows in their order. The rows of several groups have no order but their key's.
        if key.is_none() && stages.last().is_none_or(|last| last.group > 0) {
            return Err(wrong(match stages.len() {
                0 => "it has no stage, so its table is sorted by its key, which it must declare".into(),
                _ => {
                    "its last stage has several groups, so its table is sorted by its key, which it must declare".into()
                }
            }));
        }
        Ok(Self { inputs, stages, output, key })
    }
}

fn input(declared: types::KpiInput, number: u32, stages: usize) -> Result<KpiInputSpec> {
    let types::KpiInput { name, columns, stage, accumulator } = declared;
    let stage = stage as usize;
    // Without a stage, 0 stands for the table.
    if stage >= stages.max(1) {
        let most = stages.max(1) - 1;
        return Err(wrong(format!("input `{name}` feeds stage {stage}; at most {most} would be right")));
    }
    let accumulator = setting(&format!("input `{name}`"), accumulator)?;
    Ok(KpiInputSpec { columns: schema(&name, columns)?, name, number, stage, accumulator })
}

fn stage(declared: types::Stage) -> Result<StageSpec> {
    let types::Stage { key, sums, group, reducer } = declared;
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
    if group > keys {
        return Err(wrong(format!("{group} of its {keys} key columns make a group; it must be at most all")));
    }
    let reducer = setting("its reducer", reducer)?;
    Ok(StageSpec { schema, keys, group, reducer })
}

fn setting(of: &str, declared: types::Setting) -> Result<Setting> {
    let types::Setting { params, uses_as_of } = declared;
    check_text(&format!("the setting of {of}"), &params, SETTING_BYTES)?;
    Ok(Setting { params, uses_as_of })
}

/// Converts a description that is as it was before 0.3.0, for a plugin with these parameters.
pub(super) trait Described: Constant {
    /// The description as the host uses it.
    type Spec;

    /// Checks what only the contracts before 0.3.0 say, and then what all of them say.
    fn spec(self, params: &str) -> Result<Self::Spec>;
}

impl Described for v0_2_0::types::SourceDescription {
    type Spec = GeneratorSpec;

    fn spec(self, params: &str) -> Result<GeneratorSpec> {
        self.current(params).try_into()
    }
}

impl Described for v0_2_0::types::CleanerDescription {
    type Spec = CleanerSpec;

    fn spec(self, params: &str) -> Result<CleanerSpec> {
        self.current(params).try_into()
    }
}

impl Described for v0_2_0::types::KpiDescription {
    type Spec = KpiSpec;

    fn spec(self, params: &str) -> Result<KpiSpec> {
        check_names("input", self.inputs.iter().map(|input| input.name.as_str()))?;
        if !(1..=STAGES).contains(&self.stages.len()) {
            return Err(wrong(format!("it declares {} stages; 1 to {STAGES} are accepted", self.stages.len())));
        }
        let last = self.stages.len() - 1;
        for (number, stage) in self.stages.iter().enumerate() {
            let grouped = check_fold(stage, number == last);
            grouped.map_err(|error| error.context(format!("stage {number}")))?;
        }
        self.current(params).try_into()
    }
}

/// Checks that a stage before the last has groups to be folded, and the last one has none.
fn check_fold(stage: &v0_2_0::types::Stage, is_last: bool) -> Result<()> {
    let (keys, group) = (stage.key.len(), stage.group as usize);
    let groups = if is_last { 0..=0 } else { 1..=keys };
    match groups.contains(&group) {
        true => Ok(()),
        false => Err(wrong(match is_last {
            true => {
                format!("{group} of its key columns make a group, but the last stage is not folded: 0 would be right")
            }
            false => format!("{group} of its {keys} key columns make a group; it must be at least 1 and at most all"),
        })),
    }
}

fn wrong(what: String) -> Error {
    Error::plugin(format!("the description is wrong: {what}"))
}

/// Checks what a plugin says of itself whatever its parameters.
pub(super) fn check_identity(identity: &types::Identity) -> Result<()> {
    let types::Identity { name, version, summary, parameters } = identity;
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

    fn setting(params: &str, uses_as_of: bool) -> types::Setting {
        types::Setting { params: params.to_owned(), uses_as_of }
    }

    /// Returns a stage whose keys are text and whose sums are integers.
    fn stage(keys: &[&str], sums: &[&str], group: u32) -> types::Stage {
        let key = keys.iter().map(|name| field(name, types::DataType::Utf8, true)).collect();
        let sums = sums.iter().map(|name| integer(name)).collect();
        types::Stage { key, sums, group, reducer: setting("{}", false) }
    }

    fn input(name: &str, stage: u32) -> types::KpiInput {
        types::KpiInput { name: name.to_owned(), columns: vec![integer("n")], stage, accumulator: setting("{}", false) }
    }

    fn output() -> Vec<types::Field> {
        vec![field("day", types::DataType::Date32, true), integer("n"), integer("m")]
    }

    /// Returns a description with a key, and the inputs and stages.
    fn described(inputs: Vec<types::KpiInput>, stages: Vec<types::Stage>) -> types::KpiDescription {
        types::KpiDescription { inputs, stages, output: output(), key: Some(vec!["day".to_owned()]) }
    }

    fn refused(description: types::KpiDescription) -> String {
        KpiSpec::try_from(description).err().map_or_else(String::new, |error| error.to_string())
    }

    /// Returns the description of a KPI before 0.3.0 with these stages.
    fn earlier(stages: Vec<types::Stage>, key: Option<&[&str]>) -> v0_2_0::types::KpiDescription {
        let stage = |types::Stage { key, sums, group, .. }| v0_2_0::types::Stage { key, sums, group };
        v0_2_0::types::KpiDescription {
            identity: v0_2_0::types::Identity {
                name: "kpi".into(),
                version: "1.0.0".into(),
                summary: String::new(),
                parameters: "{}".into(),
                uses_as_of: true,
            },
            inputs: vec![v0_2_0::types::KpiInput { name: "rows".into(), columns: vec![integer("n")] }],
            stages: stages.into_iter().map(stage).collect(),
            output: output(),
            key: key.map(|names| names.iter().map(|&name| name.to_owned()).collect()),
        }
    }

    fn spec(stages: Vec<types::Stage>) -> Result<KpiSpec, String> {
        spec_with(stages, None)
    }

    fn spec_with(stages: Vec<types::Stage>, key: Option<&[&str]>) -> Result<KpiSpec, String> {
        earlier(stages, key).spec("{}").map_err(|error| error.to_string())
    }

    #[test]
    fn before_0_3_0_all_parts_depend_on_all_parameters_and_all_inputs_feed_the_first_stage() {
        let mut description = earlier(vec![stage(&["a"], &["n"], 1), stage(&[], &["n"], 0)], None);
        description.inputs.push(v0_2_0::types::KpiInput { name: "more".into(), columns: vec![integer("n")] });
        let spec = description.spec(r#"{"limit":3}"#).expect("it is well-formed");
        assert_eq!(spec.inputs.iter().map(|input| input.stage).collect::<Vec<_>>(), [0, 0]);
        let all = Setting { params: r#"{"limit":3}"#.to_owned(), uses_as_of: true };
        assert_eq!(spec.settings().collect::<Vec<_>>(), [&all; 4]);
        assert!(spec.uses_as_of());
        assert_eq!(spec.stages.iter().map(|stage| stage.group).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn before_0_3_0_an_input_has_a_name_of_its_own() {
        let mut description = earlier(vec![stage(&[], &["n"], 0)], None);
        description.inputs.push(description.inputs[0].clone());
        let told = description.spec("{}").expect_err("the name is there twice").to_string();
        assert!(told.contains("input `rows` is declared twice"), "{told}");
    }

    #[test]
    fn a_cleaner_before_0_3_0_opens_its_sessions_with_all_parameters() {
        let identity = earlier(vec![], None).identity;
        let description = v0_2_0::types::CleanerDescription {
            identity,
            input: vec!["n".into()],
            output: output(),
            key: vec![],
            order_by: vec![],
            rules: vec![],
        };
        let spec = description.spec(r#"{"a":1}"#).expect("it is well-formed");
        assert_eq!(spec.session, Setting { params: r#"{"a":1}"#.to_owned(), uses_as_of: true });
    }

    #[test]
    fn inputs_feed_the_stages_they_name_with_settings_of_their_own() {
        let later = types::KpiInput { accumulator: setting("a", true), ..input("rows", 1) };
        let last = types::Stage { reducer: setting("r", false), ..stage(&["b"], &["n", "m"], 1) };
        let spec = KpiSpec::try_from(described(vec![input("rows", 0), later], vec![stage(&["a"], &["n"], 0), last]));
        let spec = spec.expect("a name may be there for several stages");
        assert_eq!(spec.inputs.iter().map(|input| input.stage).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(spec.inputs[1].accumulator, Setting { params: "a".into(), uses_as_of: true });
        assert_eq!(spec.stages[1].reducer, Setting { params: "r".into(), uses_as_of: false });
        assert!(spec.uses_as_of());
        assert_eq!(spec.stages.iter().map(|stage| stage.group).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(schema_text(spec.state_schema(1)), "b: utf8?, n: int64, m: int64");
        assert_eq!(schema_text(spec.reduced_schema(0)), schema_text(spec.state_schema(1)));
        assert_eq!(spec.reduced_schema(1), &spec.output);
    }

    #[test]
    fn without_a_stage_accumulators_give_the_table() {
        let spec = KpiSpec::try_from(described(vec![input("rows", 0)], vec![])).expect("it is well-formed");
        assert_eq!(spec.state_schema(0), &spec.output);
        assert!(!spec.uses_as_of());
    }

    #[test]
    fn what_no_stage_or_input_can_be_is_refused() {
        let one = || vec![input("rows", 0)];
        let sums = || vec![stage(&["a"], &["n"], 0)];
        let long = |bytes: usize| setting(&"x".repeat(bytes), false);
        let with = |accumulator| types::KpiInput { accumulator, ..input("rows", 0) };
        for (description, words) in [
            (described(vec![], sums()), "it declares no input"),
            (described(vec![input("rows", 0); 101], sums()), "it declares 101 inputs; at most 100 are accepted"),
            (described(vec![input("", 0)], sums()), "every input must have a name"),
            (described(vec![input("rows", 1)], sums()), "input `rows` feeds stage 1; at most 0 would be right"),
            (described(vec![input("rows", 1)], vec![]), "input `rows` feeds stage 1; at most 0 would be right"),
            (described(vec![types::KpiInput { columns: vec![], ..input("rows", 0) }], sums()), "rows has no columns"),
            (described(one(), vec![stage(&["a"], &["n"], 0); 5]), "it declares 5 stages; at most 4 are accepted"),
            (
                described(one(), vec![stage(&["a"], &["n"], 2)]),
                "stage 0: the description is wrong: 2 of its 1 key columns",
            ),
            (described(vec![with(long((1 << 20) + 1))], sums()), "the setting of input `rows` has 1048577 bytes"),
            (
                described(one(), vec![types::Stage { reducer: long((1 << 20) + 1), ..stage(&["a"], &["n"], 0) }]),
                "stage 0: the description is wrong: the setting of its reducer has 1048577 bytes; at most 1048576",
            ),
            (
                types::KpiDescription { key: None, ..described(one(), vec![]) },
                "it has no stage, so its table is sorted",
            ),
            (
                types::KpiDescription { key: None, ..described(one(), vec![stage(&["a"], &["n"], 1)]) },
                "its last stage has several groups, so its table is sorted by its key, which it must declare",
            ),
        ] {
            let told = refused(description);
            assert!(told.contains(words), "`{words}` is not in: {told}");
        }
        assert_eq!(refused(described(vec![with(long(1 << 20))], sums())), "");
        assert_eq!(refused(types::KpiDescription { key: None, ..described(one(), sums()) }), "");
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
