//! The documents whose commands a reader is to type: `docs/story.md` and `docs/your-own-data.md`, command by command.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use crate::support::{Lake, root};

/// Runs the commands of a document in a directory of its own, with these variables. Returns the directory and what they said;
/// `None` if something that they need is not installed.
fn told(document: &str, variables: &[(&str, &str)]) -> Option<(Lake, String)> {
    let text = std::fs::read_to_string(root().join("docs").join(document)).expect("the document");
    let blocks: Vec<_> = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() > 3);
    // Hosts that the document starts are ended with it, however it ends.
    let script = format!("set -eu\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n{}", blocks.join("\n"));
    let lake = Lake::new();
    let smelt = std::path::Path::new(env!("CARGO_BIN_EXE_smelt")).parent().expect("it is in a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(lake.path())
        .env("PATH", format!("{}:{path}", smelt.display()))
        .env("SMELT_HOME", root())
        .env("SMELT_TOOLS", root().join("target/tools"))
        .env("SMELT_CACHE_DIR", root().join("target/components/cache"))
        .env_remove("SMELT_LAKE")
        .env_remove("SMELT_PII_KEY")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("bash starts");
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    if output.status.code() == Some(69) {
        eprintln!("skipped: {}", stderr.lines().last().unwrap_or_default());
        return None;
    }
    assert!(output.status.success(), "{}\n{stdout}\n{stderr}", output.status);
    Some((lake, stdout))
}

#[test]
fn every_command_of_the_story_does_what_it_says() {
    let Some((lake, stdout)) = told("story.md", &[]) else { return };
    // The reader was told to expect these.
    for said in [
        ") → 1.1.0 (",
        "KPI sales_by_hour: ",
        "KPIs restored: sales_by_hour",
        "it is what was recorded",
        "all is as it was written",
        "by sales-by-hour 1.0.0",
    ] {
        assert!(stdout.contains(said), "no `{said}` in\n{stdout}");
    }
    let html = std::fs::read_to_string(lake.path().join("diff.html")).expect("a page");
    assert!(html.contains("<h2>KPI sales_by_hour</h2>"));
    let events = std::fs::read_to_string(lake.path().join("events.jsonl")).expect("events");
    assert_eq!(events.lines().count(), 2);
}

/// The orders and cents of each customer, by another hand: lines with a customer, a positive quantity and a price, each once.
fn spent_by_customer(files: &[Vec<u8>]) -> BTreeMap<String, (u64, i64)> {
    let mut lines: BTreeMap<String, (String, i64)> = BTreeMap::new();
    for file in files {
        let mut reader = csv::Reader::from_reader(file.as_slice());
        for line in reader.records().map(|line| line.expect("a line")) {
            let (quantity, customer) = (line[3].parse::<i64>().expect("a number"), line[6].to_owned());
            if quantity > 0 && !customer.is_empty() {
                let cents = line[5].replace('.', "").parse::<i64>().expect("a price");
                let id = format!("{}-{}-{}-{}", &line[0], &line[1], &line[3], &line[5]);
                lines.insert(id, (customer, quantity * cents));
            }
        }
    }
    let mut spent: BTreeMap<String, (u64, i64)> = BTreeMap::new();
    for (customer, cents) in lines.into_values() {
        let of = spent.entry(customer).or_default();
        *of = (of.0 + 1, of.1 + cents);
    }
    spent
}

#[test]
fn a_file_of_another_shop_comes_to_segments_by_a_manifest_alone() {
    let Some((directory, stdout)) = told("your-own-data.md", &[("ROWS", "6000")]) else { return };
    for said in ["1 file taken in", "missing_client_id", "champion,", "reports/segments.xlsx", "online_retail_"] {
        assert!(stdout.contains(said), "no `{said}` in\n{stdout}");
    }
    let shop = directory.path().join("shop");
    let mut show = Command::new(env!("CARGO_BIN_EXE_smelt"));
    show.args(["show", "client_kpis", "--pipeline"]).arg(&shop).arg("--lake").arg(shop.join("lake"));
    let output = show.env("SMELT_CACHE_DIR", root().join("target/components/cache")).output().expect("smelt starts");
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    let header = reader.headers().expect("a header").clone();
    let at = |name: &str| header.iter().position(|other| other == name).expect("a column");
    let (client, orders, total) = (at("client_id"), at("orders"), at("total_spent"));
    let found: BTreeMap<String, (u64, i64)> = reader
        .records()
        .map(|row| row.expect("a row"))
        .filter(|row| &row[orders] != "0")
        .map(|row| {
            let cents = row[total].replace('.', "").parse().expect("money");
            (row[client].to_owned(), (row[orders].parse().expect("a number"), cents))
        })
        .collect();
    let files = ["online_retail_II.csv", "online_retail_new.csv"];
    let files = files.map(|file| std::fs::read(shop.join("lake/incoming").join(file)).expect("it is there"));
    assert_eq!(found, spent_by_customer(&files));
}
