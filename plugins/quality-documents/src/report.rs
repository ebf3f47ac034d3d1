//! The lines of a document, from the parts that sort as they are written.

use std::collections::BTreeMap;

use smelt_sdk::prelude::*;
use smelt_sdk_quality::{Judged, STATUSES, Tally};

use crate::json::Json;
use crate::rows::OfDocument;

pub(crate) const ALERT: &str = "quality_alert.txt";
pub(crate) const REPORT: &str = "quality_report.json";

/// The sections of a document after its counts, in order.
#[derive(Clone, Copy)]
pub(crate) enum Section {
    /// Blocks of the alert.
    Objects,
    /// Expectations of datasets.
    Datasets,
    /// Objects that do not count.
    Held,
}

/// A line of a text file. A file is its lines in order, each with a line end.
#[derive(Row)]
pub(crate) struct Document<'a> {
    file: &'a str,
    /// Counts from 1.
    line: i64,
    text: &'a str,
}

/// The document that is written, as far as its parts have come.
#[derive(Default, Saved)]
pub(crate) struct Writing {
    file: String,
    line: i64,
    rules: String,
    datasets: BTreeMap<String, Tally>,
    /// Set once the counts are written, or where there are none.
    has_begun: bool,
    /// Parts of the report that wait until it is known whether it is healthy, as their section and text.
    parts: Vec<(i64, String)>,
    fails: bool,
}

impl Writing {
    /// Takes a row of the document.
    pub(crate) fn take(&mut self, row: OfDocument<'_>, out: &mut Out<Document<'static>>) -> Result<()> {
        match row {
            OfDocument::Counted {
                file,
                dataset,
                object: _,
                status,
                rules,
                score,
                present,
                cells,
                read,
                kept,
                rejected,
                superseded,
            } => {
                self.begin(file);
                rules.clone_into(&mut self.rules);
                let judged = Judged { status, score, present, cells, read, kept, rejected, superseded };
                self.datasets.entry(dataset.to_owned()).or_default().add(&judged)
            }
            OfDocument::Text { file, section, text, fails, .. } => {
                self.begin(file);
                self.fails |= fails;
                if file == REPORT {
                    self.parts.push((section, text.to_owned()));
                    return Ok(());
                }
                self.head(out)?;
                self.lines(text, out)
            }
        }
    }

    fn begin(&mut self, file: &str) {
        if self.file.is_empty() {
            file.clone_into(&mut self.file);
        }
    }

    /// Writes the first line of the alert.
    fn head(&mut self, out: &mut Out<Document<'static>>) -> Result<()> {
        if self.file != ALERT || std::mem::replace(&mut self.has_begun, true) {
            return Ok(());
        }
        let counts = STATUSES.iter().enumerate().map(|(at, status)| format!("{} {status}", self.count(at)));
        let counts = counts.collect::<Vec<_>>().join(", ");
        let line = format!("{} objects: {counts}; as of {}", self.objects(), day(out)?);
        self.lines(&line, out)
    }

    fn count(&self, status: usize) -> i64 {
        self.datasets.values().map(|tally| tally.statuses[status]).sum()
    }

    fn objects(&self) -> i64 {
        self.datasets.values().map(Tally::objects).sum()
    }

    fn lines(&mut self, text: &str, out: &mut Out<Document<'static>>) -> Result<()> {
        text.split('\n').try_for_each(|text| {
            self.line += 1;
            out.add(Document { file: &self.file, line: self.line, text })
        })
    }

    /// Writes what is left.
    pub(crate) fn end(mut self, out: &mut Out<Document<'static>>) -> Result<()> {
        self.head(out)?;
        if self.file != REPORT {
            return Ok(());
        }
        let statuses = STATUSES.iter().enumerate().map(|(at, status)| ((*status).to_owned(), self.count(at)));
        let statuses = statuses.map(|(status, count)| (status, Json::plain(Some(count)))).collect();
        let datasets = self.datasets.iter().map(|(name, tally)| dataset(name, tally)).collect::<Result<Vec<_>>>()?;
        let of = |wanted: Section| {
            let texts = self.parts.iter().filter(|(section, _)| *section == wanted as i64);
            Json::List(texts.map(|(_, text)| Json::read(text)).collect())
        };
        let report = Json::object([
            ("as_of", Json::text(Some(&out.as_of()?.to_string()))),
            ("rules", Json::text(Some(&self.rules))),
            ("healthy", Json::plain(Some(!self.fails))),
            ("objects", Json::plain(Some(self.objects()))),
            ("status", Json::Object(statuses)),
            ("datasets", Json::List(datasets)),
            ("dataset_expectations", of(Section::Datasets)),
            ("held", of(Section::Held)),
        ]);
        let text = report.write(0);
        self.lines(&text, out)
    }
}

fn day(out: &Out<Document<'static>>) -> Result<String> {
    let (year, month, day) = out.day()?.ymd();
    Ok(format!("{year:04}-{month:02}-{day:02}"))
}

fn dataset(name: &str, tally: &Tally) -> Result<Json> {
    let mut members = vec![("dataset", Json::text(Some(name))), ("objects", Json::plain(Some(tally.objects())))];
    let statuses = STATUSES.iter().zip(tally.statuses);
    members.extend(statuses.map(|(status, count)| (*status, Json::plain(Some(count)))));
    members.extend([
        ("read", Json::plain(Some(tally.read))),
        ("kept", Json::plain(Some(tally.kept))),
        ("rejected", Json::plain(Some(tally.rejected))),
        ("superseded", Json::plain(Some(tally.superseded))),
        ("score", Json::plain(tally.score())),
        ("completeness", Json::plain(tally.completeness()?)),
    ]);
    Ok(Json::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
}
