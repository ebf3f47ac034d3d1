//! `/api/v1` and its description.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use smelt_catalog::{Audit, Change, Despite, Entry, Failing, Failure, Judgement, Verdict};
use smelt_formats::Formulas;

use crate::support::{Server, TestLake, by, reading, shape};

const DESCRIPTION: &str = include_str!("../../assets/openapi.json");

fn description() -> Value {
    serde_json::from_str(DESCRIPTION).expect("JSON")
}

/// Returns the value with every object closed, so that a field that is not described is noticed.
fn closed(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut closed_object: Map<_, _> = object.iter().map(|(key, value)| (key.clone(), closed(value))).collect();
            if object.get("type") == Some(&json!("object")) && object.get("properties").is_some_and(Value::is_object) {
                closed_object.entry("additionalProperties").or_insert(json!(false));
            }
            closed_object.into()
        }
        Value::Array(values) => values.iter().map(closed).collect(),
        value => value.clone(),
    }
}

/// Returns what is wrong with a value.
fn wrong(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::draft202012::new(schema).expect("a schema");
    validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path())).collect()
}

/// Returns what is wrong with an answer of a path by its description.
fn wrong_answer(path: &str, answer: &Value) -> Vec<String> {
    let description = description();
    let mut schema =
        closed(&description["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]);
    schema["components"] = closed(&description["components"]);
    wrong(&schema, answer)
}

/// Returns the paths that the routes have.
fn routes() -> BTreeSet<&'static str> {
    let source = include_str!("../../src/routes/api.rs");
    source.split(".route(\"").skip(1).map(|rest| rest.split('"').next().expect("a path")).collect()
}

#[test]
fn the_description_has_every_route_and_no_other() {
    let description = description();
    let described: BTreeSet<_> = description["paths"].as_object().expect("paths").keys().map(String::as_str).collect();
    assert_eq!(described, routes());
    assert!(described.len() > 10);
}

/// The rules of OpenAPI 3.1 for the parts that the description has: any other part is a mistake until it has a rule here.
#[test]
fn the_description_is_openapi() {
    let text = json!({"type": "string", "minLength": 1, "maxLength": 400});
    let closed_object = |required: &[&str], properties: Value| json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false});
    let any_schema = json!({"type": ["object", "boolean"]});
    let by_name = |of: &str| json!({"type": "object", "minProperties": 1, "additionalProperties": {"$ref": format!("#/$defs/{of}")}});
    let content = closed_object(
        &[],
        json!({"application/json": {"$ref": "#/$defs/media"}, "text/plain": {"$ref": "#/$defs/media"}}),
    );
    let responses = json!({
        "type": "object", "required": ["200"], "additionalProperties": false,
        "patternProperties": {"^[1-5][0-9][0-9]$": {"oneOf": [{"$ref": "#/$defs/response"}, {"$ref": "#/$defs/reference"}]}},
    });
    let rules = json!({
        "type": "object", "required": ["openapi", "info", "paths"], "additionalProperties": false,
        "properties": {
            "openapi": {"pattern": "^3\\.1\\.[0-9]+$"},
            "info": closed_object(&["title", "version"], json!({"title": text, "version": text, "summary": text, "description": text})),
            "servers": {"type": "array", "items": closed_object(&["url"], json!({"url": text}))},
            "security": {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "array", "items": text}}},
            "paths": {"type": "object", "additionalProperties": false, "patternProperties": {"^/": closed_object(&["get"], json!({"get": {"$ref": "#/$defs/operation"}}))}},
            "components": closed_object(&[], json!({"schemas": by_name("schema"), "responses": by_name("response"), "securitySchemes": by_name("scheme")})),
        },
        "$defs": {
            "schema": any_schema,
            "reference": closed_object(&["$ref"], json!({"$ref": {"pattern": "^#/components/responses/[A-Za-z]+$"}})),
            "media": closed_object(&["schema"], json!({"schema": {"$ref": "#/$defs/schema"}})),
            "response": closed_object(&["description", "content"], json!({"description": text, "content": content})),
            "scheme": closed_object(&["type", "scheme"], json!({"type": {"const": "http"}, "scheme": {"const": "bearer"}, "description": text})),
            "operation": closed_object(&["operationId", "summary", "responses"], json!({
                "operationId": {"pattern": "^[a-z]+$"}, "summary": text, "responses": responses,
                "parameters": {"type": "array", "items": {"$ref": "#/$defs/parameter"}},
            })),
            "parameter": {
                "allOf": [closed_object(&["name", "in", "description", "schema"], json!({
                    "name": text, "in": {"enum": ["query", "path"]}, "description": text, "required": {"type": "boolean"},
                    "schema": {"$ref": "#/$defs/schema"}, "style": {"const": "form"}, "explode": {"type": "boolean"},
                }))],
                "if": {"properties": {"in": {"const": "path"}}}, "then": {"required": ["required"], "properties": {"required": {"const": true}}},
            },
        },
    });
    let description = description();
    assert_eq!(wrong(&rules, &description), Vec::<String>::new());
    let operations =
        || description["paths"].as_object().expect("paths").iter().map(|(path, item)| (path, &item["get"]));
    let ids: BTreeSet<_> = operations().map(|(_, operation)| operation["operationId"].as_str()).collect();
    assert_eq!(ids.len(), operations().count(), "every operation has an id of its own");
    for (path, operation) in operations() {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let of_path: Vec<_> = parameters
            .iter()
            .filter(|it| it["in"] == "path")
            .map(|it| format!("{{{}}}", it["name"].as_str().expect("a name")))
            .collect();
        assert_eq!(of_path.len(), path.matches('{').count(), "{path}");
        assert!(of_path.iter().all(|name| path.contains(name.as_str())), "{path}");
    }
    // Each schema is one of JSON Schema 2020-12, and each reference leads somewhere.
    let mut pending = vec![&description];
    while let Some(value) = pending.pop() {
        match value {
            Value::Object(object) => {
                if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                    let pointer = reference.strip_prefix('#').expect("a reference within the description");
                    assert!(description.pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                if let Some(schema) = object.get("schema") {
                    assert!(jsonschema::meta::is_valid(schema), "{schema}");
                }
                pending.extend(object.values());
            }
            Value::Array(values) => pending.extend(values),
            _ => {}
        }
    }
    for (name, schema) in description["components"]["schemas"].as_object().expect("schemas") {
        assert!(jsonschema::meta::is_valid(schema), "{name}");
        assert!(DESCRIPTION.contains(&format!("\"#/components/schemas/{name}\"")), "nothing uses {name}");
    }
}

