//! The tables that are held, as people and programs are told of them.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::state::State;
use crate::verdict::Verdict;

/// The tables that are held, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// The first commit that is held.
    pub since: u64,
    /// The last commit of which readers see the tables; `None` if they see none.
    pub published: Option<u64>,
    /// The tables that have changed since, in the order of their names. Those of checks are not held.
    pub tables: Vec<String>,
    /// The verdicts that keep them from being published.
    pub verdicts: Vec<HoldingVerdict>,
}

/// Something that keeps tables from being published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldingVerdict {
    /// The check.
    pub check: String,
    /// The verdict itself.
    pub verdict: Verdict,
}

impl Holding {
    /// Returns the tables that are held in this state; `None` if all are published.
    pub fn of(state: &State) -> Option<Self> {
        let held = state.held.as_ref()?;
        let verdict =
            |(check, verdict): (&String, &Verdict)| HoldingVerdict { check: check.clone(), verdict: verdict.clone() };
        Some(Self {
            since: held.since,
            published: state.gold.keys().any(|name| state.published(name).is_some()).then(|| held.published_as_of()),
            tables: held.published.keys().filter(|name| !state.checks.contains_key(*name)).cloned().collect(),
            verdicts: state.holding().map(verdict).collect(),
        })
    }

    /// Returns the names of the checks that keep the tables from being published, each once.
    pub fn checks(&self) -> Vec<&str> {
        let mut checks: Vec<_> = self.verdicts.iter().map(|verdict| verdict.check.as_str()).collect();
        checks.dedup();
        checks
    }

    /// Returns a sentence for each verdict.
    pub fn verdicts(&self) -> Vec<String> {
        self.verdicts.iter().map(|it| sentence(&it.check, &it.verdict)).collect()
    }

    /// Returns sentences: one for each verdict, then what follows from them and what one can do.
    pub fn sentences(&self) -> Vec<String> {
        let Self { since, published, .. } = self;
        let mut sentences = self.verdicts();
        let checks = self.checks();
        let show = checks.iter().map(|check| format!("`smelt show {check}`")).collect::<Vec<_>>().join(" and ");
        let despite = checks.iter().map(|check| format!("--despite {check}")).collect::<Vec<_>>().join(" ");
        let stay = match published {
            None => "no table is published yet".to_owned(),
            Some(published) => format!("the tables stay as of commit {published}"),
        };
        sentences.push(format!(
            "{stay}, and what was made since commit {since} is held: {show} has the verdicts, `smelt show TABLE --newest` the \
             rows that are held, and `smelt publish {despite} --why TEXT` publishes them anyway"
        ));
        sentences
    }
}

/// Returns what a verdict says, as a sentence.
pub fn sentence(check: &str, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Failed { expectation, row } => {
            let cell =
                |(column, text): &(String, String)| format!("{column}: {}", if text.is_empty() { "-" } else { text });
            let row = row.iter().map(cell).collect::<Vec<_>>().join(", ");
            format!("check `{check}`: expectation `{expectation}` failed ({row})")
        }
        Verdict::More { rows, .. } => format!("check `{check}`: {rows} more expectations failed"),
        Verdict::Missing { why } => format!("check `{check}` has not judged the newest tables: {why}"),
    }
}

impl Serialize for HoldingVerdict {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { check, verdict } = self;
        let json = match verdict {
            Verdict::Failed { expectation, row } => {
                let row: Map<String, Value> = row.iter().map(|(column, text)| (column.clone(), json!(text))).collect();
                json!({"check": check, "expectation": expectation, "row": row})
            }
            Verdict::More { rows, .. } => json!({"check": check, "more": rows}),
            Verdict::Missing { why } => json!({"check": check, "why": why}),
        };
        json.serialize(serializer)
    }
}
