//! `smelt plugin diff`.

mod html;

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::lock::short;
use super::table::{render, thousands};
use super::{Common, print, print_json};
use crate::components::read_file;
use smelt_catalog::{State, kept_component};
use smelt_common::binary::Binary;
use smelt_common::cost::Cost;
use smelt_common::error::{Kind, Result};
use smelt_common::text::one_line;
use smelt_common::{Error, files};
use smelt_engine::inspect::diff::{Both, Comparing, Costs, Diff, RowDiff, Rules, TableDiff};
use smelt_engine::run::Host;
use smelt_runtime::plugin_of;

/// The shortest beginning of a digest that names a component.
const SHORTEST: usize = 8;

/// What to compare.
#[derive(Debug, Args)]
#[command(after_help = "\
A component is a file, the name of a plugin (what runs now), or the beginning of the sha256 of one that the lake keeps. Both \
run over the data that is committed; nothing is published.

Exit status: 0 nothing is different, 1 something is, 2 they cannot be compared.")]
pub(super) struct Compare {
    /// The one component
    old: String,
    /// The other
    new: String,
    /// Of a cleaner, only this dataset; can be given again
    #[arg(long, value_name = "NAME")]
    dataset: Vec<String>,
    /// Of a cleaner, compare the rows of so many objects of each dataset, spread evenly over all
    #[arg(long, value_name = "N", default_value = "100", value_parser = smelt_common::text::number::<NonZeroU32>)]
    sample: NonZeroU32,
    /// Show so many differences of each kind
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = smelt_common::text::number::<usize>)]
    examples: usize,
    /// Also write a page for people
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl Compare {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let lake = common.lake()?;
        lake.expect()?;
        let now = common.host()?;
        let state = now.state()?;
        now.expect_key(&state)?;
        let (old, new) = (self.find(&self.old, &now, &state)?, self.find(&self.new, &now, &state)?);
        let plugin = match (old.name, new.name) {
            (Some(one), Some(other)) if one != other => {
                return Err(Error::config(format!(
                    "`{one}` and `{other}` are two plugins; versions of one can be compared"
                )));
            }
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => {
                return Err(Error::config(
                    "neither says of which plugin it is; the name of one, or a file named as it, would be right",
                ));
            }
        };
        let load = |binary: &Binary| {
            let loaded = common.load(Some((&plugin, binary)));
            loaded.map(|(host, _)| host).map_err(|error| error.context(binary.shown()))
        };
        let (old, new) = (load(&old.binary)?, load(&new.binary)?);
        let comparing = Comparing {
            lake: &lake,
            plugin: &plugin,
            old: &old,
            new: &new,
            datasets: &self.dataset,
            sample: self.sample.get() as usize,
            examples: self.examples,
        };
        let diff = comparing.diff()?;
        if let Some(path) = &self.html {
            files::write(path, html::page(&diff)).map_err(|error| {
                Error::new(Kind::Unavailable, format!("cannot write `{}`: {error}", path.display()))
            })?;
        }
        match common.json {
            true => print_json(&diff)?,
            false => print(&self.text(&diff)),
        }
        Ok(if diff.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn find(&self, what: &str, now: &Host, state: &State) -> Result<Component> {
        let path = Path::new(what);
        if path.exists() && !path.is_dir() {
            let stem = plugin_of(path);
            return Ok(Component { name: Some(stem), binary: read_file(path, u64::MAX)? });
        }
        if let Ok(identity) = now.pipeline().identity(what) {
            return Ok(Component { name: Some(what.to_owned()), binary: identity.binary.clone() });
        }
        let known: Vec<_> = state.components.keys().filter(|sha256| sha256.starts_with(what)).collect();
        match known.as_slice() {
            [sha256] if what.len() >= SHORTEST => {
                Ok(Component { name: None, binary: kept_component(now.store(), sha256)? })
            }
            _ => Err(Error::config(format!(
                "`{what}` is no component: a file, a plugin of the pipeline, or {SHORTEST} digits or more of the sha256 of \
                 just one that the lake keeps would be right"
            ))),
        }
    }

    fn text(&self, diff: &Diff) -> String {
        let Diff { plugin, old, new, datasets, kpis } = diff;
        let mut text =
            format!("{plugin}: {} ({}) → {} ({})\n", old.version, short(&old.sha256), new.version, short(&new.sha256));
        datasets.iter().for_each(|diff| text.push_str(&rows(diff)));
        kpis.iter().for_each(|diff| text.push_str(&self.table(diff)));
        if datasets.is_empty() && kpis.is_empty() {
            text.push_str("\nno section of the manifest uses it for data that is committed\n");
        }
        text
    }

    fn table(&self, diff: &TableDiff) -> String {
        let TableDiff { kpi, key: _, columns, same, changed, added, removed, cost } = diff;
        let mut text = format!(
            "\nkpi {kpi}: {} rows the same, {} changed, {} added, {} removed\n",
            thousands(*same as u64),
            thousands(changed.len() as u64),
            thousands(added.len() as u64),
            thousands(removed.len() as u64)
        );
        let heading: Vec<_> = [""].into_iter().chain(columns.iter().map(String::as_str)).collect();
        let line = |mark: &str, row: &[String]| [&[mark.to_owned()], row].concat();
        let changes = changed.iter().take(self.examples).map(|row| {
            let cells = row.old.iter().zip(&row.new);
            let cells = cells.map(|(old, new)| if old == new { old.clone() } else { format!("{old} → {new}") });
            line("~", &cells.collect::<Vec<_>>())
        });
        let some = |mark: &'static str, rows: &[Vec<String>]| {
            rows.iter().take(self.examples).map(|row| line(mark, row)).collect::<Vec<_>>()
        };
        let all: Vec<_> = changes.chain(some("+", added)).chain(some("-", removed)).collect();
        if !all.is_empty() {
            text.push_str(&render(&heading, &all));
        }
        text + &costs(cost, "all of silver")
    }
}

