//! Files that make no sense, and the messages that say why.

use super::*;

const SCHEMAS: &str = r#"{"version": 1, "datasets": {
  "products": {"columns": {"product_id": {"type": "text"}}},
  "sales": {"columns": {
    "sale_id": {"type": "text", "required": true, "pattern": "V[0-9]+"},
    "quantity": {"type": "integer", "min": 1},
    "total": {"type": "decimal"},
    "sold_at": {"type": "timestamp", "max": "stamp+1d"},
    "events": {"type": "json"}}}}}"#;

const RULES: &str = "version: 1
datasets:
  sales:
    - name: once
      unique: { columns: [sale_id], within: dataset }
      warn: 0
    - { name: adds_up, when: quantity > 1, that: total >= quantity, fail: 0.1 }
    - { name: known, refers: { column: sale_id, to: products.product_id } }
";

const THRESHOLDS: &str = "version: 1
defaults: { warn: 0, fail: 0.05 }
weights: { schema: 2 }
keep_failing: 100
datasets:
  sales:
    parse: { warn: 0.01 }
    rows: { fail: { min: 1, max: 10 } }
    completeness: { columns: [sale_id], fail: { min: 0.9 } }
    score: { fail: { min: 0.9 } }
    thresholds: { type.quantity: { warn: 0.02 } }
    anomalies:
      - { metric: sum(total), last: 20, history: 4, season: weekday, direction: up, floor: 1%, warn: 3.5 }
    drifts:
      - { column: sale_id, warn: 0.2 }
    fresh: { warn: 36 }
    arrivals: { every: day, warn: 0 }
";

/// Returns the error of the files, in one of which a text is replaced.
fn error(file: &str, from: &str, to: &str) -> String {
    let replaced = |name: &str, text: &str| {
        assert!(name != file || text.contains(from), "{file} lacks `{from}`");
        if name == file { text.replacen(from, to, 1) } else { text.to_owned() }
    };
    let files = [(schemas::FILE, SCHEMAS), (rules::FILE, RULES), (thresholds::FILE, THRESHOLDS)];
    let [schemas, rules, thresholds] = files.map(|(name, text)| replaced(name, text));
    match Files::read(&schemas, &rules, &thresholds, "sales") {
        Ok(_) => String::new(),
        Err(error) => error,
    }
}

#[test]
fn the_files_are_right_as_they_are() {
    assert_eq!(error(schemas::FILE, "", ""), "");
    let comments = error(rules::FILE, "version: 1", "# rules\n---\nversion: 1 # the first");
    assert_eq!(comments, "");
    assert!(Files::read(SCHEMAS, "", "", "sales").is_ok(), "rules and thresholds may be left out");
}