/// A lake that has something of everything, and what is missing too.
async fn full_lake(lake: &TestLake) -> Server {
    let sales = shape(
        &[
            ("id", "int64"),
            ("when", "timestamp?"),
            ("amount", "decimal128(38,4)?"),
            ("ratio", "float64"),
            ("who", "utf8?"),
        ],
        &[0],
    );
    let lines = "3,2024-01-01T00:00:00Z,9007199254740993.0001,NaN,anna\n1,,,inf,\n2,2024-01-01T10:00:00.500000Z,-0.5000,-0.25,=1+1\n";
    let silver = lake.file("silver/d.csv", &sales, lines, Formulas::Keep);
    let rules = |rows| [("bad_date".to_owned(), rows)].into();
    let entry = Entry {
        rejected: rules(2),
        repaired: rules(1),
        read: silver.rows + 3,
        superseded: vec![1],
        silver,
        ..Entry::some()
    };
    let mut dataset = lake.dataset_of("sales", &sales, &[("a.csv".to_owned(), entry)]);
    dataset.relation.fingerprint.key = Some("0123".to_owned());
    lake.commit_dataset("sales", dataset);
    let checks = shape(&[("expectation", "utf8"), ("severity", "utf8"), ("passed", "boolean")], &[0]);
    let table = |lines: &str| reading(lake.kept("table", &sales, lines), &["sales"]);
    let kpi = || reading(lake.in_file("gold/kpi.csv", &sales, lines), &["table", "gone"]);
    lake.commit_tables([("table", table(lines)), ("kpi", kpi())]);
    lake.commit_rows("table", table("1,,,1,\n"), "1,,,1,\n", lines);
    let failed = Verdict::Failed { expectation: "few".to_owned(), row: vec![("n".to_owned(), "3".to_owned())] };
    let verdicts = vec![
        failed,
        Verdict::More { rows: 2, content: Default::default() },
        Verdict::Missing { why: "it failed".to_owned() },
    ];
    let despite = Despite { why: "known".to_owned(), at: "2024-01-01T00:00:00Z".to_owned(), verdicts: vec![] };
    let judgement = Judgement { failed: verdicts, despite: Some(despite), ..Judgement::default() };
    let failure = Failure { version: String::new(), attempts: 3, why: "no".to_owned() };
    lake.commit(&Change {
        gold: [
            ("table".to_owned(), table(lines)),
            ("check".to_owned(), lake.kept("check", &checks, "few,fail,false\n")),
        ]
        .into(),
        audit: Some(Audit { judgements: [("check".to_owned(), judgement)].into(), is_held: true, ..Audit::default() }),
        failing_kpis: [(
            "kpi".to_owned(),
            Failing { fingerprint: by("kpi"), items: [("kpi".to_owned(), failure)].into() },
        )]
        .into(),
        ..Change::new("aggregate")
    });
    lake.page("p", "title = \"P\"\nchart = []\n");
    lake.page("wrong", "title = 1\n");
    lake.serve().await
}