/// A component, and of which plugin it is if that is known.
struct Component {
    name: Option<String>,
    binary: Binary,
}

fn rows(diff: &RowDiff) -> String {
    let RowDiff {
        dataset,
        objects,
        of,
        rows,
        same,
        changed,
        added,
        removed,
        rejected,
        repaired,
        columns,
        cells,
        moved,
        cost,
    } = diff;
    let mut text = format!(
        "\ndataset {dataset}: {} rows of {} of {} objects; kept alike {}, changed {}, kept only by the new one {}, only by the \
         old one {}\n",
        thousands(*rows),
        thousands(*objects as u64),
        thousands(*of as u64),
        thousands(*same),
        thousands(*changed),
        thousands(*added),
        thousands(*removed)
    );
    for (what, rules) in [("rejected", rejected), ("repaired", repaired)] {
        let _ = writeln!(text, "  {what}: {}", counts(rules));
    }
    if !columns.is_empty() {
        let columns: Vec<_> = columns.iter().map(|(column, cells)| format!("{} {column}", thousands(*cells))).collect();
        let _ = writeln!(text, "  cells changed: {}", columns.join(", "));
        let row = |cell: &smelt_engine::inspect::diff::ChangedCell| {
            vec![cell.object.clone(), cell.row.to_string(), cell.column.clone(), cell.old.clone(), cell.new.clone()]
        };
        text.push_str(&render(
            &["bronze object", "row", "column", "old", "new"],
            &cells.iter().map(row).collect::<Vec<_>>(),
        ));
    }
    for (what, some) in [("kept only by the new one", &moved.new), ("kept only by the old one", &moved.old)] {
        if !some.is_empty() {
            let some: Vec<_> = some.iter().map(|(object, row)| format!("{} row {row}", one_line(object))).collect();
            let _ = writeln!(text, "  {what}, for example: {}", some.join(", "));
        }
    }
    text + &costs(cost, "these objects")
}

/// `5 missing_id, 3 → 0 invalid_date`
fn counts(rules: &Rules) -> String {
    let one = |(rule, Both { old, new }): (&String, &Both<u64>)| match old == new {
        true => format!("{} {rule}", thousands(*old)),
        false => format!("{} → {} {rule}", thousands(*old), thousands(*new)),
    };
    let all: Vec<_> = rules.iter().map(one).collect();
    if all.is_empty() { "0".to_owned() } else { all.join(", ") }
}

fn costs(Both { old, new }: &Costs, of: &str) -> String {
    let one = |Cost { micros, memory_bytes, fuel }: &Cost| {
        let (ms, mib) = (*micros as f64 / 1e3, *memory_bytes as f64 / f64::from(1 << 20));
        format!("{ms:.1} ms, {} instructions, {mib:.1} MiB", thousands(*fuel))
    };
    format!("  cost of {of}: {} → {}\n", one(old), one(new))
}
