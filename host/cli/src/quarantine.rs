//! `smelt quarantine`: rejected rows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::lock::short;
use super::promote::promote;
use super::table::{render, rules, thousands};
use super::{Common, print, print_json};
use crate::components::read_file;
use smelt_catalog::look;
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_engine::quarantine::{Filter, Held, Replayed, held, replay, rows};
use smelt_engine::run::{Host, Way};
use smelt_runtime::plugin_of;

#[derive(Debug, Args)]
pub(super) struct Quarantine {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show which bronze objects have rejected rows
    List(Which),
    /// Show the rows themselves; they may hold personal data
    Show(Show),
    /// Show how many rows each rule rejects
    Stats(Which),
    /// Send the rejected rows, and they alone, through a component, and show what would pass now
    Replay(Replay),
    /// Show, or delete, rows that were rejected long ago; they stay counted
    Purge(Purge),
}

/// Which rows are meant; all, if nothing is given.
#[derive(Debug, Args)]
struct Which {
    /// Of this dataset
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Rejected by this rule
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Of the bronze object of this name
    #[arg(long, value_name = "NAME")]
    object: Option<String>,
    /// By the component whose sha256 begins so
    #[arg(long, value_name = "SHA256")]
    component: Option<String>,
}

#[derive(Debug, Args)]
struct Show {
    #[command(flatten)]
    which: Which,
    /// So many rows at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = smelt_common::text::number::<usize>)]
    limit: usize,
}

#[derive(Debug, Args)]
#[command(after_help = "\
What passes joins silver and gold with --apply: the component becomes the current one, as `smelt plugin promote` does it, and \
the dataset is made anew with it. All its rows are cleaned again then, because only that shows that those kept before stay as \
they were.")]
struct Replay {
    #[command(flatten)]
    which: Which,
    /// Through this component, whose file is named as the plugin; by default what runs now
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// Make what passes part of the lake
    #[arg(long)]
    apply: bool,
}

#[derive(Debug, Args)]
struct Purge {
    #[command(flatten)]
    which: Which,
    /// Only rows that were rejected longer ago than this; by default what [privacy] quarantine_for says
    #[arg(long, value_name = "TIME", value_parser = smelt_common::text::duration)]
    older_than: Option<Duration>,
    /// Delete them; without this nothing is changed
    #[arg(long)]
    delete: bool,
}

impl Which {
    fn filter(&self) -> Filter {
        let Self { dataset, rule, object, component } = self;
        Filter { dataset: dataset.clone(), rule: rule.clone(), object: object.clone(), component: component.clone() }
    }

    /// Needs the lake alone, not the pipeline.
    fn held<T>(&self, common: &Common, with: impl Fn(&dyn smelt_storage::Store, Vec<Held>) -> Result<T>) -> Result<T> {
        let lake = common.lake()?;
        lake.expect()?;
        let store = lake.open()?;
        look(&*store, |state| with(&*store, held(&*store, state, &self.filter())?))
    }
}

impl Quarantine {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        match &self.verb {
            Verb::List(which) => list(common, which),
            Verb::Show(show) => show.run(common),
            Verb::Stats(which) => stats(common, which),
            Verb::Replay(replay) => replay.run(common),
            Verb::Purge(purge) => purge.run(common),
        }
    }
}

fn list(common: &Common, which: &Which) -> Result<ExitCode> {
    let held = which.held(common, |_, held| Ok(held))?;
    match common.json {
        true => print_json(&held)?,
        false => print(&table(&held)),
    }
    Ok(ExitCode::SUCCESS)
}

fn table(held: &[Held]) -> String {
    let row = |held: &Held| {
        let Held { dataset, object, component, read, rejected, quarantine, rejected_at: _ } = held;
        let place = quarantine.as_ref().map_or("not kept", |stored| stored.key.as_str());
        let component = short(component).to_owned();
        vec![dataset.clone(), object.clone(), thousands(*read), rules(rejected), component, place.to_owned()]
    };
    render(
        &["dataset", "bronze object", "read", "rejected", "component", "quarantine object"],
        &held.iter().map(row).collect::<Vec<_>>(),
    )
}

/// What a rule rejected.
#[derive(Serialize)]
struct Stat<'h> {
    dataset: &'h str,
    rule: &'h str,
    rows: u64,
    /// Bronze objects with such rows.
    objects: u64,
}

fn stats(common: &Common, which: &Which) -> Result<ExitCode> {
    let held = which.held(common, |_, held| Ok(held))?;
    let mut by_rule: BTreeMap<(&str, &str), Stat<'_>> = BTreeMap::new();
    for Held { dataset, rejected, .. } in &held {
        for (rule, rows) in rejected {
            let stat = by_rule.entry((dataset, rule)).or_insert(Stat { dataset, rule, rows: 0, objects: 0 });
            stat.rows += rows;
            stat.objects += 1;
        }
    }
    let stats: Vec<_> = by_rule.into_values().collect();
    if common.json {
        print_json(&stats)?;
        return Ok(ExitCode::SUCCESS);
    }
    let row = |stat: &Stat<'_>| {
        vec![stat.dataset.to_owned(), stat.rule.to_owned(), thousands(stat.rows), thousands(stat.objects)]
    };
    print(&render(&["dataset", "rule", "rows", "objects"], &stats.iter().map(row).collect::<Vec<_>>()));
    Ok(ExitCode::SUCCESS)
}

