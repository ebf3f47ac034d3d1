//! The rules for what counts, as a plain program: object by object in the order of files, each compared with all before it.
//! Random sets of objects with revisions and decisions are judged by both.

use std::collections::{BTreeMap, BTreeSet};

use smelt_sdk::testing::Trial;

use super::*;

const SCHEMAS: &str =
    r#"{"version": 1, "datasets": {"known": {"columns": {}}, "d": {"columns": {"t": {"type": "text"}}}}}"#;
const RULES: &str = "version: 1
datasets:
  d:
    - { name: once, unique: { columns: [t], within: dataset }, fail: 0.4 }
    - { name: known, refers: { column: t, to: known.k }, fail: 0.6 }
";
const THRESHOLDS: &str = "version: 1
datasets:
  d:
    anomalies:
      - { metric: rows, last: 3, history: 2, floor: 1, warn: 0, fail: 2.698 }
";

struct Object {
    name: String,
    file: usize,
    texts: Vec<u64>,
    decision: Option<&'static str>,
}

/// A generator of numbers: splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % limit
    }
}

fn objects(random: &mut Random) -> Vec<Object> {
    let mut objects = vec![];
    for file in 0..1 + random.below(9) as usize {
        for revision in 1..=1 + random.below(5).saturating_sub(2) {
            let suffix = if revision == 1 { String::new() } else { format!(".r{revision:02}") };
            let texts = (0..1 + random.below(9)).map(|_| random.below(40)).collect();
            let decision = [None, None, None, None, Some("release"), Some("withhold")][random.below(6) as usize];
            objects.push(Object { name: format!("d_{file}.csv{suffix}"), file, texts, decision });
        }
    }
    objects
}

/// Returns the number of failing rows of both rules and the verdict of each object.
fn judged(objects: &[Object], known: &BTreeSet<u64>) -> Vec<(String, usize, usize, bool)> {
    let mut counting: BTreeMap<usize, &Object> = BTreeMap::new();
    let mut verdicts = vec![];
    for object in objects {
        let before: Vec<_> = counting.range(..object.file).map(|(_, object)| *object).collect();
        let seen: BTreeSet<u64> = before.iter().flat_map(|object| object.texts.iter().copied()).collect();
        let repeats = |(at, text): (usize, &u64)| seen.contains(text) || object.texts[..at].contains(text);
        let repeated = object.texts.iter().enumerate().filter(|&row| repeats(row)).count();
        let orphans = object.texts.iter().filter(|text| !known.contains(text)).count();
        let history: Vec<usize> = before.iter().rev().take(3).map(|object| object.texts.len()).collect();
        let all = object.texts.len();
        // Twice the median and four times the spread are whole numbers.
        let median = |mut values: Vec<i64>| {
            values.sort_unstable();
            values[(values.len() - 1) / 2] + values[values.len() / 2]
        };
        let odd = history.len() >= 2 && {
            let center = median(history.iter().map(|&rows| rows as i64).collect());
            let spread = median(history.iter().map(|&rows| (2 * rows as i64 - center).abs()).collect());
            // 0.6745 d > 2.698 S, where 2.698 is four times 0.6745.
            2 * (2 * all as i64 - center).abs() > 4 * spread.max(4)
        };
        let refused = repeated * 10 > all * 4 || orphans * 10 > all * 6 || odd;
        verdicts.push((object.name.clone(), repeated, orphans, refused));
        if object.decision != Some("withhold") && (!refused || object.decision == Some("release")) {
            counting.insert(object.file, object);
        }
    }
    verdicts
}

#[test]
fn objects_that_count_are_those_of_the_plain_program() {
    let header = "dataset,object,file,revision,stamp,sha256,bytes,unreadable,content_sha256,content_bytes,header,records,\
                  malformed,decision,why\n";
    for seed in 0..25 {
        let mut random = Random(seed);
        let objects = objects(&mut random);
        let known: BTreeSet<u64> = (0..40).filter(|_| random.below(3) > 0).collect();
        let (mut bronze, mut cells) =
            (header.to_owned(), "smelt.object,smelt.stamp,smelt.row,smelt.malformed,t\n".to_owned());
        for Object { name, texts, decision, .. } in &objects {
            let (file, revision) = rows::revision(name);
            let (rows, decision) = (texts.len(), decision.unwrap_or_default());
            bronze += &format!("d,{name},{file},{revision},,x,1,,{name},1,\"[\"\"t\"\"]\",{rows},0,{decision},\n");
            for (row, text) in texts.iter().enumerate() {
                cells += &format!("{name},,{row},false,{text}\n");
            }
        }
        let values: String = known.iter().map(|text| format!("{text}\n")).collect();
        let trial = Trial::of(expectations)
            .parameters(parameters(), &tests::given("d", [SCHEMAS, RULES, THRESHOLDS]))
            .rows("smelt.bronze", &bronze)
            .rows("bronze.d", &cells)
            .rows("known", &format!("k\n{values}"));
        let found = trial.columns("object kind expectation failing verdict");
        let found = found.unwrap_or_else(|fault| panic!("{}", fault.message));
        let mut verdicts: Vec<(String, usize, usize, bool)> = vec![];
        let (mut repeated, mut orphans) = (0, 0);
        for line in found {
            let cells: Vec<&str> = line.split(' ').collect();
            match (cells[1], cells[2]) {
                ("expectation", "unique.once") => repeated = cells[3].parse().expect("a count"),
                ("expectation", "refers.known") => orphans = cells[3].parse().expect("a count"),
                ("object", _) => verdicts.push((cells[0].to_owned(), repeated, orphans, cells[4] == "refused")),
                _ => {}
            }
        }
        assert_eq!(verdicts, judged(&objects, &known), "seed {seed}");
    }
}