#[test]
fn a_wrong_file_is_refused_with_its_place_and_what_would_be_right() {
    let (s, r, t) = (schemas::FILE, rules::FILE, thresholds::FILE);
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str, &str)] = &[
        (s, "\"sales\"", "\"orders\"",
            "data_schemas.json: datasets: no dataset `sales`; known: products, orders"),
        (s, "\"columns\"", "\"colums\"",
            "data_schemas.json: datasets.products: `colums` is unknown; known: columns, extra_columns"),
        (s, "V[0-9]+", "V[0-9",
            "data_schemas.json: datasets.sales.columns.sale_id.pattern: `V[0-9` is no regular expression: unclosed character class"),
        (s, "\"version\": 1", "\"version\": 1, \"version\": 1",
            "data_schemas.json: `version` comes twice"),
        (s, "\"type\": \"text\"}", "\"type\": \"text\", \"min\": 1}",
            "data_schemas.json: datasets.products.columns.product_id.min: a column of type text has no `min`"),
        (s, "}}}}}", "}}}}",
            "data_schemas.json: it is no JSON: line 8, column 34: there should be a `,` or a `}`"),
        (r, "version: 1", "version: 2",
            "business_rules.yaml, line 1: version: must be 1, is `2`"),
        (r, "version: 1\n", "",
            "business_rules.yaml, line 1: `version` is missing"),
        (r, "datasets:", "dataset:",
            "business_rules.yaml, line 2: `dataset` is unknown; known: version, datasets"),
        (r, "  sales:", "  sale:",
            "business_rules.yaml, line 3: datasets.sale: no dataset `sale` in data_schemas.json; known: products, sales"),
        (r, "    - name: once\n      unique", "    - unique",
            "business_rules.yaml, line 4: datasets.sales[0]: `name` is missing"),
        (r, "name: once", "name: Once",
            "business_rules.yaml, line 4: datasets.sales[0].name: `Once` must be lower-case letters, digits and `_`"),
        (r, "name: once", "name: 5",
            "business_rules.yaml, line 4: datasets.sales[0].name: must be a text, is `5`"),
        (r, "name: known, refers: { column: sale_id, to: products.product_id }", "name: once, unique: { columns: [total] }",
            "business_rules.yaml, line 8: datasets.sales[2].name: `unique.once` comes twice"),
        (r, "that: total >= quantity, ", "",
            "business_rules.yaml, line 7: datasets.sales[1]: needs one of `that`, `unique`, `refers`"),
        (r, "that: total >= quantity", "that: total >= quantity, unique: { columns: [total] }",
            "business_rules.yaml, line 7: datasets.sales[1]: has `that` and `unique`; a rule has one of them"),
        (r, "that: total >= quantity", "that: totl >= quantity",
            "business_rules.yaml, line 7: datasets.sales[1].that: at character 1: no column `totl`; known: sale_id, quantity, total, sold_at, events"),
        (r, "that: total >= quantity", "that: total >= 'a'",
            "business_rules.yaml, line 7: datasets.sales[1].that: at character 7: a number is compared with a text; only like compares with like"),
        (r, "when: quantity > 1", "when: quantity",
            "business_rules.yaml, line 7: datasets.sales[1].when: at character 9: expected a comparison, such as `= 1`, `in […]` or `is missing`, found the end"),
        (r, "that: total >= quantity", "that: 5",
            "business_rules.yaml, line 7: datasets.sales[1].that: must be a text, is `5`"),
        (r, "that: total >= quantity", "that: ",
            "business_rules.yaml, line 7: datasets.sales[1].that: must be a text, is nothing"),
        (r, "columns: [sale_id]", "columns: [sale]",
            "business_rules.yaml, line 5: datasets.sales[0].unique.columns[0]: no column `sale`; known: sale_id, quantity, total, sold_at, events"),
        (r, "columns: [sale_id]", "columns: sale_id",
            "business_rules.yaml, line 5: datasets.sales[0].unique.columns: must be a list, is a text"),
        (r, "columns: [sale_id]", "columns: []",
            "business_rules.yaml, line 5: datasets.sales[0].unique.columns: must name a column"),
        (r, "columns: [sale_id]", "columns: [sale_id, sale_id]",
            "business_rules.yaml, line 5: datasets.sales[0].unique.columns[1]: `sale_id` comes twice"),
        (r, "within: dataset", "within: file",
            "business_rules.yaml, line 5: datasets.sales[0].unique.within: `file` is unknown; known: object, dataset"),
        (r, "products.product_id", "product.product_id",
            "business_rules.yaml, line 8: datasets.sales[2].refers.to: no dataset `product` in data_schemas.json; known: products, sales"),
        (r, "products.product_id", "product_id",
            "business_rules.yaml, line 8: datasets.sales[2].refers.to: `product_id` must be a dataset and its column, such as products.product_id"),
        (r, "products.product_id", "sales.sale_id",
            "business_rules.yaml, line 8: datasets.sales[2].refers.to: a rule of `sales` must refer to another dataset"),
        (r, "fail: 0.1", "fail: 10%",
            "business_rules.yaml, line 7: datasets.sales[1].fail: must be a plain number, such as 0.05, is `10%`"),
        (r, "fail: 0.1", "fail: -0.1",
            "business_rules.yaml, line 7: datasets.sales[1].fail: must not be less than 0, is -0.1"),
        (r, "fail: 0.1", "fail: \"0.1\"",
            "business_rules.yaml, line 7: datasets.sales[1].fail: must be a plain number, such as 0.05, is the text `0.1`"),
        (r, "fail: 0.1", "fail: 0.1, fail: 0.2",
            "business_rules.yaml, line 7: datasets.sales[1]: `fail` comes twice; first in line 7"),
        (r, "warn: 0", "warn: &zero 0",
            "business_rules.yaml, line 6: datasets.sales[0].warn: an anchor (`&name`) stands here; this file has none"),
        (r, "warn: 0", "warn: !!int 0",
            "business_rules.yaml, line 6: datasets.sales[0].warn: a tag (`tag:yaml.org,2002:!int`) stands here; this file has none"),
        (r, "warn: 0", "<<: { warn: 0 }",
            "business_rules.yaml, line 6: datasets.sales[0]: keys are merged (`<<`); write them out"),
        (r, "warn: 0", "warn: *zero",
            "business_rules.yaml, line 6: no YAML: while parsing node, found unknown anchor"),
        (r, "warn: 0", "warn: [",
            "business_rules.yaml, line 7: no YAML: invalid indentation"),
        (r, "version: 1", "version: 1\n---\nversion: 1",
            "business_rules.yaml, line 2: a second document begins; the file must have one"),
        (r, "  sales:\n", "  sales: 5\n  products:\n",
            "business_rules.yaml, line 3: datasets.sales: must be a list, is a number"),
        (t, "keep_failing: 100", "keep_failing: 1.5",
            "quality_thresholds.yaml, line 4: keep_failing: must be a whole number from 0 to 1000000, is `1.5`"),
        (t, "schema: 2", "shema: 2",
            "quality_thresholds.yaml, line 3: weights: `shema` is unknown; known: schema, completeness, uniqueness, validity, consistency, integrity, volume, distribution"),
        (t, "schema: 2", "schema: -2",
            "quality_thresholds.yaml, line 3: weights.schema: must not be less than 0, is -2"),
        (t, "{ warn: 0, fail: 0.05 }", "{}",
            "quality_thresholds.yaml, line 2: defaults: needs `warn`, `fail` or both"),
        (t, "parse: { warn: 0.01 }", "parse: 0.01",
            "quality_thresholds.yaml, line 7: datasets.sales.parse: must be a mapping, is a number"),
        (t, "parse: { warn: 0.01 }", "parse: { max: 0.01 }",
            "quality_thresholds.yaml, line 7: datasets.sales.parse: `max` is unknown; known: warn, fail"),
        (t, "fail: { min: 1, max: 10 }", "fail: 1",
            "quality_thresholds.yaml, line 8: datasets.sales.rows.fail: must be a mapping, is a number"),
        (t, "fail: { min: 1, max: 10 }", "fail: { min: 11, max: 10 }",
            "quality_thresholds.yaml, line 8: datasets.sales.rows.fail: `min` 11 is more than `max` 10"),
        (t, "fail: { min: 1, max: 10 }", "fail: {}",
            "quality_thresholds.yaml, line 8: datasets.sales.rows.fail: needs `min`, `max` or both"),
        (t, "fail: { min: 0.9 } }\n    score", "fail: { max: 0.9 } }\n    score",
            "quality_thresholds.yaml, line 9: datasets.sales.completeness.fail: `max` is unknown; known: min"),
        (t, "columns: [sale_id], fail: { min: 0.9 }", "columns: [sale_id]",
            "quality_thresholds.yaml, line 9: datasets.sales.completeness: needs `warn`, `fail` or both"),
        (t, "type.quantity", "type.sale_id",
            "quality_thresholds.yaml, line 11: datasets.sales.thresholds.type.sale_id: no row-wise expectation `type.sale_id`; known: parse, required.sale_id, match.sale_id, type.quantity, range.quantity, type.total, type.sold_at, range.sold_at, type.events, unique.once, rule.adds_up, refers.known"),
        (t, "type.quantity: { warn: 0.02 }", "type.quantity: {}",
            "quality_thresholds.yaml, line 11: datasets.sales.thresholds.type.quantity: needs `warn`, `fail` or both"),
        (t, "sum(total)", "total",
            "quality_thresholds.yaml, line 13: datasets.sales.anomalies[0].metric: no metric `total`; known: rows, bytes, malformed, missing(column), share(condition), distinct(column), sum(column), mean(column), min(column), max(column)"),
        (t, "sum(total)", "sum(sale_id)",
            "quality_thresholds.yaml, line 13: datasets.sales.anomalies[0].metric: `sum` is of numbers, but column `sale_id` is text"),
        (t, "sum(total)", "sum(totl)",
            "quality_thresholds.yaml, line 13: datasets.sales.anomalies[0].metric: no column `totl`; known: sale_id, quantity, total, sold_at, events"),
        (t, "sum(total)", "share(total > )",
            "quality_thresholds.yaml, line 13: datasets.sales.anomalies[0].metric: share: at character 8: expected a column or a value, found the end"),
        (t, "sum(total)", "median(total)",
            "quality_thresholds.yaml, line 13: datasets.sales.anomalies[0].metric: no metric `median(total)`; known: rows, bytes, malformed, missing(column), share(condition), distinct(column), sum(column), mean(column), min(column), max(column)"),
        (t, "history: 4", "history: 40",
            "quality_thresholds.yaml, line 13: datasets.sales.anomalies[0]: `history` 40 is more than `last` 20"),
        (t, "last: 20", "last: 0",
            "quality_thresholds.yaml, line 13: datasets.sales.anomalies[0].last: must be a whole number from 1 to 1000, is `0`"),
        (t, "season: weekday", "season: month",
            "quality_thresholds.yaml, line 13: datasets.sales.anomalies[0].season: `month` is unknown; known: none, weekday"),
        (t, "direction: up", "direction: upward",
            "quality_thresholds.yaml, line 13: datasets.sales.anomalies[0].direction: `upward` is unknown; known: both, up, down"),
        (t, "floor: 1%", "floor: -1",
            "quality_thresholds.yaml, line 13: datasets.sales.anomalies[0].floor: must be a number or a share of the median, such as 0.5 or 1%, is `-1`"),
        (t, "floor: 1%, warn: 3.5", "floor: 1%",
            "quality_thresholds.yaml, line 13: datasets.sales.anomalies[0]: needs `warn`, `fail` or both"),
        (t, "warn: 3.5", "warn: 3.5e1",
            "quality_thresholds.yaml, line 13: datasets.sales.anomalies[0].warn: must be a plain number, such as 0.05, is `3.5e1`"),
        (t, "      - { metric: sum(total)", "      - { metric: sum(total), warn: 1 }\n      - { metric: sum(total)",
            "quality_thresholds.yaml, line 14: datasets.sales.anomalies[1]: `sum(total)` comes twice"),
        (t, "{ column: sale_id, warn: 0.2 }", "{ column: sale, warn: 0.2 }",
            "quality_thresholds.yaml, line 15: datasets.sales.drifts[0].column: no column `sale`; known: sale_id, quantity, total, sold_at, events"),
        (t, "every: day, ", "",
            "quality_thresholds.yaml, line 17: datasets.sales.arrivals: `every` is missing"),
        (t, "every: day", "every: week",
            "quality_thresholds.yaml, line 17: datasets.sales.arrivals.every: `week` is unknown; known: day, hour"),
        (t, "fresh: { warn: 36 }", "fresh: { warn: 36h }",
            "quality_thresholds.yaml, line 16: datasets.sales.fresh.warn: must be a plain number, such as 0.05, is `36h`"),
    ];
    let mut wrong = String::new();
    for (file, from, to, message) in cases {
        let error = error(file, from, to);
        if error != *message {
            wrong += &format!("{from:?} -> {to:?}\n    {error}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