impl Show {
    fn run(&self, common: &Common) -> Result<ExitCode> {
        let (shown, of) = self.which.held(common, |store, held| {
            let mut shown: Vec<Map<String, Value>> = Vec::new();
            for held in &held {
                if shown.len() >= self.limit {
                    break;
                }
                shown.extend(rows(store, held)?);
            }
            shown.truncate(self.limit);
            Ok((shown, held.iter().flat_map(|held| held.rejected.values()).sum::<u64>()))
        })?;
        if common.json {
            print_json(&shown)?;
            return Ok(ExitCode::SUCCESS);
        }
        let text = |row: &Map<String, Value>, key: &str| match row.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let row =
            |row: &Map<String, Value>| ["rule", "object", "row", "detail", "raw"].map(|key| text(row, key)).to_vec();
        print(&render(
            &["rule", "bronze object", "row", "detail", "record"],
            &shown.iter().map(row).collect::<Vec<_>>(),
        ));
        print(&format!("\n{} of {} rejected rows\n", thousands(shown.len() as u64), thousands(of)));
        Ok(ExitCode::SUCCESS)
    }
}

impl Replay {
    fn run(&self, common: &Common) -> Result<ExitCode> {
        common.lake()?.expect()?;
        let with = self.with.as_ref().map(|path| {
            let name = plugin_of(path);
            Ok::<_, Error>((name, read_file(path, u64::MAX)?))
        });
        let with = with.transpose()?;
        let (host, _) = common.load(with.as_ref().map(|(name, binary)| (name.as_str(), binary)))?;
        host.expect_key(&host.state()?)?;
        let is_meant = |dataset: &str| match &with {
            // Only what that plugin is to clean.
            Some((name, _)) => {
                host.pipeline().dataset(dataset).is_some_and(|step| *step.plugin.identity().name == **name)
            }
            None => true,
        };
        if let Some((name, _)) =
            with.as_ref().filter(|_| !host.pipeline().datasets.iter().any(|step| is_meant(&step.name)))
        {
            return Err(Error::config(format!("no dataset of the manifest uses plugin `{name}`")));
        }
        let (lost, replayed) = look(host.store(), |state| {
            let mut held = held(host.store(), state, &self.which.filter())?;
            held.retain(|held| is_meant(&held.dataset));
            let lost = held.iter().filter(|held| held.quarantine.is_none()).count();
            Ok((lost, replay(host.store(), host.pipeline(), host.as_of(), &held)?))
        })?;
        let applies = self.apply && replayed.iter().any(|replayed| replayed.passed() > 0);
        match (common.json, applies) {
            (false, _) => print(&replayed_text(&replayed, lost)),
            (true, false) => print_json(&json!({"replayed": replayed, "not_kept": lost}))?,
            // What follows says what it did.
            (true, true) => {}
        }
        if !applies {
            return Ok(ExitCode::SUCCESS);
        }
        match with {
            Some((name, binary)) => promote(common, &name, &binary, false, Way::Forward),
            None => super::roles::apply(common, &host),
        }
    }
}

fn replayed_text(replayed: &[Replayed], lost: usize) -> String {
    let row = |replayed: &Replayed| {
        let Replayed { dataset, rows, passed, rejected } = replayed;
        vec![dataset.clone(), thousands(*rows), rules(passed), rules(rejected)]
    };
    let mut text = render(
        &["dataset", "rows sent", "would pass, by the rule that rejected them", "rejected again"],
        &replayed.iter().map(row).collect::<Vec<_>>(),
    );
    if lost > 0 {
        text.push_str(&format!(
            "  the rejected rows of {} objects are not kept, so they were not sent\n",
            thousands(lost as u64)
        ));
    }
    text
}

impl Purge {
    fn run(&self, common: &Common) -> Result<ExitCode> {
        let host: Host = common.host_on_lake()?;
        let age = self.older_than.or(host.pipeline().quarantine_for).ok_or_else(|| {
            Error::config("how old? `--older-than 30d`, or `quarantine_for = \"30d\"` in [privacy], would be right")
        })?;
        if self.which.rule.is_some() {
            return Err(Error::config(
                "rows of all rules of an object lie together, so a rule cannot be purged by itself",
            ));
        }
        let filter = self.which.filter();
        let (old, former) = look(host.store(), |state| {
            let old = host.older_than(held(host.store(), state, &filter)?, age)?;
            // A rollback point goes whole: without its rejected rows it would not be what it was.
            Ok((old, host.former_older_than(state, &filter, age)?))
        })?;
        if self.delete {
            host.purge(&old, &former)?;
        }
        if common.json {
            print_json(&json!({"deleted": self.delete, "objects": old, "former": former}))?;
            return Ok(ExitCode::SUCCESS);
        }
        let rows: u64 = old.iter().flat_map(|held| held.rejected.values()).sum();
        let done = match (old.is_empty() && former.is_empty(), self.delete) {
            (true, _) => "nothing is that old",
            (_, true) => "deleted; they stay counted, and bronze has them",
            (_, false) => "would be deleted; --delete deletes them",
        };
        let table = if old.is_empty() { String::new() } else { table(&old) + "\n" };
        let former: String =
            former.iter().map(|plugin| format!("what is kept for a rollback of {plugin}, with its rows\n")).collect();
        print(&format!("{table}{former}{} rows of {} objects: {done}\n", thousands(rows), thousands(old.len() as u64)));
        Ok(ExitCode::SUCCESS)
    }
}