#[tokio::test]
async fn every_answer_is_as_described() {
    let lake = TestLake::new();
    let full = full_lake(&lake).await;
    let empty = TestLake::new();
    let empty = empty.serve().await;
    let targets = [
        ("/openapi.json", "/openapi.json"),
        ("/state", "/state"),
        ("/relations", "/relations"),
        ("/relations/{name}", "/relations/sales"),
        ("/relations/{name}", "/relations/table"),
        ("/relations/{name}", "/relations/kpi"),
        ("/relations/{name}", "/relations/check"),
        ("/relations/{name}/rows", "/relations/sales/rows?sort=-when&f.who=&offset=0"),
        ("/relations/{name}/rows", "/relations/check/rows"),
        ("/relations/{name}/row", "/relations/table/row?id=3"),
        ("/relations/{name}/row", "/relations/kpi/row?id=77"),
        ("/relations/{name}/history", "/relations/table/history"),
        ("/relations/{name}/history", "/relations/sales/history"),
        ("/relations/{name}/objects", "/relations/sales/objects"),
        ("/relations/{name}/objects", "/relations/kpi/objects"),
        ("/quality", "/quality"),
        ("/runs", "/runs?before=4&limit=2"),
        ("/runs", "/runs"),
        ("/runs/{commit}", "/runs/4"),
        ("/plugins", "/plugins"),
        ("/pages", "/pages"),
    ];
    let mut tried = BTreeSet::new();
    for (path, target) in targets {
        tried.insert(path);
        let answer = full.get(&format!("/api/v1{target}")).await;
        assert!(answer.head.contains("content-type: application/json"), "{}", answer.head);
        let answer = answer.json();
        assert_eq!(wrong_answer(path, &answer), Vec::<String>::new(), "{target}: {answer:#}");
        if !path.contains('{') {
            let answer = empty.get(&format!("/api/v1{target}")).await.json();
            assert_eq!(wrong_answer(path, &answer), Vec::<String>::new(), "{target} of an empty lake: {answer:#}");
        }
    }
    assert_eq!(tried, routes(), "every route is tried");
    let other = json!({"total": 0, "offset": 0, "rows": [], "commit": 0, "more": 1});
    assert_eq!(wrong_answer("/relations/{name}/rows", &other).len(), 1, "a field that is not described is noticed");
}

#[tokio::test]
async fn rows_keep_their_digits_and_the_order_of_their_columns() {
    let lake = TestLake::new();
    let server = full_lake(&lake).await;
    let rows = server.get("/api/v1/relations/sales/rows").await.text();
    let expected = [
        r#"{"id":1,"when":null,"amount":null,"ratio":null,"who":null}"#,
        r#"{"id":2,"when":"2024-01-01T10:00:00.500000Z","amount":-0.5000,"ratio":-0.25,"who":"=1+1"}"#,
        r#"{"id":3,"when":"2024-01-01T00:00:00Z","amount":9007199254740993.0001,"ratio":null,"who":"anna"}"#,
    ];
    for row in expected {
        assert!(rows.contains(row), "{row}: {rows}");
    }
    let row = server.get("/api/v1/relations/sales/row?id=3").await.text();
    assert!(row.contains(expected[2]), "{row}");
}

#[tokio::test]
async fn rows_are_filtered_sorted_and_paged() {
    let lake = TestLake::new();
    let server = full_lake(&lake).await;
    let ids = async |query: &str| {
        let answer = server.get(&format!("/api/v1/relations/sales/rows?{query}")).await.json();
        let ids: Vec<_> =
            answer["rows"].as_array().expect("rows").iter().map(|row| row["id"].as_i64().expect("a number")).collect();
        (answer["total"].as_u64().expect("a number"), ids)
    };
    assert_eq!(ids("sort=-id").await, (3, vec![3, 2, 1]));
    assert_eq!(ids("sort=when&sort=-id&limit=2").await, (3, vec![3, 2]));
    assert_eq!(ids("sort=when,-id&limit=2").await, (3, vec![3, 2]));
    assert_eq!(ids("offset=2").await, (3, vec![3]));
    assert_eq!(ids("offset=99&limit=5").await, (3, vec![]));
    assert_eq!(ids("f.id=1&f.id=3").await, (2, vec![1, 3]));
    assert_eq!(ids("from.amount=-0.7&to.amount=1.00000001").await, (1, vec![2]));
    assert_eq!(ids("from.when=2024-01-01&to.when=2024-01-01").await, (2, vec![2, 3]));
    assert_eq!(ids("q=ANN").await, (1, vec![3]));
    assert_eq!(ids("f.nothing=1&sort=nothing&offset=-1&limit=x").await, (3, vec![1, 2, 3]));
}

#[tokio::test]
async fn what_is_not_there_is_a_line_of_text_that_names_what_is() {
    let lake = TestLake::new();
    let server = full_lake(&lake).await;
    for target in [
        "/relations/sails",
        "/relations/sails/rows",
        "/relations/sails/row",
        "/relations/sails/history",
        "/relations/sails/objects",
    ] {
        let answer = server.get(&format!("/api/v1{target}")).await;
        assert_eq!(answer.status, 404, "{target}");
        assert!(answer.text().contains("there are sales, check, kpi, table"), "{target}: {}", answer.text());
    }
    for (target, why) in [
        ("/runs/99", "no commit 99"),
        ("/runs/0", "no commit 0"),
        ("/runs/last", "no commit last"),
        ("/runs/-1", "no commit -1"),
        ("/none", "no such page"),
    ] {
        let answer = server.get(&format!("/api/v1{target}")).await;
        assert_eq!(answer.status, 404, "{target}");
        assert!(answer.text().contains(why), "{target}: {}", answer.text());
    }
}
