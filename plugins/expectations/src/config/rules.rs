//! `business_rules.yaml`: rules between the cells of a row, between rows, and between datasets.

use smelt_sdk_schema::{Column, Schemas};

use super::bounds::Bounds;
use super::fields::{Fields, Place, list, parse, text};
use super::schemas::schema;
use crate::condition::Condition;
use crate::yaml::Node;

pub(crate) const FILE: &str = "business_rules.yaml";

/// A rule of a dataset.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) word: RuleWord,
    /// The condition as it is written, if there is one.
    pub(crate) when: Option<String>,
    pub(crate) bounds: Option<Bounds>,
}

/// The demand of a rule. Columns are indices in the schema.
#[derive(Debug)]
pub(crate) enum RuleWord {
    /// The condition as it is written.
    That(String),
    Unique {
        columns: Vec<usize>,
        in_dataset: bool,
    },
    Refers {
        column: usize,
        dataset: String,
        to: String,
    },
}

impl Rule {
    /// Returns the name of its expectation.
    pub(crate) fn id(&self) -> String {
        let word = match self.word {
            RuleWord::That(_) => "rule",
            RuleWord::Unique { .. } => "unique",
            RuleWord::Refers { .. } => "refers",
        };
        format!("{word}.{}", self.name)
    }
}

/// Reads the rules of all datasets, and returns those of one.
pub(crate) fn read(file: &str, schemas: &Schemas, dataset: &str) -> Result<Vec<Rule>, String> {
    let mut wanted = Vec::new();
    if file.is_empty() {
        return Ok(wanted);
    }
    let root = parse(FILE, file)?;
    let fields = Fields::of(Place::of(FILE, &root), &root, &["version", "datasets"])?;
    fields.version()?;
    let (node, place) = fields.get("datasets")?;
    for (name, node, place) in Fields::any(place, node)?.each() {
        let schema = schema(schemas, name, &place)?;
        let rules = of_dataset(node, &place, name, &schema.columns, schemas)?;
        if name == dataset {
            wanted = rules;
        }
    }
    Ok(wanted)
}

fn of_dataset(
    node: &Node,
    place: &Place,
    dataset: &str,
    columns: &[Column],
    schemas: &Schemas,
) -> Result<Vec<Rule>, String> {
    let mut rules: Vec<Rule> = Vec::new();
    for (node, place) in list(node, place)? {
        let known = ["name", "that", "unique", "refers", "when", "warn", "fail"];
        let fields = Fields::of(place, node, &known)?;
        let (name, place) = fields.text("name")?;
        if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
            return Err(place.wrong(format!("`{name}` must be lower-case letters, digits and `_`")));
        }
        let when = condition(&fields, "when", columns)?;
        let rule = Rule {
            name: name.to_owned(),
            word: word(&fields, dataset, columns, schemas)?,
            when,
            bounds: Bounds::greatest(&fields)?,
        };
        if rules.iter().any(|before| before.id() == rule.id()) {
            return Err(place.wrong(format!("`{}` comes twice", rule.id())));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn word(fields: &Fields<'_>, dataset: &str, columns: &[Column], schemas: &Schemas) -> Result<RuleWord, String> {
    let words: Vec<_> = ["that", "unique", "refers"].into_iter().filter(|word| fields.has(word)).collect();
    match words[..] {
        ["that"] => {
            let that = condition(fields, "that", columns)?;
            that.map(RuleWord::That).ok_or_else(|| fields.place.wrong("`that` is missing"))
        }
        ["unique"] => {
            let (node, place) = fields.get("unique")?;
            let inner = Fields::of(place, node, &["columns", "within"])?;
            let (node, place) = inner.get("columns")?;
            let columns = self::columns(node, &place, columns)?;
            let in_dataset = inner.choice("within", &[("object", false), ("dataset", true)])?;
            Ok(RuleWord::Unique { columns, in_dataset })
        }
        ["refers"] => {
            let (node, place) = fields.get("refers")?;
            let inner = Fields::of(place, node, &["column", "to"])?;
            let (name, place) = inner.text("column")?;
            let column = column(name, &place, columns)?;
            let (to, place) = inner.text("to")?;
            let Some((target, to)) = to.split_once('.').filter(|(_, to)| !to.is_empty()) else {
                return Err(
                    place.wrong(format!("`{to}` must be a dataset and its column, such as products.product_id"))
                );
            };
            schema(schemas, target, &place)?;
            if target == dataset {
                return Err(place.wrong(format!("a rule of `{dataset}` must refer to another dataset")));
            }
            Ok(RuleWord::Refers { column, dataset: target.to_owned(), to: to.to_owned() })
        }
        [] => Err(fields.place.wrong("needs one of `that`, `unique`, `refers`")),
        ref many => Err(fields.place.wrong(format!("has {}; a rule has one of them", ticks(many)))),
    }
}

fn ticks(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ")
}

/// Returns the condition of that name as it is written, once it is known to make sense.
fn condition(fields: &Fields<'_>, key: &str, columns: &[Column]) -> Result<Option<String>, String> {
    let Some((text, place)) = fields.find_text(key)? else { return Ok(None) };
    Condition::parse(text, columns).map_err(|error| place.wrong(error))?;
    Ok(Some(text.to_owned()))
}

/// Returns the index of a column of the schema.
pub(crate) fn column(name: &str, place: &Place, columns: &[Column]) -> Result<usize, String> {
    columns.iter().position(|column| column.name == name).ok_or_else(|| {
        let known: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        place.wrong(format!("no column `{name}`; known: {}", known.join(", ")))
    })
}

/// Returns the indices of the columns of a list, which is not empty and has none twice.
pub(crate) fn columns(node: &Node, place: &Place, columns: &[Column]) -> Result<Vec<usize>, String> {
    let mut indices = Vec::new();
    for (node, place) in list(node, place)? {
        let name = text(node, &place)?;
        let index = column(name, &place, columns)?;
        if indices.contains(&index) {
            return Err(place.wrong(format!("`{name}` comes twice")));
        }
        indices.push(index);
    }
    if indices.is_empty() { Err(place.wrong("must name a column")) } else { Ok(indices) }
}
